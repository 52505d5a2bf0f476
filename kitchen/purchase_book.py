"""Purchase orders as they are kept: tables, and how they are read."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kitchen import rows
from kitchen.purchase_rules import State
from kitchen.rows import KeyedRow, SiteRow

MAX_PAGE = 200


class PurchaseOrder(KeyedRow):
    """An order to one supplier."""

    __tablename__ = "purchase_order"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        Index("ix_purchase_order_state", "site_id", "state", "id"),
    )

    business_date: Mapped[date]
    supplier_id: Mapped[UUID] = mapped_column(ForeignKey("supplier.id"))
    deliver_on: Mapped[date]
    state: Mapped[str] = mapped_column(String(12))
    total: Mapped[int]
    rounds: Mapped[int] = mapped_column(default=0)
    approval_id: Mapped[UUID | None]
    note: Mapped[str] = mapped_column(String(200), default="")
    told: Mapped[str] = mapped_column(String(64))
    """Fingerprint of what was first written under the key."""


class PurchaseLine(SiteRow):
    """An ingredient of an order."""

    __tablename__ = "purchase_line"
    __table_args__ = (
        UniqueConstraint("order_id", "ingredient_id"),
        Index("ix_purchase_line_ingredient", "site_id", "ingredient_id"),
    )

    order_id: Mapped[UUID] = mapped_column(ForeignKey("purchase_order.id"))
    ingredient_id: Mapped[UUID] = mapped_column(ForeignKey("ingredient.id"))
    quantity: Mapped[int]
    price: Mapped[int]
    amount: Mapped[int]
    received: Mapped[int] = mapped_column(default=0)


class PurchaseStep(KeyedRow):
    """What was done to an order; rows are added, never changed."""

    __tablename__ = "purchase_step"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        Index("ix_purchase_step_order", "order_id", "id"),
    )

    order_id: Mapped[UUID] = mapped_column(ForeignKey("purchase_order.id"))
    act: Mapped[str] = mapped_column(String(16))
    by: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime]
    told: Mapped[str] = mapped_column(String(64), default="")
    """Of what is sent again with the same key: a fingerprint of what it says."""


def get(session: Session, site_id: UUID, order_id: UUID) -> PurchaseOrder:
    """An order of the site.

    Raises:
        UnknownRowError: not one of this site.
    """
    return rows.get(session, PurchaseOrder, site_id, order_id, "purchase order")


def lines_of(session: Session, order_id: UUID) -> Sequence[PurchaseLine]:
    """The lines of an order, as they were written."""
    query = select(PurchaseLine).where(PurchaseLine.order_id == order_id)
    return session.scalars(query.order_by(PurchaseLine.id)).all()


def steps_of(session: Session, order_id: UUID) -> Sequence[PurchaseStep]:
    """What was done to an order, the first step first."""
    query = select(PurchaseStep).where(PurchaseStep.order_id == order_id)
    return session.scalars(query.order_by(PurchaseStep.id)).all()


def page(
    session: Session,
    site_id: UUID,
    *,
    states: Sequence[State] = (),
    supplier_id: UUID | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> Sequence[PurchaseOrder]:
    """Orders, the newest first, from behind the order ``after``; of all or of some."""
    query = select(PurchaseOrder).where(PurchaseOrder.site_id == site_id)
    if states:
        query = query.where(PurchaseOrder.state.in_([state.value for state in states]))
    if supplier_id is not None:
        query = query.where(PurchaseOrder.supplier_id == supplier_id)
    if after is not None:
        query = query.where(PurchaseOrder.id < after)
    query = query.order_by(PurchaseOrder.id.desc()).limit(max(1, min(limit, MAX_PAGE)))
    return session.scalars(query).all()
