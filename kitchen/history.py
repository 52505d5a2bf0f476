"""Past covers of one meal period, ordered for quick looking back."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from kitchen import calendar
from kitchen.calendar import Beside, DayKind


@dataclass(frozen=True)
class CoverRow:
    """How many ate at one past meal."""

    on: date
    period: str
    covers: int


class _Line:
    """Rows of one kind in order of their date."""

    def __init__(self) -> None:
        self.dates: list[date] = []
        self.rows: list[CoverRow] = []

    def add(self, row: CoverRow) -> None:
        self.dates.append(row.on)
        self.rows.append(row)

    def last(self, before: date, count: int) -> list[CoverRow]:
        end = bisect_left(self.dates, before)
        return self.rows[max(0, end - count) : end]


class History:
    """The past meals of one period; every question names the first day that is not known yet.

    A meal at which nobody ate was none: the canteen was closed.

    Args:
        rows: Of one period, in any order; of two rows of a date the later one counts.
    """

    def __init__(self, rows: Iterable[CoverRow]) -> None:
        self._lines: dict[tuple[object, ...], _Line] = {}
        latest = {row.on: row for row in rows if row.covers > 0}
        for on in sorted(latest):
            day = calendar.look_up(on)
            for name in self._names(day):
                self._lines.setdefault(name, _Line()).add(latest[on])

    @classmethod
    def by_period(cls, rows: Iterable[CoverRow]) -> dict[str, "History"]:
        """A history for each period that the rows name."""
        sorted_out: dict[str, list[CoverRow]] = {}
        for row in rows:
            sorted_out.setdefault(row.period, []).append(row)
        return {period: cls(own) for period, own in sorted_out.items()}

    @staticmethod
    def _names(day: calendar.Day) -> Iterable[tuple[object, ...]]:
        weekday = day.on.weekday()
        yield ("all",)
        yield ("all", weekday)
        if day.kind is DayKind.HOLIDAY:
            yield ("special", "holiday")
        elif day.kind is DayKind.MAKE_UP:
            yield ("special", "make_up")
        elif day.beside is Beside.NONE:
            yield ("ordinary", day.works)
            yield ("ordinary", day.works, weekday)
        else:
            yield ("special", f"{day.beside.value}_holiday")

    def _last(self, name: tuple[object, ...], before: date, count: int) -> list[CoverRow]:
        line = self._lines.get(name)
        return line.last(before, count) if line is not None else []

    def recent(self, before: date, *, count: int, weekday: int | None = None) -> list[CoverRow]:
        """The last meals of all days, or of one weekday; the oldest first."""
        return self._last(("all",) if weekday is None else ("all", weekday), before, count)

    def ordinary(
        self, before: date, *, works: bool, count: int, weekday: int | None = None
    ) -> list[CoverRow]:
        """The last meals of days that are no holiday, no make-up day and beside no break."""
        name = ("ordinary", works) if weekday is None else ("ordinary", works, weekday)
        return self._last(name, before, count)

    def special(self, before: date, name: str, count: int) -> list[CoverRow]:
        """The last ``holiday``, ``make_up``, ``before_holiday`` or ``after_holiday`` meals."""
        return self._last(("special", name), before, count)
