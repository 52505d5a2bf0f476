"""Disputes of face payments (人脸支付争议): the diner says that it was not he who paid.

A dispute asks the till for the sealed picture that it keeps of the payment. A person compares it
with the enrolled photograph and decides: the payment stands, or it was somebody else, and the
whole sale goes back, which a second person approves. The picture is erased when the dispute ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.records import Tender
from server import evidence, faces
from server.actor import Actor
from server.books import sales
from server.services import Services


class State(StrEnum):
    """Where a dispute stands."""

    OPEN = "open"
    REFUND_ASKED = "refund_asked"
    """It was somebody else, one person says; another has to approve the refund."""
    REFUNDED = "refunded"
    STANDS = "stands"


OPEN = (State.OPEN.value, State.REFUND_ASKED.value)
"""Not at its end."""


class DisputeError(BadInputError):
    """This payment cannot be disputed, or its dispute cannot be judged so."""

    code = "bad_dispute"


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


def begin(session: Session, actor: Actor, sale_id: UUID, reason: str) -> Dispute:
    """The diner disputes a face payment: ask the till for its picture. Twice is once.

    Raises:
        DisputeError: there is no such sale here, no face paid for it, it was taken back already,
            its dispute has ended, or no reason is given.
    """
    sale = sales.find(session, actor.site_id, [sale_id], lock=True).get(sale_id)
    if sale is None:
        raise DisputeError("there is no such sale here: look in the list", code="unknown_sale")
    if sale.tender != Tender.FACE.value or sale.diner_id is None:
        raise DisputeError("no face paid for this sale: refund it instead", code="no_face")
    found = of_sale(session, actor.site_id, sale_id)
    if found is not None:
        if found.state in OPEN:
            return found
        raise DisputeError("this payment was judged already", code="judged_before")
    if sale.cancelled:
        raise DisputeError("this payment went back already", code="refunded_before")
    dispute = Dispute(
        id=new_id(), site_id=actor.site_id, sale_id=sale_id, diner_id=sale.diner_id,
        state=State.OPEN.value, reason=_text(reason), opened_by=actor.name[:80],
        opened_at=actor.at, conclusion="", judged_by=None, judged_at=None, refund_id=None,
    )  # fmt: skip
    session.add(dispute)
    session.flush()
    actor.record(
        session, "dispute.open", str(dispute.id), None,
        {"sale": str(sale_id), "diner": str(sale.diner_id), "reason": dispute.reason},
    )  # fmt: skip
    evidence.request(session, actor.site_id, sale.terminal_id, sale_id)
    return dispute


def let_stand(session: Session, actor: Actor, dispute_id: UUID, conclusion: str) -> Dispute:
    """It was the diner: the payment stands, and the picture is erased. Twice is once.

    Raises:
        DisputeError: there is no such dispute here, it ended otherwise, a refund of it waits for
            approval, or no reason is given.
    """
    dispute = held(session, actor, dispute_id)
    if dispute.state == State.STANDS.value:
        return dispute
    judge(session, actor, dispute, State.STANDS, conclusion)
    evidence.erase(session, actor, dispute.sale_id)
    return dispute


def held(session: Session, actor: Actor, dispute_id: UUID) -> Dispute:
    """A dispute of the site as it is now, under its sale's lock, which orders all judgements.

    Raises:
        DisputeError: there is no such dispute here.
    """
    sale_id = get(session, actor.site_id, dispute_id).sale_id
    sales.find(session, actor.site_id, [sale_id], lock=True)
    query = select(Dispute).where(Dispute.id == dispute_id)
    return session.scalars(query.execution_options(populate_existing=True)).one()


def judge(
    session: Session, actor: Actor, dispute: Dispute, verdict: State, conclusion: str
) -> None:
    """Write down what a person decided about an open dispute.

    Raises:
        DisputeError: it is not open, or no reason is given.
    """
    if dispute.state != State.OPEN.value:
        raise DisputeError("this was judged already: reload the page", code="judged_before")
    dispute.conclusion, dispute.state = _text(conclusion), verdict.value
    dispute.judged_by, dispute.judged_at = actor.name[:80], actor.at
    session.flush()
    actor.record(
        session, "dispute.judge", str(dispute.id), State.OPEN.value,
        {"state": verdict.value, "reason": dispute.conclusion},
    )  # fmt: skip


def follow(session: Session, actor: Actor, refund_id: UUID, *, refunded: bool) -> None:
    """The refund of a dispute was judged: the dispute ends, or is open again."""
    dispute = session.scalar(select(Dispute).where(Dispute.refund_id == refund_id))
    if dispute is None:
        return
    dispute.state = (State.REFUNDED if refunded else State.OPEN).value
    session.flush()
    actor.record(
        session, "dispute.follow", str(dispute.id), State.REFUND_ASKED.value, dispute.state
    )
    if refunded:
        evidence.erase(session, actor, dispute.sale_id)


@dataclass(frozen=True, slots=True)
class Pictures:
    """JPEGs to compare; ``None`` where there is none."""

    paid: bytes | None
    """Of the payment."""
    enrolled: bytes | None
    """Of the diner who was charged."""


def look(session: Session, actor: Actor, parts: Services, dispute_id: UUID) -> Pictures:
    """The picture of the payment beside the enrolled one; that somebody looked is written down.

    Raises:
        DisputeError: there is no such dispute here.
        SealError: a picture was altered, or its key is not here.
    """
    dispute = get(session, actor.site_id, dispute_id)
    paid = evidence.picture(session, parts, actor.site_id, dispute.sale_id)
    if paid is not None:
        actor.record(session, "evidence.look", str(dispute.sale_id))
    return Pictures(paid, faces.show_photo(session, actor, parts.ring, dispute.diner_id))


def get(session: Session, site_id: UUID, dispute_id: UUID) -> Dispute:
    """A dispute of the site.

    Raises:
        DisputeError: there is no such dispute here.
    """
    query = select(Dispute).where(Dispute.site_id == site_id, Dispute.id == dispute_id)
    dispute = session.scalar(query)
    if dispute is None:
        raise DisputeError("there is no such dispute here", code="unknown_dispute")
    return dispute


def of_sale(session: Session, site_id: UUID, sale_id: UUID) -> Dispute | None:
    """The dispute of a sale."""
    query = select(Dispute).where(Dispute.site_id == site_id, Dispute.sale_id == sale_id)
    return session.scalar(query)


def page(
    session: Session, site_id: UUID, *, opened: bool, before: UUID | None = None, limit: int = 50
) -> Sequence[Dispute]:
    """The site's disputes, open or ended, the latest first, from before one on."""
    waits = Dispute.state.in_(OPEN)
    query = select(Dispute).where(Dispute.site_id == site_id, waits if opened else ~waits)
    if before is not None:
        query = query.where(Dispute.id < before)
    return session.scalars(query.order_by(Dispute.id.desc()).limit(min(limit, 200))).all()


def _text(words: str) -> str:
    text = words.strip()
    if not 1 <= len(text) <= 200:
        raise DisputeError("say in a few words why", code="no_reason")
    return text
