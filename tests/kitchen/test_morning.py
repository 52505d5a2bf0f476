from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dafan.db import reading, writing
from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import attendance, morning, rows, staff, supervision
from kitchen.attendance import Direction, SignedBy
from kitchen.morning import CheckValues, Symptom, Trouble, judge
from kitchen.rows import KeyReusedError, SamePersonError
from kitchen.staff import Morning, WorkerValues
from kitchen.supervision_templates import Act, Evidence, Hours, Moment, save

DAY = date(2026, 3, 2)


@pytest.fixture
def people(engine, actor):
    with writing(engine) as session:
        return [
            staff.create(session, actor, WorkerValues(name=name, post="厨师", login=name)).id
            for name in ("chen", "lin")
        ]


def seen(people, **changes):
    worker, checker = people
    return CheckValues(worker_id=worker, checker_id=checker, temperature=365).model_copy(
        update=changes
    )


def check(engine, actor, values, key="k", day=DAY):
    with writing(engine) as session:
        return morning.check(session, actor, key, day, values)


def state(engine, actor, worker, day=DAY):
    with reading(engine) as session:
        return morning.states(session, actor.site_id, [worker], day)[worker]


@given(st.integers(340, 430), st.sets(st.sampled_from(Symptom)), st.tuples(*[st.booleans()] * 4))
def test_a_check_passes_only_without_fever_symptom_and_fault_of_dress(heat, symptoms, dress):
    values = CheckValues(
        worker_id=new_id(),
        checker_id=new_id(),
        temperature=heat,
        symptoms=tuple(symptoms),
        **dict(zip(("hands", "nails", "jewellery", "uniform"), dress, strict=True)),
    )
    assert (judge(values) == ()) is (heat < 373 and not symptoms and all(dress))


def test_the_limit_of_fever_is_the_sites():
    values = seen([new_id(), new_id()], temperature=375)
    assert judge(values) == (Trouble.TEMPERATURE,)
    assert judge(values, fever=380) == ()


@pytest.mark.parametrize("wrong", [{"temperature": 36}, {"temperature": 431}, {"symptoms": [13]}])
def test_an_impossible_reading_is_refused(wrong):
    values = {"worker_id": new_id(), "checker_id": new_id(), "temperature": 365, **wrong}
    with pytest.raises(BadInputError):
        rows.read(CheckValues, values, "morning check")


def test_before_his_check_a_person_is_missing_then_passed(engine, actor, people):
    assert state(engine, actor, people[0]) is Morning.MISSING
    check(engine, actor, seen(people))
    assert state(engine, actor, people[0]) is Morning.PASSED
    assert state(engine, actor, people[0], DAY + timedelta(days=1)) is Morning.MISSING


def test_who_failed_is_off_duty_until_cleared_also_tomorrow_and_behind_a_good_check(
    engine, actor, people
):
    failed = check(engine, actor, seen(people, symptoms=(Symptom.DIARRHOEA,)))
    assert state(engine, actor, people[0]) is Morning.FAILED
    check(engine, actor, seen(people), "k2")
    assert state(engine, actor, people[0]) is Morning.FAILED
    tomorrow = DAY + timedelta(days=1)
    check(engine, actor, seen(people), "k3", tomorrow)
    assert state(engine, actor, people[0], tomorrow) is Morning.FAILED
    with writing(engine) as session:
        morning.clear(session, actor.named("manager"), failed.id, "医院证明已康复")
    assert state(engine, actor, people[0], tomorrow) is Morning.PASSED
    assert actor.recorded[-1].action == "morning.clear"
    assert actor.recorded[-1].after == {"reason": "医院证明已康复"}


def test_cleared_is_not_passed(engine, actor, people):
    failed = check(engine, actor, seen(people, uniform=False))
    with writing(engine) as session:
        morning.clear(session, actor, failed.id, "已换工作服")
    assert state(engine, actor, people[0]) is Morning.CLEARED


def test_nobody_clears_himself_twice_or_without_reason(engine, actor, people):
    failed = check(engine, actor, seen(people, nails=False))
    passed = check(engine, actor, seen(people), "k2")

    def clear(who, row, reason="剪了指甲"):
        with writing(engine) as session:
            morning.clear(session, who, row.id, reason)

    with pytest.raises(SamePersonError):
        clear(actor.named("chen"), failed)
    with pytest.raises(BadInputError, match="say why"):
        clear(actor, failed, " ")
    with pytest.raises(BadInputError, match="nothing to clear"):
        clear(actor, passed)
    clear(actor, failed)
    with pytest.raises(BadInputError, match="already"):
        clear(actor, failed)


def test_nobody_checks_himself_while_there_is_another(engine, actor, people):
    alone = seen((people[0], people[0]))
    with pytest.raises(SamePersonError):
        check(engine, actor, alone)
    with writing(engine) as session:
        other = WorkerValues(name="lin", post="厨师", active=False)
        staff.update(session, actor, people[1], other)
    assert check(engine, actor, alone).passed


def test_a_check_sent_again_is_one_check_and_another_under_its_key_is_refused(
    engine, actor, people
):
    first = check(engine, actor, seen(people))
    again = check(engine, actor.named("keeper", actor.at + timedelta(minutes=3)), seen(people))
    assert again.id == first.id
    assert [one.action for one in actor.recorded].count("morning.check") == 1
    with pytest.raises(KeyReusedError):
        check(engine, actor, seen(people, temperature=390))


def test_when_all_who_came_are_checked_the_act_of_the_day_is_done(engine, actor, people):
    act = Act(
        code="morning_check", title="晨检", post="食品安全员", opens=Moment(at=time(6)),
        due=Moment(at=time(9)), evidence=Evidence.LINK, fulfilled_by="morning.all",
        source="食品安全法 45",
    )  # fmt: skip
    with writing(engine) as session:
        save(session, actor, [act], 0)
        hours = Hours(ZoneInfo("Asia/Shanghai"), ())
        (item,) = supervision.generate(session, actor, DAY, hours)
        for worker in people:
            key, came = str(worker), (Direction.IN, SignedBy.FACE)
            attendance.sign(session, actor, key, worker, DAY, *came)

    def done():
        with reading(engine) as session:
            return session.get_one(type(item), item.id).done_at is not None

    check(engine, actor, seen(people))
    assert not done()
    check(engine, actor, seen(people[::-1]), "k2")
    assert done()


def test_todays_list_begins_with_who_is_missing_then_who_failed(engine, actor, people):
    with writing(engine) as session:
        third = staff.create(session, actor, WorkerValues(name="a", post="切配")).id
    check(engine, actor, seen((third, people[0])))
    failed = check(engine, actor, seen((people[0], people[1]), temperature=376), "k2")
    with reading(engine) as session:
        lines = morning.today(session, actor.site_id, DAY)
        assert [(line.worker_id, line.state) for line in lines] == [
            (people[1], Morning.MISSING),
            (people[0], Morning.FAILED),
            (third, Morning.PASSED),
        ]
        assert lines[1].open_check == failed.id
        assert lines[1].troubles == (Trouble.TEMPERATURE,)
        assert not any(line.fitness.food_contact for line in lines)
        assert morning.today(session, new_id(), DAY) == []
        later = DAY + timedelta(days=1)
        history = morning.history(session, actor.site_id, people[0], before=later)
        assert [one.id for one in history] == [failed.id]
