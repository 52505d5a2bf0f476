import threading
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from dafan.db import reading, writing
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.money import Fen
from dafan.quantity import Measure, MeasureError
from kitchen import ingredients, lots, stock, stock_book, stock_proof
from kitchen.ingredients import IngredientValues
from kitchen.picking import Stored, pick, share
from kitchen.rows import KeyReusedError, SamePersonError
from kitchen.stock import NewLot, NotEnoughStockError, WasteReason

DAY = date(2026, 3, 2)
BATCH = ("batch", new_id())


@pytest.fixture
def pork(engine, actor):
    with writing(engine) as session:
        values = IngredientValues(name="五花肉", category="畜肉", shelf_days=3)
        return ingredients.create(session, actor, values).id


@pytest.fixture
def come(engine, actor, pork):
    """Puts a lot of pork in and gives its id."""

    def do(quantity, cost=0, *, key=None, **kept):
        with writing(engine) as session:
            new = NewLot(pork, quantity, Fen(cost), supplier_id=kept.pop("supplier", None), **kept)
            return stock.put_in(session, actor, new, key=key or str(new_id()), day=DAY).id

    return do


def issue(engine, actor, ingredient, quantity, key="k", **more):
    with writing(engine) as session:
        taken = stock.issue(
            session, actor, ingredient, quantity, **{"ref": BATCH, "key": key, "day": DAY, **more}
        )
        return [(entry.lot_id, entry.quantity, entry.cost) for entry in taken]


def left(engine, actor, lot):
    with reading(engine) as session:
        return stock.left_of(session, actor.site_id, lot)


def proved(engine):
    with reading(engine) as session:
        return list(stock_proof.faults(session))


# --- first expiring, first out ------------------------------------------------------------------

some_lots = st.lists(
    st.builds(
        Stored,
        lot_id=st.uuids(),
        quantity=st.integers(0, 5000),
        cost=st.integers(0, 10**6),
        received_on=st.dates(DAY - timedelta(9), DAY),
        expires_on=st.none() | st.dates(DAY - timedelta(5), DAY + timedelta(9)),
        held=st.booleans(),
        number=st.text("0123456789", min_size=3, max_size=3),
    ),
    max_size=12,
    unique_by=lambda lot: lot.lot_id,
)


@given(some_lots, st.integers(1, 20_000))
def test_no_good_lot_that_expires_sooner_is_left_untouched_behind_a_later_one(kept, wanted):
    picks = pick(kept, wanted, DAY)
    taken = {take.lot_id: take.quantity for take in picks.takes}
    good = [
        lot for lot in kept if not lot.held and (lot.expires_on or date.max) >= DAY and lot.quantity
    ]
    assert taken.keys() <= {lot.lot_id for lot in good}
    assert sum(taken.values()) == min(wanted, sum(lot.quantity for lot in good))
    assert sum(taken.values()) + picks.short == wanted
    ranks = {lot.lot_id: (lot.expires_on or date.max, lot.received_on) for lot in good}
    for lot in good:
        if taken.get(lot.lot_id, 0) < lot.quantity:
            assert all(ranks[other] <= ranks[lot.lot_id] for other in taken)


@given(st.integers(1, 10**9), st.integers(0, 10**9), st.data())
def test_whatever_the_parts_the_last_gram_takes_what_remains_of_the_cost(quantity, cost, data):
    while quantity:
        part = data.draw(st.integers(max(1, quantity // 3), quantity))
        taken = share(cost, quantity, part)
        assert 0 <= taken <= cost
        quantity, cost = quantity - part, cost - taken
    assert cost == 0


# --- in and out ---------------------------------------------------------------------------------


def test_what_comes_in_has_a_number_of_its_day_and_the_last_day_of_its_shelf_life(
    engine, actor, come
):
    first, second = come(1000, produced_on=DAY), come(1000, expires_on=DAY)
    with reading(engine) as session:
        one, two = (lots.get(session, actor.site_id, lot) for lot in (first, second))
    assert (one.number, two.number) == ("20260302-001", "20260302-002")
    assert (one.expires_on, two.expires_on) == (date(2026, 3, 5), DAY)
    assert one.zone == "动物性食品"
    assert [line.action for line in actor.recorded[1:]] == ["stock.in", "stock.in"]


def test_an_issue_takes_the_lot_that_expires_first_and_splits_over_the_next(
    engine, actor, pork, come
):
    late = come(1000, 3000, expires_on=DAY + timedelta(5))
    soon = come(400, 1001, expires_on=DAY + timedelta(1))
    assert issue(engine, actor, pork, 500) == [(soon, -400, -1001), (late, -100, -300)]
    with reading(engine) as session:
        assert stock.usable(session, actor.site_id, DAY) == {pork: 900}
        assert lots.get(session, actor.site_id, soon).state == "gone"
    assert not proved(engine)


def test_expired_and_held_lots_are_not_cooked_and_the_shortage_is_named(engine, actor, pork, come):
    come(1000, expires_on=DAY)
    held = come(700)
    with writing(engine) as session:
        lots.hold(session, actor, held, "召回")
    tomorrow = DAY + timedelta(1)
    with reading(engine) as session:
        assert stock.usable(session, actor.site_id, DAY) == {pork: 1000}
        assert stock.usable(session, actor.site_id, tomorrow) == {}
    with pytest.raises(NotEnoughStockError, match="五花肉: 1 g are wanted, 0 are left"):
        issue(engine, actor, pork, 1, day=tomorrow)


def test_the_same_key_moves_once_and_with_other_content_nothing(engine, actor, pork, come):
    come(1000, 1000)
    once = issue(engine, actor, pork, 300)
    assert issue(engine, actor, pork, 300) == once
    with pytest.raises(KeyReusedError):
        issue(engine, actor, pork, 301)
    with reading(engine) as session:
        assert stock.usable(session, actor.site_id, DAY) == {pork: 700}
        assert len(session.scalars(select(stock.StockEntry)).all()) == 2


def test_a_repetition_is_answered_also_when_nothing_is_left(engine, actor, pork, come):
    come(300)
    assert issue(engine, actor, pork, 300) == issue(engine, actor, pork, 300)


def test_a_delivery_that_is_sent_twice_makes_one_lot(come):
    assert come(500, key="same") == come(500, key="same")
    with pytest.raises(KeyReusedError):
        come(501, key="same")


def test_an_issue_that_fails_leaves_its_key_free(engine, actor, pork, come):
    come(100)
    with writing(engine) as session, pytest.raises(NotEnoughStockError):
        stock.issue(session, actor, pork, 200, ref=BATCH, key="k", day=DAY)
    come(100)
    assert len(issue(engine, actor, pork, 200)) == 2


@pytest.mark.parametrize("quantity", [0, -1, 10**9 + 1])
def test_nothing_negative_and_nothing_absurd_moves(engine, actor, pork, come, quantity):
    with pytest.raises(BadInputError, match="no quantity"):
        come(quantity)
    with pytest.raises(BadInputError, match="no quantity"):
        issue(engine, actor, pork, quantity)


def test_millilitres_of_pork_are_refused(engine, actor, pork, come):
    come(500)
    with pytest.raises(MeasureError):
        issue(engine, actor, pork, 500, measure=Measure.VOLUME)


def test_what_is_expired_and_what_costs_less_than_nothing_comes_into_no_stock(come):
    with pytest.raises(BadInputError, match="until"):
        come(500, expires_on=DAY - timedelta(1))
    with pytest.raises(BadInputError, match="price"):
        come(500, -1)


def test_nobody_moves_the_stock_of_another_site(engine, actor, pork, come):
    lot = come(500)
    stranger = type(actor)(new_id(), "stranger", actor.at)
    with pytest.raises(BadInputError):
        issue(engine, stranger, pork, 1)
    with pytest.raises(lots.UnknownLotError), writing(engine) as session:
        stock.transfer(
            session, stranger, lot, 1, source="store", target="x", key="t", day=DAY
        )  # fmt: skip


# --- from place to place, back, away ------------------------------------------------------------


def test_a_transfer_carries_the_cost_and_can_be_issued_there(engine, actor, pork, come):
    lot = come(3, 100)
    with writing(engine) as session:
        stock.transfer(session, actor, lot, 2, source="store", target="二食堂", key="t", day=DAY)
    assert issue(engine, actor, pork, 2, place="二食堂") == [(lot, -2, -67)]
    assert issue(engine, actor, pork, 1, key="l") == [(lot, -1, -33)]
    assert not proved(engine)


def test_a_held_lot_stays_where_it_is_but_goes_back_to_its_supplier(engine, actor, come):
    lot = come(300, supplier=new_id())
    with writing(engine) as session:
        lots.hold(session, actor, lot, "异味")
    with pytest.raises(lots.HeldError), writing(engine) as session:
        stock.transfer(session, actor, lot, 1, source="store", target="二食堂", key="t", day=DAY)
    with writing(engine) as session:
        stock.give_back(session, actor, lot, 300, why="异味", key="r", day=DAY)
    assert left(engine, actor, lot) == 0
    with reading(engine) as session:
        assert lots.get(session, actor.site_id, lot).state == "held"
    assert not proved(engine)


def test_only_another_person_lets_go_what_one_held(engine, actor, pork, come):
    lot = come(300)
    with writing(engine) as session:
        lots.hold(session, actor, lot, "疑似变质")
    with pytest.raises(lots.HeldError), writing(engine) as session:
        stock_book.release(session, actor, lot, "没事")
    with writing(engine) as session:
        stock_book.release(session, actor.named("chef"), lot, "复检合格")
    assert issue(engine, actor, pork, 300)


def test_nothing_is_thrown_away_without_a_second_person(engine, actor, come):
    lot = come(300)
    for asked_by in ("", actor.name):
        with pytest.raises(SamePersonError), writing(engine) as session:
            stock.waste(
                session, actor, lot, 1, reason=WasteReason.TRIM, asked_by=asked_by, key="w",
                day=DAY,
            )  # fmt: skip
    with writing(engine) as session:
        (entry,) = stock.waste(
            session, actor.named("chef"), lot, 300, reason=WasteReason.SPOILAGE, key="w", day=DAY,
            asked_by=actor.name,
        )  # fmt: skip
    assert (entry.by, entry.approved_by, entry.reason) == ("keeper", "chef", "spoilage")
    assert left(engine, actor, lot) == 0


def test_a_dear_issue_needs_a_second_person_and_a_cheap_one_does_not(engine, actor, pork, come):
    come(1000, 10_000)
    with writing(engine) as session:
        stock.set_limit(session, actor, 5000)
    assert issue(engine, actor, pork, 500)
    come(100, 1000)
    for asked_by in (None, "keeper"):
        with pytest.raises(SamePersonError):
            issue(engine, actor, pork, 600, key="l", asked_by=asked_by)
    chef = actor.named("chef")
    assert len(issue(engine, chef, pork, 600, key="l", asked_by=actor.name)) == 2
    with reading(engine) as session:
        query = select(stock.StockEntry).where(stock.StockEntry.key == "l")
        assert {(row.by, row.approved_by) for row in session.scalars(query)} == {("keeper", "chef")}


# --- two tablets --------------------------------------------------------------------------------


def at_once(*works):
    """Run them together; what each gave, or why it could not."""
    results, start = {}, threading.Barrier(len(works))

    def run(number, work):
        start.wait()
        try:
            results[number] = work()
        except BadInputError as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [results[number] for number in range(len(works))]


def test_of_two_tablets_that_issue_the_last_kilo_at_once_one_wins(engine, actor, pork, come):
    for number in range(5):
        lot = come(1000, 777)
        done = at_once(*(
            lambda key=f"{number}{who}": issue(engine, actor, pork, 1000, key=key)
            for who in "ab"
        ))  # fmt: skip
        assert sum(isinstance(one, NotEnoughStockError) for one in done) == 1, done
        assert [(lot, -1000, -777)] in done
    assert not proved(engine)


def test_one_wish_sent_twice_at_once_moves_once(engine, actor, pork, come):
    for number in range(5):
        come(1000)
        done = at_once(*[lambda key=str(number): issue(engine, actor, pork, 600, key=key)] * 2)
        assert done[0] == done[1]
        issue(engine, actor, pork, 400, key=f"rest {number}")


def test_lots_that_come_at_once_have_different_numbers(engine, actor, come):
    made = at_once(*[lambda: come(100)] * 4)
    with reading(engine) as session:
        numbers = {lots.get(session, actor.site_id, lot).number for lot in made}
    assert len(numbers) == 4
