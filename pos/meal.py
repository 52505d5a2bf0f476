"""What a meal gives its diner, as far as the recipes tell: an estimate for the screen. Pure."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from dafan.food import ENERGY_OF_A_DAY, Eaten, Food, intake, warned_of
from dafan.money import divide_half_up
from dafan.records import SaleLine
from pos.snapshot import Account
from pos.view import Energy

ENERGY = "energy_kcal"
_STEP = 10
"""The screen claims no more than tens of kcal."""
A_MEAL = ENERGY_OF_A_DAY / 3
"""In kcal: a third of the day's reference value."""


def energy(
    lines: Iterable[SaleLine], foods: Mapping[UUID, Food], account: Account | None
) -> Energy | None:
    """The energy of a meal.

    Returns:
        ``None`` where nothing is known of it, and for a diner who does not wish to see it.
    """
    if account is not None and account.wish is not None and not account.wish.nutrition:
        return None
    found = intake(_eaten(lines), foods, ENERGY)
    if found.complete:
        kcal = _STEP * divide_half_up(*(found.value / _STEP).as_integer_ratio())
    else:
        kcal = _STEP * int(found.value / _STEP)
    if not kcal and not found.complete:
        return None
    goal = account.wish.goal_kcal if account is not None and account.wish is not None else None
    permille = divide_half_up(*(found.value * 1000 / (goal or A_MEAL)).as_integer_ratio())
    return Energy(kcal, permille, at_least=not found.complete, goal_kcal=goal)


def warnings(
    lines: Iterable[SaleLine], foods: Mapping[UUID, Food], account: Account
) -> tuple[str, ...]:
    """Allergens of the diner that are in the dishes."""
    allergens = account.wish.allergens if account.wish else ()
    return warned_of(_eaten(lines), foods, allergens)


def _eaten(lines: Iterable[SaleLine]) -> list[Eaten]:
    return [Eaten(line.dish_id, line.grams, line.portion.value, line.quantity) for line in lines]
