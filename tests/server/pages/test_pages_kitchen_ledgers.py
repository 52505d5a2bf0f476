"""Ledgers on the tablet: what falls short is written and said, a correction keeps the old row."""

from collections.abc import Callable
from typing import Any

import pytest
from apiflask import APIFlask
from sqlalchemy import Engine, select

from dafan import db
from kitchen.additives import Additive, AdditiveUse
from kitchen.ledgers import Disinfection, OilEntry, PestEntry
from server.actor import Actor
from tests.server.pages.hands import Hand, hire, shot

LOAD = {
    "items": "餐盘", "count": "320", "method": "steam", "celsius": "100",
    "started_at": "11:00", "ended_at": "11:12",
}  # fmt: skip
BOOK = "/kitchen/ledgers/disinfection"
POWDER = {
    "name": "无铝泡打粉", "purpose": "膨松剂", "foods": "面点", "limit_mg_per_kg": "15000",
    "limit_from": "GB 2760 表 A.1", "active": "1",
}  # fmt: skip

Team = dict[str, Hand]


@pytest.fixture
def team(
    app: APIFlask, engine: Engine, actor: Actor, make_user: Callable[..., Any]
) -> dict[str, Hand]:
    roles = {"chief": "kitchen_manager", "cook": "cook"}
    return {
        login: hire(app, engine, actor, make_user, login, role) for login, role in roles.items()
    }


def rows_of(engine: Engine, table: type[Any]) -> list[Any]:
    with db.reading(engine) as session:
        return list(session.scalars(select(table).order_by(table.id)))


def test_a_load_is_written_once_and_a_weak_one_is_written_with_its_fault(
    team: Team, engine: Engine
) -> None:
    for _time in range(2):
        assert "320" in team["cook"].send(BOOK, **LOAD, key="once")
    [row] = rows_of(engine, Disinfection)
    assert ((row.ended_at - row.started_at).seconds, row.faults) == (720, [])
    weak = {**LOAD, "method": "chlorine", "chlorine": "200", "celsius": "", "ended_at": "11:02"}
    told = team["cook"].send(BOOK, **weak)
    assert "不合格：浓度不够、时间不够、没有冲洗" in told
    assert set(rows_of(engine, Disinfection)[1].faults) == {"too_weak", "too_short", "not_rinsed"}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"count": "-3"}, "请检查：数量"),
        ({"started_at": "25:99"}, "请检查：开始时间"),
        ({"celsius": ""}, "请填温度"),
        ({"ended_at": "10:59"}, "结束要晚于开始"),
        ({"method": "prayer"}, "请检查：方法"),
    ],
)
def test_what_does_not_fit_is_said_by_its_name(
    team: Team, engine: Engine, changed: dict[str, str], said: str
) -> None:
    assert said in team["cook"].send(BOOK, **{**LOAD, **changed})
    assert rows_of(engine, Disinfection) == []


def test_a_correction_stands_in_the_place_of_the_old_row(team: Team, engine: Engine) -> None:
    cook = team["cook"]
    cook.send(BOOK, **LOAD)
    [wrong] = rows_of(engine, Disinfection)
    assert "更正原因" in cook.see(f"{BOOK}?corrects={wrong.id}")
    right = {**LOAD, "count": "230", "corrects": str(wrong.id)}
    assert "请写一句说明" in cook.send(BOOK, **right, reason="")
    cook.send(BOOK, **right, reason="点错了数")
    text = cook.see(BOOK)
    assert "× 230" in text
    assert "× 320" not in text
    assert len(rows_of(engine, Disinfection)) == 2
    assert "已经更正过" in cook.send(BOOK, **right, reason="再改")


def test_oil_over_its_limit_asks_to_be_changed_until_it_is(team: Team, engine: Engine) -> None:
    cook, path = team["cook"], "/kitchen/ledgers/oil"
    assert "要填极性组分" in cook.send(path, fryer="炸炉 1 号", act="tested")
    assert "请换油" in cook.send(path, fryer="炸炉 1 号", act="tested", polar="27.1")
    assert "上次检测超标" in cook.see(path)
    cook.send(path, fryer="炸炉 1 号", act="changed", discarded="12.5", collector="绿源油脂")
    assert "上次检测超标" not in cook.see(path)
    tested, changed = rows_of(engine, OilEntry)
    assert (tested.polar, changed.discarded) == (271, 12_500)


def test_pests_are_written_with_a_photograph(team: Team, engine: Engine) -> None:
    told = team["cook"].send(
        "/kitchen/ledgers/pests", places="库房", method="粘鼠板", traces="2", photo=shot()
    )
    assert "痕迹 2 个" in told
    [row] = rows_of(engine, PestEntry)
    assert row.photo


def test_a_dose_is_weighed_against_its_limit_and_signed_by_a_second_person(
    team: Team, engine: Engine
) -> None:
    chief, cook = team["chief"], team["cook"]
    chief.send("/kitchen/additives/new", **POWDER)
    assert "已有同名" in chief.send("/kitchen/additives/new", **POWDER)
    nitrite = {**POWDER, "name": "亚硝酸钠"}
    assert "亚硝酸盐" in chief.send("/kitchen/additives/new", **nitrite)
    [powder] = rows_of(engine, Additive)
    dose = {"additive_id": str(powder.id), "dish": "馒头", "food": "5"}
    use = "/kitchen/additives/use"
    assert "最多放 75.000 g" in cook.send(use, **dose, weighed="75.001")
    assert rows_of(engine, AdditiveUse) == []
    for _time in range(2):
        cook.send(use, **dose, weighed="75", key="once")
    [row] = rows_of(engine, AdditiveUse)
    assert (row.weighed_mg, row.food_g) == (75_000, 5_000)
    assert "1 次待复核" in cook.see("/kitchen/additives")
    assert "由另一个人" in cook.send(f"{use}/{row.id}/sign")
    chief.send(f"{use}/{row.id}/sign")
    assert rows_of(engine, AdditiveUse)[0].signed_by == "chief"
    chief.send(f"/kitchen/additives/{powder.id}", **{**POWDER, "limit_mg_per_kg": "10000"})
    assert rows_of(engine, AdditiveUse)[0].limit_mg_per_kg == 15_000
