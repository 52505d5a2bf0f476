"""What terminals have reported: entries, the signed batches that brought them, and forks."""

import json
from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Index, LargeBinary, String, Text, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base
from dafan.ids import new_id
from dafan.records import Entry


class EntryRow(Base):
    """A journal entry as it was written at the terminal; site and date stand in the key."""

    __tablename__ = "entry"
    __table_args__ = (
        UniqueConstraint("terminal_id", "seq"),
        Index("ix_entry_site_id_received_at", "site_id", "received_at"),
    )

    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    business_date: Mapped[date] = mapped_column(primary_key=True)
    """Of a sale, its trading day; else the day of ``at`` in UTC."""
    terminal_id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(index=True)
    at: Mapped[str] = mapped_column(String(40))
    """As in the hash: the terminal's clock may be wrong, its text stays."""
    kind: Mapped[str] = mapped_column(String(40))
    body: Mapped[str] = mapped_column(Text)
    """Canonical JSON, as in the hash."""
    prev_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
    batch_id: Mapped[UUID]
    outcome: Mapped[str] = mapped_column(String(12))
    """``applied`` or ``parked``."""
    reason: Mapped[str] = mapped_column(String(500), default="")
    received_at: Mapped[datetime]


class Batch(Base):
    """A signed run of entries: the terminal cannot deny them, the server cannot invent them."""

    __tablename__ = "batch"
    __table_args__ = (Index("ix_batch_terminal_id_last_seq", "terminal_id", "last_seq"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID]
    terminal_id: Mapped[UUID]
    first_seq: Mapped[int]
    last_seq: Mapped[int]
    prev_hash: Mapped[str] = mapped_column(String(64))
    last_hash: Mapped[str] = mapped_column(String(64))
    signature: Mapped[bytes] = mapped_column(LargeBinary(64))
    received_at: Mapped[datetime]


class ForkedBatch(Base):
    """A batch that contradicts what the terminal said before; kept whole for a person."""

    __tablename__ = "forked_batch"

    terminal_id: Mapped[UUID] = mapped_column(primary_key=True)
    last_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    site_id: Mapped[UUID]
    first_seq: Mapped[int]
    last_seq: Mapped[int]
    push: Mapped[str] = mapped_column(Text)
    """The :class:`dafan.records.JournalPush` as JSON."""
    received_at: Mapped[datetime]
    decision: Mapped[str | None] = mapped_column(String(12))
    """``taken_in`` or ``set_aside``; what a person decided (:mod:`server.forks`)."""
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(String(500), default="")


def hashes(session: Session, terminal_id: UUID, first: int, last: int) -> dict[int, str]:
    """Sequence → hash of the terminal's entries that the server holds in a range."""
    query = select(EntryRow.seq, EntryRow.hash).where(
        EntryRow.terminal_id == terminal_id, EntryRow.seq.between(first, last)
    )
    return dict(session.execute(query).all())


def find(session: Session, site_id: UUID, terminal_id: UUID, seq: int) -> EntryRow | None:
    """One entry of the site."""
    query = select(EntryRow).where(
        EntryRow.site_id == site_id, EntryRow.terminal_id == terminal_id, EntryRow.seq == seq
    )
    return session.scalar(query)


def forks(session: Session, site_id: UUID) -> Sequence[ForkedBatch]:
    """The site's forked batches, the latest first."""
    query = select(ForkedBatch).where(ForkedBatch.site_id == site_id)
    return session.scalars(query.order_by(ForkedBatch.received_at.desc()).limit(200)).all()


def as_record(row: EntryRow) -> Entry:
    """The entry as the terminal sent it.

    Raises:
        ValueError: the row was altered so that it is no entry any more.
    """
    names = ("terminal_id", "seq", "id", "at", "kind", "prev_hash", "hash")
    return Entry.model_validate(
        {name: getattr(row, name) for name in names} | {"body": json.loads(row.body)}
    )
