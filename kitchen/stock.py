"""Stock (库存): entries only, by lot and place; what is left is their sum, and never below zero.

Whoever moves something of a lot locks the lot first. So two tablets that issue the last kilo at the
same moment are one after the other, and the second is told that nothing is left. A transaction that
issues several ingredients does so in the order of their ids, so that no two wait for each other.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from dafan.acting import Acting
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.money import MAX_FEN, Fen
from dafan.quantity import Measure, MeasureError
from kitchen import ingredients, lots, stock_book, zones
from kitchen.lots import Lot, State
from kitchen.picking import Picks, Stored, Take, pick, share
from kitchen.stock_book import (
    MAIN,
    SOMETHING_LEFT,
    Act,
    Kind,
    Move,
    NotEnoughStockError,
    Ref,
    StockEntry,
    StockLevel,
    StockLimit,
    amount,
    levels_of,
    require_second,
)

__all__ = [
    "MAIN", "Kind", "NewLot", "NotEnoughStockError", "Picks", "Ref", "StockEntry",
    "StockLevel", "Stored", "Take", "WasteReason", "give_back",
    "issue", "left_of", "limit_of", "pick", "put_in", "set_limit", "transfer", "usable", "waste",
]  # fmt: skip


class WasteReason(StrEnum):
    """Why something of the store is thrown away (names of the ingredient side of food waste)."""

    TRIM = "trim"
    SPOILAGE = "spoilage"
    EXPIRY = "expiry"
    DAMAGE = "damage"


@dataclass(frozen=True)
class NewLot:
    """What comes in."""

    ingredient_id: UUID
    quantity: int
    """In the ingredient's measure."""
    cost: Fen
    """For all of it."""
    supplier_id: UUID | None = None
    receiving_id: UUID | None = None
    batch: str = ""
    produced_on: date | None = None
    expires_on: date | None = None
    zone: str = ""
    """Empty: where the ingredient usually lies."""


def put_in(
    session: Session,
    actor: Acting,
    new: NewLot,
    *,
    key: str,
    day: date,
    place: str = MAIN,
    ref: Ref | None = None,
) -> Lot:
    """Make a lot with a number and put it into stock; the same key again gives the same lot.

    Raises:
        UnknownIngredientError: not one of this site.
        WrongZoneError: it may not lie in that zone.
        KeyReusedError: the key moved something else before.
        BadInputError: the quantity or the cost is absurd, or the food is expired.
    """
    amount(new.quantity)
    if not 0 <= new.cost <= MAX_FEN:
        raise BadInputError(f"{new.cost} fen is no price of a lot")
    ingredient = ingredients.get(session, actor.site_id, new.ingredient_id)
    counter = lots.lock_counter(session, actor.site_id, day)
    act = Act(
        key, day, Kind.IN, ref or (("receiving", new.receiving_id) if new.receiving_id else None)
    )
    told = {"place": place, **{name: _plain(value) for name, value in asdict(new).items()}}
    known = stock_book.known(session, actor.site_id, act, told)
    if known is not None:
        return lots.get(session, actor.site_id, known[0].lot_id)
    expires = lots.last_day(new.produced_on, new.expires_on, ingredient.shelf_days)
    if expires is not None and expires < day:
        raise BadInputError(f"this was to be used until {expires}: it comes into no stock")
    zone = zones.place(
        zones.of_site(session, actor.site_id), ingredient.category,
        asked=new.zone, usual=ingredient.zone,
    )  # fmt: skip
    values = {**vars(new), "expires_on": expires, "zone": zone, "batch": new.batch[:60]}
    lot = Lot(
        id=new_id(),
        site_id=actor.site_id,
        number=lots.next_number(counter),
        received_on=day,
        state=State.OK.value,
        **values,
    )
    session.add(lot)
    session.flush()
    stock_book.write(session, actor, act, [Move(lot, place, new.quantity, new.cost)], told)
    return lot


def issue(
    session: Session,
    actor: Acting,
    ingredient_id: UUID,
    quantity: int,
    *,
    ref: Ref,
    key: str,
    day: date,
    place: str = MAIN,
    measure: Measure | None = None,
    asked_by: str | None = None,
    note: str = "",
) -> Sequence[StockEntry]:
    """Take an ingredient out for something, first expiring first; the same key moves once.

    Args:
        session: Of the transaction.
        actor: Who takes it, or says yes to it.
        ingredient_id: Of the site.
        quantity: In the ingredient's measure.
        ref: What it is for.
        key: Of the wish, made on the tablet; whoever repeats it gets the same entries.
        day: The business date; what expired before it is not taken.
        place: Where it is taken from.
        measure: What the quantity was counted in, where the caller knows.
        asked_by: Who takes it, where the actor is the second person that the limit asks for.
        note: Some words about it.

    Raises:
        UnknownIngredientError: not one of this site.
        NotEnoughStockError: naming how much is left; nothing is taken.
        SamePersonError: it costs more than one person may take alone.
        MeasureError: 500 ml are no 500 g.
        KeyReusedError: the key moved something else before.
    """
    amount(quantity)
    ingredient = ingredients.get(session, actor.site_id, ingredient_id)
    if measure is not None and measure.value != ingredient.measure:
        raise MeasureError(f"{ingredient.name} is counted in {ingredient.measure}, not {measure}")
    found = _lock_lots(session, actor.site_id, ingredient_id)
    act = Act(key, day, Kind.OUT, ref, note=note[:200], asked_by=asked_by)
    told = {"ingredient": str(ingredient_id), "quantity": quantity, "place": place}
    known = stock_book.known(session, actor.site_id, act, told)
    if known is not None:
        return known
    levels = levels_of(session, actor.site_id, list(found))
    stored = [
        as_stored(found[level.lot_id], level) for level in levels.values() if level.place == place
    ]
    picks = pick(stored, quantity, day)
    if picks.short:
        raise NotEnoughStockError(
            f"{ingredient.name}: {quantity} {ingredient.measure} are wanted, "
            f"{quantity - picks.short} are left that may be used"
        )
    limit = limit_of(session, actor.site_id)
    if limit is not None and picks.cost > limit:
        require_second(actor, asked_by)
    moves = [Move(found[take.lot_id], place, -take.quantity, -take.cost) for take in picks.takes]
    return stock_book.write(session, actor, act, moves, told)


def transfer(
    session: Session,
    actor: Acting,
    lot_id: UUID,
    quantity: int,
    *,
    source: str,
    target: str,
    key: str,
    day: date,
    ref: Ref | None = None,
) -> Sequence[StockEntry]:
    """Carry a part of a lot to another place; its cost goes with it to the fen.

    Raises:
        UnknownLotError: not one of this site.
        HeldError: it is held or expired: it stays where it is.
        NotEnoughStockError: less is there.
        KeyReusedError: the key moved something else before.
        BadInputError: from a place to itself, or no quantity.
    """
    amount(quantity)
    target = target.strip()
    if target == source or not 0 < len(target) <= 40:
        raise BadInputError("name another place, in 40 characters, to carry it to")
    lot = lots.get(session, actor.site_id, lot_id, lock=True)
    act = Act(key, day, Kind.TRANSFER_OUT, ref)
    told = {"lot": str(lot_id), "quantity": quantity, "places": [source, target]}
    known = stock_book.known(session, actor.site_id, act, told)
    if known is not None:
        return known
    if lot.state == State.HELD.value or lot.expired(day):
        raise lots.HeldError(f"lot {lot.number} is held or expired: it stays where it is")
    cost = _cost_of(session, lot, source, quantity)
    moves = [
        Move(lot, source, -quantity, -cost),
        Move(lot, target, quantity, cost, Kind.TRANSFER_IN),
    ]
    return stock_book.write(session, actor, act, moves, told)


def give_back(
    session: Session,
    actor: Acting,
    lot_id: UUID,
    quantity: int,
    *,
    why: str,
    key: str,
    day: date,
    place: str = MAIN,
    ref: Ref | None = None,
) -> Sequence[StockEntry]:
    """Send a part of a lot back to its supplier; a held or expired one as well.

    Raises:
        UnknownLotError: not one of this site.
        NotEnoughStockError: less is there.
        KeyReusedError: the key moved something else before.
        BadInputError: it has no supplier, no reason is given, or no quantity.
    """
    lot = lots.get(session, actor.site_id, lot_id, lock=True)
    if lot.supplier_id is None:
        raise BadInputError(f"lot {lot.number} names no supplier who would take it back")
    act = Act(key, day, Kind.RETURN, ref, note=_reason(why))
    return _leave(session, actor, lot, quantity, place, act)


def waste(
    session: Session,
    actor: Acting,
    lot_id: UUID,
    quantity: int,
    *,
    reason: WasteReason,
    asked_by: str,
    key: str,
    day: date,
    note: str = "",
    place: str = MAIN,
    ref: Ref | None = None,
) -> Sequence[StockEntry]:
    """Throw a part of a lot away; one asks (:mod:`kitchen.stock_requests`), the actor says yes.

    Raises:
        UnknownLotError: not one of this site.
        NotEnoughStockError: less is there.
        SamePersonError: the actor asked for it himself.
        KeyReusedError: the key moved something else before.
        BadInputError: no quantity.
    """
    require_second(actor, asked_by)
    lot = lots.get(session, actor.site_id, lot_id, lock=True)
    act = Act(
        key, day, Kind.WASTE, ref, note=note[:200], reason=reason.value, asked_by=asked_by
    )  # fmt: skip
    return _leave(session, actor, lot, quantity, place, act)


def limit_of(session: Session, site_id: UUID) -> int | None:
    """Fen above which an issue needs a second person; none where it never does."""
    row = session.get(StockLimit, site_id)
    return None if row is None else row.issue_fen


def set_limit(session: Session, actor: Acting, fen: int | None) -> None:
    """Say what one person may take out alone.

    Raises:
        BadInputError: no amount.
    """
    if fen is not None and not 0 <= fen <= MAX_FEN:
        raise BadInputError(f"{fen} fen is no limit")
    before = limit_of(session, actor.site_id)
    session.merge(StockLimit(site_id=actor.site_id, issue_fen=fen))
    session.flush()
    actor.record(session, "stock.limit", str(actor.site_id), before, fen)


def _leave(
    session: Session, actor: Acting, lot: Lot, quantity: int, place: str, act: Act
) -> Sequence[StockEntry]:
    amount(quantity)
    told = {"lot": str(lot.id), "quantity": quantity, "place": place}
    known = stock_book.known(session, actor.site_id, act, told)
    if known is not None:
        return known
    cost = _cost_of(session, lot, place, quantity)
    return stock_book.write(session, actor, act, [Move(lot, place, -quantity, -cost)], told)


def _cost_of(session: Session, lot: Lot, place: str, part: int) -> int:
    level = levels_of(session, lot.site_id, [lot.id]).get((lot.id, place))
    if level is None or level.quantity < part:
        raise NotEnoughStockError(
            f"lot {lot.number} has {level.quantity if level else 0} at {place}, {part} are wanted"
        )
    return share(level.cost, level.quantity, part)


def _reason(why: str) -> str:
    if not why.strip():
        raise BadInputError(
            "write down why: the supplier and the auditor read it", code="no_reason"
        )
    return why.strip()[:200]


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, int) else str(value)


def _lock_lots(session: Session, site_id: UUID, ingredient_id: UUID) -> dict[UUID, Lot]:
    query = (
        select(Lot)
        .where(
            Lot.site_id == site_id,
            Lot.ingredient_id == ingredient_id,
            Lot.state == State.OK.value,
        )
        .order_by(Lot.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {lot.id: lot for lot in session.scalars(query)}


def as_stored(lot: Lot, level: StockLevel) -> Stored:
    """A lot at a place, as picking sees it."""
    return Stored(
        lot.id, level.quantity, level.cost, lot.received_on, lot.expires_on,
        lot.state == State.HELD.value, lot.number,
    )  # fmt: skip


# --- what is left -------------------------------------------------------------------------------


def usable(
    session: Session, site_id: UUID, day: date, *, place: str | None = None
) -> dict[UUID, int]:
    """By ingredient, what may be cooked on that day; in its measure, without zeros."""
    query = (
        select(Lot.ingredient_id, func.sum(StockLevel.quantity))
        .join(StockLevel, (StockLevel.lot_id == Lot.id) & (StockLevel.site_id == Lot.site_id))
        .where(
            Lot.site_id == site_id,
            Lot.state == State.OK.value,
            SOMETHING_LEFT,
            or_(Lot.expires_on.is_(None), Lot.expires_on >= day),
        )
        .group_by(Lot.ingredient_id)
    )
    if place is not None:
        query = query.where(StockLevel.place == place)
    return {ingredient_id: int(total) for ingredient_id, total in session.execute(query)}


def left_of(session: Session, site_id: UUID, lot_id: UUID) -> int:
    """What is left of a lot, at all places."""
    query = select(func.coalesce(func.sum(StockLevel.quantity), 0)).where(
        StockLevel.site_id == site_id, StockLevel.lot_id == lot_id
    )
    return int(session.scalar(query) or 0)
