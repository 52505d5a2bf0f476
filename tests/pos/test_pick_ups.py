"""What was ordered ahead is put into a basket by its code, and sold once under the order's id."""

from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from conftest_pos import NOON, Canteen, Hand

from dafan.clock import ManualClock
from dafan.pick_up import PickDish, PickUp, code_text, read_code
from dafan.records import Tender
from pos import events as ev
from pos.snapshot import Ordered
from pos.state import Idle, Open, wants_code
from pos.store import TillStore
from pos.view import NoticeCode


@pytest.fixture
def order(hand: Hand) -> Ordered:
    """Two bowls of rice, at this till's venue."""
    return Ordered(uuid4(), hand.canteen.terminal.venue_id, ((hand.canteen.rice.id, 2),))


def show(hand: Hand, order: Ordered | None) -> Hand:
    return hand.send(lambda at: ev.PickUpSeen(at, order))


def test_an_order_is_paid_as_any_basket_and_the_sale_has_its_id(hand: Hand, order: Ordered) -> None:
    diner = hand.person()
    show(hand.weigh(0), order)
    assert hand.basket.id == order.id
    hand.card(diner).wait(2.2, 0)
    (sale,) = hand.sales
    assert (sale.id, sale.tender, sale.lines[0].quantity) == (order.id, Tender.CARD, 2)


def test_a_basket_that_is_no_order_any_more_has_an_id_of_its_own(
    hand: Hand, order: Ordered
) -> None:
    for press in ("remove", "cancel"):
        show(hand.pass_over(30).weigh(0), order)
        hand.weigh(412)
        assert isinstance(hand.state.phase, Open)
        line = hand.basket.items[0].key
        for _ in range(2 if press == "remove" else 1):
            hand.press(press, line=line)
        assert hand.basket.grams == 412
        assert hand.basket.id != order.id
        hand.weigh(0)


def test_an_order_is_refused_in_words_where_it_cannot_be_paid(hand: Hand, order: Ordered) -> None:
    hand.weigh(0)
    elsewhere = Ordered(uuid4(), uuid4(), order.dishes)
    gone = Ordered(uuid4(), order.venue_id, ((uuid4(), 1),))
    sold = Ordered(uuid4(), order.venue_id, order.dishes, sold=True)
    wrong = {
        None: NoticeCode.PICK_UP_UNKNOWN, elsewhere: NoticeCode.PICK_UP_UNKNOWN,
        gone: NoticeCode.DISH_GONE, sold: NoticeCode.PICK_UP_SOLD,
    }  # fmt: skip
    for refused, code in wrong.items():
        show(hand, refused)
        assert hand.notice is code
        assert isinstance(hand.state.phase, Idle)
    show(hand.weigh(412), order)
    assert hand.notice is NoticeCode.PICK_UP_ALONE
    assert hand.basket.id != order.id


def test_the_camera_reads_codes_in_the_empty_list_only_where_orders_wait(hand: Hand) -> None:
    hand.weigh(0)
    hand.press("pick")
    assert not wants_code(hand.state)
    assert not hand.view.orders
    hand.press("cancel")
    orders = replace(hand.state.catalogue, orders=True)
    hand.send(lambda at: ev.SnapshotChanged(at, orders))
    assert not wants_code(hand.state)
    assert hand.press("pick").view.orders
    assert wants_code(hand.state)
    hand.press("add", dish=str(hand.canteen.rice.id))
    assert not wants_code(hand.state)


def test_a_till_knows_whether_orders_wait_at_its_own_venue(tmp_path: Path, hand: Hand) -> None:
    canteen: Canteen = hand.canteen
    store = TillStore(tmp_path / "till.db", canteen.terminal_id, bytes(32), ManualClock(NOON))
    dishes = (PickDish(dish_id=canteen.rice.id, quantity=2),)
    for version, venue in enumerate((uuid4(), canteen.terminal.venue_id), start=1):
        told = PickUp(code="12345678", venue_id=venue, dishes=dishes)
        page = canteen.page(("preorder", str(uuid4()), told), since=version - 1, version=version)
        store.apply_feed_page(page)
        assert store.catalogue.orders == (venue == canteen.terminal.venue_id)
    store.close()


def test_a_till_finds_an_order_in_its_file_until_it_has_sold_it(tmp_path, hand: Hand) -> None:
    canteen: Canteen = hand.canteen
    store = TillStore(tmp_path / "till.db", canteen.terminal_id, bytes(32), ManualClock(NOON))
    order = uuid4()
    dishes = (PickDish(dish_id=canteen.rice.id, quantity=2),)
    told = PickUp(code="12345678", venue_id=canteen.terminal.venue_id, dishes=dishes)
    store.apply_feed_page(canteen.page(("preorder", str(order), told)))
    found = store.pick_ups.find("12345678")
    assert found == Ordered(order, canteen.terminal.venue_id, ((canteen.rice.id, 2),))
    assert store.pick_ups.find("12345679") is None
    hand.weigh(0)
    diner = hand.person()
    show(hand, found).card(diner).wait(2.2, 0)
    store.commit_sale(hand.sales[0])
    assert store.pick_ups.find("12345678").sold
    store.close()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (code_text("00000001"), "00000001"), ("dafan:pick:1", None), ("12345678", None),
        ("dafan:1:00:XX", None), ("dafan:pick:1234567８", None),
    ],
)  # fmt: skip
def test_only_the_code_of_an_order_is_read_as_one(text: str, code: str | None) -> None:
    assert read_code(text) == code
