"""What the tills sold, as the kitchen counts it."""

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from dafan import db
from dafan.clock import ManualClock
from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import Portion, SaleLine, Unit
from kitchen import cookbook, production
from kitchen.dishes import DishValues
from kitchen.forecast import PortionRow
from kitchen.history import CoverRow
from kitchen.meals import Meal
from kitchen.production import Batch, Finish, Serve, Start
from kitchen.recipes import RecipeValues
from server import dishes, kitchen_sales
from server.actor import Actor
from server.kitchen_sales import Sold, portions_of, share_out
from tests.server.conftest import TestSite, Till

DAY = date(2026, 3, 2)


@pytest.fixture
def dish(engine: Engine, actor: Actor) -> UUID:
    with db.writing(engine) as session:
        return dishes.create(
            session, actor, DishValues(name="红烧肉", unit=Unit.PIECE, price=Fen(800))
        ).id


@pytest.fixture
def sell(
    terminal: Till, make_diner: Callable[..., UUID], make_sale: Callable[..., Any]
) -> Callable[..., Any]:
    """Sell portions of a dish at lunch."""

    def do(dish_id: UUID, count: int = 1, diner: UUID | None = None) -> Any:
        line = SaleLine(
            dish_id=dish_id, name="红烧肉", unit=Unit.PIECE, portion=Portion.FULL,
            quantity=count, unit_price=Fen(800), amount=Fen(800 * count),
        )  # fmt: skip
        sale = make_sale(diner or make_diner(cash=100_000), total=800 * count, lines=(line,))
        terminal.sell(sale)
        terminal.push()
        return sale

    return do


def batch_of(engine: Engine, actor: Actor, site: TestSite, dish_id: UUID, cooked: int) -> UUID:
    """A batch that is cooked, its serving over."""
    with db.writing(engine) as session:
        meal = Meal(DAY, "lunch", site.venue_id)
        row = production.plan(session, actor, meal, dish_id, cooked, key=str(new_id()))
        done = Finish(grams=20_000, portions=cooked, cook="王", core_tenths=800)
        for event in (Start(), done, Serve(0, 2_000)):
            production.tell(session, actor, row.id, event, key=str(new_id()))
        return row.id


def test_covers_are_people_and_portions_are_of_their_dish(
    engine: Engine, site: TestSite, dish: UUID, sell: Any, make_diner: Callable[..., UUID]
) -> None:
    twice = make_diner(cash=100_000)
    sell(dish, 2, twice)
    sell(dish, 1, twice)
    sell(dish, 3)
    with db.reading(engine) as session:
        found = kitchen_sales.covers(session, site.id, DAY, DAY)
        book = cookbook.load_book(session, site.id)
        rows = kitchen_sales.portions(session, site.id, DAY, DAY, book=book)
        elsewhere = kitchen_sales.covers(session, site.id, DAY, DAY, venue_id=new_id())
    assert found == [CoverRow(DAY, "lunch", 2)]
    assert rows == [PortionRow(DAY, "lunch", dish, 6)]
    assert elsewhere == []


def test_a_batch_that_was_served_takes_in_late_sales_until_it_is_closed(
    engine: Engine, site: TestSite, actor: Actor, dish: UUID, sell: Any, clock: ManualClock
) -> None:
    batch = batch_of(engine, actor, site, dish, cooked=40)
    assert kitchen_sales.drive(engine, clock.now()) == "0 batches told anew"
    sell(dish, 5)
    assert kitchen_sales.drive(engine, clock.now()) == "1 batches told anew"
    assert kitchen_sales.drive(engine, clock.now()) == "0 batches told anew"
    clock.advance(300)
    sell(dish, 2)
    kitchen_sales.drive(engine, clock.now())
    with db.reading(engine) as session:
        row = session.scalars(select(Batch).where(Batch.id == batch)).one()
        assert (row.served_portions, row.left_grams) == (7, 2_000)
    with db.writing(engine) as session:
        settled = production.Settle(production.Fate.WASTE, 2_000)
        production.tell(session, actor, batch, settled, key="thrown")
        production.tell(session, actor, batch, production.Close(), key="over")
    clock.advance(300)
    sell(dish, 2)
    assert kitchen_sales.drive(engine, clock.now()) == "0 batches told anew"


def test_grams_and_halves_count_as_the_recipe_says() -> None:
    meal, dish = Meal(DAY, "lunch", new_id()), new_id()
    line = {"ingredient_id": new_id(), "quantity": 1}
    recipe = RecipeValues.model_validate(
        {"portions": 10, "yield_grams": 2000, "half_permille": 600, "lines": [line]}
    )
    weighed = Sold(meal, dish, {}, grams=1_100, weighed=4)
    assert portions_of(weighed, recipe) == 6  # five and a half, half up
    assert portions_of(weighed, None) == 4
    counted = Sold(meal, dish, {Portion.FULL: 3, Portion.HALF: 5}, grams=0, weighed=0)
    assert portions_of(counted, recipe) == 6
    assert portions_of(counted, None) == 6  # two and a half, half up


@given(
    st.integers(0, 500),
    st.lists(st.one_of(st.none(), st.integers(1, 200)), max_size=5),
)
def test_what_is_sold_is_shared_out_to_the_last_portion(
    count: int, batches: list[int | None]
) -> None:
    given_out = share_out(count, batches)
    assert len(given_out) == len(batches)
    assert all(part == 0 for part, cooked in zip(given_out, batches, strict=True) if not cooked)
    if any(cooked is not None for cooked in batches):
        assert sum(given_out) == count
        ready = [place for place, cooked in enumerate(batches) if cooked is not None]
        for place in ready[:-1]:
            assert given_out[place] <= (batches[place] or 0)
