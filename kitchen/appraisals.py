"""How well a supplier delivered (供应商考核), from the deliveries that were received.

The rule is :func:`kitchen.supplier_rules.appraise`. A delivery without an order was due when it
came.
"""

from datetime import date
from uuid import UUID

from sqlalchemy import select
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
    query = (
        select(Receiving, PurchaseOrder.deliver_on)
        .outerjoin(
            PurchaseOrder,
            (PurchaseOrder.id == Receiving.order_id) & (PurchaseOrder.site_id == site_id),
        )
        .where(
            Receiving.site_id == site_id,
            Receiving.supplier_id == supplier_id,
            Receiving.business_date >= since,
            Receiving.state != State.OPEN.value,
        )
        .order_by(Receiving.id)
    )
    found = session.execute(query).all()
    arrived, rejected = _quantities(session, site_id, [row.id for row, _due in found])
    return tuple(
        Delivery(due or row.business_date, row.business_date, arrived[row.id], rejected[row.id])
        for row, due in found
    )


def _quantities(
    session: Session, site_id: UUID, ids: list[UUID]
) -> tuple[dict[UUID, int], dict[UUID, int]]:
    """What arrived and what was rejected of each delivery."""
    arrived, rejected = dict.fromkeys(ids, 0), dict.fromkeys(ids, 0)
    query = select(ReceivingLine).where(
        ReceivingLine.site_id == site_id, ReceivingLine.receiving_id.in_(ids)
    )
    for line in session.scalars(query):
        arrived[line.receiving_id] += line.values.quantity
        rejected[line.receiving_id] += line.rejected
    return arrived, rejected
