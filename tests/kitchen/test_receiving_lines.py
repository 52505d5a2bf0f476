from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import partial
from threading import Barrier

import pytest

from dafan.db import reading, writing
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.quantity import Measure, MeasureError
from devices.receipt_doc import ReceiptDoc
from kitchen import (
    deliveries,
    ingredients,
    limits,
    purchase_book,
    purchasing,
    receiving,
    receiving_book,
    receiving_lines,
    receiving_note,
    receiving_posting,
    stock,
    supervision,
    suppliers,
)
from kitchen.deliveries import ReceivingError, Role
from kitchen.ingredients import IngredientValues
from kitchen.purchase_rules import LineValues as Wanted
from kitchen.purchase_rules import OrderValues
from kitchen.receiving_rules import Certificate, Paper, PesticideTest, Rules, Weighing
from kitchen.rows import KeyReusedError
from kitchen.supplier_rules import LicenceKind, LicenceValues
from kitchen.suppliers import SupplierValues

DAY = date(2026, 3, 2)
RICE = IngredientValues(name="大米", category="粮食", pack=25_000, price=500)
EGG = IngredientValues(name="鸡蛋", category="蛋", measure=Measure.COUNT, pack=30)
SALT = IngredientValues(name="盐", category="调料")


@pytest.fixture
def store(engine, actor):
    """A supplier and his order of 50 kg of rice and 60 eggs, opened at the door."""
    buyer, chief = actor.named("buyer"), actor.named("chief")
    with writing(engine) as session:
        supplier = suppliers.create(session, buyer, SupplierValues(name="粮油"))
        paper = LicenceValues(
            kind=LicenceKind.BUSINESS, number="1", valid_from=DAY, valid_to=DAY + timedelta(99)
        )
        suppliers.add_licence(session, buyer, supplier.id, paper)
        rice, egg, salt = (
            ingredients.create(session, buyer, values).id for values in (RICE, EGG, SALT)
        )
        wanted = (
            Wanted(ingredient_id=rice, quantity=50_000, price=520),
            Wanted(ingredient_id=egg, quantity=60, price=75),
        )
        values = OrderValues(supplier_id=supplier.id, deliver_on=DAY, lines=wanted)
        order = purchasing.draft(session, buyer, values, DAY, key="o").id
        purchasing.ask(session, buyer, order)
        purchasing.decide(session, chief, ("admin",), order, approve=True)
        purchasing.send(session, buyer, order, DAY)
    return Store(engine, actor, supplier.id, order, rice, egg, salt)


class Store:
    """What the tests do at the door."""

    def __init__(self, engine, actor, supplier, order, rice, egg, salt):
        self.engine, self.actor, self.supplier, self.order = engine, actor, supplier, order
        self.rice, self.egg, self.salt = rice, egg, salt
        self.id = self.begin()

    def begin(self):
        with writing(self.engine) as session:
            key = receiving_book.key_of(session, self.actor.site_id, self.order)
            return receiving.begin(
                session, self.actor, self.supplier, key=key, day=DAY, order_id=self.order
            ).id

    def do(self, work, *parts, by=None, **named):
        with writing(self.engine) as session:
            return work(session, by or self.actor, self.id, *parts, **named)

    def line_id(self, ingredient):
        return receiving_lines.line_id(self.id, ingredient)

    def weigh(self, ingredient, gross, key=None, **more):
        load = Weighing(key=key or str(new_id()), gross=gross, **more)
        return self.do(receiving_lines.weigh, self.line_id(ingredient), ingredient, load)

    def look(self, ingredient, **told):
        values = {"looks_good": True, **told}
        return self.do(receiving_lines.describe, self.line_id(ingredient), values)

    def lines(self):
        with reading(self.engine) as session:
            return {
                one.ingredient_id: one
                for one in receiving.lines(session, self.actor.site_id, self.id)
            }

    def finish(self, rules=None, by="keeper"):
        self.do(receiving.sign, Role.CHEF, "王厨")
        self.do(receiving.sign, Role.SUPPLIER, "赵")
        return self.do(
            receiving_posting.finish, by=self.actor.named(by), day=DAY,
            rules=rules or Rules(),
        )  # fmt: skip


def test_loads_of_two_tablets_add_up_and_none_is_lost(store):
    gate = Barrier(4)

    def load(number):
        gate.wait()
        store.weigh(store.rice, 1000 + number % 2, key=f"k{number % 2}")
        store.weigh(store.egg, 10 + number, key=f"e{number}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(load, range(4)))
    lines = store.lines()
    assert lines[store.rice].values.quantity == 1000 + 1001
    assert lines[store.egg].values.quantity == 10 + 11 + 12 + 13
    assert lines[store.egg].values.unit_price == 75


def test_what_one_tablet_sees_does_not_undo_what_another_weighed(store):
    store.weigh(store.rice, 25_000, key="a")
    gate = Barrier(2)

    def one(what):
        gate.wait()
        if what:
            store.weigh(store.rice, 25_000, key="b")
        else:
            store.look(store.rice, batch="B7", unit_price=510)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, (0, 1)))
    values = store.lines()[store.rice].values
    assert (values.quantity, values.batch, values.unit_price) == (50_000, "B7", 510)
    assert (values.ordered, values.ordered_price) == (50_000, 520)


def test_nobody_has_looked_until_he_says_so(store):
    store.weigh(store.egg, 60)
    with pytest.raises(ReceivingError, match="look at it"):
        store.finish()
    store.look(store.egg)
    assert [lot.quantity for lot in store.finish()] == [60]


def test_the_order_knows_what_was_accepted_and_a_second_delivery_what_is_left(store):
    store.weigh(store.rice, 30_000)
    store.look(store.rice)
    store.do(receiving.reject, store.line_id(store.rice), 5000, why="受潮")
    with reading(store.engine) as session:
        due = receiving_book.due(session, store.actor.site_id, DAY)
        assert [one.id for one in due] == [store.order]
        assert receiving_book.due(session, store.actor.site_id, DAY - timedelta(1)) == []
    for _ in range(2):
        assert len(store.finish()) == 1
    with reading(store.engine) as session:
        order = purchase_book.get(session, store.actor.site_id, store.order)
        got = receiving_book.ordered(session, store.order)
        assert (order.state, got[store.rice].received, got[store.egg].received) == (
            "partly", 25_000, 0
        )  # fmt: skip
        assert stock.usable(session, store.actor.site_id, DAY) == {store.rice: 25_000}
    first, store.id = store.id, store.begin()
    assert store.id != first
    assert store.weigh(store.rice, 25_000).values.ordered == 25_000


def test_a_delivery_that_was_opened_by_mistake_is_given_up_and_its_order_waits_again(store):
    store.weigh(store.egg, 60, key="wrong")
    mistake = partial(receiving_posting.give_up, why="供应商选错了", day=DAY)
    with pytest.raises(BadInputError, match="take the loads back"):
        store.do(mistake)
    store.do(receiving_lines.take_back, store.line_id(store.egg), "wrong")
    with pytest.raises(BadInputError, match="why"):
        store.do(mistake, why=" ")
    for _ in range(2):
        assert store.do(mistake).state == "given_up"
    told = [one for one in store.actor.recorded if one.action == "receiving.give_up"]
    assert [one.after["reason"] for one in told] == ["供应商选错了"]
    for late in (
        lambda: store.weigh(store.egg, 60),
        lambda: store.do(receiving_posting.finish, day=DAY, rules=Rules()),
    ):
        with pytest.raises(BadInputError, match="given up"):
            late()
    first, store.id = store.id, store.begin()
    assert store.id != first
    store.weigh(store.egg, 60)
    store.look(store.egg)
    assert len(store.finish()) == 1
    with pytest.raises(BadInputError, match="posted"):
        store.do(mistake)


def test_who_bought_it_does_not_receive_it_and_nothing_comes_in(store):
    store.weigh(store.egg, 60)
    store.look(store.egg)
    with pytest.raises(BadInputError, match="buyer did buy"):
        store.finish(by="buyer")
    with reading(store.engine) as session:
        assert stock.usable(session, store.actor.site_id, DAY) == {}
        assert deliveries.get(session, store.actor.site_id, store.id).state == "open"


def test_the_days_acts_are_proved_when_goods_are_in_and_a_test_is_written(store, monkeypatch):
    told = []
    monkeypatch.setattr(
        supervision, "fulfil", lambda _session, _by, kind, _ref, **_named: told.append(kind)
    )
    store.weigh(store.rice, 1000)
    store.look(store.rice)
    test = PesticideTest(item="有机磷", inhibition=10, device="NC-8", record="1")
    for _ in range(2):
        store.do(
            receiving_posting.add_test, store.line_id(store.rice), test, day=DAY, rules=Rules()
        )
    with writing(store.engine) as session:
        other = receiving.begin(session, store.actor, store.supplier, key="other", day=DAY).id
    store.finish()
    assert told == ["pesticide.day"], "another delivery of the day is not checked yet"
    store.id = other
    store.weigh(store.salt, 500)
    store.look(store.salt)
    for _ in range(2):
        store.finish()
    assert told == ["pesticide.day", "receiving.day"]


def test_what_was_not_ordered_is_not_received_with_the_order(store):
    with pytest.raises(ReceivingError, match="not in the order"):
        store.weigh(store.salt, 500)
    assert store.lines() == {}


@pytest.mark.parametrize(
    ("load", "said"),
    [
        ({"gross": 1_000_001}, "absurdly"),
        ({"gross": 1000, "crates": 2, "crate": 500}, "crates"),
        ({"gross": 10, "crates": 999, "crate": 10**9}, "crates"),
    ],
)
def test_what_no_scale_says_is_refused(store, load, said):
    with pytest.raises(BadInputError, match=said):
        store.weigh(store.rice, **load)
    assert store.lines() == {}


def test_a_site_may_have_a_larger_scale(store):
    with writing(store.engine) as session:
        limits.decide(session, store.actor, Rules, {"heaviest": 2_000_000})
        rules = limits.of(session, store.actor.site_id, Rules)
        load = Weighing(key="a", gross=1_500_000)
        line = store.line_id(store.rice)
        receiving_lines.weigh(session, store.actor, store.id, line, store.rice, load, rules)
    assert store.lines()[store.rice].values.quantity == 1_500_000


def test_another_load_under_the_same_key_is_refused(store):
    store.weigh(store.rice, 1000, key="a")
    with pytest.raises(KeyReusedError):
        store.weigh(store.rice, 1001, key="a")


def test_a_load_is_taken_back_once_but_never_below_what_was_rejected(store):
    for key in ("a", "b"):
        store.weigh(store.rice, 1000, key=key)
    line = store.line_id(store.rice)
    store.do(receiving.reject, line, 1500, why="受潮")
    with pytest.raises(ReceivingError, match="rejected"):
        store.do(receiving_lines.take_back, line, "a")
    store.do(receiving.reject, line, 0, why="")
    for _ in range(2):
        store.do(receiving_lines.take_back, line, "a")
    assert store.lines()[store.rice].values.quantity == 1000
    store.do(receiving_lines.take_back, line, "b")
    assert store.lines() == {}
    assert store.actor.recorded[-1].after is None


def test_a_paper_is_kept_once_and_what_is_sent_again_after_posting_harms_nothing(store):
    paper = Paper(kind=Certificate.CONFORMITY, file="p", number="7")
    store.weigh(store.rice, 1000, key="a")
    store.look(store.rice)
    line = store.line_id(store.rice)
    for _ in range(2):
        store.do(receiving_lines.add_paper, line, paper)
    assert store.lines()[store.rice].values.papers == (paper,)
    store.finish()
    store.weigh(store.rice, 1000, key="a")
    store.look(store.rice)
    store.do(receiving_lines.add_paper, line, paper)
    store.do(receiving.sign, Role.CHEF, "王厨")
    store.do(receiving_lines.take_back, line, "unknown")
    for late in (
        lambda: store.weigh(store.rice, 1000, key="b"),
        lambda: store.look(store.rice, batch="B8"),
        lambda: store.do(receiving_lines.take_back, line, "a"),
        lambda: store.do(receiving.sign, Role.CHEF, "另一人"),
    ):
        with pytest.raises(ReceivingError, match="posted"):
            late()


@pytest.mark.parametrize(
    ("number", "unit", "values", "amount"),
    [
        ("8", "斤", RICE, 4000), ("2", "pack", RICE, 50_000), ("2.5", "kg", RICE, 2500),
        ("3", "pack", EGG, 90), ("5", "打", EGG, 60),
    ],
)  # fmt: skip
def test_amounts_are_read_in_jin_and_in_packs(store, number, unit, values, amount):
    assert store.id
    with reading(store.engine) as session:
        row = ingredients.find_by_name(session, store.actor.site_id, values.name)
        assert receiving_lines.read_amount(number, unit, row) == amount


@pytest.mark.parametrize(
    ("number", "unit", "wrong"),
    [("500", "ml", MeasureError), ("1", "个", MeasureError), ("1.5", "pack", BadInputError),
     ("-1", "kg", BadInputError), ("", "pack", BadInputError)],
)  # fmt: skip
def test_litres_of_rice_and_half_packs_are_refused(store, number, unit, wrong):
    with reading(store.engine) as session:
        row = ingredients.get(session, store.actor.site_id, store.rice)
        with pytest.raises(wrong):
            receiving_lines.read_amount(number, unit, row)


def test_the_note_says_what_came_what_went_back_and_who_signed(store):
    store.weigh(store.rice, 30_000)
    store.look(store.rice)
    store.do(receiving.reject, store.line_id(store.rice), 5000, why="受潮")
    store.finish()
    with reading(store.engine) as session:
        site = store.actor.site_id
        rows = receiving.lines(session, site, store.id)
        note = receiving_note.note(
            receiving.get(session, site, store.id), rows,
            ingredients.by_ids(session, site, [store.rice]),
            [(one.role, one.name) for one in receiving.signatures(session, site, store.id)],
            "粮油",
        )  # fmt: skip
    document = ReceiptDoc.model_validate(note)
    told = {one.left: one.right for one in document.lines if one.kind == "columns"}
    assert told == {
        "供应商": "粮油", "日期": "2026-03-02", "实收": "25 kg", "金额": "¥130.00",
        "拒收": "5 kg", "退货": "受潮", "合计": "¥130.00", "厨师": "王厨", "仓管": "keeper",
        "送货人": "赵",
    }  # fmt: skip
