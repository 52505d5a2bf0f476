"""Failed attempts, counted in the database so that all workers agree."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Index, String, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base
from dafan.errors import DafanError
from dafan.ids import new_id

WINDOW = timedelta(minutes=15)


class TooManyError(DafanError):
    """Somebody guesses."""

    code = "too_many_attempts"


class FailedAttempt(Base):
    """One wrong password or code."""

    __tablename__ = "failed_attempt"
    __table_args__ = (Index("ix_failed_attempt_scope_subject_at", "scope", "subject", "at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    scope: Mapped[str] = mapped_column(String(16))
    subject: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime]


def require_calm(session: Session, scope: str, subject: str, limit: int, now: datetime) -> None:
    """Let go on unless too much went wrong lately.

    Args:
        session: Reads.
        scope: What is attempted.
        subject: By whom: a login or an address.
        limit: Failures allowed within :data:`WINDOW`.
        now: Aware UTC.

    Raises:
        TooManyError: the limit is reached.
    """
    query = select(func.count()).where(
        FailedAttempt.scope == scope,
        FailedAttempt.subject == subject[:80],
        FailedAttempt.at > now - WINDOW,
    )
    if (session.scalar(query) or 0) >= limit:
        minutes = int(WINDOW.total_seconds() // 60)
        raise TooManyError(f"too many failed attempts: wait {minutes} minutes, then try again")


def note(session: Session, scope: str, subject: str, now: datetime) -> None:
    """Count a failure, and forget those that no longer matter."""
    session.execute(delete(FailedAttempt).where(FailedAttempt.at < now - WINDOW))
    session.add(FailedAttempt(id=new_id(), scope=scope, subject=subject[:80], at=now))


def forget(session: Session, scope: str, subject: str) -> None:
    """A success wipes the slate clean."""
    session.execute(
        delete(FailedAttempt).where(
            FailedAttempt.scope == scope, FailedAttempt.subject == subject[:80]
        )
    )
