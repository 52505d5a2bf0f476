import csv
from collections import Counter
from fractions import Fraction
from importlib.resources import files
from pathlib import Path

import pytest

from dafan.db import reading, writing
from kitchen import cookbook, dishes, ingredients, library, nutrition, recipes
from kitchen.ingredients import Allergen, IngredientValues, Keep
from kitchen.nutrition import Nutrient

USDA = Path(__file__).resolve().parents[3] / "shared" / "nutrition" / "usda_sr28.csv"
TABLE = files("kitchen").joinpath("data", "ingredients.csv").read_text(encoding="utf-8")
ROWS = list(csv.DictReader(TABLE.splitlines()))
NUMBERED = [row for row in ROWS if row["ndb_no"]]
CATEGORIES = {
    "蔬菜", "菌藻", "畜肉", "禽肉", "水产", "蛋", "豆制品", "奶", "粮食", "薯类", "水果", "坚果",
    "调料", "油",
}  # fmt: skip


@pytest.fixture
def seeded(engine, actor):
    with writing(engine) as session:
        return library.seed(session, actor)


@pytest.fixture
def book(engine, actor, seeded):
    assert seeded.left_out == ()
    with reading(engine) as session:
        return cookbook.load_book(session, actor.site_id)


@pytest.mark.skipif(not USDA.exists(), reason="the USDA table is not beside the project")
def test_every_value_is_copied_exactly_from_the_row_of_its_number():
    with USDA.open(encoding="utf-8") as file:
        usda = {row["ndb_no"]: row for row in csv.DictReader(file)}
    for row in NUMBERED:
        source = usda[row["ndb_no"]]
        assert row["usda_description"] == source["description"]
        assert [row[name] for name in Nutrient] == [source[name] for name in Nutrient], row["name"]
        refuse = Fraction(source["refuse_pct"] or "0")
        assert int(row["edible_permille"]) == 1000 - 10 * refuse, row["name"]


def test_there_are_at_least_150_ingredients_with_values_each_named_and_numbered_once():
    assert len(NUMBERED) >= 150
    assert len({row["name"] for row in ROWS}) == len(ROWS)
    assert len({row["ndb_no"] for row in NUMBERED}) == len(NUMBERED)
    assert {row["category"] for row in ROWS} == CATEGORIES


def test_what_has_no_source_has_no_values():
    for row in ROWS:
        if not row["ndb_no"]:
            assert not any(row[name] for name in Nutrient), row["name"]
    unsourced = [row for row in library.ingredient_values() if not row.nutrients_from]
    assert all(row.nutrients == {} for row in unsourced)


def test_values_are_those_of_food():
    for row in NUMBERED:
        told = {name: float(row[name]) for name in Nutrient if row[name]}
        macro = [told["protein_g"], told["fat_g"], told["carbohydrate_g"]]
        assert sum(macro) <= 101, row["name"]
        assert told.get("saturated_fat_g", 0) <= told["fat_g"] + 0.01, row["name"]
        assert told.get("sugar_g", 0) <= told["carbohydrate_g"] + 0.3, row["name"]
        atwater = 4 * macro[0] + 9 * macro[1] + 4 * macro[2]
        loose = 35 + 0.35 * atwater
        assert abs(told["energy_kcal"] - atwater) <= loose, row["name"]
        assert 0 < int(row["edible_permille"]) <= 1000


def test_an_ingredient_that_is_not_known_stays_unknown_and_is_never_zero():
    gourd = next(row for row in library.ingredient_values() if row.name == "丝瓜")
    assert Nutrient.VITAMIN_A not in gourd.nutrients
    assert gourd.nutrients_from == "USDA SR28 11220"


def test_allergens_checks_and_keeping_fit_the_food():
    rows = {row.name: row for row in library.ingredient_values()}
    by_category = {
        "蛋": Allergen.EGG, "奶": Allergen.MILK, "豆制品": Allergen.SOY,
    }  # fmt: skip
    for row in rows.values():
        if row.category in by_category:
            assert by_category[row.category] in row.allergens, row.name
        if row.category in {"畜肉", "禽肉", "水产"}:
            assert row.keep is not Keep.AMBIENT or row.name == "盐渍海蜇"
    for name, allergen in {
        "面粉": "gluten", "细挂面": "gluten", "酱油": "soy", "花生油": "peanut",
        "虾仁": "crustaceans",
        "鳕鱼片": "fish", "腰果": "nuts", "大豆油": "soy", "薄大麦仁": "gluten",
    }.items():  # fmt: skip
        assert Allergen(allergen) in rows[name].allergens
    assert rows["大米"].allergens == rows["猪里脊"].allergens == ()
    assert rows["菠菜"].pesticide_test
    assert not rows["土豆"].pesticide_test
    assert rows["猪里脊"].quarantine
    assert rows["整鸡"].quarantine
    assert not rows["菠菜"].quarantine


def test_every_ingredient_has_an_example_price_a_place_and_a_shelf_life():
    for row in library.ingredient_values():
        assert row.price
        assert row.zone
        assert row.shelf_days
        assert (row.weighs is None) == (row.measure.value == "g"), row.name


def test_a_site_gets_at_least_60_dishes_with_recipes_and_then_nothing_twice(engine, actor, seeded):
    assert seeded.counts["配方"]["new"] == len(seeded.dishes) >= 60 + 7
    made = Counter(line.action for line in actor.recorded)
    assert made["recipe.save"] == made["dish.create"] == len(seeded.dishes)
    with writing(engine) as session:
        again = library.seed(session, actor)
    assert again.dishes == ()
    assert all(row["new"] == row["changed"] == 0 for row in again.counts.values())
    assert Counter(line.action for line in actor.recorded) == made


def test_what_a_site_has_stays_as_it_is(engine, actor):
    own = IngredientValues(name="五花肉", category="肉", price=9900)
    with writing(engine) as session:
        ingredients.create(session, actor, own)
        mine = dishes.read_values({"name": "红烧肉", "unit": "kg", "price": 6000})
        dishes.create(session, actor.site_id, mine, by=actor.name, at=actor.at)
        library.seed(session, actor)
    with reading(engine) as session:
        pork = ingredients.find_by_name(session, actor.site_id, "五花肉")
        assert pork is not None
        assert ingredients.values_of(pork) == own
        dish = dishes.find_by_name(session, actor.site_id, "红烧肉")
        assert dish is not None
        assert dishes.values_of(dish) == mine
        assert cookbook.newest_of(session, actor.site_id, dish.id) is not None


def test_a_recipe_that_counts_eggs_is_left_out_where_the_site_weighs_them(engine, actor):
    with writing(engine) as session:
        ingredients.create(session, actor, IngredientValues(name="鸡蛋"))
        seeded = library.seed(session, actor)
    assert any("番茄炒蛋" in fault.advice for fault in seeded.left_out)
    with reading(engine) as session:
        dish = dishes.find_by_name(session, actor.site_id, "番茄炒蛋")
        assert dish is not None
        assert cookbook.newest_of(session, actor.site_id, dish.id) is None
        pork = dishes.find_by_name(session, actor.site_id, "红烧肉")
        assert pork is not None
        assert cookbook.newest_of(session, actor.site_id, pork.id) is not None


def test_every_dish_of_the_library_is_food_with_a_plausible_cost(book):
    sold = [key for key in book.recipes if book.dish_names[key] not in HALF_MADE]
    assert len(sold) >= 60
    for key in sold:
        name, recipe = book.dish_names[key], book.recipes[key]
        needs = recipes.explode(book, key, 1)
        found = nutrition.content(nutrition.used_of(needs, book.ingredients))
        energy = found.amounts[Nutrient.ENERGY]
        assert found.weightless == ()
        assert 20 < energy.value < 800, name
        assert energy.known_permille > 600, name
        cost = recipes.cost(book, needs)
        assert cost.complete
        assert 15 < cost.fen < 1100, name
        assert 40 <= recipe.yield_grams / recipe.portions <= 600, name
        assert recipe.steps


HALF_MADE = {"鱼香汁", "糖醋汁", "辣椒油", "猪肉大葱馅", "韭菜鸡蛋馅", "豆沙馅", "发面面团"}


def test_half_made_things_are_not_sold_but_carry_their_allergens(engine, actor, book):
    with reading(engine) as session:
        rows = dishes.page(session, actor.site_id, limit=500)
    assert {row.name for row in rows if not row.active} == HALF_MADE
    assert all(row.price for row in rows if row.active)
    bun = next(row.id for row in rows if row.name == "猪肉大葱包")
    assert recipes.allergens(book, bun) == (Allergen.GLUTEN, Allergen.SOY)
    chicken = next(row.id for row in rows if row.name == "宫保鸡丁")
    assert Allergen.PEANUT in recipes.allergens(book, chicken)
