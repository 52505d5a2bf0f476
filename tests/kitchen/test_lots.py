"""What a storekeeper sees of lots: their numbers, what spoils, what they are worth, their trace."""

from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from sqlalchemy import event

from dafan.db import reading, writing
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.money import Fen
from kitchen import ingredients, lots, stock, stock_alerts, stock_book, stock_trace, suppliers
from kitchen.deliveries import ReceivingLine
from kitchen.ingredients import IngredientValues
from kitchen.lots import Lot
from kitchen.stock import NewLot
from kitchen.stock_alerts import Alert
from kitchen.stock_book import StockLevel
from kitchen.suppliers import SupplierValues

DAY = date(2026, 3, 2)


@pytest.fixture
def pork(engine, actor):
    with writing(engine) as session:
        values = IngredientValues(name="五花肉", category="畜肉", minimum=2000)
        return ingredients.create(session, actor, values).id


@pytest.fixture
def come(engine, actor, pork):
    """Puts a lot in and gives its id."""

    def do(quantity=1000, cost=0, **kept):
        with writing(engine) as session:
            new = NewLot(pork, quantity, Fen(cost), **kept)
            return stock.put_in(session, actor, new, key=str(new_id()), day=DAY).id

    return do


@contextmanager
def asked(engine):
    """The questions that the block asks."""
    told = []

    def hear(_connection, _cursor, statement, *_):
        if statement.startswith("SELECT"):
            told.append(statement)

    event.listen(engine, "before_cursor_execute", hear)
    yield told
    event.remove(engine, "before_cursor_execute", hear)


@pytest.mark.parametrize(
    ("life", "gone", "alert"),
    [(9, 6, None), (9, 7, Alert.LAST_THIRD), (9, 9, Alert.LAST_THIRD), (9, 10, Alert.EXPIRED)],
)
def test_a_lot_is_shown_in_the_last_third_of_its_life(life, gone, alert):
    lot = Lot(produced_on=DAY, received_on=DAY, expires_on=DAY + timedelta(life), state="ok")
    assert stock_alerts.of_lot(lot, DAY + timedelta(gone)) is alert


def test_what_does_not_spoil_never_warns_and_a_held_lot_always_does():
    lot = Lot(received_on=DAY, expires_on=None, state="ok")
    assert stock_alerts.of_lot(lot, date(2036, 1, 1)) is None
    lot.state = "held"
    assert stock_alerts.of_lot(lot, DAY) is Alert.HELD


def test_the_worst_stands_first_and_what_is_used_up_is_not_shown(engine, actor, pork, come):
    spoils = come(100, expires_on=DAY)
    held = come(200)
    soon = come(300, produced_on=DAY - timedelta(9), expires_on=DAY + timedelta(2))
    come(400)
    with writing(engine) as session:
        lots.hold(session, actor, held, "召回")
        stock.issue(session, actor, pork, 50, ref=("batch", new_id()), key="i", day=DAY)
    with reading(engine) as session:
        found = stock_alerts.alerts(session, actor.site_id, DAY + timedelta(1))
    assert [(one.alert, one.lot_id, one.left) for one in found] == [
        (Alert.EXPIRED, spoils, 50),
        (Alert.HELD, held, 200),
        (Alert.LAST_THIRD, soon, 300),
        (Alert.BELOW_MINIMUM, None, 700),
    ]


def test_the_stock_is_worth_what_its_lots_have_cost(engine, actor, pork, come):
    come(1000, 2890)
    come(1000, 3000)
    with writing(engine) as session:
        stock.issue(session, actor, pork, 1500, ref=("batch", new_id()), key="i", day=DAY)
    with reading(engine) as session:
        assert stock_alerts.valuation(session, actor.site_id) == {
            pork: stock_alerts.Held(500, 1500)
        }
        assert stock_alerts.valuation(session, new_id()) == {}


def test_a_lot_is_found_by_its_label_and_by_nobody_else(engine, actor, come):
    lot = come()
    with reading(engine) as session:
        found = lots.find_by_number(session, actor.site_id, " 20260302-001 ")
        assert found is not None
        assert found.id == lot
        assert lots.find_by_number(session, new_id(), "20260302-001") is None
        with pytest.raises(lots.UnknownLotError):
            lots.get(session, new_id(), lot)


def test_nobody_holds_or_lets_go_without_a_reason(engine, actor, come):
    lot = come()
    with writing(engine) as session:
        with pytest.raises(BadInputError, match="why"):
            lots.hold(session, actor, lot, " ")
        with pytest.raises(lots.HeldError):
            stock_book.release(session, actor.named("chef"), lot, "好")


# --- trace --------------------------------------------------------------------------------------


def test_a_lot_is_traced_to_its_batches_and_a_batch_to_its_suppliers(engine, actor, pork, come):
    with writing(engine) as session:
        seller = suppliers.create(session, actor, SupplierValues(name="鲜达")).id
    first = come(300, 300, expires_on=DAY, supplier_id=seller, batch="B7")
    second = come(700, 1400)
    soup, stew = ("batch", new_id()), ("batch", new_id())
    with writing(engine) as session:
        stock.issue(session, actor, pork, 200, ref=soup, key="1", day=DAY)
        stock.issue(session, actor, pork, 200, ref=stew, key="2", day=DAY)
        stock.issue(session, actor, pork, 100, ref=stew, key="3", day=DAY)
    with reading(engine) as session:
        trace = stock_trace.trace_lot(session, actor.site_id, first)
        used = stock_trace.trace_ref(session, actor.site_id, *stew)
        meal = stock_trace.trace_refs(session, actor.site_id, "batch", [soup[1], stew[1]])
        assert stock_trace.trace_ref(session, new_id(), *stew) == ()
    assert (trace.origin.supplier, trace.origin.batch) == ("鲜达", "B7")
    assert [(move.quantity, move.ref) for move in trace.issues] == [(-200, soup), (-100, stew)]
    assert [(one.origin.lot_id, one.quantity, one.fen) for one in used] == [
        (first, 100, 100),
        (second, 200, 400),
    ]
    assert sum(one.quantity for one in meal) == 500


def test_a_trace_asks_no_more_questions_however_many_lots_and_batches_there_are(
    engine, actor, pork, come
):
    counts = []
    for size in (1, 12):
        batch = ("batch", new_id())
        last = [come(10) for _ in range(size)][-1]
        with writing(engine) as session:
            stock.issue(session, actor, pork, 10 * size, ref=batch, key=str(size), day=DAY)
        with asked(engine) as told, reading(engine) as session:
            assert len(stock_trace.trace_ref(session, actor.site_id, *batch)) == size
            back = len(told)
            stock_trace.trace_lot(session, actor.site_id, last)
        counts.append((back, len(told)))
    assert counts[0] == counts[1] == (2, 5)


def test_each_question_of_a_trace_has_its_index():
    indexes = {
        tuple(column.name for column in index.columns)
        for table in (stock.StockEntry, Lot, ReceivingLine)
        for index in table.__table__.indexes
    }
    assert {("site_id", "lot_id"), ("site_id", "ref_kind", "ref_id"), ("lot_id",)} <= indexes


def test_what_is_left_is_asked_of_an_index_that_knows_no_lot_that_is_gone(engine, actor, come):
    come()
    with asked(engine) as told, reading(engine) as session:
        stock.usable(session, actor.site_id, DAY)
        stock_alerts.valuation(session, actor.site_id)
    assert all("stock_level.quantity > 0" in question for question in told)
    (kept,) = [i for i in StockLevel.__table__.indexes if i.name == "ix_stock_level_left"]
    ways = kept.dialect_options
    assert {str(ways[name]["where"]) for name in ("sqlite", "postgresql")} == {"quantity > 0"}
