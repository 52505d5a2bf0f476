"""The inbox: what waits for a person, and the table of who approves how much."""

from datetime import date

import pytest
from sqlalchemy import event

from dafan import db
from dafan.ids import new_id
from kitchen import (
    approvals,
    ingredients,
    purchasing,
    rectification,
    stock,
    stock_requests,
    stocktake,
    suppliers,
)
from kitchen.ingredients import IngredientValues
from kitchen.purchase_rules import LineValues, OrderValues
from kitchen.rectification import FindingValues, Step
from kitchen.stock import NewLot, WasteReason
from kitchen.stock_requests import Asked, StockRequest
from kitchen.supplier_rules import LicenceKind, LicenceValues
from kitchen.suppliers import SupplierValues
from server import inbox, refunds
from server.access import RIGHTS
from server.inbox import Kind, Who

DAY = date(2026, 3, 2)


@pytest.fixture
def rice(engine, actor):
    with db.writing(engine) as session:
        return ingredients.create(session, actor, IngredientValues(name="大米")).id


@pytest.fixture
def ask_order(engine, actor, rice):
    """Ask for the approval of an order of so many fen."""
    with db.writing(engine) as session:
        seller = suppliers.create(session, actor, SupplierValues(name="粮油店")).id
        paper = LicenceValues(kind=LicenceKind.BUSINESS, number="1", valid_from=DAY)
        suppliers.add_licence(session, actor, seller, paper)

    def ask(fen, key="o"):
        line = LineValues(ingredient_id=rice, quantity=1000, price=fen)
        values = OrderValues(supplier_id=seller, deliver_on=DAY, lines=(line,))
        with db.writing(engine) as session:
            order = purchasing.draft(session, actor, values, DAY, key=key).id
            purchasing.ask(session, actor, order)
        return order

    return ask


@pytest.fixture
def thrown_away(engine, actor, rice):
    """Somebody asks to throw away 3 of 10 kg of rice."""
    with db.writing(engine) as session:
        lot = stock.put_in(session, actor, NewLot(rice, 10_000, 5200), key="in", day=DAY)
        request = stock_requests.ask_waste(
            session, actor, lot.id, 3000, reason=WasteReason.TRIM, key="w", day=DAY, note="受潮"
        )
        return lot.id, request.id


def left(engine, actor, lot):
    with db.reading(engine) as session:
        return stock.left_of(session, actor.site_id, lot)


def table(**changes):
    told = {
        "kind_admin": "all", "kind_manager": "up_to", "up_to_manager": "5000",
        "kind_finance": "none",
    }  # fmt: skip
    return told | changes


def test_an_order_above_the_limit_waits_for_somebody_higher(browser, ask_order):
    ask_order(2_000_001)
    boss, admin = browser("manager"), browser("admin")
    assert "没有事情在等您" in boss.see("/manage/approvals")
    assert "¥20,000.01" in admin.see("/manage/approvals")


def test_a_page_counts_what_waits_and_looks_at_the_scales_once(browser, app):
    boss, told = browser("manager"), []
    engine = app.extensions["dafan"].engine
    event.listen(engine, "before_cursor_execute", lambda *given: told.append(given[2]))
    for page in ("/manage/", "/manage/approvals", "/manage/scales", "/manage/terminals"):
        told.clear()
        boss.see(page)
        counted = [said for said in told if "count(*)" in said and "row_id" in said]
        weighed = [said for said in told if "scale.check_due" in said and "ORDER BY" not in said]
        assert (len(counted), len(weighed)) == (1, 1), page


def test_only_the_administrator_says_who_approves_how_much(browser, ask_order):
    order = ask_order(600_000)
    boss, admin = browser("manager"), browser("admin")
    assert f"{order}/approve" in boss.see("/manage/approvals")
    assert boss.send("/manage/approvals/rules", "/manage/", **table()).status_code == 403
    page = admin.send("/manage/approvals/rules", "/manage/approvals/rules", **table()).text
    assert "审批权限已保存" in page
    assert 'value="5000.00"' in page
    assert "没有事情在等您" in boss.see("/manage/approvals")
    sent = boss.send(f"/manage/approvals/orders/{order}/approve", "/manage/")
    assert "超出您的审批权限" in sent.text


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"kind_admin": "none"}, "至少要有一个角色"),
        ({"up_to_manager": ""}, "不是金额"),
        ({"up_to_manager": "0"}, "大于零"),
        ({"up_to_manager": "-5"}, "大于零"),
    ],
)
def test_a_table_that_does_not_fit_changes_nothing(browser, engine, site, changes, advice):
    admin = browser("admin")
    told = table(**changes)
    page = admin.send("/manage/approvals/rules", "/manage/approvals/rules", **told).text
    assert advice in page
    with db.reading(engine) as session:
        assert approvals.rules_of(session, site.id) == []


def test_waste_is_thrown_away_when_another_person_agrees(browser, engine, actor, thrown_away):
    lot, request = thrown_away
    chief = browser("kitchen_manager")
    page = chief.see("/manage/approvals")
    assert "3 kg" in page
    assert "受潮" in page
    path = f"/manage/approvals/stock/{request}"
    assert "已同意" in chief.send(f"{path}/approve", "/manage/").text
    assert left(engine, actor, lot) == 7000
    chief.send(f"{path}/approve", "/manage/")
    assert left(engine, actor, lot) == 7000
    assert "没有事情在等您" in chief.see("/manage/approvals")


def test_a_refusal_moves_nothing_and_says_why(browser, engine, actor, thrown_away):
    lot, request = thrown_away
    chief, path = browser("kitchen_manager"), f"/manage/approvals/stock/{thrown_away[1]}/refuse"
    assert "请填写原因" in chief.send(path, "/manage/", reason="").text
    assert "已拒绝" in chief.send(path, "/manage/", reason="还能用").text
    assert left(engine, actor, lot) == 10_000
    with db.reading(engine) as session:
        assert session.get_one(StockRequest, request).state == Asked.REFUSED


def test_nobody_agrees_to_his_own_waste(browser, engine, actor, rice):
    chief = browser("kitchen_manager")
    own = type(actor)(actor.site_id, "kitchen_manager", actor.at)
    with db.writing(engine) as session:
        lot = stock.put_in(session, actor, NewLot(rice, 10_000, 5200), key="in", day=DAY)
        request = stock_requests.ask_waste(
            session, own, lot.id, 3000, reason=WasteReason.TRIM, key="w", day=DAY
        )
    assert "没有事情在等您" in chief.see("/manage/approvals")
    chief.send(f"/manage/approvals/stock/{request.id}/approve", "/manage/")
    assert left(engine, actor, lot.id) == 10_000


def test_a_stocktake_that_waits_is_found_in_the_inbox_too(browser, engine, actor, rice):
    with db.writing(engine) as session:
        lot = stock.put_in(session, actor, NewLot(rice, 10_000, 5200), key="in", day=DAY)
        take = stocktake.begin(session, actor, key="t", day=DAY).id
        stocktake.count(session, actor, take, lot.id, 9000)
        stocktake.ask(session, actor, take)
    page = browser("kitchen_manager").see("/manage/approvals")
    assert "-¥5.20" in page
    assert f"/kitchen/stock/counts/{take}" in page
    assert "盘点差异" not in browser("finance").see("/manage/approvals")


def test_no_limit_is_for_a_role_that_may_not_approve():
    assert set(approvals.DEFAULT_LIMITS) <= set(RIGHTS["approve_buying"])


def test_finance_finds_its_refunds_and_no_stock(browser):
    assert "没有事情在等您" in browser("finance").see("/manage/approvals")


def test_one_list_holds_everything_and_the_navigation_counts_it(
    browser, engine, actor, ask_order, thrown_away, terminal, make_diner, make_sale, clock
):
    del thrown_away
    ask_order(600_000)
    sale = make_sale(make_diner(), total=880)
    terminal.sell(sale)
    terminal.push()
    cook = type(actor)(actor.site_id, "cook", clock.now())
    with db.writing(engine) as session:
        refunds.ask(session, actor, sale.id, None, "有沙子", key=new_id())
        values = FindingValues(what="地面有水", due=clock.now().date())
        found = rectification.find(session, actor, "f", clock.now().date(), values)
        found.state = Step.ASSIGNED.value
        rectification.put_right(session, cook, found.id, "p")
    boss, money = browser("manager"), browser("finance")
    page = boss.see("/manage/approvals")
    assert "3 件事在等您" in page
    assert "有沙子" not in page
    assert page.index("3 kg") < page.index("¥6,000.00") < page.index("地面有水")
    assert '<span class="badge-n">3</span>' in page
    assert "等您审批" in boss.see("/manage/")
    theirs = money.see("/manage/approvals")
    assert "有沙子" in theirs
    assert "¥8.80" in theirs
    assert "地面有水" not in theirs
    with db.reading(engine) as session:
        first = inbox.waiting(session, Who(actor.site_id, "manager", ("manager",)), limit=1)
        rest = inbox.waiting(
            session, Who(actor.site_id, "manager", ("manager",)), after=first[0].cursor
        )
        assert [one.kind for one in (*first, *rest)] == [Kind.STOCK, Kind.ORDER, Kind.FINDING]
        own = Who(actor.site_id, actor.name, ("admin",))
        assert {one.kind for one in inbox.waiting(session, own)} == {Kind.FINDING}
        assert inbox.count(session, Who(actor.site_id, "x", ("diner",))) == 0
