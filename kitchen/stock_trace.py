"""Trace (溯源) both ways: from a lot to what was made of it, and from a batch to its suppliers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from kitchen import lots
from kitchen.deliveries import ReceivingLine
from kitchen.ingredients import Ingredient
from kitchen.lots import Lot
from kitchen.receiving_rules import Paper, PesticideTest
from kitchen.stock_book import Kind, Ref, StockEntry
from kitchen.suppliers import Supplier


@dataclass(frozen=True)
class Origin:
    """Where a lot comes from."""

    lot_id: UUID
    number: str
    state: str
    ingredient_id: UUID
    ingredient: str
    measure: str
    """What its quantities are counted in."""
    batch: str
    produced_on: date | None
    expires_on: date | None
    received_on: date
    supplier_id: UUID | None
    supplier: str
    receiving_id: UUID | None
    papers: tuple[Paper, ...]
    tests: tuple[PesticideTest, ...]


@dataclass(frozen=True)
class Moved:
    """What became of a part of a lot; below zero where it left."""

    kind: Kind
    place: str
    quantity: int
    cost: int
    day: date
    by: str
    ref: Ref | None


@dataclass(frozen=True)
class LotTrace:
    """A lot, from its supplier to every batch."""

    origin: Origin
    moves: tuple[Moved, ...]
    """In the order in which they happened."""

    @property
    def issues(self) -> tuple[Moved, ...]:
        """What was taken out to be cooked, each with what it was for."""
        return tuple(move for move in self.moves if move.kind is Kind.OUT)


@dataclass(frozen=True)
class Used:
    """So much of a lot was taken for something."""

    origin: Origin
    quantity: int
    fen: int


def trace_lot(session: Session, site_id: UUID, lot_id: UUID) -> LotTrace:
    """Everything that happened to a lot; three queries, whatever the size of the book.

    Raises:
        UnknownLotError: not one of this site.
    """
    lots.get(session, site_id, lot_id)
    query = select(StockEntry).where(StockEntry.site_id == site_id, StockEntry.lot_id == lot_id)
    entries = session.scalars(query.order_by(StockEntry.id)).all()
    moves = tuple(
        Moved(
            Kind(row.kind), row.place, row.quantity, row.cost, row.business_date, row.by,
            (row.ref_kind, row.ref_id) if row.ref_kind and row.ref_id else None,
        )
        for row in entries
    )  # fmt: skip
    return LotTrace(_origins(session, site_id, [lot_id])[lot_id], moves)


def trace_ref(session: Session, site_id: UUID, kind: str, ref_id: UUID) -> tuple[Used, ...]:
    """The lots that went into something, such as ``("batch", id)``; two queries."""
    return trace_refs(session, site_id, kind, [ref_id])


def trace_refs(
    session: Session, site_id: UUID, kind: str, ref_ids: Sequence[UUID]
) -> tuple[Used, ...]:
    """The same for several, such as all batches of a meal; still two queries."""
    query = select(StockEntry.lot_id, StockEntry.quantity, StockEntry.cost).where(
        StockEntry.site_id == site_id,
        StockEntry.ref_kind == kind,
        StockEntry.ref_id.in_(ref_ids),
        StockEntry.kind.in_((Kind.OUT.value, Kind.BACK.value)),
    )
    taken: dict[UUID, tuple[int, int]] = {}
    for lot_id, quantity, cost in session.execute(query):
        before = taken.get(lot_id, (0, 0))
        taken[lot_id] = before[0] - quantity, before[1] - cost
    taken = {lot_id: took for lot_id, took in taken.items() if took[0]}
    origins = _origins(session, site_id, list(taken))
    used = [Used(origins[lot_id], quantity, fen) for lot_id, (quantity, fen) in taken.items()]
    return tuple(sorted(used, key=lambda one: (one.origin.ingredient, one.origin.number)))


def _origins(session: Session, site_id: UUID, lot_ids: Sequence[UUID]) -> dict[UUID, Origin]:
    query = (
        select(Lot, Ingredient.name, Ingredient.measure, Supplier.name, ReceivingLine)
        .join(Ingredient, Ingredient.id == Lot.ingredient_id)
        .outerjoin(Supplier, (Supplier.id == Lot.supplier_id) & (Supplier.site_id == Lot.site_id))
        .outerjoin(ReceivingLine, ReceivingLine.lot_id == Lot.id)
        .where(Lot.site_id == site_id, Lot.id.in_(lot_ids))
    )
    return {
        lot.id: Origin(
            lot.id, lot.number, lot.state, lot.ingredient_id, name, measure, lot.batch,
            lot.produced_on, lot.expires_on, lot.received_on, lot.supplier_id, supplier or "",
            lot.receiving_id,
            line.values.papers if line else (), line.pesticide_tests if line else (),
        )
        for lot, name, measure, supplier, line in session.execute(query)
    }  # fmt: skip
