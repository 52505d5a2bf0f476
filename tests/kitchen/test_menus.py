from datetime import date, timedelta
from fractions import Fraction

import pytest

from dafan.db import reading, writing
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.records import Unit
from kitchen import dishes, menus
from kitchen.dishes import DishValues, UnknownDishError
from kitchen.ingredients import Allergen, IngredientValues
from kitchen.meals import Meal
from kitchen.menu_checks import (
    DishFacts,
    Fault,
    Forbidden,
    MenuRules,
    PlannedMeal,
    check,
    facts_of,
    norm_of,
)
from kitchen.menus import ItemValues, State, UnknownMenuError
from kitchen.nutrition import Nutrient, Range
from kitchen.recipes import Book, Line, RecipeValues

MONDAY = date(2026, 3, 2)
VENUE = new_id()
GREEN = DishFacts(new_id(), "清炒青菜", main="青菜", vegetables=Fraction(200))


def dish(name, main="", **facts):
    return DishFacts(new_id(), name, main=main, ingredients=frozenset({main}), **facts)


def planned(*had, covers=100, day=0, period="lunch"):
    meal = Meal(MONDAY + timedelta(days=day), period, VENUE)
    pairs = ((one, covers) for one in (*had, GREEN))
    return PlannedMeal(meal, covers, tuple(pairs))


def faults(meals, rules=None):
    rules = rules or MenuRules(repeat_within=1)
    return [one.fault for one in check(meals, rules)]


PORK, RIBS, FISH = dish("红烧肉", "猪肉"), dish("青椒肉丝", "猪肉"), dish("清蒸鱼", "鱼")


def test_the_same_main_ingredient_twice_in_a_meal_or_soon_after_is_pointed_out():
    (found,) = check([planned(PORK, RIBS)], MenuRules(repeat_within=1))
    assert (found.fault, found.about) == (Fault.REPEATED_MAIN, "猪肉")
    assert found.dishes == ("红烧肉", "青椒肉丝")
    other = PlannedMeal(planned().meal, 100, ((FISH, 100), (dish("白菜", vegetables=200), 100)))
    rules = MenuRules(repeat_within=3)
    assert faults([planned(PORK), other, other], rules)[:1] == [Fault.REPEATED_MAIN]
    three = [planned(PORK), other, PlannedMeal(other.meal, 100, ((RIBS, 100), (GREEN, 100)))]
    assert {one.about for one in check(three, rules)} == {"猪肉", "青菜"}
    assert faults(three, MenuRules(repeat_within=2)) == []


def test_what_the_site_does_not_serve_together_is_pointed_out_by_dish_and_by_ingredient():
    rules = MenuRules(1, forbidden=(Forbidden("猪肉", "清蒸鱼", "本单位约定"),))
    (found,) = check([planned(PORK, FISH)], rules)
    assert found.fault is Fault.FORBIDDEN
    assert found.dishes == ("红烧肉", "清蒸鱼")
    assert "本单位约定" in found.text
    assert faults([planned(PORK), planned(FISH)], rules) == []


def test_allergens_are_marks_and_no_faults():
    nuts = dish("宫保鸡丁", "鸡肉", allergens=(Allergen.PEANUT, Allergen.SOY))
    found = check([planned(nuts)], MenuRules(1))
    assert [(one.mark, one.about) for one in found] == [(True, "peanut"), (True, "soy")]


def test_a_meal_that_costs_more_than_is_wanted_is_pointed_out_to_the_fen():
    rules = MenuRules(1, cost_target=1000, cost_tolerance_permille=50)
    facts = {"vegetables": Fraction(200)}
    right, dear = dish("a", cost=1050, **facts), dish("b", cost=1051, **facts)

    def meal(one):
        return PlannedMeal(planned().meal, 100, ((one, 100),))

    assert faults([meal(right)], rules) == []
    (found,) = check([meal(dear)], rules)
    assert found.fault is Fault.TOO_DEAR
    assert "10.51 yuan" in found.text
    assert faults([meal(dish("c", **facts))], rules) == [Fault.NO_PRICE]


def test_nutrition_is_judged_a_cover_and_what_is_not_known_is_said():
    rules = MenuRules(1, nutrients={Nutrient.SODIUM: Range(100, 700, "mg")})

    def salty(*milligrams):
        had = tuple(
            (dish(str(one), nutrients={} if one is None else {Nutrient.SODIUM: Fraction(one)},
                  vegetables=Fraction(200)), 100)
            for one in milligrams
        )  # fmt: skip
        return [PlannedMeal(planned().meal, 100, had)]

    assert faults(salty(700), rules) == []
    assert faults(salty(701), rules) == [Fault.NUTRIENT_HIGH]
    assert faults(salty(99), rules) == [Fault.NUTRIENT_LOW]
    assert faults(salty(99, None), rules) == [Fault.NUTRIENT_UNKNOWN]
    assert faults(salty(701, None), rules) == [Fault.NUTRIENT_HIGH], "too much whatever the rest is"


def test_a_meal_is_held_to_its_share_of_a_day_and_the_site_may_say_otherwise():
    lunch = norm_of("lunch")
    assert (lunch[Nutrient.SODIUM].high, lunch[Nutrient.ENERGY].low) == (800, 540)
    assert norm_of("tea") == {}
    salty = dish("咸菜", nutrients=dict.fromkeys(lunch, Fraction(801)), vegetables=Fraction(200))
    meal = PlannedMeal(planned().meal, 100, ((salty, 100),), lunch)
    (sodium, *_) = (one for one in check([meal], MenuRules(1)) if one.about == Nutrient.SODIUM)
    assert (sodium.fault, sodium.amount, sodium.bound) == (Fault.NUTRIENT_HIGH, 801, 800)
    own = MenuRules(1, nutrients={Nutrient.SODIUM: Range(None, 900, "mg")})
    assert all(one.about != Nutrient.SODIUM for one in check([meal], own))


def test_a_pinch_that_tells_nothing_hides_no_dish_and_a_tenth_does():
    known, silent = new_id(), new_id()
    kept = {
        known: IngredientValues(name="肉", category="畜肉", nutrients={"sodium_mg": 100.0}),
        silent: IngredientValues(name="料酒", category="调料"),
    }
    for grams, told in ((50, True), (51, False)):
        lines = (
            Line(ingredient_id=known, quantity=950),
            Line(ingredient_id=silent, quantity=grams),
        )
        recipe = RecipeValues(portions=1, yield_grams=900, lines=lines)
        one = new_id()
        facts = facts_of(Book({one: recipe}, {one: "菜"}, kept), one, "菜")
        assert (Nutrient.SODIUM in facts.nutrients) is told


def test_too_few_vegetables_and_dishes_without_recipe_are_told():
    meal = PlannedMeal(planned().meal, 100, ((PORK, 100), (GREEN, 49)))
    (found,) = check([meal], MenuRules(1, vegetables_low=100))
    assert (found.fault, found.text[:4]) == (Fault.FEW_VEGETABLES, "98 g")
    assert faults([planned(DishFacts(new_id(), "新菜", known=False))]) == [Fault.NO_RECIPE]
    assert faults([PlannedMeal(planned().meal, 0, ())]) == []


def test_the_facts_of_a_dish_come_from_its_recipe():
    pork, egg, oil, pepper, one = (new_id() for _ in range(5))
    sodium = {"sodium_mg": 50.0}
    kept = {
        pork: IngredientValues(name="猪肉", category="畜肉", price=3000, nutrients=sodium),
        pepper: IngredientValues(name="青椒", category="蔬菜", price=600, nutrients=sodium),
        oil: IngredientValues(name="油", category="油", price=1000, nutrients=sodium),
        egg: IngredientValues(
            name="鸡蛋", category="蛋", measure="piece", weighs=50, price=75,
            allergens=(Allergen.EGG,), nutrients=sodium,
        ),
    }  # fmt: skip
    lines = ((pork, 500), (pepper, 1000), (oil, 5000), (egg, 10))
    recipe = RecipeValues(
        portions=10,
        yield_grams=2000,
        lines=tuple(Line(ingredient_id=what, quantity=much) for what, much in lines),
    )
    found = facts_of(Book({one: recipe}, {one: "青椒肉丝"}, kept), one, "青椒肉丝")
    assert (found.main, found.vegetables, found.cost) == ("青椒", 100, 150 + 60 + 500 + 75)
    assert found.allergens == (Allergen.EGG,)
    assert found.nutrients[Nutrient.SODIUM] == Fraction(700 * 50, 100)
    assert not facts_of(Book({}, {}, {}), one, "新菜").known


# --- what is kept -------------------------------------------------------------------------------


@pytest.fixture
def food(engine, actor):
    with writing(engine) as session:
        return [
            dishes.create(
                session, actor.site_id, DishValues(name=name, unit=Unit.PIECE),
                by=actor.name, at=actor.at,
            ).id
            for name in ("红烧肉", "清蒸鱼", "青菜")
        ]  # fmt: skip


def lunch(day=0, period="lunch"):
    return Meal(MONDAY + timedelta(days=day), period, VENUE)


def items(*ids, portions=100, cook="王师傅"):
    return tuple(ItemValues(dish_id=one, portions=portions, cook=cook) for one in ids)


def act(engine, name, *args):
    with writing(engine) as session:
        return getattr(menus, name)(session, *args)


def found(engine, actor, meal):
    with reading(engine) as session:
        return menus.find(session, actor.site_id, meal)


def test_a_menu_keeps_its_dishes_in_order_and_every_change_in_the_journal(engine, actor, food):
    for plan in (items(*food), items(*food), items(*food[::-1], portions=80)):
        act(engine, "save", actor, lunch(), plan)
    menu = found(engine, actor, lunch())
    assert menu.items == items(*food[::-1], portions=80)
    assert [line.action for line in actor.recorded] == ["menu.save"] * 2
    assert actor.recorded[1].before["items"][0]["portions"] == 100


def test_a_menu_is_published_and_taken_back_and_stays_published_when_it_changes(
    engine, actor, food
):
    act(engine, "save", actor, lunch(), ())
    with pytest.raises(BadInputError, match="without a dish"):
        act(engine, "publish", actor, lunch())
    act(engine, "save", actor, lunch(), items(*food))
    for _ in range(2):
        act(engine, "publish", actor, lunch())
    act(engine, "save", actor, lunch(), items(food[0]))
    assert found(engine, actor, lunch()).state is State.PUBLISHED
    act(engine, "withdraw", actor, lunch())
    assert found(engine, actor, lunch()).state is State.DRAFT
    actions = [line.action for line in actor.recorded]
    assert actions == ["menu.save"] * 2 + ["menu.publish", "menu.save", "menu.withdraw"]
    with pytest.raises(UnknownMenuError):
        act(engine, "publish", actor, lunch(day=1))


def test_what_is_published_for_a_day_is_what_the_kitchen_reads(engine, actor, food):
    lunch, dinner = (Meal(MONDAY, period, VENUE) for period in ("lunch", "dinner"))
    with writing(engine) as session:
        for meal in (lunch, dinner):
            menus.save(session, actor, meal, [ItemValues(dish_id=food[0])])
        menus.publish(session, actor, lunch)
    with reading(engine) as session:
        assert [one.meal for one in menus.published(session, actor.site_id, MONDAY)] == [lunch]
        assert menus.published(session, actor.site_id, MONDAY + timedelta(days=1)) == []
        assert menus.published(session, new_id(), MONDAY) == []


def test_a_week_is_copied_as_drafts_and_what_is_planned_already_stays(engine, actor, food):
    for day, period in ((0, "lunch"), (0, "breakfast"), (4, "dinner")):
        act(engine, "save", actor, lunch(day, period), items(*food))
    act(engine, "publish", actor, lunch())
    act(engine, "save", actor, lunch(7, "breakfast"), items(food[2]))
    with writing(engine) as session:
        fish = dishes.get(session, actor.site_id, food[1])
        fish.active = False
    copied = act(engine, "copy_week", actor, VENUE, MONDAY, MONDAY + timedelta(days=9))
    assert copied.copied == (lunch(7), lunch(11, "dinner"))
    assert (copied.kept, copied.left_out) == ((lunch(7, "breakfast"),), (food[1],))
    with reading(engine) as session:
        week = menus.week(session, actor.site_id, VENUE, MONDAY + timedelta(days=13))
    assert [(menu.meal.period, menu.state) for menu in week] == [
        ("breakfast", State.DRAFT), ("lunch", State.DRAFT), ("dinner", State.DRAFT),
    ]  # fmt: skip
    assert week[1].items == items(food[0], food[2])
    again = act(engine, "copy_week", actor, VENUE, MONDAY, MONDAY + timedelta(days=7))
    assert again.copied == ()
    with pytest.raises(BadInputError, match="itself"):
        act(engine, "copy_week", actor, VENUE, MONDAY, MONDAY + timedelta(days=6))


def test_what_cannot_be_planned_is_refused_and_leaves_nothing(engine, actor, food):
    with pytest.raises(BadInputError, match="twice"):
        act(engine, "save", actor, lunch(), items(food[0], food[0]))
    with pytest.raises(UnknownDishError):
        act(engine, "save", actor, lunch(), items(new_id()))
    with pytest.raises(BadInputError, match="period"):
        act(engine, "save", actor, Meal(MONDAY, "", VENUE), items(*food))
    with pytest.raises(BadInputError, match="at most"):
        act(engine, "save", actor, lunch(), items(*(new_id() for _ in range(101))))
    assert found(engine, actor, lunch()) is None
    assert actor.recorded == []


def test_a_dish_of_another_site_is_not_planned_and_its_menu_not_seen(engine, actor, food):
    act(engine, "save", actor, lunch(), items(*food))
    other = type(actor)(new_id(), "other", actor.at)
    assert found(engine, other, lunch()) is None
    with pytest.raises(UnknownDishError):
        act(engine, "save", other, lunch(), items(*food))
