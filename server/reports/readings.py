"""What a report reads of the kitchen: weighings, issues, what was served; each once, folded here.

A session that makes a report keeps what it read, so that a figure that is asked for by day, by meal
and by dish costs one reading.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from server.reports import cost_rows, cost_sums, food_cost
from server.reports.cost_rows import SUMS, Costed, DayCosts, DayIssues, DayUsed, DayWaste, Row
from server.reports.cost_sums import Stand
from server.reports.day_rows import NOBODY
from server.reports.kept import KEPT, once
from server.reports.scope import COLUMN, DAYS, Dimension, Key, Scope, fold

Sum = dict[str, int]
"""Code of a base measure → its sum."""
Answer = dict[Key, Sum]
_PLAIN = (Dimension.DAY, Dimension.MEAL, Dimension.VENUE, Dimension.DISH, Dimension.CATEGORY)
"""What a row of waste, stock or served food begins with, in this order; its sums follow."""


def folded(
    rows: Iterable[Row], scope: Scope, by: Sequence[Dimension], codes: Sequence[str]
) -> Answer:
    """Sum rows up by the keys asked for; those that the scope leaves out do not count."""
    only = [(_PLAIN.index(one), value) for one, value in scope.only.items()]
    if only:
        rows = [row for row in rows if all(row[place] == value for place, value in only)]
    sums: dict[Key, list[int]] = {}
    first, count = len(_PLAIN), len(codes)
    cut = _keys(by)
    for row in rows:
        key = cut(row)
        into = sums.get(key)
        if into is None:
            into = sums[key] = [0] * count
        for place in range(count):
            into[place] += row[first + place]
    return {key: dict(zip(codes, values, strict=True)) for key, values in sums.items()}


def _keys(by: Sequence[Dimension]) -> Callable[[Row], Key]:
    """Makes the key of a row; of a date as fast as it can."""
    if not by:
        return lambda _row: ()
    parts: list[Callable[[Row], Any]] = [_part(one) for one in by]
    if len(parts) == 1:
        part = parts[0]
        return lambda row: (part(row),)
    return lambda row: tuple([part(row) for part in parts])


def _part(dimension: Dimension) -> Callable[[Row], Any]:
    if dimension in _PLAIN:
        return itemgetter(_PLAIN.index(dimension))
    day = _PLAIN.index(Dimension.DAY)
    return lambda row: _dated(dimension, row[day])


@lru_cache(maxsize=8192)
def _dated(dimension: Dimension, day: date) -> Any:
    return fold(dimension, day)


def costs(session: Session, site_id: UUID, since: date, until: date) -> food_cost.Costs:
    """What food cost in a range of days, read once by a session that keeps its readings."""

    def make() -> food_cost.Costs:
        kept = session.info.get(KEPT) or {}
        later = next(
            (
                made for key, made in kept.items()
                if key[0] == "costs" and key[1] == site_id and key[3] >= until
            ),
            None,
        )  # fmt: skip
        return food_cost.load(session, site_id, since, until, later)

    found: food_cost.Costs = once(session, ("costs", site_id, since, until), make)
    return found


def waste(
    session: Session, site_id: UUID, scope: Scope, by: Sequence[Dimension], codes: Collection[str]
) -> Answer:
    """What was thrown away, and what it cost."""
    costed = bool({"waste_fen", "waste_uncosted"} & {*codes})

    def read(since: date, until: date) -> list[Row]:
        weighed = cost_rows.weighed(session, site_id, since, until)
        if costed:
            return cost_rows.thrown(weighed, costs(session, site_id, since, until))
        return [(*row[: len(_PLAIN) + 1], 0, 0) for row in weighed]  # is asked alone of a day

    name = "costed" if costed else "weighed"
    return _told(session, site_id, DayWaste, scope, by, codes, name, read)


def issued(
    session: Session, site_id: UUID, scope: Scope, by: Sequence[Dimension], codes: Collection[str]
) -> Answer:
    """What left the store for the kitchen, less what came back, at what each lot cost."""

    def read(since: date, until: date) -> list[Row]:
        return cost_rows.issued(session, site_id, since, until)

    return _told(session, site_id, DayIssues, scope, by, codes, "issued", read)


def served(
    session: Session, site_id: UUID, scope: Scope, by: Sequence[Dimension], codes: Collection[str]
) -> Answer:
    """Portions of each dish at each meal, what they cost, and what they gave by the recipe."""

    def read(since: date, until: date) -> list[Row]:
        return cost_rows.served(costs(session, site_id, since, until))

    return _told(session, site_id, DayCosts, scope, by, codes, "served", read)


def used(session: Session, site_id: UUID, since: date, until: date) -> dict[UUID, tuple[int, int]]:
    """Ingredient → what was issued of it: in its measure, and fen."""
    days = _stand(session, site_id, since, until)
    rows = cost_sums.rows(
        session, site_id, DayUsed, since, until, without=days.old, by=["ingredient_id"],
        sums=SUMS[DayUsed], where={},
    )  # fmt: skip
    for span in cost_sums.spans(days.old):
        found = cost_rows.used(session, site_id, *span)
        rows += [row[1:] for row in found if row[0] in days.old]
    sums: dict[UUID, tuple[int, int]] = {}
    for one, quantity, fen in rows:
        before = sums.get(one, (0, 0))
        sums[one] = before[0] + quantity, before[1] + fen
    return sums


def _told(
    session: Session,
    site_id: UUID,
    table: Costed,
    scope: Scope,
    by: Sequence[Dimension],
    codes: Collection[str],
    name: str,
    read: Callable[[date, date], list[Row]],
) -> Answer:
    """Good days as the sums of their costs say, all others as the books do."""
    key = site_id, scope.since, scope.until
    stand = _stand(session, *key)
    found = _kept(session, site_id, table, scope, by, sorted(codes), stand) if stand.good else {}
    if stand.old:

        def read_old() -> list[Row]:
            return [
                row for span in cost_sums.spans(stand.old) for row in read(*span)
                if row[0] in stand.old
            ]  # fmt: skip

        rows = once(session, (name, *key), read_old)
        for cut, sums in folded(rows, scope, by, SUMS[table]).items():
            into = found.setdefault(cut, {})
            for code in codes:
                into[code] = into.get(code, 0) + sums[code]
    return found


def _stand(session: Session, site_id: UUID, since: date, until: date) -> Stand:
    key = site_id, since, until
    found: Stand = once(session, ("stand", *key), lambda: cost_sums.stand(session, *key))
    return found


def _kept(
    session: Session,
    site_id: UUID,
    table: Costed,
    scope: Scope,
    by: Sequence[Dimension],
    codes: Sequence[str],
    stand: Stand,
) -> Answer:
    columns = sorted({COLUMN[one] for one in by})
    where = {COLUMN[one]: NOBODY if value is None else value for one, value in scope.only.items()}
    found: Answer = {}
    for row in cost_sums.rows(
        session, site_id, table, scope.since, scope.until, without=stand.old, by=columns,
        sums=codes, where=where,
    ):  # fmt: skip
        cut = dict(zip(columns, row, strict=False))
        into = found.setdefault(tuple(_key(one, cut) for one in by), dict.fromkeys(codes, 0))
        for code, value in zip(codes, row[len(columns) :], strict=True):
            into[code] += value
    return found


def _key(dimension: Dimension, cut: Mapping[str, Any]) -> Any:
    if dimension in DAYS:
        return _dated(dimension, cut["business_date"])
    value = cut[COLUMN[dimension]]
    return None if value == NOBODY else value
