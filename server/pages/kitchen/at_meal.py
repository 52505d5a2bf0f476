"""Which meal a page of the tablet shows: the one of now, until the person chooses another one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask import redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import BadInputError
from dafan.records import MealPeriod
from kitchen.meals import Meal
from server import kitchen_day, sites
from server.pages import site_view
from server.pages.shared import as_uuid, reading, site_id
from server.services import services
from server.sites import Venue

AFTER = timedelta(hours=1)
"""So long behind its end a meal is still the one of now: leftovers, late samples."""
_BACK = 60


@dataclass(frozen=True, slots=True)
class AtMeal:
    """A meal, and what can be chosen instead."""

    meal: Meal
    name: str
    starts: datetime
    ends: datetime
    periods: Sequence[MealPeriod]
    venues: Sequence[Venue]
    today: date

    @property
    def args(self) -> dict[str, str]:
        """The meal in an address."""
        return address_of(self.meal)


def address_of(meal: Meal) -> dict[str, str]:
    """A meal in an address or a form."""
    return {"day": meal.day.isoformat(), "period": meal.period, "venue": str(meal.venue_id)}


def back_to(endpoint: str, *more: str) -> AnyResponse:
    """To a page of the meal that the form names, with other fields of the form where wanted."""
    named = ("day", "period", "venue", *more)
    meal: dict[str, Any] = {name: request.form[name] for name in named if name in request.form}
    return redirect(url_for(endpoint, **meal))


def chosen() -> AtMeal:
    """The meal that the address or the form names, else the one of now.

    Raises:
        BadInputError: no such day, meal period or venue here.
    """
    view, now = site_view.current(), services().clock.now()
    today = view.today(now)
    day = _day(request.values.get("day", ""), today)
    with reading() as session:
        venues = sites.venues(session, site_id())
    wanted = request.values.get("venue", "")
    venue = next((one for one in venues if one.id == as_uuid(wanted)), None)
    if not venues or (wanted and venue is None):
        raise BadInputError("the site has no such venue: choose one of its venues")
    code = request.values.get("period", "") or _of_now(now)
    edges = kitchen_day.window(view.policy, day, code)
    if edges is None:
        raise BadInputError("the site has no such meal: choose one of its meals")
    meal = Meal(day, code, (venue or venues[0]).id)
    return AtMeal(meal, view.period_name(code), *edges, view.policy.periods, venues, today)


def _of_now(now: datetime) -> str:
    """The first meal of the business day that is not long over; the last one at its end."""
    view = site_view.current()
    day = view.today(now)
    meals = [
        (edges, period.code)
        for period in view.policy.periods
        if (edges := kitchen_day.window(view.policy, day, period.code)) is not None
    ]
    meals.sort()
    coming = (code for (_starts, ends), code in meals if now < ends + AFTER)
    return next(coming, meals[-1][1] if meals else "")


def _day(text: str, today: date) -> date:
    if not text:
        return today
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise BadInputError("this is no date: choose a day") from error
    if abs(day - today) > timedelta(days=_BACK):
        raise BadInputError(f"choose a day within {_BACK} days of today")
    return day
