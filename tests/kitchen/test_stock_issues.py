import threading
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from dafan.db import reading, writing
from dafan.ids import new_id
from dafan.money import Fen
from kitchen import (
    byproducts,
    ingredients,
    lots,
    production,
    stock,
    stock_issues,
    stock_proof,
    stock_requests,
    stock_trace,
    stock_view,
)
from kitchen.dishes import Dish
from kitchen.ingredients import IngredientValues
from kitchen.meals import Meal
from kitchen.production import BatchStepError, Cancel
from kitchen.rows import KeyReusedError
from kitchen.stock import NewLot
from kitchen.stock_alerts import Alert
from kitchen.stock_book import StockEntry
from kitchen.stock_issues import NotIssuedError, Wish
from kitchen.stock_requests import StockRequest
from kitchen.stock_view import StockRules

DAY = date(2026, 3, 2)


@pytest.fixture
def pork(engine, actor):
    with writing(engine) as session:
        values = IngredientValues(name="五花肉", category="畜肉", minimum=500)
        return ingredients.create(session, actor, values).id


@pytest.fixture
def come(engine, actor, pork):
    def do(quantity, cost=0, **kept):
        with writing(engine) as session:
            new = NewLot(pork, quantity, Fen(cost), **kept)
            return stock.put_in(session, actor, new, key=str(new_id()), day=DAY).id

    return do


@pytest.fixture
def batch(engine, actor):
    with writing(engine) as session:
        dish = Dish(id=new_id(), site_id=actor.site_id, name="红烧肉", unit="piece")
        session.add(dish)
        session.flush()
        meal = Meal(DAY, "lunch", new_id())
        return production.plan(session, actor, meal, dish.id, 10, key="plan").id


def wish(pork, batch, quantity, key="k", **more):
    return Wish(pork, quantity, ("batch", batch), key, DAY, **more)


def take(engine, actor, told):
    with writing(engine) as session:
        return [entry.id for entry in stock_issues.take(session, actor, told)]


def back(engine, actor, lot, quantity, batch, key="b"):
    with writing(engine) as session:
        (entry,) = stock_issues.put_back(
            session, actor, lot, quantity, ref=("batch", batch), key=key, day=DAY
        )
        return entry.quantity, entry.cost


def proved(engine):
    with reading(engine) as session:
        return list(stock_proof.faults(session))


def test_a_batch_has_what_the_store_gave_it_and_once(engine, actor, pork, come, batch):
    come(1000, 3000)
    first = take(engine, actor, wish(pork, batch, 400))
    assert take(engine, actor, wish(pork, batch, 400)) == first
    with reading(engine) as session:
        assert byproducts.used(session, actor.site_id, batch) == {pork: 400}
    with pytest.raises(KeyReusedError):
        take(engine, actor, wish(pork, batch, 401))


def test_what_comes_back_lies_in_its_lot_again_even_if_that_was_gone(
    engine, actor, pork, come, batch
):
    lot = come(1000, 3001)
    take(engine, actor, wish(pork, batch, 1000))
    for _ in range(2):
        assert back(engine, actor, lot, 250, batch) == (250, 750)
    with reading(engine) as session:
        assert lots.get(session, actor.site_id, lot).state == "ok"
        assert byproducts.used(session, actor.site_id, batch) == {pork: 750}
        (used,) = stock_trace.trace_ref(session, actor.site_id, "batch", batch)
    assert (used.quantity, used.fen) == (750, 2251)
    with pytest.raises(NotIssuedError):
        back(engine, actor, lot, 751, batch, "more")
    assert back(engine, actor, lot, 750, batch, "rest") == (750, 2251)
    with reading(engine) as session:
        assert stock_trace.trace_ref(session, actor.site_id, "batch", batch) == ()
    assert proved(engine) == []


def test_nothing_comes_back_of_a_batch_that_is_over(engine, actor, pork, come, batch):
    lot = come(1000)
    take(engine, actor, wish(pork, batch, 100))
    with writing(engine) as session:
        production.tell(session, actor, batch, Cancel(), key="c")
    with pytest.raises(BatchStepError):
        back(engine, actor, lot, 50, batch)
    with reading(engine) as session:
        assert stock.left_of(session, actor.site_id, lot) == 900


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cost=st.integers(0, 10**6),
    parts=st.lists(st.integers(1, 300), min_size=1, max_size=5),
)
def test_all_that_went_and_came_back_costs_what_it_did(engine, actor, cost, parts):
    whole, purpose = sum(parts), ("other", new_id())
    with writing(engine) as session:
        food = ingredients.create(session, actor, IngredientValues(name=str(new_id()))).id
        new = NewLot(food, whole + 7, Fen(cost))
        lot = stock.put_in(session, actor, new, key=str(new_id()), day=DAY).id
        told = Wish(food, whole, purpose, str(new_id()), DAY)
        stock_issues.take(session, actor, told)
        for part in parts:
            stock_issues.put_back(
                session, actor, lot, part, ref=purpose, key=str(new_id()), day=DAY
            )
        (level,) = stock_view.lots_of(session, actor.site_id, DAY, lot_id=lot)
        assert (level.quantity, level.fen) == (whole + 7, cost)


def test_two_tablets_never_put_back_more_than_went(engine, actor, pork, come, batch):
    lot = come(1000)
    take(engine, actor, wish(pork, batch, 100))
    said = []

    def put(key):
        try:
            said.append(back(engine, actor, lot, 60, batch, key))
        except NotIssuedError as error:
            said.append(error.code)

    hands = [threading.Thread(target=put, args=(key,)) for key in "ab"]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    assert sorted(map(str, said)) == ["(60, 0)", "not_issued"]


def test_a_forged_return_is_named(engine, actor, pork, come, batch):
    lot = come(1000, 1000)
    take(engine, actor, wish(pork, batch, 100))
    back(engine, actor, lot, 50, batch)
    with writing(engine) as session:
        session.execute(update(StockEntry).where(StockEntry.kind == "back").values(quantity=500))
    assert any("came back of batch" in fault.what for fault in proved(engine))


def test_the_preview_is_what_is_taken_and_names_what_is_barred(engine, actor, pork, come, batch):
    late, soon = come(500, expires_on=DAY + timedelta(9)), come(500, expires_on=DAY)
    held = come(500)
    with writing(engine) as session:
        lots.hold(session, actor, held, "异味")
    with reading(engine) as session:
        seen = stock_issues.preview(session, actor.site_id, pork, 600, day=DAY)
        tomorrow = stock_issues.preview(session, actor.site_id, pork, 600, day=DAY + timedelta(1))
    assert [(pick.lot_id, pick.quantity) for pick in seen.picks.takes] == [(soon, 500), (late, 100)]
    assert [lot.id for lot in seen.barred] == [held]
    assert (tomorrow.picks.short, {lot.id for lot in tomorrow.barred}) == (100, {held, soon})
    with writing(engine) as session:
        taken = stock_issues.take(session, actor, wish(pork, batch, 600))
        assert [(entry.lot_id, -entry.quantity) for entry in taken] == [(soon, 500), (late, 100)]


def test_what_one_may_not_take_alone_is_asked_for_and_the_same_key_never_does_both(
    engine, actor, pork, come, batch
):
    come(1000, 5000)

    def ask():
        with writing(engine) as session:
            made = stock_requests.issue_or_ask(session, actor, wish(pork, batch, 400))
            return made.id if isinstance(made, StockRequest) else None

    with writing(engine) as session:
        stock.set_limit(session, actor, 1999)
    asked = ask()
    with writing(engine) as session:
        stock.set_limit(session, actor, None)
    assert asked is not None
    assert ask() == asked
    for _ in range(2):
        with writing(engine) as session:
            stock_requests.approve(session, actor.named("chef"), asked, day=DAY)
    with reading(engine) as session:
        assert byproducts.used(session, actor.site_id, batch) == {pork: 400}
        entry = session.scalars(select(StockEntry).where(StockEntry.kind == "out")).one()
    assert (entry.quantity, entry.by, entry.approved_by) == (-400, "keeper", "chef")


def test_lights_say_what_is_wrong_with_an_ingredient(engine, actor, pork, come):
    def lights():
        with reading(engine) as session:
            rules = StockRules(maximum_times=4)
            (one,) = stock_view.on_hand(session, actor.site_id, DAY, rules)
            return one.quantity, one.usable, sorted(one.lights), one.worst

    assert lights() == (0, 0, [Alert.BELOW_MINIMUM], Alert.BELOW_MINIMUM)
    come(2000)
    assert lights() == (2000, 2000, [], None)
    held = come(1)
    assert lights()[2] == [Alert.ABOVE_MAXIMUM]
    with writing(engine) as session:
        lots.hold(session, actor, held, "异味")
    assert lights() == (2001, 2000, [Alert.ABOVE_MAXIMUM, Alert.HELD], Alert.HELD)
    for own, above in ((2001, False), (2000, True)):
        with writing(engine) as session:
            told = ingredients.values_of(ingredients.get(session, actor.site_id, pork))
            capped = told.model_copy(update={"maximum": own})
            ingredients.update(session, actor, pork, capped)
        assert (Alert.ABOVE_MAXIMUM in lights()[2]) is above
