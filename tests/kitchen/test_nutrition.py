from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dafan.quantity import Measure
from kitchen.ingredients import IngredientValues
from kitchen.nutrition import (
    DAY,
    ENERGY_SHARES,
    FOODS_OF_A_DAY,
    MEALS,
    Nutrient,
    NutritionError,
    Used,
    content,
    energy_shares,
    kilojoules,
    meal_range,
    per_100_grams,
    raw_grams,
    reference_permille,
    used_of,
)

PORK = IngredientValues(
    name="猪肉",
    edible_permille=900,
    nutrients={"energy_kcal": 200, "protein_g": 20, "fat_g": 13.3, "carbohydrate_g": 0},
)
EGG = IngredientValues(
    name="鸡蛋", measure=Measure.COUNT, weighs=60, edible_permille=880,
    nutrients={"energy_kcal": 143, "protein_g": 12.6},
)  # fmt: skip
OIL = IngredientValues(
    name="油", measure=Measure.VOLUME, weighs=920, nutrients={"energy_kcal": 884, "fat_g": 100}
)
ANISE = IngredientValues(name="八角")


def of(values, quantity):
    return Used(values, Fraction(quantity))


def test_a_dish_holds_raw_grams_times_edible_share_times_value_per_100_grams():
    found = content([of(PORK, 1000), of(EGG, 10), of(OIL, 100)])
    assert found.amounts[Nutrient.ENERGY].value == Fraction(
        9 * 200 + Fraction("5.28") * 143 + Fraction("0.92") * 884
    )
    assert found.amounts[Nutrient.ENERGY].complete


def test_spread_over_what_the_cooked_dish_weighs():
    found = per_100_grams(content([of(PORK, 1000)]), 750)
    assert found.amounts[Nutrient.PROTEIN].value == Fraction(180 * 100, 750)
    with pytest.raises(NutritionError, match="weight"):
        per_100_grams(found, 0)


def test_what_is_not_known_is_named_and_never_counted_as_zero():
    found = content([of(PORK, 900), of(ANISE, 90)])
    assert found.unknown[Nutrient.ENERGY] == ("八角",)
    assert found.amounts[Nutrient.ENERGY].known_permille == 900
    assert Nutrient.SODIUM not in found.amounts
    assert found.unknown[Nutrient.SODIUM] == ("猪肉", "八角")


def test_a_piece_without_a_weight_is_in_no_sum_and_keeps_it_from_being_whole():
    melon = IngredientValues(name="瓜", measure=Measure.COUNT, nutrients={"energy_kcal": 30})
    found = content([of(PORK, 1000), of(melon, 3)])
    assert found.weightless == ("瓜",)
    assert not found.amounts[Nutrient.ENERGY].complete
    assert content([of(melon, 3)]).amounts == {}


def test_pieces_and_litres_weigh_what_was_told():
    assert raw_grams(Fraction(3), Measure.COUNT, 60) == 180
    assert raw_grams(Fraction(500), Measure.VOLUME, 920) == 460
    assert raw_grams(Fraction(500), Measure.MASS, None) == 500


def test_reference_values_are_those_of_gb_28050():
    day = {
        "energy_kcal": 8400 / 4.184, "protein_g": 60, "fat_g": 60, "saturated_fat_g": 20,
        "carbohydrate_g": 300, "fibre_g": 25, "sodium_mg": 2000, "calcium_mg": 800,
    }  # fmt: skip
    meal = IngredientValues(name="一天", nutrients=day)
    assert set(reference_permille(content([of(meal, 100)])).values()) == {1000}
    assert kilojoules(Fraction(100)) == Fraction("418.4")


def test_energy_shares_are_told_only_where_nearly_all_of_the_weight_is_known():
    found = energy_shares(content([of(PORK, 1000), of(ANISE, 10)]))
    assert found is not None
    assert sum(found.values()) == 1000
    assert found[Nutrient.FAT] == round(
        Fraction("13.3") * 37 * 1000 / (Fraction("13.3") * 37 + 340)
    )
    assert energy_shares(content([of(PORK, 1000), of(ANISE, 200)])) is None
    assert energy_shares(content([of(EGG, 10)])) is None
    assert energy_shares(content([])) is None


values = st.floats(0, 900, allow_nan=False).map(lambda value: round(value, 3))


@given(
    protein=values, fat=values, carbohydrate=values, grams=st.integers(1, 10**6),
    more=st.integers(1, 10**6),
)  # fmt: skip
def test_more_food_never_holds_less_and_shares_always_make_a_whole(
    protein, fat, carbohydrate, grams, more
):
    food = IngredientValues(
        name="粮",
        nutrients={"protein_g": protein, "fat_g": fat, "carbohydrate_g": carbohydrate},
    )
    less, greater = content([of(food, grams)]), content([of(food, grams + more)])
    for nutrient, amount in less.amounts.items():
        assert greater.amounts[nutrient].value >= amount.value
    shares = energy_shares(less)
    if shares is not None:
        assert sum(shares.values()) == 1000
        assert min(shares.values()) >= 0


def test_an_ingredient_that_is_gone_is_a_clear_fault():
    key = UUID(int=1)
    assert used_of({key: Fraction(5)}, {key: PORK}) == [of(PORK, 5)]
    with pytest.raises(NutritionError, match="recipe"):
        used_of({key: Fraction(5)}, {})


def test_a_day_and_its_meals_follow_the_dietary_guidelines():
    assert (FOODS_OF_A_DAY["蔬菜"].low, FOODS_OF_A_DAY["食盐"].high) == (300, 5)
    assert (FOODS_OF_A_DAY["油"].low, FOODS_OF_A_DAY["油"].high) == (25, 30)
    lunch = meal_range(DAY[Nutrient.ENERGY], MEALS["午餐"])
    assert (lunch.low, lunch.high, lunch.unit) == (540, 900, "kcal")
    assert [lunch.judge(Fraction(kcal)) for kcal in (500, 700, 901)] == [-1, 0, 1]
    salt = meal_range(DAY[Nutrient.SODIUM], MEALS["午餐"])
    assert (salt.low, salt.high) == (None, 800)
    assert ENERGY_SHARES[Nutrient.FAT].judge(Fraction(310)) == 1


def test_every_nutrient_has_a_unit_and_a_chinese_name():
    assert {nutrient.unit for nutrient in Nutrient} == {"kcal", "g", "mg", "μg"}
    assert len({nutrient.label for nutrient in Nutrient}) == len(Nutrient)
