"""Findings and cleaning areas on the tablet: put right with a photograph, verified by another."""

from collections.abc import Callable
from typing import Any

import pytest
from apiflask import APIFlask
from sqlalchemy import Engine, select

from dafan import db
from kitchen.areas import Area, AreaCheck
from kitchen.rectification import Finding, FindingStep
from server.actor import Actor
from tests.server.pages.hands import Hand, hire, shot

TODAY = "2026-03-02"
PAGE = "/kitchen/findings"

Team = dict[str, Hand]


@pytest.fixture
def team(
    app: APIFlask, engine: Engine, actor: Actor, make_user: Callable[..., Any]
) -> dict[str, Hand]:
    roles = {"chief": "kitchen_manager", "cook": "cook"}
    return {
        login: hire(app, engine, actor, make_user, login, role) for login, role in roles.items()
    }


def findings(engine: Engine) -> list[Finding]:
    with db.reading(engine) as session:
        return list(session.scalars(select(Finding)))


def test_a_finding_goes_its_way_to_the_second_person(team: Team, engine: Engine) -> None:
    chief, cook = team["chief"], team["cook"]
    for _time in range(2):
        cook.send(PAGE, what="冷库门封条破损", due=TODAY, key="once", photo=shot())
    [row] = findings(engine)
    way = f"{PAGE}/{row.id}"
    assert "要由负责人签字" in cook.send(f"{way}/assigned", worker_id=str(cook.worker_id))
    assert "请选择由谁整改" in chief.send(f"{way}/assigned", worker_id="")
    assert "待整改" in chief.send(f"{way}/assigned", worker_id=str(cook.worker_id))
    assert "请拍一张整改后的照片" in cook.send(f"{way}/put_right", note="换了")
    for _time in range(2):
        done = cook.send(f"{way}/put_right", key="p", note="换了封条", photo=shot(120))
        assert "待复核" in done
    assert "由另一个人" in cook.send(f"{way}/verified")
    assert "请写一句说明" in chief.send(f"{way}/rejected", note="")
    assert "没改好" in chief.send(f"{way}/rejected", note="还漏冷气")
    cook.send(f"{way}/put_right", photo=shot(140))
    chief.send(f"{way}/verified", note="好了")
    assert "现在不能做这一步" in chief.send(f"{way}/verified", note="好了")
    with db.reading(engine) as session:
        steps = session.scalars(select(FindingStep).order_by(FindingStep.number)).all()
    assert [(one.step, one.by) for one in steps] == [
        ("found", "cook"), ("assigned", "chief"), ("put_right", "cook"), ("rejected", "chief"),
        ("put_right", "cook"), ("verified", "chief"),
    ]  # fmt: skip
    assert "没有要整改的" in chief.see(PAGE)
    assert "冷库门封条破损" in chief.see(f"{PAGE}?closed=1")


def test_what_was_due_before_it_was_found_is_refused(team: Team, engine: Engine) -> None:
    assert "期限不能早于今天" in team["cook"].send(PAGE, what="灯罩坏了", due="2026-03-01")
    assert "请检查：期限" in team["cook"].send(PAGE, what="灯罩坏了", due="明天")
    assert findings(engine) == []


def test_a_place_is_judged_by_another_than_its_keeper_and_dirt_becomes_his_finding(
    team: Team, engine: Engine
) -> None:
    chief, cook = team["chief"], team["cook"]
    place = {"name": "蒸箱和地沟", "worker_id": str(cook.worker_id), "every_days": "2"}
    chief.send("/kitchen/areas/new", **place, since=TODAY, active="1")
    with db.reading(engine) as session:
        path = f"/kitchen/areas/{session.scalars(select(Area)).one().id}"
    assert "今天检查" in chief.see("/kitchen/areas")
    assert "由另一个人" in cook.send(path, clean="1")
    assert "请写一句说明" in chief.send(path, clean="0", note="")
    for _time in range(2):
        chief.send(path, clean="0", note="地沟有残渣", key="once")
    with db.reading(engine) as session:
        assert len(session.scalars(select(AreaCheck)).all()) == 1
    [row] = findings(engine)
    assert (row.state, row.worker_id) == ("assigned", cook.worker_id)
    assert "2 天后检查" in chief.see("/kitchen/areas")
    chief.send(f"{path}/edit", **{**place, "every_days": "1"}, since=TODAY, active="1")
    assert "1 天后检查" in chief.see("/kitchen/areas")
