"""The clean plate (光盘): whether a tray that comes back earns its diner points. Pure.

A return station weighs the tray, and knows by card, tray or face whose it is. Points are for a
meal that was paid here, once a meal, not so soon that it cannot have been eaten, and not another
day. How a canteen rewards is its own decision (反食品浪费法 art 7).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from dafan.errors import BadInputError


class Verdict(StrEnum):
    """What became of a tray."""

    CLEAN = "clean"
    LEFT_OVER = "left_over"
    TOO_LIGHT = "too_light"
    """Lighter than the empty tray: this is no tray, or not all of it."""
    NO_MEAL = "no_meal"
    """Nobody paid for it, or it went back."""
    TOO_SOON = "too_soon"
    TOO_LATE = "too_late"
    AGAIN = "again"
    """This meal has had its points."""
    NO_TRAY = "no_tray"
    """Nobody has said what an empty tray weighs here: nothing can be judged."""


@dataclass(frozen=True, slots=True)
class PlateRules:
    """What a site asks for; grams, minutes, thousandths.

    Raises:
        BadInputError: no tray could be clean, or none in time.
    """

    left_grams: int = 20
    """So much may lie on the tray: bones, sauce, a napkin."""
    left_permille: int = 100
    """... and never more than this share of what was weighed at the till."""
    light_grams: int = 30
    """An empty tray weighs so much less than another at most."""
    soonest_minutes: int = 5
    latest_minutes: int = 120
    points: int = 1
    tray_grams: int = 0
    """An empty tray with its bowls as it comes back; 0: it weighs what it does at the tills."""

    def __post_init__(self) -> None:
        counts = self.left_grams, self.left_permille, self.light_grams, self.tray_grams
        if min(*counts, self.points) < 0:
            raise BadInputError("what may be left, and the points, are not below 0")
        if not 0 <= self.soonest_minutes < self.latest_minutes:
            raise BadInputError("a tray comes back some minutes after the payment, not before")


@dataclass(frozen=True, slots=True)
class PointRules:
    """What points are worth at a site, and how long they last.

    Raises:
        BadInputError: points would buy nothing, or last no day.
    """

    lot_points: int = 20
    """So many points are turned into money at once, and no fewer."""
    lot_fen: int = 0
    """... for so much subsidy; 0: points buy nothing."""
    credit_weeks: int = 4
    """The subsidy lasts to the end of the week so many weeks on."""
    keep_days: int = 365
    """A point that nobody has used expires after so long."""
    history_days: int = 365
    """Whose a tray was is known so long."""

    def __post_init__(self) -> None:
        if self.lot_fen < 0 or min(self.lot_points, self.keep_days, self.history_days) < 1:
            raise BadInputError("points have a number, a value that is not below 0, and a term")
        if not 1 <= self.credit_weeks <= 52:
            raise BadInputError("a credit lasts from one week to a year")


@dataclass(frozen=True, slots=True)
class Eaten:
    """The meal that the tray belongs to.

    Attributes:
        paid_at: Aware UTC; of the last basket, where a meal was paid in two.
        grams: What was weighed at the till; ``None`` where all of it was counted.
        rewarded: It has had its points.
    """

    paid_at: datetime
    grams: int | None = None
    rewarded: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """What the station says; ``left`` are the grams on the tray, ``points`` what they earn."""

    verdict: Verdict
    left: int = 0
    points: int = 0


def judge(gross: int, tray: int, eaten: Eaten | None, now: datetime, rules: PlateRules) -> Judged:
    """Judge a tray that stands still on the station's scale.

    Args:
        gross: Grams of the tray with what is on it.
        tray: Grams of an empty one.
        eaten: The diner's meal; ``None``: he paid none that counts.
        now: Aware UTC.
        rules: The site's.
    """
    if eaten is None:
        return Judged(Verdict.NO_MEAL)
    barred = _barred(eaten, now, rules)
    if barred is not None:
        return Judged(barred)
    if gross < tray - rules.light_grams:
        return Judged(Verdict.TOO_LIGHT)
    left = max(0, gross - tray)
    if left > allowed(eaten.grams, rules):
        return Judged(Verdict.LEFT_OVER, left)
    return Judged(Verdict.CLEAN, left, rules.points)


def _barred(eaten: Eaten, now: datetime, rules: PlateRules) -> Verdict | None:
    """Why no plate of this meal could earn anything now."""
    if eaten.rewarded:
        return Verdict.AGAIN
    since = now - eaten.paid_at
    if since < timedelta(minutes=rules.soonest_minutes):
        return Verdict.TOO_SOON
    late = since > timedelta(minutes=rules.latest_minutes)
    return Verdict.TOO_LATE if late else None


def expiring(entries: Iterable[tuple[datetime, int]], until: datetime) -> int:
    """How many points expire: what was earned up to a moment, and not used since.

    What is spent, corrected or expired takes the oldest points first.

    Args:
        entries: When, and how many points came (above 0) or went (below 0); of one diner, all.
        until: Points that came later stay.
    """
    found = list(entries)
    came = sum(points for at, points in found if points > 0 and at <= until)
    return max(0, came + sum(points for _, points in found if points < 0))


def allowed(grams: int | None, rules: PlateRules) -> int:
    """How many grams may be left of a meal, rounded down."""
    if grams is None:
        return rules.left_grams
    return min(rules.left_grams, grams * rules.left_permille // 1000)
