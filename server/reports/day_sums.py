"""Reading and making the sums of a day: always right, and fast where they were made before.

A sum is good as long as nothing happened to its day since it was made. A reader takes good sums and
reads the sales of all other days, within one state of the database; nothing waits for the making.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import Enum
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, and_, delete, func, insert, select
from sqlalchemy.orm import Session

from dafan.db import reading, writing
from server import sites
from server.books.day_changes import DayChange
from server.many import among, rows_of
from server.reports.day_rows import EVERY, TABLES, DayMade, Sums, known, live, of_days, total
from server.reports.kept import once
from server.sites import Site

DAYS_AT_ONCE = 4
"""Made in one transaction, for which tills wait on SQLite: less than a second."""


class Cut(Enum):
    """What a column may be told to be instead of one value."""

    SINGLE = "single"
    """One venue or group, and not :data:`EVERY`."""


def rows(
    session: Session,
    site_id: UUID,
    table: Sums,
    since: date,
    until: date,
    *,
    by: Sequence[str],
    sums: Sequence[str],
    where: Mapping[str, Any],
) -> Iterator[tuple[Any, ...]]:
    """Sums of a range of days, both included, as they follow from the sales at this moment.

    Args:
        session: Reads.
        site_id: Whose.
        table: One of :data:`TABLES`.
        since: The first day.
        until: The last day.
        by: Columns that each row is for; the same ones may come more than once.
        sums: Columns that are summed up.
        where: Column → the one value that counts.

    Yields:
        The values of ``by``, then those of ``sums``.
    """
    for part in _parts(session, site_id, table, since, until):
        cut = [part.c[name] for name in by]
        sum_of = [total(part.c[name]) for name in sums]
        query = select(*map(known, cut), *sum_of).group_by(*cut)
        if not cut:
            query = query.having(func.count() > 0)
        for name, value in where.items():
            one = part.c[name]
            query = query.where(one != EVERY if value is Cut.SINGLE else one == value)
        yield from rows_of(session, query)


def _parts(session: Session, site_id: UUID, table: Sums, since: date, until: date) -> Iterator[Any]:
    """What together holds every day once: the sums of good days, all others as the sales tell."""
    key = "fresh", site_id, since, until
    good: set[date] = once(session, key, lambda: fresh(session, site_id, since, until))
    days = (since + timedelta(days=step) for step in range((until - since).days + 1))
    others = [day for day in days if day not in good]
    if good:
        kept = (table.site_id == site_id, table.business_date.between(since, until))
        query = select(table).where(*kept)
        if others:
            query = query.where(among(session, table.business_date, good))
        yield query.subquery()
    if others:
        yield live(table, *of_days(session, site_id, others)).subquery()


def fresh(session: Session, site_id: UUID, since: date, until: date) -> set[date]:
    """The days, both ends included, whose sums are made and to which nothing happened since."""
    changes = (
        select(DayChange.business_date, func.sum(DayChange.changes).label("changes"))
        .where(DayChange.site_id == site_id, DayChange.business_date.between(since, until))
        .group_by(DayChange.business_date)
        .subquery()
    )
    query = (
        select(DayMade.business_date)
        .join(changes, changes.c.business_date == DayMade.business_date)
        .where(DayMade.site_id == site_id, DayMade.changes == changes.c.changes)
    )
    return set(session.scalars(query))


def old(session: Session, site_id: UUID) -> dict[date, int]:
    """Days whose sums are missing or old → how often the day has changed so far."""
    summed = func.sum(DayChange.changes)
    query = (
        select(DayChange.business_date, summed)
        .outerjoin(
            DayMade,
            and_(
                DayMade.site_id == DayChange.site_id,
                DayMade.business_date == DayChange.business_date,
            ),
        )
        .where(DayChange.site_id == site_id)
        .group_by(DayChange.business_date, DayMade.changes)
        .having(func.coalesce(DayMade.changes, -1) != summed)
        .order_by(DayChange.business_date)
    )
    return {day: int(changes) for day, changes in session.execute(query)}


def make(
    session: Session,
    site_id: UUID,
    now: datetime,
    *,
    before: date = date.max,
    days: int = DAYS_AT_ONCE,
) -> int:
    """Make the sums of days whose sums are missing or old, the earliest first.

    The changes are counted before the sales are summed up: what comes in between is counted as a
    change that these sums may lack, and they are made once more.

    Args:
        session: Writes; waits while another one makes the sums of this site.
        site_id: Whose.
        now: Aware UTC.
        before: Only days before this one.
        days: At most so many.

    Returns:
        How many days were made.
    """
    session.execute(select(Site.id).where(Site.id == site_id).with_for_update(key_share=True))
    late = ((day, number) for day, number in old(session, site_id).items() if day < before)
    due = dict(islice(late, days))
    if not due:
        return 0
    for table in TABLES:
        these = (table.site_id == site_id, among(session, table.business_date, due))
        session.execute(delete(table).where(*these))
        columns = [column.name for column in table.__table__.columns]
        rows = live(table, *of_days(session, site_id, due)).subquery()
        made = select(*(rows.c[name] for name in columns))
        session.execute(insert(table).from_select(columns, made))
    of_made = (DayMade.site_id == site_id, among(session, DayMade.business_date, due))
    session.execute(delete(DayMade).where(*of_made))
    session.execute(
        insert(DayMade),
        [
            {"site_id": site_id, "business_date": day, "changes": changes, "made_at": now}
            for day, changes in due.items()
        ],
    )
    return len(due)


def throw_away(session: Session, site_id: UUID) -> None:
    """Throw all sums of a site away; they are made again, and until then the sales are read."""
    for table in (*TABLES, DayMade):
        session.execute(delete(table).where(table.site_id == site_id))


def drive(engine: Engine, now: datetime) -> str:
    """Make what is missing or old of all sites; a day that still runs is read from its sales."""
    made = 0
    with reading(engine) as session:
        running = {
            site.id: sites.business_date(session, site.id, now) for site in sites.all_sites(session)
        }
    for site_id, today in running.items():
        done = DAYS_AT_ONCE
        while done == DAYS_AT_ONCE:
            with writing(engine) as session:
                done = make(session, site_id, now, before=today)
            made += done
    return f"sums of {made} days made"
