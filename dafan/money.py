"""Money: whole fen, rounded half up once a line, never a float."""

import re
from typing import NewType

from dafan.errors import BadInputError
from dafan.units import Grams

Fen = NewType("Fen", int)
"""One hundredth of a yuan. Negative values are debts or credits, never prices."""

MAX_FEN = Fen(10**9)
"""Ten million yuan: more than any canteen sale, top-up or price. Guards against typing errors."""

MAX_SUM = Fen(10**15)
"""Sums of many such amounts, as balances are: far more than exists, and exact in every program."""

_YUAN = re.compile(r"[¥￥]?\s*([+-]?)(\d{1,8})(?:\.(\d{1,2}))?")


def divide_half_up(numerator: int, denominator: int) -> int:
    """Divide integers, rounding halves away from zero (四舍五入).

    Raises:
        ZeroDivisionError: the denominator is zero.
    """
    sign = -1 if (numerator < 0) != (denominator < 0) else 1
    numerator, denominator = abs(numerator), abs(denominator)
    return sign * ((2 * numerator + denominator) // (2 * denominator))


def price_of_weight(grams: Grams, fen_per_kg: Fen) -> Fen:
    """Fen for a weighed line: grams × fen per kilogram ÷ 1000, half up, rounded once."""
    return Fen(divide_half_up(grams * fen_per_kg, 1000))


def format_yuan(amount: Fen) -> str:
    """``1280`` → ``12.80``; a debt of five fen → ``-0.05``."""
    sign = "-" if amount < 0 else ""
    whole, part = divmod(abs(amount), 100)
    return f"{sign}{whole}.{part:02d}"


def parse_yuan(text: str) -> Fen:
    """Read an amount that a person typed: ``12.8``, ``¥12.80``, ``12``.

    Raises:
        BadInputError: the text is no amount with at most two decimals.
    """
    match = _YUAN.fullmatch(text.strip().replace(",", ""))
    if match is None:
        raise BadInputError(f"'{text}' is not an amount: write yuan and fen, 12.80")
    sign, whole, part = match.groups()
    fen = int(whole) * 100 + int((part or "").ljust(2, "0"))
    return Fen(-fen if sign == "-" else fen)
