"""扫码充值 on the pages, against WeChat Pay's HTTP side on loopback."""

import re
from dataclasses import replace

import pytest

from dafan import db
from dafan.records import Source
from server import online_orders
from server.books import accounts
from tests.server.wechat_fake import FakeWeChat

pytestmark = pytest.mark.process


@pytest.fixture
def wechat(app, tmp_path):
    with FakeWeChat(tmp_path).running() as fake:
        parts = app.extensions["dafan"]
        settings = parts.settings.model_copy(update={"gateway": fake.settings()})
        app.extensions["dafan"] = replace(parts, settings=settings)
        yield fake


def balance(engine, diner):
    with db.reading(engine) as session:
        return accounts.balances(session, diner)[Source.CASH]


def ask(person, diner, amount="50"):
    path = f"/manage/people/{diner}/online-top-up"
    key = re.search(r'name="key"[^>]*value="([^"]+)"', person.see(path)).group(1)
    return person.send(path, path, key=key, amount=amount)


def test_a_diner_scans_pays_and_the_page_says_so(browser, make_diner, engine, wechat, site):
    person = browser("finance")
    diner = make_diner(cash=0)
    page = ask(person, diner)
    path = page.request.path
    assert "待付款" in page.text
    assert 'http-equiv="refresh"' in page.text
    assert person.get(f"{path}/qr.svg").mimetype == "image/svg+xml"
    assert "还没有结果" in person.send(f"{path}/look", path).text
    with db.reading(engine) as session:
        (order,) = online_orders.page(session, site.id)
    wechat.pay(order.id)
    done = person.send(f"{path}/look", path).text
    assert "已付款，已入账" in done
    assert 'http-equiv="refresh"' not in done
    assert balance(engine, diner) == 5000
    assert person.get(f"{path}/qr.svg").status_code == 404
    assert "已付款" in person.see("/manage/online-orders")
    assert "已原路退回" in person.send(f"/manage/online-orders/{order.id}/refund", path).text
    assert balance(engine, diner) == 0
    assert "已退回" in person.see("/manage/online-orders")


def test_a_gateway_that_does_not_answer_is_told_and_the_same_form_can_be_sent_again(
    browser, make_diner, wechat
):
    person = browser("cashier")
    diner = make_diner(cash=0)
    wechat.drop_answers = 1
    path = f"/manage/people/{diner}/online-top-up"
    key = re.search(r'name="key"[^>]*value="([^"]+)"', person.see(path)).group(1)
    assert "支付平台没有回答" in person.send(path, path, key=key, amount="50").text
    assert "请用微信扫码付款" in person.send(path, path, key=key, amount="50").text
    assert len(wechat.orders) == 1
    assert person.send(path, path, key="no id", amount="50").status_code == 400


@pytest.mark.usefixtures("wechat")
def test_only_who_may_pay_out_sends_money_back(browser, make_diner):
    cashier, auditor = browser("cashier"), browser("auditor")
    path = ask(cashier, make_diner(cash=0)).request.path
    assert cashier.send(f"{path}/refund", path).status_code == 403
    assert cashier.get("/manage/online-orders").status_code == 403
    assert "待付款" in auditor.see("/manage/online-orders")
    assert auditor.get(path).status_code == 403
