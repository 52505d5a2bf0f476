from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dafan.db import reading, writing
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.units import COLDEST, HOTTEST
from kitchen import cabinet, limits
from kitchen.cabinet import (
    CabinetAlarm,
    CabinetKind,
    CabinetValues,
    ChilledRules,
    FrozenRules,
    Measured,
    Source,
    Trouble,
)
from kitchen.rows import UnknownRowError

DAY = date(2026, 3, 2)
CHILLED, FROZEN = ChilledRules(), FrozenRules()
START = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)


def minutes(number):
    return START + timedelta(minutes=number)


def every(step, *tenths):
    """Readings, so many minutes apart."""
    return [Measured(minutes(step * place), value) for place, value in enumerate(tenths)]


def test_within_its_limits_a_cabinet_is_quiet():
    assert not cabinet.judge(every(5, 0, 40, 80, 40), CHILLED, minutes(20))
    assert not cabinet.judge(every(5, -121, -180, -250), FROZEN, minutes(15))
    assert not cabinet.judge([], CHILLED, minutes(600))


def test_an_open_door_is_forgiven_and_a_warm_hour_is_not():
    door = every(5, 40, 95, 110, 100, 60, 40)
    assert not cabinet.judge(door, CHILLED, minutes(25))
    warm = every(5, 40, 95, 110, 100, 90, 90, 60)
    (alarm,) = cabinet.judge(warm, CHILLED, minutes(30))
    assert alarm == CabinetAlarm(Trouble.WARM, minutes(5), minutes(30), 110)


def test_it_goes_on_until_a_reading_is_right_again():
    (alarm,) = cabinet.judge(every(10, 40, 90, 90, 90), CHILLED, minutes(35))
    assert (alarm.since, alarm.until) == (minutes(10), None)


def test_too_cold_is_wrong_for_samples_and_minus_twelve_is_too_warm_for_a_freezer():
    (cold,) = cabinet.judge(every(15, -1, -8, -3, 4), CHILLED, minutes(45))
    assert (cold.trouble, cold.worst) == (Trouble.COLD, -8)
    (warm,) = cabinet.judge(every(15, -120, -100, 0, -180), FROZEN, minutes(45))
    assert (warm.trouble, warm.worst) == (Trouble.WARM, 0)


def test_a_silent_probe_is_an_alarm_itself():
    series = [Measured(minutes(at), 40) for at in (0, 30, 61)]
    found = cabinet.judge(series, CHILLED, minutes(91))
    assert found == (CabinetAlarm(Trouble.SILENT, minutes(30), minutes(61), None),)
    assert cabinet.judge(series, CHILLED, minutes(92))[-1].until is None


def test_a_jump_is_ignored_once_and_believed_when_it_stays():
    once = every(15, 40, 850, 42, 850, 44)
    assert not cabinet.judge(once, CHILLED, minutes(60))
    stays = every(15, 40, 220, 225, 230)
    (alarm,) = cabinet.judge(stays, CHILLED, minutes(50))
    assert (alarm.since, alarm.worst) == (minutes(15), 230)


@given(st.lists(st.integers(COLDEST, HOTTEST), max_size=60), st.integers(1, 40))
def test_alarms_of_a_kind_never_overlap_and_always_last_longer_than_forgiven(tenths, step):
    readings = every(step, *tenths)
    now = minutes(step * len(tenths))
    found = cabinet.judge(readings, CHILLED, now)
    for trouble in Trouble:
        mine = [alarm for alarm in found if alarm.trouble is trouble]
        ends = [alarm.until or now for alarm in mine]
        assert all(end <= after.since for end, after in zip(ends, mine[1:], strict=False))
        for alarm, end in zip(mine, ends, strict=True):
            assert end - alarm.since > timedelta(minutes=20)


@pytest.fixture
def fridge(engine, actor):
    with writing(engine) as session:
        values = CabinetValues(venue_id=new_id(), name="留样柜", probe="T1", slots=20)
        return cabinet.create(session, actor, values).id


def read(engine, actor, fridge, tenths, **more):
    with writing(engine) as session:
        return cabinet.take_reading(session, actor, fridge, tenths, day=DAY, **more)


def test_a_reading_of_a_moment_is_kept_once(engine, actor, fridge):
    for _ in range(2):
        read(engine, actor, fridge, 43, source=Source.SERIAL)
    with pytest.raises(BadInputError, match=r"4\.3 °C is kept"):
        read(engine, actor, fridge, 44)
    later = actor.named("keeper", actor.at + timedelta(minutes=1))
    read(engine, later, fridge, 44)
    with reading(engine) as session:
        kept = cabinet.series(session, actor.site_id, fridge, DAY, DAY)
        assert kept == [Measured(actor.at, 43), Measured(later.at, 44)]
        assert not cabinet.series(session, new_id(), fridge, DAY, DAY)
    assert [line.action for line in actor.recorded] == ["cabinet.create", "cabinet.read"]


def test_absurd_readings_and_those_of_tomorrow_are_refused(engine, actor, fridge):
    for tenths in (COLDEST - 1, HOTTEST + 1):
        with pytest.raises(BadInputError, match="read again"):
            read(engine, actor, fridge, tenths)
    with pytest.raises(BadInputError, match="clock"):
        read(engine, actor, fridge, 40, at=actor.at + timedelta(minutes=6))
    with pytest.raises(UnknownRowError):
        read(engine, type(actor)(new_id(), "stranger", actor.at), fridge, 40)


def test_a_probe_names_its_cabinet_and_names_are_given_once(engine, actor, fridge):
    with reading(engine) as session:
        assert cabinet.of_probe(session, actor.site_id, "T1").id == fridge
        assert cabinet.of_probe(session, new_id(), "T1") is None
    with pytest.raises(BadInputError, match="留样柜"), writing(engine) as session:
        cabinet.create(session, actor, CabinetValues(venue_id=new_id(), name="留样柜"))


def test_a_site_decides_for_its_refrigerators_and_freezers_each(engine, actor):
    with writing(engine) as session:
        limits.decide(session, actor, ChilledRules, {"highest": 50, "by_hand_minutes": 600})
        values = CabinetValues(venue_id=new_id(), name="冷藏柜")
        fridge = cabinet.create(session, actor, values)
        told = {"name": "冷冻柜", "kind": CabinetKind.FROZEN, "probe": "F1"}
        freezer = cabinet.create(session, actor, values.model_copy(update=told))
        rules = cabinet.rules_of(session, fridge)
        assert (rules.highest, rules.silent_minutes) == (50, 600)
        assert cabinet.rules_of(session, freezer) == FROZEN


def test_a_cabinet_read_by_hand_is_believed_at_once_and_silent_after_a_shift(engine, actor):
    with writing(engine) as session:
        values = CabinetValues(venue_id=new_id(), name="冷冻柜", kind=CabinetKind.FROZEN)
        rules = cabinet.rules_of(session, cabinet.create(session, actor, values))
    series = [Measured(minutes(0), -180), Measured(minutes(600), 50)]
    (alarm,) = cabinet.judge(series, rules, minutes(660))
    assert (alarm.trouble, cabinet.describe(alarm)) == (Trouble.WARM, "warm, worst 5.0 °C")
    silent = cabinet.judge(series, rules, minutes(600 + 14 * 60 + 1))
    assert [alarm.trouble for alarm in silent] == [Trouble.SILENT, Trouble.WARM]
