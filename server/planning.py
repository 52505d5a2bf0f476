"""A week of menus put beside recipes, the site's rules and the expected covers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from kitchen import cookbook, limits, menu_checks, menus
from kitchen.dishes import Dish
from kitchen.meals import Meal
from kitchen.menu_checks import DishFacts, Finding, MenuRules, PlannedMeal
from kitchen.menus import ItemValues, Menu
from kitchen.recipes import Book
from server import buying


@dataclass(frozen=True)
class Planning:
    """What is needed to judge the menus of some days at one venue, read once.

    Attributes:
        served: Dishes that are on sale, by name.
        names: Of every dish of the site.
        before: The menus of the week before, for dishes that come again on Monday.
    """

    book: Book
    rules: MenuRules
    periods: Sequence[str]
    covers: Mapping[Meal, int]
    served: Mapping[str, UUID]
    names: Mapping[UUID, str]
    before: Sequence[Menu]
    menus: Sequence[Menu]
    _facts: dict[UUID, DishFacts] = field(default_factory=dict)

    def facts(self, dish_id: UUID) -> DishFacts:
        """What is known of one portion of a dish."""
        if dish_id not in self._facts:
            name = self.names[dish_id]
            self._facts[dish_id] = menu_checks.facts_of(self.book, dish_id, name)
        return self._facts[dish_id]

    def planned(
        self, meal: Meal, items: Iterable[ItemValues], covers: int | None = None
    ) -> PlannedMeal:
        """A meal as the checks see it."""
        dishes = tuple((self.facts(one.dish_id), one.portions) for one in items)
        expected = self.covers.get(meal, 0) if covers is None else covers
        return PlannedMeal(meal, expected, dishes, menu_checks.norm_of(meal.period))

    def findings(self, menu: PlannedMeal) -> tuple[Finding, ...]:
        """What to look at in one meal, beside those that are served before it."""
        place = self._place(menu.meal)
        others = [one for one in (*self.before, *self.menus) if self._place(one.meal) < place]
        near = [self.planned(one.meal, one.items) for one in others[-self.rules.repeat_within :]]
        found = menu_checks.check([*near, menu], self.rules)
        return tuple(one for one in found if one.meal == menu.meal)

    def _place(self, meal: Meal) -> tuple[date, int]:
        known = meal.period in self.periods
        return meal.day, self.periods.index(meal.period) if known else len(self.periods)


def load(
    session: Session,
    site_id: UUID,
    venue_id: UUID,
    day: date,
    periods: Sequence[str],
    today: date,
) -> Planning:
    """Read what the week of a day needs.

    Args:
        session: Reading.
        site_id: Whose.
        venue_id: Where.
        day: Any day of the week.
        periods: Codes of the site's meal periods in their order.
        today: Business date; meals before it are over.
    """
    first = menus.monday(day)
    rules = limits.of(session, site_id, MenuRules)
    meals = buying.coming(
        session, site_id, venue_id, periods, first, first + timedelta(days=6), today
    )
    covers = {
        Meal(one.forecast.on, one.forecast.period, venue_id): one.covers
        or (0 if one.told else rules.covers.get(one.forecast.period, 0))
        for one in meals
    }
    dishes = session.execute(
        select(Dish.id, Dish.name, Dish.active)
        .where(Dish.site_id == site_id)
        .order_by(Dish.sort, Dish.id)
    ).all()
    return Planning(
        cookbook.load_book(session, site_id),
        rules,
        periods,
        covers,
        {row.name: row.id for row in dishes if row.active},
        {row.id: row.name for row in dishes},
        menus.week(session, site_id, venue_id, first - timedelta(days=7), periods),
        menus.week(session, site_id, venue_id, first, periods),
    )
