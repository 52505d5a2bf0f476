"""Nutrition (营养): what a dish gives, which part of that is known, and what a day should give.

All values are estimates from the raw ingredients: a dish holds what its ingredients' edible parts
hold, spread over what it weighs when it is cooked; losses in cooking are not counted. A value that
is not known is never taken for zero: it is left out, and every sum says how much of the weight it
covers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType
from uuid import UUID

from dafan.errors import BadInputError
from dafan.food import ENERGY_OF_A_DAY, KJ_PER_KCAL
from dafan.quantity import Measure
from kitchen.ingredients import IngredientValues


class Nutrient(StrEnum):
    """What is counted; the values are the keys of ``Ingredient.nutrients``, unit at the end."""

    ENERGY = "energy_kcal"
    PROTEIN = "protein_g"
    FAT = "fat_g"
    SATURATED_FAT = "saturated_fat_g"
    CARBOHYDRATE = "carbohydrate_g"
    FIBRE = "fibre_g"
    SUGAR = "sugar_g"
    CHOLESTEROL = "cholesterol_mg"
    SODIUM = "sodium_mg"
    POTASSIUM = "potassium_mg"
    CALCIUM = "calcium_mg"
    IRON = "iron_mg"
    VITAMIN_A = "vitamin_a_rae_ug"
    VITAMIN_C = "vitamin_c_mg"

    @property
    def unit(self) -> str:
        """``kcal``, ``g``, ``mg`` or ``μg``."""
        return self.value.rpartition("_")[2].replace("ug", "μg")

    @property
    def label(self) -> str:
        """The Chinese name, as on a label of GB 28050."""
        return _LABELS[self]

    @property
    def reference(self) -> Fraction | None:
        """Nutrient reference value of a day (NRV, GB 28050), in the unit; none is laid down."""
        return _REFERENCES.get(self)


_LABELS = {
    Nutrient.ENERGY: "能量",
    Nutrient.PROTEIN: "蛋白质",
    Nutrient.FAT: "脂肪",
    Nutrient.SATURATED_FAT: "饱和脂肪",
    Nutrient.CARBOHYDRATE: "碳水化合物",
    Nutrient.FIBRE: "膳食纤维",
    Nutrient.SUGAR: "糖",
    Nutrient.CHOLESTEROL: "胆固醇",
    Nutrient.SODIUM: "钠",
    Nutrient.POTASSIUM: "钾",
    Nutrient.CALCIUM: "钙",
    Nutrient.IRON: "铁",
    Nutrient.VITAMIN_A: "维生素A",
    Nutrient.VITAMIN_C: "维生素C",
}

_REFERENCES = {
    Nutrient.ENERGY: ENERGY_OF_A_DAY,
    Nutrient.PROTEIN: Fraction(60),
    Nutrient.FAT: Fraction(60),
    Nutrient.SATURATED_FAT: Fraction(20),
    Nutrient.CARBOHYDRATE: Fraction(300),
    Nutrient.FIBRE: Fraction(25),
    Nutrient.SODIUM: Fraction(2000),
    Nutrient.CALCIUM: Fraction(800),
}
"""GB 28050."""

_KJ_PER_GRAM = {Nutrient.PROTEIN: 17, Nutrient.FAT: 37, Nutrient.CARBOHYDRATE: 17}
"""GB 28050: how much energy a gram gives."""


class NutritionError(BadInputError):
    """A dish of which no nutrition can be told."""

    code = "no_nutrition"


def kilojoules(kcal: Fraction) -> Fraction:
    """Energy in kJ: 1 kcal = 4.184 kJ."""
    return kcal * KJ_PER_KCAL


def raw_grams(quantity: Fraction, measure: Measure, weighs: int | None) -> Fraction | None:
    """What a quantity of an ingredient weighs as it is bought, in grams.

    Args:
        quantity: In the measure.
        measure: Of the ingredient.
        weighs: Grams of one piece or of one litre.

    Returns:
        ``None`` where nobody told what a piece or a litre weighs.
    """
    if measure is Measure.MASS:
        return quantity
    return None if weighs is None else quantity * weighs / measure.priced_by


@dataclass(frozen=True, slots=True)
class Used:
    """A quantity of an ingredient in a dish.

    Attributes:
        quantity: As it is bought, in its measure.
    """

    ingredient: IngredientValues
    quantity: Fraction


@dataclass(frozen=True, slots=True)
class Amount:
    """How much of a nutrient is there, as far as it is known.

    Attributes:
        value: In the nutrient's unit.
        known_permille: Share of the edible weight of which it is known; rounded down, so that
            1000 means the whole weight.
    """

    value: Fraction
    known_permille: int

    @property
    def complete(self) -> bool:
        """It is known of the whole weight."""
        return self.known_permille == 1000


@dataclass(frozen=True, slots=True)
class Content:
    """What some food holds; an estimate.

    Attributes:
        amounts: Every nutrient of which anything is known.
        unknown: Nutrient → names of the ingredients that do not tell it.
        weightless: Names of ingredients that are in no sum, for nobody told what a piece or a
            litre of them weighs.
    """

    amounts: Mapping[Nutrient, Amount]
    unknown: Mapping[Nutrient, tuple[str, ...]]
    weightless: tuple[str, ...]

    def divided(self, by: Fraction | int) -> "Content":
        """The same food in that many equal parts; one of them.

        Raises:
            NutritionError: not above zero.
        """
        if by <= 0:
            raise NutritionError("a dish without weight or portions has no nutrition to show")
        parts = {
            nutrient: Amount(amount.value / Fraction(by), amount.known_permille)
            for nutrient, amount in self.amounts.items()
        }
        return Content(MappingProxyType(parts), self.unknown, self.weightless)


def content(used: Iterable[Used], nutrients: Iterable[Nutrient] = Nutrient) -> Content:
    """Sum of the ingredients: raw grams × edible share × value per 100 g.

    Args:
        used: What goes in.
        nutrients: Only these are summed.
    """
    lines: list[tuple[IngredientValues, Fraction]] = []
    weightless: list[str] = []
    for line in used:
        values = line.ingredient
        grams = raw_grams(line.quantity, values.measure, values.weighs)
        if grams is None:
            weightless.append(values.name)
        elif grams > 0:
            lines.append((values, grams * values.edible_permille / 1000))
    whole = sum((grams for _, grams in lines), Fraction(0))
    amounts: dict[Nutrient, Amount] = {}
    unknown: dict[Nutrient, tuple[str, ...]] = {}
    for nutrient in nutrients:
        told = [(row, grams) for row, grams in lines if nutrient in row.nutrients]
        silent = tuple(row.name for row, _ in lines if nutrient not in row.nutrients)
        if silent:
            unknown[nutrient] = silent
        if told:
            value = sum(
                (grams * Fraction(str(row.nutrients[nutrient])) / 100 for row, grams in told),
                Fraction(0),
            )
            covered = sum((grams for _, grams in told), Fraction(0))
            share = int(covered * 1000 / whole)
            amounts[nutrient] = Amount(value, min(999, share) if weightless else share)
    return Content(MappingProxyType(amounts), MappingProxyType(unknown), tuple(weightless))


def used_of(
    exploded: Mapping[UUID, Fraction], ingredients: Mapping[UUID, IngredientValues]
) -> list[Used]:
    """Pair exact quantities with the ingredients they are of.

    Raises:
        NutritionError: an ingredient is missing.
    """
    missing = exploded.keys() - ingredients.keys()
    if missing:
        raise NutritionError("an ingredient of this dish is gone: look through its recipe")
    return [Used(ingredients[key], quantity) for key, quantity in exploded.items()]


def per_100_grams(whole: Content, cooked_grams: int) -> Content:
    """What 100 g of the cooked dish hold.

    Args:
        whole: What all its ingredients hold.
        cooked_grams: What the cooked dish weighs.

    Raises:
        NutritionError: the dish has no weight.
    """
    return whole.divided(Fraction(cooked_grams, 100))


def reference_permille(found: Content) -> dict[Nutrient, int]:
    """Share of a day's reference value (NRV, GB 28050) in thousandths, half up."""
    shares = {}
    for nutrient, amount in found.amounts.items():
        if nutrient.reference is not None:
            shares[nutrient] = int(amount.value * 1000 / nutrient.reference + Fraction(1, 2))
    return shares


def energy_shares(found: Content, at_least_permille: int = 950) -> dict[Nutrient, int] | None:
    """How many thousandths of the energy protein, fat and carbohydrate give; together 1000.

    Args:
        found: What some food holds.
        at_least_permille: All three must be known of so much of the weight; a pinch of a spice
            that tells nothing does not hide the shares of a whole dish.

    Returns:
        ``None`` where less is known, or where there is no energy.
    """
    known = [found.amounts.get(nutrient) for nutrient in _KJ_PER_GRAM]
    if any(amount is None or amount.known_permille < at_least_permille for amount in known):
        return None
    energies = {
        nutrient: found.amounts[nutrient].value * factor
        for nutrient, factor in _KJ_PER_GRAM.items()
    }
    whole = sum(energies.values())
    if not whole:
        return None
    exact = {nutrient: energy * 1000 / whole for nutrient, energy in energies.items()}
    shares = {nutrient: int(share) for nutrient, share in exact.items()}
    by_rest = sorted(exact, key=lambda nutrient: shares[nutrient] - exact[nutrient])
    for nutrient in by_rest[: 1000 - sum(shares.values())]:
        shares[nutrient] += 1
    return shares


# --- What a day should give ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Range:
    """What is well for one adult a day; ``None``: no bound on that side.

    Attributes:
        unit: Such as ``g``, ``mg``, ``kcal`` or ``‰`` of the energy.
    """

    low: int | None
    high: int | None
    unit: str

    def judge(self, value: Fraction) -> int:
        """-1 where it is too little, 1 where it is too much, else 0."""
        if self.low is not None and value < self.low:
            return -1
        return int(self.high is not None and value > self.high)


FOODS_OF_A_DAY: Mapping[str, Range] = MappingProxyType(
    {
        "谷类": Range(200, 300, "g"),
        "薯类": Range(50, 100, "g"),
        "蔬菜": Range(300, None, "g"),
        "水果": Range(200, 350, "g"),
        "动物性食物": Range(120, 200, "g"),
        "奶": Range(300, 500, "g"),
        "大豆及坚果": Range(25, 35, "g"),
        "食盐": Range(None, 5, "g"),
        "油": Range(25, 30, "g"),
        "糖": Range(None, 50, "g"),
    }
)
"""Dietary Guidelines for Chinese Residents 2022, adults of 1600 to 2400 kcal; raw edible weight."""

DAY: Mapping[Nutrient, Range] = MappingProxyType(
    {
        Nutrient.ENERGY: Range(1800, 2250, "kcal"),
        Nutrient.SUGAR: Range(None, 50, "g"),
        Nutrient.SODIUM: Range(None, 2000, "mg"),
    }
)
"""Energy of light work at 18 years and above: women 1800, men 2250 kcal (DRIs 2013); the
Guidelines' 5 g of salt are about 2000 mg of sodium, and added sugar stays below 50 g."""

ENERGY_SHARES: Mapping[Nutrient, Range] = MappingProxyType(
    {
        Nutrient.PROTEIN: Range(100, 200, "‰"),
        Nutrient.FAT: Range(200, 300, "‰"),
        Nutrient.CARBOHYDRATE: Range(500, 650, "‰"),
    }
)
"""Which part of a day's energy each should give (Guidelines 2022)."""

MEALS: Mapping[str, Range] = MappingProxyType(
    {
        "早餐": Range(250, 300, "‰"),
        "午餐": Range(300, 400, "‰"),
        "晚餐": Range(300, 350, "‰"),
    }
)
"""Which part of the day's energy a meal gives."""


def meal_range(day: Range, meal: Range) -> Range:
    """What one meal should give of a day's range, rounded outwards.

    Args:
        day: Of the whole day.
        meal: Thousandths of the day, both bounds set.
    """
    low = None if day.low is None or meal.low is None else day.low * meal.low // 1000
    high = None if day.high is None or meal.high is None else -(-day.high * meal.high // 1000)
    return Range(low, high, day.unit)
