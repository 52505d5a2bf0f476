"""What the storekeeper sees of deliveries: what is due, what is open, what came, who may bring."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from kitchen import purchase_book, suppliers
from kitchen.deliveries import Receiving, State
from kitchen.purchase_book import PurchaseLine, PurchaseOrder
from kitchen.purchase_rules import State as OrderState
from kitchen.supplier_rules import Finding
from kitchen.suppliers import Supplier

MAX_PAGE = 200
COMING = (OrderState.SENT.value, OrderState.PARTLY.value)
"""Orders of which something is still to arrive."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A supplier, and what stands against receiving of him today."""

    supplier: Supplier
    faults: tuple[Finding, ...]

    @property
    def blocked(self) -> bool:
        """He cannot be chosen."""
        return any(one.blocks for one in self.faults)


def due(
    session: Session, site_id: UUID, day: date, *, after: UUID | None = None, limit: int = 50
) -> Sequence[PurchaseOrder]:
    """Orders that were to arrive by ``day`` and have not yet, the oldest order first."""
    query = select(PurchaseOrder).where(
        PurchaseOrder.site_id == site_id,
        PurchaseOrder.state.in_(COMING),
        PurchaseOrder.deliver_on <= day,
    )
    if after is not None:
        query = query.where(PurchaseOrder.id > after)
    query = query.order_by(PurchaseOrder.id).limit(max(1, min(limit, MAX_PAGE)))
    return session.scalars(query).all()


def opened(session: Session, site_id: UUID) -> Sequence[Receiving]:
    """Deliveries that stand open, the oldest first."""
    query = select(Receiving).where(
        Receiving.site_id == site_id, Receiving.state == State.OPEN.value
    )
    return session.scalars(query.order_by(Receiving.id).limit(MAX_PAGE)).all()


def posted_on(session: Session, site_id: UUID, day: date) -> Receiving | None:
    """The delivery of a day that came into stock last."""
    query = select(Receiving).where(
        Receiving.site_id == site_id,
        Receiving.business_date == day,
        Receiving.state == State.POSTED.value,
    )
    return session.scalar(query.order_by(Receiving.id.desc()).limit(1))


def ended(
    session: Session, site_id: UUID, *, after: UUID | None = None, limit: int = 20
) -> Sequence[Receiving]:
    """Deliveries that are posted, went back whole or were given up, the newest first."""
    query = select(Receiving).where(
        Receiving.site_id == site_id, Receiving.state != State.OPEN.value
    )
    if after is not None:
        query = query.where(Receiving.id < after)
    query = query.order_by(Receiving.id.desc()).limit(max(1, min(limit, MAX_PAGE)))
    return session.scalars(query).all()


def key_of(session: Session, site_id: UUID, order_id: UUID) -> str:
    """The key of an order's next delivery: two tablets that open it at once open the same one."""
    query = select(Receiving.id).where(
        Receiving.site_id == site_id,
        Receiving.order_id == order_id,
        Receiving.state != State.OPEN.value,
    )
    return f"order:{order_id.hex}:{len(session.scalars(query).all())}"


def ordered(session: Session, order_id: UUID) -> dict[UUID, PurchaseLine]:
    """The lines of an order by ingredient."""
    return {line.ingredient_id: line for line in purchase_book.lines_of(session, order_id)}


def choices(
    session: Session, site_id: UUID, day: date, *, after: UUID | None = None, limit: int = 50
) -> list[Choice]:
    """Suppliers by name, those that may not supply too, from behind the supplier ``after``."""
    found = suppliers.page(session, site_id, after=after, limit=limit)
    faults = suppliers.standings(session, site_id, found, day)
    return [Choice(row, faults[row.id]) for row in found]
