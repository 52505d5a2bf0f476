"""Advance orders: no portion is promised twice, and each is handed out once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from dafan import db
from dafan.errors import DafanError
from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import Outcome, Sale, Unit
from kitchen.dishes import DishValues
from server import (
    dishes,
    exceptions,
    leaving,
    preorder_rounds,
    preorder_tills,
    preorders,
    retention,
)
from server.actor import Actor
from server.preorder_rounds import ItemValues, PreorderError, RoundKind, RoundValues
from server.preorders import CollectedError, OrderState, UnknownPreorderError
from tests.server.conftest import NOON, TestSite, Till

CLOSES = NOON + timedelta(hours=4)
PORTIONS = 5


def make_dish(session: Session, actor: Actor, name: str, unit: Unit = Unit.PIECE) -> UUID:
    values = DishValues(name=name, unit=unit, price=Fen(1500))
    return dishes.create(session, actor, values).id


def offered(engine: Engine, actor: Actor, site: TestSite, **changes: object) -> UUID:
    with db.writing(engine) as session:
        made = [make_dish(session, actor, f"净菜 {new_id()}") for _ in range(2)]
        values = RoundValues(
            venue_id=site.venue_id, kind=RoundKind.NET, title="周一净菜", place="一食堂东门",
            closes_at=CLOSES, pick_from=CLOSES, pick_until=CLOSES + timedelta(hours=2),
            items=tuple(ItemValues(dish_id=one, portions=PORTIONS, most_each=3) for one in made),
        )  # fmt: skip
        row = preorder_rounds.offer(session, actor, new_id(), values.model_copy(update=changes))
        return row.id


@pytest.fixture
def round_id(engine: Engine, actor: Actor, site: TestSite) -> UUID:
    """Two net dishes, five portions of each, three for one diner."""
    return offered(engine, actor, site)


def items(session: Session, round_id: UUID) -> list[preorder_rounds.PreorderItem]:
    return preorder_rounds.items_of(session, [round_id])[round_id]


def promised(session: Session, actor: Actor, round_id: UUID) -> dict[UUID, int]:
    """Item → portions in orders that stand."""
    found = dict.fromkeys((one.id for one in items(session, round_id)), 0)
    for order in preorders.of_round(session, actor.site_id, round_id):
        for line in order.lines:
            found[line.item_id] += line.quantity
    return found


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    acts=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(0, 4), st.booleans()),
        min_size=4, max_size=14,
    )
)  # fmt: skip
def test_what_is_promised_is_what_is_taken_and_never_more_than_there_is(
    engine: Engine, actor: Actor, site: TestSite, make_diner: Callable[..., UUID],
    diners: list[UUID], acts: list[tuple[int, int, int, bool]],
) -> None:  # fmt: skip
    del make_diner
    round_id = offered(engine, actor, site)
    made: list[tuple[UUID, UUID]] = []
    with db.writing(engine) as session:
        there = items(session, round_id)
        for who, what, count, back in acts:
            diner = diners[who]
            if back and made:
                preorders.cancel(session, actor, *made.pop(count % len(made)))
                continue
            order = new_id()
            try:
                wanted = {there[what].id: count}
                preorders.order(session, actor, diner, round_id, order, wanted)
            except PreorderError:
                continue
            made.append((diner, order))
        session.flush()
        assert {one.id: one.taken for one in there} == promised(session, actor, round_id)
        assert all(one.taken <= PORTIONS for one in there)


@pytest.fixture
def diners(make_diner: Callable[..., UUID]) -> list[UUID]:
    """Three of them."""
    return [make_diner(cash=0) for _ in range(3)]


def test_many_phones_at_once_do_not_get_more_than_there_is(
    engine: Engine, actor: Actor, make_diner: Callable[..., UUID], round_id: UUID
) -> None:
    phones = [make_diner(cash=0) for _ in range(8)]
    with db.reading(engine) as session:
        item = items(session, round_id)[0].id

    def tap(diner: UUID) -> bool:
        try:
            with db.writing(engine) as session:
                preorders.order(session, actor, diner, round_id, new_id(), {item: 1})
        except PreorderError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(tap, phones))
    assert sum(got) == PORTIONS
    with db.reading(engine) as session:
        assert promised(session, actor, round_id)[item] == PORTIONS


def test_an_order_has_one_code_that_opens_once_and_can_be_taken_back_in_time(
    engine: Engine, actor: Actor, diners: list[UUID], round_id: UUID
) -> None:
    mine, other, _third = diners
    key, late = new_id(), replace(actor, at=CLOSES)
    with db.writing(engine) as session:
        first, second = items(session, round_id)
        wanted = {first.id: 2, second.id: 0}
        row = preorders.order(session, actor, mine, round_id, key, wanted)
        assert preorders.order(session, late, mine, round_id, key, wanted).id == row.id
        with pytest.raises(PreorderError, match="used before"):
            preorders.order(session, actor, other, round_id, key, wanted)
        with pytest.raises(PreorderError, match="one diner"):
            preorders.order(session, actor, mine, round_id, new_id(), {first.id: 2})
        with pytest.raises(PreorderError, match="too late"):
            preorders.order(session, late, other, round_id, new_id(), wanted)
        with pytest.raises(UnknownPreorderError):
            preorders.cancel(session, actor, other, row.id)
        with pytest.raises(PreorderError, match="too late"):
            preorders.cancel(session, late, mine, row.id)
        found = preorders.by_code(session, actor.site_id, row.shown_code)
        assert (found.row.id, found.total, found.lines[0].quantity) == (row.id, 3000, 2)
        assert found.ready(CLOSES)
        assert not found.ready(NOON)
        assert found.missed(CLOSES + timedelta(hours=3))
        for wrong in ("", "1234", "x" * 8, f"{(int(row.code) + 1) % 10**8:08}"):
            with pytest.raises(UnknownPreorderError):
                preorders.by_code(session, actor.site_id, wrong)
        preorders.hand_over(session, late, row.id, "form 1")
        preorders.hand_over(session, late, row.id, "form 1")
        with pytest.raises(CollectedError):
            preorders.hand_over(session, late, row.id, "form 2")
        with pytest.raises(PreorderError):
            preorders.cancel(session, actor, mine, row.id)
        gone = preorders.order(session, actor, other, round_id, new_id(), {first.id: 1})
        preorders.cancel(session, actor, other, gone.id)
        preorders.cancel(session, actor, other, gone.id)
        assert gone.state == OrderState.CANCELLED
        with pytest.raises(PreorderError, match="cancelled"):
            preorders.hand_over(session, late, gone.id, "form 3")
        preorders.order(session, actor, other, round_id, new_id(), {second.id: 1})
        preorder_rounds.withdraw(session, actor, round_id)
        with pytest.raises(PreorderError, match="too late"):
            preorders.order(session, actor, mine, round_id, new_id(), {first.id: 1})
    with db.writing(engine) as session:
        leaving.leave(session, late, other)
        assert promised(session, actor, round_id)[second.id] == 0
        assert items(session, round_id)[1].taken == 0


def test_a_round_offers_what_the_till_can_sell_at_the_price_that_was_shown(
    engine: Engine, actor: Actor, site: TestSite
) -> None:
    with db.writing(engine) as session:
        weighed = make_dish(session, actor, "米饭", Unit.KG)
    item = ItemValues(dish_id=weighed, portions=1)
    for wrong in (
        {"items": (item,)}, {"pick_from": CLOSES - timedelta(hours=1)}, {"closes_at": NOON},
    ):  # fmt: skip
        with pytest.raises(DafanError):
            offered(engine, actor, site, **wrong)


def test_a_till_sells_an_order_under_its_id_and_a_second_one_is_told_on(
    engine: Engine, actor: Actor, diners: list[UUID], round_id: UUID, make_till: Callable[[], Till],
    make_sale: Callable[..., Sale],
) -> None:  # fmt: skip
    with db.writing(engine) as session:
        item = items(session, round_id)[0]
        mine = preorders.order(session, actor, diners[0], round_id, new_id(), {item.id: 2})
        open_one = preorders.order(session, actor, diners[1], round_id, new_id(), {item.id: 1})
        back = preorders.order(session, actor, diners[2], round_id, new_id(), {item.id: 1})
        preorders.cancel(session, actor, diners[2], back.id)
    one, other = make_till(), make_till()

    def known() -> dict[str, Any]:
        feed = other.feed(0, limit=1000)["items"]
        return {each["key"]: each["body"] for each in feed if each["kind"] == preorders.KIND}

    dish = {"dish_id": str(item.dish_id), "quantity": 2}
    assert known()[str(mine.id)]["dishes"] == [dish]
    assert known()[str(back.id)] is None
    for till in (one, other):
        till.sell(make_sale(diners[0], 3000, id=mine.id))
    assert [each.outcome for each in one.push().outcomes] == [Outcome.APPLIED]
    assert [each.outcome for each in other.push().outcomes] == [Outcome.PARKED]
    assert known()[str(mine.id)] is None
    with db.writing(engine) as session:
        told = exceptions.page(session, actor.site_id)
        assert sum("posted_before" in each.detail for each in told) == 1
        states = {each.row.id: each.row.state for each in preorders.of_round(
            session, actor.site_id, round_id)}  # fmt: skip
        assert states == {mine.id: OrderState.PAID, open_one.id: OrderState.ORDERED}
        preorders.hand_over(session, actor, mine.id, "form")
    assert preorder_tills.drop_old(engine, NOON).startswith("0 ")
    later = CLOSES + preorder_tills.KEPT + timedelta(hours=3)
    assert preorder_tills.drop_old(engine, later).startswith("2 ")
    assert known()[str(open_one.id)] is None
    with db.writing(engine) as session:
        gone = retention.run(session, later + timedelta(days=retention.YEAR)).counts["bookings"]
        assert gone == 6, "three orders of one dish each"
