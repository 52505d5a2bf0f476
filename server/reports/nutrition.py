"""What a diner got from the canteen by day and week: an estimate from his sales and the recipes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from dafan.food import Eaten, Food, Intake, intake
from dafan.records import Policy
from kitchen import cookbook, foods
from kitchen import diary as rules
from kitchen.diary import Judged, Meal
from kitchen.nutrition import Nutrient
from server import sites
from server.books.sales import Sale, SaleLine

MOST_DAYS = 62


@dataclass(frozen=True, slots=True)
class Day:
    """A day on which the diner ate here.

    Attributes:
        meals: In the order in which he paid them; a snack is one of them.
        intakes: Energy, protein, fat, carbohydrate and sodium of all of them together.
    """

    day: date
    meals: tuple[Meal, ...]
    intakes: Mapping[Nutrient, Intake]


@dataclass(frozen=True, slots=True)
class Diary:
    """Some days of a diner.

    Attributes:
        days: Only those on which he ate here, the first one first.
        intakes: Of all days together; each says of how many dishes it is known.
        judged: The advice, and the figures that it rests on.
    """

    first: date
    last: date
    days: tuple[Day, ...]
    intakes: Mapping[Nutrient, Intake]
    judged: Judged

    @property
    def meals(self) -> tuple[Meal, ...]:
        """Every meal of every day."""
        return tuple(meal for day in self.days for meal in day.meals)


def diary(session: Session, site_id: UUID, diner_id: UUID, first: date, last: date) -> Diary:
    """What a diner got from his sales, by the recipes that were valid on each day.

    A sale that went back whole counts nothing. What he ate elsewhere is not known here.

    Args:
        session: Reading.
        site_id: The diner's site.
        diner_id: Whose sales; nobody else's are read.
        first: The first business date.
        last: The last one, included; at most :data:`MOST_DAYS` days are told, the latest ones.
    """
    first = max(first, last - timedelta(days=MOST_DAYS - 1))
    eaten = _eaten(session, site_id, diner_id, first, last)
    valid = _foods_by_day(session, site_id, eaten)
    days = []
    for day, periods in eaten.items():
        meals = tuple(
            Meal(day, period, _intakes(lines, valid[day])) for period, lines in periods.items()
        )
        days.append(Day(day, meals, _together(meals)))
    every = [meal for day in days for meal in day.meals]
    return Diary(first, last, tuple(days), _together(every), rules.judge(every))


_Eaten = dict[date, dict[str, list[Eaten]]]
"""Day → meal period → lines."""


def _eaten(session: Session, site_id: UUID, diner_id: UUID, first: date, last: date) -> _Eaten:
    of_sale = and_(
        SaleLine.site_id == Sale.site_id,
        SaleLine.business_date == Sale.business_date,
        SaleLine.sale_id == Sale.id,
    )
    line = (SaleLine.dish_id, SaleLine.grams, SaleLine.portion, SaleLine.quantity)
    query = (
        select(Sale.business_date, Sale.period, *line)
        .join(SaleLine, of_sale)
        .where(
            Sale.site_id == site_id,
            Sale.diner_id == diner_id,
            Sale.business_date.between(first, last),
            Sale.cancelled.is_(False),
        )
        .order_by(Sale.business_date, Sale.paid_at, Sale.id, SaleLine.no)
    )
    found: _Eaten = {}
    for day, period, dish_id, grams, portion, quantity in session.execute(query):
        lines = found.setdefault(day, {}).setdefault(period, [])
        lines.append(Eaten(dish_id, grams, portion, quantity))
    return found


def _foods_by_day(
    session: Session, site_id: UUID, eaten: _Eaten
) -> dict[date, Mapping[UUID, Food]]:
    """What the dishes of each day gave; days between which no recipe changed are read at once."""
    if not eaten:
        return {}
    policy = sites.policy(session, site_id)
    ends = {day: _end(policy, day) for day in eaten}
    changes = cookbook.changes(session, site_id, min(ends.values()), max(ends.values()))
    valid: dict[date, Mapping[UUID, Food]] = {}
    for _, group in groupby(eaten, lambda day: sum(change <= ends[day] for change in changes)):
        days = list(group)
        dish_ids = {line.dish_id for day in days for lines in eaten[day].values() for line in lines}
        found = foods.foods_of(session, site_id, dish_ids, ends[days[-1]])
        valid |= dict.fromkeys(days, found)
    return valid


def _end(policy: Policy, day: date) -> datetime:
    """When a business date is over, aware."""
    starts, zone = time(policy.day_starts_hour), ZoneInfo(policy.time_zone)
    return datetime.combine(day + timedelta(days=1), starts, zone)


def _intakes(lines: Iterable[Eaten], valid: Mapping[UUID, Food]) -> dict[Nutrient, Intake]:
    eaten = list(lines)
    return {one: intake(eaten, valid, one) for one in foods.TOLD}


def _together(meals: Iterable[Meal]) -> dict[Nutrient, Intake]:
    every = list(meals)
    return {one: rules.total(every, one) for one in foods.TOLD}
