"""The audit log: who changed what, when, from where; rows are added, never changed.

The rows of a site are a chain: each carries its number and a hash over itself and the hash before
it, so that a row that was altered, taken out or put in later is found (:func:`faults`). Number and
hash are given at the very end of each transaction, behind one locked row per site; no transaction
waits for anything while it holds that row, so that nothing can deadlock on it.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Index, String, event, inspect, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base
from dafan.ids import new_id

GENESIS = "0" * 64
NOBODYS = UUID(int=0)
"""The chain of the acts that belong to no site."""
_WAITING = "dafan audit"
MOST = 200


class Audit(Base):
    """One act."""

    __tablename__ = "audit"
    __table_args__ = (
        Index("ix_audit_site_id_id", "site_id", "id"),
        Index("ix_audit_site_id_seq", "site_id", "seq"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID | None]
    at: Mapped[datetime]
    who: Mapped[str] = mapped_column(String(80))
    action: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(200))
    before: Mapped[Any] = mapped_column(JSON, nullable=True)
    after: Mapped[Any] = mapped_column(JSON, nullable=True)
    ip: Mapped[str] = mapped_column(String(64), default="")
    seq: Mapped[int | None]
    """Its place in the site's chain; none for what is older than the chain."""
    hash: Mapped[str | None] = mapped_column(String(64))


class AuditHead(Base):
    """The end of a site's chain."""

    __tablename__ = "audit_head"

    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(default=0)
    hash: Mapped[str] = mapped_column(String(64), default=GENESIS)


@dataclass(frozen=True, slots=True)
class Search:
    """Which acts; what is empty does not narrow.

    Attributes:
        who: The login, from its beginning.
        action: Such as ``diner.freeze``.
        subject: Any part of what it was done to.
        ip: The address, from its beginning.
        since: Aware UTC, included.
        until: Aware UTC, not included.
    """

    who: str = ""
    action: str = ""
    subject: str = ""
    ip: str = ""
    since: datetime | None = None
    until: datetime | None = None


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
    session.info.setdefault(_WAITING, []).append(row)


def page(
    session: Session,
    site_id: UUID,
    search: Search | None = None,
    *,
    before: UUID | None = None,
    limit: int = 50,
) -> Sequence[Audit]:
    """The site's acts that fit, the latest first, from before a row on."""
    asked = search or Search()
    query = select(Audit).where(Audit.site_id == site_id)
    if before is not None:
        query = query.where(Audit.id < before)
    if asked.who:
        query = query.where(Audit.who.startswith(asked.who, autoescape=True))
    if asked.action:
        query = query.where(Audit.action == asked.action)
    if asked.subject:
        query = query.where(Audit.subject.contains(asked.subject, autoescape=True))
    if asked.ip:
        query = query.where(Audit.ip.startswith(asked.ip, autoescape=True))
    if asked.since is not None:
        query = query.where(Audit.at >= asked.since)
    if asked.until is not None:
        query = query.where(Audit.at < asked.until)
    return session.scalars(query.order_by(Audit.id.desc()).limit(min(limit, MOST))).all()


def get(session: Session, site_id: UUID, act_id: UUID) -> Audit | None:
    """One act of the site."""
    return session.scalar(select(Audit).where(Audit.site_id == site_id, Audit.id == act_id))


def faults(session: Session) -> Iterator[str]:
    """What is wrong with the chains, one sentence for the first wrong row of each."""
    heads = {head.site_id: head for head in session.scalars(select(AuditHead))}
    query = select(Audit).where(Audit.seq.is_not(None)).order_by(Audit.site_id, Audit.seq)
    ends: dict[UUID, tuple[int, str]] = {}
    wrong: set[UUID] = set()
    for row in session.scalars(query.execution_options(yield_per=1000)):
        site_id = row.site_id or NOBODYS
        seq, last = ends.get(site_id, (0, GENESIS))
        if site_id not in wrong and (row.seq != seq + 1 or row.hash != _hash(last, row)):
            wrong.add(site_id)
            yield (
                f"audit log of site {site_id}: row {row.id} (number {row.seq}) was altered, or one "
                "before it was taken out: compare with a backup"
            )
        ends[site_id] = (int(row.seq or 0), str(row.hash))
    for site_id, head in heads.items():
        if site_id not in wrong and ends.get(site_id, (0, GENESIS)) != (head.seq, head.hash):
            yield (
                f"audit log of site {site_id}: it should end with number {head.seq}; the last rows "
                "were taken out: compare with a backup"
            )


@event.listens_for(Session, "before_commit")
def _chain(session: Session) -> None:
    """Give the acts of this transaction their places; the last thing that it does."""
    if session.in_nested_transaction() or not session.info.get(_WAITING):
        return
    session.flush()  # whatever else is locked is locked before the chain
    rows = session.info.pop(_WAITING)
    kept = [row for row in rows if inspect(row).persistent]  # what was undone has no place
    for site_id in sorted({row.site_id or NOBODYS for row in kept}):
        head = _lock(session, site_id)
        for row in kept:
            if (row.site_id or NOBODYS) == site_id:
                row.seq, row.hash = head.seq + 1, _hash(head.hash, row)
                head.seq, head.hash = row.seq, row.hash


def _lock(session: Session, site_id: UUID) -> AuditHead:
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    first = dialect.insert(AuditHead).values(site_id=site_id, seq=0, hash=GENESIS)
    session.execute(first.on_conflict_do_nothing())
    return session.get_one(AuditHead, site_id, with_for_update=True)


def _hash(last: str, row: Audit) -> str:
    told = [
        str(row.id), str(row.site_id), row.at.isoformat(), row.who, row.action, row.subject,
        row.before, row.after, row.ip,
    ]  # fmt: skip
    plain = json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{last}{plain}".encode()).hexdigest()
