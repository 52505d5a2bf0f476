"""Reading and making the costs of a day: always right, and fast where they were made before.

Costs follow from rows that are only ever added (sales and what changes them, lots, weighings,
stock entries, versions of recipes) and from ingredients, which count their own changes. So nobody
has to tell that a sum is old: the number of all these, up to the day where they count from a day
on, is another one than when it was made. A lot counts from the day on which it came in, a version
of a recipe from its month on, and on every earlier day of which a dish had no recipe yet.
"""

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate, groupby
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, delete, func, select, union_all
from sqlalchemy.orm import Session

from dafan.db import reading, writing
from kitchen.cookbook import Recipe
from kitchen.ingredients import Ingredient
from kitchen.lots import Lot
from kitchen.stock_book import StockEntry
from kitchen.waste import WasteRecord
from server import sites
from server.books.day_changes import DayChange
from server.many import among, insert_all, rows_of
from server.reports import cost_rows, day_sums, food_cost
from server.reports.cost_rows import (
    COSTED,
    SUMS,
    Costed,
    DayCosted,
    DayCosts,
    DayIssues,
    DayUsed,
    DayWaste,
)
from server.reports.day_rows import NOBODY, known, total
from server.reports.food_cost import valid_at
from server.reports.kept import once
from server.sites import Site

_WEEK = timedelta(days=7)
_UNSEEN = {"synchronize_session": False}
"""No session holds rows of these tables as objects."""


@dataclass(frozen=True, slots=True)
class Stand:
    """Which days of a range can be read from the sums.

    Attributes:
        good: Their costs are made, and nothing changed since.
        old: Something happened, and the costs are missing or old: day → changes so far, if a dish
            of the day had no recipe, and if not.
    """

    good: frozenset[date]
    old: Mapping[date, tuple[int, int]]


def stand(session: Session, site_id: UUID, since: date, until: date) -> Stand:
    """How the costs of a range of days, both included, stand."""
    query = select(DayCosted.business_date, DayCosted.changes, DayCosted.late).where(
        DayCosted.site_id == site_id, DayCosted.business_date.between(since, until)
    )
    made = {day: (changes, late) for day, changes, late in rows_of(session, query)}
    own = _own_changes(session, site_id, since, until)
    days = own.keys() | made.keys()
    if not days:
        return Stand(frozenset(), {})
    shared: Callable[[date], tuple[int, int]] = once(
        session, ("shared", site_id), lambda: _shared_changes(session, site_id)
    )
    good: set[date] = set()
    old: dict[date, tuple[int, int]] = {}
    for day in sorted(days):
        with_newest, without = (own.get(day, 0) + more for more in shared(day))
        changes, late = made.get(day, (-1, False))
        if changes == (with_newest if late else without):
            good.add(day)
        else:
            old[day] = with_newest, without
    return Stand(frozenset(good), old)


def _own_changes(session: Session, site_id: UUID, since: date, until: date) -> dict[date, int]:
    """Changes of the day's own sales, weighings and stock entries."""
    parts = [
        select(table.business_date, counted.label("changes"))
        .where(table.site_id == site_id, table.business_date.between(since, until))
        .group_by(table.business_date)
        for table, counted in (
            (DayChange, total(DayChange.changes)),
            (WasteRecord, func.count()),
            (StockEntry, func.count()),
        )
    ]
    every = union_all(*parts).subquery()
    query = select(every.c.business_date, total(every.c.changes)).group_by(every.c.business_date)
    return {day: int(number) for day, number in rows_of(session, query)}


def _shared_changes(session: Session, site_id: UUID) -> Callable[[date], tuple[int, int]]:
    """Changes of what many days follow from, for a day: with all recipes, and with its month's."""
    ingredients = session.scalar(
        select(total(Ingredient.changes)).where(Ingredient.site_id == site_id)
    )
    came = select(Lot.received_on, func.count()).where(Lot.site_id == site_id)
    lots = rows_of(session, came.group_by(Lot.received_on).order_by(Lot.received_on))
    days, so_far = [row[0] for row in lots], [0, *accumulate(row[1] for row in lots)]
    written = select(Recipe.set_at).where(Recipe.site_id == site_id).order_by(Recipe.set_at)
    recipes = list(session.scalars(written))

    def of_day(day: date) -> tuple[int, int]:
        changes = (ingredients or 0) + so_far[bisect_right(days, day)]
        return changes + len(recipes), changes + bisect_right(recipes, valid_at(day))

    return of_day


def rows(
    session: Session,
    site_id: UUID,
    table: Costed,
    since: date,
    until: date,
    *,
    without: Collection[date],
    by: Sequence[str],
    sums: Sequence[str],
    where: Mapping[str, Any],
) -> list[tuple[Any, ...]]:
    """Sums of the good days of a range, both ends included.

    Args:
        session: Reads.
        site_id: Whose.
        table: One of :data:`server.reports.cost_rows.COSTED`.
        since: The first day.
        until: The last day.
        without: The old days, which do not count.
        by: Columns that each row is for.
        sums: Columns that are summed up.
        where: Column → the one value that counts.
    """
    columns = table.__table__.c
    cut = [columns[name] for name in by]
    query = (
        select(*map(known, cut), *(total(columns[name]) for name in sums))
        .where(table.site_id == site_id, table.business_date.between(since, until))
        .where(*(columns[name] == value for name, value in where.items()))
        .group_by(*cut)
    )
    if without:
        query = query.where(~among(session, table.business_date, without))
    return rows_of(session, query)


def spans(days: Iterable[date]) -> list[tuple[date, date]]:
    """Days as ranges, the latest first; days less than a week apart are of one range."""
    found: list[tuple[date, date]] = []
    for day in sorted(days, reverse=True):
        if found and found[-1][0] - day < _WEEK:
            found[-1] = day, found[-1][1]
        else:
            found.append((day, day))
    return found


# --- making -------------------------------------------------------------------------------------

Made = dict[Costed, list[dict[str, Any]]]
"""Table → its rows."""


def told(session: Session, site_id: UUID, days: Collection[date]) -> tuple[Made, set[date]]:
    """The rows of some days as they follow from the books now, and the days with a late recipe."""
    since, until = min(days), max(days)
    cost = food_cost.load(session, site_id, since, until)
    weighed = cost_rows.weighed(session, site_id, since, until)
    rows_by: dict[Costed, list[cost_rows.Row]] = {
        DayCosts: cost_rows.served(cost),
        DayWaste: cost_rows.thrown(weighed, cost),
        DayIssues: cost_rows.issued(session, site_id, since, until),
    }
    late = {
        day
        for table in (DayCosts, DayWaste)
        for day, _period, _venue, dish, *_sums in rows_by[table]
        if dish is not None and cost.late(day, dish)
    }
    made = {table: _summed(site_id, table, found, days) for table, found in rows_by.items()}
    made[DayUsed] = [
        {"site_id": site_id, **dict(zip(_USED, row, strict=True))}
        for row in cost_rows.used(session, site_id, since, until)
        if row[0] in days
    ]
    return made, late


_USED = ("business_date", "ingredient_id", *SUMS[DayUsed])
_CUT = ("business_date", "period", "venue_id", "dish_id", "category")


def _summed(
    site_id: UUID, table: Costed, found: Iterable[cost_rows.Row], days: Collection[date]
) -> list[dict[str, Any]]:
    sums: dict[tuple[Any, ...], list[int]] = {}
    for day, period, venue, dish, category, *values in found:
        if day in days:
            key = day, period, venue or NOBODY, dish or NOBODY, category
            into = sums.setdefault(key, [0] * len(values))
            for place, value in enumerate(values):
                into[place] += value
    columns = table.__table__.columns
    return [
        {
            "site_id": site_id,
            **{name: value for name, value in zip(_CUT, key, strict=True) if name in columns},
            **dict(zip(SUMS[table], values, strict=True)),
        }
        for key, values in sums.items()
    ]


def make(engine: Engine, site_id: UUID, now: datetime, *, before: date) -> int:
    """Make the costs of all days before one that are missing or old; tells how many they were.

    A month is told in one state of the database, with the number of changes in that state, and
    then written: what comes in between is counted as a change that these costs may lack.
    """
    with reading(engine) as session:
        due = sorted(stand(session, site_id, date.min, before - timedelta(days=1)).old)
    for _, group in groupby(due, lambda day: (day.year, day.month)):
        days = list(group)
        with reading(engine) as session:
            changes = stand(session, site_id, days[0], days[-1]).old
            made, late = told(session, site_id, changes) if changes else ({}, set())
        with writing(engine) as session:
            one = select(Site.id).where(Site.id == site_id)
            session.execute(one.with_for_update(key_share=True))
            _write(session, site_id, sorted(changes), made)
            insert_all(
                session, DayCosted.__table__,
                [
                    {
                        "site_id": site_id, "business_date": day, "late": day in late,
                        "changes": with_newest if day in late else without, "made_at": now,
                    }
                    for day, (with_newest, without) in changes.items()
                ],
            )  # fmt: skip
    return len(due)


def _write(session: Session, site_id: UUID, days: Sequence[date], made: Made) -> None:
    for table in (*COSTED, DayCosted):
        these = (table.site_id == site_id, among(session, table.business_date, days))
        session.execute(delete(table).where(*these), execution_options=_UNSEEN)
    for costed, found in made.items():
        insert_all(session, costed.__table__, found)


def throw_away(session: Session, site_id: UUID) -> None:
    """Throw all sums of a site away; they are made again, and until then the books are read."""
    day_sums.throw_away(session, site_id)
    for table in (*COSTED, DayCosted):
        these = delete(table).where(table.site_id == site_id)
        session.execute(these, execution_options=_UNSEEN)


def drive(engine: Engine, now: datetime) -> str:
    """Make what is missing or old of all sites: sums of sales, and then the costs of what was sold.

    A day that still runs is read from its books.
    """
    sums = day_sums.drive(engine, now)
    with reading(engine) as session:
        running = {
            site.id: sites.business_date(session, site.id, now) for site in sites.all_sites(session)
        }
    made = sum(make(engine, site_id, now, before=today) for site_id, today in running.items())
    return f"{sums}, costs of {made} days made"


def wrong(session: Session, site_id: UUID, days: Sequence[date]) -> Iterator[tuple[date, str]]:
    """Good days of which a table says something else than the books; the day and the table."""
    made, _late = told(session, site_id, days)
    for table, found in made.items():
        columns = [column.name for column in table.__table__.columns]
        query = select(*table.__table__.columns).where(
            table.site_id == site_id, among(session, table.business_date, days)
        )
        kept = set(rows_of(session, query))
        now = {tuple(row[name] for name in columns) for row in found}
        place = columns.index("business_date")
        yield from {(row[place], table.__tablename__) for row in kept ^ now}
