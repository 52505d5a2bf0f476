"""Amounts in Chinese capitals: the official examples, and every amount can be read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dafan.money import MAX_FEN, Fen
from server.capitals import capitals

DIGITS = {sign: value for value, sign in enumerate("零壹贰叁肆伍陆柒捌玖")}
UNITS = {"拾": 10, "佰": 100, "仟": 1000}


def read_whole(text: str) -> int:
    """Chinese numerals as a person reads them: a digit counts for the unit behind it."""
    total, part, digit = 0, 0, 0
    for sign in text:
        if sign in DIGITS:
            digit = DIGITS[sign]
        elif sign in UNITS:
            part, digit = part + digit * UNITS[sign], 0
        elif sign == "万":
            total, part, digit = (part + digit) * 10_000, 0, 0
    return total + part + digit


def read(text: str) -> int:
    rest = text.removeprefix("人民币").removesuffix("整")
    yuan, _, small = rest.partition("元") if "元" in rest else ("", "", rest)
    fen = read_whole(yuan) * 100
    for unit, worth in (("角", 10), ("分", 1)):
        if unit in small:
            fen += DIGITS[small[small.index(unit) - 1]] * worth
    return fen


@pytest.mark.parametrize(
    ("fen", "text"),
    [
        (140_950, "人民币壹仟肆佰零玖元伍角整"),
        (600_714, "人民币陆仟零柒元壹角肆分"),
        (168_032, "人民币壹仟陆佰捌拾元叁角贰分"),
        (10_700_053, "人民币壹拾万柒仟元伍角叁分"),
        (1_640_902, "人民币壹万陆仟肆佰零玖元零贰分"),
        (32_504, "人民币叁佰贰拾伍元零肆分"),
        (10_000_000, "人民币壹拾万元整"),
        (100_010_00, "人民币壹拾万零壹拾元整"),
        (1_000, "人民币壹拾元整"),
        (5, "人民币伍分"),
        (50, "人民币伍角整"),
        (0, "人民币零元整"),
        (MAX_FEN, "人民币壹仟万元整"),
    ],
)
def test_amounts_are_written_as_the_rules_of_payment_want_them(fen: int, text: str) -> None:
    assert capitals(Fen(fen)) == text


@given(st.integers(0, MAX_FEN))
def test_every_amount_can_be_read_back_from_its_capitals(fen: int) -> None:
    text = capitals(Fen(fen))
    assert read(text) == fen
    assert "零零" not in text
    assert "零万" not in text
    assert not text.endswith("零整")
    assert text.endswith(("分", "整"))


@pytest.mark.parametrize("fen", [-1, MAX_FEN + 1])
def test_an_amount_that_no_receipt_can_show_is_refused(fen: int) -> None:
    with pytest.raises(ValueError, match="ten million"):
        capitals(Fen(fen))
