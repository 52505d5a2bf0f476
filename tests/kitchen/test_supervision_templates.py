from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from dafan.db import reading, writing
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.records import MealPeriod
from kitchen import supervision_templates as templates
from kitchen.supervision_templates import Act, Edge, Evidence, Hours, Listed, Moment, plan

DAY = date(2026, 3, 2)
ZONE = ZoneInfo("Asia/Shanghai")
LUNCH = MealPeriod(code="lunch", name="午餐", starts=time(10, 30), ends=time(13))
SUPPER = MealPeriod(code="supper", name="夜宵", starts=time(22), ends=time(0, 30))
HOURS = Hours(ZONE, (LUNCH, SUPPER))
FRIDGE = Act(
    code="fridge", title="冷藏柜温度", post="仓管", opens=Moment(at=time(6)),
    due=Moment(at=time(8)), evidence=Evidence.NUMBER, low=0, high=80, unit="0.1 °C",
    fulfilled_by="fridge.reading", source="house rule",
)  # fmt: skip
SAMPLES = Act(
    code="samples", title="留样", post="留样员", opens=Moment(meal=Edge.STARTS, minutes=-30),
    due=Moment(meal=Edge.ENDS), evidence=Evidence.LINK, fulfilled_by="samples.meal",
    source="GB 31654-2021",
)  # fmt: skip
ACTS = (FRIDGE, SAMPLES)


def local(hour, minute=0, day=DAY):
    return datetime.combine(day, time(hour, minute), ZONE).astimezone(UTC)


def test_the_shipped_day_has_thirty_acts_with_owner_window_and_source_in_order():
    work = [act for act in templates.shipped() if act.listed is Listed.WORK]
    assert len(work) >= 30
    assert all(act.post and act.source for act in work)
    periods = (LUNCH, MealPeriod(code="dinner", name="晚餐", starts=time(17), ends=time(19)))
    day = plan(templates.shipped(), DAY, Hours(ZONE, periods))
    assert [one.opens_at for one in day] == sorted(one.opens_at for one in day)
    assert all(one.opens_at < one.due_at <= one.escalate_at for one in day)
    assert {"samples@lunch", "samples@dinner", "morning_check", "waste"} <= {
        one.code for one in day
    }


@pytest.mark.parametrize(
    ("day", "lists"),
    [
        (DAY, {Listed.WORK, Listed.DAILY}),
        (date(2026, 3, 6), {Listed.WORK, Listed.DAILY, Listed.WEEKLY}),
        (date(2026, 3, 25), {Listed.WORK, Listed.DAILY, Listed.MONTHLY}),
    ],
)
def test_daily_control_weekly_check_and_monthly_meeting_come_on_their_days(day, lists):
    assert {one.act.listed for one in plan(templates.shipped(), day, HOURS)} == lists


def test_an_act_of_the_first_meal_comes_once_with_whichever_of_its_meals_begins_first():
    night = MealPeriod(code="night", name="夜餐", starts=time(1), ends=time(3))
    hours = Hours(ZONE, (night, SUPPER, LUNCH))  # the night belongs to the end of the day
    opens, due = Moment(meal=Edge.STARTS, minutes=-120), Moment(meal=Edge.STARTS)
    act = SAMPLES.model_copy(update={"opens": opens, "due": due, "first_meal": True})
    assert [(one.code, one.due_at) for one in plan([act], DAY, hours)] == [
        ("samples@lunch", local(10, 30))
    ]
    late = act.model_copy(update={"meals": ("supper", "night")})
    assert [one.code for one in plan([late], DAY, hours)] == ["samples@supper"]
    assert plan([act], DAY, Hours(ZONE, ())) == []


def test_windows_follow_the_meals_also_behind_midnight():
    found = {one.code: one for one in plan(ACTS, DAY, HOURS)}
    assert found["samples@lunch"].opens_at == local(10)
    assert found["samples@lunch"].due_at == local(13)
    assert found["samples@supper"].due_at == local(0, 30, DAY + timedelta(days=1))
    night = MealPeriod(code="night", name="夜班", starts=time(1), ends=time(3))
    (one,) = plan([SAMPLES], DAY, Hours(ZONE, (night,)))
    assert one.opens_at == local(0, 30, DAY + timedelta(days=1))


def test_an_act_of_some_meals_comes_only_with_them():
    only = SAMPLES.model_copy(update={"meals": ("supper",)})
    assert [one.code for one in plan([only], DAY, HOURS)] == ["samples@supper"]


def test_a_window_that_its_meal_turns_round_is_five_minutes_long():
    odd = SAMPLES.model_copy(update={"due": Moment(meal=Edge.STARTS, minutes=-60)})
    one = plan([odd], DAY, HOURS)[0]
    assert one.due_at - one.opens_at == timedelta(minutes=5)


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"opens": {}}, "either"),
        ({"opens": {"at": "06:00", "minutes": 5}}, "edge"),
        ({"due": {"at": "05:00"}}, "ends before"),
        ({"low": 90}, "above"),
        ({"evidence": "link", "low": None, "high": None, "fulfilled_by": None}, "names the kind"),
        ({"evidence": "tick"}, "limits"),
        ({"meals": ["lunch"]}, "counts from a meal"),
        ({"code": "Fridge!"}, "pattern"),
        ({"source": ""}, "source"),
    ],
)
def test_an_act_that_contradicts_itself_is_refused(wrong, match):
    values = {"acts": [{**FRIDGE.model_dump(mode="json"), **wrong}]}
    with pytest.raises(BadInputError, match=match):
        templates.read_acts(values)


def test_two_acts_of_one_code_are_refused():
    one = FRIDGE.model_dump(mode="json")
    with pytest.raises(BadInputError, match="fridge"):
        templates.read_acts({"acts": [one, one]})


def test_a_template_that_somebody_else_changed_meanwhile_is_not_overwritten(engine, actor):
    with writing(engine) as session:
        assert templates.in_force(session, actor.site_id).version == 0
        assert templates.save(session, actor, ACTS, 0).version == 1
    with pytest.raises(BadInputError, match="meanwhile"), writing(engine) as session:
        templates.save(session, actor, ACTS[:1], 0)
    with reading(engine) as session:
        assert templates.in_force(session, actor.site_id).acts == ACTS
        assert templates.in_force(session, new_id()).acts == templates.shipped()


def newer(monkeypatch, *fresh):
    """A version of the software that brings more, behind the shipped acts of now."""
    acts = (*templates.shipped(), *fresh)
    monkeypatch.setattr(templates, "shipped", lambda: acts)


def offered(engine, actor):
    with reading(engine) as session:
        found = templates.in_force(session, actor.site_id)
    return [act.code for act in templates.offered(found)]


def save(engine, actor, change, **more):
    with writing(engine) as session:
        before = templates.in_force(session, actor.site_id)
        templates.save(session, actor, change(list(before.acts)), before.version, **more)


def test_what_a_newer_version_brings_is_offered_and_what_the_site_took_out_is_not(
    engine, actor, monkeypatch
):
    save(engine, actor, lambda acts: [act for act in acts if act.code != "waste"])
    assert offered(engine, actor) == [], "it took one out, and no newer version is there"
    ice = FRIDGE.model_copy(update={"code": "ice"})
    newer(monkeypatch, ice)
    assert offered(engine, actor) == ["ice"]
    save(engine, actor, lambda acts: acts[1:])
    assert offered(engine, actor) == ["ice"], "another change is no answer"
    save(engine, actor, lambda acts: templates.with_shipped(acts, ice))
    assert offered(engine, actor) == []
    save(engine, actor, lambda acts: [act for act in acts if act.code != "ice"])
    assert offered(engine, actor) == [], "it was there, and was taken out on purpose"


def test_a_site_without_a_template_of_its_own_follows_the_software_and_is_asked_nothing(
    engine, actor, monkeypatch
):
    newer(monkeypatch, FRIDGE)
    assert offered(engine, actor) == []
    with reading(engine) as session:
        assert FRIDGE in templates.in_force(session, actor.site_id).acts


def test_what_is_refused_is_never_offered_again_and_the_journal_tells_it(
    engine, actor, monkeypatch
):
    save(engine, actor, lambda acts: acts)
    newer(monkeypatch, FRIDGE, SAMPLES.model_copy(update={"code": "ice"}))
    save(engine, actor, lambda acts: acts, refused="fridge")
    assert offered(engine, actor) == ["ice"]
    save(engine, actor, lambda acts: acts[:-1])
    assert offered(engine, actor) == ["ice"]
    with reading(engine) as session:
        assert FRIDGE not in templates.in_force(session, actor.site_id).acts
    assert [one.after.get("refused") for one in actor.recorded] == [None, "fridge", None]


@pytest.mark.parametrize(
    ("there", "fresh", "place"), [((0, 1, 3), 2, 2), ((2, 3), 1, 0), ((3, 1, 0), 2, 2)]
)
def test_a_shipped_act_is_put_behind_the_one_that_stands_before_it(there, fresh, place):
    shipped = templates.shipped()
    acts = templates.with_shipped([shipped[one] for one in there], shipped[fresh])
    assert acts.index(shipped[fresh]) == place


@pytest.mark.parametrize(
    ("number", "unit", "text"),
    [
        (85, "0.1 °C", "8.5 °C"),
        (-125, "0.1 °C", "-12.5 °C"),
        (-5, "0.1 °C", "-0.5 °C"),
        (12, "人", "12 人"),
        (12, "", "12"),
    ],
)
def test_a_number_is_shown_as_people_write_it(number, unit, text):
    assert templates.shown(number, unit) == text
