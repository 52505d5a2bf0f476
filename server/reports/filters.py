"""What a report is asked for: days, the earlier days beside them, venue, meal.

It lives in the address, so that a link is a report; what cannot be asked gives the nearest report
and a note.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from server.reports.frame import Link

MOST_DAYS = 366
FIRST = date(2000, 1, 1)
_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)

PRESETS: Mapping[str, LazyString] = {
    "today": _l("今天"),
    "yesterday": _l("昨天"),
    "week": _l("本周"),
    "last_week": _l("上周"),
    "month": _l("本月"),
    "last_month": _l("上月"),
    "quarter": _l("本季度"),
    "last_quarter": _l("上季度"),
    "year": _l("今年"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report is about.

    Attributes:
        since: First business date.
        until: Last business date, included.
        then_since: Of the earlier period; as many days, or the same part of a month.
        then_until: Included.
        preset: The name of the days; empty where both were typed.
        venue_id: One venue; ``None``: all.
        period: Code of one meal period; empty: all.
        year_ago: The earlier period is the same time a year before.
        notes: What could not be asked.
    """

    since: date
    until: date
    then_since: date
    then_until: date
    preset: str = ""
    venue_id: UUID | None = None
    period: str = ""
    year_ago: bool = False
    notes: tuple[str, ...] = ()

    @property
    def days(self) -> int:
        """How many."""
        return (self.until - self.since).days + 1

    @property
    def span(self) -> str:
        """The days, as a heading writes them."""
        return f"{self.since}" if self.days == 1 else f"{self.since} – {self.until}"

    @property
    def then_span(self) -> str:
        """The earlier days."""
        if self.then_since == self.then_until:
            return f"{self.then_since}"
        return f"{self.then_since} – {self.then_until}"

    def args(self, **changed: str) -> dict[str, str]:
        """The address's part behind the question mark; empty values are left out."""
        told = {
            "since": "" if self.preset else self.since.isoformat(),
            "until": "" if self.preset else self.until.isoformat(),
            "preset": self.preset,
            "venue": "" if self.venue_id is None else str(self.venue_id),
            "meal": self.period,
            "against": "year" if self.year_ago else "",
        } | changed
        return {name: value for name, value in told.items() if value}

    def link(self, endpoint: str, since: date, until: date, **more: str) -> Link:
        """What is behind a figure: the same filter over other days."""
        told = {"since": since.isoformat(), "until": until.isoformat()}
        venue = {} if self.venue_id is None else {"venue": str(self.venue_id)}
        period = {"period": self.period} if self.period else {}
        whole = told | venue | period | more
        return Link(endpoint, {name: value for name, value in whole.items() if value})

    def sales(self, since: date | None = None, until: date | None = None, **more: str) -> Link:
        """The sales behind a figure."""
        return self.link("manage.sales", since or self.since, until or self.until, **more)


def read(
    args: Mapping[str, str],
    today: date,
    venues: Collection[UUID],
    periods: Collection[str],
    default: str = "week",
) -> Asked:
    """The filter in an address.

    Args:
        args: ``preset``, or ``since`` and ``until``; ``venue``, ``meal``, ``against``.
        today: Business date.
        venues: Of the site.
        periods: Codes of the site's meal periods.
        default: The preset where the address names none.
    """
    notes: list[str] = []
    preset = args.get("preset", "")
    if preset and preset not in PRESETS:
        notes.append(_("没有这样的时间范围，显示%(name)s。", name=PRESETS[default]))
        preset = default
    typed = [_day(args.get(name, ""), notes) for name in ("since", "until")]
    if not preset and typed == [None, None]:
        preset = default
    since, until = days_of(preset, today) if preset else _typed(typed, today, notes)
    venue = _venue(args.get("venue", ""), venues, notes)
    period = args.get("meal", "")
    if period and period not in periods:
        notes.append(_("没有这个餐次，显示全部餐次。"))
        period = ""
    year_ago = args.get("against") == "year"
    then = _year_before(since, until) if year_ago else before(since, until)
    return Asked(since, until, *then, preset, venue, period, year_ago, tuple(notes))


def days_of(preset: str, today: date) -> tuple[date, date]:
    """First and last day of a named range; what is not over ends today."""
    monday = today - timedelta(days=today.weekday())
    month = today.replace(day=1)
    quarter = month.replace(month=3 * ((today.month - 1) // 3) + 1)
    if preset == "last_month":
        return (month - _DAY).replace(day=1), month - _DAY
    if preset == "last_quarter":
        last = quarter - _DAY
        return last.replace(month=last.month - 2, day=1), last
    return {
        "today": (today, today),
        "yesterday": (today - _DAY, today - _DAY),
        "week": (monday, today),
        "last_week": (monday - _WEEK, monday - _DAY),
        "month": (month, today),
        "quarter": (quarter, today),
        "year": (today.replace(month=1, day=1), today),
    }[preset]


def before(since: date, until: date) -> tuple[date, date]:
    """The days before to compare with.

    Whole months are compared with as many whole months, the beginning of a month with the same
    days of the month before; anything else goes back by whole weeks, so that weekdays meet.
    """
    if since.day == 1 and until >= since + 27 * _DAY and (until + _DAY).day == 1:
        months = 12 * (until.year - since.year) + until.month - since.month + 1
        return _months_back(since, months), since - _DAY
    if since.day == 1 and until.day > 7 and (until.year, until.month) == (since.year, since.month):
        first = _months_back(since, 1)
        return first, min(first + (until - since), since - _DAY)
    weeks = ((until - since).days // 7 + 1) * _WEEK
    return since - weeks, until - weeks


def _months_back(day: date, months: int) -> date:
    count = 12 * day.year + day.month - 1 - months
    return date(count // 12, count % 12 + 1, 1)


def _year_before(since: date, until: date) -> tuple[date, date]:
    """52 weeks before, so that weekdays meet; whole months meet themselves."""
    if since.day == 1 and (until + _DAY).day == 1:
        first = since.replace(year=since.year - 1)
        return first, (until + _DAY).replace(year=(until + _DAY).year - 1) - _DAY
    return since - 52 * _WEEK, until - 52 * _WEEK


def _day(text: str, notes: list[str]) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        notes.append(_("读不出日期，按最接近的显示。"))
        return None


def _typed(typed: list[date | None], today: date, notes: list[str]) -> tuple[date, date]:
    one, other = typed
    since = one or other or today
    until = other or max(since, today)
    if since > until:
        since, until = until, since
    if until > today or since < FIRST:
        notes.append(_("只显示到今天为止的数据。"))
    until = min(max(until, FIRST), today)
    since = min(max(since, FIRST), until)
    if (until - since).days >= MOST_DAYS:
        since = until - (MOST_DAYS - 1) * _DAY
        notes.append(_("一次最多看 %(n)s 天，从 %(day)s 起。", n=MOST_DAYS, day=since))
    return since, until


def _venue(text: str, venues: Collection[UUID], notes: list[str]) -> UUID | None:
    if not text:
        return None
    try:
        found = UUID(text)
    except ValueError:
        found = None
    if found in venues:
        return found
    notes.append(_("没有这个场所，显示全部场所。"))
    return None
