"""订餐, 预订, 通知 and 测评 through the pages: the phone, the office, the tablet."""

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from apiflask import APIFlask
from sqlalchemy import Engine

from dafan import db
from dafan.clock import ManualClock
from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import Unit
from kitchen.dishes import DishValues
from server import dishes, phone_codes, preorders
from server.actor import Actor
from tests.server.conftest import NOON, TestSite
from tests.server.pages.conftest import Browser
from tests.server.pages.tablet import refused
from tests.server.pages.test_pages_me import Phone

DAY = NOON.date().isoformat()
TOMORROW = (NOON.date() + timedelta(days=1)).isoformat()


@pytest.fixture
def phones(
    app: APIFlask, engine: Engine, actor: Actor, make_diner: Callable[..., UUID]
) -> list[Phone]:
    """Two diners on their phones."""
    made = []
    for number in ("1001", "1002"):
        diner = make_diner(cash=0)
        with db.writing(engine) as session:
            code = phone_codes.hand_out(session, actor, app.secret_key, diner)  # type: ignore[arg-type]
        one = Phone(app.test_client())
        one.see("/me/login")
        one.sign_in(number, code)
        made.append(one)
    return made


@pytest.fixture
def cabbage(engine: Engine, actor: Actor) -> str:
    """A net dish, sold by the portion."""
    with db.writing(engine) as session:
        values = DishValues(name="净菜 青菜", unit=Unit.PIECE, price=Fen(800))
        return str(dishes.create(session, actor, values).id)


def test_a_meal_and_an_overtime_meal_are_booked_seen_and_approved(
    phones: list[Phone], browser: Callable[[str], Browser], site: TestSite, clock: ManualClock
) -> None:
    one, other = phones
    office = browser("manager")
    lunch = {"day": TOMORROW, "period": "lunch", "venue": str(site.venue_id)}
    assert "已订 1 份" in one.tap("/me/book", **lunch).text
    one.tap("/me/book", **lunch)
    wrong = {"period": "x"}, {"venue": "x"}, {"day": "x"}, {"covers": "99"}, {"covers": "-1"}
    assert all('role="alert"' in other.tap("/me/book", **lunch | bad).text for bad in wrong)
    page = office.see(f"/manage/bookings?day={TOMORROW}")
    assert page.count("甲") >= 1
    assert "<b>1</b>" in page
    hours = {f"cut_off_{code}": "2" for code in ("breakfast", "lunch", "dinner", "overtime")}
    rules = {
        "offered": "on", "ahead_days": "7", "most_covers": "2", "venue": str(site.venue_id),
        "open_lunch": "on", "overtime": "on", "overtime_approved": "on", "overtime_at": "20:00",
    } | hours  # fmt: skip
    for bad in ({"overtime_at": "8"}, {"cut_off_lunch": "x"}, {"ahead_days": "0"}, {"venue": ""}):
        answer = office.send("/manage/bookings/rules", **rules | bad)
        assert 'role="alert"' in answer.text, bad
    assert "已保存" in office.send("/manage/bookings/rules", **rules).text
    assert "晚餐" not in one.see(f"/me/book?day={TOMORROW}")
    overtime = {"day": DAY, "period": "overtime", "venue": str(site.venue_id)}
    assert "等待批准" in other.tap("/me/book", **overtime, reason="决算").text
    judge = re.search(r"/manage/bookings/([0-9a-f-]{36})/approve", office.see("/manage/bookings"))
    assert judge
    assert "已批准" in office.send(judge[0]).text
    assert "等待批准" not in other.see(f"/me/book?day={DAY}")
    assert "加班餐" in office.see("/kitchen/")
    row = re.search(r"/me/book/([0-9a-f-]{36})/cancel", one.see(f"/me/book?day={TOMORROW}"))
    assert row
    assert 'role="alert"' in other.tap(row[0]).text
    clock.advance(22 * 3600)
    assert "已过截止时间" in one.tap(row[0]).text


def test_dishes_are_ordered_on_the_phone_and_handed_out_at_the_tablet_once(
    phones: list[Phone], browser: Callable[[str], Browser], site: TestSite, clock: ManualClock,
    cabbage: str, engine: Engine,
) -> None:  # fmt: skip
    one, other = phones
    office, cook = browser("manager"), browser("kitchen_manager")
    form = {
        "key": str(new_id()), "title": "周一净菜", "kind": "net", "venue_id": str(site.venue_id),
        "place": "东门", "closes_at": f"{DAY}T14:00", "pick_from": f"{DAY}T17:00",
        "pick_until": f"{DAY}T18:00", "dish_id": [cabbage, ""], "portions": ["3", ""],
        "most_each": ["2", "2"],
    }  # fmt: skip
    for bad in ({"closes_at": ""}, {"portions": ["x", ""]}, {"dish_id": ["", ""]}, {"title": ""}):
        answer = office.send("/manage/preorders/new", **form | bad)
        assert 'role="alert"' in answer.text, bad
        assert "东门" in answer.text, "what was typed is kept"
    office.send("/manage/preorders/new", **form)
    listed = office.send("/manage/preorders/new", **form).text
    assert listed.count("周一净菜") == 1
    path = f"/me/order/{form['key']}"
    assert path in one.see("/me/book")
    item = re.search(r'<select class="form-select" name="([0-9a-f-]{36})"', one.see(path))
    assert item
    order = str(new_id())
    assert "请先选要几份" in one.tap(path, key=order, **{item[1]: "0"}).text
    for _ in range(2):
        code = re.search(r"(\d{4} \d{4})", one.tap(path, key=order, **{item[1]: "2"}).text)
    assert code
    assert "剩下的份数不够了" in other.tap(path, key=str(new_id()), **{item[1]: "2"}).text
    assert other.get(f"/me/orders/{order}").status_code == 404
    assert other.get(f"/me/orders/{order}.svg").status_code == 404
    assert one.get(f"/me/orders/{order}.svg").mimetype == "image/svg+xml"
    clock.advance(5.5 * 3600)
    assert "可以取了" in one.see("/me/")
    assert "已过截止时间" in one.tap(f"/me/orders/{order}/cancel").text
    assert "没有这份预订" in cook.see("/kitchen/pick-ups?code=12345678")
    found = cook.see(f"/kitchen/pick-ups?code=dafan:pick:{code[1].replace(' ', '')}")
    assert f"/kitchen/pick-ups/{order}" in found
    assert "净菜 青菜" in found
    hand_over = f"/kitchen/pick-ups/{order}"
    for _ in range(2):
        assert not refused(cook.send(hand_over, key="one form").text)
    assert "已经取过了" in cook.send(hand_over, key="another form").text
    assert "已取餐" in one.see(f"/me/orders/{order}")
    assert "已取餐" in office.see(f"/manage/preorders/{form['key']}")
    office.send(f"/manage/preorders/{form['key']}/withdraw")
    with db.reading(engine) as session:
        assert preorders.by_code(session, site.id, code[1]).row.state == "collected"


def test_a_notice_is_read_and_a_questionnaire_answered_without_a_name(
    phones: list[Phone], browser: Callable[[str], Browser], site: TestSite
) -> None:
    one, other = phones
    office = browser("manager")
    notice = {
        "key": str(new_id()), "title": "明天停水", "text": "早餐供应面包。\n谢谢。",
        "shown_from": DAY, "shown_until": TOMORROW, "group": str(site.group_id),
    }  # fmt: skip
    for bad in ({"shown_from": ""}, {"shown_until": "2026-01-01"}, {"title": ""}):
        assert 'role="alert"' in office.send("/manage/notices", **notice | bad).text, bad
    for _ in range(2):
        assert office.send("/manage/notices", **notice).text.count("<b>明天停水</b>") == 1
    assert "未读" in one.see("/me/")
    assert "早餐供应面包" in one.see(f"/me/notices/{notice['key']}")
    assert "未读" not in one.see("/me/notices")
    assert "1 人已读" in office.see("/manage/notices")
    office.send(f"/manage/notices/{notice['key']}/withdraw")
    assert other.get(f"/me/notices/{notice['key']}").status_code == 404
    survey = {
        "key": str(new_id()), "title": "三月测评", "opens_on": DAY, "closes_on": TOMORROW,
        "text": ["味道", "哪一餐", "想说", ""], "kind": ["stars", "choice", "text", "stars"],
        "choices": ["", "早餐、午餐", "", ""],
    }  # fmt: skip
    for bad in ({"choices": ["", "早餐", "", ""]}, {"text": [""] * 4}, {"opens_on": ""}):
        assert 'role="alert"' in office.send("/manage/surveys/new", **survey | bad).text, bad
    assert office.send("/manage/surveys/new", **survey).text.count("三月测评") == 1
    path = f"/me/surveys/{survey['key']}"
    assert path in one.see("/me/")
    assert "请至少回答一个问题" in one.tap(path, q0="", q2=" ").text
    assert "您已经答过了" in one.tap(path, q0="4", q1="1", q2="好吃").text
    assert path not in one.see("/me/")
    results = office.see(f"/manage/surveys/{survey['key']}")
    assert "回答还太少" in results
    assert "好吃" not in results
    office.send(f"/manage/surveys/{survey['key']}/end")
