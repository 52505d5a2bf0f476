"""Voids, refunds and disputes on the pages, each role by its own hands."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from dafan import crypto, db
from dafan.desk import EvidencePicture
from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import FaceEvidence, SaleLine, Source, Tender, Unit, canonical
from server import audit, disputes, evidence
from server.books import accounts
from server.books.refunds import Refund
from tests.server.conftest import parts_of

JPEG = b"\xff\xd8\xff" + bytes(500)


def dish(name, amount, quantity=1):
    return SaleLine(
        dish_id=new_id(), name=name, unit=Unit.PIECE, quantity=quantity,
        unit_price=Fen(amount // quantity), amount=Fen(amount),
    )  # fmt: skip


@pytest.fixture
def diner(make_diner):
    return make_diner(cash=2000)


@pytest.fixture
def sale_id(terminal, diner, make_sale):
    lines = (dish("红烧肉", 900), dish("米饭", 300, 3))
    face = FaceEvidence(pack="x", similarity=700, margin=200, liveness=None, frames=3)
    sale = make_sale(diner, 1200, lines=lines, tender=Tender.FACE, face=face)
    terminal.sell(sale)
    terminal.push()
    return sale.id


def cash(engine, diner):
    with db.reading(engine) as session:
        return accounts.balances(session, diner)[Source.CASH]


def refund_of(engine):
    with db.reading(engine) as session:
        return session.scalars(select(Refund).order_by(Refund.id.desc())).first()


def key_of(page):
    return re.search(r'name="key" value="([^"]+)"', page).group(1)


def test_a_cashier_voids_todays_sale_and_pressing_twice_voids_once(browser, engine, diner, sale_id):
    person, path = browser("cashier"), f"/manage/sales/{sale_id}/void"
    assert path in person.see(f"/manage/sales/{sale_id}")
    form = person.see(path)
    assert "撤销并退回 ¥12.00" in form
    assert "请填写原因" in person.send(path, path, key=key_of(form), reason=" ").text
    for _ in range(2):
        page = person.send(path, path, key=key_of(form), reason="打错了").text
        assert "已撤销，钱已全部退回" in page
    assert cash(engine, diner) == 2000
    page = person.see(f"/manage/sales/{sale_id}")
    assert "打错了" in page
    assert "*** 已全部退回 ***" in page
    assert path not in page
    assert "不能撤销" in person.see(path)
    assert "已退 ¥12.00" in person.see("/manage/sales")
    assert "打错了" in person.see("/manage/refunds?done=1")


def test_yesterdays_sale_is_refunded_not_voided(browser, clock, sale_id):
    clock.advance(timedelta(days=1).total_seconds())
    person = browser("cashier")
    page = person.see(f"/manage/sales/{sale_id}")
    assert f"{sale_id}/void" not in page
    assert f"{sale_id}/refund" in page
    sent = person.send(f"/manage/sales/{sale_id}/void", key=new_id(), reason="x")
    assert "请改为申请退款" in sent.text


def test_one_asks_for_dishes_and_another_approves(browser, engine, diner, sale_id):
    asker, path = browser("cashier"), f"/manage/sales/{sale_id}/refund"
    form = asker.see(path)
    key = key_of(form)
    assert "没有选菜" in asker.send(path, path, key=key, reason="x").text
    nonsense = {"line_1": "x", "line_9": "1", "line_²": "1", "line_": "1"}
    assert "少选一些" in asker.send(path, path, key=key, reason="x", **nonsense).text
    asked = asker.send(path, path, key=key, reason="有沙子", line_1="0", line_2="2")
    assert "米饭 ×2" in asked.text
    assert "待审批" in asked.text
    inbox = asker.see("/manage/refunds")
    assert "有沙子" in inbox
    assert "等有权限的同事" in inbox
    judge = browser("finance")
    assert "退款待审批" in judge.see("/manage/")
    approve = f"/manage/refunds/{refund_of(engine).id}/approve"
    assert approve in judge.see("/manage/refunds")
    assert asker.send(approve).status_code == 403
    for _ in range(2):
        assert "钱已退回" in judge.send(approve).text
    assert cash(engine, diner) == 1000
    assert "没有要审批的" in judge.see("/manage/refunds")
    assert "还可退 ¥10.00" in judge.see(f"/manage/sales/{sale_id}")


def test_nobody_approves_his_own_refund_and_a_refusal_says_why(browser, engine, diner, sale_id):
    asker, path = browser("finance"), f"/manage/sales/{sale_id}/refund"
    asker.send(path, path, key=new_id(), reason="菜有问题", whole="1")
    refund = refund_of(engine)
    assert refund.total == 1200
    inbox = asker.see("/manage/refunds")
    assert "您申请的，等另一人审批" in inbox
    assert f"{refund.id}/approve" not in inbox
    assert "要由另一个人审批" in asker.send(f"/manage/refunds/{refund.id}/approve").text
    judge, refuse = browser("admin"), f"/manage/refunds/{refund.id}/refuse"
    assert "请填写原因" in judge.send(refuse, reason=" ").text
    assert "没有资金变动" in judge.send(refuse, reason="已经吃完").text
    assert "已经有人处理过" in judge.send(f"/manage/refunds/{refund.id}/approve").text
    assert "已经吃完" in asker.see(f"/manage/sales/{sale_id}")
    assert cash(engine, diner) == 800


def test_a_dispute_ends_with_a_refund_that_another_person_approves(
    browser, app, engine, site, terminal, diner, sale_id
):
    desk, manager = browser("cashier"), browser("manager")
    path = f"/manage/sales/{sale_id}/dispute"
    assert "已登记争议" in desk.send(path, path, reason="那天我请假").text
    assert path not in desk.see(f"/manage/sales/{sale_id}")
    with db.reading(engine) as session:
        dispute_id = disputes.of_sale(session, site.id, sale_id).id
    listed = manager.see("/manage/disputes")
    assert "那天我请假" in listed
    assert "等待结算台上传" in listed
    sealed = crypto.seal(parts_of(app).ring.key(1).secret, JPEG, evidence.context(sale_id))
    body = EvidencePicture(sale_id=sale_id, epoch=1, sealed=sealed).to_body()
    address = f"/api/v1/evidence/{sale_id}"
    terminal.client.put(address, data=canonical(body), headers=terminal.headers())
    page = f"/manage/disputes/{dispute_id}"
    assert "已收到" in manager.see(page)
    assert "data:image/jpeg" not in manager.see(page)
    assert "data:image/jpeg;base64,/9j/" in manager.send(f"{page}/look", page).text
    with db.reading(engine) as session:
        assert "evidence.look" in [row.action for row in audit.page(session, site.id)]
    assert desk.send(f"{page}/look").status_code == 403
    assert "请填写原因" in manager.send(f"{page}/wrong", page, conclusion="").text
    key = key_of(manager.see(page))
    assert (
        "已申请整单退款" in manager.send(f"{page}/wrong", page, key=key, conclusion="认错人").text
    )
    browser("finance").send(f"/manage/refunds/{refund_of(engine).id}/approve")
    ended = manager.see(page)
    assert "不是本人，已退款" in ended
    assert "已删除" in ended
    assert "认错人" in manager.see("/manage/refunds?done=1")
    assert "那天我请假" in manager.see("/manage/disputes?ended=1")
    assert cash(engine, diner) == 2000


def test_a_payment_that_stands_moves_no_money(browser, engine, site, diner, sale_id):
    manager, path = browser("manager"), f"/manage/sales/{sale_id}/dispute"
    manager.send(path, path, reason="不是我")
    with db.reading(engine) as session:
        page = f"/manage/disputes/{disputes.of_sale(session, site.id, sale_id).id}"
    assert "付款成立，照片已删除" in manager.send(f"{page}/stands", page, conclusion="是本人").text
    assert "已经有人处理过" in manager.send(f"{page}/wrong", page, conclusion="x").text
    assert cash(engine, diner) == 800


def test_what_is_not_here_is_not_found(browser):
    person = browser("admin")
    for path in ("sales/{}/void", "sales/{}/refund", "sales/{}/dispute", "disputes/{}"):
        assert person.get(f"/manage/{path.format(new_id())}").status_code == 404
    for path in ("refunds/{}/approve", "refunds/{}/refuse", "disputes/{}/look"):
        sent = person.send(f"/manage/{path.format(new_id())}", reason="x")
        assert sent.status_code == 200
        assert "没有这" in sent.text
