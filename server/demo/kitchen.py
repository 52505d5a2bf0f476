"""The demo's kitchen: catalogue, people, suppliers, cabinets, menus. Never for real use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

import cv2
import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from dafan.ids import new_id
from kitchen import (
    additives,
    approvals,
    areas,
    cabinet,
    categories,
    collectors,
    dishes,
    equipment,
    menus,
    meters,
    pictures,
    purchasing,
    staff,
    suppliers,
)  # fmt: skip
from kitchen.approvals import RuleValues
from kitchen.cabinet import CabinetKind, CabinetValues
from kitchen.collectors import CollectorValues
from kitchen.meals import Meal
from kitchen.menus import ItemValues
from kitchen.meters import Kind, MeterValues
from kitchen.staff import CertificateKind, CertificateValues, Worker, WorkerValues
from kitchen.supplier_rules import LicenceKind, LicenceValues
from kitchen.suppliers import SupplierValues
from kitchen.waste import Stream
from server import people
from server.actor import Actor

POSTS = (
    "经理", "厨师长", "厨师", "仓管", "切配", "食品安全员", "留样员", "洗消员", "保洁员", "检测员",
    "备餐员", "值班员",
)  # fmt: skip
"""Of the first diners, in their order; the first six have a face enrolled."""
SUPPLIERS: Mapping[str, tuple[str, ...]] = {
    "示范蔬菜行": (categories.VEGETABLE, categories.FUNGUS, categories.TUBER, categories.FRUIT),
    "示范肉品公司": (categories.MEAT, categories.POULTRY),
    "示范水产行": (categories.AQUATIC,),
    "示范禽蛋行": (categories.EGG,),
    "示范粮油公司": (
        categories.CEREAL, categories.OIL, categories.SEASONING, categories.SOY, categories.MILK,
        categories.NUT,
    ),
}  # fmt: skip
SAMPLE_CABINET = "留样柜"
COVERS = {"breakfast": 24, "lunch": 56, "dinner": 20}
"""About as many as the demo's sales."""
_BREAKFAST = ("豆浆", "馒头", "肉包", "茶叶蛋", "小米粥")
_LUNCHES = (
    ("红烧肉", "番茄炒蛋", "麻婆豆腐", "清炒小白菜", "酸辣土豆丝"),
    ("宫保鸡丁", "肉末茄子", "家常豆腐", "手撕包菜", "拍黄瓜"),
    ("糖醋排骨", "木须肉", "蒜蓉西兰花", "醋溜白菜", "凉拌木耳"),
    ("土豆烧牛肉", "青椒肉丝", "地三鲜", "清炒豆芽", "凉拌海带丝"),
    ("红烧鲤鱼块", "芹菜香干肉丝", "蒸蛋羹", "香菇油菜", "清炒南瓜"),
)
_DINNERS = (
    ("土豆烧鸡块", "洋葱炒肉片", "蚝油生菜"),
    ("回锅肉", "丝瓜炒蛋", "红烧冬瓜"),
    ("鱼香肉丝", "四季豆烧肉", "胡萝卜炒玉米青豆"),
)
_EVERY_MEAL = ("米饭", "紫菜蛋花汤")
_HEALTH_FROM = timedelta(days=200)
_LICENCE_FROM = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Kitchen:
    """Who and what a day of the demo's kitchen needs.

    Attributes:
        people: Post → his name in the journal.
        workers: Post → his row.
        cabinets: Name → cabinet.
        dish_ids: Name → dish.
    """

    people: Mapping[str, str]
    workers: Mapping[str, UUID]
    cabinets: Mapping[str, UUID]
    dish_ids: Mapping[str, UUID]


def seed(
    session: Session, actor: Actor, venue_id: UUID, diners: Sequence[UUID], today: date
) -> bool:
    """Furnish the kitchen; says whether it was empty. Doing so again changes nothing."""
    anybody = select(Worker.id).where(Worker.site_id == actor.site_id).limit(1)
    if session.scalar(anybody) is not None:
        return False
    _people(session, actor, diners, today)
    _suppliers(session, actor, today)
    _equipment(session, actor, venue_id, today)
    for role in ("manager", "admin"):
        rule = RuleValues(subject=purchasing.SUBJECT, role=role, up_to=None)
        approvals.set_rule(session, actor, rule)
    known = find(session, actor.site_id)
    first = menus.monday(today - timedelta(days=7))
    for ahead in range(21):
        _menus(session, actor, venue_id, first + timedelta(days=ahead), known)
    return True


def find(session: Session, site_id: UUID) -> Kitchen:
    """The kitchen as it was furnished."""
    rows = session.scalars(select(Worker).where(Worker.site_id == site_id)).all()
    cabinets = session.scalars(select(cabinet.Cabinet).where(cabinet.Cabinet.site_id == site_id))
    served = dishes.page(session, site_id, limit=dishes.MAX_PAGE)
    return Kitchen(
        people={row.post: row.journal_name for row in rows},
        workers={row.post: row.id for row in rows},
        cabinets={row.name: row.id for row in cabinets},
        dish_ids={dish.name: dish.id for dish in served},
    )


def meal_dishes(day: date) -> dict[str, tuple[str, ...]]:
    """Meal period → names of its dishes."""
    number = day.toordinal()
    return {
        "breakfast": _BREAKFAST,
        "lunch": (*_LUNCHES[number % len(_LUNCHES)], *_EVERY_MEAL),
        "dinner": (*_DINNERS[number % len(_DINNERS)], *_EVERY_MEAL),
    }


def portions(period: str, name: str) -> int:
    """Planned of a dish: everybody takes rice, of the others every diner takes about two."""
    covers = COVERS[period]
    return covers if name in _EVERY_MEAL else max(6, covers * 2 // 5)


def drawn(text: str, colour: int) -> bytes:
    """A drawn page that stands for a photograph: it says that it belongs to a demo."""
    page = np.full((360, 480, 3), 235, np.uint8)
    cv2.rectangle(page, (24, 24), (455, 335), (90, 110 + colour % 90, 60 + colour % 120), 6)
    cv2.putText(page, "DEMO", (150, 150), cv2.FONT_HERSHEY_SIMPLEX, 2.4, (60, 60, 60), 5)
    cv2.putText(page, text[:24], (60, 240), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (60, 60, 60), 2)
    return cv2.imencode(".jpg", page)[1].tobytes()


def _people(session: Session, actor: Actor, diners: Sequence[UUID], today: date) -> None:
    for number, (post, diner_id) in enumerate(zip(POSTS, diners, strict=False)):
        name = people.get_diner(session, actor.site_id, diner_id).name
        values = WorkerValues(name=name, post=post, diner_id=diner_id)
        worker = staff.create(session, actor, values)
        issued = today - _HEALTH_FROM - timedelta(days=15 * number)
        photo = pictures.keep(session, actor, drawn(f"HEALTH {number + 1:03}", number))
        staff.add_certificate(
            session, actor, worker.id,
            CertificateValues(
                kind=CertificateKind.HEALTH, number=f"DEMO-{number + 1:03}", issued=issued,
                expires=issued + timedelta(days=365), photo=photo,
            ),
        )  # fmt: skip


def _suppliers(session: Session, actor: Actor, today: date) -> None:
    since = today - _LICENCE_FROM
    for number, (name, sells) in enumerate(SUPPLIERS.items()):
        row = suppliers.create(session, actor, SupplierValues(name=name, categories=sells))
        kinds = [LicenceKind.BUSINESS, LicenceKind.FOOD_TRADE]
        if categories.MEAT in sells:
            kinds += [LicenceKind.ANIMAL, LicenceKind.SLAUGHTER]
        for kind in kinds:
            ends = (
                None if kind is LicenceKind.BUSINESS else today + timedelta(days=25 + 90 * number)
            )
            values = LicenceValues(
                kind=kind, number=f"DEMO-{kind.value.upper()}-{number + 1}", valid_from=since,
                valid_to=ends,
            )  # fmt: skip
            suppliers.add_licence(session, actor, row.id, values)


def _equipment(session: Session, actor: Actor, venue_id: UUID, today: date) -> None:
    for name, kind, slots, probe in (
        (SAMPLE_CABINET, CabinetKind.CHILLED, 80, "probe-sample"),
        ("蔬菜冷藏柜", CabinetKind.CHILLED, 0, "probe-cold"),
        ("肉类冷冻柜", CabinetKind.FROZEN, 0, "probe-frozen"),
    ):
        values = CabinetValues(venue_id=venue_id, name=name, kind=kind, slots=slots, probe=probe)
        cabinet.create(session, actor, values)
    for name, meter in (("水表", Kind.WATER), ("电表", Kind.POWER), ("燃气表", Kind.GAS)):
        meters.create(session, actor, MeterValues(name=name, kind=meter, place="后厨"))
    since = today - timedelta(days=700)
    for name, every in (
        ("蒸饭柜", 90),
        ("炒灶", 30),
        ("洗碗机", 30),
        ("消毒柜", 60),
        ("绞肉机", 30),
    ):
        values_of = equipment.EquipmentValues(
            name=name, place="后厨", since=since, maintain_days=every
        )
        equipment.create(session, actor, values_of)
    keepers = find(session, actor.site_id).workers
    for name, post in (
        ("切配间", "切配"),
        ("热加工间", "厨师"),
        ("洗消间", "洗消员"),
        ("餐厅", "保洁员"),
    ):
        values_area = areas.AreaValues(name=name, worker_id=keepers[post], since=today)
        areas.create(session, actor, values_area)
    additives.create(
        session, actor,
        additives.AdditiveValues(
            name="泡打粉（无铝）", purpose="膨松", foods="馒头、花卷", limit_mg_per_kg=None,
            limit_from="GB 2760 按生产需要适量使用", keeper="厨师长", place="添加剂专柜",
        ),
    )  # fmt: skip
    _collectors(session, actor, today)


def _collectors(session: Session, actor: Actor, today: date) -> None:
    for name, streams in (("示范餐厨垃圾收运", (Stream.FOOD,)), ("示范废油收运", (Stream.OIL,))):
        until = today + timedelta(days=300)
        collectors.create(
            session, actor,
            CollectorValues(
                name=name, streams=streams, licence=f"DEMO-{new_id().hex[-6:]}",
                licence_until=until, contract="DEMO", contract_until=until, plant="示范处置厂",
            ),
        )  # fmt: skip


def _menus(session: Session, actor: Actor, venue_id: UUID, day: date, known: Kitchen) -> None:
    chef = staff.get(session, actor.site_id, known.workers["厨师长"]).name
    for period, names in meal_dishes(day).items():
        items = [
            ItemValues(dish_id=known.dish_ids[name], portions=portions(period, name), cook=chef)
            for name in names
        ]
        meal = Meal(day, period, venue_id)
        menus.save(session, actor, meal, items)
        menus.publish(session, actor, meal)
