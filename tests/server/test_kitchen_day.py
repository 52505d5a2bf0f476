from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, select

from dafan import db
from dafan.clock import ManualClock
from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import Unit
from dafan.units import Grams
from kitchen import cabinet, menus, samples, staff, supervision_templates
from kitchen.cabinet import CabinetKind, CabinetValues, Source
from kitchen.dishes import DishValues
from kitchen.meals import Meal
from kitchen.menus import ItemValues
from kitchen.sample_alarms import SampleAlarm
from kitchen.samples import SampleValues
from kitchen.staff import CertificateKind, CertificateValues, WorkerValues
from kitchen.supervision import SupervisionItem
from kitchen.supervision_score import State, state_of
from server import dishes, kitchen_day, scales, sites
from server.actor import Actor
from server.audit import Audit
from server.exceptions import ExceptionItem
from server.scale_book import ScaleValues, VerificationValues
from server.scale_rules import ScaleLimits
from tests.server.conftest import NOON, TestSite, Till


def items(engine: Engine) -> list[Any]:
    with db.reading(engine) as session:
        return list(session.scalars(select(SupervisionItem)))


def item(engine: Engine, code: str) -> Any:
    return next(row for row in items(engine) if row.code == code)


def make_list(engine: Engine, actor: Actor) -> None:
    with db.writing(engine) as session:
        kitchen_day.make_list(session, actor, sites.policy(session, actor.site_id))


def open_alarms(engine: Engine) -> list[tuple[str, Any]]:
    with db.reading(engine) as session:
        found = session.scalars(select(SampleAlarm).where(SampleAlarm.closed_at.is_(None)))
        return [(row.kind, row.subject) for row in found]


@pytest.fixture
def fridge(engine: Engine, actor: Actor, site: TestSite) -> UUID:
    with db.writing(engine) as session:
        values = CabinetValues(venue_id=site.venue_id, name="留样柜", slots=9, probe="T1")
        return cabinet.create(session, actor, values).id


@pytest.fixture
def lunch(engine: Engine, actor: Actor, site: TestSite, clock: ManualClock) -> tuple[Meal, UUID]:
    """A published lunch of one dish."""
    with db.writing(engine) as session:
        values = DishValues(name="红烧肉", unit=Unit.PIECE, price=Fen(500))
        dish = dishes.create(session, actor, values).id
        meal = Meal(clock.now().date(), "lunch", site.venue_id)
        menus.save(session, actor, meal, [ItemValues(dish_id=dish, portions=9)])
        menus.publish(session, actor, meal)
    return meal, dish


def read(engine: Engine, actor: Actor, row: UUID, tenths: int, at: Any) -> None:
    with db.writing(engine) as session:
        probe = Actor(actor.site_id, "probe", at)
        cabinet.take_reading(session, probe, row, tenths, day=at.date(), source=Source.SERIAL)


def test_the_days_list_comes_and_what_is_late_is_told_on_once(
    engine: Engine, site: TestSite, clock: ManualClock
) -> None:
    assert kitchen_day.drive(engine, clock.now()) == "0 late acts told on"
    assert items(engine) == []  # this kitchen has never looked at a list
    make_list(engine, Actor(site.id, "chef", clock.now()))
    first = len(items(engine))
    assert not kitchen_day.drive(engine, clock.now()).startswith("0 ")
    assert kitchen_day.drive(engine, clock.now()).startswith("0 ")
    tomorrow = clock.now() + timedelta(days=1)
    kitchen_day.drive(engine, tomorrow)
    days = {row.business_date for row in items(engine)}
    assert len(days) == 2
    assert len(items(engine)) > first


def test_of_another_site_nothing_is_made(engine: Engine, site: TestSite, clock: Any) -> None:
    with db.writing(engine) as session:
        other = sites.ensure_site(session, "另一单位").id
    make_list(engine, Actor(other, "chef", clock.now()))
    kitchen_day.drive(engine, clock.now())
    assert {row.site_id for row in items(engine)} == {other}
    assert site.id != other


def test_the_list_is_made_anew_only_for_a_changed_template(
    engine: Engine, actor: Actor, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_list(engine, actor)
    made: list[str] = []
    whole = kitchen_day.make_list

    def counted(*told: Any) -> None:
        made.append("made")
        whole(*told)

    monkeypatch.setattr(kitchen_day, "make_list", counted)
    for _ in range(3):
        kitchen_day.drive(engine, clock.now())
        clock.advance(300)
    assert made == []
    with db.writing(engine) as session:
        acts = list(supervision_templates.shipped())
        place = next(number for number, act in enumerate(acts) if act.code == "meters")
        acts[place] = acts[place].model_copy(update={"title": "抄表"})
        supervision_templates.save(session, actor, acts, 0)
    kitchen_day.drive(engine, clock.now())
    assert item(engine, "meters").title == "抄表"
    kitchen_day.drive(engine, clock.now())
    assert made == ["made"]


MORNING = NOON.replace(hour=20, minute=10)
"""Tuesday, 4:10 in Shanghai; the site's day began at 4, its first meal begins at 6:30."""


@pytest.fixture
def two_scales(engine: Engine, actor: Actor, terminal: Till) -> list[UUID]:
    """Verified ones, at a site that asks for a check every day from tomorrow on."""
    plate = ScaleValues(model="ACS-15", max_grams=15_000, e_grams=5)
    day = actor.at.date()
    paper = VerificationValues(
        certificate="J1", verified_on=day, verified_until=day + timedelta(days=365)
    )
    with db.writing(engine) as session:
        made = [scales.create(session, actor, terminal.id, station, plate).id for station in (0, 1)]
        for one in made:
            scales.verify(session, actor, new_id().hex, one, paper)
        scales.decide(session, actor, ScaleLimits(check_daily=True))
    return made


def check(engine: Engine, who: Actor, scale: UUID, shown: int = 500) -> UUID:
    with db.writing(engine) as session:
        key = new_id().hex
        return scales.check(session, who, key, scale, Grams(500), Grams(shown)).id


def act_of_scales(engine: Engine) -> list[Any]:
    found = [row for row in items(engine) if row.fulfilled_by == scales.CHECKED]
    return [row for row in found if row.withdrawn_at is None]


def test_the_act_of_checking_the_scales_is_done_by_the_check_of_the_last_that_waits(
    engine: Engine, actor: Actor, two_scales: list[UUID]
) -> None:
    make_list(engine, actor)
    assert act_of_scales(engine) == [], "none waits on the day on which it is switched on"
    kitchen_day.drive(engine, MORNING)
    (act,) = act_of_scales(engine)
    assert (act.code, act.due_at) == ("scales@breakfast", MORNING + timedelta(hours=2, minutes=20))
    first, second = two_scales
    check(engine, replace(actor, at=MORNING), first)
    check(engine, replace(actor, at=MORNING), first)
    assert [row.done_at for row in act_of_scales(engine)] == [None], "one still waits"
    later = MORNING + timedelta(minutes=7)
    made = check(engine, replace(actor, at=later), second, shown=560)
    kitchen_day.drive(engine, later)
    (act,) = act_of_scales(engine)
    assert (act.done_at, act.done_by, act.link) == (later, actor.name, str(made))
    kitchen_day.drive(engine, MORNING + timedelta(days=1))
    assert [row.done_at for row in act_of_scales(engine)] == [later, None]


def test_the_act_of_checking_the_scales_is_late_behind_the_first_meals_beginning(
    engine: Engine, actor: Actor, two_scales: list[UUID]
) -> None:
    make_list(engine, actor)
    kitchen_day.drive(engine, MORNING)
    late = MORNING + timedelta(hours=3)
    for one in two_scales:
        check(engine, replace(actor, at=late), one)
    (act,) = act_of_scales(engine)
    assert state_of(act, late) is State.DONE_LATE


def test_where_no_scale_waits_for_a_check_the_list_does_not_ask_for_one(
    engine: Engine, actor: Actor, two_scales: list[UUID]
) -> None:
    first, second = two_scales
    make_list(engine, actor)
    early = replace(actor, at=MORNING - timedelta(minutes=5))
    check(engine, early, first)
    check(engine, early, second, shown=560)
    kitchen_day.drive(engine, MORNING)
    assert act_of_scales(engine) == [], "all was done before the list was made"
    tomorrow = MORNING + timedelta(days=1)
    kitchen_day.drive(engine, tomorrow)
    assert len(act_of_scales(engine)) == 1
    with db.writing(engine) as session:
        scales.decide(session, replace(actor, at=tomorrow), ScaleLimits())
    kitchen_day.drive(engine, tomorrow)
    assert act_of_scales(engine) == [], "the site asks for it no more"


def test_a_dish_of_the_published_menu_without_a_sample_is_an_alarm_that_its_sample_ends(
    engine: Engine, actor: Actor, fridge: UUID, lunch: tuple[Meal, UUID], clock: ManualClock
) -> None:
    meal, dish = lunch
    assert kitchen_day.watch(engine, clock.now()) == "0 new alarms"
    clock.advance(90 * 60)  # half an hour before the meal ends
    assert kitchen_day.watch(engine, clock.now()) == "1 new alarms"
    assert open_alarms(engine) == [("missing", dish)]
    cook = Actor(actor.site_id, "cook", clock.now())
    with db.writing(engine) as session:
        values = SampleValues(
            **meal.columns, dish_id=dish, grams=130, cabinet_id=fridge, slot=1,
            cooked_at=clock.now() - timedelta(minutes=10),
        )  # fmt: skip
        samples.take(session, cook, values, key="k")
    assert open_alarms(engine) == []
    assert kitchen_day.watch(engine, clock.now()) == "0 new alarms"


def test_a_warm_cabinet_is_an_alarm_of_every_sample_in_it(
    engine: Engine, actor: Actor, fridge: UUID, lunch: tuple[Meal, UUID], clock: ManualClock
) -> None:
    meal, dish = lunch
    with db.writing(engine) as session:
        values = SampleValues(
            **meal.columns, dish_id=dish, grams=130, cabinet_id=fridge, slot=1,
            cooked_at=clock.now() - timedelta(minutes=10),
        )  # fmt: skip
        sample = samples.take(session, actor, values, key="k").id
    for _ in range(4):
        read(engine, actor, fridge, 95, clock.now())
        clock.advance(600)
    kitchen_day.watch(engine, clock.now())
    assert open_alarms(engine) == [("temperature", sample)]


def test_what_probes_read_closes_the_act_of_its_cabinets_with_the_worst_number(
    engine: Engine, actor: Actor, site: TestSite, fridge: UUID, clock: ManualClock
) -> None:
    make_list(engine, actor)
    with db.writing(engine) as session:
        frozen = [
            cabinet.create(
                session, actor,
                CabinetValues(venue_id=site.venue_id, name=name, kind=CabinetKind.FROZEN),
            ).id
            for name in ("冷冻柜一", "冷冻柜二")
        ]  # fmt: skip
    read(engine, actor, fridge, 41, clock.now())
    read(engine, actor, frozen[0], -190, clock.now())
    kitchen_day.watch(engine, clock.now())
    assert item(engine, "sample_cabinet_am").number == 41
    assert item(engine, "freezer_am").done_at is None  # the second one was not read
    read(engine, actor, frozen[1], -150, clock.now())
    kitchen_day.watch(engine, clock.now())
    assert item(engine, "freezer_am").number == -150


def test_waste_that_is_collected_closes_its_act_once_the_last_meal_is_over(
    engine: Engine, actor: Actor, lunch: tuple[Meal, UUID]
) -> None:
    make_list(engine, actor)
    meal, _dish = lunch
    with db.reading(engine) as session:
        edges = kitchen_day.window(sites.policy(session, actor.site_id), meal.day, meal.period)
    assert edges is not None
    assert edges[1] < item(engine, "waste").opens_at
    for at, done in ((edges[1] - timedelta(minutes=1), False), (edges[1], True)):
        with db.writing(engine) as session:
            kitchen_day.collected(session, Actor(actor.site_id, "cleaner", at), meal.day, "truck")
        assert (item(engine, "waste").done_at is not None) is done


def test_the_watch_changes_nothing_when_it_looks_again(
    engine: Engine, actor: Actor, fridge: UUID, lunch: tuple[Meal, UUID], clock: ManualClock
) -> None:
    assert fridge
    assert lunch
    make_list(engine, actor)
    clock.advance(100 * 60)
    kitchen_day.watch(engine, clock.now())

    def written() -> int:
        with db.reading(engine) as session:
            return len(session.scalars(select(Audit.id)).all())

    before = written()
    clock.advance(300)
    assert kitchen_day.watch(engine, clock.now()) == "0 new alarms"
    assert written() == before


def test_a_health_certificate_that_ends_soon_is_warned_of_once(
    engine: Engine, actor: Actor, clock: ManualClock
) -> None:
    today = clock.now().date()
    with db.writing(engine) as session:
        for name, kind, days in (
            ("陈一", CertificateKind.HEALTH, 30), ("陈二", CertificateKind.HEALTH, 31),
            ("陈三", CertificateKind.COOK, 5), ("陈四", CertificateKind.HEALTH, -3),
        ):  # fmt: skip
            worker = staff.create(session, actor, WorkerValues(name=name, post="厨师")).id
            values = CertificateValues(
                kind=kind, number="1", issued=today - timedelta(days=200),
                expires=today + timedelta(days=days),
            )  # fmt: skip
            staff.add_certificate(session, actor, worker, values)

    def listed() -> list[str]:
        with db.reading(engine) as session:
            found = session.scalars(select(ExceptionItem).order_by(ExceptionItem.id))
            return [row.detail for row in found if row.code == kitchen_day.CERTIFICATE_ENDS]

    for night in range(2):
        told = kitchen_day.warn_of_certificates(engine, clock.now())
        assert told == f"{0 if night else 2} health certificates end"
        assert listed() == ["陈四 · 厨师 · 2026-02-27", "陈一 · 厨师 · 2026-04-01"]


def test_packaged_food_on_the_menu_needs_no_sample(
    engine: Engine, site: TestSite, clock: ManualClock
) -> None:
    actor = Actor(site.id, "chef", clock.now())
    meal = Meal(clock.now().date(), "lunch", site.venue_id)
    with db.writing(engine) as session:
        made = [
            dishes.create(session, actor, DishValues(name=name, unit=Unit.PIECE, sampled=sampled))
            for name, sampled in (("红烧鱼", True), ("酸奶", False))
        ]
        menus.save(session, actor, meal, [ItemValues(dish_id=one.id, portions=9) for one in made])
        menus.publish(session, actor, meal)
    with db.reading(engine) as session:
        assert kitchen_day.dishes_of(session, site.id, meal) == [made[0].id]
