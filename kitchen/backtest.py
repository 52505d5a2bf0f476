"""Which forecast is least wrong: every method asked about days that it has not seen.

As a canteen plans: each Thursday evening for the next Monday to Sunday, from nothing but what was
known then. The measure is WAPE, the sum of all errors over the sum of all covers.
"""

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random

from dafan.errors import BadInputError
from kitchen import calendar
from kitchen.calendar import Beside, DayKind
from kitchen.forecast import METHODS
from kitchen.history import CoverRow, History

NAIVE = "seasonal_naive"
LEARN_DAYS = 120
"""Nothing is asked before so many days of history."""
PERIODS = {"breakfast": 380, "lunch": 1040, "dinner": 260}
"""Covers of an ordinary working day of the generated canteen."""
_COLUMNS = ["date", "period", "covers"]
_MOST_COVERS = 1_000_000


@dataclass(frozen=True)
class Result:
    """How wrong each method was."""

    asked: int
    """Meals that every method was asked about."""
    wape: dict[str, dict[str, float]]
    """Method → ``all``, ``special`` (holidays, make-up days and those beside a break), each period
    → sum of absolute errors over sum of covers."""

    @property
    def chosen(self) -> str:
        """The method with the least error over all meals."""
        return min(self.wape, key=lambda name: self.wape[name]["all"])


def run(rows: Iterable[CoverRow]) -> Result:
    """Ask every method about every week that has history enough before it.

    Raises:
        BadInputError: there is too little history to ask anything.
    """
    all_rows = list(rows)
    histories = History.by_period(all_rows)
    errors: dict[str, dict[str, float]] = {name: {} for name in METHODS}
    covers: dict[str, int] = {}
    asked = 0
    first = min((row.on for row in all_rows), default=date.max)
    for row in all_rows:
        before = _planned_on(row.on)
        if row.covers <= 0 or (before - first).days < LEARN_DAYS:
            continue
        history = histories[row.period]
        found = {name: method(history, before, row.on) for name, method in METHODS.items()}
        asked += 1
        groups = ["all", row.period, *(["special"] if _is_special(row.on) else [])]
        for group in groups:
            covers[group] = covers.get(group, 0) + row.covers
            for name, estimate in found.items():
                off = abs((estimate.covers if estimate else 0) - row.covers)
                errors[name][group] = errors[name].get(group, 0.0) + off
    if not asked:
        raise BadInputError(
            f"a backtest needs more than {LEARN_DAYS} days of meals: there are too few"
        )
    return Result(
        asked,
        {
            name: {group: off / covers[group] for group, off in groups.items()}
            for name, groups in errors.items()
        },
    )


def _planned_on(on: date) -> date:
    """The first day not known when the week of ``on`` is planned: the Friday before it."""
    return on - timedelta(days=on.weekday() + 3)


def _is_special(on: date) -> bool:
    day = calendar.look_up(on)
    return day.kind in {DayKind.HOLIDAY, DayKind.MAKE_UP} or day.beside is not Beside.NONE


def read_history(path: Path) -> list[CoverRow]:
    """A canteen's own meals: a CSV file with the columns ``date,period,covers``.

    Raises:
        BadInputError: naming the first line that does not fit; or a file that cannot be read.
    """
    try:
        lines = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInputError(f"{path} cannot be read as a CSV file in UTF-8: {error}") from error
    if not lines or [cell.strip() for cell in lines[0]] != _COLUMNS:
        raise BadInputError(f"the first line of {path} must be {','.join(_COLUMNS)}")
    return [_read_row(cells, number) for number, cells in enumerate(lines[1:], 2) if cells]


def _read_row(cells: Sequence[str], number: int) -> CoverRow:
    try:
        on, period, covers = (cell.strip() for cell in cells)
        row = CoverRow(date.fromisoformat(on), period, int(covers))
    except ValueError as error:
        raise BadInputError(
            f"line {number} is no meal: write it as 2026-03-02,lunch,812"
        ) from error
    if not period or not 0 <= row.covers <= _MOST_COVERS:
        raise BadInputError(f"line {number} is no meal: a period, and 0 to {_MOST_COVERS} covers")
    return row


def generate(seed: int, first: date = date(2024, 7, 1), days: int = 730) -> list[CoverRow]:
    """Meals of a made-up office canteen, the same for the same seed.

    It has what real ones have: a shape of the week, a level that drifts and jumps when a department
    moves, summer leave, quiet days before and after breaks, make-up days, duty shifts on weekends
    and holidays, weather, errors that last for days, a conference now and then, and days on which
    nothing was recorded.
    """
    random = Random(seed)  # noqa: S311 - a repeatable canteen, no secret
    shape = [random.gauss(usual, 0.02) for usual in (0.98, 1.04, 1.03, 1.0, 0.87)]
    jump_on, jump = random.randrange(days), random.choice((0.85, 0.92, 1.1, 1.18))
    drift = random.gauss(0.03, 0.06) / 365
    rows, lasting = [], 0.0
    for number in range(days):
        on = first + timedelta(days=number)
        lasting = 0.7 * lasting + random.gauss(0, 0.02)
        level = math.exp(drift * number + lasting) * (jump if number >= jump_on else 1)
        level *= _of_day(calendar.look_up(on), shape, random)
        if on.month in {7, 8}:
            level *= 0.93
        for period, usual in PERIODS.items():
            expected = usual * level * _of_period(calendar.look_up(on), period)
            covers = round(expected * math.exp(random.gauss(0, 0.045)))
            if random.random() < 0.006:
                covers += random.randrange(80, 240)
            if random.random() >= 0.005 and covers > 0:
                rows.append(CoverRow(on, period, covers))
    return rows


def _of_day(day: calendar.Day, shape: Sequence[float], random: Random) -> float:
    weather = 0.95 if random.random() < 0.12 else 1.0
    if day.kind is DayKind.HOLIDAY:
        return 0.05 * random.uniform(0.8, 1.25)
    if day.kind is DayKind.WEEKEND:
        return weather * (0.14 if day.on.weekday() == 5 else 0.11)
    if day.kind is DayKind.MAKE_UP:
        return weather * random.uniform(0.8, 0.92)
    return weather * shape[day.on.weekday()]


def _of_period(day: calendar.Day, period: str) -> float:
    if day.beside is Beside.BEFORE:
        return {"breakfast": 0.93, "lunch": 0.82, "dinner": 0.5}[period]
    if day.beside is Beside.AFTER:
        return {"breakfast": 0.85, "lunch": 0.94, "dinner": 0.9}[period]
    return 1.0
