"""People, lists and ledgers in a real Chromium: a hand does it, and nothing is too wide."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from apiflask import APIFlask
from sqlalchemy import Engine, select

from dafan import db
from kitchen import (
    additives,
    areas,
    equipment,
    ledgers,
    meters,
    rectification,
    repairs,
    staff,
    training,
)
from kitchen.morning import MorningCheck
from server.actor import Actor
from tests.server.pages.hands import hire

pytestmark = [pytest.mark.browser, pytest.mark.process]
TABLET, PHONE = {"width": 1280, "height": 800}, {"width": 400, "height": 800}
PAGES = (
    "morning", "morning/{cook}", "attendance", "people", "people/{cook}", "people/new",
    "findings", "findings/{finding}", "findings?closed=1", "ledgers", "ledgers/oil",
    "ledgers/pests", "additives", "additives/new", "equipment", "equipment/new",
    "equipment/{device}", "equipment/{device}/edit", "repairs", "repairs/{repair}", "meters",
    "meters/{meter}", "meters/new", "areas", "areas/new", "areas/{area}", "training",
    "training/new", "training/{course}", "training/{course}/edit", "training/papers/{paper}",
    "lists", "template", "template/new", "template/fridge_am", "more", "",
)  # fmt: skip


@pytest.fixture
def known(
    app: APIFlask, engine: Engine, actor: Actor, make_user: Callable[..., Any]
) -> dict[str, str]:
    """A kitchen with one of everything."""
    chief = hire(app, engine, actor, make_user, "chief", "kitchen_manager")
    cook = hire(app, engine, actor, make_user, "cook", "cook")
    day = (actor.at + timedelta(hours=8)).date()
    with db.writing(engine) as session:
        found = rectification.find(
            session, actor, "f", day, rectification.FindingValues(what="冷库门封条破损", due=day)
        )
        rectification.assign(session, actor, found.id, cook.worker_id)
        ledgers.oil(
            session, actor, "o", day,
            ledgers.OilValues(fryer="炸炉 1 号", act=ledgers.OilAct.TESTED, polar=281),
        )  # fmt: skip
        powder = additives.create(session, actor, additives.AdditiveValues(
            name="无铝泡打粉", purpose="膨松剂", foods="面点", limit_mg_per_kg=15_000,
            limit_from="GB 2760 表 A.1",
        ))  # fmt: skip
        additives.use(session, actor, "a", day, additives.UseValues(
            additive_id=powder.id, dish="馒头", weighed_mg=20_000, food_g=5_000
        ))  # fmt: skip
        device = equipment.create(session, actor, equipment.EquipmentValues(
            name="双门冰箱 2 号", place="粗加工间", since=day, maintain_days=90
        ))  # fmt: skip
        repair = repairs.ask(
            session, actor, "r", day, repairs.RepairValues(equipment_id=device.id, what="异响")
        )
        meter = meters.create(
            session, actor, meters.MeterValues(name="水表", kind=meters.Kind.WATER, norm=15)
        )
        for back in range(9, 0, -1):
            meters.read(session, actor, f"m{back}", day - timedelta(days=back),
                meters.ReadingValues(meter_id=meter.id, value=(20 - back) * 6_000),
            )  # fmt: skip
        area = areas.create(session, actor, areas.AreaValues(
            name="蒸箱和地沟", worker_id=cook.worker_id, since=day
        ))  # fmt: skip
        course = training.create_course(
            session, actor, training.CourseValues(title="食品安全", text="生熟分开")
        )
        training.add_question(session, actor, course.id, training.QuestionValues(
            text="冷藏柜的温度", options=("0–8 °C", "10–15 °C"), right=(0,)
        ))  # fmt: skip
        paper = training.start(session, actor, "t", course.id, chief.worker_id, day)
        staff.add_certificate(session, actor, cook.worker_id, staff.CertificateValues(
            kind=staff.CertificateKind.HEALTH, number="JK-1", issued=day - timedelta(days=360),
            expires=day + timedelta(days=5),
        ))  # fmt: skip
        ids = {
            "cook": cook.worker_id, "finding": found.id, "device": device.id,
            "repair": repair.id, "meter": meter.id, "area": area.id, "course": course.id,
            "paper": paper.attempt_id,
        }  # fmt: skip
    return {name: str(one) for name, one in ids.items()}


def test_no_page_is_wider_than_a_tablet_or_a_phone_and_none_complains(
    address: str, page: Any, sign_in: Callable[[Any, str], None], known: dict[str, str]
) -> None:
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    sign_in(page, "chief")
    page.context.add_cookies([{"name": "dafan_language", "value": "en", "url": address}])
    wide = []
    for path in PAGES:
        answer = page.goto(f"{address}/kitchen/{path.format(**known)}")
        assert answer.status == 200, path
        for size in (TABLET, PHONE):
            page.set_viewport_size(size)
            root = "document.documentElement"
            more = page.evaluate(f"{root}.scrollWidth - {root}.clientWidth")
            if more > 0:
                wide.append((path, size["width"], more))
    assert (wide, faults) == ([], [])


def test_a_morning_check_is_typed_on_the_pad_and_a_fever_takes_him_off_duty(
    address: str, page: Any, sign_in: Callable[[Any, str], None], known: dict[str, str],
    engine: Engine,
) -> None:  # fmt: skip
    page.set_viewport_size(TABLET)
    sign_in(page, "chief")
    page.goto(f"{address}/kitchen/morning")
    page.click(f"a[href$='{known['cook']}']")
    for key in "38.2":
        page.click(f".pad button:text-is('{key}')")
    page.check("[name=symptoms][value='11']")
    page.click("text=完成晨检")
    page.wait_for_selector("text=不能上岗")
    page.wait_for_selector("text=38.2 °C")
    with db.reading(engine) as session:
        [row] = session.scalars(select(MorningCheck))
    assert (row.temperature, row.symptoms, row.by) == (382, [11], "chief")
    page.fill("[name=reason]", "复测 36.6 °C")
    page.click("button:text-is('放行')")
    page.wait_for_selector("text=已放行，可以上岗")
