"""Recipes (配方): what goes into so many portions of a dish, and what follows from it.

A recipe counts what is bought (gross, 毛重) in each ingredient's measure. A sauce or a filling is
a dish that is not sold (``active`` false) with a recipe of its own; another recipe names it as a
component and takes grams of it as it is cooked. Here are the rules; :mod:`kitchen.cookbook` keeps
the versions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dafan.errors import BadInputError
from dafan.money import Fen
from dafan.quantity import LARGEST
from dafan.records import Portion
from kitchen import rows
from kitchen.ingredients import Allergen, IngredientValues

MAX_LINES = 100
MAX_STEPS = 4000
MAX_HINTS = 1000


class RecipeError(BadInputError):
    """A recipe that cannot be kept or used."""

    code = "bad_recipe"


class RecipeCycleError(RecipeError):
    """A dish would be an ingredient of itself.

    Attributes:
        way: From a dish to the same one.
        chain: The same as names, with arrows between them.
    """

    code = "recipe_cycle"

    def __init__(self, way: Sequence[UUID], names: Mapping[UUID, str]) -> None:
        self.way = tuple(way)
        self.chain = " → ".join(names.get(step, str(step)) for step in way)
        super().__init__(f"a dish cannot be a part of itself: {self.chain}")


class NoRecipeError(RecipeError):
    """A dish without a recipe."""

    code = "no_recipe"


class Line(BaseModel):
    """A line of a recipe: either an ingredient or a component."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    ingredient_id: UUID | None = None
    component_id: UUID | None = None
    """A dish whose recipe is used: a sauce, a filling."""
    quantity: Annotated[int, Field(gt=0, le=LARGEST)]
    """Gross, in the ingredient's measure; of a component, grams as it is cooked."""

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if (self.ingredient_id is None) == (self.component_id is None):
            raise ValueError("a line names either an ingredient or a component")
        return self


class RecipeValues(BaseModel):
    """What a person decides about the recipe of a dish."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", str_strip_whitespace=True, use_attribute_docstrings=True
    )

    portions: Annotated[int, Field(gt=0, le=100_000)]
    """The lines are for so many full portions."""
    yield_grams: Annotated[int, Field(gt=0, le=LARGEST)]
    """What all of it weighs when it is cooked (出成)."""
    half_permille: Annotated[int, Field(gt=0, le=1000)] = 500
    """A half portion (半份) is so much of a full one."""
    small_permille: Annotated[int, Field(gt=0, le=1000)] = 500
    """A small bowl (小碗) is so much of a full portion."""
    lines: Annotated[tuple[Line, ...], Field(min_length=1, max_length=MAX_LINES)]
    steps: Annotated[str, Field(max_length=MAX_STEPS)] = ""
    hints: Annotated[str, Field(max_length=MAX_HINTS)] = ""
    """What the cook should mind."""

    @model_validator(mode="after")
    def _nothing_twice(self) -> Self:
        named = [line.ingredient_id or line.component_id for line in self.lines]
        if len(set(named)) < len(named):
            raise ValueError("an ingredient stands there twice: add the quantities up")
        return self


def read_values(values: Mapping[str, object]) -> RecipeValues:
    """Check what a form or a file says.

    Raises:
        RecipeError: naming every field that does not fit.
    """
    return rows.read(RecipeValues, values, "recipe", RecipeError)


@dataclass(frozen=True, slots=True)
class Book:
    """The valid recipes of a site, or those that a few dishes need, read once.

    Attributes:
        recipes: Dish → its newest recipe.
        dish_names: Of every dish with a recipe and of every component.
        ingredients: Every ingredient in these recipes.
    """

    recipes: Mapping[UUID, RecipeValues]
    dish_names: Mapping[UUID, str]
    ingredients: Mapping[UUID, IngredientValues]

    def recipe(self, dish_id: UUID) -> RecipeValues:
        """The newest recipe of a dish.

        Raises:
            NoRecipeError: it has none.
        """
        found = self.recipes.get(dish_id)
        if found is None:
            name = self.dish_names.get(dish_id, "this dish")
            raise NoRecipeError(f"{name} has no recipe: write one first")
        return found


def full_portions(values: RecipeValues, sold: Mapping[Portion, int]) -> Fraction:
    """How many full portions the sold ones are together, exactly."""
    share = {
        Portion.FULL: 1000,
        Portion.HALF: values.half_permille,
        Portion.SMALL: values.small_permille,
    }
    return Fraction(sum(share[portion] * count for portion, count in sold.items()), 1000)


def portions_of_grams(values: RecipeValues, grams: int) -> Fraction:
    """How many full portions so many cooked grams are: for dishes that are sold by weight."""
    return Fraction(grams * values.portions, values.yield_grams)


def order_of(
    recipes: Mapping[UUID, RecipeValues], dish_ids: Sequence[UUID], names: Mapping[UUID, str]
) -> tuple[UUID, ...]:
    """Dishes and all their components, each behind every dish that it is a part of.

    Args:
        recipes: Dish → recipe.
        dish_ids: Where the ways begin.
        names: Of the dishes, for the text of an error.

    Raises:
        RecipeCycleError: a dish is a part of itself; the text names the whole way.
    """
    parts: dict[UUID, list[UUID]] = {}
    reached = list(dish_ids)
    while reached:
        step = reached.pop()
        if step not in parts:
            values = recipes.get(step)
            lines = () if values is None else values.lines
            parts[step] = [line.component_id for line in lines if line.component_id is not None]
            reached += parts[step]
    try:
        return tuple(TopologicalSorter(parts).static_order())[::-1]
    except CycleError as error:
        raise RecipeCycleError(error.args[1][::-1], names) from error


def explode(book: Book, dish_id: UUID, portions: Fraction | int) -> dict[UUID, Fraction]:
    """What so many full portions need of each ingredient, through all components; exact.

    :func:`whole` rounds it once, when everything that is cooked is added up.

    Returns:
        Ingredient → quantity in its measure.

    Raises:
        NoRecipeError: the dish or a component has no recipe.
        RecipeCycleError: the recipes lead back to a dish.
        RecipeError: less than no portions.
    """
    if portions < 0:
        raise RecipeError("there are no fewer than 0 portions")
    batches = {dish_id: Fraction(portions) / book.recipe(dish_id).portions}
    needs: dict[UUID, Fraction] = {}
    for step in order_of(book.recipes, [dish_id], book.dish_names):
        for line in book.recipe(step).lines:
            quantity = batches[step] * line.quantity
            if line.ingredient_id is not None:
                needs[line.ingredient_id] = needs.get(line.ingredient_id, Fraction(0)) + quantity
            elif line.component_id is not None:
                part = quantity / book.recipe(line.component_id).yield_grams
                batches[line.component_id] = batches.get(line.component_id, Fraction(0)) + part
    return needs


def whole(needs: Mapping[UUID, Fraction]) -> dict[UUID, int]:
    """Exact quantities as whole grams, millilitres or pieces, rounded up: never too little."""
    return {key: -int(-quantity // 1) for key, quantity in needs.items()}


def allergens(book: Book, dish_id: UUID) -> tuple[Allergen, ...]:
    """Every allergen of every ingredient of a dish, through all components.

    Raises:
        NoRecipeError, RecipeCycleError: as :func:`explode`.
    """
    found = {
        allergen
        for ingredient_id in explode(book, dish_id, 1)
        for allergen in book.ingredients[ingredient_id].allergens
    }
    return tuple(allergen for allergen in Allergen if allergen in found)


@dataclass(frozen=True, slots=True)
class Cost:
    """What the ingredients of a dish cost at their standard prices.

    Attributes:
        fen: Of the ingredients that have a price; rounded half up, once.
        unpriced: Names of those that have none: the cost is then too low.
    """

    fen: Fen
    unpriced: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Every ingredient has a price."""
        return not self.unpriced


def cost(book: Book, needs: Mapping[UUID, Fraction]) -> Cost:
    """Standard cost of exact quantities; ``explode(book, dish_id, 1)`` gives those of a portion."""
    exact = Fraction(0)
    unpriced = []
    for ingredient_id, quantity in needs.items():
        values = book.ingredients[ingredient_id]
        if values.price is None:
            unpriced.append(values.name)
        else:
            exact += quantity * values.price / values.measure.priced_by
    return Cost(Fen(int((2 * exact + 1) // 2)), tuple(unpriced))
