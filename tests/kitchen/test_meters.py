from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dafan.db import reading, writing
from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import meters, supervision
from kitchen.meters import (
    AskAgainError,
    BackwardsError,
    Kind,
    MeterValues,
    Point,
    ReadingValues,
    compare,
    use_per_day,
)
from kitchen.rows import KeyReusedError, UnknownRowError
from kitchen.supervision_templates import Act, Evidence, Hours, Moment, save

DAY = date(2026, 3, 2)
WATER = MeterValues(name="厨房水表", kind=Kind.WATER, norm=20)


@pytest.fixture
def water(engine, actor):
    with writing(engine) as session:
        return meters.create(session, actor, WATER).id


def read(engine, actor, meter, value, days=0, key=None, **more):
    with writing(engine) as session:
        values = ReadingValues(meter_id=meter, value=value, **more)
        key = key or f"{days}/{value}"
        return meters.read(session, actor, key, DAY + timedelta(days=days), values)


def used(engine, actor, first=0, last=30, covers=None):
    with reading(engine) as session:
        span = (DAY + timedelta(days=first), DAY + timedelta(days=last))
        return [
            ((one.day - DAY).days, one.compared.used)
            for one in meters.days(session, actor.site_id, *span, covers or {})
        ]


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(0, 10**6), st.none() | st.integers(0, 10**6)),
        max_size=12,
    )
)
def test_nothing_that_flowed_is_lost_between_readings(steps):
    points = [Point(DAY, 1000)]
    for wait, amount, restart in steps:
        last = points[-1]
        day = last.day + timedelta(days=wait)
        points.append(Point(day, last.onward + amount, restart))
    found = use_per_day(points)
    assert sum(found.values()) == sum(amount for _, amount, _ in steps)
    assert all(amount >= 0 for amount in found.values())


def test_a_gap_of_days_is_shared_by_them(engine, actor, water):
    for value, day in ((100, 0), (600, 1), (1601, 4)):
        read(engine, actor, water, value, day)
    assert used(engine, actor) == [(1, 500), (2, 333), (3, 334), (4, 334)]
    assert used(engine, actor, first=3, last=3) == []
    assert used(engine, actor, first=3) == [(3, 334), (4, 334)]


def test_a_meter_never_runs_backwards_but_a_new_one_starts_anew(engine, actor, water):
    read(engine, actor, water, 500)
    with pytest.raises(BackwardsError, match="500"):
        read(engine, actor, water, 499, 1)
    read(engine, actor, water, 700, 1, restart=3)
    read(engine, actor, water, 53, 2)
    assert used(engine, actor) == [(1, 200), (2, 50)]


def test_far_more_than_usual_is_asked_once_more(engine, actor, water):
    for day in range(9):
        read(engine, actor, water, 1000 * day, day)
    read(engine, actor, water, 11_000, 9)
    with pytest.raises(AskAgainError, match="look again"):
        read(engine, actor, water, 14_001, 10)
    read(engine, actor, water, 14_001, 10, sure=True)
    assert used(engine, actor, first=10) == [(10, 3001)]


def test_a_wrong_reading_is_taken_back_with_its_reason_and_the_right_one_follows(
    engine, actor, water
):
    read(engine, actor, water, 500)
    wrong = read(engine, actor, water, 9999, 1)
    with writing(engine) as session:
        with pytest.raises(BadInputError, match="wrong"):
            meters.withdraw(session, actor, wrong.id, "")
        meters.withdraw(session, actor, wrong.id, "看错一位")
    read(engine, actor, water, 599, 1)
    assert used(engine, actor) == [(1, 99)]
    assert "meter.withdraw" in [one.action for one in actor.recorded]


def test_a_reading_sent_again_is_one_reading(engine, actor, water):
    first = read(engine, actor, water, 500, key="k")
    assert read(engine, actor, water, 500, key="k").id == first.id
    with pytest.raises(KeyReusedError):
        read(engine, actor, water, 501, key="k")
    with pytest.raises(BadInputError, match="already"):
        read(engine, actor, water, 501, -1)
    stranger = type(actor)(new_id(), "stranger", actor.at)
    with pytest.raises(UnknownRowError):
        read(engine, stranger, water, 500)


@given(st.integers(0, 10**9), st.integers(0, 5000), st.none() | st.integers(1, 10**6))
def test_over_the_norm_is_more_than_norm_times_covers(amount, covers, norm):
    found = compare(amount, covers, norm)
    assert found.over is (norm is not None and covers > 0 and amount > norm * covers)
    assert (found.per_cover is None) is (covers == 0)


def test_a_day_is_held_against_its_covers(engine, actor, water):
    read(engine, actor, water, 0)
    read(engine, actor, water, 2001, 1)
    with reading(engine) as session:
        tomorrow = DAY + timedelta(days=1)
        (day,) = meters.days(session, actor.site_id, DAY, tomorrow, {tomorrow: 100})
    assert (day.compared.per_cover, day.compared.norm, day.compared.over) == (20, 20, True)


def test_when_all_meters_are_read_their_act_of_the_day_is_done(engine, actor, water):
    act = Act(
        code="meters", title="抄表", post="值班员", opens=Moment(at=time(6)),
        due=Moment(at=time(11)), evidence=Evidence.LINK, fulfilled_by="meters.day",
        source="house rule",
    )  # fmt: skip
    with writing(engine) as session:
        save(session, actor, [act], 0)
        hours = Hours(ZoneInfo("Asia/Shanghai"), ())
        (item,) = supervision.generate(session, actor, DAY, hours)
        power = meters.create(session, actor, MeterValues(name="电表", kind=Kind.POWER)).id
    read(engine, actor, water, 1)
    with reading(engine) as session:
        assert [row.name for row in meters.unread(session, actor.site_id, DAY)] == ["电表"]
        assert session.get_one(type(item), item.id).done_at is None
    read(engine, actor, power, 1, key="p")
    with reading(engine) as session:
        assert session.get_one(type(item), item.id).done_at == actor.at


def test_a_meter_keeps_what_it_counts_and_its_name(engine, actor, water):
    gas = WATER.model_copy(update={"kind": Kind.GAS})
    with pytest.raises(BadInputError, match="what it counts"), writing(engine) as session:
        meters.update(session, actor, water, gas)
    with pytest.raises(BadInputError, match="already"), writing(engine) as session:
        meters.create(session, actor, WATER)
    with writing(engine) as session:
        meters.update(session, actor, water, WATER.model_copy(update={"active": False}))
    with pytest.raises(BadInputError, match="any more"):
        read(engine, actor, water, 1)
