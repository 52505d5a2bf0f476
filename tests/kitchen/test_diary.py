"""One advice for some meals: too much counts as soon as it is known, too little only for sure."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dafan.food import Intake
from kitchen import diary
from kitchen.diary import Advice, Meal, judge
from kitchen.nutrition import Nutrient

N = Nutrient
DAY = date(2026, 3, 2)


def meal(period="lunch", known=4, lines=4, **values):
    """A lunch of 750 kcal: 30 g protein, 25 g fat, 101 g carbohydrate, 700 mg sodium."""
    usual = {"energy_kcal": 750, "protein_g": 30, "fat_g": 25, "carbohydrate_g": 101}
    told = {**usual, "sodium_mg": 700, **values}
    intakes = {N(name): Intake(Fraction(value), known, lines) for name, value in told.items()}
    return Meal(DAY, period, intakes)


@pytest.mark.parametrize(
    ("meals", "advice"),
    [
        ([], Advice.NO_MEALS),
        ([meal("other", energy_kcal=9000)], Advice.NO_MEALS),
        ([meal()], Advice.WELL),
        ([meal(sodium_mg=801)], Advice.SODIUM_HIGH),
        ([meal(sodium_mg=801, energy_kcal=2000, known=0)], Advice.SODIUM_HIGH),
        ([meal(energy_kcal=901, known=1)], Advice.ENERGY_HIGH),
        ([meal(energy_kcal=100, known=3)], Advice.LITTLE_KNOWN),
        ([meal(energy_kcal=100, known=8, lines=10)], Advice.ENERGY_LOW),
        ([meal(fat_g=40, carbohydrate_g=66)], Advice.FAT_HIGH),
        ([meal(protein_g=10, carbohydrate_g=125)], Advice.PROTEIN_LOW),
        ([meal(sodium_mg=1000), meal(sodium_mg=500)], Advice.WELL),
        ([meal(sodium_mg=1000), meal("breakfast", sodium_mg=500)], Advice.SODIUM_HIGH),
    ],
)  # fmt: skip
def test_the_advice_that_matters_most(meals, advice):
    assert judge(meals).advice is advice


def test_an_advice_rests_on_what_one_meal_gave_and_should_give():
    found = judge([meal(sodium_mg=1500), meal(sodium_mg=1300), meal("other")])
    assert (found.meals, found.a_meal, found.bound) == (2, 1400, 800)
    fat = judge([meal(fat_g=40, carbohydrate_g=66)])
    assert fat.bound == 300
    assert fat.a_meal > 400


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 4)), min_size=1, max_size=9))
def test_nothing_is_called_low_or_well_where_little_is_known(told):
    meals = [meal(energy_kcal=kcal, sodium_mg=0, known=known) for kcal, known in told]
    whole = diary.total(meals, N.ENERGY)
    found = judge(meals).advice
    if whole.known * 1000 < whole.lines * diary.ENOUGH_PERMILLE:
        assert found in {Advice.LITTLE_KNOWN, Advice.ENERGY_HIGH}
    else:
        assert found is not Advice.LITTLE_KNOWN
