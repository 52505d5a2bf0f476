"""What a diner got at his meals (营养日记), against the Dietary Guidelines: one plain advice. Pure.

A meal is judged by its part of a day (:data:`kitchen.nutrition.MEALS`): the canteen knows nothing
of what he eats elsewhere. A snack outside the meals is counted and not judged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction

from dafan.food import Intake
from kitchen import menu_checks
from kitchen.nutrition import (
    DAY,
    ENERGY_SHARES,
    Amount,
    Content,
    Nutrient,
    Range,
    energy_shares,
)

ENOUGH_PERMILLE = 800
"""Of so many of the dishes a nutrient must be known before it is called low, or well."""


@dataclass(frozen=True, slots=True)
class Meal:
    """What one meal of a day gave.

    Attributes:
        period: Code of the meal period.
        intakes: Every nutrient that is looked at.
    """

    day: date
    period: str
    intakes: Mapping[Nutrient, Intake]


class Advice(StrEnum):
    """What to tell the diner; the first that is true counts."""

    NO_MEALS = "no_meals"
    SODIUM_HIGH = "sodium_high"
    ENERGY_HIGH = "energy_high"
    LITTLE_KNOWN = "little_known"
    """Not enough is known to say more."""
    FAT_HIGH = "fat_high"
    PROTEIN_LOW = "protein_low"
    ENERGY_LOW = "energy_low"
    WELL = "well"


@dataclass(frozen=True, slots=True)
class Judged:
    """An advice and what it rests on.

    Attributes:
        meals: So many were judged.
        a_meal: What one gave on average, in the nutrient's unit; of an energy share permille.
        bound: What one should give at most, or at least, in the same unit.
    """

    advice: Advice
    meals: int = 0
    a_meal: Fraction = Fraction(0)
    bound: Fraction = Fraction(0)


def total(meals: Sequence[Meal], nutrient: Nutrient) -> Intake:
    """What some meals gave of a nutrient together."""
    return sum((meal.intakes.get(nutrient, Intake()) for meal in meals), Intake())


def norm(meals: Sequence[Meal], nutrient: Nutrient) -> Range | None:
    """What these meals should give together of a day's range; ``None``: nothing is laid down."""
    parts = [
        found
        for meal in meals
        if (found := menu_checks.norm_of(meal.period).get(nutrient)) is not None
    ]
    if not parts:
        return None
    low, high = [part.low for part in parts], [part.high for part in parts]
    return Range(
        None if None in low else sum(one or 0 for one in low),
        None if None in high else sum(one or 0 for one in high),
        DAY[nutrient].unit,
    )


def judged(meal: Meal) -> bool:
    """A part of the day is laid down for its period: it is no snack."""
    return bool(menu_checks.norm_of(meal.period))


def judge(meals: Sequence[Meal]) -> Judged:
    """The one advice that matters most for some meals.

    Too much is told as soon as what is known is too much; too little, or that all is well, only
    where enough is known: what no recipe tells is never taken for zero.
    """
    main = [meal for meal in meals if judged(meal)]
    if not main:
        return Judged(Advice.NO_MEALS)
    for nutrient, advice in (
        (Nutrient.SODIUM, Advice.SODIUM_HIGH),
        (Nutrient.ENERGY, Advice.ENERGY_HIGH),
    ):
        found, wanted = total(main, nutrient), norm(main, nutrient)
        if wanted and wanted.high is not None and found.value > wanted.high:
            return _judged(advice, main, found.value, Fraction(wanted.high))
    if not all(_known_enough(total(main, one)) for one in (Nutrient.ENERGY, Nutrient.SODIUM)):
        return Judged(Advice.LITTLE_KNOWN, len(main))
    return _by_shares(main) or _by_energy(main)


def _by_shares(meals: Sequence[Meal]) -> Judged | None:
    """By which part of the energy fat and protein give."""
    sums = {one: total(meals, one) for one in ENERGY_SHARES}
    if not all(_known_enough(each) for each in sums.values()):
        return None
    amounts = {one: Amount(each.value, 1000) for one, each in sums.items()}
    shares = energy_shares(Content(amounts, {}, ()))
    if shares is None:
        return None
    fat, protein = Nutrient.FAT, Nutrient.PROTEIN
    highest, lowest = ENERGY_SHARES[fat].high or 1000, ENERGY_SHARES[protein].low or 0
    if shares[fat] > highest:
        return Judged(Advice.FAT_HIGH, len(meals), Fraction(shares[fat]), Fraction(highest))
    if shares[protein] < lowest:
        return Judged(Advice.PROTEIN_LOW, len(meals), Fraction(shares[protein]), Fraction(lowest))
    return None


def _by_energy(meals: Sequence[Meal]) -> Judged:
    found, wanted = total(meals, Nutrient.ENERGY), norm(meals, Nutrient.ENERGY)
    if wanted and wanted.low is not None and found.value < wanted.low:
        return _judged(Advice.ENERGY_LOW, meals, found.value, Fraction(wanted.low))
    bound = Fraction(wanted.high or 0) if wanted else Fraction(0)
    return _judged(Advice.WELL, meals, found.value, bound)


def _judged(advice: Advice, meals: Sequence[Meal], value: Fraction, bound: Fraction) -> Judged:
    return Judged(advice, len(meals), value / len(meals), bound / len(meals))


def _known_enough(found: Intake) -> bool:
    return found.known * 1000 >= found.lines * ENOUGH_PERMILLE
