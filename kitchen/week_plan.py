"""The purchase plan of a canteen's week: its menus, recipes, store and orders put together.

The rule is :func:`kitchen.plan.purchase_plan`; here its figures are fetched. Portions are those of
the menus: :mod:`kitchen.forecast` proposes them, a person accepts them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kitchen import cookbook, ingredients, menus, plan, purchasing, recipes
from kitchen.lots import Lot
from kitchen.lots import State as LotState
from kitchen.menus import Menu
from kitchen.plan import Item, Line, MealNeed, Rules, Stock
from kitchen.recipes import Book, NoRecipeError
from kitchen.stock_book import StockLevel


@dataclass(frozen=True)
class WeekPlan:
    """What to buy for a week, and what the plan does not know."""

    lines: tuple[Line, ...]
    without_recipe: tuple[UUID, ...]
    """Dishes of the menus of which nobody said what goes into them: nothing is bought for them."""
    without_portions: tuple[UUID, ...]
    """Dishes that stand on a menu with no portions planned."""


def week_plan(
    session: Session,
    site_id: UUID,
    venues: Sequence[UUID],
    day: date,
    today: date,
    rules: Rules | None = None,
) -> WeekPlan:
    """What to buy for the menus of a day's week, from ``today`` on.

    Args:
        session: Reading.
        site_id: Whose; its venues share the store.
        venues: Whose menus count.
        day: Any day of the week.
        today: Meals before it are over and need nothing.
        rules: How the site buys.
    """
    found = [menu for venue in venues for menu in menus.week(session, site_id, venue, day)]
    coming = [menu for menu in found if menu.meal.day >= today]
    book = cookbook.load_book(session, site_id)
    needs, without = meal_needs(book, coming)
    wanted = {one for need in needs for one in need.ingredients}
    kept = ingredients.by_ids(session, site_id, list(wanted))
    items = [Item(one.id, one.pack, one.shelf_days) for one in kept.values()]
    on_order = purchasing.on_order(session, site_id)
    lines = plan.purchase_plan(needs, items, usable_lots(session, site_id), on_order, rules)
    empty = {one.dish_id for menu in coming for one in menu.items if not one.portions}
    return WeekPlan(lines, tuple(sorted(without)), tuple(sorted(empty)))


def meal_needs(book: Book, planned: Iterable[Menu]) -> tuple[list[MealNeed], set[UUID]]:
    """What each meal takes from the store, rounded up once a meal; and dishes without a recipe."""
    needs, without = [], set()
    for menu in planned:
        total: dict[UUID, Fraction] = {}
        for item in menu.items:
            try:
                parts = recipes.explode(book, item.dish_id, item.portions)
            except NoRecipeError:
                without.add(item.dish_id)
                continue
            for ingredient, quantity in parts.items():
                total[ingredient] = total.get(ingredient, Fraction(0)) + quantity
        needs.append(MealNeed(menu.meal.day, recipes.whole(total)))
    return needs, without


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
