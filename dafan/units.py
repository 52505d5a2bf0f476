"""Weight: whole grams, and the units that scales print; the temperatures that a kitchen knows."""

import re
from fractions import Fraction
from typing import NewType

from dafan.errors import BadInputError

Grams = NewType("Grams", int)
"""Weight in whole grams. A reading below zero is a fault, never a sale."""

GRAMS_PER_UNIT: dict[str, Fraction] = {
    "g": Fraction(1),
    "kg": Fraction(1000),
    "t": Fraction(1_000_000),
    "斤": Fraction(500),
    "jin": Fraction(500),
    "lb": Fraction(45359237, 100000),
    "oz": Fraction(45359237, 1600000),
}
"""Exact grams of each unit: international pound of 0.45359237 kg, 市斤 of 500 g."""

COLDEST, HOTTEST = -1000, 1500
"""Tenths of a degree Celsius: what a thermometer of a kitchen can show; anything else is noise."""


_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,12}(?:\.[0-9]{0,12})?|\.[0-9]{1,12})")
"""No exponent: a billion of digits would follow."""


def to_grams(number: str, unit: str) -> Grams:
    """Convert what a scale or a person wrote to whole grams, half up and exactly.

    Args:
        number: Decimal digits with an optional sign and point, such as ``+0012.345``.
        unit: A key of :data:`GRAMS_PER_UNIT`; case and blanks do not matter.

    Raises:
        BadInputError: the number or the unit cannot be read.
    """
    factor = GRAMS_PER_UNIT.get(unit.strip().lower())
    if factor is None:
        known = ", ".join(GRAMS_PER_UNIT)
        raise BadInputError(f"unknown unit of weight '{unit.strip()}': use one of {known}")
    if _NUMBER.fullmatch(number.strip()) is None:
        raise BadInputError(f"'{number[:40]}' is not a weight")
    value = Fraction(number.strip()) * factor
    whole = (2 * abs(value) + 1) // 2
    return Grams(int(whole if value >= 0 else -whole))
