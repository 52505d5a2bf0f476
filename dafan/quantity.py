"""How much of an ingredient: whole grams, millilitres or pieces, never mixed.

Recipes, orders, lots and stock entries all count an ingredient in its one measure.
"""

import re
from enum import StrEnum
from fractions import Fraction

from dafan.errors import BadInputError
from dafan.units import GRAMS_PER_UNIT

LARGEST = 10**9
"""A thousand tonnes: more is a slip of the finger."""


class Measure(StrEnum):
    """What an ingredient is counted in."""

    MASS = "g"
    VOLUME = "ml"
    COUNT = "piece"

    @property
    def priced_by(self) -> int:
        """A price is asked for so many of them: a kilogram, a litre, a piece."""
        return 1 if self is Measure.COUNT else 1000


class MeasureError(BadInputError):
    """A unit of another measure, or no unit."""

    code = "wrong_unit"


_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")
_UNITS: dict[str, tuple[Measure, Fraction]] = {
    **{unit: (Measure.MASS, factor) for unit, factor in GRAMS_PER_UNIT.items()},
    "克": (Measure.MASS, Fraction(1)),
    "千克": (Measure.MASS, Fraction(1000)),
    "公斤": (Measure.MASS, Fraction(1000)),
    "市斤": (Measure.MASS, Fraction(500)),
    "两": (Measure.MASS, Fraction(50)),
    "吨": (Measure.MASS, Fraction(1_000_000)),
    "ml": (Measure.VOLUME, Fraction(1)),
    "毫升": (Measure.VOLUME, Fraction(1)),
    "l": (Measure.VOLUME, Fraction(1000)),
    "升": (Measure.VOLUME, Fraction(1000)),
    "piece": (Measure.COUNT, Fraction(1)),
    "个": (Measure.COUNT, Fraction(1)),
    "只": (Measure.COUNT, Fraction(1)),
    "打": (Measure.COUNT, Fraction(12)),
}

OFFERED = ("g", "kg", "斤", "两", "ml", "l", "个")
"""The units that a form offers; :func:`read_quantity` knows more."""


def read_quantity(number: str, unit: str, measure: Measure) -> int:
    """What a person or a file says, in whole grams, millilitres or pieces; half up.

    Args:
        number: Decimal digits with an optional point.
        unit: Such as ``kg``, ``斤``, ``升``, ``个``; case and blanks do not matter.
        measure: Of the ingredient.

    Raises:
        MeasureError: the unit is unknown, or of another measure: 500 ml are no 500 g.
        BadInputError: no number, below zero, absurdly large, or a part of a piece.
    """
    known = _UNITS.get(unit.strip().lower())
    if known is None:
        raise MeasureError(f"unknown unit '{unit.strip()}': use one of {', '.join(_UNITS)}")
    if known[0] is not measure:
        raise MeasureError(f"this is counted in {measure.value}: '{unit.strip()}' is not")
    if _NUMBER.fullmatch(number.strip()) is None:
        raise BadInputError(f"'{number[:40]}' is no quantity: write digits, such as 2.5")
    value = Fraction(number.strip()) * known[1]
    if value > LARGEST:
        raise BadInputError(f"'{number}' {unit.strip()} is absurdly much")
    if measure is Measure.COUNT and value.denominator != 1:
        raise BadInputError(f"'{number}' {unit.strip()} is a part of a piece")
    return int((2 * value + 1) // 2)
