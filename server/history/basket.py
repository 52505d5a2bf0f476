"""What people take: the menu of a day, and the baskets that are chosen from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Any

from dafan.records import Portion, Unit
from server.history.canteen import Canteen, Served
from server.history.plan import Period

_BASKETS = 60
"""Different ones at a meal; the rest repeats them."""
_HALF, _HALF_PRICE = 0.12, 55
_MENU = {
    "breakfast": (("早餐", 5), ("主食", 3)),
    "lunch": (("大荤", 6), ("小荤", 5), ("素菜", 5), ("凉菜", 1), ("汤", 2), ("主食", 3)),
    "dinner": (("大荤", 3), ("小荤", 3), ("素菜", 3), ("汤", 1), ("主食", 3)),
}
"""Meal → how many dishes of each category."""
_TAKES = {
    "早餐": 1.0,
    "主食": 0.55,
    "大荤": 0.62,
    "小荤": 0.42,
    "素菜": 0.36,
    "凉菜": 0.05,
    "汤": 0.1,
}
"""Category → how often a diner takes one of it."""
_DEARER = {"大荤": 50, "汤": 10}
"""Category → fen that a portion costs more from the middle of the history on."""


@dataclass(frozen=True, slots=True)
class Basket:
    """Lines as :class:`dafan.records.SaleLine` says them, and what they cost before discount."""

    lines: tuple[dict[str, Any], ...]
    total: int


def menu(canteen: Canteen, day: date, period: Period, rng: Random) -> list[Served]:
    """The dishes of a meal; the staples stand on every menu."""
    found: list[Served] = []
    for category, count in _MENU[period.code]:
        known = [dish for dish in canteen.dishes if dish.category == category]
        if category in {"主食", "早餐"}:
            first = day.toordinal() % max(len(known) - 1, 1)
            chosen = [known[0], *(known[1:] * 2)[first : first + count - 1]]
        else:
            chosen = rng.sample(known, min(count, len(known)))
        found += chosen
    return found


def baskets(served: Sequence[Served], rng: Random, *, late: bool) -> list[Basket]:
    """What is chosen from a menu; about two lines each."""
    by_category: dict[str, list[Served]] = {}
    for dish in served:
        by_category.setdefault(dish.category, []).append(dish)
    found = []
    for _ in range(_BASKETS):
        taken = [
            rng.choices(known, range(len(known) + 2, 2, -1))[0]
            for category, known in by_category.items()
            if rng.random() < _TAKES[category]
        ]
        lines = tuple(_line(dish, rng, late=late) for dish in taken or [rng.choice(served)])
        found.append(Basket(lines, sum(line["amount"] for line in lines)))
    return found


def _line(dish: Served, rng: Random, *, late: bool) -> dict[str, Any]:
    price = dish.price + (_DEARER.get(dish.category, 0) if late else 0)
    half = dish.category in {"大荤", "小荤"} and rng.random() < _HALF
    unit_price = price * _HALF_PRICE // 100 if half else price
    quantity = 2 if dish.category == "主食" and rng.random() < 0.2 else 1
    return {
        "dish_id": str(dish.id), "name": dish.name, "unit": Unit.PIECE.value,
        "portion": (Portion.HALF if half else Portion.FULL).value, "grams": None,
        "quantity": quantity, "unit_price": unit_price, "amount": unit_price * quantity,
    }  # fmt: skip
