"""What a dish gives is told in whole numbers, through its components, and as it was that day."""

from datetime import timedelta
from fractions import Fraction

import pytest

from dafan import db
from dafan.food import Eaten, intake_of
from dafan.records import Unit
from kitchen import cookbook, dishes, foods, ingredients
from kitchen.dishes import DishValues
from kitchen.ingredients import IngredientValues
from kitchen.nutrition import Nutrient
from kitchen.recipes import Line, RecipeValues

FLOUR = IngredientValues(name="面粉", nutrients={"energy_kcal": 350, "protein_g": 10.5})
PORK = IngredientValues(name="猪肉", edible_permille=800, nutrients={"energy_kcal": 400})
SPICE = IngredientValues(name="香料")


def recipe(lines, portions=10, grams=1000):
    return RecipeValues(portions=portions, yield_grams=grams, small_permille=333, lines=lines)


@pytest.fixture
def bun(engine, actor):
    """Ten buns of a kilogram: 600 g flour, 400 g filling of 500 g pork and 10 g spice."""
    with db.writing(engine) as session:
        ids = {
            values.name: ingredients.create(session, actor, values).id
            for values in (FLOUR, PORK, SPICE)
        }
        for name in ("馅", "包子", "白开水"):
            values = DishValues(name=name, unit=Unit.PIECE)
            ids[name] = dishes.create(session, actor.site_id, values, by="x", at=actor.at).id
        filling = [
            Line(ingredient_id=ids["猪肉"], quantity=500),
            Line(ingredient_id=ids["香料"], quantity=10),
        ]
        cookbook.save(session, actor, ids["馅"], recipe(filling, grams=400))
        parts = [
            Line(ingredient_id=ids["面粉"], quantity=600),
            Line(component_id=ids["馅"], quantity=400),
        ]
        cookbook.save(session, actor, ids["包子"], recipe(parts))
    return ids


def test_a_dish_gives_what_its_parts_hold_and_a_dish_without_recipe_tells_nothing(
    engine, actor, bun
):
    with db.reading(engine) as session:
        book = cookbook.load_book(session, actor.site_id)
    found = foods.food_of(book, bun["包子"])
    assert found.portions == {"full": 100, "half": 50, "small": 33}
    # 600 × 3.5 + 500 × 0.8 × 4 = 3700 kcal in a kilogram; of 1010 g edible 10 tell nothing
    assert found.per_100g[Nutrient.ENERGY].milli == 370_000
    assert found.per_100g[Nutrient.ENERGY].known == 990
    assert found.per_100g[Nutrient.PROTEIN].known < 600
    assert Nutrient.SODIUM not in found.per_100g
    assert intake_of(Eaten(bun["包子"]), found, Nutrient.ENERGY).value == Fraction(370)
    assert foods.food_of(book, bun["白开水"]) is None


def test_a_change_touches_the_dishes_that_are_made_with_it_and_no_other(engine, actor, bun):
    with db.reading(engine) as session:
        book = cookbook.load_book(session, actor.site_id)
    assert foods.made_with(book, bun["猪肉"]) == {bun["馅"], bun["包子"]}
    assert foods.made_with(book, bun["面粉"]) == {bun["包子"]}
    assert foods.made_with(book, bun["包子"]) == {bun["包子"]}
    assert foods.made_with(book, bun["白开水"]) == set()


def test_a_day_is_told_by_the_recipes_that_were_valid_then(engine, actor, bun):
    later = actor.named("cook", actor.at + timedelta(days=1))
    with db.writing(engine) as session:
        lean = recipe([Line(ingredient_id=bun["香料"], quantity=500)], grams=400)
        cookbook.save(session, later, bun["馅"], lean)
    asked = [bun["包子"], bun["白开水"]]
    with db.reading(engine) as session:
        kcal = {
            moment: {
                key: food.per_100g[Nutrient.ENERGY].milli
                for key, food in foods.foods_of(session, actor.site_id, asked, moment).items()
            }
            for moment in (actor.at - timedelta(hours=1), actor.at, later.at)
        }
    assert list(kcal.values()) == [{}, {bun["包子"]: 370_000}, {bun["包子"]: 210_000}]
