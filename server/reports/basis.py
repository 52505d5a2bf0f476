"""What every report stands on: the filter, the measures of its days and of the earlier ones, names.

Time is cut into steps that a chart can hold: days, weeks or months.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from flask_babel import LazyString, format_date
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from kitchen.dishes import Dish
from server.reports import measures
from server.reports.filters import Asked
from server.reports.frame import Fact, Link, Unit
from server.reports.measures import Values
from server.reports.scope import Dimension, Key, Scope, fold

MOST_DAYS, MOST_WEEKS = 45, 26
_DAY = timedelta(days=1)
_NAMED = timedelta(days=14)
"""Of so many days each has its weekday beside it."""

CATEGORIES: Mapping[str, LazyString] = {
    "trim": _l("边角料"),
    "spoilage": _l("变质过期"),
    "overproduction": _l("多做未售"),
    "plate": _l("盘中剩余"),
    "oil": _l("废弃油脂"),
}
"""Waste by its cause, in the order in which bars stand on each other."""
FOOD = tuple(code for code in CATEGORIES if code != "oil")
"""What could have been eaten, or nearly."""


@dataclass(frozen=True, slots=True)
class Step:
    """A stretch of days that is one bar."""

    key: date
    since: date
    until: date
    label: str


@dataclass(frozen=True, slots=True)
class Basis:
    """Whose report, of what, and the names of things.

    Attributes:
        session: Reads.
        site_id: Whose.
        asked: The filter.
        meals: Code of a meal period → its name, in the order of the day.
        venues: Id → name.
        now: When it is asked, aware; without it nothing that waits is told late.
    """

    session: Session
    site_id: UUID
    asked: Asked
    meals: Mapping[str, str]
    venues: Mapping[UUID, str]
    now: datetime | None = None

    def scope(self, *, then: bool = False, **only: object) -> Scope:
        """The days asked for, or the earlier ones, narrowed as asked."""
        asked = self.asked
        narrowed: dict[Dimension, object] = {Dimension(name): key for name, key in only.items()}
        if asked.venue_id is not None:
            narrowed[Dimension.VENUE] = asked.venue_id
        if asked.period:
            narrowed[Dimension.MEAL] = asked.period
        since, until = asked.since, asked.until
        if then:
            since, until = asked.then_since, asked.then_until
        return Scope(since, until, narrowed)

    def ask(
        self, codes: Sequence[str], *by: Dimension, then: bool = False, **only: object
    ) -> dict[Key, Values]:
        """Measures of the days asked for, or of the earlier ones; ``only`` narrows further."""
        scope = self.scope(then=then, **only)
        return measures.ask(self.session, self.site_id, codes, scope, by)

    def whole(self, *codes: str, then: bool = False) -> Values:
        """Measures of all the days together."""
        return self.ask(codes, then=then)[()]

    def fact(
        self, code: str, unit: Unit, now: Values, then: Values | None, link: Link | None = None
    ) -> Fact:
        """A measure as a main figure; ``then`` is ``None`` where the earlier days have nothing."""
        before = None if then is None else then[code]
        return Fact(str(measures.MEASURES[code].label), now[code], unit, before, link)

    def steps(self, *, then: bool = False) -> list[Step]:
        """The days asked for as bars; the earlier days are cut alike."""
        asked = self.asked
        since, until = asked.since, asked.until
        if then:
            since, until = asked.then_since, asked.then_until
        return steps_of(self.dimension, since, until)

    @property
    def dimension(self) -> Dimension:
        """How time is cut: as fine as a chart can hold."""
        if self.asked.days <= MOST_DAYS:
            return Dimension.DAY
        return Dimension.WEEK if self.asked.days <= 7 * MOST_WEEKS else Dimension.MONTH

    @property
    def step_name(self) -> str:
        """What a bar is, as a heading of a column."""
        names = {Dimension.DAY: _("日期"), Dimension.WEEK: _("周"), Dimension.MONTH: _("月份")}
        return str(names[self.dimension])

    def dish_names(self) -> dict[UUID, str]:
        """Of all the site's dishes, those of former times as well."""
        query = select(Dish.id, Dish.name).where(Dish.site_id == self.site_id)
        return {row.id: row.name for row in self.session.execute(query)}

    def meal(self, code: str | None) -> str:
        """A meal period's name; its code where it is gone."""
        return self.meals.get(code or "", code or _("不属于餐次"))


def steps_of(dimension: Dimension, since: date, until: date) -> list[Step]:
    """Days, weeks or months from the first day to the last; the ends may be cut off."""
    found: list[Step] = []
    day = since
    while day <= until:
        key = fold(dimension, day)
        last = day
        while last < until and fold(dimension, last + _DAY) == key:
            last += _DAY
        found.append(Step(key, day, last, _label(dimension, day, until - since)))
        day = last + _DAY
    return found


def _label(dimension: Dimension, day: date, span: timedelta) -> str:
    if dimension is Dimension.DAY:
        weekday = f" {format_date(day, 'EEE')}" if span < _NAMED else ""
        return f"{day:%m-%d}{weekday}"
    if dimension is Dimension.WEEK:
        return str(_("%(day)s 起", day=f"{day:%m-%d}"))
    return f"{day:%Y-%m}"


def beside(values: Sequence[int | None], count: int) -> list[int | None]:
    """The earlier period's values at the places of the present one; empty where all is nothing."""
    laid = [*values[:count], *[None] * (count - len(values))]
    return laid if any(laid) else []


def change(now: int | None, then: int | None) -> str:
    """In a sentence: ``比上期少 12%``; empty where nothing compares."""
    if not then or now is None:
        return ""
    percent = round(100 * abs(now - then) / abs(then))
    if percent == 0:
        return str(_("和上期一样"))
    if now > then:
        return str(_("比上期多 %(n)s%%", n=percent))
    return str(_("比上期少 %(n)s%%", n=percent))
