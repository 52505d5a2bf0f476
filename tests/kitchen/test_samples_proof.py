import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import update

from dafan import db
from dafan.db import reading, writing
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.records import Unit
from kitchen import cabinet, dishes, sample_alarms, sample_watch, samples, samples_proof
from kitchen.cabinet import CabinetAlarm, CabinetValues, Trouble
from kitchen.dishes import DishValues
from kitchen.meals import Meal
from kitchen.rows import SamePersonError
from kitchen.sample_alarms import AlarmKind
from kitchen.samples import Result, Sample, SampleValues
from kitchen.samples_proof import Served

DAY = date(2026, 3, 2)


def furnish(engine, actor, meal, names, slots):
    with writing(engine) as session:
        values = CabinetValues(venue_id=meal.venue_id, name="留样柜", slots=slots)
        fridge = cabinet.create(session, actor, values).id
        menu = [
            dishes.create(
                session, actor.site_id, DishValues(name=name, unit=Unit.PIECE, price=500),
                by="chef", at=actor.at,
            ).id
            for name in names
        ]  # fmt: skip
    return fridge, menu


def sample_of(actor, meal, dish, fridge, slot):
    return SampleValues(
        **meal.columns, dish_id=dish, grams=130, cabinet_id=fridge, slot=slot,
        cooked_at=actor.at - timedelta(minutes=5),
    )  # fmt: skip


@pytest.fixture
def meal():
    return Meal(DAY, "lunch", new_id())


@pytest.fixture
def place(engine, actor, meal):
    return furnish(engine, actor, meal, ("红烧肉", "炒青菜"), 20)


@pytest.fixture
def ends(actor):
    return actor.at + timedelta(hours=4)


def at(actor, moment, name="watch"):
    return actor.named(name, moment)


def take(engine, actor, meal, place, number=0):
    fridge, menu = place
    with writing(engine) as session:
        values = sample_of(actor, meal, menu[number], fridge, number + 1)
        return samples.take(session, actor, values, key=str(new_id()))


def watch(engine, actor, meal, place, ends):
    with writing(engine) as session:
        return sample_watch.watch_meal(session, actor, meal, place[1], ends=ends)


def faults(engine, actor, meal, place):
    served = [Served(actor.site_id, meal, dish) for dish in place[1]]
    with reading(engine) as session:
        return list(samples_proof.faults(session, served))


def row_faults(engine):
    with reading(engine) as session:
        return [fault.code for fault in samples_proof.row_faults(session)]


def still_open(engine, actor):
    with reading(engine) as session:
        return sample_alarms.still_open(session, actor.site_id)


def test_a_served_dish_has_a_sample_or_an_open_alarm_or_it_is_a_fault(
    engine, actor, meal, place, ends
):
    take(engine, actor, meal, place)
    (fault,) = faults(engine, actor, meal, place)
    assert (str(place[1][1]) in fault.where, fault.code) == (True, "sample_missing")
    assert watch(engine, at(actor, ends - timedelta(minutes=31)), meal, place, ends) == 0
    assert faults(engine, actor, meal, place)
    assert watch(engine, at(actor, ends - timedelta(minutes=30)), meal, place, ends) == 1
    assert not faults(engine, actor, meal, place)


def test_an_alarm_is_raised_once_stays_after_the_meal_and_ends_with_the_sample(
    engine, actor, meal, place, ends
):
    take(engine, actor, meal, place)
    for hours in (0, 1, 30):
        watch(engine, at(actor, ends + timedelta(hours=hours)), meal, place, ends)
    (alarm,) = still_open(engine, actor)
    assert (alarm.kind, alarm.subject) == ("missing", place[1][1])
    late = at(actor, ends + timedelta(minutes=5), "cook")
    take(engine, late, meal, place, 1)
    assert not still_open(engine, actor)
    assert not faults(engine, actor, meal, place)


def test_an_alarm_raised_while_the_sample_was_being_taken_ends_at_the_next_look(
    engine, actor, meal, place, ends
):
    take(engine, actor, meal, place)
    take(engine, actor, meal, place, 1)
    with writing(engine) as session:
        sample_alarms.sound(session, actor, meal, AlarmKind.MISSING, place[1][0], since=ends)
    watch(engine, at(actor, ends), meal, place, ends)
    assert not still_open(engine, actor)


def test_two_persons_judge_an_alarm_and_a_dish_that_was_served_stays_a_fault(
    engine, actor, meal, place, ends
):
    take(engine, actor, meal, place)
    watch(engine, at(actor, ends), meal, place, ends)
    (alarm,) = still_open(engine, actor)
    with pytest.raises(BadInputError, match="nobody has said"), writing(engine) as session:
        sample_alarms.close(session, actor, alarm.id)
    with writing(engine) as session:
        sample_alarms.answer(session, actor, alarm.id, "it was not cooked")
    assert still_open(engine, actor)
    with pytest.raises(SamePersonError), writing(engine) as session:
        sample_alarms.close(session, actor, alarm.id)
    with writing(engine) as session:
        sample_alarms.close(session, at(actor, ends, "head"), alarm.id)
    with pytest.raises(BadInputError, match="closed already"), writing(engine) as session:
        sample_alarms.answer(session, actor, alarm.id, "more")
    watch(engine, at(actor, ends + timedelta(hours=1)), meal, place, ends)
    assert not still_open(engine, actor)
    assert [fault.code for fault in faults(engine, actor, meal, place)] == ["sample_missing"]
    actions = [line.action for line in actor.recorded][-3:]
    assert actions == ["sample.alarm", "sample.alarm_answer", "sample.alarm_close"]


def test_what_should_have_gone_is_an_amber_alarm_until_it_goes(engine, actor, meal, place):
    sample = take(engine, actor, meal, place)

    def look(hours):
        with writing(engine) as session:
            return sample_watch.watch_kept(session, at(actor, actor.at + timedelta(hours=hours)))

    assert [look(71), look(72), look(90)] == [0, 1, 0]
    with writing(engine) as session:
        late = at(actor, actor.at + timedelta(hours=91))
        samples.dispose(session, late, sample.id, Result.DESTROYED)
    assert not still_open(engine, actor)


def test_a_held_sample_is_not_overdue(engine, actor, meal, place):
    take(engine, actor, meal, place)
    with writing(engine) as session:
        samples.hold(session, actor, meal, "a guest is ill", key="h")
        late = at(actor, actor.at + timedelta(hours=90))
        assert sample_watch.watch_kept(session, late) == 0


def test_a_warm_cabinet_touches_the_samples_that_lay_in_it(engine, actor, meal, place):
    before = take(engine, actor, meal, place)
    hour = timedelta(hours=1)
    warm = CabinetAlarm(Trouble.WARM, actor.at + hour, actor.at + 2 * hour, 115)
    silent = CabinetAlarm(Trouble.SILENT, actor.at, None, None)
    take(engine, at(actor, actor.at + 3 * hour), meal, place, 1)
    for new in (1, 0):
        with writing(engine) as session:
            alarms = [silent, warm]
            assert sample_watch.watch_cabinet(session, actor, place[0], alarms) == new
            assert sample_watch.watch_cabinet(session, actor, place[0], []) == 0
    (alarm,) = still_open(engine, actor)
    assert (alarm.subject, alarm.detail) == (before.id, "warm, worst 11.5 °C")


@pytest.mark.parametrize(
    ("altered", "code"),
    [
        ({"disposed_at": timedelta(hours=47)}, "sample_early"),
        ({"reviewer": "keeper"}, "sample_review"),
    ],
)
def test_an_altered_row_is_found(engine, actor, meal, place, altered, code):
    take(engine, actor, meal, place)
    assert not row_faults(engine)
    values = {
        name: actor.at + value if isinstance(value, timedelta) else value
        for name, value in altered.items()
    }
    with writing(engine) as session:
        session.execute(update(Sample).values(**values))
    assert row_faults(engine) == [code]


def test_a_sample_that_went_while_it_was_held_is_found(engine, actor, meal, place):
    take(engine, actor, meal, place)
    with writing(engine) as session:
        samples.hold(session, actor, meal, "a guest is ill", key="h")
        session.execute(update(Sample).values(disposed_at=actor.at + timedelta(hours=50)))
    assert row_faults(engine) == ["sample_held"]


def test_two_samples_that_shared_a_place_are_found(engine, actor, meal, place):
    for number in (0, 1):
        take(engine, actor, meal, place, number)
    with writing(engine) as session:
        gone = actor.at + timedelta(hours=60)
        session.execute(update(Sample).values(slot=1, disposed_at=gone))
    assert row_faults(engine) == ["sample_slot"]


class Canteen(RuleBasedStateMachine):
    """A week of people who take, hold, lift and throw away in any order, on a real file."""

    folder: Path
    actor: object

    def __init__(self) -> None:
        super().__init__()
        path = self.folder / f"{new_id()}.db"
        shutil.copy(self.folder / "empty.db", path)
        self.engine = db.make_engine(f"sqlite:///{path}")
        self.meals = [Meal(DAY + timedelta(days=day), "lunch", new_id()) for day in range(2)]
        self.now = self.actor.at
        self.fridge, self.menu = furnish(self.engine, self.actor, self.meals[0], "甲乙", 3)
        self.kept, self.taken, self.holds = {}, set(), {}

    def teardown(self) -> None:
        self.engine.dispose()

    def by(self, name="cook"):
        return self.actor.named(name, self.now)

    def tried(self, act):
        try:
            with writing(self.engine) as session:
                return act(session)
        except BadInputError:
            return None

    @rule(hours=st.integers(1, 40))
    def time_passes(self, hours):
        self.now += timedelta(hours=hours)

    @rule(meal=st.integers(0, 1), dish=st.integers(0, 1), slot=st.integers(1, 4))
    def somebody_takes_one(self, meal, dish, slot):
        values = sample_of(self.by(), self.meals[meal], self.menu[dish], self.fridge, slot)
        row = self.tried(lambda s: samples.take(s, self.by(), values, key=str(new_id())))
        places = [place for place, _, _ in self.kept.values()]
        fits = slot <= 3 and slot not in places and (meal, dish) not in self.taken
        assert (row is not None) == fits
        if row is not None:
            self.kept[row.id] = slot, meal, self.now
            self.taken.add((meal, dish))

    @rule(meal=st.integers(0, 1))
    def somebody_holds(self, meal):
        row = self.tried(
            lambda s: samples.hold(s, self.by("a"), self.meals[meal], "ill", key=str(new_id()))
        )
        self.holds[row.id] = meal

    @precondition(lambda self: self.holds)
    @rule(name=st.sampled_from("ab"))
    def somebody_lifts_the_first(self, name):
        hold = next(iter(self.holds))
        done = self.tried(lambda s: samples.lift(s, self.by(name), hold, "well"))
        assert (done is not None) == (name == "b")
        if done is not None:
            del self.holds[hold]

    @precondition(lambda self: self.kept)
    @rule(hours=st.integers(0, 60))
    def somebody_throws_the_oldest_away(self, hours):
        self.now += timedelta(hours=hours)
        row_id, (_, meal, since) = next(iter(self.kept.items()))
        done = self.tried(lambda s: samples.dispose(s, self.by(), row_id, Result.DESTROYED))
        old = self.now - since >= timedelta(hours=48)
        assert (done is not None) == (old and meal not in self.holds.values())
        if done is not None:
            del self.kept[row_id]

    @invariant()
    def the_cabinet_is_as_the_model_says(self):
        with reading(self.engine) as session:
            rows = samples.kept(session, self.actor.site_id)
            slots = {row_id: place for row_id, (place, _, _) in self.kept.items()}
            assert {row.id: row.slot for row in rows} == slots
            assert not list(samples_proof.row_faults(session))


def test_whatever_people_do_no_place_is_used_twice_and_nothing_goes_early(engine, actor, tmp_path):
    if engine.dialect.name != "sqlite":
        pytest.skip("copies files")
    source = Path(engine.url.database)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    shutil.copy(source, tmp_path / "empty.db")
    machine = type("Here", (Canteen,), {"folder": tmp_path, "actor": actor})
    run = machine.TestCase
    run.settings = settings(max_examples=12, stateful_step_count=20, deadline=None)
    run().runTest()
