"""Evidence of a disputed face payment: the frame that paid, asked of the till, sealed, erased.

While nobody disputes a payment its frame stays at the till and goes there after
:attr:`dafan.records.Policy.evidence_days` days (PIPL art. 19: the shortest time only).
"""

import logging
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan import crypto
from dafan.crypto import SealError
from dafan.db import Base
from dafan.desk import EvidencePicture, EvidenceRequest
from dafan.errors import BadInputError
from server import feed, keys
from server.actor import Actor
from server.keys import KeyRing
from server.services import Services

KIND = "evidence"
_UNREADABLE = "unreadable"
_JPEG = b"\xff\xd8\xff"

log = logging.getLogger(__name__)


class UnknownEvidenceError(BadInputError):
    """Nobody asked this terminal for a picture of this sale, or the question is closed."""

    code = "unknown_evidence"


class Evidence(Base):
    """What was asked of a till about one sale, and what came."""

    __tablename__ = "evidence_picture"

    sale_id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), index=True)
    terminal_id: Mapped[UUID] = mapped_column(ForeignKey("terminal.id"))
    epoch: Mapped[int | None] = mapped_column(index=True)
    """Of the site key that seals the picture."""
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    missing: Mapped[str | None] = mapped_column(String(40))
    """Why there is no picture: as :class:`dafan.desk.EvidencePicture` says."""
    received_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]
    """The question is closed and the picture gone."""


def request(session: Session, site_id: UUID, terminal_id: UUID, sale_id: UUID) -> None:
    """Ask the till that made a sale for its picture; asking again changes nothing.

    Raises:
        BadInputError: the picture was erased already, and the till has none any more.
    """
    feed.lock(session, site_id)
    row = find(session, site_id, sale_id)
    if row is not None and row.erased_at is not None:
        raise BadInputError(
            "the picture of this payment was erased: it cannot be asked for again",
            code="evidence_erased",
        )
    if row is None:
        session.add(Evidence(sale_id=sale_id, site_id=site_id, terminal_id=terminal_id))
    if row is None or row.received_at is None:
        body = EvidenceRequest(sale_id=sale_id, terminal_id=terminal_id)
        feed.publish(session, site_id, KIND, str(sale_id), body)


def receive(
    session: Session, ring: KeyRing, terminal_id: UUID, answer: EvidencePicture, now: datetime
) -> None:
    """Keep what a till answers; the first answer counts, a repeated one changes nothing.

    A picture that does not open, because its key was retired or it was damaged, is as good as
    none: the till is told that it need not send it again.

    Args:
        session: Writes.
        ring: Its keys open what tills seal.
        terminal_id: Who answers; it was asked.
        answer: Its word.
        now: Aware UTC.

    Raises:
        UnknownEvidenceError: this terminal was not asked, or the question is closed.
    """
    keys.hold(session)
    row = session.get(Evidence, answer.sale_id)
    if row is None or row.terminal_id != terminal_id or row.erased_at is not None:
        raise UnknownEvidenceError("nobody asks this terminal for a picture of this sale")
    feed.lock(session, row.site_id)
    session.refresh(row, with_for_update=True)
    if row.received_at is not None:
        return
    row.received_at = now
    if answer.sealed is None:
        row.missing = answer.missing or "none_taken"
    elif _opens(ring, answer.epoch, answer.sealed, answer.sale_id):
        row.epoch, row.sealed = answer.epoch, answer.sealed
    else:
        row.missing = _UNREADABLE
    feed.publish(session, row.site_id, KIND, str(row.sale_id), None)


def _opens(ring: KeyRing, epoch: int, sealed: bytes, sale_id: UUID) -> bool:
    try:
        return open_picture(ring, epoch, sealed, sale_id).startswith(_JPEG)
    except SealError as error:
        log.warning("the evidence of sale %s cannot be used: %s", sale_id, error)
        return False


def find(session: Session, site_id: UUID, sale_id: UUID) -> Evidence | None:
    """What is known about the picture of a sale; ``None`` where nobody asked."""
    query = select(Evidence).where(Evidence.site_id == site_id, Evidence.sale_id == sale_id)
    return session.scalar(query)


def picture(session: Session, parts: Services, site_id: UUID, sale_id: UUID) -> bytes | None:
    """The picture as JPEG; ``None`` before it has come, and where there is none (any more).

    The caller writes down who looks.

    Raises:
        SealError: it was altered, or its key is not here.
    """
    row = find(session, site_id, sale_id)
    if row is None or row.sealed is None or row.epoch is None:
        return None
    return open_picture(parts.ring, row.epoch, row.sealed, sale_id)


def open_picture(ring: KeyRing, epoch: int, sealed: bytes, sale_id: UUID) -> bytes:
    """Undo what the till sealed.

    Raises:
        SealError: altered, or its key is not here.
    """
    return crypto.open_sealed(ring.key(epoch).secret, sealed, context(sale_id))


def context(sale_id: UUID) -> str:
    """What the seal of a sale's picture is bound to."""
    return f"evidence:{sale_id}"


def erase(session: Session, actor: Actor, sale_id: UUID) -> bool:
    """Close the question: the till need not answer any more, and the picture is erased.

    Returns:
        Whether there was anything to close.
    """
    feed.lock(session, actor.site_id)
    row = find(session, actor.site_id, sale_id)
    if row is None or row.erased_at is not None:
        return False
    feed.publish(session, actor.site_id, KIND, str(sale_id), None)
    had = row.sealed is not None
    row.sealed, row.epoch, row.erased_at = None, None, actor.at
    actor.record(session, "evidence.erase", str(sale_id), None, {"picture": had})
    session.flush()
    return True
