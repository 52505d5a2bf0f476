"""今日: what the kitchen has to do today, in the order of its work, until nothing is left."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from flask import Response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import BadInputError
from kitchen import pictures, rows, supervision
from kitchen.pictures import Picture
from kitchen.supervision import Proof, SupervisionItem
from kitchen.supervision_score import State, score, state_of
from kitchen.supervision_templates import TENTHS, Evidence, shown
from server import bookings, kitchen_day, uploads
from server.access import may, needs
from server.actor import Actor
from server.pages import scale_words, site_view
from server.pages.kitchen import doors, people, samples, signing
from server.pages.kitchen.blueprint import kitchen
from server.pages.kitchen.morning import KINDS
from server.pages.shared import actor, change, reading, site_id
from server.services import services

SOON = timedelta(minutes=30)
_NUMBER = re.compile(r"[-−]?[0-9]{1,5}(?:[.,][0-9])?")
_LATE = {State.LATE, State.ESCALATED}
_TICKED = {Evidence.NONE.value, Evidence.TICK.value}
"""Done by one touch, by the account of the tablet."""
_OVER = {State.DONE, State.DONE_LATE, State.WAIVED}


@dataclass(frozen=True, slots=True)
class Card:
    """An act as the tablet shows it."""

    row: SupervisionItem
    state: State
    soon: bool
    early: bool
    way: doors.Way | None
    """To the page whose record closes it."""

    @property
    def light(self) -> str:
        """The class of its edge."""
        if self.state in _LATE:
            return "late"
        return "over" if self.state in _OVER else "soon" if self.soon else ""

    @property
    def unit(self) -> str:
        """As people say it."""
        return self.row.unit.removeprefix(TENTHS)

    def shown(self, number: int | None) -> str:
        """A number of the act in :attr:`unit`."""
        if number is None:
            return ""
        return shown(number, self.row.unit).removesuffix(self.unit).strip()


@kitchen.get("/")
@needs("see_kitchen")
def today() -> str:
    """The list of the day; it is made when somebody looks first."""
    now, view = services().clock.now(), site_view.current()
    day = view.today(now)
    acts = _acts(day) or _make_list(day)
    cards = [_card(row, now) for row in acts]
    waiting = [card for card in cards if card.state not in _OVER]
    waiting.sort(key=lambda card: (card.state not in _LATE, card.row.due_at, card.row.place))
    with reading() as session:
        ends = people.ending(session, day) if may("run_kitchen") else []
    with reading() as session:
        red = samples.red(session, now)
        booked = bookings.counts(session, site_id(), day, day)
        weighing = scale_words.watch(session)
    return render_template(
        "kitchen/today.html",
        day=day,
        red=red,
        weighing=[
            one for one in scale_words.lines(weighing) if one.light == "stop" or may("run_kitchen")
        ],
        ends=ends,
        certificates=KINDS,
        waiting=waiting,
        over=[card for card in cards if card.state in _OVER],
        late=sum(card.state in _LATE for card in waiting),
        soon=sum(card.soon for card in waiting),
        score=score(acts, now),
        period=view.period_name,
        booked=_in_order({code: count for (_day, code), count in booked.items()}),
    )


@kitchen.get("/acts/<uuid:item_id>")
@needs("see_kitchen")
def act(item_id: UUID) -> str:
    """One act: what proves it, and the means to do it."""
    with reading() as session:
        card = _card(_row(session, item_id), services().clock.now())
        return render_template(
            "kitchen/act.html", card=card, row=card.row, period=site_view.current().period_name
        )


@kitchen.post("/acts/<uuid:item_id>")
@needs("do_kitchen")
def act_done(item_id: UUID) -> AnyResponse:
    """Somebody has done it."""

    def work(session: Session) -> None:
        row = _row(session, item_id)
        ticked = row.evidence in _TICKED and signing.FIELD not in request.form
        found = actor() if ticked else signing.acting()
        supervision.complete(session, found, item_id, _proof(session, row, found))

    if change(work, _("已记录")):
        return redirect(url_for("kitchen.today"))
    return redirect(url_for("kitchen.act", item_id=item_id))


@kitchen.post("/acts/<uuid:item_id>/waiver")
@needs("do_kitchen")
def act_ask_waiver(item_id: UUID) -> AnyResponse:
    """Somebody says that it is not needed today, and why; it waits for another person."""
    reason = request.form.get("reason", "")
    change(
        lambda session: supervision.ask_waiver(session, signing.acting(), item_id, reason),
        _("已提交，等负责人同意"),
    )
    return redirect(url_for("kitchen.act", item_id=item_id))


@kitchen.post("/acts/<uuid:item_id>/waive")
@needs("run_kitchen")
def act_waive(item_id: UUID) -> AnyResponse:
    """Another person agrees."""
    change(lambda session: supervision.waive(session, actor(), item_id), _("已同意免做"))
    return redirect(url_for("kitchen.act", item_id=item_id))


@kitchen.get("/pictures/<uuid:picture_id>")
@needs("see_kitchen")
def picture(picture_id: UUID) -> Response:
    """A photograph that proves something."""
    with reading() as session:
        row = rows.get(session, Picture, site_id(), picture_id, "photograph")
        return Response(row.jpeg, mimetype="image/jpeg")


def _in_order(booked: dict[str, int]) -> list[tuple[str, int]]:
    """Period and covers, in the order in which the meals are served; what is none comes last."""
    order = {one.code: place for place, one in enumerate(site_view.current().policy.periods)}
    return sorted(booked.items(), key=lambda one: order.get(one[0], len(order)))


def _row(session: Session, item_id: UUID) -> SupervisionItem:
    return rows.get(session, SupervisionItem, site_id(), item_id, "act")


def _acts(day: date) -> Sequence[SupervisionItem]:
    with reading() as session:
        return supervision.day_list(session, site_id(), day)


def _make_list(day: date) -> Sequence[SupervisionItem]:
    policy, found = site_view.current().policy, actor()
    change(lambda session: kitchen_day.make_list(session, found, policy), "")
    return _acts(day)


def _card(row: SupervisionItem, now: datetime) -> Card:
    state = state_of(row, now)
    soon = state is State.OPEN and row.due_at - now <= SOON
    return Card(row, state, soon, early=now < row.opens_at, way=doors.way(row))


def _proof(session: Session, row: SupervisionItem, found: Actor) -> Proof:
    """What the form shows for an act.

    Raises:
        BadInputError: the number is none, or the picture is no photograph.
    """
    given = request.form
    typed = given.get("number", "").strip()
    file = request.files.get("photo")
    photo = ""
    if file is not None and file.filename:
        photo = pictures.keep(session, found, uploads.read_picture(file.stream))
    return Proof(
        number=read_number(typed, row.unit) if typed else None,
        photo=photo,
        signature="session" if row.evidence == Evidence.SIGNATURE.value else "",
        note=given.get("note", "").strip()[:200],
        problem=given.get("problem", "").strip()[:200],
    )


def read_number(typed: str, unit: str) -> int:
    """A number as it was typed, in the unit of its act.

    Raises:
        BadInputError: no number, or more decimals than the unit has.
    """
    if _NUMBER.fullmatch(typed) is None:
        raise BadInputError(
            f"'{typed[:20]}' is no number: type digits, such as 4.1", code="bad_number"
        )
    whole, _dot, part = typed.replace("−", "-").replace(",", ".").partition(".")
    if unit.startswith(TENTHS):
        return int(f"{whole}{part or '0'}")
    if part not in {"", "0"}:
        raise BadInputError(
            f"'{typed}' has a decimal: whole numbers are counted here", code="bad_number"
        )
    return int(whole)
