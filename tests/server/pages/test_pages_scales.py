"""A scale is entered, verified and checked on its pages; who only cooks heals none."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import cv2
import numpy as np
from apiflask import APIFlask
from sqlalchemy import Engine, select

from dafan import db
from kitchen import limits
from server import terminals
from server.scale_book import Scale, ScaleCheck, Verification
from server.scale_rules import ScaleLimits
from tests.server.conftest import PASSWORD, TestSite, Till
from tests.server.pages.conftest import Browser

PAGE = "/manage/scales"
PLATE = {"model": "ACS-15", "serial": "A1", "max_grams": "15000", "e_grams": "5", "accuracy": "III"}


def one(engine: Engine, table: type = Scale) -> object:
    with db.reading(engine) as session:
        return session.scalars(select(table).order_by(table.id.desc())).first()


def test_a_scale_from_its_plate_to_its_certificate_to_its_end(
    browser: Callable[[str], Browser], terminal: Till, engine: Engine, site: TestSite
) -> None:
    boss = browser("manager")
    with db.writing(engine) as session:
        terminals.set_weigh_dish(session, site.id, terminal.id, terminal.id, by="test")
    listed = boss.see(PAGE)
    assert "在称重、还没有登记的" in listed
    assert f"terminal={terminal.id}&amp;station=0" in listed
    new = {"terminal": str(terminal.id), "station": "0", **PLATE}
    for wrong, said in (
        ({"max_grams": "100"}, "大于 20 个分度"), ({"terminal": "x"}, "没有这台结算台"),
        ({"station": "40"}, "1 到 32"), ({"station": "one"}, "请写整数"),
    ):  # fmt: skip
        assert said in boss.send(f"{PAGE}/new", f"{PAGE}/new", **new | wrong).text
    assert "还没有检定记录；本单位没有要求" in boss.send(f"{PAGE}/new", **new).text
    assert "已经登记过" in boss.send(f"{PAGE}/new", **new).text
    page = f"{PAGE}/{one(engine).id}"
    paper = {
        "key": "v1", "passed": "1", "certificate": "J1", "verified_on": "2026-03-02",
        "verified_until": "2026-03-31",
    }  # fmt: skip
    for wrong in ({"verified_until": ""}, {"verified_on": "2026-03-03"}, {"verified_on": ""}):
        assert "不超过一年的有效期" in boss.send(f"{page}/verify", page, **paper | wrong).text
    image = cv2.imencode(".png", np.zeros((40, 30, 3), np.uint8))[1].tobytes()
    sent = paper | {"photo": (BytesIO(image), "j1.png")}
    assert "还有 29 天到期" in boss.send(f"{page}/verify", **sent).text
    for place in ("/manage/", "/manage/approvals", "/kitchen/"):
        todo = boss.see(place)
        assert "1 台，请安排送检" in todo, place
        assert f'href="{PAGE}"' in todo, place
    photo = boss.get(f"{PAGE}/certificates/{one(engine, Verification).photo}.jpg")
    assert (photo.status_code, photo.data[:3]) == (200, b"\xff\xd8\xff")
    assert boss.get(f"{PAGE}/certificates/{terminal.id}.jpg").status_code == 404
    assert boss.get(f"{PAGE}/{terminal.id}").status_code == 404
    changed = boss.send(f"{page}/edit", f"{page}/edit", **PLATE | {"serial": "B2"}).text
    assert "还没有检定记录；本单位没有要求" in changed
    assert (
        "不合格，不能计价"
        in boss.send(
            f"{page}/verify", **paper | {"key": "v2", "passed": "0", "verified_until": ""}
        ).text
    )
    assert "先检定" in boss.send(f"{page}/away", page, reason="坏了").text
    boss.send(f"{page}/verify", **paper | {"key": "v3", "certificate": "J2"})
    assert "在称重、还没有登记的" in boss.send(f"{page}/away", page, reason="换小的").text


def test_who_cooks_checks_and_who_is_in_charge_heals_and_decides(
    browser: Callable[[str], Browser], make_user: Callable[..., Any], app: APIFlask,
    terminal: Till, engine: Engine, site: TestSite,
) -> None:  # fmt: skip
    boss, cook = browser("kitchen_manager"), Browser(app.test_client())
    make_user("cook", "cook")
    cook.send("/login", login="cook", password=PASSWORD)
    boss.send(f"{PAGE}/new", f"{PAGE}/new", terminal=str(terminal.id), station="1", **PLATE)
    page = f"{PAGE}/{one(engine).id}"
    assert "没有检定，不能计价" in boss.see(page), "the weigh line always wants a verified scale"
    assert "1 台不能计价，请登记检定证书" in cook.see("/kitchen/")
    check = {"nominal": "500", "shown": "500", "reason": "平了"}
    assert "核查合格，已记下" in cook.send(f"{page}/check", page, key="1", **check).text
    assert (
        "最小和最大称量之间" in cook.send(f"{page}/check", key="2", **check | {"nominal": "9"}).text
    )
    off = cook.send(f"{page}/check", key="3", **check | {"shown": "510"}).text
    assert "从现在起不能计价" in off
    assert 'name="reason"' not in off
    cook.send(f"{page}/check", key="4", **check)
    assert one(engine).fault == "check"
    boss.send(f"{page}/check", page, key="5", **check)
    assert (one(engine).fault, one(engine, ScaleCheck).reason) == ("", "平了")
    for path in (f"{page}/verify", f"{page}/edit", f"{page}/away", f"{PAGE}/rules", f"{PAGE}/new"):
        assert cook.send(path).status_code == 403, path
    rules = {"required": "1", "check_daily": "1", "soon_days": "45"}
    assert "提前 1 到 180 天" in boss.send(f"{PAGE}/rules", PAGE, **rules | {"soon_days": "0"}).text
    boss.send(f"{PAGE}/rules", **rules)
    with db.reading(engine) as session:
        asked = limits.of(session, site.id, ScaleLimits)
    assert asked == ScaleLimits(required=True, check_daily=True, soon_days=45)
    boss.send("/language", language="en")
    assert "Rules of this site" in boss.see(PAGE)
    assert "Check with a test weight" in boss.see(page)
