import re
from datetime import time, timedelta

from dafan import db
from dafan.desk import TerminalNotice
from dafan.ids import new_id
from dafan.records import MealPeriod
from kitchen import dishes
from server import exceptions, sites, terminals


def test_a_one_time_code_is_shown_once_and_enrols_a_till(browser, client, site):
    from dafan.crypto import Identity
    from tests.server.conftest import enrol_body

    person = browser("admin")
    page = person.send("/manage/terminals/code", "/manage/terminals", name="9 号",
                       venue=str(site.venue_id)).text  # fmt: skip
    code = re.search(r"[2-9A-Z]{4}-[2-9A-Z]{4}-[2-9A-Z]{2}", page).group()
    assert code not in person.see("/manage/terminals")
    assert code not in person.see("/manage/audit")
    answer = client.post("/api/v1/terminals/enrol", json=enrol_body(Identity.create(), code))
    assert answer.status_code == 200
    assert "9 号" in person.see("/manage/terminals")


def test_the_list_of_tills_tells_online_from_offline(browser, terminal, clock):
    person = browser("auditor")
    terminal.feed()
    assert "1 台在线" in person.see("/manage/terminals")
    assert "1 / 1" in person.see("/manage/")
    clock.advance(600)
    assert "10 分钟前" in person.see("/manage/terminals")
    assert "0 / 1" in person.see("/manage/")


def test_a_revoked_till_is_refused_at_its_next_request(browser, terminal, client):
    person = browser("admin")
    person.send(f"/manage/terminals/{terminal.id}/revoke", "/manage/terminals")
    assert client.get("/api/v1/feed", headers=terminal.headers()).status_code == 401
    assert "已吊销" in person.see("/manage/terminals")


def test_the_weighed_dish_of_a_till_is_a_dish_of_the_site(browser, terminal, engine, site):
    person = browser("admin")
    path = f"/manage/terminals/{terminal.id}/dish"
    assert "没有这道菜" in person.send(path, "/manage/terminals", dish=str(new_id())).text
    form = {"name": "自选称重", "unit": "kg", "price": "28", "sort": "1", "active": "y"}
    person.send("/manage/dishes/new", "/manage/dishes/new", **form)
    with db.reading(engine) as session:
        dish = dishes.find_by_name(session, site.id, "自选称重").id
    person.send(path, "/manage/terminals", dish=str(dish))
    with db.reading(engine) as session:
        assert terminals.get(session, site.id, terminal.id).weigh_dish_id == dish


def test_a_new_price_is_kept_beside_the_old_one_and_reaches_the_tills(
    browser, terminal, engine, site
):
    person = browser("manager")
    form = {"name": "豆浆", "unit": "piece", "price": "2", "sort": "1", "active": "y"}
    new = "/manage/dishes/new"
    assert "豆浆" in person.send(new, new, **form).text
    assert "已有同名菜品" in person.send(new, new, **form).text
    with db.reading(engine) as session:
        dish = dishes.find_by_name(session, site.id, "豆浆").id
    path = f"/manage/dishes/{dish}"
    person.send(path, path, **form | {"price": "2.50"})
    history = person.see(path)
    assert "¥2.00" in history
    assert "¥2.50" in history
    items = [item for item in terminal.feed()["items"] if item["kind"] == "dish"]
    assert [item["body"]["price"] for item in items] == [250]
    wrong = person.send(path, path, **form | {"half_price": "9"})
    assert 'class="note stop"' in wrong.text


def test_a_parked_entry_waits_on_the_list_until_a_person_has_judged_it(
    browser, terminal, make_sale, engine, site
):
    person = browser("manager")
    terminal.sell(make_sale(new_id()))
    terminal.write("notice", TerminalNotice(code="printer_paper", detail="缺纸"))
    terminal.push()
    assert "无法入账 ×1" in person.see("/manage/")
    page = person.see("/manage/exceptions")
    assert "无法入账" in page
    assert "printer_paper: 缺纸" in page
    with db.reading(engine) as session:
        items = [item.id for item in exceptions.page(session, site.id)]
    for item in items:
        person.send(f"/manage/exceptions/{item}", "/manage/exceptions", note="已核对")
    assert "没有要处理的" in person.see("/manage/exceptions")
    assert "已核对" in person.see("/manage/exceptions?done=1")


SETTINGS = {
    "time_zone": "Asia/Shanghai", "day_starts_hour": "4", "confirm_ms": "1500", "min_grams": "20",
    "max_grams": "5000", "tray_grams": "350", "offline_exposure": "80", "face_enabled": "y",
    "code_0": "lunch", "name_0": "午餐", "starts_0": "10:30", "ends_0": "14:00",
}  # fmt: skip


def test_settings_reach_the_tills(browser, terminal):
    person = browser("manager")
    assert "已保存" in person.send("/manage/settings", "/manage/settings", **SETTINGS).text
    policy = next(item["body"] for item in terminal.feed()["items"] if item["kind"] == "policy")
    assert policy["tray_grams"] == 350
    assert policy["offline_exposure"] == 8000
    assert policy["print_receipts"] is False
    assert [period["name"] for period in policy["periods"]] == ["午餐"]


def test_settings_that_make_no_sense_change_nothing(browser, engine, site):
    person = browser("manager")
    with db.reading(engine) as session:
        before = sites.policy(session, site.id)
    for wrong in (
        {"ends_0": "10:30"}, {"code_0": "LUNCH!"}, {"code_0": "", "name_0": ""},
        {"time_zone": "Mars/Olympus"}, {"confirm_ms": "soon"}, {"starts_0": ""},
        {"code_1": "lunch", "name_1": "又一餐", "starts_1": "15:00", "ends_1": "16:00"},
        {"code_1": "late", "name_1": "又一餐", "starts_1": "20:00", "ends_1": "11:00"},
    ):  # fmt: skip
        answer = person.send("/manage/settings", "/manage/settings", **SETTINGS | wrong)
        assert answer.status_code == 200
        assert "已保存" not in answer.text, wrong
    with db.reading(engine) as session:
        assert sites.policy(session, site.id) == before


def test_a_meal_that_ends_at_midnight_or_after_it_is_kept_when_settings_are_saved(
    browser, engine, site
):
    meals = (
        MealPeriod(code="supper", name="夜宵", starts=time(22), ends=time(2)),
        MealPeriod(code="lunch", name="午餐", starts=time(10, 30), ends=time(14)),
        MealPeriod(code="dinner", name="晚餐", starts=time(15), ends=time(0)),
    )
    person = browser("manager")
    for periods in (meals[:2], meals[1:]):
        with db.writing(engine) as session:
            policy = sites.policy(session, site.id).model_copy(update={"periods": periods})
            sites.set_policy(session, site.id, policy)
        page = person.see("/manage/settings")
        shown = dict(re.findall(r'name="(\w+_\d)" value="([^"]*)"', page))
        answer = person.send("/manage/settings", "/manage/settings", **SETTINGS | shown)
        assert "已保存" in answer.text
        with db.reading(engine) as session:
            assert sites.policy(session, site.id).periods == periods


def test_the_overview_compares_with_the_same_weekday_of_last_week(
    browser, terminal, make_sale, clock
):
    person = browser("manager")
    then = clock.now() - timedelta(days=7, minutes=5)
    terminal.sell(make_sale(total=500, business_date=then.date(), opened_at=then, paid_at=then))
    terminal.sell(make_sale(total=900))
    terminal.push()
    page = person.see("/manage/")
    assert "上周一此时 ¥5.00" in page
    assert "比上周一同时段多 0" in page
