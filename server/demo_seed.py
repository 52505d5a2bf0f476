"""A canteen to try out: groups, sixty diners, dishes, money, six faces. Never for real use.

Diners carry the names of the sexagenary cycle (甲子, 乙丑 …); everybody's PIN is
:data:`DEMO_PIN`, and the login is :data:`DEMO_LOGIN` with :data:`DEMO_PASSWORD`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from uuid import UUID

import cv2
import numpy as np
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from dafan.config import Settings
from dafan.db import reading, writing
from dafan.errors import DafanError
from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import MealPeriod, MealRule, Policy
from kitchen import dishes as kitchen_dishes
from kitchen import limits
from kitchen.clean_plate import PlateRules, PointRules
from server import (
    auth,
    birthdays,
    cards,
    cashdesk,
    catalogue,
    consents,
    dishes,
    faces,
    groups,
    people,
    sites,
)
from server.actor import Actor
from server.demo import opening, wall
from server.face_engine import FaceEngine, shared_engine
from server.keys import KeyRing
from vision import samples

DEMO_SITE = "示范单位"
DEMO_VENUE = "第一食堂"
DEMO_LOGIN = "demo"
DEMO_PASSWORD = "demo-dafan"  # noqa: S105 - printed on purpose, for the demo only
DEMO_PIN = "246810"
WEIGHED_DISH = "自选称重"
"""The dish that a bare weight on the demo's scale means."""

_STEMS, _BRANCHES = "甲乙丙丁戊己庚辛壬癸", "子丑寅卯辰巳午未申酉戌亥"
NAMES = tuple(_STEMS[i % 10] + _BRANCHES[i % 12] for i in range(60))
_DEPARTMENTS = ("办公室", "财务处", "人事处", "后勤处", "信息中心")
_FACES = 6

# The meals fill the whole day, so that the demo can be shown at any hour.
_PERIODS = (
    MealPeriod(code="supper", name="夜宵", starts=time(0), ends=time(4)),
    MealPeriod(code="breakfast", name="早餐", starts=time(4), ends=time(10)),
    MealPeriod(code="lunch", name="午餐", starts=time(10), ends=time(15)),
    MealPeriod(code="dinner", name="晚餐", starts=time(15), ends=time(0)),
)
_ONE_A_MEAL = {period.code: MealRule(subsidised_per_day=1) for period in _PERIODS}
_NO_SUBSIDY = {period.code: MealRule(subsidised_per_day=0) for period in _PERIODS}
_GROUPS = (
    groups.GroupValues(name="干部职工", meals=_ONE_A_MEAL),
    groups.GroupValues(name="人才", discount_percent=10, meals=_ONE_A_MEAL),
    groups.GroupValues(name="访客", meals=_NO_SUBSIDY),
)
_SUBSIDY = {"干部职工": Fen(300_00), "人才": Fen(400_00)}
_COOKED_BEFORE = timedelta(days=30)
"""The recipes are older than the sales of the days before, so that those tell what they gave."""
_BIRTHDAY, _BETWEEN_BIRTHDAYS = Fen(20_00), timedelta(days=7)
"""The first diner without a face has his on the day that the demo begins."""
_CASH, _CASH_OF_FACES = Fen(200_00), Fen(2000_00)

# name, category, unit, price, half portion, small bowl: fen
_DISHES: tuple[tuple[str, str, str, int, int | None, int | None], ...] = (
    (WEIGHED_DISH, "称重", "kg", 2800, None, None),
    ("荤素套餐", "套餐", "piece", 1500, None, None),
    ("清淡套餐", "套餐", "piece", 1200, None, None),
    ("米饭", "主食", "piece", 100, 60, 50),
    ("馒头", "主食", "piece", 80, None, None),
    ("小炒黄牛肉", "小炒", "piece", 2200, 1200, None),
    ("红烧肉", "热菜", "piece", 1200, 650, None),
    ("清蒸鲈鱼", "热菜", "piece", 1600, None, None),
    ("番茄炒蛋", "热菜", "piece", 800, 450, None),
    ("麻婆豆腐", "热菜", "piece", 600, 350, None),
    ("清炒时蔬", "热菜", "piece", 500, 300, None),
    ("紫菜蛋花汤", "汤羹", "piece", 200, None, 100),
    ("豆浆", "饮品", "piece", 200, None, None),
    ("酸奶", "饮品", "piece", 400, None, None),
    ("茶叶蛋", "早点", "piece", 150, None, None),
    ("肉包", "早点", "piece", 200, None, None),
    ("苹果", "水果", "piece", 300, None, None),
)
_NOT_SAMPLED = {WEIGHED_DISH, "荤素套餐", "清淡套餐", "酸奶", "苹果"}
"""Prices that are no dish, packaged food, whole fruit."""


@dataclass(frozen=True)
class DemoSite:
    """What was made, or was there already.

    Attributes:
        site_id: The site.
        venue_id: Its canteen.
        weighed_dish_id: What a bare weight means: tell each terminal.
        face_diners: Sample person (0 to 5, from left to right) → diner, for those enrolled.
        notes: What a person should know, such as a face that could not be enrolled.
        kitchen_day: What the kitchen did yesterday: subject → how much.
    """

    site_id: UUID
    venue_id: UUID
    weighed_dish_id: UUID
    face_diners: dict[int, UUID]
    notes: tuple[str, ...]
    kitchen_day: Mapping[str, int]


def seed_demo(
    engine: Engine,
    settings: Settings,
    ring: KeyRing,
    now: datetime,
    *,
    confirm_ms: int = 2000,
    with_kitchen: bool = False,
) -> DemoSite:
    """Fill a database with the demo's canteen; doing so again changes nothing.

    Without model files everything but the faces is made, and a note says so.

    Args:
        engine: Its schema is up to date.
        settings: Whose face pack enrols the diners.
        ring: Seals the faces.
        now: Aware UTC.
        confirm_ms: How long a recognised diner can cancel.
        with_kitchen: Open the kitchen as well: recipes, people, stock, and a day that it has had.
    """
    with writing(engine) as session:
        site = sites.ensure_site(session, DEMO_SITE)
        venue = sites.ensure_venue(session, site.id, DEMO_VENUE)
        actor = Actor(site.id, "seed-demo", now)
        _set_policy(session, site.id, confirm_ms)
        if with_kitchen:
            catalogue.seed(session, replace(actor, at=now - _COOKED_BEFORE))
            _set_plates(session, actor)
        if auth.find_user(session, DEMO_LOGIN) is None:
            auth.create_user(
                session, site.id, DEMO_LOGIN, DEMO_PASSWORD, ["admin"], name="演示", by=actor.name
            )
        weighed = _seed_dishes(session, actor)
        diners = _seed_diners(session, actor, _seed_groups(session, actor))
    enrolled, notes = _seed_faces(engine, settings, actor, ring, diners[:_FACES])
    done: Mapping[str, int] = {}
    if with_kitchen:
        done = opening.open_kitchen(engine, actor, venue.id, DEMO_PASSWORD)
        wall.hang(engine, actor, venue.id, settings.data_dir)
    return DemoSite(site.id, venue.id, weighed, enrolled, notes, done)


def _set_policy(session: Session, site_id: UUID, confirm_ms: int) -> None:
    wanted = Policy(
        periods=_PERIODS,
        receipt_footer="谢谢光临，光盘行动从我做起",
        confirm_ms=confirm_ms,
        offline_exposure=Fen(500_00),  # six faces pay for everybody
    )
    if sites.policy(session, site_id) == sites.DEFAULT_POLICY:
        sites.set_policy(session, site_id, wanted)


def _set_plates(session: Session, actor: Actor) -> None:
    """The return station's rules: who watches a demo does not wait for diners to eat."""
    if not limits.decided_of(session, actor.site_id, PlateRules):
        limits.decide(session, actor, PlateRules, {"tray_grams": 420, "soonest_minutes": 0})
        limits.decide(session, actor, PointRules, {"lot_points": 5, "lot_fen": 200})


def _seed_groups(session: Session, actor: Actor) -> dict[str, UUID]:
    there = {group.name: group.id for group in groups.all_of(session, actor.site_id)}
    for values in _GROUPS:
        if values.name not in there:
            there[values.name] = groups.create(session, actor, values).id
    return there


def _seed_dishes(session: Session, actor: Actor) -> UUID:
    """Returns the id of the dish sold by weight."""
    for sort, (name, category, unit, price, half, small) in enumerate(_DISHES):
        if kitchen_dishes.find_by_name(session, actor.site_id, name) is None:
            values = kitchen_dishes.read_values(
                {"name": name, "category": category, "unit": unit, "price": price,
                 "half_price": half, "small_price": small, "sort": sort,
                 "sampled": name not in _NOT_SAMPLED}
            )  # fmt: skip
            dishes.create(session, actor, values)
    weighed = kitchen_dishes.find_by_name(session, actor.site_id, WEIGHED_DISH)
    if weighed is None:
        raise DafanError(f"the dish {WEIGHED_DISH} is gone: empty the demo's database")
    return weighed.id


def _seed_diners(session: Session, actor: Actor, group_ids: dict[str, UUID]) -> list[UUID]:
    pin_hash = people.hash_pin(DEMO_PIN)
    ids = []
    fresh = False
    for index, name in enumerate(NAMES):
        number = str(1001 + index)
        diner = people.find_diner(session, actor.site_id, number)
        if diner is None:
            fresh = True
            values = people.DinerValues(
                staff_no=number,
                name=name,
                department=_DEPARTMENTS[index % len(_DEPARTMENTS)],
                group_id=group_ids[_group_of(index)],
            )
            diner = people.create_diner(session, actor, values)
            diner.pin_hash = pin_hash
            cards.assign(session, actor, diner.id, f"000000{number}")
            amount = _CASH_OF_FACES if index < _FACES else _CASH
            cashdesk.top_up(session, actor, diner.id, amount, key=f"demo:{number}", memo="演示")
            birthday = actor.at.date() + _BETWEEN_BIRTHDAYS * (index - _FACES)
            birthdays.set_day(session, actor, diner.id, birthday.isoformat())
        ids.append(diner.id)
    if fresh:
        amounts = {group_ids[name]: amount for name, amount in _SUBSIDY.items()}
        cashdesk.run_subsidy(session, actor, "演示补贴", amounts, key="demo")
        limits.decide(session, actor, birthdays.GiftRules, {"fen": int(_BIRTHDAY)})
        birthdays.give_due(session, actor.at)
    return ids


def top_up(session: Session, staff_no: str, now: datetime) -> None:
    """A diner of the demo who has eaten up his money pays ¥100 in at the desk.

    Raises:
        DafanError: this is no demo, or nobody has that number.
    """
    site = next(iter(sites.all_sites(session)), None)
    diner = people.find_diner(session, site.id, staff_no) if site is not None else None
    if site is None or diner is None or auth.find_user(session, DEMO_LOGIN) is None:
        raise DafanError(f"{staff_no} is no diner of a demo: real money is paid in at the desk")
    actor = Actor(site.id, "seed-demo", now)
    cashdesk.top_up(session, actor, diner.id, Fen(10_000), key=f"demo:{new_id()}", memo="演示")


def _group_of(index: int) -> str:
    return {4: "人才", 7: "人才", 9: "访客"}.get(index % 10, "干部职工")


def _seed_faces(
    engine: Engine, settings: Settings, actor: Actor, ring: KeyRing, diners: list[UUID]
) -> tuple[dict[int, UUID], tuple[str, ...]]:
    face_engine = shared_engine(settings.vision.pack)
    enrolled: dict[int, UUID] = {}
    notes: list[str] = []
    with reading(engine) as session:
        known = {diner_id for diner_id in diners if faces.template_of(session, diner_id)}
    for sample, diner_id in zip(samples.sample_faces(), diners, strict=True):
        if diner_id not in known:
            note = _enrol(engine, face_engine, actor, ring, diner_id, sample)
            if note:
                notes.append(f"{NAMES[sample.number]}: {note}")
                continue
        enrolled[sample.number] = diner_id
    return enrolled, tuple(notes)


def _enrol(
    engine: Engine,
    face_engine: FaceEngine,
    actor: Actor,
    ring: KeyRing,
    diner_id: UUID,
    sample: samples.Sample,
) -> str:
    """Returns why it did not work; empty where it did."""
    photo = samples.vary(sample, np.random.default_rng(sample.number), samples.ENROLMENT)
    _, jpeg = cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, 95])
    try:
        reference = face_engine.read(jpeg.tobytes())
        with writing(engine) as session:
            values = consents.ConsentValues(channel="demo")
            consents.give(session, actor, diner_id, values)
            faces.enrol(
                session, actor, ring, diner_id, reference,
                lookalike_similarity=face_engine.lookalike_similarity, confirm=True,
            )  # fmt: skip
    except DafanError as error:
        return str(error)
    return ""
