"""Where measures come from: each source reads its rows and sums them up by the keys asked for.

A source answers only what can be told rightly: people are not counted by tender or dish, because
one diner would be counted several times.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from server import sites
from server.reports import day_sums
from server.reports.cost_rows import SUMS, DayCosts, DayIssues, DayWaste
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
from server.reports.kept import once
from server.reports.plates import CODES as PLATES
from server.reports.plates import plates
from server.reports.readings import Answer, issued, served, waste
from server.reports.scope import COLUMN, DAYS, HOURS, Dimension, Scope, fold

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
        found: Answer = once(
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
        columns = sorted({COLUMN[one] for one in by} | ({"business_date"} & {_day(by)}))
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


def _day(by: Collection[Dimension]) -> str:
    """A moment needs its date, which tells how far local time is from UTC."""
    return "business_date" if (DAYS | HOURS) & {*by} else ""


def _key(dimension: Dimension, cut: dict[str, Any], zone: ZoneInfo | None) -> Any:
    value = cut[COLUMN[dimension]]
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
    found = {COLUMN[one]: value for one, value in scope.only.items()}
    if "group_id" in found and found["group_id"] is None:
        found["group_id"] = NOBODY
    if table is DayCovers:
        for dimension in (Dimension.VENUE, Dimension.GROUP):
            column = COLUMN[dimension]
            if column not in found:
                found[column] = day_sums.Cut.SINGLE if dimension in by else EVERY
    return found


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
    Source(frozenset(SUMS[DayWaste]), _DISH | {Dimension.CATEGORY}, waste),
    Source(frozenset(SUMS[DayIssues]), _DISH, issued),
    Source(frozenset(SUMS[DayCosts]), _DISH, served),
    Source(frozenset(PLATES), _PLACE, plates),
)  # fmt: skip
"""Where two tell the same measure, the first that can be cut so is asked."""
