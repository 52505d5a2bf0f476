"""The exception list (例外): what a person must judge. Nothing on it blocks anything."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base
from dafan.errors import BadInputError
from dafan.ids import new_id
from server import audit


class ExceptionItem(Base):
    """One thing to judge.

    Codes: ``parked`` (an entry could not be booked), ``fork`` (a till restored from an old disk),
    ``overdraft``, ``over_limit``, ``subsidised_twice``, ``not_active``, ``wrong_date``,
    ``late_sale`` (of a closed day), ``unpublished``, ``notice`` (the terminal speaks),
    ``licence_ends`` (of a supplier), ``certificate_ends`` (of a worker's health).
    """

    __tablename__ = "exception_item"
    __table_args__ = (Index("ix_exception_item_site_id_resolved_at", "site_id", "resolved_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID]
    at: Mapped[datetime]
    code: Mapped[str] = mapped_column(String(40))
    detail: Mapped[str] = mapped_column(String(500), default="")
    terminal_id: Mapped[UUID | None]
    seq: Mapped[int | None]
    sale_id: Mapped[UUID | None]
    diner_id: Mapped[UUID | None]
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[str | None] = mapped_column(String(80))
    note: Mapped[str] = mapped_column(String(500), default="")


def add(
    session: Session,
    site_id: UUID,
    code: str,
    at: datetime,
    *,
    detail: str = "",
    terminal_id: UUID | None = None,
    seq: int | None = None,
    sale_id: UUID | None = None,
    diner_id: UUID | None = None,
) -> None:
    """Put something on the list."""
    item = ExceptionItem(
        id=new_id(), site_id=site_id, code=code, at=at, detail=detail[:500], note="",
        terminal_id=terminal_id, seq=seq, sale_id=sale_id, diner_id=diner_id,
    )  # fmt: skip
    session.add(item)


def page(
    session: Session,
    site_id: UUID,
    *,
    resolved: bool = False,
    before: UUID | None = None,
    limit: int = 50,
) -> Sequence[ExceptionItem]:
    """The site's open (or resolved) items, the latest first, from before one on."""
    done = ExceptionItem.resolved_at.is_not(None)
    query = select(ExceptionItem).where(
        ExceptionItem.site_id == site_id, done if resolved else ~done
    )
    if before is not None:
        query = query.where(ExceptionItem.id < before)
    return session.scalars(query.order_by(ExceptionItem.id.desc()).limit(min(limit, 200))).all()


def is_told(session: Session, site_id: UUID, code: str, detail: str) -> bool:
    """Whether the list has, or had, an item that says the same."""
    query = select(ExceptionItem.id).where(
        ExceptionItem.site_id == site_id,
        ExceptionItem.code == code,
        ExceptionItem.detail == detail,
    )
    return session.scalar(query.limit(1)) is not None


def count_open(session: Session, site_id: UUID) -> int:
    """How many items wait for a person."""
    query = select(func.count()).where(
        ExceptionItem.site_id == site_id, ExceptionItem.resolved_at.is_(None)
    )
    return session.scalar(query) or 0


def resolve(
    session: Session, site_id: UUID, item_id: UUID, *, by: str, now: datetime, note: str = ""
) -> None:
    """A person has judged it; twice is once.

    Raises:
        BadInputError: the site has no such item.
    """
    query = select(ExceptionItem).where(
        ExceptionItem.site_id == site_id, ExceptionItem.id == item_id
    )
    item = session.scalar(query)
    if item is None:
        raise BadInputError("there is no such exception here", code="unknown_exception")
    if item.resolved_at is None:
        item.resolved_at, item.resolved_by, item.note = now, by[:80], note[:500]
        audit.record(
            session, by, "exception.resolve", str(item_id), item.code, note, site_id=site_id, at=now
        )
