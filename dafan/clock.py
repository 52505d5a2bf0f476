"""Time: aware UTC inside, the site's business date outside."""

import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from dafan.errors import BadInputError


class Clock(Protocol):
    """Where the edge takes its time from; tests and simulations bring their own."""

    def now(self) -> datetime:
        """Aware UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards; only differences mean anything."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Aware UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()


@dataclass
class ManualClock:
    """A clock that moves only when told."""

    at: datetime
    elapsed: float = field(default=0.0)

    def now(self) -> datetime:
        """Aware UTC."""
        return self.at

    def monotonic(self) -> float:
        """Seconds told so far."""
        return self.elapsed

    def advance(self, seconds: float) -> None:
        """Let time pass on both scales."""
        self.at += timedelta(seconds=seconds)
        self.elapsed += seconds

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward or back without time passing."""
        self.at += timedelta(seconds=seconds)


def require_utc(moment: datetime) -> datetime:
    """The same moment in UTC.

    Raises:
        BadInputError: the time names no zone.
    """
    if moment.tzinfo is None:
        raise BadInputError("a time without a zone: send UTC, as 2026-03-01T04:05:06Z")
    return moment.astimezone(UTC)


def business_date(moment: datetime, zone: ZoneInfo, day_starts_hour: int = 4) -> date:
    """The trading day of a moment: the site's date, where a night's sales belong to the evening.

    Args:
        moment: Any aware time.
        zone: The site's time zone.
        day_starts_hour: Local hour at which a new trading day begins.
    """
    return (moment.astimezone(zone) - timedelta(hours=day_starts_hour)).date()
