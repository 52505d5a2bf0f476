from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from dafan.db import reading, writing
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.quantity import Measure
from kitchen import approvals, ingredients, purchase_book, purchasing, suppliers
from kitchen.approvals import Approval, ApprovalError, IncompatibleDutiesError
from kitchen.ingredients import IngredientValues, UnknownIngredientError
from kitchen.purchase_rules import STEPS, Act, LineValues, OrderValues, State, WrongStepError, step
from kitchen.rows import KeyReusedError, UnknownRowError
from kitchen.supplier_rules import LicenceKind, LicenceValues, Standing
from kitchen.suppliers import SupplierBlockedError, SupplierValues

DAY = date(2026, 3, 2)
BOSS = ("manager",)


@pytest.fixture
def shop(engine, actor):
    """A supplier with good papers, rice by the gram and eggs by the piece."""
    with writing(engine) as session:
        supplier = suppliers.create(session, actor, SupplierValues(name="粮油", categories=()))
        paper = LicenceValues(
            kind=LicenceKind.BUSINESS, number="1", valid_from=DAY, valid_to=DAY + timedelta(99)
        )
        suppliers.add_licence(session, actor, supplier.id, paper)
        rice = ingredients.create(session, actor, IngredientValues(name="大米"))
        egg = ingredients.create(
            session, actor, IngredientValues(name="鸡蛋", measure=Measure.COUNT)
        )
        actor.recorded.clear()
        return supplier.id, rice.id, egg.id


def order(shop, rice=25_000, price=520, egg=360, deliver_on=DAY):
    supplier, rice_id, egg_id = shop
    lines = (
        LineValues(ingredient_id=rice_id, quantity=rice, price=price),
        LineValues(ingredient_id=egg_id, quantity=egg, price=75),
    )
    return OrderValues(supplier_id=supplier, deliver_on=deliver_on, lines=lines)


def act(engine, name, *args, **kwargs):
    with writing(engine) as session:
        return getattr(purchasing, name)(session, *args, **kwargs)


@pytest.fixture
def drafted(engine, actor, shop):
    return act(engine, "draft", actor, order(shop), DAY, key="k1").id


@pytest.fixture
def sent(engine, actor, drafted):
    act(engine, "ask", actor, drafted)
    act(engine, "decide", actor.named("chief"), BOSS, drafted, approve=True)
    act(engine, "send", actor.named("buyer"), drafted, DAY)
    return drafted


def on_order(engine, actor):
    with reading(engine) as session:
        return purchasing.on_order(session, actor.site_id)


def test_an_order_goes_from_draft_to_settled_through_four_hands(engine, actor, shop, sent):
    _, rice, egg = shop
    store, cashier = actor.named("store"), actor.named("cashier")
    assert on_order(engine, actor) == {rice: 25_000, egg: 360}
    partly = act(engine, "receive", store, sent, {rice: 20_000, egg: 400}, DAY, key="r1")
    assert partly.state == State.PARTLY
    assert on_order(engine, actor) == {rice: 5_000}
    whole = act(engine, "receive", store, sent, {rice: 5_000}, DAY, key="r2")
    assert (whole.state, whole.total) == (State.RECEIVED, 25 * 520 + 360 * 75)
    assert act(engine, "close", cashier, sent).state == State.CLOSED
    assert on_order(engine, actor) == {}
    with reading(engine) as session:
        done = [(one.act, one.by) for one in purchase_book.steps_of(session, sent)]
    assert done == [
        ("draft", "keeper"), ("ask", "keeper"), ("approve", "chief"), ("send", "buyer"),
        ("receive_part", "store"), ("receive_all", "store"), ("close", "cashier"),
    ]  # fmt: skip
    recorded = [line.action for line in actor.recorded if line.action.startswith("purchase.")]
    assert recorded == [f"purchase.{name}" for name, _ in done]


@given(st.lists(st.sampled_from(list(Act)), max_size=15))
def test_no_way_leads_to_sent_without_approval_nor_to_settled_without_goods(acts):
    state, taken = State.DRAFT, []
    for one in acts:
        try:
            state = step(state, one)
        except WrongStepError:
            assert one not in STEPS[state]
            continue
        taken = [] if one is Act.REVISE else [*taken, one]
    if state in {State.SENT, State.PARTLY, State.RECEIVED}:
        assert Act.APPROVE in taken
        assert Act.SEND in taken
    if state is State.CLOSED:
        assert {Act.RECEIVE_PART, Act.RECEIVE_ALL} & set(taken)


def test_every_state_has_its_steps_and_nothing_leaves_the_last_ones():
    assert set(STEPS) == set(State)
    assert STEPS[State.CLOSED] == STEPS[State.CANCELLED] == {}
    with pytest.raises(WrongStepError, match="nothing more"):
        step(State.CLOSED, Act.SEND)


def test_told_twice_it_is_done_once(engine, actor, shop, sent):
    _, rice, _ = shop
    with writing(engine) as session:
        assert purchasing.draft(session, actor, order(shop), DAY, key="k1").id == sent
    store = actor.named("store")
    for _ in range(2):
        act(engine, "receive", store, sent, {rice: 100}, DAY, key="r1")
    assert on_order(engine, actor)[rice] == 24_900
    with pytest.raises(KeyReusedError):
        act(engine, "receive", store, sent, {rice: 101}, DAY, key="r1")
    with pytest.raises(KeyReusedError):
        act(engine, "draft", actor, order(shop, price=521), DAY, key="k1")


def test_two_tablets_that_tell_the_same_at_once_are_counted_once(engine, actor, shop, sent):
    _, rice, _ = shop
    gate = Barrier(4)

    def tell(number):
        gate.wait()
        store = actor.named("store")
        act(engine, "receive", store, sent, {rice: 100}, DAY, key=f"r{number % 2}")
        return act(engine, "draft", actor, order(shop, rice=7), DAY, key="same").id

    with ThreadPoolExecutor(4) as pool:
        drafts = set(pool.map(tell, range(4)))
    assert len(drafts) == 1
    assert on_order(engine, actor)[rice] == 25_000 - 2 * 100
    received = [line for line in actor.recorded if line.action == "purchase.receive_part"]
    assert len(received) == 2


def test_asking_deciding_and_sending_again_change_nothing(engine, actor, drafted):
    chief, buyer = actor.named("chief"), actor.named("buyer")
    for _ in range(2):
        act(engine, "ask", actor, drafted)
    for _ in range(2):
        act(engine, "decide", chief, BOSS, drafted, approve=True)
    for _ in range(2):
        assert act(engine, "send", buyer, drafted, DAY).state == State.SENT
    names = [line.action for line in actor.recorded if line.action.startswith("purchase.")]
    assert names == ["purchase.draft", "purchase.ask", "purchase.approve", "purchase.send"]


def test_nobody_approves_his_own_order_nor_receives_what_he_bought(engine, actor, shop, sent):
    _, rice, _ = shop
    other = act(engine, "draft", actor, order(shop, rice=1000), DAY, key="k2").id
    act(engine, "ask", actor, other)
    with pytest.raises(IncompatibleDutiesError):
        act(engine, "decide", actor, BOSS, other, approve=True)
    with pytest.raises(IncompatibleDutiesError, match="buyer did buy"):
        act(engine, "receive", actor.named("buyer"), sent, {rice: 1}, DAY, key="r1")
    act(engine, "receive", actor.named("store"), sent, {rice: 1}, DAY, key="r1")
    with pytest.raises(IncompatibleDutiesError, match="store did receive"):
        act(engine, "close", actor.named("store"), sent, "不再送")
    assert on_order(engine, actor)[rice] == 24_999, "what was refused left no trace"


def test_above_the_limit_of_a_role_another_one_approves(engine, actor, shop):
    dear = act(engine, "draft", actor, order(shop, price=90_000), DAY, key="dear").id
    act(engine, "ask", actor, dear)
    chief = actor.named("chief")
    with pytest.raises(ApprovalError, match="admin may"):
        act(engine, "decide", chief, BOSS, dear, approve=True)
    assert act(engine, "decide", chief, ("admin",), dear, approve=True).state == State.APPROVED


def test_a_refused_order_is_written_anew_and_asked_for_again(engine, actor, shop, drafted):
    chief = actor.named("chief")
    with pytest.raises(WrongStepError, match="nobody asked"):
        act(engine, "decide", chief, BOSS, drafted, approve=True)
    act(engine, "ask", actor, drafted)
    refused = act(engine, "decide", chief, BOSS, drafted, approve=False, reason="太贵")
    assert refused.state == State.REFUSED
    with pytest.raises(WrongStepError):
        act(engine, "send", actor.named("buyer"), drafted, DAY)
    cheaper = act(engine, "revise", actor, drafted, order(shop, price=480), DAY)
    assert (cheaper.state, cheaper.total) == (State.DRAFT, 25 * 480 + 360 * 75)
    act(engine, "ask", actor, drafted)
    assert act(engine, "decide", chief, BOSS, drafted, approve=True).state == State.APPROVED
    with pytest.raises(WrongStepError, match="approved"):
        act(engine, "revise", actor, drafted, order(shop), DAY)


def test_whoever_changes_what_is_asked_for_asks_again(engine, actor, shop, drafted):
    act(engine, "ask", actor, drafted)
    act(engine, "revise", actor, drafted, order(shop, price=900), DAY)
    with reading(engine) as session:
        open_to = approvals.open_to(session, actor.site_id, "chief", BOSS)
        assert session.scalars(select(Approval).where(open_to)).all() == []
    with pytest.raises(WrongStepError):
        act(engine, "decide", actor.named("chief"), BOSS, drafted, approve=True)


def test_nothing_goes_to_or_comes_from_a_blocked_supplier(engine, actor, shop, sent):
    supplier, rice, _ = shop
    late = DAY + timedelta(days=100)
    with pytest.raises(SupplierBlockedError, match="ended"):
        act(engine, "draft", actor, order(shop, deliver_on=late), DAY, key="late")
    with pytest.raises(SupplierBlockedError):
        act(engine, "receive", actor.named("store"), sent, {rice: 1}, late, key="r1")
    approved = act(engine, "draft", actor, order(shop, rice=1), DAY, key="k3").id
    act(engine, "ask", actor, approved)
    act(engine, "decide", actor.named("chief"), BOSS, approved, approve=True)
    with writing(engine) as session:
        suppliers.set_standing(session, actor, supplier, Standing.BLACKLISTED, "以次充好")
    with pytest.raises(SupplierBlockedError, match="以次充好"):
        act(engine, "send", actor.named("buyer"), approved, DAY)


def test_given_up_before_anything_came_and_closed_with_a_reason_after(engine, actor, shop, sent):
    _, rice, _ = shop
    draft = act(engine, "draft", actor, order(shop, rice=1), DAY, key="k4").id
    act(engine, "ask", actor, draft)
    for _ in range(2):
        assert act(engine, "cancel", actor, draft, "菜单改了").state == State.CANCELLED
    with reading(engine) as session:
        open_to = approvals.open_to(session, actor.site_id, "chief", BOSS)
        assert session.scalars(select(Approval).where(open_to)).all() == []
    act(engine, "receive", actor.named("store"), sent, {rice: 1}, DAY, key="r1")
    with pytest.raises(WrongStepError, match="close"):
        act(engine, "cancel", actor, sent, "不要了")
    with pytest.raises(BadInputError, match="rest"):
        act(engine, "close", actor.named("cashier"), sent)
    for _ in range(2):
        assert act(engine, "close", actor.named("cashier"), sent, "缺货").state == State.CLOSED


def test_what_cannot_be_ordered_or_received_is_refused_and_leaves_nothing(engine, actor, shop):
    supplier, rice, egg = shop
    line = LineValues(ingredient_id=rice, quantity=1, price=1)
    strange = line.model_copy(update={"ingredient_id": new_id()})

    def refused(match, kind=BadInputError, supplier=supplier, lines=(line,), on=DAY):
        values = OrderValues(supplier_id=supplier, deliver_on=on, lines=lines)
        with pytest.raises(kind, match=match):
            act(engine, "draft", actor, values, DAY, key="bad")

    refused("twice", lines=(line, line))
    refused("past", on=DAY - timedelta(days=1))
    refused("no such ingredient", UnknownIngredientError, lines=(strange,))
    refused("no such supplier", UnknownRowError, supplier=new_id())
    with reading(engine) as session:
        assert purchase_book.page(session, actor.site_id) == []
    assert actor.recorded == []
    good = OrderValues(supplier_id=supplier, deliver_on=DAY, lines=(line,))
    one = act(engine, "draft", actor, good, DAY, key="good").id
    act(engine, "ask", actor, one)
    act(engine, "decide", actor.named("chief"), BOSS, one, approve=True)
    with pytest.raises(WrongStepError):
        act(engine, "receive", actor.named("store"), one, {rice: 1}, DAY, key="r0")
    act(engine, "send", actor.named("buyer"), one, DAY)
    for arrived, match in (({}, "above zero"), ({rice: 0}, "above zero"), ({egg: 1}, "not order")):
        with pytest.raises(BadInputError, match=match):
            act(engine, "receive", actor.named("store"), one, arrived, DAY, key="r1")


def test_orders_are_paged_the_newest_first_by_state_and_by_site(engine, actor, shop, sent):
    drafts = [
        act(engine, "draft", actor, order(shop, rice=n), DAY, key=f"p{n}").id for n in range(1, 5)
    ]
    with reading(engine) as session:
        found = [row.id for row in purchase_book.page(session, actor.site_id)]
        assert found == [*drafts[::-1], sent]
        first = purchase_book.page(session, actor.site_id, limit=2)
        rest = purchase_book.page(session, actor.site_id, after=first[-1].id)
        assert [row.id for row in (*first, *rest)] == found
        coming = purchase_book.page(session, actor.site_id, states=[State.SENT])
        assert [row.id for row in coming] == [sent]
        assert purchasing.on_order(session, new_id()) == {}
        with pytest.raises(UnknownRowError):
            purchase_book.get(session, new_id(), sent)
