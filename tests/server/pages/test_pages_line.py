"""自选称重线: stations, trays, every scoop, what nobody claims, and the diner's own phone."""

from collections.abc import Callable
from datetime import date, timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

import pytest
from apiflask import APIFlask
from openpyxl import Workbook
from sqlalchemy import Engine

from dafan import db
from dafan.clock import ManualClock
from dafan.line import PanChange
from dafan.money import Fen
from dafan.records import Unit
from dafan.units import Grams
from kitchen import dishes
from server import line_setup, phone_codes, scales
from server.actor import Actor
from server.keys import KeyRing
from server.scale_book import ScaleValues, VerificationValues
from tests.server.line_kit import Line
from tests.server.pages.test_pages_me import Phone

TRAY = "E2000001"


@pytest.fixture
def weighed(
    make_till: Any, clock: ManualClock, engine: Engine, actor: Actor, settings: Any
) -> Line:
    made = Line(make_till(), make_till(), clock, engine, KeyRing.open(settings.data_dir), actor)
    values = dishes.DishValues(name="青菜", unit=Unit.KG, price=Fen(3000))
    site = actor.site_id
    made.dish = made.do(lambda s: dishes.create(s, site, values, by="test", at=clock.now()).id)
    return made


def phone_of(app: APIFlask, on: Line, diner_id: UUID) -> Phone:
    later = Actor(on.actor.site_id, "desk", on.clock.now())
    with db.writing(on.engine) as session:
        code = phone_codes.hand_out(session, later, app.secret_key, diner_id)  # type: ignore[arg-type]
    phone = Phone(app.test_client())
    phone.see("/me/login")
    phone.sign_in("1001", code)
    return phone


def test_a_lunch_on_the_line_as_manager_and_diner_see_it(
    app: APIFlask, weighed: Line, make_diner: Callable[..., UUID], browser: Any
) -> None:
    admin, eater = browser("admin"), make_diner()
    assert "还没有取餐位" in admin.see("/manage/line")
    place = {"terminal": str(weighed.box.id), "station": "1", "label": "热菜 1 位"}
    station = {**place, "dish": str(weighed.dish)}
    assert "取餐位随即更新" in admin.send("/manage/line/station", **station).text
    wrong = admin.send("/manage/line/station", **station | {"station": "33"}).text
    assert "不能这样设置" in wrong
    weighed.pans = (weighed.do(lambda s: line_setup.stations(s, weighed.actor.site_id)[0].pan_id),)

    phone = phone_of(app, weighed, eater)
    assert "还没有取过托盘" in phone.see("/me/tray")
    mine = weighed.bind(eater)
    weighed.scoop(200, session=mine)
    weighed.alarm(PanChange.UNPAID)
    weighed.tell()
    assert "¥6.00" in phone.see("/me/tray/now")
    assert "取餐中" in phone.see("/me/")
    seen = admin.see("/manage/line")
    assert "4,900" in seen
    assert "没有托盘却少了" in seen
    assert "秤没有登记" in seen
    assert f"/manage/scales/new?terminal={weighed.box.id}&amp;station=1" in seen
    values = ScaleValues(model="ACS-15", max_grams=15_000, e_grams=5)
    scale = weighed.do(lambda s: scales.create(s, weighed.actor, weighed.box.id, 1, values)).id
    assert "没有检定" in admin.see("/manage/line")
    for ends in (date(2026, 3, 20), date(2027, 3, 2)):
        since = ends - timedelta(days=365)
        paper = VerificationValues(certificate="J1", verified_on=since, verified_until=ends)
        weighed.do(
            lambda s, p=paper: scales.verify(s, weighed.actor, p.verified_on.isoformat(), scale, p)
        )
        assert f"检定到 {ends}" in admin.see("/manage/line")
    weighed.do(lambda s: scales.check(s, weighed.actor, "c", scale, Grams(500), Grams(600)))
    seen = admin.see("/manage/line")
    assert "核查不合格" in seen
    assert f'href="/manage/scales/{scale}"' in seen
    assert "没有托盘却少了菜" in admin.see("/manage/exceptions")

    lost = weighed.scoop(100, tray="E2000009")
    weighed.leave(mine)
    weighed.tell()
    weighed.later(11)
    assert "看小票" in phone.see("/me/tray")
    assert "已结算" in admin.see("/manage/line/sessions")
    detail = admin.see(f"/manage/line/sessions/{mine}")
    assert "4800" in detail
    assert "取餐位认得" in detail
    waiting = admin.see("/manage/line/unclaimed")
    assert "那时没有人绑定这个托盘" in waiting
    url = f"/manage/line/unclaimed/{lost}"
    assert "请填写核销原因" in admin.send(url, write_off="1", reason="").text
    assert "已归到这个托盘" in admin.send(url, session=str(mine)).text
    assert "已经处理过" in admin.send(url, write_off="1", reason="找不到人").text
    weighed.later(1)
    assert [sale.total for sale in weighed.paid(mine)] == [600, 300]
    assert "补收小票" in phone.see("/me/tray")
    first, late = weighed.paid(mine)
    home, told = phone.see("/me/"), "托盘结算以后补收 ¥3.00：03-02 12:00 取的青菜 100 克"
    assert told in home
    assert f'href="/me/records/{late.id}"' in home.split(told, maxsplit=1)[0].rpartition("<li>")[2]
    assert f'<li><a href="/me/records/{first.id}"' not in home
    phone.send("/language", language="en")
    assert "Charged after your tray was settled: ¥3.00" in phone.see("/me/notices")
    assert "自选称重线 ·" not in admin.see("/manage/terminals"), "it is no device"
    weighed.proved()


def test_trays_cards_and_rules_are_set_up_and_boxes_learn_them(weighed: Line, browser: Any) -> None:
    admin, page = browser("admin"), "/manage/line/set-up"
    assert "还没有登记托盘" in admin.see(page)
    book = Workbook()
    book.active.append(["E2 00 00 02", 18])  # type: ignore[union-attr]
    file = BytesIO()
    book.save(file)
    admin.send("/manage/line/trays", tags="E2000001, 17", file=(BytesIO(file.getvalue()), "x.xlsx"))
    shown = admin.see(page)
    assert TRAY in shown
    assert "E2000002" in shown
    assert "不能这样设置" in admin.send("/manage/line/trays", tags="!").text
    assert "打不开" not in admin.send(f"/manage/line/trays/{TRAY}", state="lost").text
    assert "已挂失" in admin.see(page)
    admin.send("/manage/line/cards", tag="A0000001", name="补菜员")
    rules = {"cap": "80", "least_balance": "5", "open_minutes": "60",
             "least_grams": "5", "step_grams": "800", "quiet_ms": "3000", "refill_s": "60",
             "price_unit": "50"}  # fmt: skip
    assert "已保存" in admin.send("/manage/line/rules", **rules, free="on").text
    assert "整数" in admin.send("/manage/line/rules", **rules | {"quiet_ms": "x"}).text
    items = weighed.box.feed()["items"]
    trays = {one["key"]: one["body"]["state"] for one in items if one["kind"] == "line_tray"}
    assert trays == {TRAY: "lost", "E2000002": "active"}
    told = {one["kind"]: one["body"] for one in items}
    assert told["line_card"] == {"name": "补菜员"}
    assert (told["line_rules"]["cap"], told["line_rules"]["small"]) == (8000, "free")
    weighed.bind(weighed.dish)
    assert "补菜员" not in admin.send("/manage/line/cards", remove="A0000001").text
