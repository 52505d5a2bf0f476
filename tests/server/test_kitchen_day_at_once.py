"""The last two records of an act, made at one moment, neither of which sees the other."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, select

from dafan import db
from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import Unit
from dafan.units import Grams
from kitchen import attendance, cabinet, menus, meters, morning, samples, staff, supervision
from kitchen import supervision_templates as templates
from kitchen.attendance import Direction, SignedBy
from kitchen.cabinet import CabinetValues
from kitchen.deliveries import Receiving, State
from kitchen.dishes import DishValues
from kitchen.meals import Meal
from kitchen.menus import ItemValues
from kitchen.meters import Kind, MeterValues, ReadingValues
from kitchen.morning import CheckValues
from kitchen.samples import Result, SampleValues
from kitchen.staff import WorkerValues
from kitchen.supervision import SupervisionItem
from kitchen.supervision_templates import Moment
from server import dishes, kitchen_day, scales, sites
from server.actor import Actor
from server.scale_book import ScaleValues, VerificationValues
from server.scale_rules import ScaleLimits
from tests.server.conftest import TestSite, Till

DAY = date(2026, 3, 2)
Wait = Callable[[], None]


def local(hour: int, minute: int = 0, day: date = DAY) -> datetime:
    return datetime.combine(day, time(hour, minute), ZoneInfo("Asia/Shanghai"))


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> Wait:
    """From now on no record sees the other ones, until the returned call is made."""
    monkeypatch.setattr(supervision, "fulfil", lambda *_told, **_more: [])
    return monkeypatch.undo


def list_of(engine: Engine, actor: Actor, when: datetime) -> None:
    with db.writing(engine) as session:
        policy = sites.policy(session, actor.site_id)
        kitchen_day.make_list(session, replace(actor, at=when), policy)


def acts(engine: Engine, kind: str) -> list[SupervisionItem]:
    with db.reading(engine) as session:
        query = select(SupervisionItem).where(SupervisionItem.fulfilled_by == kind)
        return list(session.scalars(query.order_by(SupervisionItem.opens_at)))


def closed(engine: Engine, kind: str) -> list[datetime | None]:
    return [row.done_at for row in acts(engine, kind)]


@pytest.fixture
def two_meters(engine: Engine, actor: Actor) -> list[UUID]:
    with db.writing(engine) as session:
        return [
            meters.create(session, actor, MeterValues(name=name, kind=Kind.WATER)).id
            for name in ("水表", "热水表")
        ]


def read(engine: Engine, actor: Actor, meter: UUID, when: datetime) -> None:
    with db.writing(engine) as session:
        values = ReadingValues(meter_id=meter, value=1000)
        meters.read(session, replace(actor, at=when), new_id().hex, DAY, values)


def test_meters_read_at_once_close_their_act_as_of_the_last_reading_also_late_and_told_on(
    engine: Engine, actor: Actor, two_meters: list[UUID], at_once: Wait
) -> None:
    list_of(engine, actor, local(12))
    last = local(21, 59)
    read(engine, actor, two_meters[0], last - timedelta(seconds=1))
    read(engine, actor, two_meters[1], last)
    at_once()
    assert closed(engine, "meters.day") == [None]
    with db.writing(engine) as session:
        supervision.escalate(session, Actor(actor.site_id, "other", local(23)))
    kitchen_day.drive(engine, local(23, 1))
    (row,) = acts(engine, "meters.day")
    assert (row.done_at, row.done_by, row.link) == (last, kitchen_day.PROGRAM, str(DAY))
    assert row.escalated_at is not None


def test_two_transactions_that_overlap_leave_the_act_open_until_the_job_looks(
    engine: Engine, actor: Actor, two_meters: list[UUID], postgresql: str | None
) -> None:
    if not postgresql:
        pytest.skip("SQLite lets one write at a time: run with --database postgresql")
    list_of(engine, actor, local(12))
    with db.writing(engine) as session:
        values = ReadingValues(meter_id=two_meters[0], value=1000)
        meters.read(session, replace(actor, at=local(21)), new_id().hex, DAY, values)
        read(engine, actor, two_meters[1], local(21))
    assert closed(engine, "meters.day") == [None]
    kitchen_day.drive(engine, local(21, 5))
    assert closed(engine, "meters.day") == [local(21)]


def test_meters_of_which_one_waits_close_nothing_and_are_told_on(
    engine: Engine, actor: Actor, two_meters: list[UUID], at_once: Wait
) -> None:
    list_of(engine, actor, local(12))
    read(engine, actor, two_meters[0], local(21))
    at_once()
    kitchen_day.drive(engine, local(23))
    (row,) = acts(engine, "meters.day")
    assert row.done_at is None
    assert row.escalated_at is not None


def test_what_is_whole_at_the_moment_of_telling_is_not_told_on(
    engine: Engine, actor: Actor, two_meters: list[UUID], at_once: Wait
) -> None:
    list_of(engine, actor, local(12))
    for meter in two_meters:
        read(engine, actor, meter, local(22, 20))
    at_once()
    kitchen_day.drive(engine, local(22, 40))
    (row,) = acts(engine, "meters.day")
    assert (row.done_at, row.escalated_at) == (local(22, 20), None)


def test_one_record_closes_one_act_however_often_the_job_looks(
    engine: Engine, actor: Actor, two_meters: list[UUID]
) -> None:
    with db.writing(engine) as session:
        own = list(templates.shipped())
        meter = next(act for act in own if act.code == "meters")
        early = {"code": "meters_am", "opens": Moment(at=time(6)), "due": Moment(at=time(8))}
        templates.save(session, actor, [*own, meter.model_copy(update=early)], 0)
    list_of(engine, actor, local(5))
    for one in two_meters:
        read(engine, actor, one, local(21))
    for minute in (5, 10):
        kitchen_day.drive(engine, local(21, minute))
    assert closed(engine, "meters.day") == [None, local(21)], "the morning's was not done"


@pytest.fixture
def three_cooks(engine: Engine, actor: Actor) -> list[UUID]:
    """Two of whom are there."""
    with db.writing(engine) as session:
        names = ("甲", "乙", "丙")
        made = [
            staff.create(session, actor, WorkerValues(name=name, post="厨师")).id for name in names
        ]
    for one in made[:2]:
        sign(engine, actor, one, Direction.IN, local(5))
    return made


def sign(engine: Engine, actor: Actor, who: UUID, way: Direction, when: datetime) -> None:
    with db.writing(engine) as session:
        then = replace(actor, at=when)
        attendance.sign(session, then, new_id().hex, who, DAY, way, SignedBy.PIN)


def look_at(engine: Engine, actor: Actor, who: UUID, by: UUID, when: datetime) -> None:
    with db.writing(engine) as session:
        values = CheckValues(worker_id=who, checker_id=by, temperature=365)
        morning.check(session, replace(actor, at=when), new_id().hex, DAY, values)


def test_people_checked_at_once_close_the_act_whoever_comes_later(
    engine: Engine, actor: Actor, three_cooks: list[UUID], at_once: Wait
) -> None:
    list_of(engine, actor, local(5))
    first, second, third = three_cooks
    look_at(engine, actor, first, second, local(6))
    look_at(engine, actor, second, first, local(6))
    at_once()
    sign(engine, actor, third, Direction.IN, local(6, 1))
    kitchen_day.drive(engine, local(6, 5))
    assert closed(engine, "morning.all") == [local(6)]


def test_who_leaves_without_a_check_does_not_make_the_morning_whole(
    engine: Engine, actor: Actor, three_cooks: list[UUID]
) -> None:
    list_of(engine, actor, local(5))
    first, second, third = three_cooks
    look_at(engine, actor, first, third, local(6))
    sign(engine, actor, second, Direction.OUT, local(14))
    kitchen_day.drive(engine, local(14, 5))
    assert closed(engine, "morning.all") == [None]


@pytest.fixture
def two_dishes(engine: Engine, actor: Actor, site: TestSite) -> list[SampleValues]:
    """What is to be kept of a published lunch."""
    with db.writing(engine) as session:
        fridge = cabinet.create(
            session, actor, CabinetValues(venue_id=site.venue_id, name="留样柜", slots=9)
        ).id
        meal = Meal(DAY, "lunch", site.venue_id)
        made = [
            dishes.create(session, actor, DishValues(name=name, unit=Unit.PIECE, price=Fen(500))).id
            for name in ("红烧肉", "青菜")
        ]
        menus.save(session, actor, meal, [ItemValues(dish_id=one, portions=9) for one in made])
        menus.publish(session, actor, meal)
    return [
        SampleValues(
            **meal.columns, dish_id=dish, grams=130, cabinet_id=fridge, slot=slot,
            cooked_at=local(11),
        )
        for slot, dish in enumerate(made, start=1)
    ]  # fmt: skip


def keep(engine: Engine, actor: Actor, values: SampleValues, when: datetime) -> UUID:
    with db.writing(engine) as session:
        return samples.take(session, replace(actor, at=when), values, key=new_id().hex).id


def test_samples_taken_at_once_close_the_act_of_their_meal_and_of_no_other(
    engine: Engine, actor: Actor, two_dishes: list[SampleValues]
) -> None:
    list_of(engine, actor, local(11))
    keep(engine, actor, two_dishes[0], local(11, 30))
    kitchen_day.drive(engine, local(11, 31))
    assert closed(engine, "samples.meal") == [None, None, None]
    keep(engine, actor, two_dishes[1], local(11, 32))
    kitchen_day.drive(engine, local(15))
    assert closed(engine, "samples.meal") == [None, local(11, 32), None]


def test_samples_disposed_of_at_once_close_their_act_and_a_day_without_any_closes_none(
    engine: Engine, actor: Actor, two_dishes: list[SampleValues]
) -> None:
    kept = [keep(engine, actor, one, local(11, 30)) for one in two_dishes]
    third = DAY + timedelta(days=2)
    list_of(engine, actor, local(13, 30, third))
    throw(engine, actor, kept[0], local(14, 0, third))
    kitchen_day.drive(engine, local(14, 1, third))
    assert closed(engine, "samples.disposed") == [None]
    throw(engine, actor, kept[1], local(14, 2, third))
    kitchen_day.drive(engine, local(14, 5, third))
    assert closed(engine, "samples.disposed") == [local(14, 2, third)]
    kitchen_day.drive(engine, local(14, 5, third + timedelta(days=1)))
    assert closed(engine, "samples.disposed") == [local(14, 2, third), None]


def throw(engine: Engine, actor: Actor, sample: UUID, when: datetime) -> None:
    with db.writing(engine) as session:
        samples.dispose(session, replace(actor, at=when), sample, Result.DESTROYED)


def deliver(engine: Engine, actor: Actor, state: State, when: datetime | None) -> None:
    with db.writing(engine) as session:
        row = Receiving(
            id=new_id(), site_id=actor.site_id, key=new_id().hex, business_date=DAY,
            supplier_id=new_id(), place="库房", state=state.value, opened_by="keeper",
            opened_at=local(6), posted_by="keeper" if when else None, posted_at=when,
        )  # fmt: skip
        session.add(row)


@pytest.mark.parametrize(
    ("second", "when", "done"),
    [
        (State.POSTED, local(8), local(8)),
        (State.GIVEN_UP, local(8), local(8)),
        (State.OPEN, None, None),
    ],
)
def test_deliveries_that_end_at_once_close_their_act_and_one_that_stands_open_holds_it(
    engine: Engine, actor: Actor, second: State, when: datetime | None, done: datetime | None
) -> None:
    list_of(engine, actor, local(6))
    deliver(engine, actor, State.POSTED, local(7, 59))
    deliver(engine, actor, second, when)
    kitchen_day.drive(engine, local(8, 5))
    assert closed(engine, "receiving.day") == [done]


def test_what_was_only_opened_by_mistake_is_no_delivery(engine: Engine, actor: Actor) -> None:
    list_of(engine, actor, local(6))
    deliver(engine, actor, State.GIVEN_UP, local(8))
    kitchen_day.drive(engine, local(8, 5))
    assert closed(engine, "receiving.day") == [None]


@pytest.fixture
def two_scales(engine: Engine, actor: Actor, terminal: Till) -> list[UUID]:
    """Both wait for their check tomorrow."""
    plate = ScaleValues(model="ACS-15", max_grams=15_000, e_grams=5)
    paper = VerificationValues(
        certificate="J1", verified_on=DAY, verified_until=DAY + timedelta(days=365)
    )
    with db.writing(engine) as session:
        made = [scales.create(session, actor, terminal.id, one, plate).id for one in (0, 1)]
        for one in made:
            scales.verify(session, actor, new_id().hex, one, paper)
        scales.decide(session, actor, ScaleLimits(check_daily=True))
    return made


def weigh(engine: Engine, actor: Actor, scale: UUID, when: datetime) -> Any:
    with db.writing(engine) as session:
        then = replace(actor, at=when)
        return scales.check(session, then, new_id().hex, scale, Grams(500), Grams(500)).id


def test_scales_checked_at_once_close_their_act_though_it_is_late(
    engine: Engine, actor: Actor, two_scales: list[UUID], at_once: Wait
) -> None:
    tomorrow = DAY + timedelta(days=1)
    list_of(engine, actor, local(5, 0, tomorrow))
    weigh(engine, actor, two_scales[0], local(9, 0, tomorrow))
    made = weigh(engine, actor, two_scales[1], local(9, 0, tomorrow))
    at_once()
    kitchen_day.drive(engine, local(9, 5, tomorrow))
    (row,) = acts(engine, scales.CHECKED)
    assert (row.done_at, row.link) == (local(9, 0, tomorrow), str(made))
    assert row.done_at is not None
    assert row.done_at > row.due_at
