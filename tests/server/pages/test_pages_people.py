import io
import re

import pytest
from sqlalchemy import func, select

from dafan import db
from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import Source
from server import cards, groups, people, sites
from server.actor import Actor
from server.books import accounts, subsidies
from server.consent_texts import CURRENT

HOSTILE = "<script>alert(1)</script>"
NEW = "/manage/people/new"


def balance(engine, diner_id, source=Source.CASH):
    with db.reading(engine) as session:
        return accounts.balances(session, diner_id)[source]


def key_of(person, path):
    return re.search(r'name="key"[^>]*value="([^"]+)"', person.see(path)).group(1)


def test_a_hostile_name_is_shown_and_never_run(browser, site, terminal, make_sale, engine):
    person = browser("admin")
    fields = {"staff_no": "900", "name": HOSTILE, "department": '"><img src=x onerror=alert(1)>'}
    page = person.send(NEW, NEW, group_id=str(site.group_id), **fields).text
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)" in page
    with db.reading(engine) as session:
        diner = people.find_diner(session, site.id, "900").id
    terminal.sell(make_sale(diner))
    terminal.push()
    for path in ("/manage/", "/manage/live", "/manage/sales", "/manage/people", "/manage/audit",
                 "/manage/exceptions", "/manage/people?search=%3Cscript%3E"):  # fmt: skip
        assert "<script>alert" not in person.see(path), path
        assert "<img src=x" not in person.see(path), path


def test_a_diner_is_added_changed_frozen_and_restored(browser, site, engine):
    person = browser("manager")
    fields = {"staff_no": "2001", "name": "乙丑", "group_id": str(site.group_id)}
    assert "已添加 乙丑" in person.send(NEW, NEW, **fields).text
    assert "已被使用" in person.send(NEW, NEW, **fields).text
    assert "请填写姓名" in person.send(NEW, NEW, **fields | {"name": " "}).text
    with db.reading(engine) as session:
        diner = people.find_diner(session, site.id, "2001").id
    address = f"/manage/people/{diner}"
    changed = person.send(f"{address}/edit", f"{address}/edit", **fields | {"department": "后勤处"})
    assert "后勤处" in changed.text
    frozen = person.send(f"{address}/status", address, status="frozen").text
    assert "已冻结" in frozen
    assert "已冻结，结算台" not in person.send(f"{address}/status", address, status="active").text


def test_cards_and_pin_are_given_from_the_diners_page(browser, make_diner):
    person = browser("admin")
    address = f"/manage/people/{make_diner()}"
    other = f"/manage/people/{make_diner()}"
    assert "AB12CD34" in person.send(f"{address}/cards", address, number="ab12 cd34").text
    assert "属于另一位" in person.send(f"{other}/cards", other, number="AB12CD34").text
    assert "这不是卡号" in person.send(f"{address}/cards", address, number="!").text
    assert "已挂失" in person.send(f"{address}/cards/AB12CD34/lost", address).text
    assert "已解除挂失" in person.send(f"{address}/cards/AB12CD34/found", address).text
    assert "没有饭卡" in person.send(f"{address}/cards/AB12CD34/take_back", address).text
    assert "太容易" in person.send(f"{address}/pin", address, pin="111111").text
    assert "密码已更新" in person.send(f"{address}/pin", address, pin="482913").text
    qr = person.get(f"{address}/qr.svg")
    assert qr.mimetype == "image/svg+xml"
    assert "482913" not in person.see("/manage/audit")


def test_sending_a_top_up_twice_pays_once(browser, make_diner, engine):
    person = browser("cashier")
    diner = make_diner(cash=0)
    path = f"/manage/people/{diner}/top-up"
    fields = {"key": key_of(person, path), "amount": "50.50", "memo": "收据 7"}
    for _ in range(2):
        assert "已充值 ¥50.50" in person.send(path, path, **fields).text
    assert balance(engine, diner) == 5050
    assert "别的金额" in person.send(path, path, **fields | {"amount": "60"}).text
    assert balance(engine, diner) == 5050


@pytest.mark.parametrize("amount", ["", "0", "-5", "1.234", "abc", "99999999999"])
def test_an_amount_that_is_none_is_refused_beside_its_field(browser, make_diner, engine, amount):
    person = browser("cashier")
    diner = make_diner(cash=0)
    path = f"/manage/people/{diner}/top-up"
    page = person.send(path, path, key=key_of(person, path), amount=amount).text
    assert "invalid-feedback" in page
    assert balance(engine, diner) == 0


def test_a_subsidy_run_pays_every_active_diner_of_the_group_once(browser, make_diner, engine, site):
    person = browser("finance")
    one, other = make_diner(), make_diner()
    with db.writing(engine) as session:
        people.set_status(session, Actor(site.id, "t", audit_time()), other,
                          people.DinerStatus.FROZEN)  # fmt: skip
    path = "/manage/subsidies"
    fields = {"key": key_of(person, path), "name": "三月补贴", f"amount_{site.group_id}": "300"}
    for _ in range(2):
        assert "已发放 三月补贴：1 人，共 ¥300.00" in person.send(path, path, **fields).text
    assert balance(engine, one, Source.SUBSIDY) == 30000
    assert balance(engine, other, Source.SUBSIDY) == 0
    with db.reading(engine) as session:
        assert session.scalar(select(func.count()).select_from(subsidies.SubsidyRun)) == 1
    wrong = fields | {"key": "k2", f"amount_{site.group_id}": "lots"}
    assert "不是金额" in person.send(path, path, **wrong).text


def audit_time():
    from datetime import UTC, datetime

    return datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


def upload(person, text):
    path = "/manage/people/import"
    file = (io.BytesIO(text.encode("gb18030")), "人员.csv")
    return person.send(path, path, file=file)


def test_a_table_with_a_fault_imports_nothing_and_names_row_and_remedy(browser, engine, site):
    person = browser("manager")
    answer = upload(person, "工号,姓名,人员类别\n3001,丙寅,干部职工\n3002,,干部职工\n")
    assert "1 处要改" in answer.text
    assert re.search(r'<td class="n">3</td>\s*<td class="nw">姓名</td>', answer.text)
    person.send(answer.request.path, answer.request.path)
    with db.reading(engine) as session:
        assert people.find_diner(session, site.id, "3001") is None


def test_a_good_table_is_previewed_first_and_imported_on_the_second_step(browser, engine, site):
    person = browser("manager")
    text = "工号,姓名,人员类别,初始余额,爱好\n3001,丙寅,干部职工,12.50,棋\n"
    answer = upload(person, text)
    assert "导入 1 行" in answer.text
    assert "已忽略：爱好" in answer.text
    with db.reading(engine) as session:
        assert people.find_diner(session, site.id, "3001") is None
    assert "新增 1" in person.send(answer.request.path, answer.request.path).text
    with db.reading(engine) as session:
        diner = people.find_diner(session, site.id, "3001").id
    assert balance(engine, diner) == 1250


@pytest.mark.parametrize("text", ["", "\x00\x01\x02", "没有我们认识的列\n1\n"])
def test_a_file_that_is_no_table_is_refused_kindly(browser, text):
    answer = upload(browser("manager"), text)
    assert answer.status_code == 200
    assert re.search(r'class="note (stop|warn)"', answer.text)


def test_a_diner_of_another_site_does_not_exist_here(browser, engine):
    person = browser("admin")
    with db.writing(engine) as session:
        other = sites.ensure_site(session, "别的单位")
        actor = Actor(other.id, "t", audit_time())
        group = groups.create(session, actor, groups.GroupValues(name="别人"))
        values = people.DinerValues(staff_no="1", name="丁卯", group_id=group.id)
        diner = people.create_diner(session, actor, values).id
        cards.assign(session, actor, diner, "77778888")
    for path in ("", "/edit", "/qr.svg", "/top-up", "/face"):
        assert person.get(f"/manage/people/{diner}{path}").status_code == 404, path
    person.send(f"/manage/people/{diner}/status", "/manage/", status="frozen")
    own = f"/manage/people/{diner}/cards/77778888/lost"
    person.send(own, "/manage/")
    with db.reading(engine) as session:
        assert people.get_diner(session, other.id, diner).status == "active"
        assert cards.get_card(session, other.id, "77778888").status == "active"
    assert "丁卯" not in person.see("/manage/people")
    assert str(group.id) not in person.see("/manage/groups")
    assert person.get(f"/manage/groups/{group.id}").status_code == 404


def test_a_photo_needs_consent_and_consent_needs_to_have_been_read(browser, make_diner):
    person = browser("manager")
    page = f"/manage/people/{make_diner()}/face"
    assert "检查并登记" not in person.see(page)
    fields = {"version": CURRENT, "channel": "desk"}
    assert "先让就餐人阅读" in person.send(f"{page}/consent", page, **fields).text
    agreed = person.send(f"{page}/consent", page, agreed="on", **fields).text
    assert "已记录同意" in agreed
    photo = (io.BytesIO(b"no picture at all"), "a.jpg")
    assert "这不是可用的照片" in person.send(f"{page}/photo", page, photo=photo).text
    assert "已撤回" in person.send(f"{page}/withdraw", page).text
    assert "检查并登记" not in person.see(page)


def test_a_group_keeps_its_subsidised_meals_and_limits(browser, engine, site):
    person = browser("manager")
    path = f"/manage/groups/{site.group_id}"
    fields = {"name": "干部职工", "discount_percent": "10", "meal_limit": "30", "daily_limit": "",
              "count_lunch": "1", "cap_lunch": "12.5"}  # fmt: skip
    assert "已保存" in person.send(path, path, **fields).text
    with db.reading(engine) as session:
        kept = groups.values_of(groups.get(session, site.id, site.group_id))
    assert kept.discount_percent == 10
    assert kept.meal_limit == Fen(3000)
    assert kept.meals["lunch"].subsidy_cap == Fen(1250)
    assert "不是金额" in person.send(path, path, **fields | {"cap_lunch": "x"}).text
    assert "请检查填写的内容" in person.send(path, path, **fields | {"count_lunch": "many"}).text
    assert person.get(f"/manage/groups/{new_id()}").status_code == 404


def test_a_birthday_is_kept_as_month_and_day_and_what_is_no_day_changes_nothing(browser, site):
    person = browser("manager")
    fields = {"staff_no": "2001", "name": "乙丑", "group_id": str(site.group_id)}
    refused = person.send(NEW, NEW, **fields, birthday="2月30日").text
    assert "这不是一个日期" in refused
    page = person.send(NEW, NEW, **fields, birthday="1990年3月5日")
    address = page.request.path
    assert "<dt>生日</dt><dd>03-05</dd>" in page.text
    assert "1990" not in page.text
    assert 'value="03-05"' in person.see(f"{address}/edit")
    person.send(f"{address}/edit", f"{address}/edit", **fields, birthday="")
    assert "<dt>生日</dt><dd>—</dd>" in person.see(address)


def test_finance_says_what_a_birthday_is_worth_and_others_may_not(browser):
    path, post = "/manage/subsidies", "/manage/subsidies/birthdays"
    finance = browser("finance")
    assert "现在不送" in finance.see(path)
    assert (
        "每人生日当天自动得到 ¥20.00，3 个星期内用完"
        in finance.send(post, path, fen="20", weeks="3").text
    )
    for wrong in (
        {"fen": "1001", "weeks": "3"},
        {"fen": "20", "weeks": "x"},
        {"fen": "20", "weeks": "0"},
    ):
        assert "每张礼券最多 1000 元" in finance.send(post, path, **wrong).text
    assert "¥20.00，3 个星期" in finance.see(path)
    assert browser("manager").send(post, "/manage/", fen="1", weeks="1").status_code == 403
