"""Money is whole fen, rounded half up once."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dafan.errors import BadInputError
from dafan.money import Fen, divide_half_up, format_yuan, parse_yuan, price_of_weight
from dafan.units import Grams


def test_412_grams_at_28_yuan_cost_11_yuan_54() -> None:
    assert price_of_weight(Grams(412), Fen(2800)) == 1154


@pytest.mark.parametrize(("grams", "fen"), [(1, 1), (0, 0), (17, 9), (18, 9), (19, 10)])
def test_half_a_fen_is_rounded_up(grams: int, fen: int) -> None:
    assert price_of_weight(Grams(grams), Fen(500)) == fen


@given(st.integers(0, 50_000), st.integers(0, 10**7))
def test_a_weighed_price_is_the_decimal_product_rounded_half_up(grams: int, per_kg: int) -> None:
    exact = (Decimal(grams) * per_kg / 1000).quantize(Decimal(1), ROUND_HALF_UP)
    assert price_of_weight(Grams(grams), Fen(per_kg)) == int(exact)


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**6))
def test_division_rounds_halves_away_from_zero(numerator: int, denominator: int) -> None:
    exact = (Decimal(numerator) / denominator).quantize(Decimal(1), ROUND_HALF_UP)
    assert divide_half_up(numerator, denominator) == int(exact)


@given(st.integers(-(10**9), 10**9))
def test_what_is_printed_reads_back_as_the_same_amount(fen: int) -> None:
    assert parse_yuan(format_yuan(Fen(fen))) == fen


@pytest.mark.parametrize("text", ["", "12.345", "1e3", "twelve", "¥", "--1", "1.2.3", "NaN"])
def test_text_that_is_no_amount_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadInputError, match=r"12\.80"):
        parse_yuan(text)
