"""The purchase plan of a canteen's days: its menus, recipes, store and orders put together.

The rule is :func:`kitchen.plan.purchase_plan`; here its figures are fetched. Portions are those of
the menus; where nobody planned any, those that :mod:`kitchen.forecast` proposes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kitchen import cookbook, ingredients, menus, plan, purchasing, recipes
from kitchen.lots import Lot
from kitchen.lots import State as LotState
from kitchen.meals import Meal
from kitchen.menus import Menu
from kitchen.plan import Item, Line, MealNeed, Rules, Stock
from kitchen.recipes import Book, NoRecipeError
from kitchen.stock_book import StockLevel
from kitchen.stock_view import StockRules

Proposed = Mapping[tuple[Meal, UUID], int]
"""Portions that :mod:`kitchen.forecast` expects of a dish at a meal."""


@dataclass(frozen=True)
class Use:
    """What one dish of one meal takes from the store."""

    meal: Meal
    dish_id: UUID
    portions: int
    forecast: bool
    """Nobody planned the portions yet: they are those of the forecast."""
    parts: Mapping[UUID, Fraction]
    """Ingredient → quantity in its measure, exact."""


@dataclass(frozen=True)
class DaysPlan:
    """What to buy for some days, and what the plan does not know."""

    lines: tuple[Line, ...]
    uses: tuple[Use, ...]
    """Where the needs of the lines come from."""
    without_recipe: tuple[UUID, ...]
    """Dishes of the menus of which nobody said what goes into them: nothing is bought for them."""
    without_portions: tuple[UUID, ...]
    """Dishes that stand on a menu with no portions, planned or expected."""

    def behind(self, line: Line) -> list[Use]:
        """The dishes that need a line's ingredient on its days, in order of their meals."""
        return [
            use
            for use in self.uses
            if line.ingredient in use.parts and line.first <= use.meal.day <= line.until
        ]


def plan_days(
    session: Session,
    site_id: UUID,
    venues: Sequence[UUID],
    first: date,
    last: date,
    rules: Rules | None = None,
    proposed: Proposed | None = None,
    store: StockRules | None = None,
) -> DaysPlan:
    """What to buy for the menus of some days.

    Args:
        session: Reading.
        site_id: Whose; its venues share the store.
        venues: Whose menus count.
        first: The first day that still has to be cooked.
        last: The last day, itself included.
        rules: How the site buys.
        proposed: Portions for dishes that nobody has planned any for.
        store: What the site's store holds at most.
    """
    coming = menus_of(session, site_id, venues, first, last)
    book = cookbook.load_book(session, site_id)
    uses, without = uses_of(book, coming, proposed or {})
    needs = meal_needs(uses)
    wanted = {one for need in needs for one in need.ingredients}
    kept = ingredients.by_ids(session, site_id, list(wanted))
    most = (store or StockRules()).maximum_of
    items = [Item(one.id, one.pack, one.shelf_days, most(one)) for one in kept.values()]
    on_order = purchasing.on_order(session, site_id)
    lines = plan.purchase_plan(needs, items, usable_lots(session, site_id), on_order, rules)
    told = {(use.meal, use.dish_id) for use in uses if use.portions}
    empty = {
        one.dish_id for menu in coming for one in menu.items if (menu.meal, one.dish_id) not in told
    }
    return DaysPlan(lines, tuple(uses), tuple(sorted(without)), tuple(sorted(empty - without)))


def menus_of(
    session: Session, site_id: UUID, venues: Sequence[UUID], first: date, last: date
) -> list[Menu]:
    """The menus of some days, both included, venue by venue."""
    weeks = range((menus.monday(last) - menus.monday(first)).days // 7 + 1)
    found = [
        menu
        for venue in venues
        for week in weeks
        for menu in menus.week(session, site_id, venue, first + timedelta(weeks=week))
    ]
    return [menu for menu in found if first <= menu.meal.day <= last]


def uses_of(book: Book, planned: Iterable[Menu], proposed: Proposed) -> tuple[list[Use], set[UUID]]:
    """What each dish of each meal takes from the store; and dishes without a recipe."""
    uses, without = [], set()
    for menu in planned:
        for item in menu.items:
            portions = item.portions or proposed.get((menu.meal, item.dish_id), 0)
            try:
                parts = recipes.explode(book, item.dish_id, portions)
            except NoRecipeError:
                without.add(item.dish_id)
                continue
            expected = not item.portions and portions > 0
            uses.append(Use(menu.meal, item.dish_id, portions, expected, parts))
    return uses, without


def meal_needs(uses: Iterable[Use]) -> list[MealNeed]:
    """What each meal takes from the store, rounded up once a meal."""
    totals: dict[Meal, dict[UUID, Fraction]] = {}
    for use in uses:
        total = totals.setdefault(use.meal, {})
        for ingredient, quantity in use.parts.items():
            total[ingredient] = total.get(ingredient, Fraction(0)) + quantity
    return [MealNeed(meal.day, recipes.whole(total)) for meal, total in totals.items()]


def usable_lots(session: Session, site_id: UUID) -> list[Stock]:
    """What lies in the store and is not held, lot by lot; the plan looks at the last days."""
    query = (
        select(Lot.ingredient_id, func.sum(StockLevel.quantity), Lot.expires_on)
        .join(StockLevel, (StockLevel.lot_id == Lot.id) & (StockLevel.site_id == Lot.site_id))
        .where(Lot.site_id == site_id, Lot.state == LotState.OK.value, StockLevel.quantity > 0)
        .group_by(Lot.id, Lot.ingredient_id, Lot.expires_on)
        .order_by(Lot.id)
    )
    return [
        Stock(ingredient, int(quantity), last_day)
        for ingredient, quantity, last_day in session.execute(query)
    ]
