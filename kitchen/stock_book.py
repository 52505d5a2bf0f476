"""The book of stock: entries by lot and place, what is left of each, and what a key has moved.

Entries are added, never changed. Only :func:`write` adds them, and with them the level of each lot
at each place, which is their sum and never below zero.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, literal_column, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from dafan.db import Base
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.quantity import LARGEST
from dafan.wire import canonical
from kitchen import lots
from kitchen.lots import HeldError, Lot, State
from kitchen.rows import KeyReusedError, SamePersonError

MAIN = "store"
"""The place of a site that has one store room."""
LONGEST_KEY = 80


class NotEnoughStockError(BadInputError):
    """Less is left than is wanted."""

    code = "not_enough_stock"


class Kind(StrEnum):
    """Why something moves."""

    IN = "in"
    OUT = "out"
    TRANSFER_IN = "transfer_in"
    TRANSFER_OUT = "transfer_out"
    COUNT = "count"
    WASTE = "waste"
    RETURN = "return"
    """To the supplier (退货)."""
    BACK = "back"
    """Issued, not used, and put back (退库): to the same lot, at the same cost."""


class StockEntry(Base):
    """One movement of one lot at one place; rows are added, never changed."""

    __tablename__ = "stock_entry"
    __table_args__ = (
        Index("ix_stock_entry_lot", "site_id", "lot_id"),
        Index("ix_stock_entry_ref", "site_id", "ref_kind", "ref_id"),
        Index("ix_stock_entry_key", "site_id", "key"),
    )

    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    business_date: Mapped[date] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    lot_id: Mapped[UUID] = mapped_column(ForeignKey("lot.id"))
    place: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(12))
    quantity: Mapped[int]
    """In the ingredient's measure; below zero where it leaves."""
    cost: Mapped[int]
    """Fen that move with it, of the same sign."""
    ref_kind: Mapped[str | None] = mapped_column(String(20))
    """What it was for, such as ``batch``."""
    ref_id: Mapped[UUID | None]
    by: Mapped[str] = mapped_column(String(80))
    approved_by: Mapped[str | None] = mapped_column(String(80))
    """The second person, where one was needed."""
    at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(String(12), default="")
    """Of waste: a :class:`kitchen.stock.WasteReason`."""
    note: Mapped[str] = mapped_column(String(200), default="")
    key: Mapped[str] = mapped_column(String(LONGEST_KEY))


class StockLevel(Base):
    """What is left of a lot at a place: the sum of its entries."""

    __tablename__ = "stock_level"
    __table_args__ = (
        CheckConstraint("quantity >= 0 AND cost >= 0", name="not_below_zero"),
        CheckConstraint("quantity > 0 OR cost = 0", name="empty_costs_nothing"),
        Index("ix_stock_level_lot", "lot_id"),
        Index(
            "ix_stock_level_left", "site_id", "lot_id",
            sqlite_where=text("quantity > 0"), postgresql_where=text("quantity > 0"),
        ),
    )  # fmt: skip

    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    lot_id: Mapped[UUID] = mapped_column(ForeignKey("lot.id"), primary_key=True)
    place: Mapped[str] = mapped_column(String(40), primary_key=True)
    quantity: Mapped[int] = mapped_column(default=0)
    cost: Mapped[int] = mapped_column(default=0)


SOMETHING_LEFT = StockLevel.quantity > literal_column("0")
"""Written out, so that the index of what is left serves it: most lots of a year are gone."""


class StockAct(Base):
    """What a key has moved: a repetition moves nothing, other content is refused."""

    __tablename__ = "stock_act"

    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(LONGEST_KEY), primary_key=True)
    business_date: Mapped[date]
    content: Mapped[str] = mapped_column(String(64))


class StockLimit(Base):
    """What one person may take out alone."""

    __tablename__ = "stock_limit"

    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    issue_fen: Mapped[int | None]
    """An issue that costs more needs a second person; none: every issue is free."""


Ref = tuple[str, UUID]
"""What a movement is for: a word and the id, such as ``("batch", id)``."""


@dataclass(frozen=True)
class Act:
    """Something that is done once, whole."""

    key: str
    day: date
    kind: Kind
    ref: Ref | None = None
    note: str = ""
    reason: str = ""
    asked_by: str | None = None
    """Who asked for it, where the actor is the second person, who says yes."""


@dataclass(frozen=True)
class Move:
    """A part of an act: so much of a lot comes to a place, or leaves it."""

    lot: Lot
    place: str
    quantity: int
    cost: int
    kind: Kind | None = None
    """Where it is another than the act's."""


def require_second(actor: Acting, asked_by: str | None) -> None:
    """Make sure that two people stand behind it: one who asked, and the actor who says yes.

    Raises:
        SamePersonError: nobody asked, or the actor himself did.
    """
    if not asked_by or asked_by == actor.name:
        raise SamePersonError("another person has to say yes first: ask for it")


def amount(quantity: int) -> int:
    """The quantity, if somebody can move so much.

    Raises:
        BadInputError: nothing, below zero, or absurdly much.
    """
    if not 0 < quantity <= LARGEST:
        raise BadInputError(f"{quantity} is no quantity to move: between 1 and {LARGEST}")
    return quantity


# --- writing ------------------------------------------------------------------------------------


def levels_of(
    session: Session, site_id: UUID, lot_ids: Sequence[UUID]
) -> dict[tuple[UUID, str], StockLevel]:
    """What is left of lots, by lot and place; of locked lots it stays so."""
    query = (
        select(StockLevel)
        .where(StockLevel.site_id == site_id, StockLevel.lot_id.in_(lot_ids))
        .order_by(StockLevel.lot_id, StockLevel.place)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {(level.lot_id, level.place): level for level in session.scalars(query)}


def known(
    session: Session, site_id: UUID, act: Act, told: Mapping[str, Any]
) -> Sequence[StockEntry] | None:
    """What the act's key has moved already; asked for after the lock, so that the answer stays.

    Raises:
        KeyReusedError: the key moved something else.
        BadInputError: there is no key, or it is too long.
    """
    if not 0 < len(act.key) <= LONGEST_KEY:
        raise BadInputError(f"a movement has a key of 1 to {LONGEST_KEY} characters")
    row = session.get(StockAct, (site_id, act.key))
    if row is None:
        return None
    if row.content != _content(act, told):
        raise KeyReusedError("this was sent before with other content: reload the page")
    return moved(session, site_id, act.key)


def moved(session: Session, site_id: UUID, key: str) -> Sequence[StockEntry]:
    """The entries of a key; nothing where it has moved nothing."""
    query = select(StockEntry).where(StockEntry.site_id == site_id, StockEntry.key == key)
    return session.scalars(query.order_by(StockEntry.id)).all()


def write(
    session: Session, actor: Acting, act: Act, moves: Sequence[Move], told: Mapping[str, Any]
) -> Sequence[StockEntry]:
    """Add entries and move the levels; the lots are locked, and the key has moved nothing.

    Raises:
        NotEnoughStockError: a lot has less at the place.
        KeyReusedError: the key moves something else at this moment.
    """
    site_id = actor.site_id
    levels = levels_of(session, site_id, [move.lot.id for move in moves])
    entries = []
    for move in moves:
        level = levels.get((move.lot.id, move.place))
        if level is None:
            level = StockLevel(
                site_id=site_id, lot_id=move.lot.id, place=move.place, quantity=0, cost=0
            )
            session.add(level)
            levels[move.lot.id, move.place] = level
        if level.quantity + move.quantity < 0 or level.cost + move.cost < 0:
            raise NotEnoughStockError(
                f"lot {move.lot.number} has {level.quantity} at {move.place}: "
                f"{-move.quantity} cannot leave"
            )
        level.quantity += move.quantity
        level.cost += move.cost
        entries.append(_entry(actor, act, move))
    for lot in {move.lot.id: move.lot for move in moves}.values():
        _settle(lot, levels)
    act_row = StockAct(
        site_id=site_id, key=act.key, business_date=act.day, content=_content(act, told)
    )
    session.flush()
    try:
        with session.begin_nested():
            session.add_all([act_row, *entries])
    except IntegrityError as error:
        raise KeyReusedError("this is being sent twice at once: try again") from error
    actor.record(
        session, f"stock.{act.kind.value}", act.key, None,
        {
            "ref": act.ref and [act.ref[0], str(act.ref[1])], "note": act.note,
            "reason": act.reason, "asked_by": act.asked_by,
            "moves": [[m.lot.number, m.place, m.quantity, m.cost] for m in moves],
        },
    )  # fmt: skip
    return entries


def release(session: Session, actor: Acting, lot_id: UUID, why: str) -> Lot:
    """Let a held lot go again; another person than the one who held it.

    Raises:
        UnknownLotError: not one of this site.
        HeldError: it is not held, or he held it himself.
        BadInputError: no reason is given.
    """
    if not why.strip():
        raise BadInputError("write down why this lot is good again", code="no_reason")
    lot = lots.get(session, actor.site_id, lot_id, lock=True)
    if lot.state != State.HELD.value:
        raise HeldError("this lot is not held")
    if lot.held_by == actor.name:
        raise HeldError("another person has to let go what you held")
    before = {"state": lot.state, "by": lot.held_by, "why": lot.held_why}
    lot.state, lot.held_by, lot.held_why = State.OK.value, None, ""
    _settle(lot, levels_of(session, actor.site_id, [lot.id]))
    actor.record(
        session, "lot.release", str(lot.id), before,
        {"state": lot.state, "number": lot.number, "why": why.strip()[:200]},
    )  # fmt: skip
    return lot


def _entry(actor: Acting, act: Act, move: Move) -> StockEntry:
    ref_kind, ref_id = act.ref or (None, None)
    return StockEntry(
        id=new_id(), site_id=actor.site_id, business_date=act.day, lot_id=move.lot.id,
        place=move.place, kind=(move.kind or act.kind).value, quantity=move.quantity,
        cost=move.cost, ref_kind=ref_kind, ref_id=ref_id, by=(act.asked_by or actor.name)[:80],
        approved_by=actor.name[:80] if act.asked_by else None, at=actor.at, reason=act.reason,
        note=act.note[:200], key=act.key,
    )  # fmt: skip


def _settle(lot: Lot, levels: Mapping[tuple[UUID, str], StockLevel]) -> None:
    """A lot of which nothing is left is gone; a held one stays held, whatever is counted."""
    left = sum(level.quantity for level in levels.values() if level.lot_id == lot.id)
    if lot.state != State.HELD.value:
        lot.state = (State.OK if left else State.GONE).value


def _content(act: Act, told: Mapping[str, Any]) -> str:
    whole = {
        **told, "kind": act.kind.value, "day": act.day.isoformat(),
        "ref": act.ref and [act.ref[0], str(act.ref[1])], "note": act.note, "reason": act.reason,
    }  # fmt: skip
    return hashlib.sha256(canonical(whole)).hexdigest()
