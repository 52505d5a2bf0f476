"""Where measures come from: each source reads its rows and sums them up by the keys asked for.

A source answers only what can be told rightly: people are not counted by tender or dish, because
one diner would be counted several times.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from operator import itemgetter
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from kitchen.production import Batch
from kitchen.stock_book import Kind, StockEntry
from kitchen.waste import WasteRecord
from server import sites
from server.reports import day_sums, food_cost
from server.reports.day_rows import (
    EVERY,
    NOBODY,
    SLOT_MINUTES,
    SLOTS,
    DayCovers,
    DayDishes,
    DayMoments,
    DaySales,
    Sums,
    known,
    total,
)
from server.reports.scope import DAYS, HOURS, Dimension, Key, Scope, fold

Sum = dict[str, int]
"""Code of a base measure → its sum."""
Answer = dict[Key, Sum]
Reader = Callable[[Session, UUID, Scope, Sequence[Dimension], Collection[str]], Answer]


@dataclass(frozen=True, slots=True)
class Source:
    """Some base measures that are read together.

    Attributes:
        codes: What it tells.
        cut: What it can be cut by and narrowed to.
        reads: Reads it.
    """

    codes: frozenset[str]
    cut: frozenset[Dimension]
    reads: Reader

    def read(
        self,
        session: Session,
        site_id: UUID,
        scope: Scope,
        by: Sequence[Dimension],
        codes: Collection[str],
    ) -> Answer:
        """The sums asked for; a session that keeps its readings asks each once."""
        only = tuple(sorted(scope.only.items()))
        key = "answer", self.reads, site_id, scope.since, scope.until, only, tuple(by)
        wanted = frozenset(codes)
        found: Answer = _once(
            session, (*key, wanted), lambda: self.reads(session, site_id, scope, by, wanted)
        )
        return found

    def answers(self, code: str, dimensions: Collection[Dimension]) -> bool:
        """Whether it tells the measure, cut so."""
        return code in self.codes and self.cut.issuperset(dimensions)


# --- sums of the tills ---------------------------------------------------------------------------


def _summed(table: Sums) -> Reader:
    def read(
        session: Session,
        site_id: UUID,
        scope: Scope,
        by: Sequence[Dimension],
        codes: Collection[str],
    ) -> Answer:
        wanted = sorted(codes)
        columns = sorted({_COLUMN[one] for one in by} | ({"business_date"} & {_day(by)}))
        zone = ZoneInfo(sites.policy(session, site_id).time_zone) if HOURS & {*by} else None
        found: Answer = {}
        for row in day_sums.rows(
            session, site_id, table, scope.since, scope.until, by=columns, sums=wanted,
            where=_narrowed(table, scope, by),
        ):  # fmt: skip
            cut = dict(zip(columns, row, strict=False))
            key = tuple(_key(one, cut, zone) for one in by)
            into = found.setdefault(key, dict.fromkeys(wanted, 0))
            for code, value in zip(wanted, row[len(columns) :], strict=True):
                into[code] += value
        return found

    return read


_COLUMN = {
    **dict.fromkeys(DAYS, "business_date"),
    **dict.fromkeys(HOURS, "slot"),
    Dimension.MEAL: "period",
    Dimension.VENUE: "venue_id",
    Dimension.GROUP: "group_id",
    Dimension.TENDER: "tender",
    Dimension.DISH: "dish_id",
    Dimension.CATEGORY: "category",
}


def _day(by: Collection[Dimension]) -> str:
    """A moment needs its date, which tells how far local time is from UTC."""
    return "business_date" if (DAYS | HOURS) & {*by} else ""


def _key(dimension: Dimension, cut: dict[str, Any], zone: ZoneInfo | None) -> Any:
    value = cut[_COLUMN[dimension]]
    if dimension in DAYS:
        return fold(dimension, value)
    if zone is not None and dimension in HOURS:
        minute = _local_minute(cut["business_date"], value, zone)
        return minute // 60 if dimension is Dimension.HOUR else minute // 15 * 15
    return None if value == NOBODY else value


def _local_minute(day: date, slot: int, zone: ZoneInfo) -> int:
    offset = datetime.combine(day, time(12), UTC).astimezone(zone).utcoffset()
    ahead = 0 if offset is None else int(offset.total_seconds()) // 60 // SLOT_MINUTES
    return (slot + ahead) % SLOTS * SLOT_MINUTES


def _narrowed(table: Sums, scope: Scope, by: Collection[Dimension]) -> dict[str, Any]:
    found = {_COLUMN[one]: value for one, value in scope.only.items()}
    if "group_id" in found and found["group_id"] is None:
        found["group_id"] = NOBODY
    if table is DayCovers:
        for dimension in (Dimension.VENUE, Dimension.GROUP):
            column = _COLUMN[dimension]
            if column not in found:
                found[column] = day_sums.Cut.SINGLE if dimension in by else EVERY
    return found


# --- waste and stock -----------------------------------------------------------------------------

_PLAIN = (Dimension.DAY, Dimension.MEAL, Dimension.VENUE, Dimension.DISH, Dimension.CATEGORY)
"""What a row of waste, stock or served food begins with, in this order; its sums follow."""
Row = tuple[Any, ...]


def _folded(
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


KEPT = "report_readings"
"""Where a session that reads a whole report keeps what it read: one state of the books."""


def keep(session: Session) -> None:
    """Let a session that makes a report read every source once; it must not write."""
    session.info[KEPT] = {}


def _once(session: Session, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
    kept = session.info.get(KEPT)
    if kept is None:
        return make()
    if key not in kept:
        kept[key] = make()
    return kept[key]


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

    found: food_cost.Costs = _once(session, ("costs", site_id, since, until), make)
    return found


def _waste(
    session: Session, site_id: UUID, scope: Scope, by: Sequence[Dimension], codes: Collection[str]
) -> Answer:
    """Weighings are few: they are read as they are, and costed where that is asked for."""
    key = site_id, scope.since, scope.until
    if {"waste_fen", "waste_uncosted"} & {*codes}:
        rows = _once(session, ("costed", *key), lambda: _costed(session, *key))
        return _folded(rows, scope, by, ("waste_grams", "waste_fen", "waste_uncosted"))
    rows = _once(session, ("weighed", *key), lambda: _weighed(session, *key))
    return _folded(rows, scope, by, ("waste_grams",))


def _weighed(session: Session, site_id: UUID, since: date, until: date) -> list[Row]:
    """Rows as :data:`_PLAIN` says, grams, ingredient and lot."""
    cut = (
        WasteRecord.business_date, WasteRecord.period, WasteRecord.venue_id, WasteRecord.dish_id,
        WasteRecord.category,
    )  # fmt: skip
    named = (WasteRecord.ingredient_id, WasteRecord.lot_id)
    where = (WasteRecord.site_id == site_id, WasteRecord.business_date.between(since, until))
    query = (
        select(*map(known, cut), total(WasteRecord.grams), *map(known, named))
        .where(*where)
        .group_by(*cut, *named)
    )
    return [tuple(row) for row in session.execute(query)]


def _costed(session: Session, site_id: UUID, since: date, until: date) -> list[Row]:
    """Weighings with their grams, fen, and the grams that have no price."""
    key = site_id, since, until
    weighed: list[Row] = _once(session, ("weighed", *key), lambda: _weighed(session, *key))
    cost = costs(session, *key)
    found: list[Row] = []
    for day, period, venue, dish, category, grams, ingredient, lot in weighed:
        fen = cost.of_waste(food_cost.Thrown(day, category, grams, dish, ingredient, lot))
        rest = (grams, 0, grams) if fen is None else (grams, fen, 0)
        found.append((day, period, venue, dish, category, *rest))
    return found


def _stock(
    session: Session, site_id: UUID, scope: Scope, by: Sequence[Dimension], _codes: Collection[str]
) -> Answer:
    """What left the store for the kitchen, less what came back, at what each lot cost."""
    meant = bool({Dimension.MEAL, Dimension.VENUE, Dimension.DISH} & {*by, *scope.only})
    key = site_id, scope.since, scope.until
    if not meant and session.info.get(KEPT, {}).get(("meant", *key)):
        meant = True  # what is read already tells the days as well
    name = "meant" if meant else "issued"
    rows = _once(session, (name, *key), lambda: _issued(session, *key, meant=meant))
    return _folded(rows, scope, by, ("actual_cost",))


def _issued(session: Session, site_id: UUID, since: date, until: date, *, meant: bool) -> list[Row]:
    """What was issued on each day; what it was for is only asked where needed: it takes long."""
    cost = total(-StockEntry.cost)
    where: tuple[ColumnElement[bool], ...] = (
        StockEntry.site_id == site_id,
        StockEntry.business_date.between(since, until),
        StockEntry.kind.in_([Kind.OUT.value, Kind.BACK.value]),
    )
    day = StockEntry.business_date
    if not meant:
        plain = select(day, cost).where(*where).group_by(day)
        return [(on, "", None, None, "", fen) for on, fen in session.execute(plain)]
    batch = (StockEntry.ref_kind == "batch") & (StockEntry.ref_id == Batch.id)
    cut = (day, Batch.period, Batch.venue_id, Batch.dish_id)
    query = select(*map(known, cut), cost).outerjoin(Batch, batch).where(*where).group_by(*cut)
    found: list[Row] = []
    for row in session.execute(query):
        on, period, venue, dish, fen = row
        found.append((on, period or "", venue, dish, "", fen))
    return found


def _standard(
    session: Session, site_id: UUID, scope: Scope, by: Sequence[Dimension], _codes: Collection[str]
) -> Answer:
    """Portions of each dish at each meal, and what they cost by recipe and price of the day."""
    key = site_id, scope.since, scope.until
    rows = _once(session, ("served", *key), lambda: _served(costs(session, *key)))
    return _folded(rows, scope, by, ("portions", "standard_cost", "uncosted_portions"))


def _served(cost: food_cost.Costs) -> list[Row]:
    return [
        (one.meal.day, one.meal.period, one.meal.venue_id, one.dish_id, "", one.portions, one.fen,
         0 if one.complete else one.portions)
        for one in cost.costed()
    ]  # fmt: skip


_PLACE = DAYS | {Dimension.MEAL, Dimension.VENUE}
_DISH = _PLACE | {Dimension.DISH}

SOURCES = (
    Source(
        frozenset({
            "sales", "list_total", "income", "subsidy", "cash", "drawer", "refunded", "pay_ms",
        }),
        _PLACE | {Dimension.GROUP, Dimension.TENDER},
        _summed(DaySales),
    ),
    Source(frozenset({"covers"}), _PLACE | {Dimension.GROUP}, _summed(DayCovers)),
    Source(
        frozenset({"list_total", "income", "refunded", "lines", "quantity", "grams"}),
        _DISH,
        _summed(DayDishes),
    ),
    Source(frozenset({"sales", "income"}), _PLACE | HOURS, _summed(DayMoments)),
    Source(
        frozenset({"waste_grams", "waste_fen", "waste_uncosted"}),
        _DISH | {Dimension.CATEGORY},
        _waste,
    ),
    Source(frozenset({"actual_cost"}), _DISH, _stock),
    Source(frozenset({"portions", "standard_cost", "uncosted_portions"}), _DISH, _standard),
)  # fmt: skip
"""Where two tell the same measure, the first that can be cut so is asked."""
