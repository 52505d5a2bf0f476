"""The morning check on the tablet: who fails is off duty, and nobody clears himself."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from apiflask import APIFlask
from sqlalchemy import Engine, select

from dafan import db
from kitchen.attendance import Sign
from kitchen.morning import MorningCheck
from kitchen.pictures import Picture
from server.actor import Actor
from server.audit import Audit
from tests.server.pages.hands import Hand, hire, shot

FINE = {"temperature": "36.5", "hands": "1", "nails": "1", "jewellery": "1", "uniform": "1"}
LIST = "/kitchen/morning"

Team = dict[str, Hand]


@pytest.fixture
def team(
    app: APIFlask, engine: Engine, actor: Actor, make_user: Callable[..., Any]
) -> dict[str, Hand]:
    """The kitchen's manager, a cook and a storekeeper."""
    roles = {"chief": "kitchen_manager", "cook": "cook", "keeper": "storekeeper"}
    return {
        login: hire(app, engine, actor, make_user, login, role) for login, role in roles.items()
    }


def checks(engine: Engine) -> list[MorningCheck]:
    with db.reading(engine) as session:
        return list(session.scalars(select(MorningCheck).order_by(MorningCheck.id)))


def page_of(hand: Hand) -> str:
    return f"{LIST}/{hand.worker_id}"


def test_everybody_stands_on_the_list_until_he_is_checked(team: Team, engine: Engine) -> None:
    assert "3 人未检" in team["chief"].see(LIST)
    told = team["chief"].send(page_of(team["cook"]), **FINE, photo=shot())
    assert "晨检合格" in told
    assert "2 人未检" in told
    [row] = checks(engine)
    assert (row.temperature, row.passed, row.by) == (365, True, "chief")
    with db.reading(engine) as session:
        assert str(session.scalars(select(Picture)).one().id) == row.photo


def test_who_fails_is_off_duty_and_only_another_in_charge_clears_him(
    team: Team, engine: Engine
) -> None:
    chief, cook, keeper = team["chief"], team["cook"], team["keeper"]
    ill = {**FINE, "temperature": "38.1", "symptoms": ["4", "11"]}
    told = keeper.send(page_of(chief), **ill)
    assert "不能上岗" in told
    assert "38.1 °C" in told
    assert "1 人不合格" in keeper.see(LIST)
    [row] = checks(engine)
    assert (row.passed, row.symptoms, row.troubles) == (
        False, [4, 11], ["temperature", "symptoms"],
    )  # fmt: skip
    clear = f"{page_of(chief)}/clear/{row.id}"
    assert "由另一个人" in chief.send(clear, reason="我好了")
    assert "要由负责人签字" in cook.send(clear, reason="他好了")
    assert checks(engine)[0].cleared_at is None
    keeper.send(page_of(chief), **FINE)
    assert "1 人不合格" in keeper.see(LIST)


def test_a_reason_stands_behind_a_clearing(team: Team, engine: Engine) -> None:
    chief, cook = team["chief"], team["cook"]
    team["keeper"].send(page_of(cook), **{**FINE, "temperature": "37.6"})
    [row] = checks(engine)
    clear = f"{page_of(cook)}/clear/{row.id}"
    assert "请写一句说明" in chief.send(clear, reason="  ")
    assert "已放行" in chief.send(clear, reason="复测 36.4 °C")
    with db.reading(engine) as session:
        told = session.scalars(select(Audit).where(Audit.action == "morning.clear")).one()
    assert (told.who, told.after) == ("chief", {"reason": "复测 36.4 °C"})


def test_a_check_that_is_sent_twice_is_one_check(team: Team, engine: Engine) -> None:
    for _time in range(2):
        told = team["chief"].send(page_of(team["cook"]), **FINE, key="once", photo=shot())
        assert "晨检合格" in told
    assert len(checks(engine)) == 1
    with db.reading(engine) as session:
        assert len(session.scalars(select(Picture)).all()) == 1


@pytest.mark.parametrize("typed", ["", "20", "365", "-36.5", "abc", "36.55", "٣٦", "9" * 40])
def test_an_absurd_temperature_is_refused(team: Team, engine: Engine, typed: str) -> None:
    team["chief"].send(page_of(team["cook"]), **{**FINE, "temperature": typed})
    assert checks(engine) == []


def test_nobody_checks_himself_and_a_file_that_is_no_photograph_is_refused(
    team: Team, engine: Engine
) -> None:
    cook = team["cook"]
    assert "由另一个人" in cook.send(page_of(cook), **FINE)
    junk = (io.BytesIO(b"GIF89a"), "hands.jpg")
    assert "照片" in team["chief"].send(page_of(cook), **FINE, photo=junk)
    assert checks(engine) == []


def test_what_is_not_in_order_with_hands_or_dress_fails(team: Team, engine: Engine) -> None:
    bare = {name: text for name, text in FINE.items() if name not in {"nails", "uniform"}}
    told = team["chief"].send(page_of(team["cook"]), **bare)
    assert "着装不合格" in told
    assert checks(engine)[0].troubles == ["nails", "uniform"]


def test_coming_and_going_are_signed_and_the_list_of_the_day_closes(
    team: Team, engine: Engine
) -> None:
    cook, chief = team["cook"], team["chief"]
    assert "在岗 1 人" in cook.send("/kitchen/attendance", direction="in", key="a")
    assert "在岗 1 人" in cook.send("/kitchen/attendance", direction="in", key="a")
    assert "已经签到了" in cook.send("/kitchen/attendance", direction="in")
    keeper = str(team["keeper"].worker_id)
    assert "要由负责人签字" in cook.send("/kitchen/attendance", direction="in", worker_id=keeper)
    chief.send("/kitchen/attendance", direction="in", worker_id=keeper)
    assert "在岗 1 人" in cook.send("/kitchen/attendance", direction="out")
    with db.reading(engine) as session:
        rows = session.scalars(select(Sign).order_by(Sign.at, Sign.id)).all()
    assert [(row.direction, row.how, row.by) for row in rows] == [
        ("in", "pin", "cook"), ("in", "hand", "chief"), ("out", "pin", "cook"),
    ]  # fmt: skip
    chief.see("/kitchen/")
    assert "0 / " in chief.see("/kitchen/")
    chief.send(page_of(team["keeper"]), **FINE)
    assert "已完成 1 / " in chief.see("/kitchen/")
