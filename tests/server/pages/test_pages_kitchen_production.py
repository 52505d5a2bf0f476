"""烹饪 on the tablet: from the menu over the store and the pot to what is left."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, select

from dafan import db
from dafan.clock import ManualClock
from dafan.ids import new_id
from dafan.money import Fen
from dafan.quantity import Measure
from dafan.records import Portion, SaleLine, Unit
from kitchen import byproducts, cookbook, ingredients, menus, stock
from kitchen.dishes import DishValues
from kitchen.ingredients import IngredientValues
from kitchen.meals import Meal
from kitchen.menus import ItemValues
from kitchen.production import Batch
from kitchen.recipes import RecipeValues
from kitchen.stock import NewLot
from kitchen.waste import Category, WasteRecord
from server import dishes
from server.actor import Actor
from tests.server.conftest import TestSite, Till
from tests.server.pages.conftest import Browser
from tests.server.pages.tablet import refused

DAY = date(2026, 3, 2)
PAGE = "/kitchen/production"
FORM = "/kitchen/waste/trim"
"""A page that always has a form, and so its token."""
LUNCH = {"day": DAY.isoformat(), "period": "lunch"}


@pytest.fixture
def cook(browser: Callable[[str], Browser], site: TestSite) -> Browser:
    assert site
    return browser("kitchen_manager")


@pytest.fixture
def pork(engine: Engine, actor: Actor) -> UUID:
    """12 kg in the store, in two lots."""
    with db.writing(engine) as session:
        values = IngredientValues(name="五花肉", measure=Measure.MASS, shelf_days=5)
        row = ingredients.create(session, actor, values)
        for grams in (4_000, 8_000):
            lot = NewLot(row.id, grams, Fen(grams * 3))
            stock.put_in(session, actor, lot, key=str(grams), day=DAY)
        return row.id


@pytest.fixture
def menu(engine: Engine, actor: Actor, site: TestSite, pork: UUID) -> Sequence[UUID]:
    """Lunch: a hot dish with a recipe and a cold one without."""
    made = []
    with db.writing(engine) as session:
        for name, category in (("红烧肉", "大荤"), ("拌黄瓜", "凉菜")):
            values = DishValues(name=name, category=category, unit=Unit.PIECE, price=Fen(800))
            made.append(dishes.create(session, actor, values).id)
        line = {"ingredient_id": pork, "quantity": 10_000}
        recipe = RecipeValues.model_validate(
            {"portions": 100, "yield_grams": 15_000, "lines": [line]}
        )
        cookbook.save(session, actor, made[0], recipe)
        meal = Meal(DAY, "lunch", site.venue_id)
        menus.save(session, actor, meal, [ItemValues(dish_id=one, portions=60) for one in made])
    return made


def batches(engine: Engine) -> dict[bool, Batch]:
    """Hot and cold."""
    with db.reading(engine) as session:
        return {row.cold: row for row in session.scalars(select(Batch))}


def plan(cook: Browser, engine: Engine) -> Batch:
    cook.send(f"{PAGE}/plan", FORM, key=str(new_id()), **LUNCH)
    return batches(engine)[False]


def act(cook: Browser, batch: Batch, step: str, **fields: str) -> str:
    return cook.send(f"{PAGE}/{batch.id}/{step}", FORM, **{"key": str(new_id()), **fields}).text


@pytest.mark.usefixtures("menu")
def test_the_menu_becomes_batches_once_however_often_it_is_sent(
    cook: Browser, engine: Engine
) -> None:
    assert "还没有排产的 2 道" in cook.see(PAGE)
    for _ in range(2):
        assert not refused(cook.send(f"{PAGE}/plan", FORM, key="same", **LUNCH).text)
    found = batches(engine)
    assert {cold: row.planned_portions for cold, row in found.items()} == {False: 60, True: 60}
    assert refused(cook.send(f"{PAGE}/plan", FORM, key="x", day="2026-03-03").text)
    assert cook.send(f"{PAGE}/plan", FORM, key="x", day="soon").status_code == 400


@pytest.mark.usefixtures("menu")
def test_what_the_recipe_needs_is_shown_by_lot_and_leaves_the_store_once(
    cook: Browser, engine: Engine, pork: UUID, site: TestSite
) -> None:
    batch = plan(cook, engine)
    page = cook.see(f"{PAGE}/{batch.id}")
    assert "五花肉" in page
    assert "6 kg" in page
    assert "4 kg" in page  # of the first lot
    assert "2 kg" in page  # and of the second one
    for _ in range(2):  # the second one after a reconnect
        assert "已领料" in act(cook, batch, "issue")
    with db.reading(engine) as session:
        assert stock.usable(session, site.id, DAY) == {pork: 6_000}
        assert byproducts.used(session, site.id, batch.id) == {pork: 6_000}
    assert "料已领齐" in cook.see(f"{PAGE}/{batch.id}")


def test_what_the_store_does_not_have_is_told_and_nothing_leaves(
    cook: Browser, engine: Engine, menu: Sequence[UUID], pork: UUID, site: TestSite
) -> None:
    answer = cook.send(
        f"{PAGE}/add", FORM, key="big", dish=str(menu[0]), portions="300", **LUNCH
    )  # fmt: skip
    assert "已加一批" in answer.text
    batch = batches(engine)[False]
    assert "缺 18 kg" in cook.see(f"{PAGE}/{batch.id}")
    assert "库存不够" in act(cook, batch, "issue")
    with db.reading(engine) as session:
        assert stock.usable(session, site.id, DAY) == {pork: 12_000}


@pytest.mark.usefixtures("menu")
def test_a_core_that_is_too_cold_and_absurd_weights_are_refused(
    cook: Browser, engine: Engine
) -> None:
    batch = plan(cook, engine)
    act(cook, batch, "start")
    good = {"grams": "12.5", "portions": "60", "core": "85.0"}
    assert "中心温度不够" in act(cook, batch, "finish", **good | {"core": "69.9"})
    assert "中心温度不够" in act(cook, batch, "finish", **good | {"core": ""})
    wrong = {"grams": ["0", "-3", "9999999", "lots", ""], "portions": ["0", "x", "-1"]}
    for name, values in wrong.items():
        for value in values:
            assert refused(act(cook, batch, "finish", **good | {name: value})), value
    assert batches(engine)[False].state == "cooking"
    assert "已出锅" in act(cook, batch, "finish", **good)
    row = batches(engine)[False]
    assert (row.cooked_grams, row.core_tenths, row.cook) == (12_500, 850, "kitchen_manager")


def test_a_batch_ends_when_all_that_was_left_has_found_its_way(
    cook: Browser,
    engine: Engine,
    menu: Sequence[UUID],
    clock: ManualClock,
    terminal: Till,
    make_diner: Callable[..., UUID],
    make_sale: Callable[..., Any],
) -> None:
    batch = plan(cook, engine)
    act(cook, batch, "start")
    act(cook, batch, "finish", grams="12", portions="60", core="82")
    line = SaleLine(
        dish_id=menu[0], name="红烧肉", unit=Unit.PIECE, portion=Portion.FULL, quantity=7,
        unit_price=Fen(800), amount=Fen(5_600),
    )  # fmt: skip
    terminal.sell(make_sale(make_diner(cash=100_000), total=5_600, lines=(line,)))
    terminal.push()
    assert 'value="7"' in cook.see(f"{PAGE}/{batch.id}")  # as the tills say
    assert "已记录供餐" in act(cook, batch, "serve", portions="7", left="3")
    assert "3.0" in cook.see(f"{PAGE}/{batch.id}")
    clock.advance(3 * 3600)
    assert refused(act(cook, batch, "settle", fate="chilled", grams="1"))  # it stood warm
    assert refused(act(cook, batch, "settle", fate="sold", grams="1"))
    assert "已登记去向" in act(cook, batch, "settle", fate="chilled", grams="1", held="63")
    twice = {"key": "thrown", "fate": "waste", "grams": "2"}
    assert refused(act(cook, batch, "close"))
    for _ in range(2):
        act(cook, batch, "settle", **twice)
    assert "批次已结束" in act(cook, batch, "close")
    with db.reading(engine) as session:
        (thrown,) = session.scalars(select(WasteRecord)).all()
    assert (thrown.grams, thrown.category) == (2_000, Category.OVERPRODUCTION.value)
    assert batches(engine)[False].served_portions == 7


@pytest.mark.usefixtures("menu")
def test_a_cold_dish_has_no_core_and_one_that_is_not_cooked_is_cancelled(
    cook: Browser, engine: Engine
) -> None:
    plan(cook, engine)
    cold = batches(engine)[True]
    act(cook, cold, "start")
    assert "中心温度" not in cook.see(f"{PAGE}/{cold.id}").partition("<main")[2]
    assert "已出锅" in act(cook, cold, "finish", grams="6", portions="60")
    hot = batches(engine)[False]
    assert "已取消" in act(cook, hot, "cancel")
    text = cook.see("/kitchen/samples")
    assert "拌黄瓜" in text
    assert "红烧肉" not in text


@pytest.mark.usefixtures("menu")
def test_trimmings_go_to_another_dish_of_the_day_once(
    cook: Browser, engine: Engine, pork: UUID, site: TestSite
) -> None:
    batch = plan(cook, engine)
    other = batches(engine)[True]
    act(cook, batch, "issue")
    assert "转给别的菜" in cook.see(f"{PAGE}/{batch.id}")
    here = f"trimmings/{pork}"
    assert "拌黄瓜" in cook.see(f"{PAGE}/{batch.id}/{here}")
    given = {"key": "t", "quantity": "0.5", "quantity_unit": "kg", "to": str(other.id)}
    for wrong in ({"quantity": "6.001"}, {"quantity": "0"}, {"to": str(batch.id)}, {"to": ""}):
        assert refused(act(cook, batch, here, **{**given, **wrong}))
    for _ in range(2):
        assert "已转给另一道菜" in act(cook, batch, here, **given)
    with db.reading(engine) as session:
        assert byproducts.used(session, site.id, batch.id) == {pork: 5_500}
        assert byproducts.used(session, site.id, other.id) == {pork: 500}
    assert "转给拌黄瓜" in cook.see(f"{PAGE}/{batch.id}")
    assert "从红烧肉转来" in cook.see(f"{PAGE}/{other.id}")
