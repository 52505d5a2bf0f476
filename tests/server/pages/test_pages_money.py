"""Receipts, reversals, bank files, pay-outs, moves and cards, as people do them on the pages."""

import io
import re

import pytest

from dafan import db
from dafan.ids import new_id
from dafan.records import CardStatus, Source
from server import cards
from server.books import accounts, receipts


def balance(engine, diner_id, source=Source.CASH):
    with db.reading(engine) as session:
        return accounts.balances(session, diner_id)[source]


def key_of(page):
    return re.search(r'name="key"[^>]*value="([^"]+)"', page).group(1)


def pay_in(person, diner, amount="50.50"):
    """Pay in at the desk; the path of the receipt."""
    path = f"/manage/people/{diner}/top-up"
    answer = person.send(path, path, key=key_of(person.see(path)), amount=amount)
    assert answer.request.path.startswith("/manage/top-ups/"), answer.text
    return answer.request.path


def test_a_receipt_shows_figures_capitals_balance_and_no_more_of_the_name_than_elsewhere(
    browser, make_diner
):
    person = browser("cashier")
    path = pay_in(person, make_diner(cash=100))
    page = person.see(path)
    slip = page[page.index('class="card slip"') :]
    for words in ("20260302-0002", "¥50.50", "人民币伍拾元伍角整", "¥51.50", "甲*", "cashier",
                  "2026-03-02 12:00"):  # fmt: skip
        assert words in slip, words
    assert "甲子" not in slip
    assert "补打 ·" not in page


def test_the_first_print_is_plain_and_every_later_one_is_marked(browser, make_diner):
    person = browser("cashier")
    path = pay_in(person, make_diner())
    first = person.send(f"{path}/print", path).text
    assert "data-print-now" in first
    assert "补打 · 第" not in first
    assert "补打 · 第 1 次" in person.see(path)
    assert "补打 · 第 1 次" in person.send(f"{path}/print", path).text
    assert "补打 · 第 2 次" in person.send(f"{path}/print", path).text
    assert person.get(f"/manage/top-ups/{new_id()}").status_code == 404
    assert person.send(f"/manage/top-ups/{new_id()}/print", path).status_code == 404


def test_a_cashier_takes_his_own_top_up_back_and_another_ones_waits_for_approval(
    browser, make_diner, engine, site
):
    cashier, finance, admin = browser("cashier"), browser("finance"), browser("admin")
    diner = make_diner(cash=0)
    own, other = pay_in(cashier, diner), pay_in(cashier, diner, "7")
    assert "请填写原因" in cashier.send(f"{own}/reverse", own, reason=" ").text
    assert "已冲正" in cashier.send(f"{own}/reverse", own, reason="多按了一个零").text
    assert balance(engine, diner) == 700
    assert "等另一位" in finance.send(f"{other}/reverse", other, reason="错人").text
    with db.reading(engine) as session:
        (asked,) = receipts.waiting(session, site.id)
    approve = f"/manage/top-ups/reversals/{asked.id}/approve"
    assert "要由另一个人审批" in finance.send(approve, "/manage/top-ups").text
    assert cashier.send(approve, "/manage/top-ups").status_code == 403
    assert balance(engine, diner) == 700
    assert "错人" in admin.see("/manage/top-ups")
    assert "已同意冲正" in admin.send(approve, "/manage/top-ups").text
    assert balance(engine, diner) == 0


def upload(person, text):
    path = "/manage/bank/import"
    file = (io.BytesIO(text.encode("gb18030")), "收款.csv")
    return person.send(path, path, file=file)


def test_a_bank_table_is_looked_at_and_then_booked_once(browser, make_diner, engine):
    person = browser("finance")
    diner = make_diner(cash=0)
    text = "工号,姓名,金额,流水号,日期\n1001,甲子,100,B1,2026-03-02\n"
    for said in ("入账 1 笔，共 ¥100.00", "都已入账，不会重复"):
        look = upload(person, text)
        assert said in look.text
        assert look.request.path.startswith("/manage/bank/import/")
        person.send(look.request.path, look.request.path)
        assert balance(engine, diner) == 10_000
    assert "B1" in person.see("/manage/bank")
    assert "工号,姓名,金额" in person.see("/manage/bank/import/template.csv")


def test_a_bank_table_with_a_fault_books_nothing_until_the_person_says_so(
    browser, make_diner, engine
):
    person = browser("finance")
    diner = make_diner(cash=0)
    text = "工号,姓名,金额,流水号,日期\n1001,甲子,100,B1,2026-03-02\n1001,乙丑,5,B2,2026-03-02\n"
    look = upload(person, text)
    assert "姓名和工号对不上" in look.text
    assert "表格里还有错误" in person.send(look.request.path, look.request.path).text
    assert balance(engine, diner) == 0
    done = person.send(look.request.path, look.request.path, skip="faulty")
    assert "已入账 1 笔" in done.text
    assert balance(engine, diner) == 10_000


def settle(person, diner, **changes):
    path = f"/manage/people/{diner}/pay-out"
    page = person.see(path)
    fields = dict(re.findall(r'name="(key|cash|subsidy)" value="([^"]*)"', page))
    return person.send(path, path, **fields | {"way": "cash"} | changes)


def test_one_who_leaves_is_settled_at_zero_with_a_receipt(browser, make_diner, engine):
    manager, finance = browser("manager"), browser("finance")
    diner = make_diner(cash=1234, subsidy=500)
    address = f"/manage/people/{diner}"
    assert "还没有离开" in finance.see(f"{address}/pay-out")
    manager.send(f"{address}/leave", address)
    assert manager.get(f"{address}/pay-out").status_code == 403
    page = settle(finance, diner).text
    for words in ("已结清", "结清收据", "¥12.34", "人民币壹拾贰元叁角肆分", "¥5.00"):
        assert words in page, words
    assert (balance(engine, diner), balance(engine, diner, Source.SUBSIDY)) == (0, 0)
    assert "账户已经为零" in finance.see(f"{address}/pay-out")


def test_a_large_pay_out_is_approved_by_another_person(browser, make_diner, engine):
    finance, admin = browser("finance"), browser("admin")
    diner = make_diner(cash=60_000)
    admin.send(f"/manage/people/{diner}/leave", f"/manage/people/{diner}")
    asked = settle(finance, diner)
    assert "等另一位" in asked.text
    path = asked.request.path
    assert "要由另一个人审批" in finance.send(f"{path}/approve", path).text
    assert balance(engine, diner) == 60_000
    assert "已同意，账户为零" in admin.send(f"{path}/approve", path).text
    assert balance(engine, diner) == 0
    assert "已经有人处理过" in admin.send(f"{path}/refuse", path).text
    assert "¥600.00" in finance.see("/manage/pay-outs")


def test_money_moves_between_the_accounts_of_one_person(browser, make_diner, engine):
    person = browser("finance")
    one, other = make_diner(cash=1000), make_diner(cash=0)
    path = f"/manage/people/{one}/move"
    assert "没有工号为 77 的就餐人" in person.see(f"{path}?to=77")
    page = person.see(f"{path}?to=1002")
    fields = {"key": key_of(page), "amount": "8", "reason": "换卡"}
    for _ in range(2):
        assert "已转 ¥8.00" in person.send(f"{path}?to=1002", f"{path}?to=1002", **fields).text
    assert (balance(engine, one), balance(engine, other)) == (200, 800)
    more = fields | {"key": str(new_id()), "amount": "9"}
    assert "不够" in person.send(f"{path}?to=1002", f"{path}?to=1002", **more).text


def test_a_lost_card_is_replaced_in_one_act_and_its_history_stays(
    browser, make_diner, engine, site
):
    person = browser("admin")
    diner, other = make_diner(), make_diner()
    address = f"/manage/people/{diner}"
    person.send(f"{address}/cards", address, number="OLD1")
    done = person.send(f"{address}/cards/replace", address, old="OLD1", number="new 1").text
    assert "已补卡" in done
    with db.reading(engine) as session:
        assert cards.get_card(session, site.id, "OLD1").status == CardStatus.LOST.value
        assert cards.get_card(session, site.id, "NEW1").diner_id == diner
        acts = [(row.action, row.after) for row in cards.history(session, site.id, diner)]
    assert acts == [
        ("card.assign", {"card": "NEW1", "status": "active"}),
        ("card.status", {"card": "OLD1", "status": "lost"}),
        ("card.assign", {"card": "OLD1", "status": "active"}),
    ]
    theirs = f"/manage/people/{other}"
    refused = person.send(f"{theirs}/cards/replace", theirs, old="NEW1", number="X777")
    assert "没有这张卡" in refused.text
    with db.reading(engine) as session:
        assert cards.get_card(session, site.id, "NEW1").status == CardStatus.ACTIVE.value
    person.send(f"{address}/cards/OLD1/take_back", address)
    assert "OLD1" in person.see(address)


def test_a_subsidy_may_have_a_last_day_and_the_page_says_what_is_left(browser, make_diner, site):
    person = browser("finance")
    make_diner()
    path = "/manage/subsidies"
    fields = {"key": key_of(person.see(path)), "name": "三月补贴", f"amount_{site.group_id}": "300"}
    page = person.send(path, path, **fields, expires_on="2026-03-31").text
    assert "2026-03-31" in page
    assert "未用 ¥300.00" in page
    late = fields | {"key": "k2", "expires_on": "2026-03-01"}
    assert "到期日已经过去" in person.send(path, path, **late).text
    forever = fields | {"key": "k3", "expires_on": ""}
    assert "不过期" in person.send(path, path, **forever).text


@pytest.mark.parametrize("role", ["finance", "auditor"])
def test_without_a_gateway_the_pages_say_so(browser, make_diner, role):
    person = browser(role)
    assert "还没有接通支付平台" in person.see("/manage/online-orders")
    if role == "finance":
        path = f"/manage/people/{make_diner()}/online-top-up"
        assert "还没有接通支付平台" in person.see(path)


def test_what_is_not_here_is_not_found(browser):
    person = browser("admin")
    gone = new_id()
    for address in (
        f"/manage/top-ups/{gone}", f"/manage/pay-outs/{gone}", f"/manage/online-orders/{gone}",
        f"/manage/online-orders/{gone}/qr.svg", f"/manage/people/{gone}/pay-out",
        f"/manage/people/{gone}/move", f"/manage/people/{gone}/online-top-up",
    ):  # fmt: skip
        assert person.get(address).status_code == 404, address
