"""Top-ups on the phone through WeChat Pay's HTTP side: booked once, whatever the network does."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import Engine, func, select

from dafan import db
from dafan.clock import ManualClock
from dafan.errors import BadInputError, ConfigError
from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import Source
from server import exceptions, leaving, online_orders
from server.actor import Actor
from server.books import accounts
from server.books.accounts import AccountKind
from server.books.transfers import Transfer
from server.gateway import Gateway, UnreachableError, open_gateway
from server.online_orders import LASTS, SILENCE, OnlineOrder, OrderState
from server.verify import Report, verify_server
from tests.server.wechat_fake import FakeWeChat

pytestmark = pytest.mark.process
MakeDiner = Callable[..., UUID]
NOTIFY = "/api/v1/payments/wechat/notify"


@pytest.fixture
def wechat(tmp_path: Path) -> Iterator[FakeWeChat]:
    with FakeWeChat(tmp_path).running() as fake:
        yield fake


@pytest.fixture
def gateway(wechat: FakeWeChat) -> Gateway:
    found = open_gateway(wechat.settings())
    assert found is not None
    return found


@pytest.fixture
def client(app: APIFlask, wechat: FakeWeChat) -> FlaskClient:
    parts = app.extensions["dafan"]
    settings = parts.settings.model_copy(update={"gateway": wechat.settings()})
    app.extensions["dafan"] = replace(parts, settings=settings)
    return app.test_client()


@pytest.fixture
def ask(engine: Engine, actor: Actor, gateway: Gateway) -> Callable[..., OnlineOrder]:
    def do(diner: UUID, fen: int = 5000) -> OnlineOrder:
        with db.writing(engine) as session:
            order = online_orders.make(session, actor, gateway, new_id(), diner, Fen(fen))
        return online_orders.send(engine, gateway, order, "示范单位 充值")

    return do


def balance(engine: Engine, diner: UUID) -> int:
    with db.reading(engine) as session:
        return accounts.balances(session, diner)[Source.CASH]


def state(engine: Engine, order: OnlineOrder) -> str:
    with db.reading(engine) as session:
        return session.get_one(OnlineOrder, order.id).state


def problems(engine: Engine, actor: Actor) -> list[str]:
    with db.reading(engine) as session:
        return [item.code for item in exceptions.page(session, actor.site_id)]


def require_clean(engine: Engine) -> None:
    report = Report()
    with db.reading(engine) as session:
        verify_server(session, report)
    assert report.faults == []


def test_a_paid_order_is_in_the_wallet_once_however_often_it_is_told(
    client: FlaskClient, wechat: FakeWeChat, ask: Any, engine: Engine, actor: Actor,
    make_diner: MakeDiner, clock: ManualClock,
) -> None:  # fmt: skip
    diner = make_diner(cash=0)
    order = ask(diner)
    assert order.code_url.startswith("weixin://wxpay/")
    wechat.pay(order.id)
    headers, body = wechat.notification(order.id, clock.now())
    for _ in range(3):
        answer = client.post(NOTIFY, data=body, headers=headers)
        assert (answer.status_code, answer.data) == (204, b"")
    another = wechat.notification(order.id, clock.now())
    assert client.post(NOTIFY, data=another[1], headers=another[0]).status_code == 204
    assert balance(engine, diner) == 5000
    assert state(engine, order) == OrderState.PAID.value
    assert problems(engine, actor) == []
    with db.writing(engine) as session:
        owed = accounts.ensure(session, actor.site_id, AccountKind.GATEWAY, actor.site_id)
        assert owed.balance == -5000
    require_clean(engine)


def test_two_notifications_at_once_book_one_top_up(
    client: FlaskClient, app: APIFlask, wechat: FakeWeChat, ask: Any, engine: Engine,
    make_diner: MakeDiner, clock: ManualClock,
) -> None:  # fmt: skip
    del client
    diner = make_diner(cash=0)
    order = ask(diner)
    wechat.pay(order.id)
    start = threading.Barrier(6)
    answers = []

    def tell() -> None:
        headers, body = wechat.notification(order.id, clock.now())
        start.wait()
        answers.append(app.test_client().post(NOTIFY, data=body, headers=headers).status_code)

    threads = [threading.Thread(target=tell) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [204] * 6
    assert balance(engine, diner) == 5000
    with db.reading(engine) as session:
        count = select(func.count()).where(Transfer.kind == "gateway")
        assert session.scalar(count) == 1


def test_what_is_not_signed_by_wechat_pay_books_nothing(
    client: FlaskClient, wechat: FakeWeChat, ask: Any, engine: Engine, make_diner: MakeDiner,
    clock: ManualClock,
) -> None:  # fmt: skip
    diner = make_diner(cash=0)
    order = ask(diner)
    wechat.pay(order.id)
    good, body = wechat.notification(order.id, clock.now())
    forged = wechat.notification(order.id, clock.now(), forged=True)
    old = wechat.notification(order.id, clock.now() - timedelta(minutes=6))
    wechat.seal = "0" * 32
    sealed_otherwise = wechat.notification(order.id, clock.now())
    attempts = [
        forged, old, sealed_otherwise, (good, body.replace(b"SUCCESS", b"SUCCES5")),
        ({}, body), (good, b""), (good, b"\xff\x00"), (good | {"Wechatpay-Serial": "0x1"}, body),
        (good | {"Wechatpay-Signature": "!"}, body),
        (good | {"Wechatpay-Timestamp": "9" * 40}, body),
        (good | {"Wechatpay-Signature-Type": "none"}, body),
    ]  # fmt: skip
    for headers, text in attempts:
        answer = client.post(NOTIFY, data=text, headers=headers)
        assert answer.status_code == 401, (headers, text)
        assert answer.json["code"] == "FAIL"
    assert balance(engine, diner) == 0
    assert state(engine, order) == OrderState.CREATED.value
    assert not any("certificates" in asked for asked in wechat.requests)


def test_another_amount_moves_nothing_and_stands_once_on_the_list(
    client: FlaskClient, wechat: FakeWeChat, ask: Any, engine: Engine, actor: Actor,
    make_diner: MakeDiner, clock: ManualClock,
) -> None:  # fmt: skip
    diner = make_diner(cash=0)
    order = ask(diner)
    wechat.pay(order.id, fen=1)
    for _ in range(2):
        headers, body = wechat.notification(order.id, clock.now())
        assert client.post(NOTIFY, data=body, headers=headers).status_code == 204
    assert balance(engine, diner) == 0
    assert problems(engine, actor) == ["gateway_amount"]


def test_an_order_that_was_never_made_here_is_refused(
    client: FlaskClient, wechat: FakeWeChat, clock: ManualClock, engine: Engine
) -> None:
    stranger = new_id()
    wechat.orders[stranger.hex] = {"trade_state": "NOTPAY", "amount": {"total": 5}}
    wechat.pay(stranger)
    headers, body = wechat.notification(stranger, clock.now())
    assert client.post(NOTIFY, data=body, headers=headers).status_code == 400
    other = wechat.notification(stranger, clock.now(), mchid="999")
    assert client.post(NOTIFY, data=other[1], headers=other[0]).status_code == 401
    refund = wechat.notification(stranger, clock.now(), event="REFUND.SUCCESS")
    assert client.post(NOTIFY, data=refund[1], headers=refund[0]).status_code == 204
    with db.reading(engine) as session:
        assert session.scalar(select(func.count()).where(Transfer.kind == "gateway")) == 0


def test_a_payment_whose_notification_was_lost_is_found_by_asking(
    wechat: FakeWeChat, gateway: Gateway, ask: Any, engine: Engine, actor: Actor,
    make_diner: MakeDiner, client: FlaskClient, clock: ManualClock,
) -> None:  # fmt: skip
    diner = make_diner(cash=0)
    order = ask(diner)
    wechat.pay(order.id)
    now = actor.at + SILENCE
    assert online_orders.reconcile(engine, gateway, now - timedelta(seconds=1))["booked"] == 0
    wechat.drop_answers = 1
    assert online_orders.reconcile(engine, gateway, now)["failed"] == 1
    assert balance(engine, diner) == 0
    assert online_orders.reconcile(engine, gateway, now)["booked"] == 1
    assert sum(online_orders.reconcile(engine, gateway, now).values()) == 0
    headers, body = wechat.notification(order.id, clock.now())  # and then it comes after all
    assert client.post(NOTIFY, data=body, headers=headers).status_code == 204
    assert balance(engine, diner) == 5000
    require_clean(engine)


def test_an_order_that_nobody_pays_is_closed_and_money_that_comes_later_still_arrives(
    wechat: FakeWeChat, gateway: Gateway, ask: Any, engine: Engine, actor: Actor,
    make_diner: MakeDiner, client: FlaskClient, clock: ManualClock,
) -> None:  # fmt: skip
    diner = make_diner(cash=0)
    order = ask(diner)
    early = online_orders.reconcile(engine, gateway, actor.at + SILENCE)
    assert early["open"] == 1
    late = actor.at + LASTS + timedelta(seconds=1)
    assert online_orders.reconcile(engine, gateway, late)["closed"] == 1
    assert state(engine, order) == OrderState.CLOSED.value
    assert wechat.orders[order.id.hex]["trade_state"] == "CLOSED"
    wechat.pay(order.id)
    headers, body = wechat.notification(order.id, clock.now())
    assert client.post(NOTIFY, data=body, headers=headers).status_code == 204
    assert balance(engine, diner) == 5000


def test_a_payment_at_the_moment_of_closing_is_booked_at_the_next_look(
    wechat: FakeWeChat, gateway: Gateway, ask: Any, engine: Engine, actor: Actor,
    make_diner: MakeDiner, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    diner = make_diner(cash=0)
    order = ask(diner)
    asked = gateway.query

    def paid_right_after(order_id: UUID) -> Any:
        told = asked(order_id)
        wechat.pay(order_id)
        return told

    late = actor.at + LASTS
    with monkeypatch.context() as patch:
        patch.setattr(gateway, "query", paid_right_after)
        assert online_orders.reconcile(engine, gateway, late)["failed"] == 1
    assert state(engine, order) == OrderState.CREATED.value
    assert online_orders.reconcile(engine, gateway, late)["booked"] == 1
    assert balance(engine, diner) == 5000


def test_an_order_whose_answer_was_lost_can_be_sent_again(
    wechat: FakeWeChat, gateway: Gateway, engine: Engine, actor: Actor, make_diner: MakeDiner
) -> None:
    diner = make_diner(cash=0)
    key = new_id()
    wechat.drop_answers = 1
    with db.writing(engine) as session:
        order = online_orders.make(session, actor, gateway, key, diner, Fen(5000))
    with pytest.raises(UnreachableError):
        online_orders.send(engine, gateway, order, "充值")
    with db.writing(engine) as session:
        order = online_orders.make(session, actor, gateway, key, diner, Fen(5000))
    assert online_orders.send(engine, gateway, order, "充值").code_url
    assert len(wechat.orders) == 1
    with pytest.raises(BadInputError), db.writing(engine) as session:
        online_orders.make(session, actor, gateway, key, diner, Fen(1))


def test_an_answer_that_wechat_pay_did_not_sign_is_not_believed(
    wechat: FakeWeChat, gateway: Gateway, ask: Any, engine: Engine, actor: Actor,
    make_diner: MakeDiner,
) -> None:  # fmt: skip
    diner = make_diner(cash=0)
    order = ask(diner)
    wechat.pay(order.id)
    wechat.forge_answers = True
    assert online_orders.reconcile(engine, gateway, actor.at + SILENCE)["failed"] == 1
    assert (balance(engine, diner), state(engine, order)) == (0, OrderState.CREATED.value)


def test_a_refund_leaves_the_wallet_first_and_is_sent_until_it_is_done(
    wechat: FakeWeChat, gateway: Gateway, ask: Any, engine: Engine, actor: Actor,
    make_diner: MakeDiner,
) -> None:  # fmt: skip
    diner = make_diner(cash=0)
    order = ask(diner)
    wechat.pay(order.id)
    later = actor.at + SILENCE
    online_orders.reconcile(engine, gateway, later)
    with db.writing(engine) as session:
        asked = online_orders.ask_refund(session, actor, order.id)
    assert balance(engine, diner) == 0
    with pytest.raises(BadInputError), db.writing(engine) as session:
        online_orders.ask_refund(session, actor, order.id)
    wechat.drop_answers = 1
    with pytest.raises(UnreachableError):
        online_orders.send_refund(engine, gateway, asked, later)
    wechat.refund_status = "PROCESSING"
    assert online_orders.reconcile(engine, gateway, later)["open"] == 1
    wechat.refund_status = "SUCCESS"
    assert online_orders.reconcile(engine, gateway, later)["refunded"] == 1
    assert state(engine, order) == OrderState.REFUNDED.value
    assert [each["amount"]["refund"] for each in wechat.refunds.values()] == [5000]
    require_clean(engine)


def test_a_refund_that_is_refused_waits_on_the_list(
    wechat: FakeWeChat, gateway: Gateway, ask: Any, engine: Engine, actor: Actor,
    make_diner: MakeDiner,
) -> None:  # fmt: skip
    diner = make_diner(cash=0)
    order = ask(diner)
    wechat.pay(order.id)
    online_orders.reconcile(engine, gateway, actor.at + SILENCE)
    with db.writing(engine) as session:
        asked = online_orders.ask_refund(session, actor, order.id)
    wechat.refund_status = "NOT_ENOUGH"
    for _ in range(2):
        online_orders.send_refund(engine, gateway, asked, actor.at)
    assert state(engine, order) == OrderState.REFUNDING.value
    assert problems(engine, actor) == ["gateway_refund"]


def test_money_for_one_who_has_left_is_booked_and_stands_on_the_list(
    wechat: FakeWeChat, gateway: Gateway, ask: Any, engine: Engine, actor: Actor,
    make_diner: MakeDiner,
) -> None:  # fmt: skip
    diner = make_diner(cash=0)
    order = ask(diner)
    with db.writing(engine) as session:
        leaving.leave(session, actor, diner)
    wechat.pay(order.id)
    online_orders.reconcile(engine, gateway, actor.at + SILENCE)
    assert balance(engine, diner) == 5000
    assert problems(engine, actor) == ["paid_after_leaving"]


def test_without_settings_there_is_no_gateway_and_with_wrong_ones_a_clear_word(
    wechat: FakeWeChat, app: APIFlask, tmp_path: Path
) -> None:
    assert app.test_client().post(NOTIFY).status_code == 503
    settings = wechat.settings()
    for change in (
        {"private_key_file": None}, {"private_key_file": tmp_path / "none.pem"},
        {"private_key_file": settings.apiv3_key_file}, {"public_key_file": tmp_path},
    ):  # fmt: skip
        with pytest.raises(ConfigError) as caught:
            open_gateway(settings.model_copy(update=change))
        assert "key_file" in str(caught.value)
        assert wechat.seal not in str(caught.value)
