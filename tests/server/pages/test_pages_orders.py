"""Orders and approvals on the pages: who asks never approves, and nothing is written twice."""

import re
from datetime import date, timedelta
from io import BytesIO

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from dafan import db
from dafan.ids import new_id
from dafan.quantity import Measure
from kitchen import ingredients, purchase_book, purchasing, suppliers
from kitchen.ingredients import IngredientValues
from kitchen.purchase_book import PurchaseOrder
from kitchen.purchase_rules import State
from kitchen.supplier_rules import LicenceKind, LicenceValues, Standing
from kitchen.suppliers import SupplierValues

DAY = date(2026, 3, 2)


@pytest.fixture
def shop(engine, actor):
    """A grocer with good papers who sells rice by weight and eggs by the piece."""
    with db.writing(engine) as session:
        seller = suppliers.create(session, actor, SupplierValues(name="粮油店"))
        paper = LicenceValues(
            kind=LicenceKind.BUSINESS, number="1", valid_from=DAY, valid_to=DAY + timedelta(99)
        )
        suppliers.add_licence(session, actor, seller.id, paper)
        for name, measure in (("大米", Measure.MASS), ("鸡蛋", Measure.COUNT)):
            ingredients.create(session, actor, IngredientValues(name=name, measure=measure))
        return seller.id


def fields(shop, key=None, **changes):
    return {
        "key": str(key or new_id()), "supplier": str(shop), "deliver_on": "2026-03-03",
        "note": "送到后门", "name": ["大米", "鸡蛋", ""], "quantity": ["25.5", "360", ""],
        "price": ["5.20", "0.75", ""],
    } | changes  # fmt: skip


def rows(engine):
    with db.reading(engine) as session:
        return session.scalars(select(PurchaseOrder).order_by(PurchaseOrder.id)).all()


def only(engine):
    (row,) = rows(engine)
    return row


def inbox_form(page, order):
    """The approval that the inbox shows for an order."""
    assert f"/manage/approvals/orders/{order.id}/approve" in page
    return re.search(r'name="approval" value="([^"]+)"', page).group(1)


def approve(person, order, **changes):
    page = person.see("/manage/approvals")
    told = {"approval": inbox_form(page, order)} | changes
    return person.send(f"/manage/approvals/orders/{order.id}/approve", "/manage/", **told).text


def test_an_order_goes_from_draft_to_sent_and_pressing_twice_writes_once(browser, engine, shop):
    buyer = browser("kitchen_manager")
    assert "没有证照不采购" in buyer.see("/manage/suppliers")
    told = fields(shop)
    for _ in range(2):
        page = buyer.send("/manage/orders/new", "/manage/orders/new", **told).text
        assert "¥402.60" in page
        assert "草稿" in page
    order = only(engine)
    path = f"/manage/orders/{order.id}"
    for _ in range(2):
        assert "待审批" in buyer.send(f"{path}/ask", path).text
    assert f"{order.id}/approve" not in buyer.see("/manage/approvals")
    boss = browser("manager")
    assert "已批准，可以下达" in approve(boss, order)
    assert "没有事情在等您" in boss.see("/manage/approvals")
    for _ in range(2):
        assert "已下达" in buyer.send(f"{path}/send", path).text
    assert only(engine).state == State.SENT
    page = buyer.see(path)
    for word in ("起草", "提交审批", "批准", "下达"):
        assert word in page
    assert f"{path}/edit" not in page


def test_nobody_approves_what_he_asked_for_even_with_the_right(browser, engine, shop):
    boss = browser("manager")
    boss.send("/manage/orders/new", "/manage/orders/new", **fields(shop))
    order = only(engine)
    boss.send(f"/manage/orders/{order.id}/ask", "/manage/")
    order = only(engine)
    sent = boss.send(
        f"/manage/approvals/orders/{order.id}/approve", "/manage/", approval=order.approval_id
    )
    assert "不相容岗位" in sent.text
    assert only(engine).state == State.ASKED
    buyer = browser("kitchen_manager")
    assert f"{order.id}/approve" not in buyer.see("/manage/approvals")
    assert buyer.send(f"/manage/approvals/orders/{order.id}/approve", "/").status_code == 403


def test_an_order_that_was_written_anew_is_not_approved_by_the_old_page(browser, engine, shop):
    buyer, boss = browser("kitchen_manager"), browser("manager")
    buyer.send("/manage/orders/new", "/manage/orders/new", **fields(shop))
    path = f"/manage/orders/{only(engine).id}"
    buyer.send(f"{path}/ask", path)
    seen = inbox_form(boss.see("/manage/approvals"), only(engine))
    dearer = fields(shop, price=["9.90", "0.75", ""])
    assert "要重新提交审批" in buyer.send(f"{path}/edit", path, **dearer).text
    buyer.send(f"{path}/ask", path)
    told = boss.send(f"/manage/approvals/orders/{only(engine).id}/approve", "/", approval=seen)
    assert "刚被改写过" in told.text
    assert only(engine).state == State.ASKED
    assert "已批准" in approve(boss, only(engine))
    assert "现在不能做这一步" in buyer.send(f"{path}/edit", path, **fields(shop)).text
    assert only(engine).total == round(25.5 * 990) + 360 * 75


def test_a_refusal_says_why_and_a_revised_order_is_asked_for_again(browser, engine, shop):
    buyer, boss = browser("kitchen_manager"), browser("manager")
    buyer.send("/manage/orders/new", "/manage/orders/new", **fields(shop))
    path = f"/manage/orders/{only(engine).id}"
    buyer.send(f"{path}/ask", path)
    seen, address = only(engine).approval_id, f"/manage/approvals/orders/{only(engine).id}/refuse"
    assert "请写一句说明" in boss.send(address, "/manage/", approval=seen, reason=" ").text
    assert "已驳回" in boss.send(address, "/manage/", approval=seen, reason="太贵").text
    assert "太贵" in buyer.see(path)
    buyer.send(f"{path}/edit", path, **fields(shop, quantity=["20", "100", ""]))
    assert "待审批" in buyer.send(f"{path}/ask", path).text


@pytest.mark.parametrize("standing", [Standing.PAUSED, Standing.BLACKLISTED])
def test_nothing_is_ordered_of_a_supplier_who_is_blocked(browser, engine, actor, shop, standing):
    with db.writing(engine) as session:
        suppliers.set_standing(session, actor, shop, standing, "换了货")
    buyer = browser("kitchen_manager")
    assert "换了货" in buyer.see("/manage/orders/new")
    page = buyer.send("/manage/orders/new", "/manage/orders/new", **fields(shop)).text
    assert "现在不能供货" in page
    assert 'value="25.5"' in page  # what was typed is still there
    assert rows(engine) == []


def test_nothing_is_ordered_on_papers_that_end_before_the_delivery(browser, engine, shop):
    buyer = browser("kitchen_manager")
    late = fields(shop, deliver_on=str(DAY + timedelta(days=100)))
    sent = buyer.send("/manage/orders/new", "/manage/orders/new", **late)
    assert "现在不能供货" in sent.text
    assert rows(engine) == []


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"supplier": ""}, "请选择供应商"),
        ({"supplier": str(new_id())}, "没有这一项"),
        ({"deliver_on": "soon"}, "请选择到货日期"),
        ({"deliver_on": "2026-03-01"}, "请检查填写的内容"),
        ({"name": ["", "", ""], "quantity": ["", "", ""], "price": ["", "", ""]}, "至少写一种"),
        ({"name": ["大米", "大米", ""]}, "写了两行"),
        ({"name": ["龙肉", "鸡蛋", ""]}, "没有叫“龙肉”的食材"),
        ({"quantity": ["-1", "1", ""]}, "大米 的数量写错了"),
        ({"quantity": ["1", "1.5", ""]}, "鸡蛋 的数量写错了"),
        ({"quantity": ["0", "1", ""]}, "要大于零"),
        ({"price": ["x", "1", ""]}, "不是金额"),
        ({"price": ["-1", "1", ""]}, "不能小于零"),
    ],
)  # fmt: skip
def test_an_order_that_does_not_fit_says_what_to_do(browser, engine, shop, changes, advice):
    buyer = browser("kitchen_manager")
    page = buyer.send("/manage/orders/new", "/manage/orders/new", **fields(shop, **changes)).text
    assert advice in page
    assert rows(engine) == []


def test_who_received_does_not_settle_and_a_rest_needs_a_reason(browser, engine, actor, shop):
    buyer, boss = browser("kitchen_manager"), browser("manager")
    buyer.send("/manage/orders/new", "/manage/orders/new", **fields(shop))
    path = f"/manage/orders/{only(engine).id}"
    buyer.send(f"{path}/ask", path)
    approve(boss, only(engine))
    buyer.send(f"{path}/send", path)
    with db.writing(engine) as session:
        lines = purchase_book.lines_of(session, only(engine).id)
        by_manager = type(actor)(actor.site_id, "manager", actor.at)
        arrived = {lines[0].ingredient_id: 10_000}
        purchasing.receive(session, by_manager, only(engine).id, arrived, DAY, key="r")
    assert "10 kg" in boss.see(path)
    assert "不相容岗位" in boss.send(f"{path}/close", path, reason="断货").text
    judge = browser("finance")
    assert "请写一句说明" in judge.send(f"{path}/close", path, reason="").text
    assert "已结清" in judge.send(f"{path}/close", path, reason="断货").text
    assert only(engine).state == State.CLOSED
    assert "粮油店" in judge.see("/manage/orders?show=over")


def test_an_order_is_given_up_with_a_reason(browser, engine, shop):
    buyer = browser("kitchen_manager")
    buyer.send("/manage/orders/new", "/manage/orders/new", **fields(shop))
    path = f"/manage/orders/{only(engine).id}"
    assert "请写一句说明" in buyer.send(f"{path}/cancel", path, reason="").text
    assert "已取消" in buyer.send(f"{path}/cancel", path, reason="重了").text
    assert only(engine).state == State.CANCELLED


def test_the_excel_file_holds_the_lines_and_their_sum(browser, engine, shop):
    buyer = browser("kitchen_manager")
    buyer.send("/manage/orders/new", "/manage/orders/new", **fields(shop))
    answer = buyer.client.get(f"/manage/orders/{only(engine).id}.xlsx")
    sheet = load_workbook(BytesIO(answer.data)).worksheets[0]
    told = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=4)]
    assert told[0][:4] == ["大米", "25.5 kg", 5.2, 132.6]
    assert told[-1][3] == 402.6


def test_an_order_that_is_not_here_is_not_found(browser):
    buyer = browser("kitchen_manager")
    assert "这里没有采购单" in buyer.see("/manage/orders?show=nonsense")
    for path in (f"/manage/orders/{new_id()}", f"/manage/orders/{new_id()}.xlsx"):
        assert buyer.get(path).status_code == 404
