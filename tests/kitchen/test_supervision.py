from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from threading import Barrier
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dafan.db import reading, writing
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.records import MealPeriod
from kitchen import rectification, supervision
from kitchen import supervision_templates as templates
from kitchen.rows import SamePersonError
from kitchen.supervision import MissingProofError, NotOpenError, Proof
from kitchen.supervision_score import State, score, state_of
from kitchen.supervision_templates import Act, Edge, Evidence, Hours, Listed, Moment

DAY = date(2026, 3, 2)
ZONE = ZoneInfo("Asia/Shanghai")
LUNCH = MealPeriod(code="lunch", name="午餐", starts=time(10, 30), ends=time(13))
SUPPER = MealPeriod(code="supper", name="夜宵", starts=time(22), ends=time(0, 30))
HOURS = Hours(ZONE, (LUNCH, SUPPER))
FRIDGE = Act(
    code="fridge", title="冷藏柜温度", post="仓管", opens=Moment(at=time(6)),
    due=Moment(at=time(8)),
    evidence=Evidence.NUMBER, low=0, high=80, unit="0.1 °C",
    fulfilled_by="fridge.reading", source="house rule",
)  # fmt: skip
FRIDGE_PM = FRIDGE.model_copy(
    update={"code": "fridge_pm", "opens": Moment(at=time(14)), "due": Moment(at=time(17))}
)
SAMPLES = Act(
    code="samples", title="留样", post="留样员", opens=Moment(meal=Edge.STARTS, minutes=-30),
    due=Moment(meal=Edge.ENDS), evidence=Evidence.LINK, fulfilled_by="samples.meal", weight=5,
    escalate_after=0, source="GB 31654-2021",
)  # fmt: skip
FLOOR = Act(
    code="floor", title="地面清洁", post="保洁员", opens=Moment(at=time(19)),
    due=Moment(at=time(21)),
    evidence=Evidence.PHOTO, source="house rule",
)  # fmt: skip
ACTS = (FRIDGE, SAMPLES, FRIDGE_PM, FLOOR)


def local(hour, minute=0, day=DAY):
    return datetime.combine(day, time(hour, minute), ZONE).astimezone(UTC)


@pytest.fixture
def at(actor):
    """The actor at a local time."""
    return lambda hour, minute=0, name="keeper": actor.named(name, local(hour, minute))


@pytest.fixture
def items(engine, actor, at):
    """The list of the day, made at six, by code."""
    with writing(engine) as session:
        templates.save(session, actor, ACTS, 0)
        return {row.code: row for row in supervision.generate(session, at(6), DAY, HOURS)}


def complete(engine, who, item, **proof):
    with writing(engine) as session:
        return supervision.complete(session, who, item.id, Proof(**proof))


def day_states(engine, actor, now):
    with reading(engine) as session:
        found = supervision.day_list(session, actor.site_id, DAY)
        return {row.code: state_of(row, now) for row in found}


def test_making_the_list_twice_is_as_once(engine, actor, at, items):
    with writing(engine) as session:
        again = supervision.generate(session, at(9), DAY, HOURS)
    assert {row.id for row in again} == {row.id for row in items.values()}
    assert list(items) == ["fridge", "samples@lunch", "fridge_pm", "floor", "samples@supper"]
    assert [one.action for one in actor.recorded].count("supervision.generate") == 1


def test_a_changed_template_moves_what_is_open_and_keeps_what_is_done_or_late(
    engine, actor, at, items
):
    complete(engine, at(7), items["fridge"], number=40)
    later = FRIDGE_PM.model_copy(update={"due": Moment(at=time(18))})
    with writing(engine) as session:
        templates.save(session, actor, (later,), 1)
        supervision.generate(session, at(13, 30), DAY, HOURS)
    assert day_states(engine, actor, local(13, 30)) == {
        "fridge": State.DONE,
        "samples@lunch": State.LATE,
        "fridge_pm": State.OPEN,
    }
    with reading(engine) as session:
        (moved,) = [
            row
            for row in supervision.day_list(session, actor.site_id, DAY)
            if row.code == "fridge_pm"
        ]
    assert moved.due_at == local(18)
    with pytest.raises(NotOpenError, match="not on the list"):
        complete(engine, at(20), items["floor"], photo="p")
    with writing(engine) as session:
        templates.save(session, actor, ACTS, 2)
        supervision.generate(session, at(14), DAY, HOURS)
    assert complete(engine, at(20), items["floor"], photo="p").done_by == "keeper"


def test_in_time_late_and_told_on_are_different(engine, actor, at, items):
    assert state_of(complete(engine, at(8), items["fridge"], number=0), local(9)) is State.DONE
    assert day_states(engine, actor, local(17, 1))["fridge_pm"] is State.LATE
    with writing(engine) as session:
        told = supervision.escalate(session, at(17, 31))
    assert {row.code for row in told} == {"samples@lunch", "fridge_pm"}
    assert day_states(engine, actor, local(17, 31))["fridge_pm"] is State.ESCALATED
    with writing(engine) as session:
        assert supervision.escalate(session, at(17, 40)) == []
    complete(engine, at(17, 45), items["fridge_pm"], number=40)
    assert day_states(engine, actor, local(18))["fridge_pm"] is State.DONE_LATE


def test_an_act_is_not_done_before_its_window_without_proof_or_twice(engine, at, items):
    with pytest.raises(NotOpenError, match="too early"):
        complete(engine, at(18, 59), items["floor"], photo="p")
    with pytest.raises(MissingProofError, match="photograph"):
        complete(engine, at(19), items["floor"])
    with pytest.raises(MissingProofError, match="number"):
        complete(engine, at(7), items["fridge"], photo="p")
    with pytest.raises(MissingProofError, match="by itself"):
        complete(engine, at(11), items["samples@lunch"], photo="p")
    first = complete(engine, at(7), items["fridge"], number=40)
    again = complete(engine, at(7, 5), items["fridge"], number=40)
    assert again.done_at == first.done_at
    for who, number in ((at(7, 5), 50), (at(7, 5, "other"), 40)):
        with pytest.raises(NotOpenError, match="keeper"):
            complete(engine, who, items["fridge"], number=number)


def test_a_number_outside_its_limits_opens_a_finding_and_costs_half(engine, actor, at, items):
    done = complete(engine, at(7), items["fridge"], number=81)
    assert done.outside
    with reading(engine) as session:
        (found,) = rectification.waiting(session, actor.site_id)
        day = supervision.day_score(session, actor.site_id, DAY, local(8))
    assert (found.source, found.source_ref) == ("supervision", str(done.id))
    assert day.percent == 50
    assert [(one.title, one.outside) for one in day.lost] == [("冷藏柜温度", True)]


def test_a_problem_that_is_told_becomes_a_finding_once_and_costs_nothing(engine, actor, at, items):
    for _ in range(2):
        complete(engine, at(20), items["floor"], photo="p", problem="排水沟堵塞")
    with reading(engine) as session:
        (found,) = rectification.waiting(session, actor.site_id)
        day = supervision.day_score(session, actor.site_id, DAY, local(20))
    assert found.what == "排水沟堵塞"
    assert [one.title for one in day.lost if one.title == "地面清洁"] == []


def test_another_subject_closes_what_it_proves_and_only_that(engine, actor, at, items):
    with writing(engine) as session:
        site = {"day": DAY}
        assert supervision.fulfil(session, at(9), "unknown", "x", **site) == []
        (row,) = supervision.fulfil(
            session, at(9, 50), "samples.meal", "meal/1", meal="lunch", **site
        )
        assert (row.code, row.link, row.done_by) == ("samples@lunch", "meal/1", "keeper")
        again = supervision.fulfil(session, at(11), "samples.meal", "2", meal="lunch", **site)
        assert again == []
    states = day_states(engine, actor, local(11))
    assert (states["samples@lunch"], states["samples@supper"]) == (State.DONE, State.OPEN)
    assert items["fridge"].link == ""


@pytest.mark.parametrize(
    ("hour", "closed", "state"),
    [
        (5, [], None),
        (7, ["fridge"], State.DONE),
        (12, ["fridge"], State.DONE_LATE),
        (15, ["fridge_pm"], State.DONE),
    ],
)
@pytest.mark.usefixtures("items")
def test_a_reading_closes_the_act_whose_window_it_is(engine, at, hour, closed, state):
    with writing(engine) as session:
        found = supervision.fulfil(session, at(hour), "fridge.reading", "r", day=DAY, number=40)
        assert [row.code for row in found] == closed
        assert {state_of(row, local(hour)) for row in found} == ({state} if state else set())


@pytest.mark.usefixtures("items")
def test_a_reading_outside_its_limits_closes_its_act_and_opens_a_finding(engine, actor, at):
    with writing(engine) as session:
        (row,) = supervision.fulfil(session, at(7), "fridge.reading", "probe/1", day=DAY, number=95)
        (found,) = rectification.waiting(session, actor.site_id)
    assert row.outside
    assert found.what == "冷藏柜温度：9.5 °C"


def test_what_is_not_needed_is_waived_by_another_person_with_a_reason(engine, actor, at, items):
    item = items["fridge"]
    with writing(engine) as session:
        with pytest.raises(NotOpenError, match="asks first"):
            supervision.waive(session, at(7), item.id)
        with pytest.raises(BadInputError, match="why"):
            supervision.ask_waiver(session, at(7), item.id, "")
        supervision.ask_waiver(session, at(7), item.id, "冷柜停用检修")
        with pytest.raises(SamePersonError):
            supervision.waive(session, at(7), item.id)
    assert day_states(engine, actor, local(7))["fridge"] is State.OPEN
    with writing(engine) as session:
        supervision.waive(session, at(9, 0, "manager"), item.id)
    assert day_states(engine, actor, local(9))["fridge"] is State.WAIVED
    with pytest.raises(NotOpenError, match="waived"):
        complete(engine, at(9), item, number=40)
    assert actor.recorded[-1].after == {"reason": "冷柜停用检修", "asked_by": "keeper"}


def test_the_list_of_a_post_and_of_the_daily_control_are_parts_of_the_day(engine, actor, at):
    with writing(engine) as session:
        supervision.generate(session, at(5), DAY, HOURS)
        site = actor.site_id
        daily = supervision.day_list(session, site, DAY, listed=Listed.DAILY)
        store = supervision.day_list(session, site, DAY, post="仓管")
    assert {row.post for row in daily} == {"食品安全员"}
    assert len(daily) >= 5
    assert {row.code for row in store} >= {"fridge_am", "fridge_pm", "receiving"}


def test_a_day_before_its_first_window_has_no_score(engine, actor, items):
    assert items
    with reading(engine) as session:
        day = supervision.day_score(session, actor.site_id, DAY, local(6))
    assert (day.percent, day.states[State.OPEN]) == (None, 5)


def test_two_programs_that_make_the_list_at_once_make_one_list(engine, actor, at):
    together = Barrier(2)

    def make(_):
        together.wait()
        with writing(engine) as session:
            return {row.id for row in supervision.generate(session, at(5), DAY, HOURS)}

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(make, range(2))
    with reading(engine) as session:
        rows = supervision.day_list(session, actor.site_id, DAY)
    assert first == second == {row.id for row in rows}
    assert len({row.code for row in rows}) == len(rows)


ACTIONS = st.lists(
    st.tuples(
        st.integers(0, 180),
        st.sampled_from(["done", "fulfil", "ask", "waive", "escalate", "generate", "template"]),
        st.integers(0, 4),
    ),
    max_size=25,
)


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(actions=ACTIONS, templates_of_day=st.lists(st.sets(st.sampled_from(ACTS), min_size=1)))
def test_whatever_the_order_of_events_an_act_has_one_state_and_nothing_done_is_lost(
    engine, actor, actions, templates_of_day
):
    site = type(actor)(new_id(), "keeper", local(5, 30))
    changes = iter(templates_of_day)
    with writing(engine) as session:
        templates.save(session, site, ACTS, 0)
        known = list(supervision.generate(session, site, DAY, HOURS))
    done = {}
    now = site.at
    for wait, action, number in actions:
        now += timedelta(minutes=wait)
        item = known[number]
        try:
            with writing(engine) as session:
                _act(session, site.named("keeper", now), action, item, changes)
        except BadInputError:
            pass
        with reading(engine) as session:
            rows = supervision.day_list(session, site.site_id, DAY)
            states = {row.id: state_of(row, now) for row in rows}
            assert set(states.values()) <= set(State)
            finished = {State.DONE, State.DONE_LATE, State.WAIVED}
            for row_id, state in done.items():
                assert states[row_id] is state
            done = {one: state for one, state in states.items() if state in finished}
            day = score(rows, now)
            assert day.percent is None or 0 <= day.percent <= 100
            assert sum(day.states.values()) == len(rows)
            assert {row.key for row in rows} <= {row.key for row in known}


def _act(session, who, action, item, changes):
    if action == "done":
        proof = Proof(number=40) if item.evidence == Evidence.NUMBER else Proof(photo="p")
        supervision.complete(session, who, item.id, proof)
    elif action == "fulfil":
        kind = item.fulfilled_by or "none"
        supervision.fulfil(session, who, kind, "ref", day=DAY, meal=item.meal)
    elif action == "ask":
        supervision.ask_waiver(session, who, item.id, "停用")
    elif action == "waive":
        supervision.waive(session, who.named("manager"), item.id)
    elif action == "escalate":
        supervision.escalate(session, who)
    elif action == "generate":
        supervision.generate(session, who, DAY, HOURS)
    else:
        acts = sorted(next(changes, set(ACTS)), key=lambda act: act.code)
        seen = templates.in_force(session, who.site_id).version
        templates.save(session, who, acts, seen)
