"""营养 on the phone: one's own week, an estimate that says how sure it is, and one advice."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from apiflask import APIFlask
from sqlalchemy import Engine

from dafan import db
from dafan.money import Fen
from dafan.records import SaleLine, Unit
from kitchen import ingredients
from kitchen.dishes import DishValues
from kitchen.ingredients import IngredientValues
from kitchen.recipes import Line, RecipeValues
from server import dishes, foods, phone_codes
from server.actor import Actor
from tests.server.conftest import Till
from tests.server.pages.test_pages_me import Phone

MONDAY = date(2026, 3, 2)
PAGE = "/me/records/nutrition"


@pytest.fixture
def rice(engine: Engine, actor: Actor) -> UUID:
    """A bowl of 700 kcal and 2 g of sodium, by a recipe of last month."""
    cook = Actor(actor.site_id, "cook", actor.at - timedelta(days=30))
    with db.writing(engine) as session:
        held = {"energy_kcal": 350, "protein_g": 7, "fat_g": 1, "carbohydrate_g": 77}
        values = IngredientValues(name="米", nutrients={**held, "sodium_mg": 1000})
        part = ingredients.create(session, cook, values).id
        dish = dishes.create(session, cook, DishValues(name="炒饭", unit=Unit.PIECE, price=800))
        lines = (Line(ingredient_id=part, quantity=200),)
        recipe = RecipeValues(portions=1, yield_grams=400, lines=lines)
        foods.save_recipe(session, cook, dish.id, recipe)
        return dish.id


@pytest.fixture
def eat(terminal: Till, make_sale: Callable[..., Any]) -> Callable[..., None]:
    """Lunch of one dish, counted or weighed."""

    def do(diner: UUID, dish: UUID, day: date, **changed: Any) -> None:
        values = {"dish_id": dish, "name": "x", "unit": Unit.PIECE, "unit_price": Fen(800)}
        line = SaleLine(**{**values, "amount": Fen(800), **changed})
        terminal.sell(make_sale(diner, 800, business_date=day, lines=(line,)))
        terminal.push()

    return do


def test_a_diner_reads_what_his_own_week_gave_him_and_how_much_of_it_is_known(
    app: APIFlask, engine: Engine, actor: Actor, make_diner: Any, rice: UUID, eat: Any
) -> None:
    mine, other = make_diner(cash=100_000), make_diner(cash=100_000)
    one = Phone(app.test_client())
    assert one.client.get(PAGE).location.startswith("/me/login")
    with db.writing(engine) as session:
        code = phone_codes.hand_out(session, actor, app.secret_key, mine)  # type: ignore[arg-type]
    one.see("/me/login")
    one.sign_in("1001", code)
    eat(other, rice, MONDAY)
    empty = one.see(PAGE)
    assert "没有在食堂用餐的记录" in empty
    assert "千卡" not in empty
    eat(mine, rice, MONDAY)
    known = one.see(PAGE)
    assert "钠偏高" in known
    assert "平均每餐 2000 毫克以上，建议不超过 800 毫克" in known
    assert "700<small> 千卡" in known
    assert "≥" not in known
    assert known.count('class="full"') == 1
    assert "营养日记" in one.see("/me/records")
    soup = soup_of(engine, actor)
    eat(mine, soup, MONDAY + timedelta(days=1))
    partly = one.see(PAGE)
    assert "2 份菜里有 1 份能按配方算" in partly
    assert "≥ 350<small> / 540–900 千卡" in partly
    assert "不知道" in partly
    eat(mine, rice, MONDAY - timedelta(days=7), quantity=1)
    before = one.see(f"{PAGE}?week=2026-02-23")
    assert "02-23 — 03-01" in before
    assert f"{PAGE}?week=2026-03-02" in before
    for odd in ("2026-02-24", "1999-01-04", "x"):
        assert "03-02 — 03-08" in one.see(f"{PAGE}?week={odd}")


def soup_of(engine: Engine, actor: Actor) -> UUID:
    """A soup without a recipe."""
    with db.writing(engine) as session:
        values = DishValues(name="汤", unit=Unit.PIECE, price=Fen(800))
        return dishes.create(session, actor, values).id
