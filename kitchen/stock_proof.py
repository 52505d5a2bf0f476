"""Proof of the stock: what is left of a lot is the sum of its entries, to the gram and to the fen.

``dafan verify`` calls it (invariant 3).
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Executable, case, func, or_, select
from sqlalchemy.orm import Session

from dafan.journal import Fault
from kitchen.lots import Lot, State
from kitchen.stock_book import Kind, StockEntry, StockLevel

CHUNK = 1000
_NEEDS_TWO = (Kind.WASTE.value, Kind.COUNT.value)


def faults(session: Session) -> Iterator[Fault]:
    """Where levels, entries and lots do not agree."""
    yield from _levels(session)
    yield from _orphans(session)
    yield from _lots(session)
    yield from _transfers(session)
    yield from _second_persons(session)
    yield from _came_back(session)


def _rows(session: Session, query: Executable) -> Iterator[Any]:
    with session.execute(query.execution_options(yield_per=CHUNK)) as result:
        yield from result


def _levels(session: Session) -> Iterator[Fault]:
    """Each level is the sum of its entries, not below zero, and costs nothing when empty."""
    sums = (
        select(
            StockEntry.site_id, StockEntry.lot_id, StockEntry.place,
            func.sum(StockEntry.quantity).label("quantity"),
            func.sum(StockEntry.cost).label("cost"),
        )
        .group_by(StockEntry.site_id, StockEntry.lot_id, StockEntry.place)
        .subquery()
    )  # fmt: skip
    quantity, cost = func.coalesce(sums.c.quantity, 0), func.coalesce(sums.c.cost, 0)
    same = (
        (sums.c.site_id == StockLevel.site_id)
        & (sums.c.lot_id == StockLevel.lot_id)
        & (sums.c.place == StockLevel.place)
    )
    wrong = or_(
        StockLevel.quantity != quantity,
        StockLevel.cost != cost,
        StockLevel.quantity < 0,
        (StockLevel.quantity == 0) & (StockLevel.cost != 0),
    )
    query = (
        select(
            StockLevel.lot_id, StockLevel.place, StockLevel.quantity, StockLevel.cost, quantity,
            cost,
        )
        .outerjoin(sums, same)
        .where(wrong)
    )  # fmt: skip
    for lot_id, place, has, worth, entries, entries_worth in _rows(session, query):
        yield Fault(
            f"stock level {lot_id} at {place}",
            f"it says {has} for {worth} fen; its entries sum to {entries} for {entries_worth} fen",
        )
    lost = (
        select(sums.c.lot_id, sums.c.place, sums.c.quantity)
        .outerjoin(StockLevel, same)
        .where(StockLevel.lot_id.is_(None))
    )
    for lot_id, place, entries in _rows(session, lost):
        yield Fault(
            f"stock level {lot_id} at {place}", f"it is missing; its entries sum to {entries}"
        )


def _orphans(session: Session) -> Iterator[Fault]:
    """Every entry names a lot of its own site."""
    query = (
        select(StockEntry.id, StockEntry.kind, StockEntry.lot_id)
        .outerjoin(Lot, (Lot.id == StockEntry.lot_id) & (Lot.site_id == StockEntry.site_id))
        .where(Lot.id.is_(None))
    )
    for entry_id, kind, lot_id in _rows(session, query):
        yield Fault(f"stock entry {entry_id}", f"'{kind}' of lot {lot_id}, which its site has not")


def _lots(session: Session) -> Iterator[Fault]:
    """What came in is what was received; an empty lot costs nothing and is gone."""
    came = StockEntry.kind == Kind.IN.value
    sums = (
        select(
            StockEntry.site_id, StockEntry.lot_id,
            func.sum(StockEntry.quantity).label("left"), func.sum(StockEntry.cost).label("worth"),
            func.sum(case((came, StockEntry.quantity), else_=0)).label("came"),
            func.sum(case((came, StockEntry.cost), else_=0)).label("paid"),
        )
        .group_by(StockEntry.site_id, StockEntry.lot_id)
        .subquery()
    )  # fmt: skip
    left, worth, came_in, paid = (
        func.coalesce(sums.c[name], 0) for name in ("left", "worth", "came", "paid")
    )
    query = (
        select(Lot.number, Lot.quantity, Lot.cost, Lot.state, left, worth, came_in, paid)
        .outerjoin(sums, (sums.c.site_id == Lot.site_id) & (sums.c.lot_id == Lot.id))
        .where(
            or_(
                Lot.quantity != came_in,
                Lot.cost != paid,
                (left == 0) & (worth != 0),
                (left == 0) & (Lot.state == State.OK.value),
                (left != 0) & (Lot.state == State.GONE.value),
            )
        )
    )
    for number, quantity, cost, state, remains, value, entered, cost_in in _rows(session, query):
        yield Fault(
            f"lot {number}",
            f"received {quantity} for {cost} fen, entered {entered} for {cost_in} fen; it is "
            f"'{state}' with {remains} left, worth {value} fen",
        )


def _transfers(session: Session) -> Iterator[Fault]:
    """What leaves one place arrives at another."""
    query = (
        select(StockEntry.key, func.sum(StockEntry.quantity), func.sum(StockEntry.cost))
        .where(StockEntry.kind.in_((Kind.TRANSFER_IN.value, Kind.TRANSFER_OUT.value)))
        .group_by(StockEntry.site_id, StockEntry.lot_id, StockEntry.key)
        .having((func.sum(StockEntry.quantity) != 0) | (func.sum(StockEntry.cost) != 0))
    )
    for key, quantity, cost in _rows(session, query):
        yield Fault(f"transfer {key}", f"{quantity} for {cost} fen got lost or came from nowhere")


def _second_persons(session: Session) -> Iterator[Fault]:
    """Behind waste and differences of a count stand two persons."""
    alone = StockEntry.approved_by.is_(None) | (StockEntry.approved_by == StockEntry.by)
    query = select(StockEntry.id, StockEntry.kind, StockEntry.by).where(
        alone, StockEntry.kind.in_(_NEEDS_TWO) | StockEntry.approved_by.is_not(None)
    )
    for entry_id, kind, name in _rows(session, query):
        yield Fault(f"stock entry {entry_id}", f"'{kind}' by {name} alone")


def _came_back(session: Session) -> Iterator[Fault]:
    """Of a lot no more comes back of something than was issued for it."""
    left, fen = func.sum(StockEntry.quantity), func.sum(StockEntry.cost)
    query = (
        select(StockEntry.lot_id, StockEntry.ref_kind, StockEntry.ref_id, left, fen)
        .where(StockEntry.kind.in_((Kind.OUT.value, Kind.BACK.value)))
        .group_by(
            StockEntry.site_id, StockEntry.lot_id, StockEntry.ref_kind, StockEntry.ref_id
        )
        .having((left > 0) | (fen > 0))
    )  # fmt: skip
    for lot_id, kind, ref_id, more, worth in _rows(session, query):
        yield Fault(
            f"lot {lot_id}", f"{more} for {worth} fen more came back of {kind} {ref_id} than went"
        )
