from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dafan.db import reading, writing
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.records import Unit
from kitchen import byproducts, dishes, ingredients, production, waste
from kitchen.dishes import DishValues, UnknownDishError
from kitchen.ingredients import IngredientValues
from kitchen.meals import Meal
from kitchen.production import (
    BatchState,
    BatchStepError,
    Cancel,
    Close,
    CoreTooColdError,
    Fate,
    Finish,
    ProductionRules,
    Progress,
    Serve,
    Settle,
    Start,
)
from kitchen.rows import KeyReusedError, UnknownRowError
from kitchen.waste import Category

DAY = date(2026, 3, 2)
RULES = ProductionRules()
HOT = Finish(grams=20_000, portions=80, cook="cook", core_tenths=820)


@pytest.fixture
def meal():
    return Meal(DAY, "lunch", new_id())


@pytest.fixture
def pork(engine, actor):
    with writing(engine) as session:
        values = DishValues(name="红烧肉", unit=Unit.PIECE, price=800)
        return dishes.create(session, actor.site_id, values, by="chef", at=actor.at).id


@pytest.fixture
def carrot(engine, actor):
    with writing(engine) as session:
        return ingredients.create(session, actor, IngredientValues(name="胡萝卜")).id


@pytest.fixture
def batch(engine, actor, meal, pork):
    with writing(engine) as session:
        return production.plan(session, actor, meal, pork, 80, key="plan").id


@pytest.fixture
def tell(engine, actor, batch):
    def do(event, key=None, after=timedelta(), to=batch):
        who = actor.named("cook", actor.at + after)
        with writing(engine) as session:
            return production.tell(session, who, to, event, key=key or f"{event.kind} {new_id()}")

    return do


def test_a_batch_goes_from_plan_to_closed_and_its_waste_stands_in_the_ledger(
    engine, actor, batch, tell
):
    tell(Start())
    tell(HOT)
    tell(Serve(portions=70, left_grams=2500))
    tell(Settle(Fate.STAFF_MEAL, 1500), after=timedelta(minutes=90))
    tell(Settle(Fate.WASTE, 1000))
    done = tell(Close())
    assert (done.state, done.cooked_grams, done.served_portions) == ("closed", 20_000, 70)
    with reading(engine) as session:
        assert waste.totals(session, actor.site_id, DAY, DAY) == {Category.OVERPRODUCTION: 1000}
        (thrown,) = waste.page(session, actor.site_id, DAY)
        assert (thrown.batch_id, thrown.dish_id) == (batch, done.dish_id)
    actions = [line.action for line in actor.recorded if line.action.startswith("batch.")]
    assert actions == [
        "batch.plan", "batch.start", "batch.finish", "batch.serve", "batch.settle", "batch.settle",
        "batch.close",
    ]  # fmt: skip


def test_food_whose_core_is_cold_is_not_cooked_and_cooks_on(tell):
    tell(Start())
    for cold in (None, 699):
        with pytest.raises(CoreTooColdError, match="cook on"):
            tell(replace(HOT, core_tenths=cold))
    assert tell(replace(HOT, core_tenths=700)).state == BatchState.COOKED.value


def test_a_cold_dish_has_no_core_temperature(engine, actor, meal, pork, tell):
    with writing(engine) as session:
        cold = production.plan(session, actor, meal, pork, 10, key="cold", cold=True).id
    tell(Start(), to=cold)
    with pytest.raises(BadInputError, match="cold dish"):
        tell(HOT, to=cold)
    assert tell(replace(HOT, core_tenths=None), to=cold).state == "cooked"


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (BatchState.PLANNED, HOT),
        (BatchState.PLANNED, Close()),
        (BatchState.COOKING, Start()),
        (BatchState.COOKING, Serve(1, 0)),
        (BatchState.COOKING, Cancel()),
        (BatchState.COOKED, Settle(Fate.WASTE, 1)),
        (BatchState.COOKED, Close()),
        (BatchState.CLOSED, Serve(1, 0)),
        (BatchState.CANCELLED, Start()),
    ],
)
def test_a_step_out_of_order_is_refused(now, state, event):
    with pytest.raises(BatchStepError, match=f"the batch is {state}"):
        production.step(Progress(state, 10), event, now, RULES)


@pytest.mark.parametrize(
    "event",
    [
        replace(HOT, grams=0), replace(HOT, grams=-5), replace(HOT, grams=10**8),
        replace(HOT, portions=0), replace(HOT, cook=" "), replace(HOT, core_tenths=9000),
    ],
)  # fmt: skip
def test_absurd_figures_are_refused_and_nothing_is_written(engine, batch, tell, event):
    tell(Start())
    with pytest.raises(BadInputError):
        tell(event)
    with reading(engine) as session:
        assert session.get_one(production.Batch, batch).state == "cooking"


def test_more_is_never_left_than_was_cooked_nor_settled_than_is_left(tell):
    tell(Start())
    tell(HOT)
    with pytest.raises(BadInputError, match="weigh again"):
        tell(Serve(10, 20_001))
    tell(Serve(10, 500))
    with pytest.raises(BadInputError, match="500 g are left"):
        tell(Settle(Fate.WASTE, 501))
    tell(Settle(Fate.WASTE, 400))
    with pytest.raises(BadInputError, match="100 g are left: say"):
        tell(Close())
    with pytest.raises(BadInputError, match="between 400 g"):
        tell(Serve(12, 399))
    assert tell(Serve(12, 400)).served_portions == 12


def test_food_that_stood_lukewarm_for_hours_can_only_be_thrown_away(tell):
    tell(Start())
    tell(HOT)
    tell(Serve(10, 900))
    late = timedelta(minutes=121)
    for fate in (Fate.STAFF_MEAL, Fate.CHILLED):
        with pytest.raises(BadInputError, match="only be thrown away"):
            tell(Settle(fate, 100, held_tenths=599), after=late)
    tell(Settle(Fate.STAFF_MEAL, 100, held_tenths=600), after=late)
    tell(Settle(Fate.WASTE, 100), after=late)


def test_what_is_chilled_has_an_end(engine, actor, tell):
    tell(Start())
    tell(HOT)
    tell(Serve(10, 900))
    tell(Settle(Fate.CHILLED, 900))
    with reading(engine) as session:
        until = actor.at + timedelta(hours=24)
        found = production.chilled(session, actor.site_id, actor.at, until + timedelta(seconds=1))
        assert [(row.use_by, row.body["grams"]) for row in found] == [(until, 900)]
        assert not production.chilled(session, new_id(), actor.at, until + timedelta(days=1))


def test_told_twice_is_done_once_and_another_thing_under_the_key_is_refused(
    engine, actor, meal, pork, tell
):
    tell(Start())
    tell(HOT)
    tell(Serve(10, 900))
    for _ in range(2):
        assert tell(Settle(Fate.WASTE, 100), key="bin").settled_grams == 100
    with pytest.raises(KeyReusedError):
        tell(Settle(Fate.WASTE, 101), key="bin")
    with writing(engine) as session:
        again = production.plan(session, actor, meal, pork, 80, key="plan")
        assert (again.number, len(production.of_meal(session, actor.site_id, meal))) == (1, 1)
        assert production.plan(session, actor, meal, pork, 20, key="more").number == 2
    with reading(engine) as session:
        assert waste.totals(session, actor.site_id, DAY, DAY) == {Category.OVERPRODUCTION: 100}


def test_another_site_sees_and_moves_nothing(engine, actor, meal, pork, batch):
    stranger = type(actor)(new_id(), "stranger", actor.at)
    with pytest.raises(UnknownRowError), writing(engine) as session:
        production.tell(session, stranger, batch, Start(), key="k")
    with pytest.raises(UnknownDishError), writing(engine) as session:
        production.plan(session, stranger, meal, pork, 5, key="k")


def test_a_batch_needs_what_the_store_has_not_given_yet(engine, actor, batch, carrot):
    oil = new_id()
    with writing(engine) as session:
        byproducts.note_issue(session, actor, batch, carrot, 3000, entries=[new_id()], key="first")
        has = byproducts.used(session, actor.site_id, batch)
    exploded = {carrot: 5000, oil: 200}
    wanted = byproducts.needs(batch, exploded, has)
    assert {need.ingredient_id: need.quantity for need in wanted} == {carrot: 2000, oil: 200}
    assert {need.ref for need in wanted} == {("batch", batch)}
    assert byproducts.needs(batch, exploded, has) == wanted
    assert not byproducts.needs(batch, exploded, exploded)


def test_trimmings_feed_another_dish_and_are_counted_once(engine, actor, meal, pork, batch, carrot):
    entry = new_id()
    with writing(engine) as session:
        soup = production.plan(session, actor, meal, pork, 30, key="soup").id
        for _ in range(2):
            byproducts.note_issue(session, actor, batch, carrot, 5000, entries=[entry], key="i")
            byproducts.hand_on(session, actor, batch, soup, carrot, 800, key="h")
        assert byproducts.used(session, actor.site_id, batch) == {carrot: 4200}
        assert byproducts.used(session, actor.site_id, soup) == {carrot: 800}
    for quantity in (0, -1, 4201):
        with pytest.raises(BadInputError, match="4200"), writing(engine) as session:
            byproducts.hand_on(session, actor, batch, soup, carrot, quantity, key="more")
    with pytest.raises(BadInputError, match="own"), writing(engine) as session:
        byproducts.hand_on(session, actor, batch, batch, carrot, 1, key="own")
    with pytest.raises(BadInputError, match="more cannot come back"), writing(engine) as session:
        byproducts.note_issue(session, actor, batch, carrot, -4201, entries=[entry], key="b")


def test_nothing_goes_into_a_batch_that_is_over(engine, actor, batch, carrot, tell):
    tell(Cancel())
    with pytest.raises(BatchStepError), writing(engine) as session:
        byproducts.note_issue(session, actor, batch, carrot, 5, entries=[new_id()], key="late")


def test_an_issue_without_stock_entries_is_none(engine, actor, batch, carrot):
    with pytest.raises(BadInputError, match="entries"), writing(engine) as session:
        byproducts.note_issue(session, actor, batch, carrot, 5, entries=[], key="x")


EVENTS = st.one_of(
    st.just(Start()),
    st.builds(
        Finish,
        grams=st.integers(-10, 5000),
        portions=st.integers(0, 50),
        cook=st.just("cook"),
        core_tenths=st.sampled_from([None, 650, 700, 900]),
    ),
    st.builds(Serve, portions=st.integers(-1, 60), left_grams=st.integers(-10, 5000)),
    st.builds(
        Settle,
        fate=st.sampled_from(Fate),
        grams=st.integers(-10, 3000),
        held_tenths=st.sampled_from([None, 500, 650]),
    ),
    st.just(Close()),
    st.just(Cancel()),
)


@given(st.lists(st.tuples(EVENTS, st.integers(0, 200)), max_size=30))
def test_whatever_is_told_weights_agree_and_only_settled_batches_close(told):
    progress = Progress(BatchState.PLANNED, 20)
    at = datetime.fromisoformat("2026-03-02T00:30:00+00:00")
    for event, minutes in told:
        at += timedelta(minutes=minutes)
        try:
            progress = production.step(progress, event, at, RULES)
        except BadInputError:
            continue
        left = progress.left_grams or 0
        assert 0 <= progress.settled_grams <= left <= (progress.cooked_grams or 0)
        if progress.finished_at:
            assert progress.core_tenths is not None
            assert progress.core_tenths >= 700
        if progress.state is BatchState.CLOSED:
            assert progress.settled_grams == left
