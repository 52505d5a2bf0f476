"""A diner's diary is told from his own sales, by the recipes of their day."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from dafan import db
from dafan.money import Fen
from dafan.records import Portion, SaleLine, Unit
from kitchen import ingredients
from kitchen.diary import Advice
from kitchen.dishes import DishValues
from kitchen.ingredients import IngredientValues
from kitchen.nutrition import Nutrient
from kitchen.recipes import Line, RecipeValues
from server import dishes, foods
from server.actor import Actor
from server.books.sales import Sale
from server.feed import FeedRow
from server.reports.nutrition import diary

MONDAY = date(2026, 3, 2)
ENERGY = Nutrient.ENERGY


def recipe(part, grams):
    return RecipeValues(
        portions=1, yield_grams=200, lines=[Line(ingredient_id=part, quantity=grams)]
    )


@pytest.fixture
def kitchen(engine, actor):
    """A portion of rice of 350 kcal; nobody knows what is in the soup."""
    before = Actor(actor.site_id, "cook", actor.at - timedelta(days=30))
    with db.writing(engine) as session:
        values = IngredientValues(name="米", nutrients={"energy_kcal": 350, "sodium_mg": 1000})
        rice = ingredients.create(session, before, values).id
        made = {
            name: dishes.create(session, before, DishValues(name=name, unit=Unit.PIECE, price=500))
            for name in ("米饭", "汤")
        }
        foods.save_recipe(session, before, made["米饭"].id, recipe(rice, 100))
        return {"米": rice, **{name: dish.id for name, dish in made.items()}}


@pytest.fixture
def eat(terminal, make_sale):
    def do(diner, dish_id, count=1, **changed) -> Any:
        line = SaleLine(
            dish_id=dish_id, name="x", unit=Unit.PIECE, portion=Portion.FULL,
            quantity=count, unit_price=Fen(500), amount=Fen(500 * count),
        )  # fmt: skip
        sale = make_sale(diner, total=500 * count, lines=(line,), **changed)
        terminal.sell(sale)
        terminal.push()
        return sale.id

    return do


def test_a_diary_adds_up_what_one_diner_ate_by_the_recipes_of_each_day(
    engine, actor, kitchen, eat, make_diner
):
    mine, his = make_diner(cash=100_000), make_diner(cash=100_000)
    tuesday = MONDAY + timedelta(days=1)
    eat(mine, kitchen["米饭"], 2, business_date=MONDAY)
    eat(mine, kitchen["汤"], business_date=MONDAY)
    eat(mine, kitchen["米饭"], business_date=tuesday)
    back = eat(mine, kitchen["米饭"], 9, business_date=tuesday)
    eat(his, kitchen["米饭"], 9, business_date=MONDAY)
    with db.writing(engine) as session:
        session.execute(update(Sale).where(Sale.id == back).values(cancelled=True))
        later = Actor(actor.site_id, "cook", actor.at + timedelta(days=1))
        foods.save_recipe(session, later, kitchen["米饭"], recipe(kitchen["米"], 50))
    with db.reading(engine) as session:
        told = diary(session, actor.site_id, mine, MONDAY, MONDAY + timedelta(days=6))
        nobody = diary(session, actor.site_id, mine, MONDAY - timedelta(days=7), MONDAY)
        elsewhere = diary(session, mine, mine, MONDAY, tuesday)
    assert [day.day for day in told.days] == [MONDAY, tuesday]
    monday, next_day = (day.intakes[ENERGY] for day in told.days)
    assert (monday.value, monday.known, monday.lines) == (700, 1, 2)
    assert (next_day.value, next_day.complete) == (175, True)
    assert told.intakes[ENERGY].value == 875
    # 2000 + 500 mg sodium at two lunches of 800 mg each
    assert told.judged.advice is Advice.SODIUM_HIGH
    assert (told.judged.meals, told.judged.a_meal) == (2, 1250)
    assert [day.day for day in nobody.days] == [MONDAY]
    assert elsewhere.days == ()
    assert elsewhere.judged.advice is Advice.NO_MEALS


def test_what_a_dish_gives_reaches_the_tills_again_when_an_ingredient_changes(
    engine, actor, kitchen
):
    def told(session):
        rows = session.query(FeedRow).where(FeedRow.kind == "food").all()
        return {row.key: (row.version, row.body["per_100g"][ENERGY]["milli"]) for row in rows}

    with db.reading(engine) as session:
        ((key, (version, milli)),) = told(session).items()
        values = ingredients.values_of(ingredients.get(session, actor.site_id, kitchen["米"]))
    assert (key, milli) == (str(kitchen["米饭"]), 175_000)
    richer = values.model_copy(update={"nutrients": {"energy_kcal": 360}, "minimum": 5})
    for _ in range(2):
        with db.writing(engine) as session:
            foods.update_ingredient(session, actor, kitchen["米"], richer)
    foods.publish_all(engine)
    with db.reading(engine) as session:
        ((again, now),) = told(session).values()
    assert (again > version, now) == (True, 180_000)
