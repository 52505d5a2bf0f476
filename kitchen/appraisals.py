"""How well a supplier delivered (供应商考核), from the deliveries that were received.

The rule is :func:`kitchen.supplier_rules.appraise`. A delivery without an order was due when it
came.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from kitchen.deliveries import Receiving, ReceivingLine, State
from kitchen.purchase_book import PurchaseOrder
from kitchen.supplier_rules import Appraisal, Delivery, appraise


def of_supplier(session: Session, site_id: UUID, supplier_id: UUID, since: date) -> Appraisal:
    """The score of a supplier's deliveries from a business date on."""
    return appraise(deliveries(session, site_id, supplier_id, since))


def deliveries(
    session: Session, site_id: UUID, supplier_id: UUID, since: date
) -> tuple[Delivery, ...]:
    """Deliveries of a supplier that were signed for or sent back, the oldest first."""
    only = Receiving.supplier_id == supplier_id
    return tuple(came.delivery for came in _came(session, site_id, since, date.max, only))


@dataclass(frozen=True, slots=True)
class Came:
    """A delivery that was signed for or sent back, and whose."""

    receiving_id: UUID
    supplier_id: UUID
    delivery: Delivery


def came(session: Session, site_id: UUID, since: date, until: date) -> Sequence[Came]:
    """All deliveries of a range of business dates, both included, the oldest first."""
    return _came(session, site_id, since, until)


def _came(
    session: Session, site_id: UUID, since: date, until: date, *only: ColumnElement[bool]
) -> list[Came]:
    query = (
        select(Receiving, PurchaseOrder.deliver_on)
        .outerjoin(
            PurchaseOrder,
            (PurchaseOrder.id == Receiving.order_id) & (PurchaseOrder.site_id == site_id),
        )
        .where(
            Receiving.site_id == site_id,
            Receiving.business_date.between(since, until),
            Receiving.state.in_([State.POSTED.value, State.REJECTED.value]),
            *only,
        )
        .order_by(Receiving.id)
    )
    found = session.execute(query).all()
    arrived, rejected = _quantities(session, site_id, [row.id for row, _due in found])
    told = []
    for row, due in found:
        day = row.business_date
        delivery = Delivery(due or day, day, arrived[row.id], rejected[row.id])
        told.append(Came(row.id, row.supplier_id, delivery))
    return told


def _quantities(
    session: Session, site_id: UUID, ids: list[UUID]
) -> tuple[dict[UUID, int], dict[UUID, int]]:
    """What arrived and what was rejected of each delivery."""
    arrived, rejected = dict.fromkeys(ids, 0), dict.fromkeys(ids, 0)
    for start in range(0, len(ids), _AT_ONCE):
        query = select(ReceivingLine).where(
            ReceivingLine.site_id == site_id,
            ReceivingLine.receiving_id.in_(ids[start : start + _AT_ONCE]),
        )
        for line in session.scalars(query):
            arrived[line.receiving_id] += line.values.quantity
            rejected[line.receiving_id] += line.rejected
    return arrived, rejected


_AT_ONCE = 500
