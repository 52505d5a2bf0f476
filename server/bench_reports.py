"""``dafan bench reports``: how long a manager waits for a report of a month and of a year."""

import statistics
import time
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask import Flask
from flask_babel import Babel
from sqlalchemy import Engine, func, select

from dafan.db import reading
from server import sites
from server.books.sales import Sale, SaleLine
from server.history.fill import Wanted, fill
from server.pages.manage.reports import KINDS, Kind
from server.reports import filters
from server.reports.basis import Basis
from server.reports.kept import keep

SALES, DAYS = 3_160_000, 365
"""What the citizens' centre of Hangzhou sells in a year, as published."""
FIRST = date(2025, 3, 1)
MONTH_TARGET_MS, YEAR_TARGET_MS = 1000, 3000
ROUNDS = 5


def bench_reports(
    engine: Engine, count: int = SALES, days: int = DAYS, *, seed: int = 1, rounds: int = ROUNDS
) -> dict[str, Any]:
    """Fill a database with a canteen's past, and time each report as its page makes it.

    Every query and every fold of the days and of the days before them, without the drawing.

    Args:
        engine: All tables, and no rows; the caller throws it away.
        count: Sales of all days together.
        days: How long the history is; its last 31 days are the month.
        seed: Makes it repeatable.
        rounds: Each report is made so often, after once that warms it up.

    Returns:
        ``engine, sales, lines, fill_s``, and under ``reports`` for each report the median and
        longest of the month and of the year in milliseconds, those for which this process
        itself worked (``cpu_ms``, without PostgreSQL's own), the targets, and ``ok``.
    """
    began = time.perf_counter()
    site_id = fill(engine, Wanted(days, count, FIRST, seed, bare=True))
    filled = time.perf_counter() - began
    with reading(engine) as session:
        sold, lines = (
            session.scalar(select(func.count()).select_from(table)) for table in (Sale, SaleLine)
        )
    return {
        "engine": engine.dialect.name, "sales": sold, "lines": lines, "days": days,
        "fill_s": round(filled, 1), **time_reports(engine, site_id, days, rounds),
    }  # fmt: skip


def time_reports(engine: Engine, site_id: UUID, days: int, rounds: int) -> dict[str, Any]:
    """``reports`` and ``ok`` of :func:`bench_reports`, of a history that is there."""
    last = FIRST + timedelta(days=days - 1)
    month = max(FIRST, last - timedelta(days=30)), last
    app = Flask(__name__)
    Babel(app, default_locale="zh")
    with app.test_request_context("/"):
        reports = {
            kind.key: _timed_kind(engine, site_id, kind, month, (FIRST, last), rounds)
            for kind in KINDS
        }
    return {"reports": reports, "ok": all(each["ok"] for each in reports.values())}


_Days = tuple[date, date]


def _timed_kind(
    engine: Engine, site_id: UUID, kind: Kind, month: _Days, year: _Days, rounds: int
) -> dict[str, Any]:
    of_month = _timed(engine, site_id, kind, month, rounds)
    of_year = _timed(engine, site_id, kind, year, rounds)
    return {
        "month": {**of_month, "target_ms": MONTH_TARGET_MS},
        "year": {**of_year, "target_ms": YEAR_TARGET_MS},
        "ok": of_month["median_ms"] < MONTH_TARGET_MS and of_year["median_ms"] < YEAR_TARGET_MS,
    }


def _timed(engine: Engine, site_id: UUID, kind: Kind, days: _Days, rounds: int) -> dict[str, float]:
    times, worked = [], []
    rows = 0
    for _ in range(rounds + 1):
        start, work = time.perf_counter(), time.process_time()
        rows = _make(engine, site_id, kind, days)
        times.append((time.perf_counter() - start) * 1000)
        worked.append((time.process_time() - work) * 1000)
    warm = times[1:]
    return {
        "rows": rows, "median_ms": round(statistics.median(warm), 1),
        "most_ms": round(max(warm), 1), "cpu_ms": round(statistics.median(worked[1:]), 1),
    }  # fmt: skip


def _make(engine: Engine, site_id: UUID, kind: Kind, days: _Days) -> int:
    """Make a report as its page does; tells how many rows its tables have."""
    with reading(engine) as session:
        keep(session)
        policy = sites.policy(session, site_id)
        names = {venue.id: venue.name for venue in sites.venues(session, site_id)}
        periods = {period.code: period.name for period in policy.periods}
        wanted = {"since": days[0].isoformat(), "until": days[1].isoformat()}
        asked = filters.read(wanted, days[1] + timedelta(days=1), names, periods, kind.preset)
        made = kind.build(Basis(session, site_id, asked, periods, names))
    return sum(len(part.table.rows) for part in made.parts)
