"""光盘 on the phone and on the manager's page: points, what they buy, the ranking, corrections."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from apiflask import APIFlask
from sqlalchemy import Engine, select

from dafan import db
from dafan.clock import ManualClock
from dafan.ids import new_id
from dafan.plates import PlateReturn
from dafan.records import Source
from kitchen import limits
from kitchen.clean_plate import PlateRules
from server import audit, phone_codes
from server.actor import Actor
from server.books import accounts
from tests.server.conftest import Till
from tests.server.pages.test_pages_me import Phone

PAGE = "/me/plates"


def test_points_are_seen_spent_and_corrected_and_nobody_is_named_who_did_not_agree(
    app: APIFlask,
    engine: Engine,
    actor: Actor,
    clock: ManualClock,
    terminal: Till,
    make_diner: Callable[..., UUID],
    make_sale: Any,
    browser: Any,
) -> None:
    one, other = make_diner(), make_diner()
    with db.writing(engine) as session:
        limits.decide(session, actor, PlateRules, {"tray_grams": 500, "points": 10})
    for diner_id in (one, other):
        terminal.sell(make_sale(diner_id))
    clock.advance(1800)
    for diner_id, grams in ((one, 505), (other, 500), (other, 700)):
        at = clock.now()
        plate = PlateReturn(id=new_id(), diner_id=diner_id, by="card", grams=grams, at=at)
        terminal.journal.append("plate", plate.id, at, plate)
    terminal.push()

    admin = browser("admin")
    shown = admin.see("/manage/plates")
    assert "100.0%" in shown
    assert "这一餐已记过" in shown
    answer = admin.send("/manage/plates/correct", staff_no="1001", points="+12", key="k")
    assert "请填写原因" in answer.text
    fix = {"staff_no": "1001", "points": "12", "reason": "光盘月", "key": "k"}
    for _twice in range(2):
        assert "积分已更正" in admin.send("/manage/plates/correct", **fix).text
    assert "没有这位就餐人" in admin.send("/manage/plates/correct", **fix | {"staff_no": "x"}).text
    assert (
        "积分不够"
        in admin.send("/manage/plates/correct", **fix | {"points": "-30", "key": "m"}).text
    )

    with db.writing(engine) as session:
        later = Actor(actor.site_id, "desk", clock.now())
        code = phone_codes.hand_out(session, later, app.secret_key, one)  # type: ignore[arg-type]
    phone = Phone(app.test_client())
    phone.see("/me/login")
    phone.sign_in("1001", code)
    text = phone.see(PAGE)
    assert "<b>22</b>" in text
    assert "第 1 名" in text
    assert "换多少" not in text
    assert text.count("不具名</span>") == 1
    assert "甲*" not in text
    assert "不能换补贴" in phone.tap("/me/plates/spend", lots="1", key="a").text
    assert "甲*" in phone.tap("/me/plates/shown", shown="on").text

    worth = {"lot_points": "10", "lot_fen": "1.50", "credit_weeks": "2", "keep_days": "30"}
    assert "整数" in admin.send("/manage/plates/worth", **worth).text
    assert "已保存" in admin.send("/manage/plates/worth", **worth, history_days="90").text
    assert "20 分 → ¥3.00" in phone.see(PAGE)
    assert "积分不够" in phone.tap("/me/plates/spend", lots="9", key="b").text
    for _twice in range(2):
        assert "已换成补贴" in phone.tap("/me/plates/spend", lots="2", key="c").text
    assert "这一周已经换过" in phone.see(PAGE)
    assert "光盘积分 2026-W10" in admin.see("/manage/subsidies")
    with db.reading(engine) as session:
        assert accounts.balances(session, one)[Source.SUBSIDY] == 300
        done = set(session.scalars(select(audit.Audit.action)))
    assert {"plate.correct", "plate.spend", "plate.show"} <= done
