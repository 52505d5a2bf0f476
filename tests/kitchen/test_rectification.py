import itertools
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dafan.db import reading, writing
from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import rectification, staff
from kitchen.rectification import NEXT, FindingValues, Step, WrongStepError
from kitchen.rows import KeyReusedError, SamePersonError, UnknownRowError
from kitchen.staff import WorkerValues

DAY = date(2026, 3, 2)
DRAIN = FindingValues(what="排水沟堵塞", due=DAY + timedelta(days=2), photo="before.jpg")


@pytest.fixture
def cleaner(engine, actor):
    with writing(engine) as session:
        values = WorkerValues(name="周", post="保洁员", login="zhou")
        return staff.create(session, actor, values).id


@pytest.fixture
def finding(engine, actor):
    with writing(engine) as session:
        return rectification.find(session, actor, "k", DAY, DRAIN).id


def step(engine, who, act, *arguments, **more):
    with writing(engine) as session:
        return getattr(rectification, act)(session, who, *arguments, **more)


def test_a_finding_goes_from_found_to_verified_and_its_way_is_kept(engine, actor, cleaner, finding):
    zhou = actor.named("zhou")
    step(engine, actor, "assign", finding, cleaner)
    step(engine, zhou, "put_right", finding, "after.jpg", "已疏通")
    step(engine, actor, "reject", finding, "还有油污")
    step(engine, zhou, "put_right", finding, "again.jpg")
    with reading(engine) as session:
        assert [
            one.id for one in rectification.waiting(session, actor.site_id, worker_id=cleaner)
        ] == [finding]
    step(engine, actor, "verify", finding)
    with reading(engine) as session:
        assert rectification.waiting(session, actor.site_id) == []
        way = rectification.steps(session, actor.site_id, finding)
    assert [(one.step, one.by, one.photo) for one in way] == [
        ("found", "keeper", "before.jpg"),
        ("assigned", "keeper", ""),
        ("put_right", "zhou", "after.jpg"),
        ("rejected", "keeper", ""),
        ("put_right", "zhou", "again.jpg"),
        ("verified", "keeper", ""),
    ]
    assert [one.action for one in actor.recorded][-1] == "finding.verified"


def test_nobody_verifies_or_rejects_his_own_work(engine, actor, cleaner, finding):
    step(engine, actor, "assign", finding, cleaner)
    step(engine, actor, "put_right", finding, "after.jpg")
    for who in (actor, actor.named("zhou")):
        with pytest.raises(SamePersonError):
            step(engine, who, "verify", finding)
        with pytest.raises(SamePersonError):
            step(engine, who, "reject", finding, "no")
    step(engine, actor.named("manager"), "verify", finding)


def test_nothing_is_put_right_without_a_photograph_or_an_assignment(
    engine, actor, cleaner, finding
):
    with pytest.raises(WrongStepError, match="found"):
        step(engine, actor, "put_right", finding, "after.jpg")
    step(engine, actor, "assign", finding, cleaner)
    with pytest.raises(BadInputError, match="photograph"):
        step(engine, actor, "put_right", finding, " ")
    with pytest.raises(WrongStepError):
        step(engine, actor.named("manager"), "verify", finding)


def test_a_finding_sent_again_is_one_finding(engine, actor, finding):
    assert step(engine, actor, "find", "k", DAY, DRAIN).id == finding
    other = DRAIN.model_copy(update={"what": "地面湿滑"})
    with pytest.raises(KeyReusedError):
        step(engine, actor, "find", "k", DAY, other)
    early = DRAIN.model_copy(update={"due": DAY - timedelta(days=1)})
    with pytest.raises(BadInputError, match="before"):
        step(engine, actor, "find", "k2", DAY, early)


def test_a_step_that_a_tablet_sends_again_is_taken_once(engine, actor, cleaner, finding):
    zhou, boss = actor.named("zhou"), actor.named("boss")
    for who, act, said in (
        (actor, "assign", (cleaner,)),
        (zhou, "put_right", ("after.jpg",)),
        (boss, "reject", ("还有油污",)),
        (zhou, "put_right", ("again.jpg",)),
        (boss, "verify", ()),
    ):
        for _ in range(2):
            step(engine, who, act, finding, *said, key=f"{act}{said}")
    with pytest.raises(KeyReusedError):
        step(engine, zhou, "verify", finding, key="verify()")
    with reading(engine) as session:
        way = [one.step for one in rectification.steps(session, actor.site_id, finding)]
    assert way == ["found", "assigned", "put_right", "rejected", "put_right", "verified"]


def test_findings_of_another_site_are_unknown(engine, actor, finding):
    stranger = type(actor)(new_id(), "stranger", actor.at)
    with pytest.raises(UnknownRowError):
        step(engine, stranger, "verify", finding)


@settings(
    deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(acts=st.lists(st.sampled_from(["assign", "put_right", "verify", "reject"]), max_size=10))
def test_whatever_is_tried_the_steps_follow_each_other(engine, actor, acts):
    site = type(actor)(new_id(), "keeper", actor.at)
    with writing(engine) as session:
        worker = staff.create(session, site, WorkerValues(name="周", post="保洁员")).id
        finding = rectification.find(session, site, "k", DAY, DRAIN).id
    arguments = {"assign": (worker,), "put_right": ("p",), "verify": (), "reject": ("no",)}
    for act in acts:
        who = site.named("manager") if act in {"verify", "reject"} else site
        try:
            step(engine, who, act, finding, *arguments[act])
        except BadInputError:
            continue
    with reading(engine) as session:
        way = [Step(one.step) for one in rectification.steps(session, site.site_id, finding)]
        row = session.get_one(rectification.Finding, finding)
        assert row.state == way[-1]
    assert way[0] is Step.FOUND
    assert all(after in NEXT[before] for before, after in itertools.pairwise(way))
