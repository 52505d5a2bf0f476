"""Closed days (关账): what was closed stays as it was; what comes later counts for an open day.

A site's days are closed in order, so one date says which are closed; a day on which nothing moved
is closed together with the next one on which something did. Whoever books
reads that date under a shared lock, whoever closes a day changes it under an exclusive one: a day
is closed after all that was being booked into it, and before all that comes later. The figures of
a closed day are kept as canonical JSON, and each closing carries the hash of the one before it.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base
from dafan.errors import BadInputError
from dafan.journal import GENESIS, Fault
from dafan.wire import canonical

_DAY = timedelta(days=1)


class ClosingError(BadInputError):
    """This day cannot be closed, or is closed already."""

    code = "closing"


class Books(Base):
    """How far a site's days are closed; one row a site, which serialises booking and closing."""

    __tablename__ = "books"

    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), primary_key=True)
    closed_until: Mapped[date | None]
    """The last closed day."""
    last_hash: Mapped[str] = mapped_column(String(64), default=GENESIS)
    """Of that day's closing."""


class DayClose(Base):
    """A closed day, as it was when it was closed; rows are added, never changed."""

    __tablename__ = "day_close"

    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), primary_key=True)
    business_date: Mapped[date] = mapped_column(primary_key=True)
    figures: Mapped[str] = mapped_column(Text)
    """Canonical JSON, as in the hash."""
    prev_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
    closed_at: Mapped[datetime]
    closed_by: Mapped[str] = mapped_column(String(80))


def open_books(session: Session, site_id: UUID) -> None:
    """Begin the books of a new site: no day is closed."""
    session.add(Books(site_id=site_id, closed_until=None, last_hash=GENESIS))
    session.flush()


def closed_until(session: Session, site_id: UUID) -> date | None:
    """The site's last closed day, for a page: it may change at any moment."""
    return session.scalar(select(Books.closed_until).where(Books.site_id == site_id))


def is_closed(session: Session, site_id: UUID, day: date) -> bool:
    """Whether a day is closed; the answer holds until the caller's transaction ends."""
    return booking_date(session, site_id, day) != day


def booking_date(session: Session, site_id: UUID, day: date) -> date:
    """The day that a movement of ``day`` counts for: the first open one where ``day`` is closed.

    The answer holds until the caller's transaction ends.
    """
    return max(day, first_open_day(session, site_id))


def first_open_day(session: Session, site_id: UUID) -> date:
    """The day behind the last closed one; ``date.min`` where none is closed.

    The answer holds until the caller's transaction ends.
    """
    query = select(Books.closed_until).where(Books.site_id == site_id)
    last = session.scalars(query.with_for_update(read=True)).one()
    return date.min if last is None else last + _DAY


def lock(session: Session, site_id: UUID) -> Books:
    """Wait for all that is being booked, and keep others from booking until the commit.

    Take no other lock afterwards that one who books may hold.
    """
    return session.get_one(Books, site_id, with_for_update=True, populate_existing=True)


def close(
    session: Session, books: Books, day: date, figures: dict[str, Any], *, by: str, at: datetime
) -> DayClose:
    """Close a day, and with it all earlier ones, on which nothing moved.

    Args:
        session: Writes.
        books: As :func:`lock` gives it.
        day: Behind the last closed one; nothing moved on the open days before it.
        figures: Plain JSON values; fen as integers.
        by: Login.
        at: Aware UTC.

    Raises:
        ClosingError: the day is closed.
    """
    if books.closed_until is not None and day <= books.closed_until:
        raise ClosingError("this day is closed already", code="closed_before")
    row = DayClose(
        site_id=books.site_id, business_date=day, figures=canonical(figures).decode(),
        prev_hash=books.last_hash, hash="", closed_at=at, closed_by=by[:80],
    )  # fmt: skip
    row.hash = _hash(row)
    session.add(row)
    books.closed_until, books.last_hash = day, row.hash
    session.flush()
    return row


def _hash(row: DayClose) -> str:
    told = [
        str(row.site_id), row.business_date.isoformat(), row.figures, row.prev_hash,
        row.closed_at.isoformat(), row.closed_by,
    ]  # fmt: skip
    return hashlib.sha256(b"dafan-closing-v1" + canonical(told)).hexdigest()


def find(session: Session, site_id: UUID, day: date) -> DayClose | None:
    """The closing of a day; ``None`` while it is open, or where nothing moved on it."""
    return session.get(DayClose, (site_id, day))


def figures_of(row: DayClose) -> dict[str, Any]:
    """What was closed."""
    found: dict[str, Any] = json.loads(row.figures)
    return found


def page(
    session: Session, site_id: UUID, *, before: date | None = None, limit: int = 50
) -> Sequence[DayClose]:
    """The site's closed days, the latest first, from before one on."""
    query = select(DayClose).where(DayClose.site_id == site_id)
    if before is not None:
        query = query.where(DayClose.business_date < before)
    return session.scalars(query.order_by(DayClose.business_date.desc()).limit(limit)).all()


def faults(session: Session) -> Iterator[Fault]:
    """Closings that were altered, deleted or added behind the system's back."""
    query = select(DayClose).order_by(DayClose.site_id, DayClose.business_date)
    last: dict[UUID, DayClose] = {}
    for row in session.scalars(query.execution_options(yield_per=1000)):
        where = f"closing of {row.business_date} of site {row.site_id}"
        before = last.get(row.site_id)
        if row.hash != _hash(row):
            yield Fault(where, "is not what its hash says: it was altered after the day was closed")
        if row.prev_hash != (before.hash if before else GENESIS):
            yield Fault(where, "does not continue the closing before it")
        last[row.site_id] = row
    for books in session.scalars(select(Books)):
        end = last.get(books.site_id)
        told = (end.business_date, end.hash) if end else (None, GENESIS)
        if (books.closed_until, books.last_hash) != told:
            yield Fault(
                f"books of site {books.site_id}",
                f"say that days are closed until {books.closed_until}, the last closing is of "
                f"{told[0]}",
            )
