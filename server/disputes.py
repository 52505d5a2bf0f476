"""Disputes of face payments (人脸支付争议): the diner says that it was not he who paid.

A dispute asks the till for the sealed picture that it keeps of the payment. A person compares it
with the enrolled photograph and decides: the payment stands, or it was somebody else, and the
whole sale goes back, which a second person approves. The picture is erased when the dispute ends.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base
from dafan.ids import new_id
from server.actor import Actor


class State(StrEnum):
    """Where a dispute stands."""

    OPEN = "open"
    REFUND_ASKED = "refund_asked"
    """It was somebody else, one person says; another has to approve the refund."""
    REFUNDED = "refunded"
    STANDS = "stands"


class Dispute(Base):
    """One disputed sale."""

    __tablename__ = "dispute"
    __table_args__ = (
        UniqueConstraint("sale_id"),
        Index("ix_dispute_site_id_state_id", "site_id", "state", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID]
    sale_id: Mapped[UUID]
    diner_id: Mapped[UUID]
    """Who was charged."""
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(200))
    """What the diner says."""
    opened_by: Mapped[str] = mapped_column(String(80))
    opened_at: Mapped[datetime]
    conclusion: Mapped[str] = mapped_column(String(200), default="")
    """Why it was judged so."""
    judged_by: Mapped[str | None] = mapped_column(String(80))
    judged_at: Mapped[datetime | None]
    refund_id: Mapped[UUID | None] = mapped_column(index=True)


def follow(session: Session, actor: Actor, refund_id: UUID, *, refunded: bool) -> None:
    """The refund of a dispute was judged: the dispute ends, or is open again."""
    query = select(Dispute).where(Dispute.refund_id == refund_id)
    dispute = session.scalar(query)
    if dispute is None:
        return
    dispute.state = (State.REFUNDED if refunded else State.OPEN).value
    actor.record(
        session, "dispute.follow", str(dispute.id), State.REFUND_ASKED.value, dispute.state
    )
