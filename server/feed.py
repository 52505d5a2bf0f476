"""The feed: the latest version of every published thing, one row a key.

Versions come from one counter row a site, locked until the transaction ends. A reader therefore
never sees version n + 1 while n is still uncommitted, which a sequence would allow on PostgreSQL.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    Index,
    String,
    TableValuedAlias,
    cast,
    column,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base
from dafan.records import FeedItem, FeedPage, Record
from server.many import among, locks_rows

MAX_PAGE = 1000
_OWN = ("terminal", "site_key")
"""Kinds whose items are for the one terminal that their key names."""


class FeedCounter(Base):
    """The site's last version."""

    __tablename__ = "feed_counter"

    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(default=0)


class FeedRow(Base):
    """The latest version of one thing; without a body it is gone."""

    __tablename__ = "feed"
    __table_args__ = (Index("uq_feed_site_id_version", "site_id", "version", unique=True),)

    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40), primary_key=True)
    key: Mapped[str] = mapped_column(String(120), primary_key=True)
    version: Mapped[int]
    body: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


def open_feed(session: Session, site_id: UUID) -> None:
    """Begin the feed of a new site."""
    session.add(FeedCounter(site_id=site_id, version=0))
    session.flush()


def lock(session: Session, site_id: UUID) -> FeedCounter:
    """Keep others from publishing until this transaction ends.

    Who locks before he reads what he publishes never overwrites later news by earlier ones.
    """
    return session.get_one(FeedCounter, site_id, with_for_update={"key_share": True})


def publish(session: Session, site_id: UUID, kind: str, key: str, body: Record | None) -> None:
    """Publish one thing, as :func:`publish_all`."""
    publish_all(session, site_id, kind, {key: body})


def publish_all(
    session: Session, site_id: UUID, kind: str, bodies: Mapping[str, Record | None]
) -> None:
    """Publish things as they are now, or with ``None`` that one is gone; the same is no news.

    Args:
        session: The transaction that changes the things.
        site_id: Whose terminals receive them; its counter stays locked until the commit.
        kind: A key of :data:`dafan.records.FEED_BODIES`.
        bodies: What names each thing within its kind → its record.
    """
    counter = lock(session, site_id)
    query = select(FeedRow.key, FeedRow.body).where(
        FeedRow.site_id == site_id, FeedRow.kind == kind, among(session, FeedRow.key, bodies)
    )
    known: dict[str, Any] = dict(session.execute(query).all())
    news = []
    for key, body in bodies.items():
        new = None if body is None else body.to_body()
        if known.get(key) != new:
            counter.version += 1
            news.append((key, counter.version, new))
    if news:
        _write(session, site_id, kind, news)
    session.flush()


_TABLE = FeedRow.metadata.tables["feed"]
_News = Sequence[tuple[str, int, dict[str, Any] | None]]
"""Key, version, body."""


def _write(session: Session, site_id: UUID, kind: str, news: _News) -> None:
    """One statement, however many there are."""
    if locks_rows(session):
        rows = _listed(news)
        source = select(literal(site_id), literal(kind), rows.c.key, rows.c.version, rows.c.body)
        insert = postgresql.insert(_TABLE).from_select(list(_TABLE.c.keys()), source)
        session.execute(_newest(insert))
        return
    fixed = {"site_id": site_id, "kind": kind}
    many = [fixed | {"key": key, "version": at, "body": body} for key, at, body in news]
    session.connection().execute(_newest(sqlite.insert(_TABLE)), many)


def _listed(news: _News) -> TableValuedAlias:
    """The news as rows."""
    names = "key", "version", "body"
    text = json.dumps([dict(zip(names, each, strict=True)) for each in news], ensure_ascii=False)
    columns = column("key", String), column("version", BigInteger), column("body", JSON)
    rows = func.json_to_recordset(cast(literal(text, String), JSON)).table_valued(*columns)
    return rows.render_derived(with_types=True)


def _newest(insert: Any) -> Any:
    """What was published before under the key gives way."""
    newest = {name: insert.excluded[name] for name in ("version", "body")}
    return insert.on_conflict_do_update(index_elements=["site_id", "kind", "key"], set_=newest)


def latest(session: Session, site_id: UUID) -> int:
    """The site's last version."""
    query = select(FeedCounter.version).where(FeedCounter.site_id == site_id)
    return session.scalar(query) or 0


def page(
    session: Session, site_id: UUID, terminal_id: UUID, since: int, limit: int, now: datetime
) -> FeedPage:
    """What was published after ``since``, for one terminal.

    A terminal that is ahead of the server (which was restored from a backup) gets everything
    again from the beginning.

    Args:
        session: Sees one state of the database.
        site_id: The terminal's site.
        terminal_id: Of the items that describe terminals it gets only its own.
        since: The version that it has.
        limit: At most this many items.
        now: Aware UTC, for the answer.
    """
    last = latest(session, site_id)
    start = since if since <= last else 0
    limit = max(1, min(limit, MAX_PAGE))
    query = (
        select(FeedRow)
        .where(FeedRow.site_id == site_id, FeedRow.version > start)
        .where(or_(FeedRow.kind.not_in(_OWN), FeedRow.key == str(terminal_id)))
        .order_by(FeedRow.version)
        .limit(limit + 1)
    )
    rows = session.scalars(query).all()
    more = len(rows) > limit
    items = tuple(
        FeedItem(kind=row.kind, key=row.key, version=row.version, body=row.body)
        for row in rows[:limit]
    )
    version = items[-1].version if more else last
    return FeedPage(since=since, version=version, items=items, more=more, server_time=now)
