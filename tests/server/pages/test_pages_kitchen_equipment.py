"""Devices, repairs and meters on the tablet."""

from collections.abc import Callable
from typing import Any

import pytest
from apiflask import APIFlask
from sqlalchemy import Engine, select

from dafan import db
from kitchen.equipment import Equipment, Maintenance, label
from kitchen.meters import Meter, MeterReading
from kitchen.repairs import Repair
from server.actor import Actor
from tests.server.pages.hands import Hand, hire, shot

FRIDGE = {
    "name": "双门冰箱 2 号", "place": "粗加工间", "model": "BCD-860", "since": "2025-11-01",
    "maintain_days": "90", "active": "1",
}  # fmt: skip
EQUIPMENT, METERS = "/kitchen/equipment", "/kitchen/meters"

Team = dict[str, Hand]


@pytest.fixture
def team(
    app: APIFlask, engine: Engine, actor: Actor, make_user: Callable[..., Any]
) -> dict[str, Hand]:
    roles = {"chief": "kitchen_manager", "cook": "cook"}
    return {
        login: hire(app, engine, actor, make_user, login, role) for login, role in roles.items()
    }


def only(engine: Engine, table: type[Any]) -> Any:
    with db.reading(engine) as session:
        return session.scalars(select(table)).one()


def test_a_device_is_found_by_its_label_and_its_maintenance_is_due(
    team: Team, engine: Engine
) -> None:
    chief, cook = team["chief"], team["cook"]
    chief.send(f"{EQUIPMENT}/new", **FRIDGE)
    assert "已有同名" in chief.send(f"{EQUIPMENT}/new", **FRIDGE)
    fridge = only(engine, Equipment)
    assert "应保养 2026-01-30" in cook.see(EQUIPMENT)
    path = f"{EQUIPMENT}/{fridge.id}"
    paper = cook.browser.get(f"{path}/label").json
    assert paper["lines"][0]["text"] == FRIDGE["name"]
    assert {"kind": "qr", "data": label(fridge.id)} in paper["lines"]
    assert "BCD-860" in cook.see(f"{EQUIPMENT}?scan={label(fridge.id)}")
    assert "还没有登记设备" not in cook.see(f"{EQUIPMENT}?scan=DAFAN:LOT:1:2")
    for _time in range(2):
        cook.send(f"{path}/maintain", what="清洗冷凝器", key="once", photo=shot())
    assert only(engine, Maintenance).photo
    assert "应保养 2026-05-31" in cook.see(path)


def test_a_repair_is_accepted_by_who_asked_for_it(team: Team, engine: Engine) -> None:
    chief, cook = team["chief"], team["cook"]
    chief.send(f"{EQUIPMENT}/new", **FRIDGE)
    wanted = {"equipment_id": str(only(engine, Equipment).id), "what": "压缩机异响", "down": "1"}
    for _time in range(2):
        cook.send("/kitchen/repairs", **wanted, key="once", photo=shot())
    way = f"/kitchen/repairs/{only(engine, Repair).id}"
    assert "要由负责人签字" in cook.send(f"{way}/assign", to="制冷公司")
    assert "维修中" in chief.send(f"{way}/assign", to="制冷公司")
    assert "请写一句说明" in chief.send(f"{way}/repaired", note="")
    assert "待验收" in chief.send(f"{way}/repaired", note="换了压缩机")
    assert "由另一个人" in chief.send(f"{way}/accept")
    for _time in range(2):
        assert "退回 1 次" in cook.send(f"{way}/refuse", note="还是响", refused="0")
    chief.send(f"{way}/repaired", note="又修了一次")
    assert "已验收" in cook.send(f"{way}/accept")
    assert only(engine, Repair).stage == "accepted"
    assert "没有在修的设备" in cook.see("/kitchen/repairs")


def test_a_meter_never_runs_backwards_and_a_reading_is_written_once(
    team: Team, engine: Engine
) -> None:
    chief, cook = team["chief"], team["cook"]
    water = {"name": "厨房水表", "kind": "water", "norm": "0.015", "active": "1"}
    chief.send(f"{METERS}/new", **water)
    meter = only(engine, Meter)
    assert (meter.kind, meter.norm) == ("water", 15)
    assert "1 块表今天没抄" in cook.see(METERS)
    path = f"{METERS}/{meter.id}"
    for typed in ("", "-5", "1e9", "100.0004"):
        cook.send(path, value=typed)
    for _time in range(2):
        assert "今天都抄了" in cook.send(path, value="1200.125", key="once")
    assert only(engine, MeterReading).value == 1_200_125
    assert "表读数不会倒退" in cook.send(path, value="1200.124")
    chief.send(f"{path}/edit", **{**water, "name": "总水表"})
    assert (only(engine, Meter).name, only(engine, Meter).norm) == ("总水表", 15)
    reading = only(engine, MeterReading).id
    chief.send(f"{path}/withdraw/{reading}", reason="看错了一位")
    assert "1 块表今天没抄" in cook.see(METERS)
    assert cook.browser.get(f"{path}/edit").status_code == 403
