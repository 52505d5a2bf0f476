"""收运: who takes food waste and oil away, under which licence, and what he took today."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import BadInputError
from kitchen import collectors, rows, waste
from kitchen.collectors import (
    Collector,
    CollectorValues,
    Destination,
    HandoverValues,
    PaperFinding,
)
from kitchen.waste import Stream
from server import kitchen_day, sites
from server.access import needs
from server.pages.kitchen import signing
from server.pages.kitchen.blueprint import kitchen
from server.pages.kitchen.entry import grams, one_of, read
from server.pages.kitchen.fields import day, given, key, photo, said
from server.pages.kitchen.more import TILES, Tile
from server.pages.shared import as_uuid, change, reading, site_id

TILES.append(Tile("kitchen.collectors", _l("收运"), _l("餐厨垃圾和废油交给谁，双方签字")))


@dataclass(frozen=True, slots=True)
class Shown:
    """A collector, and its papers that are over or soon will be."""

    row: Collector
    papers: tuple[PaperFinding, ...]

    @property
    def barred(self) -> bool:
        """It may take nothing."""
        return any(one.over for one in self.papers) or not self.row.active


@kitchen.get("/collectors", endpoint="collectors")
@needs("see_kitchen")
def collectors_page() -> str:
    """Today's balance, who may take it, what was taken."""
    today = day()
    with reading() as session:
        found = _all(session, today)
        taken = collectors.page(session, site_id(), today)
        balance = collectors.balance(
            waste.totals(session, site_id(), today, today),
            collectors.handed_over(session, site_id(), today, today),
        )
        return render_template(
            "kitchen/collectors.html",
            found=found,
            taken=list(reversed(taken)),
            taken_off={row.voids for row in taken if row.voids},
            balance=balance,
        )


@kitchen.get("/collectors/hand-over/<any(food, oil):stream>")
@needs("do_kitchen")
def handover_form(stream: str) -> str:
    """What goes, to whom, with both signatures."""
    with reading() as session:
        found = [
            one
            for one in _all(session, day())
            if one.row.active and stream in one.row.streams
        ]  # fmt: skip
        venues = sites.venues(session, site_id())
        return render_template(
            "kitchen/collectors_hand_over.html", stream=stream, found=found, venues=venues
        )


@kitchen.post("/collectors/hand-over/<any(food, oil):stream>")
@needs("do_kitchen")
def handed_over(stream: str) -> AnyResponse:
    """The collector has loaded it, or it lies on the compost."""

    def work(session: Session) -> None:
        person = signing.acting()
        compost = request.form.get("collector") == Destination.COMPOST.value
        venue = sites.get_venue(session, site_id(), _venue(session))
        values = read(
            HandoverValues,
            "collection",
            venue_id=venue.id,
            stream=stream,
            grams=grams("grams", "kg"),
            collector_id=None if compost else one_of("collector"),
            receiver=said("receiver"),
            signature=photo(session, person),
        )
        row = collectors.hand_over(session, person, values, day=day(), key=key())
        if row.stream == Stream.FOOD.value:
            kitchen_day.collected(session, person, day(), str(row.id))

    if change(work, _("已登记收运")):
        return redirect(url_for("kitchen.collectors"))
    return redirect(url_for("kitchen.handover_form", stream=stream))


@kitchen.post("/collectors/handovers/<uuid:handover_id>/void")
@needs("do_kitchen")
def handover_voided(handover_id: UUID) -> AnyResponse:
    """A slip: a second row takes it off."""
    change(
        lambda session: collectors.void(
            session, signing.acting(), handover_id, reason=said(), key=key()
        ),
        _("已作废"),
    )
    return redirect(url_for("kitchen.collectors"))


@kitchen.get("/collectors/new")
@needs("run_kitchen")
def collector_form() -> str:
    """Where a collector is added."""
    return render_template("kitchen/collectors_one.html", row=None)


@kitchen.get("/collectors/<uuid:collector_id>")
@needs("run_kitchen")
def collector_page(collector_id: UUID) -> str:
    """One collector."""
    with reading() as session:
        row = rows.get(session, Collector, site_id(), collector_id, "collector")
    return render_template("kitchen/collectors_one.html", row=row)


@kitchen.post("/collectors/new")
@needs("run_kitchen")
def collector_added() -> AnyResponse:
    """A collector more."""
    if change(
        lambda session: collectors.create(session, signing.acting(), _values(active=True)),
        _("已登记"),
    ):
        return redirect(url_for("kitchen.collectors"))
    return redirect(url_for("kitchen.collector_form"))


@kitchen.post("/collectors/<uuid:collector_id>")
@needs("run_kitchen")
def collector_changed(collector_id: UUID) -> AnyResponse:
    """Its licence was renewed, or it takes nothing any more."""
    change(
        lambda session: collectors.update(
            session, signing.acting(), collector_id, _values(active="active" in request.form)
        ),
        _("已保存"),
    )
    return redirect(url_for("kitchen.collector_page", collector_id=collector_id))


def _values(*, active: bool) -> CollectorValues:
    streams = [one for one in Stream if one.value in request.form.getlist("streams")]
    if not streams:
        raise BadInputError(_("请选择它收什么"))
    return given(CollectorValues, streams=streams, active=active)


def _all(session: Session, today: date) -> list[Shown]:
    query = select(Collector).where(Collector.site_id == site_id()).order_by(Collector.name)
    return [
        Shown(row, collectors.papers(collectors.values_of(row), today))
        for row in session.scalars(query)
    ]


def _venue(session: Session) -> UUID:
    venues = sites.venues(session, site_id())
    asked = as_uuid(request.form.get("venue"))
    if asked is None and venues:
        return venues[0].id
    return asked or site_id()
