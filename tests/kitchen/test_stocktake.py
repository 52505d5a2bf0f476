import threading
from datetime import date

import pytest
from sqlalchemy import select

from dafan.db import reading, writing
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.money import Fen
from kitchen import ingredients, stock, stock_proof, stock_requests, stocktake
from kitchen.ingredients import IngredientValues
from kitchen.rows import KeyReusedError, SamePersonError
from kitchen.stock import NewLot, NotEnoughStockError, StockEntry, WasteReason
from kitchen.stock_requests import DecidedError
from kitchen.stocktake import StocktakeError

DAY = date(2026, 3, 2)
BATCH = ("batch", new_id())


@pytest.fixture
def rice(engine, actor):
    with writing(engine) as session:
        values = IngredientValues(name="大米", category="粮食")
        return ingredients.create(session, actor, values).id


@pytest.fixture
def lot(engine, actor, rice):
    """Ten kilograms for 52 yuan."""
    with writing(engine) as session:
        new = NewLot(rice, 10_000, Fen(5200))
        return stock.put_in(session, actor, new, key="in", day=DAY).id


@pytest.fixture
def chef(actor):
    return actor.named("chef")


@pytest.fixture
def do(engine):
    """Does something in a transaction of its own."""

    def run(work, *parts, **named):
        with writing(engine) as session:
            return work(session, *parts, **named)

    return run


@pytest.fixture
def taking(do, actor):
    return do(stocktake.begin, actor, key="c", day=DAY).id


def issue(do, actor, rice, quantity, key):
    do(stock.issue, actor, rice, quantity, ref=BATCH, key=key, day=DAY)


def left(engine, actor, lot):
    with reading(engine) as session:
        assert not list(stock_proof.faults(session))
        return stock.left_of(session, actor.site_id, lot)


def at_once(*works):
    """Run them together; what each gave."""
    results, start = [], threading.Barrier(len(works))

    def run(work):
        start.wait()
        results.append(work())

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == len(works)
    return results


# --- stocktake ----------------------------------------------------------------------------------


def test_issuing_before_and_after_the_counting_of_a_lot_falsifies_nothing(
    engine, do, actor, chef, rice, lot, taking
):
    issue(do, actor, rice, 1000, "before")
    line = do(stocktake.count, actor, taking, lot, 8950)
    issue(do, actor, rice, 2000, "after")
    assert (line.level, line.difference) == (9000, -50)
    do(stocktake.ask, actor, taking)
    assert left(engine, actor, lot) == 7000, "nothing moves before the yes"
    (entry,) = do(stocktake.approve, chef, taking, day=DAY)
    assert (entry.quantity, entry.cost, entry.by, entry.approved_by) == (-50, -26, "keeper", "chef")
    assert left(engine, actor, lot) == 6950


def test_what_was_found_more_costs_as_much_as_the_rest_and_brings_an_empty_lot_back(
    engine, do, actor, chef, rice, lot, taking
):
    issue(do, actor, rice, 10_000, "all")
    do(stocktake.count, actor, taking, lot, 500)
    do(stocktake.ask, actor, taking)
    (entry,) = do(stocktake.approve, chef, taking, day=DAY)
    assert (entry.quantity, entry.cost) == (500, 260)
    issue(do, actor, rice, 500, "again")
    assert left(engine, actor, lot) == 0


def test_a_loss_that_cannot_have_been_is_counted_again_and_nothing_is_booked(
    engine, do, actor, chef, rice, lot, taking
):
    do(stocktake.count, actor, taking, lot, 4000)
    do(stocktake.ask, actor, taking)
    issue(do, actor, rice, 9000, "most")
    with pytest.raises(NotEnoughStockError, match="count it again"):
        do(stocktake.approve, chef, taking, day=DAY)
    assert left(engine, actor, lot) == 1000
    do(stocktake.refuse, chef, taking, "重新盘点")
    with pytest.raises(DecidedError):
        do(stocktake.approve, chef, taking, day=DAY)


def test_neither_the_asker_nor_a_counter_approves(do, actor, chef, lot, taking):
    do(stocktake.count, chef, taking, lot, 9000)
    do(stocktake.ask, actor, taking)
    for person in (actor, chef):
        with pytest.raises(SamePersonError):
            do(stocktake.approve, person, taking, day=DAY)
    (booked,) = do(stocktake.approve, actor.named("manager"), taking, day=DAY)
    (again,) = do(stocktake.approve, actor.named("manager"), taking, day=DAY)
    assert again.id == booked.id
    with pytest.raises(DecidedError):
        do(stocktake.approve, actor.named("director"), taking, day=DAY)


def test_what_nobody_counted_is_named_and_the_newer_figure_of_a_lot_holds(
    engine, do, actor, chef, lot, taking
):
    with reading(engine) as session:
        missing = stocktake.uncounted(session, actor.site_id, taking)
        assert [one.id for one in missing] == [lot]
    do(stocktake.count, actor, taking, lot, 1)
    do(stocktake.count, actor, taking, lot, 10_000)
    with reading(engine) as session:
        assert not stocktake.uncounted(session, actor.site_id, taking)
    do(stocktake.ask, actor, taking)
    assert do(stocktake.approve, chef, taking, day=DAY) == []
    assert left(engine, actor, lot) == 10_000


def test_a_count_that_is_sent_twice_is_one_count_and_a_second_one_is_its_own(
    do, actor, chef, rice, lot, taking
):
    first = do(stocktake.count, actor, taking, lot, 9000, seen="")
    issue(do, actor, rice, 500, "between")
    again = do(stocktake.count, actor, taking, lot, 9000, seen="")
    assert (again.level, again.at) == (10_000, first.at)
    with pytest.raises(StocktakeError, match="meanwhile"):
        do(stocktake.count, chef, taking, lot, 8000, seen="")
    newer = do(stocktake.count, chef, taking, lot, 9000, seen=first.at.isoformat())
    assert (newer.level, newer.difference) == (9500, -500)


def test_absurd_counts_closed_stocktakes_and_those_of_others_are_refused(do, actor, lot, taking):
    for counted in (-1, 10**9 + 1):
        with pytest.raises(BadInputError, match="counted"):
            do(stocktake.count, actor, taking, lot, counted)
    with pytest.raises(StocktakeError):
        do(stocktake.ask, actor, taking)
    do(stocktake.count, actor, taking, lot, 1)
    do(stocktake.ask, actor, taking)
    with pytest.raises(StocktakeError, match="not open"):
        do(stocktake.count, actor, taking, lot, 2)
    with pytest.raises(StocktakeError):
        do(stocktake.count, type(actor)(new_id(), "x", actor.at), taking, lot, 2)
    assert do(stocktake.begin, actor, key="c", day=DAY).id == taking


# --- what waits for a second person -------------------------------------------------------------


def test_waste_waits_for_a_second_person_and_then_moves_once(engine, do, actor, chef, lot):
    wish = {"reason": WasteReason.SPOILAGE, "key": "w", "day": DAY, "note": "霉变"}
    request = do(stock_requests.ask_waste, actor, lot, 300, **wish).id
    assert do(stock_requests.ask_waste, actor, lot, 300, **wish).id == request
    assert left(engine, actor, lot) == 10_000
    with pytest.raises(SamePersonError):
        do(stock_requests.approve, actor, request, day=DAY)
    (entry,) = do(stock_requests.approve, chef, request, day=DAY)
    assert (entry.quantity, entry.by, entry.approved_by) == (-300, "keeper", "chef")
    (again,) = do(stock_requests.approve, chef, request, day=DAY)
    assert again.id == entry.id
    with pytest.raises(DecidedError):
        do(stock_requests.approve, actor.named("manager"), request, day=DAY)
    assert left(engine, actor, lot) == 9700
    with reading(engine) as session:
        assert not stock_requests.waiting(session, actor.site_id)


def test_a_refused_issue_moves_nothing_and_says_why(engine, do, actor, chef, rice, lot):
    request = do(stock_requests.ask_issue, actor, rice, 300, ref=BATCH, key="i", day=DAY).id
    with pytest.raises(BadInputError, match="why"):
        do(stock_requests.refuse, chef, request, " ")
    assert do(stock_requests.refuse, chef, request, "太多").judgement == "太多"
    with pytest.raises(DecidedError):
        do(stock_requests.approve, chef, request, day=DAY)
    assert left(engine, actor, lot) == 10_000


def test_a_yes_that_finds_too_little_leaves_the_request_open(engine, do, actor, chef, rice, lot):
    do(stock.set_limit, actor, 100)
    request = do(stock_requests.ask_issue, actor, rice, 9000, ref=BATCH, key="i", day=DAY).id
    issue(do, actor, rice, 100, "small")
    do(stock_requests.ask_waste, actor, lot, 9000, reason=WasteReason.DAMAGE, key="w", day=DAY)
    with reading(engine) as session:
        _, damage = stock_requests.waiting(session, actor.site_id)
    do(stock_requests.approve, chef, damage.id, day=DAY)
    with writing(engine) as session, pytest.raises(NotEnoughStockError):
        stock_requests.approve(session, chef, request, day=DAY)
    with reading(engine) as session:
        assert [one.id for one in stock_requests.waiting(session, actor.site_id)] == [request]
        entries = session.scalars(select(StockEntry).where(StockEntry.kind == "out")).all()
        assert [entry.quantity for entry in entries] == [-100]


def test_a_key_that_asks_for_something_else_and_absurd_wishes_are_refused(do, actor, rice, lot):
    do(stock_requests.ask_issue, actor, rice, 300, ref=BATCH, key="i", day=DAY)
    with pytest.raises(KeyReusedError):
        do(stock_requests.ask_issue, actor, rice, 301, ref=BATCH, key="i", day=DAY)
    with pytest.raises(BadInputError):
        do(stock_requests.ask_waste, actor, lot, -1, reason=WasteReason.TRIM, key="x", day=DAY)


def test_a_wish_that_two_tablets_send_at_once_is_asked_once(engine, do, actor, rice):
    asked = at_once(*[
        lambda: do(stock_requests.ask_issue, actor, rice, 5, ref=BATCH, key="i", day=DAY).id
    ] * 3)  # fmt: skip
    assert len(set(asked)) == 1
    with reading(engine) as session:
        assert len(stock_requests.waiting(session, actor.site_id)) == 1


def test_a_stocktake_that_two_tablets_open_at_once_is_one(do, actor):
    opened = at_once(*[lambda: do(stocktake.begin, actor, key="same", day=DAY).id] * 3)
    assert len(set(opened)) == 1
