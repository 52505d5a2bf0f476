from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from threading import Thread
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dafan.db import reading, writing
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.records import Unit
from kitchen import cabinet, dishes, production, sample_rules, samples
from kitchen.cabinet import CabinetKind, CabinetValues
from kitchen.dishes import DishValues, UnknownDishError
from kitchen.meals import Meal
from kitchen.production import Finish, Start
from kitchen.rows import KeyReusedError, SamePersonError, UnknownRowError
from kitchen.sample_rules import (
    DueState,
    KeptState,
    SampleHeldError,
    SampleRules,
    SampleTooEarlyError,
    SampleTooSmallError,
)
from kitchen.samples import Result, SampledAlreadyError, SampleValues, SlotTakenError

DAY = date(2026, 3, 2)
TWO_DAYS = timedelta(hours=48)
RULES = SampleRules()


@pytest.fixture
def meal():
    return Meal(DAY, "lunch", new_id())


@pytest.fixture
def fridge(engine, actor, meal):
    with writing(engine) as session:
        values = CabinetValues(venue_id=meal.venue_id, name="留样柜", slots=20)
        return cabinet.create(session, actor, values).id


@pytest.fixture
def menu(engine, actor):
    with writing(engine) as session:
        return [
            dishes.create(
                session, actor.site_id, DishValues(name=name, unit=Unit.PIECE, price=500),
                by="chef", at=actor.at,
            ).id
            for name in ("红烧肉", "炒青菜")
        ]  # fmt: skip


@pytest.fixture
def pork(actor, meal, menu, fridge):
    return SampleValues(
        **meal.columns, dish_id=menu[0], grams=130, cabinet_id=fridge, slot=1, container="C7",
        cooked_at=actor.at - timedelta(minutes=20),
    )  # fmt: skip


@pytest.fixture
def greens(pork, menu):
    return pork.model_copy(update={"dish_id": menu[1], "slot": 2})


def take(engine, actor, values, key=None, rules=None):
    with writing(engine) as session:
        return samples.take(session, actor, values, key=key or str(new_id()), rules=rules)


def later(actor, hours, name="second"):
    return actor.named(name, actor.at + timedelta(hours=hours))


def dispose(engine, actor, sample):
    with writing(engine) as session:
        return samples.dispose(session, actor, sample.id, Result.DESTROYED)


def test_a_sample_has_weight_time_person_place_and_end(engine, actor, pork):
    sample = take(engine, actor, pork)
    assert (sample.dish, sample.grams, sample.sampler, sample.slot) == ("红烧肉", 130, "keeper", 1)
    assert (sample.sampled_at, sample.due_at) == (actor.at, actor.at + TWO_DAYS)
    assert actor.recorded[-1].action == "sample.take"


def test_the_label_says_who_when_and_how_long(engine, actor, pork):
    sample = take(engine, actor, pork)
    with reading(engine) as session:
        label = samples.label_of(session, sample, "午餐", ZoneInfo("Asia/Shanghai"))
    assert label.title == "红烧肉"
    assert dict(label.lines) == {
        "餐次": "午餐", "留样量": "130 g", "留样时间": "03月02日 08:30", "留样人": "keeper",
        "位置": "留样柜 1", "保存至": "03月04日 08:30",
    }  # fmt: skip
    assert sample_rules.read_label(label.qr) == sample.id
    for other in ("DAFAN:LOT:7", "DAFAN:SAMPLE:7", ""):
        with pytest.raises(BadInputError, match="no label"):
            sample_rules.read_label(other)


def test_too_little_is_refused_by_the_sites_own_minimum(engine, actor, pork):
    with pytest.raises(SampleTooSmallError, match="125 g or more"):
        take(engine, actor, pork.model_copy(update={"grams": 124}))
    with pytest.raises(SampleTooSmallError, match="200 g or more"):
        take(engine, actor, pork, rules=SampleRules(grams=200))
    with pytest.raises(BadInputError, match="no sample"):
        take(engine, actor, pork.model_copy(update={"grams": 50_000}))
    with pytest.raises(BadInputError, match="at least 48"):
        SampleRules(hours=47)


def test_a_place_holds_one_sample_until_it_is_gone(engine, actor, pork, greens):
    first = take(engine, actor, pork)
    with pytest.raises(SlotTakenError, match="place 1"):
        take(engine, actor, greens.model_copy(update={"slot": 1}))
    dispose(engine, later(actor, 48), first)
    cooked = {"slot": 1, "cooked_at": None, "business_date": date(2026, 3, 4)}
    then = later(actor, 48)
    again = greens.model_copy(update={**cooked, "cooked_at": then.at})
    assert take(engine, then, again).slot == 1


def test_a_dish_is_sampled_once_a_meal_unless_it_is_another_batch(engine, actor, meal, menu, pork):
    batches = []
    with writing(engine) as session:
        for number in range(3):
            key = f"b{number}"
            batch = production.plan(session, actor, meal, menu[0], 50, key=key).id
            production.tell(session, actor, batch, Start(), key=f"{key}s")
            batches.append(batch)
        for batch in batches[:2]:
            done = Finish(9000, 50, "cook", 800)
            production.tell(session, actor, batch, done, key=f"done {batch}")
    first = pork.model_copy(update={"batch_id": batches[0], "cooked_at": None})
    assert take(engine, actor, first).cooked_at == actor.at
    for again in (first, pork):
        with pytest.raises(SampledAlreadyError):
            take(engine, actor, again.model_copy(update={"slot": 2}))
    take(engine, actor, first.model_copy(update={"batch_id": batches[1], "slot": 2}))
    with pytest.raises(BadInputError, match="not ready"):
        take(engine, actor, first.model_copy(update={"batch_id": batches[2], "slot": 3}))
    with pytest.raises(BadInputError, match="another dish"):
        take(engine, actor, first.model_copy(update={"dish_id": menu[1], "slot": 3}))


def test_sent_twice_is_kept_once(engine, actor, pork):
    first = take(engine, actor, pork, key="k")
    assert take(engine, later(actor, 1, "keeper"), pork, key="k").id == first.id
    with pytest.raises(KeyReusedError):
        take(engine, actor, pork.model_copy(update={"grams": 140}), key="k")


def while_another_takes(engine, actor, first, second):
    """The second tablet tries while the first one's transaction is open; tells what it met."""
    met = []

    def other():
        try:
            take(engine, actor, second)
        except BadInputError as error:
            met.append(error.code)

    thread = Thread(target=other)
    with writing(engine) as session:
        samples.take(session, actor, first, key=str(new_id()))
        thread.start()
        thread.join(0.5)  # it waits for us; where it did not, it would be done by now
    thread.join()
    return met


def test_two_tablets_that_sample_one_dish_at_once_keep_one_sample(engine, actor, pork):
    elsewhere = pork.model_copy(update={"slot": 5})
    assert while_another_takes(engine, actor, pork, elsewhere) == ["sampled_already"]


def test_two_samples_put_into_one_place_at_once_are_one(engine, actor, pork, greens):
    same_place = greens.model_copy(update={"slot": 1})
    assert while_another_takes(engine, actor, pork, same_place) == ["slot_taken"]


def test_a_hold_waits_for_nobody_who_comes_after_it(engine, actor, meal, pork):
    sample, met = take(engine, actor, pork), []

    def other():
        try:
            dispose(engine, later(actor, 50), sample)
        except SampleHeldError as error:
            met.append(error.code)

    thread = Thread(target=other)
    with writing(engine) as session:
        samples.hold(session, actor, meal, "a guest is ill", key="h")
        thread.start()
        thread.join(0.5)
    thread.join()
    assert met == ["sample_held"]


@pytest.mark.parametrize(
    "change",
    [
        {"slot": 21},
        {"cooked_at": None},
        {"cooked_at": datetime(2026, 3, 2, 9, 0, tzinfo=UTC)},
        {"cooked_at": datetime(2026, 3, 1, 9, 0, tzinfo=UTC)},
        {"cooked_at": datetime(2026, 3, 2, 0, 10)},  # noqa: DTZ001 - that is what is refused
        {"cabinet_id": new_id()},
        {"dish_id": new_id()},
        {"batch_id": new_id()},
    ],
)
def test_what_cannot_be_is_refused(engine, actor, pork, change):
    with pytest.raises(BadInputError):
        take(engine, actor, pork.model_copy(update=change))
    with reading(engine) as session:
        assert not samples.kept(session, actor.site_id)


def test_samples_are_never_frozen(engine, actor, meal, pork):
    with writing(engine) as session:
        values = CabinetValues(
            venue_id=meal.venue_id, name="冷冻柜", kind=CabinetKind.FROZEN, slots=5
        )
        freezer = cabinet.create(session, actor, values).id
    with pytest.raises(BadInputError, match="not frozen"):
        take(engine, actor, pork.model_copy(update={"cabinet_id": freezer}))


def test_a_sample_moves_to_a_free_place_when_its_cabinet_fails(
    engine, actor, meal, fridge, pork, greens
):
    sample = take(engine, actor, pork)
    take(engine, actor, greens)
    with writing(engine) as session:
        values = CabinetValues(venue_id=meal.venue_id, name="备用柜", slots=5)
        spare = cabinet.create(session, actor, values).id
    for _ in range(2):
        with writing(engine) as session:
            moved = samples.move(session, later(actor, 1), sample.id, spare, 3)
    assert (moved.cabinet_id, moved.slot, moved.due_at) == (spare, 3, sample.due_at)
    for cabinet_id, slot in ((fridge, 2), (spare, 6), (spare, 0), (new_id(), 1)):
        with pytest.raises(BadInputError), writing(engine) as session:
            samples.move(session, later(actor, 1), sample.id, cabinet_id, slot)
    dispose(engine, later(actor, 48), sample)
    with pytest.raises(BadInputError, match="is gone"), writing(engine) as session:
        samples.move(session, later(actor, 49), sample.id, fridge, 7)
    assert [line.action for line in actor.recorded].count("sample.move") == 1


def test_another_person_reviews(engine, actor, pork):
    sample = take(engine, actor, pork)
    with pytest.raises(SamePersonError), writing(engine) as session:
        samples.review(session, actor, sample.id)
    for _ in range(2):
        with writing(engine) as session:
            assert samples.review(session, later(actor, 1), sample.id).reviewer == "second"
    with pytest.raises(BadInputError, match="second has signed"), writing(engine) as session:
        samples.review(session, later(actor, 1, "third"), sample.id)
    assert [line.action for line in actor.recorded].count("sample.review") == 1


def test_nothing_goes_before_48_hours_not_even_by_a_second(engine, actor, pork):
    sample = take(engine, actor, pork)
    early = actor.named("second", actor.at + TWO_DAYS - timedelta(seconds=1))
    with pytest.raises(SampleTooEarlyError, match="2026-03-04 00:30 UTC"):
        dispose(engine, early, sample)
    for _ in range(2):
        gone = dispose(engine, later(actor, 48), sample)
    assert (gone.disposer, gone.result) == ("second", "destroyed")
    with pytest.raises(BadInputError, match="gone already"):
        dispose(engine, later(actor, 49, "third"), sample)
    assert [line.action for line in actor.recorded].count("sample.dispose") == 1


def test_on_suspicion_all_samples_of_the_meal_are_frozen_until_another_person_lifts_it(
    engine, actor, meal, pork, greens
):
    early = take(engine, actor, pork)
    with writing(engine) as session:
        held = samples.hold(session, actor, meal, "two guests are ill", key="h")
    late = take(engine, actor, greens)
    for sample in (early, late):
        with pytest.raises(SampleHeldError):
            dispose(engine, later(actor, 72), sample)
    with pytest.raises(SamePersonError), writing(engine) as session:
        samples.lift(session, actor, held.id, "nothing found")
    with pytest.raises(BadInputError, match="say why"), writing(engine) as session:
        samples.lift(session, later(actor, 72), held.id, " ")
    for _ in range(2):
        with writing(engine) as session:
            samples.lift(session, later(actor, 72), held.id, "laboratory: nothing found")
    dispose(engine, later(actor, 72), early)
    actions = [line.action for line in actor.recorded]
    assert (actions.count("sample.hold"), actions.count("sample.lift")) == (1, 1)


def test_one_hold_lifted_leaves_the_other(engine, actor, meal, pork):
    sample = take(engine, actor, pork)
    with writing(engine) as session:
        first = samples.hold(session, actor, meal, "a guest is ill", key="1")
        samples.hold(session, actor, meal, "another one is ill", key="2")
        samples.lift(session, later(actor, 50), first.id, "he drank")
    with pytest.raises(SampleHeldError):
        dispose(engine, later(actor, 50), sample)


def test_another_site_reaches_nothing(engine, actor, meal, pork):
    sample = take(engine, actor, pork)
    stranger = type(actor)(new_id(), "stranger", actor.at + TWO_DAYS)
    with pytest.raises(UnknownRowError):
        dispose(engine, stranger, sample)
    with pytest.raises(UnknownDishError):
        take(engine, stranger, pork)
    with writing(engine) as session:
        samples.hold(session, stranger, meal, "ours", key="h")
        assert not samples.is_held(session, actor.site_id, meal)


def test_what_is_due_comes_from_the_menu(engine, actor, meal, menu, pork):
    ends = actor.at + timedelta(hours=4)

    def ask(now):
        with reading(engine) as session:
            due = samples.due_at_meal(
                session, actor.site_id, meal, [*menu, menu[0]], now=now, ends=ends
            )
        return [one.state for one in due]

    assert ask(actor.at) == [DueState.WAITING] * 2
    take(engine, actor, pork)
    half_hour = timedelta(minutes=30)
    assert ask(ends - half_hour - timedelta(seconds=1)) == [DueState.TAKEN, DueState.WAITING]
    for moment in (ends - half_hour, ends + timedelta(days=3)):
        assert ask(moment) == [DueState.TAKEN, DueState.MISSING]


def test_what_was_kept_long_enough_is_ready_and_then_amber(now):
    def ask(hours, *, held=False, gone=None):
        return sample_rules.kept_state(now, gone, held, now + timedelta(hours=hours), RULES)

    assert [ask(-1), ask(0), ask(23), ask(24)] == [
        KeptState.KEPT, KeptState.READY, KeptState.READY, KeptState.OVERDUE,
    ]  # fmt: skip
    assert (ask(30, held=True), ask(30, held=True, gone=now)) == (KeptState.HELD, KeptState.GONE)


@given(
    hours=st.integers(48, 200),
    acts=st.lists(st.tuples(st.sampled_from(["hold", "lift", "dispose"]), st.integers(-30, 90))),
)
def test_whatever_happens_in_whatever_order_it_stays_for_48_hours(hours, acts):
    sampled = datetime(2026, 3, 2, tzinfo=UTC)
    due = sampled + timedelta(hours=replace(RULES, hours=hours).hours)
    held, gone, now = 0, None, sampled
    for act, passed in acts:
        now += timedelta(hours=passed)  # clocks are set back as well
        held += {"hold": 1, "lift": -1 if held else 0, "dispose": 0}[act]
        if act == "dispose":
            try:
                sample_rules.check_disposal(sampled, due, gone, held > 0, now)
            except BadInputError:
                continue
            gone = now
            assert held == 0
    assert gone is None or gone - sampled >= TWO_DAYS


def test_pages_follow_each_other_and_leave_out_what_is_gone(engine, actor, pork, greens):
    first, second = take(engine, actor, pork), take(engine, actor, greens)
    with reading(engine) as session:
        seen = [samples.kept(session, actor.site_id, limit=1)[0]]
        seen += samples.kept(session, actor.site_id, after=seen[0].id)
    assert [row.id for row in seen] == [first.id, second.id]
    assert all(before.id < after.id for before, after in pairwise(seen))
    dispose(engine, later(actor, 48), first)
    with reading(engine) as session:
        assert [row.id for row in samples.kept(session, actor.site_id)] == [second.id]
