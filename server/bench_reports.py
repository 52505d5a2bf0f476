"""``dafan bench reports``: how long a manager waits for the figures of a month and of a year."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from dafan.db import reading
from server.books.sales import Sale, SaleLine
from server.history.fill import Wanted, fill
from server.reports.measures import ask
from server.reports.readings import keep
from server.reports.scope import Dimension, Scope

SALES, DAYS = 3_160_000, 365
"""What the citizens' centre of Hangzhou sells in a year, as published."""
FIRST = date(2025, 3, 1)
MONTH_TARGET_MS, YEAR_TARGET_MS = 1000, 3000
ROUNDS = 5

_SOLD = ("sales", "covers", "income", "net", "discount", "subsidy", "per_cover")
_COST = ("net", "standard_cost", "actual_cost", "cost_difference", "margin_permille")
_DISH = ("portions", "net", "standard_cost", "margin_permille", "uncosted_portions")
_WASTE = ("waste_grams", "waste_fen")


@dataclass(frozen=True, slots=True)
class Part:
    """The figures of one report, cut by cut."""

    name: str
    asked: tuple[tuple[Sequence[str], tuple[Dimension, ...]], ...]

    def read(self, session: Session, site_id: UUID, scope: Scope) -> int:
        """Read them; tells how many rows came."""
        return sum(len(ask(session, site_id, codes, scope, by)) for codes, by in self.asked)


PARTS = (
    Part("sales", (
        (_SOLD, ()), (_SOLD, (Dimension.DAY,)), (_SOLD, (Dimension.MEAL,)),
        (_SOLD, (Dimension.VENUE,)), (_SOLD, (Dimension.GROUP,)),
        (("sales", "net", "subsidy"), (Dimension.TENDER,)),
    )),
    Part("peaks", ((("sales", "income"), (Dimension.QUARTER,)),)),
    Part("dishes", ((_DISH, (Dimension.DISH,)),)),
    Part("cost", (
        ((*_COST, "cost_per_cover"), ()), ((*_COST, "cost_per_cover"), (Dimension.DAY,)),
        (_COST, (Dimension.MEAL,)),
    )),
    Part("waste", (
        ((*_WASTE, "waste_per_cover"), ()), ((*_WASTE, "waste_per_cover"), (Dimension.DAY,)),
        (_WASTE, (Dimension.CATEGORY,)), (_WASTE, (Dimension.DISH,)),
        ((*_WASTE, "waste_per_cover"), (Dimension.MEAL,)),
    )),
)  # fmt: skip


def bench_reports(
    engine: Engine, count: int = SALES, days: int = DAYS, *, seed: int = 1, rounds: int = ROUNDS
) -> dict[str, Any]:
    """Fill a database with a canteen's past, and time the figures of each report.

    Args:
        engine: All tables, and no rows; the caller throws it away.
        count: Sales of all days together.
        days: How long the history is; its last 31 days are the month.
        seed: Makes it repeatable.
        rounds: Each report is read so often, after once that warms it up.

    Returns:
        ``engine, sales, lines, fill_s``, and under ``reports`` for each report the median and
        longest of the month and of the year in milliseconds, the targets, and ``ok``.
    """
    began = time.perf_counter()
    site_id = fill(engine, Wanted(days, count, FIRST, seed, bare=True))
    filled = time.perf_counter() - began
    last = FIRST + timedelta(days=days - 1)
    month = Scope(max(FIRST, last - timedelta(days=30)), last)
    year = Scope(FIRST, last)
    with reading(engine) as session:
        sold, lines = (
            session.scalar(select(func.count()).select_from(table)) for table in (Sale, SaleLine)
        )
    reports = {part.name: _timed_part(engine, site_id, part, month, year, rounds) for part in PARTS}
    return {
        "engine": engine.dialect.name, "sales": sold, "lines": lines, "days": days,
        "fill_s": round(filled, 1), "reports": reports,
        "ok": all(each["ok"] for each in reports.values()),
    }  # fmt: skip


def _timed_part(
    engine: Engine, site_id: UUID, part: Part, month: Scope, year: Scope, rounds: int
) -> dict[str, Any]:
    of_month = _timed(engine, lambda session: part.read(session, site_id, month), rounds)
    of_year = _timed(engine, lambda session: part.read(session, site_id, year), rounds)
    return {
        "month": {**of_month, "target_ms": MONTH_TARGET_MS},
        "year": {**of_year, "target_ms": YEAR_TARGET_MS},
        "ok": of_month["median_ms"] < MONTH_TARGET_MS and of_year["median_ms"] < YEAR_TARGET_MS,
    }


def _timed(engine: Engine, work: Callable[[Session], int], rounds: int) -> dict[str, float]:
    times = []
    rows = 0
    for _ in range(rounds + 1):
        start = time.perf_counter()
        with reading(engine) as session:
            keep(session)
            rows = work(session)
        times.append((time.perf_counter() - start) * 1000)
    warm = times[1:]
    return {
        "rows": rows, "median_ms": round(statistics.median(warm), 1),
        "most_ms": round(max(warm), 1),
    }  # fmt: skip
