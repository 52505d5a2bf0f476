"""日结 and 清算 as people see them: the same figures on the page and in the Excel file."""

import io
import re
from datetime import timedelta

import openpyxl
import pytest
from sqlalchemy import select

from dafan import db
from dafan.desk import Shift
from dafan.ids import new_id
from dafan.money import Fen
from server import groups, sites
from server.actor import Actor
from server.books import bodies, closing
from server.books.settlement import Settlement


def shift(till, **told):
    values = {
        "id": new_id(), "business_date": till.clock.now().date(),
        "opened_at": till.clock.now() - timedelta(hours=2), "closed_at": till.clock.now(),
        "first_seq": 1, "last_seq": len(till.journal.read(0, 200)), "sales": 1, "voids": 0,
        "subsidy": Fen(0), "cash": Fen(0), "drawer": Fen(0), "staff_id": new_id(),
    }  # fmt: skip
    till.write("shift", Shift(**values | told))


def cells(response, sheet):
    book = openpyxl.load_workbook(io.BytesIO(response.data))
    return [[cell.value for cell in row] for row in book[sheet].iter_rows(min_row=3)]


def test_a_day_is_looked_at_explained_booked_closed_and_taken_home(
    browser, terminal, make_sale, clock, engine, site
):
    day = clock.now().date()
    terminal.sell(make_sale(total=1250))
    shift(terminal, drawer=Fen(1250), counted=Fen(1200))
    terminal.push()
    page = browser("cashier").see("/manage/closing")
    assert "¥12.50" in page
    assert "现金长短款" in page
    assert "-¥0.50" in page
    assert "已交班" in page
    assert "关账到" not in page
    clock.advance(86400)
    person = browser("finance")
    page = person.see(f"/manage/closing?day={day}")
    assert "还没到的数据" in page
    key = re.search(r'name="key" value="(counted:[^"]+)"', page).group(1)
    page = person.send(f"/manage/closing/{day}/explain", key=key, text="少找 <b>五角</b>").text
    assert "少找 &lt;b&gt;五角&lt;/b&gt;" in page
    cash = key.removeprefix("counted:")
    assert "已入账" in person.send(f"/manage/closing/{day}/cash/{cash}").text
    page = person.send(f"/manage/closing/{day}/close").text
    assert "已关账 1 天" in page
    assert "关账到" not in page
    terminal.sell(make_sale(total=300, business_date=day))
    terminal.push(after=2)
    page = person.see(f"/manage/closing?day={day}")
    assert "关账后补录" in page
    assert "¥15.50" in page
    assert "共 ¥3.00，记在这一天的账上" in person.see("/manage/closing")
    assert str(day) in person.see("/manage/closing/days")
    response = person.get(f"/manage/closing/{day}.xlsx")
    assert response.headers["Content-Disposition"].endswith(f'dafan-closing-{day}.xlsx"')
    heading, sold, whole = cells(response, "销售")
    assert heading[:3] == ["场所", "结算台", "笔数"]
    assert (sold[1], sold[2], float(sold[5])) == (terminal.info.name, 1, 12.5)
    assert float(whole[-1]) == 12.5
    assert cells(response, "差异")[-1][3:] == [-0.5, "少找 <b>五角</b>（finance）"]
    with db.reading(engine) as session:
        assert closing.closed_until(session, site.id) == day


def test_only_finance_closes_and_nobody_closes_what_has_not_come(browser, clock, engine, site):
    day = clock.now().date()
    for role in ("manager", "cashier", "auditor"):
        assert browser(role).send(f"/manage/closing/{day}/close").status_code == 403
    person = browser("finance")
    page = person.send(f"/manage/closing/{day + timedelta(days=1)}/close").text
    assert "这一天还没有到" in page
    person.send(f"/manage/closing/{day}/close")
    assert "这一天已经关账" in person.send(f"/manage/closing/{day}/close").text
    with db.reading(engine) as session:
        assert closing.closed_until(session, site.id) == day


@pytest.mark.parametrize(
    "path",
    [
        "/manage/closing?day=yesterday", "/manage/closing?day=0001-01-01",
        "/manage/closing?day=1970-01-02",
        "/manage/closing?day=9999-12-31", "/manage/closing/days?before=x",
        "/manage/settlement?month=2026-13", "/manage/settlement?month=0001-01",
        "/manage/settlement?month=9999-12", "/manage/settlement?month='",
    ],
)  # fmt: skip
def test_nonsense_in_the_address_is_answered_with_a_page(browser, path):
    assert browser("admin").get(path).status_code == 200


@pytest.mark.parametrize(
    "path", ["/manage/closing/x.xlsx", "/manage/settlement/x.xlsx", "/manage/settlement/99-1.xlsx"]
)
def test_a_file_of_no_day_is_not_found(browser, path):
    assert browser("admin").get(path).status_code == 404


def test_a_day_that_never_was_open_is_no_day_to_explain_or_close(browser):
    person = browser("admin")
    assert person.send("/manage/closing/x/close").status_code == 404
    page = person.send("/manage/closing/2026-03-01/explain", key="cut_off:x", text="why").text
    assert "这条差异已经没有了" in page
    page = person.send(f"/manage/closing/2026-03-01/cash/{new_id()}").text
    assert "没有这次交班" in page


def test_bodies_are_named_given_venues_and_groups_and_settled_on_pages(
    browser, engine, site, terminal, make_diner, make_sale, clock
):
    admin = browser("admin")
    assert "只有一个核算主体" in admin.see("/manage/settlement")
    admin.send("/manage/settings/bodies", name="=二局")
    assert "请填写主体名称" in admin.send("/manage/settings/bodies", name=" ").text
    assert "已被使用" in admin.send("/manage/settings/bodies", name="=二局").text
    with db.reading(engine) as session:
        first, second = (body.id for body in sites.bodies(session, site.id))
    assert (
        "已保存" in admin.send(f"/manage/settings/bodies/venues/{site.venue_id}", body=second).text
    )
    assert (
        "没有这个核算主体"
        in admin.send(f"/manage/settings/bodies/groups/{site.group_id}", body="x").text
    )
    admin.send(f"/manage/settings/bodies/{first}", name="一局")
    terminal.sell(make_sale(make_diner(), total=1234))
    terminal.push()
    page = admin.see("/manage/settlement?month=2026-03")
    assert "一局 付给 =二局 ¥12.34" in page
    assert "未清算" in page
    asked = {"body": first, "other": second, "reference": "回单 7"}
    assert "请先全部关账" in admin.send("/manage/settlement/2026-03", **asked).text
    clock.advance(31 * 86400)
    admin = browser("finance")
    admin.send("/manage/closing/2026-03-31/close")
    page = admin.send("/manage/settlement/2026-03", **asked).text
    assert "已清算" in page
    assert "回单 7" in page
    assert "没有这个核算主体" in admin.send("/manage/settlement/2026-03", body="x").text
    with db.reading(engine) as session:
        assert session.scalars(select(Settlement.amount)).all() == [1234]
    response = admin.get("/manage/settlement/2026-03.xlsx")
    rows = cells(response, "净额")
    assert [row[0] for row in rows[1:]] == ["一局", "=二局", "合计"]
    assert [float(row[-1]) for row in rows[1:]] == [12.34, -12.34, 0]
    assert b"<f>" not in response.data


def test_nobody_settles_or_sees_the_bodies_of_another_site(browser, engine, clock):
    person = browser("admin")
    with db.writing(engine) as session:
        other = sites.ensure_site(session, "别处")
        stranger = Actor(other.id, "x", clock.now())
        body = bodies.add(session, stranger, "别处二局").id
        group = groups.create(session, stranger, groups.GroupValues(name="别处职工")).id
    assert "别处" not in person.see("/manage/settings/bodies")
    for path in (f"/manage/settings/bodies/{body}", f"/manage/settings/bodies/groups/{group}"):
        page = person.send(path, name="我的", body=body).text
        assert "没有这个" in page
