"""The audit log: who changed what, when, from where; rows are added, never changed."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Index, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base
from dafan.ids import new_id


class Audit(Base):
    """One act."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_site_id_id", "site_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID | None]
    at: Mapped[datetime]
    who: Mapped[str] = mapped_column(String(80))
    action: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(200))
    before: Mapped[Any] = mapped_column(JSON, nullable=True)
    after: Mapped[Any] = mapped_column(JSON, nullable=True)
    ip: Mapped[str] = mapped_column(String(64), default="")


def record(
    session: Session,
    who: str,
    action: str,
    subject: str,
    before: Any = None,
    after: Any = None,
    ip: str = "",
    *,
    site_id: UUID | None = None,
    at: datetime | None = None,
) -> None:
    """Write one act, in the transaction of the act itself.

    Args:
        session: The transaction that changes the thing.
        who: A login, or the name of a command.
        action: Such as ``diner.freeze``.
        subject: Identifier of the thing.
        before: Plain JSON values, or nothing.
        after: Plain JSON values, or nothing.
        ip: Address of the request; empty for a command.
        site_id: Whose managers may read it.
        at: Aware UTC; now, where it is left out.
    """
    row = Audit(
        id=new_id(), site_id=site_id, at=at or datetime.now(UTC), who=who[:80], action=action[:40],
        subject=subject[:200], before=before, after=after, ip=ip[:64],
    )  # fmt: skip
    session.add(row)


def page(
    session: Session, site_id: UUID, *, before: UUID | None = None, limit: int = 50
) -> Sequence[Audit]:
    """The site's acts, the latest first, from before a row on."""
    query = select(Audit).where(Audit.site_id == site_id)
    if before is not None:
        query = query.where(Audit.id < before)
    return session.scalars(query.order_by(Audit.id.desc()).limit(min(limit, 200))).all()
