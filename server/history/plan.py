"""How many eat when: working days and holidays, seasons, meals, and the minutes of a meal."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from kitchen import calendar
from kitchen.calendar import Beside, DayKind

ZONE = ZoneInfo("Asia/Shanghai")
_KINDS = {
    DayKind.WORKDAY: 1.0, DayKind.MAKE_UP: 0.85, DayKind.WEEKEND: 0.14, DayKind.HOLIDAY: 0.05,
}  # fmt: skip
_FRIDAY, _BESIDE = 0.92, 0.84
_SUMMER, _TREND = 0.06, 0.05
"""Fewer eat in the heat of summer; and a little more from year to year."""


@dataclass(frozen=True, slots=True)
class Period:
    """A meal: its share of a day's sales, and when people come (minutes of the local day)."""

    code: str
    share: float
    busiest: int
    spread: float
    begins: int
    ends: int


PERIODS = (
    Period("breakfast", 0.22, 7 * 60 + 50, 21.0, 6 * 60 + 40, 9 * 60 + 10),
    Period("lunch", 0.57, 11 * 60 + 58, 20.0, 11 * 60, 13 * 60 + 20),
    Period("dinner", 0.21, 17 * 60 + 52, 24.0, 17 * 60, 19 * 60 + 20),
)


def shared(total: int, weights: Sequence[float]) -> list[int]:
    """A whole number in proportion to weights, by largest remainder."""
    whole = sum(weights)
    exact = [total * weight / whole for weight in weights]
    found = [int(each) for each in exact]
    order = sorted(range(len(exact)), key=lambda place: found[place] - exact[place])
    for place in order[: total - sum(found)]:
        found[place] += 1
    return found


def sales_of_days(first: date, days: int, total: int, rng: Random) -> dict[date, int]:
    """Business date → how many sales; together the total."""
    dates = [first + timedelta(days=step) for step in range(days)]
    weights = [_weight(day, step / days, rng) for step, day in enumerate(dates)]
    return dict(zip(dates, shared(total, weights), strict=True))


def _weight(day: date, passed: float, rng: Random) -> float:
    known = calendar.look_up(day)
    weight = _KINDS[known.kind] * rng.gauss(1, 0.035)
    if known.works and day.weekday() == 4:
        weight *= _FRIDAY
    if known.beside is not Beside.NONE:
        weight *= _BESIDE
    heat = math.cos(2 * math.pi * (day.timetuple().tm_yday - 205) / 365)
    return max(weight * (1 - _SUMMER * heat) * (1 + _TREND * passed), 0.01)


def moments(day: date, period: Period, count: int, rng: Random) -> list[datetime]:
    """When so many pay at a meal, aware UTC, in order: a peak, and a second one half an hour on."""
    midnight = datetime.combine(day, time(0), ZONE).astimezone(UTC)
    found = []
    for _ in range(count):
        middle = period.busiest + (32 if rng.random() < 0.24 else 0)
        minute = rng.gauss(middle, period.spread)
        while not period.begins <= minute < period.ends:
            minute = rng.gauss(middle, period.spread)
        found.append(midnight + timedelta(seconds=int(minute * 60)))
    return sorted(found)
