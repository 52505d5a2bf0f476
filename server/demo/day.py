"""A day that the demo's kitchen has had, from the order of the day before to the waste bin.

Everything goes through the rules of the kitchen, by its people, at the hour at which it happens:
what is refused to them is refused to the demo.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta

from sqlalchemy.orm import Session

from dafan.ids import new_id
from kitchen import (
    attendance,
    cabinet,
    collectors,
    ledgers,
    meters,
    morning,
    supervision,
    waste,
)
from kitchen.attendance import Direction, SignedBy
from kitchen.collectors import HandoverValues
from kitchen.ledgers import DisinfectionValues, Method, OilAct, OilValues, PestValues
from kitchen.meals import Meal
from kitchen.meters import Kind, ReadingValues
from kitchen.morning import CheckValues
from kitchen.supervision import Proof, SupervisionItem
from kitchen.supervision_templates import TENTHS, Evidence
from kitchen.waste import Category, Stream, WasteValues
from server import kitchen_day
from server.actor import Actor
from server.demo import kitchen as demo
from server.demo import meals, supply
from server.demo.scene import Scene

_TEMPERATURES = {"留样柜": 41, "蔬菜冷藏柜": 38, "肉类冷冻柜": -183}
_WASTE = {Category.TRIM: 45, Category.OVERPRODUCTION: 20, Category.PLATE: 38}
"""Grams a cover."""
_PER_DAY = {Kind.WATER: 4200, Kind.POWER: 96_000, Kind.GAS: 21_000}
_METERS_SINCE = 5_000_000


def play(session: Session, scene: Scene) -> Mapping[str, int]:
    """Do all of it; the day must be over and its kitchen untouched."""
    kitchen_day.make_list(session, scene.by("值班员", scene.at(time(5))), scene.policy)
    supply.order(session, scene, scene.day, deliver=scene.day)
    temperatures(session, scene, scene.at(time(0), ahead=1))
    check_people(session, scene)
    supply.receive(session, scene)
    for period in meals.PERIODS:
        disinfect(session, scene, period)
        meal = Meal(scene.day, period, scene.venue_id)
        meals.cook(session, scene, meal)
        sampler = scene.by("留样员", scene.at(meals.SERVED[period][0]))
        kitchen_day.sampled(session, sampler, meal, scene.policy)
        _waste(session, scene, period)
    _evening(session, scene)
    rows = supervision.day_list(session, scene.site_id, scene.day)
    open_ones = [row for row in rows if row.done_at is None and row.evidence != Evidence.LINK]
    do_acts(session, scene, open_ones, late="store_sweep")
    return scene.done


def check_people(session: Session, scene: Scene) -> None:
    """Everybody comes, and his health is checked before work."""
    for worker_id in scene.known.workers.values():
        keeper = scene.by("值班员", scene.at(time(5, 40)))
        attendance.sign(
            session, keeper, str(new_id()), worker_id, scene.day, Direction.IN, SignedBy.PIN
        )
    for number, (post, worker_id) in enumerate(scene.known.workers.items()):
        checker = "经理" if post == "食品安全员" else "食品安全员"
        actor = scene.by(checker, scene.at(time(5, 50)) + timedelta(minutes=number))
        values = CheckValues(
            worker_id=worker_id,
            checker_id=scene.known.workers[checker],
            temperature=scene.rng.randint(362, 368),
        )
        morning.check(session, actor, str(new_id()), scene.day, values)
        scene.count("morning checks")


def temperatures(session: Session, scene: Scene, until: datetime) -> None:
    """What the probes said from midnight on, every half hour."""
    at = scene.at(time(0))
    while at < until:
        actor = Actor(scene.site_id, "probe", at)
        for name, usual in _TEMPERATURES.items():
            tenths = usual + scene.rng.randint(-6, 6)
            cabinet.take_reading(
                session, actor, scene.known.cabinets[name], tenths, day=scene.day,
                source=cabinet.Source.SERIAL,
            )  # fmt: skip
            scene.count("temperatures")
        at += timedelta(minutes=30)


def disinfection_of(scene: Scene, period: str) -> datetime:
    """When the dishes for a meal are disinfected."""
    starts = {one.code: one.starts for one in scene.policy.periods}
    return scene.at(starts[period]) - timedelta(minutes=70)


def disinfect(session: Session, scene: Scene, period: str) -> None:
    """Disinfect the dishes for a meal, before it begins."""
    begins = disinfection_of(scene, period)
    values = DisinfectionValues(
        items="餐具", count=80, method=Method.STEAM, celsius=100, started_at=begins,
        ended_at=begins + timedelta(minutes=20),
    )  # fmt: skip
    actor = scene.by("洗消员", begins + timedelta(minutes=25))
    ledgers.disinfected(session, actor, str(new_id()), scene.day, values)
    scene.count("disinfections")


def _waste(session: Session, scene: Scene, period: str) -> None:
    at = scene.at(meals.SERVED[period][1]) + timedelta(minutes=25)
    for category, grams in _WASTE.items():
        weighed = demo.COVERS[period] * grams * scene.rng.randint(80, 120) // 100
        values = WasteValues(
            venue_id=scene.venue_id, category=category, grams=weighed, period=period
        )
        waste.record(session, scene.by("保洁员", at), values, day=scene.day, key=str(new_id()))
        scene.count("waste records")


def _evening(session: Session, scene: Scene) -> None:
    at = scene.at(time(20, 15))
    taken = sum(waste.totals(session, scene.site_id, scene.day, scene.day).values())
    actor = scene.by("保洁员", at)
    collector = meals.collector_of(session, scene.site_id, Stream.FOOD)
    values = HandoverValues(
        venue_id=scene.venue_id, stream=Stream.FOOD, grams=taken, collector_id=collector,
        receiver="收运员", signature=scene.picture(session, actor, "COLLECTED"),
    )  # fmt: skip
    row = collectors.hand_over(session, actor, values, day=scene.day, key=str(new_id()))
    kitchen_day.collected(session, actor, scene.day, str(row.id))
    scene.count("handovers")
    chef = scene.by("厨师长", scene.at(time(16)))
    oil = OilValues(fryer="炸炉", act=OilAct.TESTED, polar=140)
    ledgers.oil(session, chef, str(new_id()), scene.day, oil)
    pests = PestValues(places="后厨、库房、就餐区", method="粘鼠板检查")
    ledgers.pests(session, actor, str(new_id()), scene.day, pests)
    for meter in meters.listed(session, scene.site_id):
        used = _PER_DAY[Kind(meter.kind)] * scene.rng.randint(90, 110) // 100
        reading = ReadingValues(meter_id=meter.id, value=_METERS_SINCE + used, sure=True)
        reader = scene.by("值班员", scene.at(time(20, 40)))
        meters.read(session, reader, str(new_id()), scene.day, reading)
        scene.count("meter readings")


def do_acts(
    session: Session, scene: Scene, rows: Sequence[SupervisionItem], late: str = ""
) -> None:
    """Do acts of the list, each a few minutes before its time; the one named ``late`` after it."""
    for row in rows:
        margin = timedelta(minutes=scene.rng.randint(4, 12))
        after = row.code == late
        at = row.due_at + margin if after else max(row.opens_at, row.due_at - margin)
        post = row.post if row.post in scene.known.people else "食品安全员"
        actor = scene.by(post, at)
        supervision.complete(session, actor, row.id, _proof(session, scene, actor, row))
        scene.count("acts of the list")


def _proof(session: Session, scene: Scene, actor: Actor, row: SupervisionItem) -> Proof:
    if row.evidence == Evidence.PHOTO:
        return Proof(photo=scene.picture(session, actor, row.code))
    if row.evidence == Evidence.SIGNATURE:
        return Proof(signature="session")
    if row.evidence == Evidence.NUMBER:
        low, high = row.low or 0, row.high or 0
        step = 10 if row.unit.startswith(TENTHS) else 1
        return Proof(number=(low + high) // 2 // step * step)
    return Proof()
