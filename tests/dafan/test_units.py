"""Weight is whole grams, whatever unit it was written in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dafan.errors import BadInputError
from dafan.units import to_grams


@pytest.mark.parametrize(
    ("number", "unit", "grams"),
    [
        ("1.250", "kg", 1250),
        ("+00012.3", "Kg", 12300),
        ("2", "斤", 1000),
        ("-0.0005", "kg", -1),
        ("1", "lb", 454),
        ("0.5", "g", 1),
        ("16", "oz", 454),
    ],
)
def test_a_weight_is_converted_exactly_and_rounded_half_up(
    number: str, unit: str, grams: int
) -> None:
    assert to_grams(number, unit) == grams


@pytest.mark.parametrize(("number", "unit"), [("1", "ct"), ("x", "kg"), ("", "kg"), ("1/0", "kg")])
def test_what_is_no_weight_is_refused(number: str, unit: str) -> None:
    with pytest.raises(BadInputError):
        to_grams(number, unit)


@given(st.integers(0, 10**6))
def test_kilograms_with_three_decimals_are_grams(grams: int) -> None:
    assert to_grams(f"{grams // 1000}.{grams % 1000:03d}", "kg") == grams
