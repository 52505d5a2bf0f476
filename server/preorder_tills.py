"""Advance orders at the tills: a sale that has an order's id pays it, and old orders go."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from dafan.db import reading, writing
from server import feed, sites
from server.many import among
from server.preorder_rounds import PreorderRound
from server.preorders import KIND, OrderState, Preorder

KEPT = timedelta(days=7)
"""So long behind its pick-up an order can still be paid at a till."""


def paid(session: Session, site_id: UUID, sale_ids: Sequence[UUID]) -> None:
    """Tills have sold these: the sale of an order has the order's id. No till sells it again.

    Args:
        session: The transaction that books the sales; its accounts are locked already.
        site_id: Of the tills.
        sale_ids: At most :data:`server.many.PORTION`.
    """
    query = select(Preorder).where(among(session, Preorder.id, sale_ids))
    query = query.where(Preorder.site_id == site_id).order_by(Preorder.id)
    found = session.scalars(query.with_for_update()).all()
    for row in found:
        if row.state == OrderState.ORDERED.value:
            row.state = OrderState.PAID.value
    if found:
        feed.publish_all(session, site_id, KIND, {str(row.id): None for row in found})


def drop_old(engine: Engine, now: datetime) -> str:
    """Take orders that nobody came for off the tills, some days after their pick-up."""
    dropped = 0
    with reading(engine) as session:
        found = [site.id for site in sites.all_sites(session)]
    for site_id in found:
        with writing(engine) as session:
            kept = select(Preorder.id).join(PreorderRound, Preorder.round_id == PreorderRound.id)
            old = session.scalars(
                kept.where(
                    Preorder.site_id == site_id, PreorderRound.pick_until < now - KEPT,
                    PreorderRound.pick_until > now - 2 * KEPT,
                    Preorder.state.in_((OrderState.ORDERED.value, OrderState.COLLECTED.value)),
                )
            ).all()  # fmt: skip
            feed.publish_all(session, site_id, KIND, {str(one): None for one in old})
            dropped += len(old)
    return f"{dropped} orders are off the tills"
