"""What dishes give, and what a meal of them gives: an estimate, the same at the till and after.

Pure. What is not known is never taken for zero: a sum says of how many dishes it is known.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated
from uuid import UUID

from pydantic import Field

from dafan.wire import Code, Count, Record, Weight

KJ_PER_KCAL = Fraction("4.184")
ENERGY_OF_A_DAY = 8400 / KJ_PER_KCAL
"""Reference value of energy in kcal (NRV, GB 28050: 8400 kJ)."""

GOAL_LEAST, GOAL_MOST = 200, 2000
"""Between them lies the energy in kcal that somebody may set himself for a meal."""
KNOWN_ENOUGH = 950
"""Permille of the edible weight: a spoon of wine that tells nothing does not hide a dish."""


class Held(Record):
    """How much of a nutrient 100 g of a cooked dish hold."""

    milli: Count
    """Thousandths of the nutrient's unit."""
    known: Annotated[int, Field(strict=True, ge=0, le=1000)]
    """Permille of the edible weight of which it is known."""


class Food(Record):
    """What a dish gives, by its newest recipe; the key of its feed item is the dish."""

    dish_id: UUID
    portions: Annotated[dict[Code, Weight], Field(max_length=8)]
    """Portion → what one weighs as it is cooked."""
    per_100g: Annotated[dict[Code, Held], Field(max_length=40)]
    """Nutrient with its unit at the end, such as ``energy_kcal`` → how much; unknown: left out."""
    allergens: Annotated[tuple[Code, ...], Field(max_length=40)] = ()
    """What its ingredients hold of the groups of GB 7718: ``gluten crustaceans fish …``."""


class Wish(Record):
    """What a diner wishes of the tills; the key of its feed item is the diner."""

    diner_id: UUID
    nutrition: bool = True
    """What a meal gives is shown to him once it is paid."""
    allergens: Annotated[tuple[Code, ...], Field(max_length=40)] = ()
    """He is warned of dishes that hold one of them."""
    goal_kcal: Annotated[int, Field(strict=True, ge=GOAL_LEAST, le=GOAL_MOST)] | None = None
    """He wants no more of a meal, and is told where one gives more."""


FOOD_BODIES: dict[str, type[Record]] = {"food": Food, "wish": Wish}
"""Kinds of the feed that a till of an earlier version passes over."""


@dataclass(frozen=True, slots=True)
class Eaten:
    """A line of a sale as food: grams of a weighed dish, or so many portions."""

    dish_id: UUID
    grams: int | None = None
    portion: str = "full"
    quantity: int = 1


@dataclass(frozen=True, slots=True)
class Intake:
    """What somebody got of one nutrient, as far as it is known.

    Attributes:
        value: In the nutrient's unit; not less than this was in it.
        known: So many of the lines tell it as good as whole.
        lines: So many there were.
    """

    value: Fraction = Fraction(0)
    known: int = 0
    lines: int = 0

    @property
    def complete(self) -> bool:
        """Every line tells it: the value is the estimate, not its lower bound."""
        return self.known == self.lines

    def __add__(self, other: "Intake") -> "Intake":
        """Both together."""
        return Intake(
            self.value + other.value, self.known + other.known, self.lines + other.lines
        )  # fmt: skip


def warned_of(
    lines: Iterable[Eaten], foods: Mapping[UUID, Food], allergens: Iterable[str]
) -> tuple[str, ...]:
    """Which of somebody's allergens are in what he is about to eat, in his order.

    A dish without recipe tells nothing, so that none is no promise.
    """
    there = {
        allergen
        for line in lines
        if (food := foods.get(line.dish_id)) is not None
        for allergen in food.allergens
    }
    return tuple(allergen for allergen in allergens if allergen in there)


def grams_of(food: Food, line: Eaten) -> int | None:
    """What the line weighs as it is served; ``None``: nobody told what this portion weighs."""
    if line.grams is not None:
        return line.grams
    portion = food.portions.get(line.portion)
    return None if portion is None else portion * line.quantity


def intake_of(line: Eaten, food: Food | None, nutrient: str) -> Intake:
    """What one line gives of a nutrient.

    Args:
        line: What was eaten.
        food: What its dish gives; ``None``: it has no recipe.
        nutrient: As in :attr:`Food.per_100g`.
    """
    held = None if food is None else food.per_100g.get(nutrient)
    grams = None if food is None else grams_of(food, line)
    if held is None or grams is None:
        return Intake(lines=1)
    value = Fraction(held.milli * grams, 100_000)
    return Intake(value, int(held.known >= KNOWN_ENOUGH), 1)


def intake(lines: Iterable[Eaten], foods: Mapping[UUID, Food], nutrient: str) -> Intake:
    """What some lines give of a nutrient together."""
    parts = (intake_of(line, foods.get(line.dish_id), nutrient) for line in lines)
    return sum(parts, Intake())
