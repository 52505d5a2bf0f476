"""预估: how many will come to each meal, why, and what a person knows better."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import BadInputError
from kitchen import backtest, expected
from kitchen.calendar import Beside, Day, DayKind
from kitchen.forecast import CHOSEN, Estimate, Forecast
from kitchen.meals import Meal
from server import kitchen_sales, sites
from server.access import needs
from server.buying import COVERS_BEHIND, Coming, coming
from server.pages import buying, charts, formats, site_view
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, as_uuid, change, reading, site_id

DAYS = 7
_WEEK = timedelta(days=7)
_FACTORS: dict[str, LazyString] = {
    "trend": _l("近期趋势"),
    "before_holiday": _l("节前最后一个工作日"),
    "after_holiday": _l("节后第一个工作日"),
    "make_up": _l("补班"),
    "holiday": _l("节假日"),
}
_BASIS: dict[str, LazyString] = {
    "same_weekday": _l("同一个星期几"),
    "same_kind": _l("同一类日子"),
    "any_day": _l("最近的日子"),
}


@dataclass(frozen=True, slots=True)
class Chart:
    """One meal period over the days, as bars with last week's line."""

    period: str
    meals: Sequence[Coming]
    columns: charts.Columns

    @property
    def silent(self) -> bool:
        """Nobody came, nobody is expected: there is nothing to draw."""
        return not any(one.covers or one.actual or one.week_ago for one in self.meals)


@manage.get("/forecast", endpoint="forecast")
@needs("see_buying")
def page() -> str:
    """Seven days from today, or from the day asked for."""
    today = buying.today()
    first = _read_day(request.args.get("from", ""), today)
    periods = [one.code for one in site_view.current().policy.periods]
    with reading() as session:
        venues = sites.venues(session, site_id())
        venue = _venue([one.id for one in venues])
        last = first + timedelta(days=DAYS - 1)
        meals = coming(session, site_id(), venue, periods, first, last, today) if venue else []
    return render_template(
        "manage/forecast.html",
        charts=[
            _chart(period, [one for one in meals if one.forecast.period == period])
            for period in periods
        ],
        days=[first + timedelta(days=step) for step in range(DAYS)],
        enough=any(one.forecast.enough for one in meals),
        venues=venues,
        venue=venue,
        today=today,
        first=first,
        before=first - _WEEK,
        after=first + _WEEK if first + _WEEK <= today + 3 * _WEEK else None,
        why=why,
        day_text=day_text,
        period_name=site_view.current().period_name,
    )


@manage.post("/forecast")
@needs("plan_meals")
def forecast_tell() -> AnyResponse:
    """A person knows better, or takes his figure back."""
    given = request.form
    venue = as_uuid(given.get("venue"))

    def work(session: Session) -> None:
        day, period = _typed_day(given.get("day", "")), given.get("period", "")
        if venue is None or period not in {
            one.code for one in sites.policy(session, site_id()).periods
        }:
            raise BadInputError(_("没有这一餐：请刷新页面"))
        meal = Meal(day, period, sites.get_venue(session, site_id(), venue).id)
        if given.get("back"):
            expected.forget(session, actor(), meal, buying.today())
            return
        covers = given.get("covers", "").strip()
        if not covers.isdecimal() or len(covers) > 6:
            raise BadInputError(_("人次请写整数，例如 480"))
        expected.tell(session, actor(), meal, int(covers), given.get("reason", ""), buying.today())

    change(work, _("已改回预估") if given.get("back") else _("已按您的人数，采购计划随之更新"))
    return redirect(url_for("manage.forecast", **_same_view(given.get("from", ""), venue)))


@manage.get("/forecast/check")
@needs("see_buying")
def forecast_check() -> str:
    """How far off the forecast would have been, on this canteen's own meals."""
    today = buying.today()
    with reading() as session:
        venues = sites.venues(session, site_id())
        venue = _venue([one.id for one in venues])
        rows = kitchen_sales.covers(
            session, site_id(), today - COVERS_BEHIND, today - timedelta(days=1), venue_id=venue
        )
    try:
        result = backtest.run(rows)
    except BadInputError:
        result = None
    return render_template(
        "manage/forecast_check.html",
        active="manage.orders_list",
        result=result,
        groups=_groups(result),
        chosen=CHOSEN,
        naive=backtest.NAIVE,
        meals=len(rows),
        wanted=backtest.LEARN_DAYS,
        venue=venue,
    )


def why(found: Forecast) -> list[str]:
    """The days, their median and every factor, in sentences."""
    told = found.estimate
    if told is None:
        return [str(_("还没有历史数据，只知道预订 %(n)s 份", n=found.booked))]
    if told.basis == "never_open":
        return [str(_("这样的日子从来没有开过餐"))]
    parts = [_median(told)]
    for factor in told.factors:
        name, value = _FACTORS[factor.name], f"{factor.value:.2f}"
        parts.append(str(_("× %(value)s %(name)s", value=value, name=name)))
    if found.booked > round(told.covers):
        parts.append(str(_("按预订提高到 %(n)s 份", n=found.booked)))
    if not found.day.known:
        parts.append(str(_("这一年的放假通知还没有收录，只按星期几估")))
    return parts


def _median(told: Estimate) -> str:
    days = "、".join(f"{day:%m-%d}" for day in told.days)
    return str(
        _("%(days)s（%(basis)s）的中位数 %(base)s",
          days=days, basis=_BASIS[told.basis], base=f"{told.base:.0f}")
    )  # fmt: skip


def day_text(day: Day) -> str:
    """What is special about a day; empty for an ordinary one."""
    if day.kind is DayKind.HOLIDAY:
        return day.holiday or str(_("节假日"))
    if day.kind is DayKind.MAKE_UP:
        return str(_("补班"))
    return {Beside.BEFORE: str(_("节前")), Beside.AFTER: str(_("节后"))}.get(day.beside, "")


def _chart(period: str, meals: Sequence[Coming]) -> Chart:
    labels = [f"{formats.weekday(one.forecast.on)} {one.forecast.on:%m-%d}" for one in meals]
    values = [one.covers if one.actual is None else one.actual for one in meals]
    ago = [one.week_ago for one in meals]
    return Chart(period, meals, charts.columns(labels, values, ago, width=1096, base=112))


def _groups(result: backtest.Result | None) -> list[tuple[str, str]]:
    """What the figures are told for: all meals, each period, special days."""
    if result is None:
        return []
    names = {"all": str(_("全部")), "special": str(_("节假日前后"))}
    view = site_view.current()
    return [(code, names.get(code) or view.period_name(code)) for code in result.wape[CHOSEN]]


def _venue(ids: Sequence[UUID]) -> UUID | None:
    """The venue asked for; else the first one."""
    asked = as_uuid(request.args.get("venue"))
    return asked if asked in ids else next(iter(ids), None)


def _same_view(first: str, venue: UUID | None) -> dict[str, Any]:
    return {"from": first, "venue": str(venue or "")}


def _read_day(text: str, today: date) -> date:
    """A day near today; else today."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return today
    return day if abs((day - today).days) <= COVERS_BEHIND.days else today


def _typed_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadInputError(_("没有这一餐：请刷新页面")) from error
