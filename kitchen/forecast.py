"""How many will eat, and how much of each dish: from the canteen's own days, told with its reasons.

Nothing here is a black box: a figure is a median of named days, times factors that were each
measured on named days. Which method is used was chosen by :mod:`kitchen.backtest`. Shares are
floats, for they are estimates; what leaves is whole covers and portions.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median
from uuid import UUID

from kitchen import calendar
from kitchen.calendar import Beside, DayKind
from kitchen.history import CoverRow, History

RECENT = 10
"""So many comparable days make a median."""
ENOUGH = 3
"""Fewer comparable days are told as too little history."""
LONG = 15
"""So many meals on record show on which days the canteen is open: three weeks of workdays."""
_TREND_ROWS = 10
_DAMPING = 0.5
"""Only half of a trend is believed: it may be over tomorrow."""
_TREND_LIMIT = 0.15


@dataclass(frozen=True)
class Factor:
    """What a median was multiplied by, and the days on which that was measured."""

    name: str
    """``trend``, ``before_holiday``, ``after_holiday``, ``make_up`` or ``holiday``."""
    value: float
    days: tuple[date, ...]


@dataclass(frozen=True)
class Estimate:
    """A number of covers and how it came about."""

    covers: float
    basis: str
    """Which days were taken: ``same_weekday``, ``same_kind``, ``any_day``, or ``never_open``."""
    days: tuple[date, ...]
    base: float
    """Median of the covers of ``days``."""
    low: float
    high: float
    """The least and the most of ``days``, with the same factors."""
    factors: tuple[Factor, ...] = ()


Method = Callable[[History, date, date], Estimate | None]
"""History of one period, the first day that is not known yet, the day asked for."""


@dataclass(frozen=True)
class Forecast:
    """The covers of one meal."""

    on: date
    period: str
    covers: int
    low: int
    high: int
    booked: int
    day: calendar.Day
    estimate: Estimate | None
    """None: there is no history at all, only bookings."""

    @property
    def enough(self) -> bool:
        """Whether there were comparable days enough to believe it."""
        found = self.estimate
        return found is not None and len(found.days) >= ENOUGH and found.basis != "any_day"

    @property
    def why(self) -> str:
        """One line for a cook: the days, their median, every factor, the bookings."""
        found = self.estimate
        if found is None:
            return f"no history: {self.booked} bookings are all that is known"
        if found.basis == "never_open":
            return f"never open on such a day so far; {self.booked} bookings"
        days = ", ".join(day.isoformat() for day in found.days)
        parts = [f"median {found.base:.0f} of {days} ({found.basis.replace('_', ' ')})"]
        parts += [
            f"× {factor.value:.2f} {factor.name.replace('_', ' ')}" for factor in found.factors
        ]
        if self.booked > _whole(found.covers):
            parts.append(f"raised to {self.booked} bookings")
        if not self.enough:
            parts.append("too little history: look at it yourself")
        if not self.day.known:
            parts.append("the holidays of that year are not published here: weekday only")
        return "; ".join(parts)


def seasonal_naive(history: History, before: date, on: date) -> Estimate | None:
    """The covers of the last same weekday: what every method must beat."""
    return _from_median(history.recent(before, weekday=on.weekday(), count=1), "same_weekday")


def weekday_median(history: History, before: date, on: date) -> Estimate | None:
    """The median of the last same weekdays, whatever the calendar says."""
    return _from_median(history.recent(before, weekday=on.weekday(), count=RECENT), "same_weekday")


def calendar_median(history: History, before: date, on: date) -> Estimate | None:
    """The median of comparable ordinary days, times what such special days did before."""
    day = calendar.look_up(on)
    found = _base(history, before, day)
    name = _special(day)
    if found is None or not name:
        return found
    factor = _special_factor(history, before, name)
    if factor is not None:
        return _times(found, factor)
    if name == "holiday":  # none was ever seen: a weekend is nearer to it than a working day
        rows = history.ordinary(before, works=False, count=RECENT)
        return _from_median(rows, "same_kind")
    return found


def calendar_trend(history: History, before: date, on: date) -> Estimate | None:
    """As :func:`calendar_median`, moved by half of what the last days were off their medians."""
    found = calendar_median(history, before, on)
    if found is None:
        return None
    rows = history.ordinary(before, works=True, count=_TREND_ROWS)
    ratios, days = [], []
    for row in rows:
        usual = _base(history, row.on, calendar.look_up(row.on))
        if usual is not None and usual.covers and usual.basis == "same_weekday":
            ratios.append(row.covers / usual.covers)
            days.append(row.on)
    if len(ratios) < ENOUGH:
        return found
    moved = max(-_TREND_LIMIT, min(_TREND_LIMIT, median(ratios) - 1))
    return _times(found, Factor("trend", 1 + _DAMPING * moved, tuple(days)))


METHODS: dict[str, Method] = {
    "seasonal_naive": seasonal_naive,
    "weekday_median": weekday_median,
    "calendar_median": calendar_median,
    "calendar_trend": calendar_trend,
}
CHOSEN = "calendar_trend"
"""The least wrong of them by ``dafan forecast backtest``; ``docs/forecast.md`` has the figures."""


def forecast_covers(
    rows: Iterable[CoverRow],
    wanted: Sequence[tuple[date, str]],
    bookings: Mapping[tuple[date, str], int] | None = None,
    *,
    before: date,
    method: str = CHOSEN,
) -> tuple[Forecast, ...]:
    """Covers of the meals asked for; a meal is never forecast below its bookings.

    Args:
        rows: Past meals, in any order; those on or after ``before`` are not looked at.
        wanted: Date and period of each meal.
        bookings: Meals booked so far, by date and period.
        before: Today: the first day that is not known whole.
        method: A name of :data:`METHODS`.
    """
    return of_histories(History.by_period(rows), wanted, bookings, before=before, method=method)


def of_histories(
    histories: Mapping[str, History],
    wanted: Sequence[tuple[date, str]],
    bookings: Mapping[tuple[date, str], int] | None = None,
    *,
    before: date,
    method: str = CHOSEN,
) -> tuple[Forecast, ...]:
    """As :func:`forecast_covers`, where many days are asked of one past."""
    booked = bookings or {}
    return tuple(
        _forecast(histories.get(period), on, period, booked.get((on, period), 0), before, method)
        for on, period in wanted
    )


def _forecast(
    history: History | None, on: date, period: str, booked: int, before: date, method: str
) -> Forecast:
    found = METHODS[method](history, before, on) if history is not None else None
    if found is None and history is not None:
        found = _without_comparable(history.recent(before, count=LONG))
    day = calendar.look_up(on)
    if found is None:
        return Forecast(on, period, booked, booked, booked, booked, day, None)
    covers, low, high = (
        max(booked, _whole(value)) for value in (found.covers, found.low, found.high)
    )
    return Forecast(on, period, covers, min(low, covers), max(high, covers), booked, day, found)


def _without_comparable(rows: Sequence[CoverRow]) -> Estimate | None:
    """Where many meals are on record and none on such a day, the canteen is closed on it."""
    if len(rows) >= LONG:
        return Estimate(0, "never_open", (), 0, 0, 0)
    return _from_median(rows[-RECENT:], "any_day")


def _base(history: History, before: date, day: calendar.Day) -> Estimate | None:
    """The median of the ordinary days that a day is compared with."""
    if day.kind in {DayKind.WORKDAY, DayKind.WEEKEND}:
        rows = history.ordinary(before, weekday=day.on.weekday(), works=day.works, count=RECENT)
        if rows:
            return _from_median(rows, "same_weekday")
        works = day.works
    else:
        works = True  # a make-up day and a holiday are told as a share of working days
    return _from_median(history.ordinary(before, works=works, count=RECENT), "same_kind")


def _special(day: calendar.Day) -> str:
    if day.kind is DayKind.HOLIDAY:
        return "holiday"
    if day.kind is DayKind.MAKE_UP:
        return "make_up"
    return {Beside.BEFORE: "before_holiday", Beside.AFTER: "after_holiday"}.get(day.beside, "")


def _special_factor(history: History, before: date, name: str) -> Factor | None:
    """What such days were to their ordinary ones, drawn towards 1 while they are few."""
    ratios, days = [], []
    for row in history.special(before, name, RECENT):
        usual = _base(history, row.on, calendar.look_up(row.on))
        if usual is not None and usual.covers:
            ratios.append(row.covers / usual.covers)
            days.append(row.on)
    if not ratios:
        return None
    doubt = 0.0 if name == "holiday" else 1 / (1 + len(ratios))
    return Factor(name, doubt + (1 - doubt) * median(ratios), tuple(days))


def _from_median(rows: Sequence[CoverRow], basis: str) -> Estimate | None:
    if not rows:
        return None
    counts = [row.covers for row in rows]
    base = float(median(counts))
    days = tuple(row.on for row in rows)
    return Estimate(base, basis, days, base, float(min(counts)), float(max(counts)))


def _times(found: Estimate, factor: Factor) -> Estimate:
    share = factor.value
    return Estimate(
        found.covers * share, found.basis, found.days, found.base,
        found.low * share, found.high * share, (*found.factors, factor),
    )  # fmt: skip


def _whole(value: float) -> int:
    return int(value + 0.5)


@dataclass(frozen=True)
class PortionRow:
    """What was served of a dish at one past meal."""

    on: date
    period: str
    dish: UUID
    portions: int


@dataclass(frozen=True)
class DishForecast:
    """Portions of one dish at one meal."""

    dish: UUID
    portions: int
    share: float
    """Portions per cover."""
    basis: str
    """``same_period``, ``other_periods``, ``new_dish``, or ``nothing``."""
    days: tuple[date, ...]

    @property
    def why(self) -> str:
        """One line for a cook."""
        days = ", ".join(day.isoformat() for day in self.days)
        if self.basis == "nothing":
            return "no meal on record to draw from: one portion a cover"
        if self.basis == "new_dish":
            return f"new here: {self.share:.2f} a cover as other dishes on {days}"
        return f"{self.share:.2f} a cover on {days} ({self.basis.replace('_', ' ')})"


def forecast_portions(
    rows: Iterable[PortionRow],
    covers: Iterable[CoverRow],
    meal: Forecast,
    dishes: Sequence[UUID],
    *,
    before: date,
) -> tuple[DishForecast, ...]:
    """Portions of the dishes of one meal: the share of diners that took each, times its covers."""
    ate = {(row.on, row.period): row.covers for row in covers if row.covers and row.on < before}
    shares: dict[UUID, list[tuple[date, str, float]]] = {}
    for row in sorted(rows, key=lambda row: row.on):
        if (row.on, row.period) in ate:
            share = row.portions / ate[row.on, row.period]
            shares.setdefault(row.dish, []).append((row.on, row.period, share))
    return tuple(_dish(shares, dish, meal) for dish in dishes)


def _dish(
    shares: Mapping[UUID, list[tuple[date, str, float]]], dish: UUID, meal: Forecast
) -> DishForecast:
    own = shares.get(dish, [])
    same = [row for row in own if row[1] == meal.period]
    basis = "same_period" if same else "other_periods"
    found = (same or own)[-RECENT:]
    if not found:
        everything = (row for rows in shares.values() for row in rows if row[1] == meal.period)
        found = sorted(everything)[-5 * RECENT :]
        basis = "new_dish" if found else "nothing"
    share = median(row[2] for row in found) if found else 1.0
    days = tuple(dict.fromkeys(row[0] for row in found))
    return DishForecast(dish, _whole(share * meal.covers), share, basis, days)
