"""留样 on the tablet: what is missing, taken, reviewed, frozen, thrown away; and the cabinets."""

import io
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import cv2
import numpy as np
import pytest
from apiflask import APIFlask
from sqlalchemy import Engine, select

from dafan import db
from dafan.clock import ManualClock
from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import Unit
from kitchen import cabinet, menus
from kitchen.cabinet import Cabinet, CabinetReading, CabinetValues
from kitchen.dishes import DishValues
from kitchen.meals import Meal
from kitchen.menus import ItemValues
from kitchen.sample_alarms import SampleAlarm
from kitchen.samples import Sample
from kitchen.supervision import SupervisionItem
from server import dishes, kitchen_day
from server.actor import Actor
from tests.server.conftest import TestSite
from tests.server.pages.conftest import PASSWORD, Browser
from tests.server.pages.tablet import refused

DAY = date(2026, 3, 2)
PAGE = "/kitchen/samples"
FORM = "/kitchen/waste/trim"
"""A page that always has a form, and so its token."""


@pytest.fixture
def cook(app: APIFlask, make_user: Callable[..., Any], site: TestSite) -> Browser:
    """He begins in the kitchen."""
    assert site
    make_user("cook", "cook")
    return _again(Browser(app.test_client()))


@pytest.fixture
def chief(browser: Callable[[str], Browser]) -> Browser:
    return browser("kitchen_manager")


@pytest.fixture
def fridge(engine: Engine, actor: Actor, site: TestSite) -> UUID:
    with db.writing(engine) as session:
        values = CabinetValues(venue_id=site.venue_id, name="留样柜", slots=3)
        return cabinet.create(session, actor, values).id


@pytest.fixture
def menu(engine: Engine, actor: Actor, site: TestSite) -> Sequence[UUID]:
    """The published lunch."""
    with db.writing(engine) as session:
        ids = [
            dishes.create(
                session, actor, DishValues(name=name, unit=Unit.PIECE, price=Fen(500))
            ).id
            for name in ("红烧肉", "炒青菜")
        ]  # fmt: skip
        meal = Meal(DAY, "lunch", site.venue_id)
        menus.save(session, actor, meal, [ItemValues(dish_id=one, portions=20) for one in ids])
        menus.publish(session, actor, meal)
        return ids


def form(fridge: UUID, dish: UUID, slot: int = 1, **changes: Any) -> dict[str, Any]:
    values = {
        "day": DAY.isoformat(), "period": "lunch", "dish": str(dish), "grams": "130",
        "cabinet": str(fridge), "slot": str(slot), "minutes": "15", "key": str(new_id()),
    }  # fmt: skip
    return values | changes


def kept(engine: Engine) -> Sequence[Sample]:
    with db.reading(engine) as session:
        return session.scalars(select(Sample).order_by(Sample.id)).all()


def _again(person: Browser, login: str = "cook") -> Browser:
    """Sign in; a session does not last for two days."""
    person.send("/login", login=login, password=PASSWORD)
    return person


def take(cook: Browser, values: dict[str, Any]) -> str:
    return cook.send("/kitchen/samples/take", PAGE, **values).text


def test_the_menu_says_what_is_to_be_kept_and_taking_it_closes_the_act(
    cook: Browser, engine: Engine, fridge: UUID, menu: Sequence[UUID]
) -> None:
    cook.see("/kitchen/")
    text = cook.see(PAGE)
    assert "红烧肉" in text
    assert "已留 0 / 2" in text
    page = cook.see(f"{PAGE}/take?dish={menu[0]}")
    assert 'value="1"' in page  # the first free place is proposed
    picture = cv2.imencode(".png", np.full((60, 80, 3), 90, np.uint8))[1].tobytes()
    answer = take(cook, form(fridge, menu[0], photo=(io.BytesIO(picture), "a.png")))
    assert "已留样" in answer
    assert "还有 48 小时" in answer
    take(cook, form(fridge, menu[1], 2))
    assert "已留 2 / 2" in cook.see(PAGE)
    rows = kept(engine)
    assert [(row.dish, row.grams, row.sampler) for row in rows] == [
        ("红烧肉", 130, "cook"),
        ("炒青菜", 130, "cook"),
    ]
    assert cook.get(f"/kitchen/pictures/{rows[0].photo}").mimetype == "image/jpeg"
    with db.reading(engine) as session:
        act = session.scalars(
            select(SupervisionItem).where(SupervisionItem.code == "samples@lunch")
        ).one()
    assert act.done_by == "cook"
    label = cook.get(f"{PAGE}/{rows[0].id}/label").get_json()
    assert label["lines"][0]["text"] == "红烧肉"
    assert {"kind": "qr", "data": f"DAFAN:SAMPLE:{rows[0].id}"} in label["lines"]


def test_too_little_far_too_much_and_no_number_are_refused(
    cook: Browser, engine: Engine, fridge: UUID, menu: Sequence[UUID]
) -> None:
    assert "留样不够量" in take(cook, form(fridge, menu[0], grams="124"))
    for grams in ("99999", "-130", "abc", ""):
        assert refused(take(cook, form(fridge, menu[0], grams=grams))), grams
    assert refused(take(cook, form(fridge, menu[0], slot=9)))
    assert refused(take(cook, form(fridge, menu[0], slot="x")))
    assert kept(engine) == []


def test_what_a_tablet_sends_again_after_the_network_came_back_is_one_sample(
    cook: Browser, engine: Engine, fridge: UUID, menu: Sequence[UUID], clock: ManualClock
) -> None:
    picture = cv2.imencode(".png", np.full((60, 80, 3), 90, np.uint8))[1].tobytes()
    values = form(fridge, menu[0])
    assert "已留样" in take(cook, {**values, "photo": (io.BytesIO(picture), "a.png")})
    clock.advance(900)
    assert "已留样" in take(cook, {**values, "photo": (io.BytesIO(picture), "a.png")})
    assert len(kept(engine)) == 1
    assert "已经留过样" in take(cook, form(fridge, menu[0], 2))


def test_a_missing_sample_is_red_before_the_meal_ends_and_the_day_says_so(
    cook: Browser,
    chief: Browser,
    engine: Engine,
    fridge: UUID,
    menu: Sequence[UUID],
    clock: ManualClock,
) -> None:
    clock.advance(91 * 60)  # 13:31, lunch ends at 14:00
    assert kitchen_day.watch(engine, clock.now()) == "2 new alarms"
    assert kitchen_day.watch(engine, clock.now()) == "0 new alarms"
    text = cook.see(PAGE)
    assert "2 道缺留样" in text
    assert "2 道菜缺留样" in cook.see("/kitchen/")
    take(cook, form(fridge, menu[0]))
    with db.reading(engine) as session:
        still = session.scalars(select(SampleAlarm).where(SampleAlarm.closed_at.is_(None))).one()
    assert still.subject == menu[1]
    said = cook.send(f"{PAGE}/alarms/{still.id}/answer", PAGE, reason="没有做这道菜").text
    assert "等另一位负责人确认" in said
    closing = cook.send(f"{PAGE}/alarms/{still.id}/close", PAGE).text
    assert "负责人" in closing
    assert "已确认" in chief.send(f"{PAGE}/alarms/{still.id}/close", PAGE).text
    assert "缺留样" not in cook.see("/kitchen/")


def test_a_sample_goes_after_48_hours_and_not_a_minute_before(
    cook: Browser, engine: Engine, fridge: UUID, menu: Sequence[UUID], clock: ManualClock
) -> None:
    take(cook, form(fridge, menu[0]))
    (row,) = kept(engine)
    clock.advance(48 * 3600 - 60)
    cook = _again(cook)
    assert "可以销样" not in cook.see(PAGE)
    early = cook.send(f"{PAGE}/dispose", FORM, sample=str(row.id)).text
    assert "满 48 小时" in early
    clock.advance(60)
    assert "可以销样 1 份" in cook.see(PAGE)
    assert "已销样" in cook.send(f"{PAGE}/dispose", FORM, sample=str(row.id)).text
    assert "已销样" in cook.send(f"{PAGE}/dispose", FORM, sample=str(row.id)).text  # sent again
    assert kept(engine)[0].result == "destroyed"
    assert "红烧肉" in cook.see(f"{PAGE}/record")


def test_a_held_meal_goes_only_when_another_person_in_charge_lifted_it(
    cook: Browser,
    chief: Browser,
    engine: Engine,
    fridge: UUID,
    menu: Sequence[UUID],
    clock: ManualClock,
) -> None:
    take(cook, form(fridge, menu[0]))
    (row,) = kept(engine)
    assert "请" in cook.send(f"{PAGE}/hold", PAGE, day=DAY.isoformat(), period="lunch").text
    held = {"day": DAY.isoformat(), "period": "lunch", "reason": "三人腹泻", "key": "h1"}
    assert "已封存这一餐的留样" in chief.send(f"{PAGE}/hold", PAGE, **held).text
    chief.send(f"{PAGE}/hold", PAGE, **held)
    clock.advance(49 * 3600)
    cook, chief = _again(cook), _again(chief, "kitchen_manager")
    assert "已封存，不能销毁" in cook.send(f"{PAGE}/dispose", FORM, sample=str(row.id)).text
    text = cook.see(PAGE)
    lift = text.partition('action="/kitchen/samples/holds/')[2].partition('"')[0]
    path = f"{PAGE}/holds/{lift}"
    assert refused(cook.send(path, FORM, reason="查过了").text)  # a cook is not in charge
    assert refused(chief.send(path, FORM, reason="查过了").text)  # she set it herself
    assert kept(engine)[0].disposed_at is None


def test_another_person_reviews_and_a_sample_moves_when_its_cabinet_fails(
    cook: Browser,
    chief: Browser,
    engine: Engine,
    actor: Actor,
    site: TestSite,
    fridge: UUID,
    menu: Sequence[UUID],
) -> None:
    take(cook, form(fridge, menu[0]))
    (row,) = kept(engine)
    assert refused(cook.send(f"{PAGE}/review", PAGE, sample=str(row.id)).text)
    answer = chief.send(f"{PAGE}/review", PAGE, sample=str(row.id), back=str(row.id)).text
    assert "已复核" in answer
    with db.writing(engine) as session:
        values = CabinetValues(venue_id=site.venue_id, name="备用柜", slots=5)
        other = cabinet.create(session, actor, values).id
    page = cook.send(f"{PAGE}/{row.id}/move", PAGE, cabinet=str(other), slot="4").text
    assert "备用柜 4" in page


def test_a_cabinet_is_read_by_hand_drawn_and_retired_only_when_it_is_empty(
    cook: Browser,
    chief: Browser,
    engine: Engine,
    fridge: UUID,
    menu: Sequence[UUID],
    clock: ManualClock,
    site: TestSite,
) -> None:
    cook.see("/kitchen/")
    path = f"/kitchen/cabinets/{fridge}"
    for wrong in ("abc", "", "4.25", "900"):
        assert refused(cook.send(f"{path}/reading", PAGE, celsius=wrong).text), wrong
    cook.send(f"{path}/reading", PAGE, celsius="4.2")
    cook.send(f"{path}/reading", PAGE, celsius="4.2")  # sent again
    with db.reading(engine) as session:
        assert [row.tenths for row in session.scalars(select(CabinetReading))] == [42]
        act = session.scalars(
            select(SupervisionItem).where(SupervisionItem.code == "sample_cabinet_am")
        ).one()
    assert act.number == 42
    clock.advance(25 * 60)
    cook.send(f"{path}/reading", PAGE, celsius="9.5")
    clock.advance(25 * 60)
    page = cook.see(path)
    assert "<polyline" in page
    assert "温度过高" in page
    assert "留样柜" in cook.see(PAGE).partition("meals")[0]  # the red bar above the dishes
    take(cook, form(fridge, menu[0]))
    same = {"name": "留样柜", "venue_id": str(site.venue_id), "kind": "chilled", "slots": "3"}
    assert "先移走" in chief.send(f"{path}/edit", PAGE, **same).text  # not ticked: out of use
    cook.send(f"{PAGE}/{kept(engine)[0].id}/move", PAGE, cabinet=str(fridge), slot="2")
    assert "先移走" in chief.send(f"{path}/edit", PAGE, **same | {"slots": "1", "active": "1"}).text
    assert "已保存" in chief.send(f"{path}/edit", PAGE, **same | {"slots": "9", "active": "1"}).text
    with db.reading(engine) as session:
        assert session.scalars(select(Cabinet.slots)).one() == 9


def test_a_label_that_is_scanned_leads_to_its_sample(
    cook: Browser, engine: Engine, fridge: UUID, menu: Sequence[UUID]
) -> None:
    take(cook, form(fridge, menu[0]))
    (row,) = kept(engine)
    assert "保存至" in cook.see(f"{PAGE}/scan?code=DAFAN:SAMPLE:{row.id}")
    assert "这不是留样标签" in cook.see(f"{PAGE}/scan?code=DAFAN:LOT:1:2")
