"""What a dish gives, in the words of the tills: 100 g of it and the weight of its portions."""

from collections.abc import Collection
from datetime import datetime
from fractions import Fraction
from uuid import UUID

from sqlalchemy.orm import Session

from dafan.food import Food, Held
from dafan.records import Portion
from kitchen import cookbook, nutrition, recipes
from kitchen.nutrition import Nutrient
from kitchen.recipes import Book, NoRecipeError, RecipeValues

TOLD = (
    Nutrient.ENERGY,
    Nutrient.PROTEIN,
    Nutrient.FAT,
    Nutrient.CARBOHYDRATE,
    Nutrient.SODIUM,
)
"""What a till is told: the five of a label of GB 28050-2011."""


def food_of(book: Book, dish_id: UUID) -> Food | None:
    """What a dish gives by its recipe.

    Returns:
        ``None`` where nothing of it can be told: it or a part of it has no recipe.
    """
    try:
        values = book.recipe(dish_id)
        needs = recipes.explode(book, dish_id, values.portions)
    except NoRecipeError:
        return None
    found = nutrition.content(nutrition.used_of(needs, book.ingredients), TOLD)
    hundred = nutrition.per_100_grams(found, values.yield_grams)
    held = {
        one.value: Held(milli=_half_up(amount.value * 1000), known=amount.known_permille)
        for one, amount in hundred.amounts.items()
    }
    allergens = tuple(one.value for one in recipes.allergens(book, dish_id))
    return Food(
        dish_id=dish_id, portions=_portions(values), per_100g=held, allergens=allergens
    )  # fmt: skip


def made_with(book: Book, part: UUID) -> set[UUID]:
    """Every dish of which an ingredient or a component is a part, through all components.

    A dish is counted as a part of itself.
    """
    users: dict[UUID | None, set[UUID]] = {}
    for dish_id, values in book.recipes.items():
        for line in values.lines:
            users.setdefault(line.ingredient_id or line.component_id, set()).add(dish_id)
    found: set[UUID] = set()
    reached = [part]
    while reached:
        step = reached.pop()
        if step not in found:
            found.add(step)
            reached += users.get(step, ())
    return found & book.recipes.keys()


def foods_of(
    session: Session, site_id: UUID, dish_ids: Collection[UUID], until: datetime
) -> dict[UUID, Food]:
    """What some dishes gave by the recipes that were valid at a moment.

    The ingredients are those of today: what they hold was not another thing then, it was only
    told less well.
    """
    book = cookbook.book_of(session, site_id, dish_ids, until)
    found = {dish_id: food_of(book, dish_id) for dish_id in dish_ids}
    return {dish_id: food for dish_id, food in found.items() if food is not None}


def _portions(values: RecipeValues) -> dict[str, int]:
    """Whole grams, and never none: a portion that is sold weighs something."""
    full = Fraction(values.yield_grams, values.portions)
    shares = {
        Portion.FULL: 1000,
        Portion.HALF: values.half_permille,
        Portion.SMALL: values.small_permille,
    }
    return {
        portion.value: max(1, _half_up(full * share / 1000)) for portion, share in shares.items()
    }


def _half_up(value: Fraction) -> int:
    return int(value + Fraction(1, 2))
