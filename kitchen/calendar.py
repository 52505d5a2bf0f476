"""The Chinese working calendar: holidays, make-up workdays (补班), and the days beside a break."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache

import chinese_calendar

_LONGEST_BREAK = 16
"""Days; the longest one so far, in 2020, had ten."""


class DayKind(StrEnum):
    """What the State Council's yearly notice makes of a day."""

    WORKDAY = "workday"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    """A day off that belongs to a public holiday, whatever its weekday."""
    MAKE_UP = "make_up"
    """A Saturday or Sunday that is worked to make up for a holiday (补班)."""


class Beside(StrEnum):
    """Where a working day stands to a break that holds a public holiday."""

    NONE = "none"
    BEFORE = "before"
    """The last working day before it."""
    AFTER = "after"
    """The first working day after it."""


@dataclass(frozen=True)
class Day:
    """A date as a canteen knows it."""

    on: date
    kind: DayKind
    holiday: str
    """Chinese name of the holiday that the day belongs to or makes up for, or nothing."""
    beside: Beside
    known: bool
    """False outside the years of the published calendar, and on the day beside them: then only
    the weekday was looked at."""

    @property
    def works(self) -> bool:
        """Whether offices are open."""
        return self.kind in {DayKind.WORKDAY, DayKind.MAKE_UP}


@lru_cache(maxsize=4096)
def look_up(on: date) -> Day:
    """What kind of day a date is.

    The package knows the years 2004 to 2026 of the State Council's notices; a later year is known
    after its update, each November. Outside them Monday to Friday count as workdays and ``known``
    is false.
    """
    kind, holiday, known = _kind(on)
    beside = Beside.NONE
    if kind in {DayKind.WORKDAY, DayKind.MAKE_UP}:
        if _break_with_holiday(on, 1):
            beside = Beside.BEFORE
        elif _break_with_holiday(on, -1):
            beside = Beside.AFTER
    neighbours = (_kind(on + timedelta(days=step))[2] for step in (-1, 1))
    return Day(on, kind, holiday, beside, known and all(neighbours))


@lru_cache(maxsize=4096)
def _kind(on: date) -> tuple[DayKind, str, bool]:
    weekend = on.weekday() >= 5
    try:
        off, name = chinese_calendar.get_holiday_detail(on)
    except NotImplementedError:
        return (DayKind.WEEKEND if weekend else DayKind.WORKDAY), "", False
    holiday = _CHINESE.get(name, "")
    if off:
        return (DayKind.HOLIDAY if holiday else DayKind.WEEKEND), holiday, True
    return (DayKind.MAKE_UP if weekend else DayKind.WORKDAY), holiday, True


def _break_with_holiday(on: date, step: int) -> bool:
    """Whether the days off that begin next to ``on`` hold a public holiday."""
    for distance in range(1, _LONGEST_BREAK):
        kind = _kind(on + timedelta(days=step * distance))[0]
        if kind is DayKind.HOLIDAY:
            return True
        if kind is not DayKind.WEEKEND:
            return False
    return False


_CHINESE = {holiday.value: holiday.chinese for holiday in chinese_calendar.Holiday}
