"""Training and the lists of control on the tablet."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from apiflask import APIFlask
from sqlalchemy import Engine, select

from dafan import db
from kitchen import supervision_templates
from kitchen.training import Attempt, Course, Question
from server.actor import Actor
from server.audit import Audit
from tests.server.conftest import TestSite
from tests.server.pages.hands import Hand, hire

TRAINING = "/kitchen/training"
TEMPLATE = "/kitchen/template"

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


def test_a_course_is_read_tested_and_its_file_says_until_when(team: Team, engine: Engine) -> None:
    chief, cook = team["chief"], team["cook"]
    numbers = {"asked": "5", "pass_percent": "100", "valid_days": "365"}
    chief.send(f"{TRAINING}/new", title="食品安全", text="冷藏 0–8 °C", **numbers, active="1")
    path = f"{TRAINING}/{only(engine, Course).id}"
    asked = {"text": "冷藏柜的温度", "option0": "0–8 °C", "option2": "10–15 °C"}
    assert "请检查：正确答案" in chief.send(f"{path}/questions", **asked, right="1")
    for _time in range(2):
        chief.send(f"{path}/questions", **asked, right="0")
    assert only(engine, Question).right == [0]
    assert "cook先生" in cook.see(TRAINING)
    test = cook.send(f"{path}/start", key="once")
    assert "0–8 °C" in test
    attempt = only(engine, Attempt)
    paper = f"{TRAINING}/papers/{attempt.id}"
    right = str(attempt.paper[0]["right"][0])
    assert "请本人签字交卷" in chief.send(paper, q0=right)
    assert "还有题没有答" in cook.send(paper)
    assert "100 分" in cook.send(paper, q0=right)
    assert only(engine, Attempt).passed
    assert "cook先生" not in cook.see(TRAINING)
    assert "有效至 2027-03-02" in chief.see(f"/kitchen/people/{cook.worker_id}")


def test_the_template_is_changed_in_the_journal_and_the_list_follows(
    team: Team, engine: Engine, site: TestSite
) -> None:
    chief = team["chief"]
    chief.see("/kitchen/")
    fridge = {
        "version": "0", "title": "冷藏柜温度（上午）", "listed": "work", "post": "仓管",
        "evidence": "number", "unit": "0.1 °C", "low": "0", "high": "5.5", "opens_at": "05:30",
        "due_at": "13:00", "weight": "3", "escalate_after": "30", "escalate_to": "食品安全员",
        "source": "本单位规定",
    }  # fmt: skip
    path = f"{TEMPLATE}/fridge_am"
    assert "时间、餐次和上下限" in chief.send(path, **{**fridge, "low": "9"})
    assert "第 1 版" in chief.send(path, **fridge)
    assert "刚被别人改过" in chief.send(path, **fridge)
    with db.reading(engine) as session:
        acts = {one.code: one for one in supervision_templates.in_force(session, site.id).acts}
        told = session.scalars(select(Audit).where(Audit.action == "supervision.template")).one()
    assert (acts["fridge_am"].high, acts["fridge_am"].fulfilled_by) == (55, "fridge.reading")
    assert told.after["changed"] == ["fridge_am"]
    own = {**fridge, "version": "1", "code": "ice_machine", "title": "制冰机清洗"}
    own |= {"evidence": "tick", "weekday": "1"}
    assert "制冰机清洗" in chief.send(f"{TEMPLATE}/new", **own)
    scales = {**own, "version": "2", "title": "核查秤", "evidence": "link", "first_meal": "1"}
    scales |= {"opens_edge": "starts", "opens_minutes": "-60", "due_edge": "starts", "weekday": ""}
    assert "只在第一餐" in chief.send(f"{TEMPLATE}/scales", **scales)
    with db.reading(engine) as session:
        acts = {one.code: one for one in supervision_templates.in_force(session, site.id).acts}
    assert (acts["scales"].first_meal, acts["scales"].fulfilled_by) == (True, "scales.day")
    assert not acts["ice_machine"].first_meal
    gone = chief.send(f"{TEMPLATE}/ice_machine", version="3", remove="1")
    assert "制冰机清洗" not in gone
    assert team["cook"].browser.get(TEMPLATE).status_code == 403


OFFER = "新版本带来 1 项，您的清单里没有"


def older(engine: Engine, actor: Actor) -> None:
    """The site saved a template before the act of the scales was shipped."""
    acts = [act for act in supervision_templates.shipped() if act.code != "scales"]
    with db.writing(engine) as session:
        supervision_templates.save(session, actor, acts, 0)
        row = session.scalars(select(supervision_templates.SupervisionTemplate)).one()
        row.decided = [act.code for act in acts]


def codes_of(engine: Engine, site: TestSite) -> set[str]:
    with db.reading(engine) as session:
        found = supervision_templates.in_force(session, site.id)
        return {act.code for act in found.acts}


def test_an_act_of_a_newer_version_is_offered_and_taken_by_one_touch(
    team: Team, engine: Engine, actor: Actor, site: TestSite
) -> None:
    chief, take = team["chief"], f"{TEMPLATE}/scales/take"
    assert "新版本带来" not in chief.see(TEMPLATE)
    older(engine, actor)
    page = chief.see(TEMPLATE)
    offer = page.partition(OFFER)[2].partition("</article>")[0]
    assert "每天核查秤" in offer
    assert "开餐前 120 分 – 开餐时 · 只在第一餐" in offer
    assert "依据：本单位规定" in offer
    assert "刚被别人改过" in chief.send(take, version="0")
    assert "scales" not in codes_of(engine, site)
    after = chief.send(take, version="1")
    assert "第 2 版" in after
    assert "新版本带来" not in after
    assert "scales" in codes_of(engine, site)
    assert "清单里已有这一项" in chief.send(take, version="2")
    assert "新版本带来" not in chief.send(f"{TEMPLATE}/scales", version="2", remove="1")
    assert "scales" not in codes_of(engine, site)


def test_an_act_of_a_newer_version_that_is_refused_is_not_offered_again(
    team: Team, engine: Engine, actor: Actor, site: TestSite
) -> None:
    older(engine, actor)
    after = team["chief"].send(f"{TEMPLATE}/scales/refuse", version="1")
    assert "不会再提这一项" in after
    assert "新版本带来" not in after
    assert "scales" not in codes_of(engine, site)
    with db.reading(engine) as session:
        told = session.scalars(select(Audit).where(Audit.action == "supervision.template")).all()
    assert [one.after.get("refused") for one in told if one.who == "chief"] == ["scales"]


def test_an_act_that_nobody_ships_or_a_cook_changes_nothing(
    team: Team, engine: Engine, actor: Actor, site: TestSite
) -> None:
    older(engine, actor)
    before = codes_of(engine, site)
    path = f"{TEMPLATE}/no_such_act/take"
    assert team["chief"].browser.send(path, "/account/password", version="1").status_code in {
        200, 404,
    }  # fmt: skip
    answer = team["cook"].browser.send(f"{TEMPLATE}/scales/take", "/account/password", version="1")
    assert answer.status_code == 403
    assert codes_of(engine, site) == before


def test_every_act_of_the_shipped_template_has_its_form(team: Team) -> None:
    page = team["chief"].see(TEMPLATE)
    codes = set(re.findall(r'href="/kitchen/template/([a-z][a-z0-9_]*)"', page)) - {"new"}
    assert codes == {act.code for act in supervision_templates.shipped()}
    for code in codes:
        assert 'name="due_at"' in team["chief"].see(f"{TEMPLATE}/{code}")


@pytest.mark.parametrize("listed", ["", "/daily_control", "/weekly_check", "/monthly_meeting"])
def test_each_list_of_control_stands_by_day(team: Team, listed: str) -> None:
    team["chief"].see("/kitchen/")
    page = team["cook"].see(f"/kitchen/lists{listed}")
    assert "日周月清单" in page
    if listed in {"", "/daily_control"}:
        assert "日管控：" in page
