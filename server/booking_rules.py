"""What a site lets its diners book (订餐), and until when. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from dafan.errors import BadInputError
from dafan.records import Policy
from server import kitchen_day

OVERTIME = "overtime"
"""The period of a meal outside the site's own ones."""
_OVERTIME_LASTS = timedelta(hours=2)
_MINUTES = 7 * 24 * 60
_COVERS = 20


@dataclass(frozen=True)
class BookingRules:
    """What a site offers to be booked; times are minutes."""

    offered: bool = True
    ahead_days: int = 7
    """So many days from today on can be booked."""
    most_covers: int = 1
    """By one diner for one meal: himself, and his guests."""
    cut_off: int = 120
    """So long before its beginning a meal can be booked and cancelled."""
    cut_offs: Mapping[str, int] = field(default_factory=dict)
    """Meal period → another cut-off."""
    closed: tuple[str, ...] = ()
    """Meal periods that are not booked."""
    venues: tuple[UUID, ...] = ()
    """Where; empty: at every venue."""
    overtime: bool = False
    """Overtime meals are offered."""
    overtime_at: int = 20 * 60
    """Minute of the day at which they are served, local time."""
    overtime_approved: bool = True
    """Somebody has to approve them."""

    def __post_init__(self) -> None:
        minutes = (self.cut_off, *self.cut_offs.values())
        if not all(0 <= one <= _MINUTES for one in minutes):
            raise BadInputError("a cut-off is 0 to 168 hours before the meal", code="bad_cut_off")
        fits = 1 <= self.ahead_days <= 31 and 1 <= self.most_covers <= _COVERS
        if not fits or not 0 <= self.overtime_at < 24 * 60:
            raise BadInputError("book 1 to 31 days ahead, for 1 to 20 covers", code="bad_booking")


@dataclass(frozen=True, slots=True)
class Slot:
    """A meal that can be booked, or could be until its cut-off."""

    day: date
    period: str
    starts: datetime
    ends: datetime
    closes: datetime


def slots(rules: BookingRules, policy: Policy, now: datetime) -> list[Slot]:
    """The meals from now on, in the order in which they are served; pure.

    Args:
        rules: Of the site.
        policy: Of the site: its meals.
        now: Aware UTC; a meal that is over is not told.
    """
    today = kitchen_day.today(policy, now)
    days = [today + timedelta(days=step) for step in range(rules.ahead_days)]
    codes = [one.code for one in policy.periods if one.code not in rules.closed]
    found = [slot for day in days for code in codes if (slot := slot_of(rules, policy, day, code))]
    return sorted((one for one in found if one.ends > now), key=lambda one: one.starts)


def slot_of(rules: BookingRules, policy: Policy, day: date, period: str) -> Slot | None:
    """A meal with its cut-off; ``None`` where the site has no such period."""
    if period == OVERTIME:
        hour, minute = divmod(rules.overtime_at, 60)
        local = datetime.combine(day, time(hour, minute), ZoneInfo(policy.time_zone))
        starts = local.astimezone(UTC)
        edges: tuple[datetime, datetime] | None = (starts, starts + _OVERTIME_LASTS)
    else:
        edges = kitchen_day.window(policy, day, period)
    if edges is None:
        return None
    before = timedelta(minutes=rules.cut_offs.get(period, rules.cut_off))
    return Slot(day, period, *edges, edges[0] - before)
