"""What a meal gives: sums are exact, in any order, and the unknown is never zero."""

from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dafan.food import KNOWN_ENOUGH, Eaten, Food, Held, Intake, intake, intake_of

KCAL = "energy_kcal"
DISHES = [UUID(int=n) for n in range(6)]
RICE, SOUP, UNKNOWN = DISHES[:3]


def food(dish_id: UUID, milli: int, known: int = 1000, **portions: int) -> Food:
    """A dish of one nutrient."""
    held = {KCAL: Held(milli=milli, known=known)}
    return Food(dish_id=dish_id, portions=portions or {"full": 200, "half": 100}, per_100g=held)


def test_a_weighed_and_a_counted_line_give_by_what_they_weigh() -> None:
    rice = food(RICE, 116_000, full=150, half=80)
    assert intake_of(Eaten(RICE, grams=250), rice, KCAL) == Intake(Fraction(290), 1, 1)
    assert intake_of(Eaten(RICE, portion="half", quantity=2), rice, KCAL).value == Fraction("185.6")


@pytest.mark.parametrize(
    ("line", "known"),
    [
        (Eaten(UNKNOWN, grams=300), None),
        (Eaten(RICE, portion="small"), food(RICE, 100_000, full=150)),
    ],
    ids=["no recipe", "nobody told what this portion weighs"],
)
def test_what_is_not_known_is_not_zero_but_unknown(line: Eaten, known: Food | None) -> None:
    assert intake_of(line, known, KCAL) == Intake(Fraction(0), 0, 1)
    assert not intake_of(line, known, KCAL).complete
    assert not intake_of(Eaten(RICE), food(RICE, 1), "sodium_mg").complete


def test_a_dish_that_is_known_in_part_counts_and_makes_the_sum_a_lower_bound() -> None:
    foods = {RICE: food(RICE, 100_000), SOUP: food(SOUP, 50_000, KNOWN_ENOUGH - 1)}
    both = intake([Eaten(RICE), Eaten(SOUP)], foods, KCAL)
    assert (both.value, both.known, both.lines) == (300, 1, 2)
    assert not both.complete
    foods[SOUP] = food(SOUP, 50_000, KNOWN_ENOUGH)
    assert intake([Eaten(RICE), Eaten(SOUP)], foods, KCAL).complete


lines = st.lists(
    st.builds(
        Eaten,
        st.sampled_from(DISHES),
        st.none() | st.integers(1, 5000),
        st.sampled_from(["full", "half", "small"]),
        st.integers(1, 20),
    ),
    max_size=12,
)
foods_of_some = st.dictionaries(
    st.sampled_from(DISHES), st.tuples(st.integers(0, 900_000), st.integers(0, 1000)), max_size=5
).map(lambda told: {dish: food(dish, *values) for dish, values in told.items()})


@given(lines, lines, foods_of_some)
def test_the_sum_of_the_lines_is_the_whole_however_they_are_told(
    some: list[Eaten], others: list[Eaten], foods: dict[UUID, Food]
) -> None:
    whole = intake(some + others, foods, KCAL)
    assert whole == intake(some, foods, KCAL) + intake(others, foods, KCAL)
    assert whole == intake(reversed(some + others), foods, KCAL)
    assert 0 <= whole.known <= whole.lines == len(some + others)


@given(lines, foods_of_some, st.sampled_from(DISHES))
def test_to_learn_of_one_more_dish_never_lowers_the_sum(
    some: list[Eaten], foods: dict[UUID, Food], learnt: UUID
) -> None:
    less = {dish: told for dish, told in foods.items() if dish != learnt}
    before, after = intake(some, less, KCAL), intake(some, foods, KCAL)
    assert before.value <= after.value
    assert before.known <= after.known
