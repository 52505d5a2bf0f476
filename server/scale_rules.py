"""When a scale is in order (秤的检定和核查): what a site decides, and how a scale stands. Pure.

JJG 539-2016 gives for class III a minimum of 20 e and the permitted errors that
:func:`dafan.metrology.permitted_error` knows; it verifies at most for a year.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from dafan.meals import trading_day
from dafan.metrology import MINIMUM_DIVISIONS, TILL, Barred, ScaleRecord, barred, permitted_error
from dafan.records import Policy
from dafan.units import Grams

LONGEST_DAYS = 366
"""From a verification to the last day of its certificate (JJG 539-2016: at most one year)."""


@dataclass(frozen=True, slots=True)
class ScaleLimits:
    """What a site asks of its scales; all off at first, so that no till stops by an upgrade."""

    required: bool = False
    """A scale without a record, or never verified, may not bill."""
    check_daily: bool = False
    """Every scale is tried with a test weight before it bills on a day."""
    small_free: bool = False
    """Food below the minimum of a till's scale costs nothing."""
    soon_days: int = 30
    """So many days before a certificate ends people are warned."""


class Fault(StrEnum):
    """Who found a scale wrong; it heals by a new verification, or, after a check, by another."""

    NONE = ""
    CHECK = "check"
    INSPECTOR = "inspector"


class Standing(StrEnum):
    """How a scale stands."""

    GOOD = "good"
    SOON = "soon"
    """Its certificate ends soon."""
    LOOSE = "loose"
    """It was never verified, and the site lets it bill."""
    UNVERIFIED = "unverified"
    EXPIRED = "expired"
    FAILED = "failed"
    CHECK_DUE = "check_due"

    @property
    def barred(self) -> bool:
        """It may not bill."""
        return self.value in set(Barred)


TO_SEE_TO = (
    Standing.FAILED,
    Standing.EXPIRED,
    Standing.UNVERIFIED,
    Standing.CHECK_DUE,
    Standing.SOON,
)
"""What wants a hand, the worst first."""


@dataclass(frozen=True, slots=True)
class Watch:
    """The scales of a site at a moment.

    Attributes:
        counts: How many stand so; what none does is not in it.
        since: When the first of them began to.
    """

    counts: Mapping[Standing, int] = field(default_factory=dict)
    since: Mapping[Standing, datetime] = field(default_factory=dict)

    @property
    def barred(self) -> int:
        """They may not bill."""
        return sum(count for one, count in self.counts.items() if one.barred)

    @property
    def soon(self) -> int:
        """Their certificate ends soon."""
        return self.counts.get(Standing.SOON, 0)

    @property
    def loose(self) -> int:
        """Never verified, or not written down, and the site lets them bill."""
        return self.counts.get(Standing.LOOSE, 0)


def watch(found: Iterable[tuple[Standing, datetime]]) -> Watch:
    """Count how scales stand, each with the moment since when it does."""
    counts: dict[Standing, int] = {}
    since: dict[Standing, datetime] = {}
    for one, began in found:
        counts[one] = counts.get(one, 0) + 1
        since[one] = min(began, since.get(one, began))
    return Watch(counts, since)


def since(
    stands: Standing, record: ScaleRecord, changed_at: datetime, limits: ScaleLimits, policy: Policy
) -> datetime:
    """Since when a scale stands as it does.

    Args:
        stands: As :func:`standing` says.
        record: Of the scale.
        changed_at: When its record was changed last, which is when it failed.
        limits: Of its site.
        policy: Gives the time zone, by which certificates end.
    """
    if stands is Standing.CHECK_DUE and record.check_due is not None:
        return record.check_due
    if record.verified_until is None or stands not in {Standing.EXPIRED, Standing.SOON}:
        return changed_at
    days = 1 if stands is Standing.EXPIRED else -limits.soon_days
    day = record.verified_until + timedelta(days=days)
    return datetime.combine(day, time(), ZoneInfo(policy.time_zone))


def site_date(policy: Policy, now: datetime) -> date:
    """The site's calendar date, by which certificates end."""
    return now.astimezone(ZoneInfo(policy.time_zone)).date()


def standing(
    record: ScaleRecord | None, station: int, limits: ScaleLimits, today: date, now: datetime
) -> Standing:
    """How a scale stands at a moment, as its terminal sees it too.

    Args:
        record: What is known of it; ``None``: nothing.
        station: Where; the stations of the weigh line always want a verified scale.
        limits: Of its site.
        today: :func:`site_date`.
        now: Aware.
    """
    why = barred(record, today, now, required=limits.required or station != TILL)
    if why is not None:
        return Standing(why.value)
    if record is None or record.verified_until is None:
        return Standing.LOOSE
    ends_soon = record.verified_until - today <= timedelta(days=limits.soon_days)
    return Standing.SOON if ends_soon else Standing.GOOD


def check_ends(policy: Policy, now: datetime) -> datetime:
    """Until when a check holds: the start of the site's next day, aware."""
    begins = trading_day(policy, now) + timedelta(days=1)
    return datetime.combine(begins, time(policy.day_starts_hour), ZoneInfo(policy.time_zone))


def shows_right(nominal: Grams, shown: Grams, e_grams: int) -> bool:
    """Whether a scale shows a test weight within the error that is permitted in service."""
    return abs(shown - nominal) <= permitted_error(nominal, e_grams)


def can_try(nominal: Grams, e_grams: int, max_grams: int) -> bool:
    """Whether a weight says anything about a scale: from its minimum to its maximum."""
    return MINIMUM_DIVISIONS * e_grams <= nominal <= max_grams
