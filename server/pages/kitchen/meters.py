"""水电气: readings on the pad, and each day against its norm."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import BadInputError
from kitchen import meters, rows
from kitchen.meters import AskAgainError, Kind, Meter, MeterReading, MeterValues, ReadingValues
from server.access import needs
from server.pages import charts
from server.pages.kitchen import fields, signing
from server.pages.kitchen.blueprint import kitchen
from server.pages.kitchen.more import TILES, Tile
from server.pages.shared import actor, change, reading, site_id
from server.reports import sales

DAYS = 14
KINDS: dict[Kind, LazyString] = {Kind.WATER: _l("水"), Kind.POWER: _l("电"), Kind.GAS: _l("气")}
UNITS: dict[Kind, str] = {Kind.WATER: "m³", Kind.POWER: "kWh", Kind.GAS: "m³"}

TILES.append(Tile("kitchen.meter_list", _l("水电气"), _l("抄表，对照用水用电定额")))


@dataclass(frozen=True, slots=True)
class Use:
    """What a meter used lately.

    Attributes:
        days: Each day against its norm, the newest first.
        plot: The same as a drawing; its line is norm × covers.
    """

    days: Sequence[meters.MeterDay]
    plot: charts.Columns


@kitchen.get("/meters")
@needs("see_kitchen")
def meter_list() -> str:
    """The meters, and which are not read today."""
    with reading() as session:
        every = session.scalars(
            select(Meter)
            .where(Meter.site_id == site_id())
            .order_by(Meter.active.desc(), Meter.name)
        ).all()
        unread = {row.id for row in meters.unread(session, site_id(), fields.day())}
        last = {row.id: _last(session, row.id) for row in every}
    return render_template(
        "kitchen/meters.html", every=every, unread=unread, last=last, KINDS=KINDS, UNITS=UNITS
    )


@kitchen.get("/meters/<uuid:meter_id>")
@needs("see_kitchen")
def meter(meter_id: UUID) -> str:
    """One meter: the pad, its last reading, and two weeks of use."""
    with reading() as session:
        row = rows.get(session, Meter, site_id(), meter_id, "meter")
        last = _last(session, meter_id)
        use = _use(session, meter_id)
    return render_template(
        "kitchen/meter.html", row=row, last=last, use=use, KINDS=KINDS, UNITS=UNITS,
        ask=request.args.get("ask", ""), restart=request.args.get("restart", ""),
        day=fields.day(),
    )  # fmt: skip


@kitchen.post("/meters/<uuid:meter_id>")
@needs("do_kitchen")
def meter_read(meter_id: UUID) -> AnyResponse:
    """A reading; one far above the usual is asked about once more."""
    again: list[str] = []

    def work(session: Session) -> None:
        by = signing.acting()
        value = fields.thousandths("value")
        if value is None:
            raise BadInputError(_("请输入读数"))
        values = fields.given(
            ReadingValues,
            meter_id=meter_id,
            value=value,
            restart=fields.thousandths("restart"),
            photo=fields.photo(session, by),
        )
        try:
            meters.read(session, by, fields.key(), fields.day(), values)
        except AskAgainError:
            again.append(fields.said("value"))
            raise

    if change(work, _("已抄表")):
        return redirect(url_for("kitchen.meter_list"))
    ask = again[0] if again else None
    restart = fields.said("restart") if again else None
    return redirect(url_for("kitchen.meter", meter_id=meter_id, ask=ask, restart=restart))


@kitchen.post("/meters/<uuid:meter_id>/withdraw/<uuid:reading_id>")
@needs("run_kitchen")
def meter_withdraw(meter_id: UUID, reading_id: UUID) -> AnyResponse:
    """A wrong reading is taken back, so that the right one can be written."""

    def work(session: Session) -> None:
        meters.withdraw(session, actor(), reading_id, fields.said())

    change(work, _("读数已撤回，请重新抄表"))
    return redirect(url_for("kitchen.meter", meter_id=meter_id))


@kitchen.route("/meters/new", methods=["GET", "POST"])
@needs("run_kitchen")
def meter_new() -> str | AnyResponse:
    """Add a meter."""

    def work(session: Session) -> None:
        meters.create(session, actor(), _values())

    if request.method == "POST" and change(work, _("已添加")):
        return redirect(url_for("kitchen.meter_list"))
    return render_template("kitchen/meter_edit.html", row=None, KINDS=KINDS)


@kitchen.route("/meters/<uuid:meter_id>/edit", methods=["GET", "POST"])
@needs("run_kitchen")
def meter_edit(meter_id: UUID) -> str | AnyResponse:
    """Change a meter, or retire it."""

    def work(session: Session) -> None:
        meters.update(session, actor(), meter_id, _values())

    if request.method == "POST" and change(work, _("已保存")):
        return redirect(url_for("kitchen.meter", meter_id=meter_id))
    with reading() as session:
        row = rows.get(session, Meter, site_id(), meter_id, "meter")
    return render_template("kitchen/meter_edit.html", row=row, KINDS=KINDS)


def _use(session: Session, meter_id: UUID) -> Use:
    last = fields.day()
    first = last - timedelta(days=DAYS - 1)
    covers = {
        day: found.covers
        for day, found in sales.day_figures(session, site_id(), first, last).items()
    }
    days = [
        one
        for one in meters.days(session, site_id(), first, last, covers)
        if one.meter_id == meter_id
    ]
    limits = [(one.compared.norm or 0) * one.compared.covers for one in days]
    plot = charts.columns(
        [f"{one.day:%m-%d}" for one in days],
        [one.compared.used for one in days],
        limits if any(limits) else None,
        base=132,
    )
    return Use(days[::-1], plot)


def _last(session: Session, meter_id: UUID) -> MeterReading | None:
    query = select(MeterReading).where(
        MeterReading.site_id == site_id(),
        MeterReading.meter_id == meter_id,
        MeterReading.withdrawn_at.is_(None),
    )
    order = (MeterReading.business_date.desc(), MeterReading.at.desc(), MeterReading.id.desc())
    return session.scalar(query.order_by(*order).limit(1))


def _values() -> MeterValues:
    return fields.given(MeterValues, norm=fields.thousandths("norm"))
