"""Advance orders (预订): dishes ordered on the phone, kept aside, paid and taken at a pick-up.

A round (一次预订) offers dishes with so many portions until its cut-off; they are handed out in a
window of time. An order holds its portions: the round's row is locked while they are counted, so
that no portion is promised twice. Nothing is paid before the pick-up: whoever hands the dishes out
reads the code, and the till takes the money as of any other basket.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base
from dafan.errors import BadInputError
from dafan.pick_up import CODE_DIGITS, PickDish, PickUp, code_text
from kitchen.dishes import Dish
from server import bookings, feed, preorder_rounds
from server.actor import Actor
from server.preorder_rounds import PreorderError, PreorderRound, UnknownPreorderError

KIND = "preorder"
"""Of the feed: what tills know of an order that nobody has paid."""
_KEY = 96


class OrderState(StrEnum):
    """How far an order has come."""

    ORDERED = "ordered"
    PAID = "paid"
    """A till has sold it."""
    CANCELLED = "cancelled"
    COLLECTED = "collected"


class CollectedError(BadInputError):
    """The order was handed out before."""

    code = "preorder_collected"


class Preorder(Base):
    """What one diner ordered at once."""

    __tablename__ = "preorder"
    __table_args__ = (
        UniqueConstraint("site_id", "code"),
        Index("ix_preorder_round_id_state", "round_id", "state"),
        Index("ix_preorder_diner_id_id", "diner_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    round_id: Mapped[UUID] = mapped_column(ForeignKey("preorder_round.id"))
    diner_id: Mapped[UUID]
    code: Mapped[str] = mapped_column(String(CODE_DIGITS))
    state: Mapped[str] = mapped_column(String(12))
    ordered_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    """Cancelled or collected."""
    ended_by: Mapped[str | None] = mapped_column(String(80))
    ended_key: Mapped[str | None] = mapped_column(String(_KEY))
    """Of the form that handed it out: sent again it is no second pick-up."""

    @property
    def shown_code(self) -> str:
        """``1234 5678``."""
        return f"{self.code[:4]} {self.code[4:]}"


class PreorderLine(Base):
    """A dish of an order, as it was shown."""

    __tablename__ = "preorder_line"

    preorder_id: Mapped[UUID] = mapped_column(ForeignKey("preorder.id"), primary_key=True)
    item_id: Mapped[UUID] = mapped_column(ForeignKey("preorder_item.id"), primary_key=True)
    dish_id: Mapped[UUID]
    name: Mapped[str] = mapped_column(String(80))
    quantity: Mapped[int]
    price: Mapped[int]
    """Fen for one portion on the day of the order."""


@dataclass(frozen=True, slots=True)
class Order:
    """An order with its dishes and its round."""

    row: Preorder
    lines: tuple[PreorderLine, ...]
    round: PreorderRound

    @property
    def total(self) -> int:
        """Fen at the prices of the order; the till takes those of the pick-up."""
        return sum(line.quantity * line.price for line in self.lines)

    def missed(self, now: datetime) -> bool:
        """Nobody came for it."""
        return self.row.state == OrderState.ORDERED.value and now > self.round.pick_until

    def ready(self, now: datetime) -> bool:
        """It waits to be taken now."""
        inside = self.round.pick_from <= now <= self.round.pick_until
        return self.row.state == OrderState.ORDERED.value and inside


def order(
    session: Session, actor: Actor, diner_id: UUID, round_id: UUID, order_id: UUID,
    wanted: Mapping[UUID, int],
) -> Preorder:  # fmt: skip
    """Order dishes of a round; the same form again orders them once.

    Args:
        session: Writing.
        actor: The diner.
        diner_id: The same.
        round_id: Of what.
        order_id: Made when the form was opened.
        wanted: Item → portions; zero is left out.

    Raises:
        UnknownPreorderError: no such round here.
        PreorderError: too late, nothing chosen, more than one may have, or than there are.
        BookingError: his account is frozen.
    """
    known = session.get(Preorder, order_id)
    if known is not None:
        if (known.diner_id, known.round_id) != (diner_id, round_id):
            raise PreorderError("this form was used before: reload the page", code="key_reused")
        return known
    told = preorder_rounds.get_round(session, actor.site_id, round_id, lock=True)
    if not told.open_at(actor.at):
        raise PreorderError("it is too late to order", code="preorder_closed")
    bookings.require_active(session, actor.site_id, diner_id)
    chosen = {item: count for item, count in wanted.items() if count}
    items = {one.id: one for one in preorder_rounds.items_of(session, [round_id]).get(round_id, [])}
    if not chosen or chosen.keys() - items.keys() or min(chosen.values()) < 0:
        raise PreorderError("choose how many portions of which dish", code="preorder_nothing")
    before = had(session, round_id, diner_id)
    for item_id, count in chosen.items():
        item = items[item_id]
        if before.get(item_id, 0) + count > item.most_each:
            raise PreorderError("that is more than one diner may have", code="preorder_most")
        if count > item.left:
            raise PreorderError("there are not so many portions left", code="preorder_sold_out")
        item.taken += count
    row = Preorder(
        id=order_id, site_id=actor.site_id, round_id=round_id, diner_id=diner_id,
        code=_new_code(session, actor.site_id), state=OrderState.ORDERED.value,
        ordered_at=actor.at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    there = dishes(session, [items[one].dish_id for one in chosen])
    for item_id, count in chosen.items():
        dish = there[items[item_id].dish_id]
        session.add(
            PreorderLine(
                preorder_id=row.id, item_id=item_id, dish_id=dish.id, name=dish.name,
                quantity=count, price=dish.price or 0,
            )
        )  # fmt: skip
    session.flush()
    after = {str(items[one].dish_id): count for one, count in chosen.items()}
    actor.record(session, "preorder.order", str(row.id), None, after)
    dish_counts = [(items[one].dish_id, count) for one, count in chosen.items()]
    picks = tuple(PickDish(dish_id=dish_id, quantity=count) for dish_id, count in dish_counts)
    body = PickUp(code=row.code, venue_id=told.venue_id, dishes=picks)
    feed.publish(session, actor.site_id, KIND, str(row.id), body)
    return row


def cancel(session: Session, actor: Actor, diner_id: UUID, order_id: UUID) -> None:
    """Take back an order, until the cut-off; its portions are free again. Again changes nothing.

    Raises:
        UnknownPreorderError: not one of his.
        PreorderError: it is too late.
    """
    found = _of_site(session, actor.site_id, order_id)
    if found.diner_id != diner_id:
        raise UnknownPreorderError("there is no such order: look at the list")
    told = preorder_rounds.get_round(session, actor.site_id, found.round_id, lock=True)
    row = _of_site(session, actor.site_id, order_id, lock=True)
    if row.state == OrderState.CANCELLED.value:
        return
    if row.state != OrderState.ORDERED.value or actor.at >= told.closes_at:
        raise PreorderError("it is too late to cancel this order", code="preorder_closed")
    _take_back(session, actor, row)


def forget(session: Session, actor: Actor, diner_id: UUID) -> None:
    """He leaves: what he has not paid is for others, whatever the cut-off."""
    query = select(Preorder.id, Preorder.round_id).where(
        Preorder.site_id == actor.site_id, Preorder.diner_id == diner_id,
        Preorder.state == OrderState.ORDERED.value,
    )  # fmt: skip
    for order_id, round_id in session.execute(query.order_by(Preorder.round_id, Preorder.id)).all():
        preorder_rounds.get_round(session, actor.site_id, round_id, lock=True)
        row = _of_site(session, actor.site_id, order_id, lock=True)
        if row.state == OrderState.ORDERED.value:
            _take_back(session, actor, row)


def _take_back(session: Session, actor: Actor, row: Preorder) -> None:
    """The round's row is locked."""
    items = {one.id: one for one in preorder_rounds.items_of(session, [row.round_id])[row.round_id]}
    for line in lines_of(session, [row.id])[row.id]:
        items[line.item_id].taken -= line.quantity
    _end(session, actor, row, OrderState.CANCELLED)
    actor.record(session, "preorder.cancel", str(row.id), OrderState.ORDERED.value, row.state)
    feed.publish(session, actor.site_id, KIND, str(row.id), None)


def hand_over(session: Session, actor: Actor, order_id: UUID, key: str) -> Preorder:
    """Hand out what was ordered, once; the same form again changes nothing.

    The tills go on knowing an order that is not paid yet: who takes it pays it there.

    Raises:
        UnknownPreorderError: not one of this site.
        CollectedError: it was handed out before; the text says when and by whom.
        PreorderError: it was cancelled.
    """
    row = _of_site(session, actor.site_id, order_id, lock=True)
    if row.state == OrderState.COLLECTED.value:
        if key and row.ended_key == key[:_KEY]:
            return row
        raise CollectedError(f"it was handed out before, by {row.ended_by}: ask who took it")
    if row.state == OrderState.CANCELLED.value:
        raise PreorderError("this order was cancelled", code="preorder_cancelled")
    before, row.ended_key = row.state, key[:_KEY] or None
    _end(session, actor, row, OrderState.COLLECTED)
    actor.record(session, "preorder.hand_over", str(row.id), before, row.state)
    return row


def by_code(session: Session, site_id: UUID, typed: str) -> Order:
    """The order of a code, as it was typed or read from the phone.

    Raises:
        UnknownPreorderError: no such code here.
    """
    digits = "".join(sign for sign in typed if sign.isascii() and sign.isdecimal())
    query = select(Preorder).where(Preorder.site_id == site_id, Preorder.code == digits)
    row = session.scalar(query) if len(digits) == CODE_DIGITS else None
    if row is None:
        raise UnknownPreorderError("no order has this code: read it once more")
    return full(session, [row])[0]


def qr_text(row: Preorder) -> str:
    """What the phone shows to a scanner: :func:`by_code` reads it as it reads typed digits."""
    return code_text(row.code)


def of_one(session: Session, site_id: UUID, diner_id: UUID, order_id: UUID) -> Order:
    """An order of one diner.

    Raises:
        UnknownPreorderError: not one of his.
    """
    row = _of_site(session, site_id, order_id)
    if row.diner_id != diner_id:
        raise UnknownPreorderError("there is no such order: look at the list")
    return full(session, [row])[0]


def of_diner(
    session: Session, site_id: UUID, diner_id: UUID, *, before: UUID | None = None, limit: int = 20
) -> list[Order]:
    """A diner's orders, the latest first."""
    query = select(Preorder).where(Preorder.site_id == site_id, Preorder.diner_id == diner_id)
    if before is not None:
        query = query.where(Preorder.id < before)
    found = session.scalars(query.order_by(Preorder.id.desc()).limit(limit)).all()
    return full(session, found)


def of_round(
    session: Session, site_id: UUID, round_id: UUID, *, after: UUID | None = None, limit: int = 100
) -> list[Order]:
    """The orders of a round that were not cancelled, in the order in which they came."""
    query = select(Preorder).where(
        Preorder.site_id == site_id, Preorder.round_id == round_id,
        Preorder.state != OrderState.CANCELLED.value,
    )  # fmt: skip
    if after is not None:
        query = query.where(Preorder.id > after)
    return full(session, session.scalars(query.order_by(Preorder.id).limit(limit)).all())


def waiting(session: Session, rounds: Iterable[UUID]) -> dict[UUID, int]:
    """Round → orders that nobody has taken yet."""
    query = select(Preorder.round_id, func.count()).where(
        Preorder.round_id.in_(list(rounds)), Preorder.state == OrderState.ORDERED.value
    )
    return dict(session.execute(query.group_by(Preorder.round_id)).all())


def full(session: Session, found: Sequence[Preorder]) -> list[Order]:
    """Orders with their dishes and rounds."""
    lines = lines_of(session, [row.id for row in found])
    query = select(PreorderRound).where(PreorderRound.id.in_({row.round_id for row in found}))
    rounds = {one.id: one for one in session.scalars(query)}
    return [Order(row, tuple(lines.get(row.id, ())), rounds[row.round_id]) for row in found]


def lines_of(session: Session, orders: Sequence[UUID]) -> dict[UUID, list[PreorderLine]]:
    """Order → its dishes."""
    query = select(PreorderLine).where(PreorderLine.preorder_id.in_(orders))
    found: dict[UUID, list[PreorderLine]] = {}
    for line in session.scalars(query.order_by(PreorderLine.preorder_id, PreorderLine.item_id)):
        found.setdefault(line.preorder_id, []).append(line)
    return found


def _of_site(session: Session, site_id: UUID, order_id: UUID, *, lock: bool = False) -> Preorder:
    query = select(Preorder).where(Preorder.site_id == site_id, Preorder.id == order_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    row = session.scalar(query)
    if row is None:
        raise UnknownPreorderError("there is no such order: look at the list")
    return row


def had(session: Session, round_id: UUID, diner_id: UUID) -> dict[UUID, int]:
    """Item → portions of it that a diner has ordered before."""
    query = (
        select(PreorderLine.item_id, func.sum(PreorderLine.quantity))
        .join(Preorder, Preorder.id == PreorderLine.preorder_id)
        .where(
            Preorder.round_id == round_id, Preorder.diner_id == diner_id,
            Preorder.state != OrderState.CANCELLED.value,
        )
        .group_by(PreorderLine.item_id)
    )  # fmt: skip
    return {item: int(count) for item, count in session.execute(query)}


def _new_code(session: Session, site_id: UUID) -> str:
    while True:
        code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
        query = select(Preorder.id).where(Preorder.site_id == site_id, Preorder.code == code)
        if session.scalar(query) is None:
            return code


def dishes(session: Session, ids: Sequence[UUID]) -> dict[UUID, Dish]:
    """The dishes of a round or an order."""
    return {dish.id: dish for dish in session.scalars(select(Dish).where(Dish.id.in_(ids)))}


def _end(session: Session, actor: Actor, row: Preorder, state: OrderState) -> None:
    row.state, row.ended_at, row.ended_by = state.value, actor.at, actor.name[:80]
    session.flush()
