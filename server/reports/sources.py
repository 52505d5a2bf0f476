"""Where measures come from: each source reads its rows and sums them up by the keys asked for.

A source answers only what can be told rightly: people are not counted by tender or dish, because
one diner would be counted several times.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select
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
        read: Reads it.
    """

    codes: frozenset[str]
    cut: frozenset[Dimension]
    read: Reader

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


def _folded(rows: Iterator[tuple[dict[Dimension, Any], Sum]], by: Sequence[Dimension]) -> Answer:
    found: Answer = {}
    for cut, sums in rows:
        key = tuple(cut[one] for one in by)
        into = found.setdefault(key, dict.fromkeys(sums, 0))
        for code, value in sums.items():
            into[code] += value
    return found


@lru_cache(maxsize=4096)
def _dated(day: date) -> Mapping[Dimension, Any]:
    return {one: fold(one, day) for one in DAYS}


KEPT = "report_costs"
"""Where a session that reads a whole report keeps what food cost: one state of the books."""


def _costs(session: Session, site_id: UUID, scope: Scope) -> food_cost.Costs:
    kept = session.info.get(KEPT, {})
    key = site_id, scope.since, scope.until
    if key not in kept:
        kept[key] = food_cost.load(session, site_id, scope.since, scope.until)
    found: food_cost.Costs = kept[key]
    return found


def _waste(
    session: Session, site_id: UUID, scope: Scope, by: Sequence[Dimension], codes: Collection[str]
) -> Answer:
    """Weighings are few: they are read as they are, and costed where that is asked for."""
    where = [
        WasteRecord.site_id == site_id,
        WasteRecord.business_date.between(scope.since, scope.until),
        *(getattr(WasteRecord, _COLUMN[one]) == value for one, value in scope.only.items()),
    ]
    cut = (
        WasteRecord.business_date, WasteRecord.period, WasteRecord.venue_id, WasteRecord.category,
        WasteRecord.dish_id,
    )  # fmt: skip
    named = (WasteRecord.ingredient_id, WasteRecord.lot_id)
    query = select(*cut, *named, func.sum(WasteRecord.grams)).where(*where)
    rows = session.execute(query.group_by(*cut, *named)).all()
    costed = {"waste_fen", "waste_uncosted"} & {*codes}
    costs = _costs(session, site_id, scope) if costed else None

    def told() -> Iterator[tuple[dict[Dimension, Any], Sum]]:
        for day, period, venue, category, dish, ingredient, lot, grams in rows:
            thrown = food_cost.Thrown(day, category, int(grams), dish, ingredient, lot)
            fen = costs.of_waste(thrown) if costs is not None else None
            yield {
                **_dated(day), Dimension.MEAL: period, Dimension.VENUE: venue,
                Dimension.CATEGORY: category, Dimension.DISH: dish,
            }, {
                "waste_grams": thrown.grams, "waste_fen": fen or 0,
                "waste_uncosted": 0 if fen is not None else thrown.grams,
            }  # fmt: skip

    return _folded(told(), by)


def _stock(
    session: Session, site_id: UUID, scope: Scope, by: Sequence[Dimension], _codes: Collection[str]
) -> Answer:
    """What left the store for the kitchen, less what came back, at what each lot cost."""
    where: list[ColumnElement[bool]] = [
        StockEntry.site_id == site_id,
        StockEntry.business_date.between(scope.since, scope.until),
        StockEntry.kind.in_([Kind.OUT.value, Kind.BACK.value]),
        *(getattr(Batch, _COLUMN[one]) == value for one, value in scope.only.items()),
    ]
    meals = {Dimension.MEAL, Dimension.VENUE, Dimension.DISH} & {*by, *scope.only}
    cut = [StockEntry.business_date, *(getattr(Batch, _COLUMN[one]) for one in sorted(meals))]
    query = select(*cut, func.sum(-StockEntry.cost)).where(*where).group_by(*cut)
    if meals:  # only then is it asked what it was for: there are many entries
        batch = (StockEntry.ref_kind == "batch") & (StockEntry.ref_id == Batch.id)
        query = query.outerjoin(Batch, batch)

    def told() -> Iterator[tuple[dict[Dimension, Any], Sum]]:
        for day, *named, cost in session.execute(query):
            known = dict(zip(sorted(meals), named, strict=True))
            if Dimension.MEAL in known:
                known[Dimension.MEAL] = known[Dimension.MEAL] or ""
            yield {**_dated(day), **known}, {"actual_cost": int(cost)}

    return _folded(told(), by)


def _standard(
    session: Session, site_id: UUID, scope: Scope, by: Sequence[Dimension], _codes: Collection[str]
) -> Answer:
    """Portions of each dish at each meal, and what they cost by recipe and price of the day."""
    costs = _costs(session, site_id, scope)
    narrowed = [(one, value) for one, value in scope.only.items()]

    def told() -> Iterator[tuple[dict[Dimension, Any], Sum]]:
        for one, portions, fen, complete in costs.costed():
            cut = {
                Dimension.MEAL: one.meal.period, Dimension.VENUE: one.meal.venue_id,
                Dimension.DISH: one.dish_id,
            }  # fmt: skip
            if all(cut[dimension] == value for dimension, value in narrowed):
                yield {**_dated(one.meal.day), **cut}, {
                    "portions": portions, "standard_cost": fen,
                    "uncosted_portions": 0 if complete else portions,
                }  # fmt: skip

    return _folded(told(), by)


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
