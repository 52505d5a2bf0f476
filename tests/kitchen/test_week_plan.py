from datetime import date, timedelta

import pytest

from dafan.db import reading, writing
from dafan.ids import new_id
from dafan.records import Unit
from kitchen import (
    cookbook,
    dishes,
    ingredients,
    lots,
    menus,
    purchasing,
    stock,
    suppliers,
    week_plan,
)
from kitchen.dishes import DishValues
from kitchen.ingredients import IngredientValues
from kitchen.meals import Meal
from kitchen.menus import ItemValues
from kitchen.plan import Rules
from kitchen.purchase_rules import LineValues, OrderValues
from kitchen.recipes import Line, RecipeValues
from kitchen.stock import NewLot
from kitchen.supplier_rules import LicenceKind, LicenceValues
from kitchen.suppliers import SupplierValues

MONDAY = date(2026, 3, 2)
VENUE = new_id()
RULES = Rules(safety_permille=100)


@pytest.fixture
def food(engine, actor):
    """Pork with peppers for ten: 1 kg of pork, which keeps two days and comes in 5 kg."""
    with writing(engine) as session:
        values = IngredientValues(name="猪肉", category="畜肉", pack=5000, shelf_days=2)
        pork = ingredients.create(session, actor, values).id
        dish, bare = (
            dishes.create(
                session, actor.site_id, DishValues(name=name, unit=Unit.PIECE),
                by=actor.name, at=actor.at,
            ).id
            for name in ("青椒肉丝", "新菜")
        )  # fmt: skip
        lines = (Line(ingredient_id=pork, quantity=1000),)
        recipe = RecipeValues(portions=10, yield_grams=1500, lines=lines)
        cookbook.save(session, actor, dish, recipe)
        return pork, dish, bare


def plan_menu(engine, actor, day, *pairs):
    with writing(engine) as session:
        items = [ItemValues(dish_id=dish, portions=portions) for dish, portions in pairs]
        menus.save(session, actor, Meal(MONDAY + timedelta(days=day), "lunch", VENUE), items)


def plan(engine, actor, today=MONDAY):
    with reading(engine) as session:
        last = MONDAY + timedelta(days=6)
        return week_plan.plan_days(session, actor.site_id, [VENUE], max(MONDAY, today), last, RULES)


def lines(found):
    return [(one.deliver_on, one.need, one.from_stock, one.from_order, one.buy) for one in found]


def order(session, actor, ingredient, quantity):
    seller = suppliers.create(session, actor, SupplierValues(name="肉联厂")).id
    for kind in (LicenceKind.BUSINESS, LicenceKind.FOOD_TRADE):
        paper = LicenceValues(kind=kind, number="1", valid_from=MONDAY)
        suppliers.add_licence(session, actor, seller, paper)
    line = LineValues(ingredient_id=ingredient, quantity=quantity, price=2000)
    values = OrderValues(supplier_id=seller, deliver_on=MONDAY, lines=(line,))
    row = purchasing.draft(session, actor, values, MONDAY, key="k")
    purchasing.ask(session, actor, row.id)
    purchasing.decide(session, actor.named("chief"), ["manager"], row.id, approve=True)


def test_the_week_is_bought_from_menus_recipes_store_and_orders(engine, actor, food):
    pork, dish, bare = food
    for day in (0, 1, 3):
        plan_menu(engine, actor, day, (dish, 100))
    plan_menu(engine, actor, 4, (bare, 50), (dish, 0))
    found = plan(engine, actor)
    assert lines(found.lines) == [
        (MONDAY, 22_000, 0, 0, 25_000),
        (MONDAY + timedelta(days=3), 11_000, 0, 0, 15_000),
    ]
    assert (found.without_recipe, found.without_portions) == ((bare,), (dish,))
    with writing(engine) as session:
        lot = NewLot(pork, 4000, 8000, expires_on=MONDAY)
        stock.put_in(session, actor, lot, key="in", day=MONDAY)
        order(session, actor, pork, 5000)
    found = plan(engine, actor)
    assert lines(found.lines)[0] == (MONDAY, 22_000, 4000, 5000, 15_000)


def test_meals_that_are_over_and_lots_that_are_held_do_not_count(engine, actor, food):
    pork, dish, _ = food
    for day in (0, 2):
        plan_menu(engine, actor, day, (dish, 100))
    with writing(engine) as session:
        lot = stock.put_in(session, actor, NewLot(pork, 4000, 8000), key="in", day=MONDAY)
        lots.hold(session, actor, lot.id, "等检测")
    today = MONDAY + timedelta(days=1)
    expected = [(MONDAY + timedelta(days=2), 11_000, 0, 0, 15_000)]
    assert lines(plan(engine, actor, today).lines) == expected
    other = type(actor)(new_id(), "other", actor.at)
    assert plan(engine, other).lines == ()
