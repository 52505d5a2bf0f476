"""What a report asks for: days, what it is narrowed to, and what it is cut by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Any


class Dimension(StrEnum):
    """What a measure is cut by; the comment says what a key of it is."""

    DAY = "day"
    """The business date."""
    WEEK = "week"
    """The Monday of it, also where the range begins later."""
    MONTH = "month"
    """Its first day."""
    WEEKDAY = "weekday"
    """0 is Monday."""
    MEAL = "meal"
    """Code of the meal period; empty where it belongs to no meal."""
    VENUE = "venue"
    """Id, or ``None`` where it belongs to none."""
    GROUP = "group"
    """Id of the diners' group, or ``None`` for sales without a diner."""
    TENDER = "tender"
    """Code."""
    DISH = "dish"
    """Id, or ``None`` where it belongs to none."""
    HOUR = "hour"
    """0 to 23, local time."""
    QUARTER = "quarter"
    """Minute of the local day at which a quarter of an hour begins."""
    CATEGORY = "category"
    """Of waste: value of :class:`kitchen.waste.Category`."""


DAYS = frozenset({Dimension.DAY, Dimension.WEEK, Dimension.MONTH, Dimension.WEEKDAY})
"""Follow from the business date."""
HOURS = frozenset({Dimension.HOUR, Dimension.QUARTER})
"""Follow from the moment of paying."""
NARROWING = frozenset(Dimension) - DAYS - HOURS

COLUMN: Mapping[Dimension, str] = {
    **dict.fromkeys(DAYS, "business_date"),
    **dict.fromkeys(HOURS, "slot"),
    Dimension.MEAL: "period",
    Dimension.VENUE: "venue_id",
    Dimension.GROUP: "group_id",
    Dimension.TENDER: "tender",
    Dimension.DISH: "dish_id",
    Dimension.CATEGORY: "category",
}
"""Which column of the tables of sums tells a dimension."""

Key = tuple[Any, ...]
"""One value for each dimension that is asked for, in that order."""

_FOLD: Mapping[Dimension, Callable[[date], Any]] = {
    Dimension.DAY: lambda day: day,
    Dimension.WEEK: lambda day: day - timedelta(days=day.weekday()),
    Dimension.MONTH: lambda day: day.replace(day=1),
    Dimension.WEEKDAY: date.weekday,
}


def fold(dimension: Dimension, day: date) -> Any:
    """The key of a business date."""
    return _FOLD[dimension](day)


@dataclass(frozen=True, slots=True)
class Scope:
    """Business dates, both included, and what is looked at alone.

    Attributes:
        since: The first day.
        until: The last day.
        only: Dimension of :data:`NARROWING` → the one key that counts.
    """

    since: date
    until: date
    only: Mapping[Dimension, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not NARROWING.issuperset(self.only):
            raise ValueError("a report is narrowed to days by since and until")
