"""The batches of a meal, planned from its menu (按食谱排产), and what each takes from the store."""

from uuid import UUID, uuid5

from sqlalchemy.orm import Session

from dafan.acting import Acting
from kitchen import byproducts, dishes, menus, production, recipes
from kitchen.byproducts import Need
from kitchen.meals import Meal
from kitchen.menus import UnknownMenuError
from kitchen.production import Batch
from kitchen.recipes import Book, NoRecipeError

COLD = frozenset({"凉菜", "水果", "饮品"})
"""Categories of dishes that nobody heats: they have no core temperature."""


def plan_menu(session: Session, actor: Acting, meal: Meal) -> int:
    """Plan a batch of every dish of the menu that has portions and no batch; tells how many.

    Twice is as once, from two tablets as well.

    Raises:
        UnknownMenuError: nothing is planned for the meal.
        kitchen.rows.KeyReusedError: the portions of a dish were planned otherwise meanwhile.
    """
    menu = menus.find(session, actor.site_id, meal)
    if menu is None:
        raise UnknownMenuError(f"nothing is planned for {meal.day} {meal.period}: plan it first")
    known = {row.dish_id for row in production.of_meal(session, actor.site_id, meal)}
    wanted = [one for one in menu.items if one.portions and one.dish_id not in known]
    for one in wanted:
        own = str(uuid5(actor.site_id, f"menu {meal} {one.dish_id}"))
        plan_dish(session, actor, meal, one.dish_id, one.portions, key=own)
    return len(wanted)


def plan_dish(
    session: Session, actor: Acting, meal: Meal, dish_id: UUID, portions: int, *, key: str
) -> Batch:
    """Plan a batch; a dish of a cold category is cold.

    Raises:
        What :func:`kitchen.production.plan` raises.
    """
    cold = dishes.get(session, actor.site_id, dish_id).category in COLD
    return production.plan(session, actor, meal, dish_id, portions, key=key, cold=cold)


def needs_of(session: Session, row: Batch, book: Book) -> tuple[Need, ...]:
    """What a batch still needs from the store; nothing where its dish has no recipe."""
    try:
        exact = recipes.explode(book, row.dish_id, row.planned_portions)
    except NoRecipeError:
        return ()
    has = byproducts.used(session, row.site_id, row.id)
    return byproducts.needs(row.id, recipes.whole(exact), has)
