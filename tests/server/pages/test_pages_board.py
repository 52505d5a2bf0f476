"""Boards show what is recorded to whoever has the address, and nothing of what is not there."""

import re
from collections.abc import Callable
from datetime import date, time, timedelta
from typing import Any
from uuid import UUID

import cv2
import numpy as np
import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import Engine, select

from dafan import db
from dafan.clock import ManualClock
from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import MealPeriod, Policy, Unit
from kitchen import boards, cameras, dishes, incidents, menus, waste
from kitchen.boards import Board, BoardKind, BoardValues
from kitchen.cameras import CameraValues
from kitchen.dishes import DishValues
from kitchen.incidents import IncidentValues
from kitchen.meals import Meal
from kitchen.menus import ItemValues
from kitchen.waste import Category, WasteValues
from server import kitchen_day, sites
from server.actor import Actor
from server.boards import Plate, rank
from server.keys import Key
from tests.server.conftest import NOON, TestSite, Till
from tests.server.pages.conftest import Browser

DAY = date(2026, 3, 2)
STILL = cv2.imencode(".jpg", np.full((90, 160, 3), 90, np.uint8))[1].tobytes()
KEY = Key(1, bytes(32))


@pytest.fixture
def address_of(engine: Engine, actor: Actor, site: TestSite) -> Callable[[BoardKind], str]:
    def make(kind: BoardKind, notice: str = "") -> str:
        with db.writing(engine) as session:
            values = BoardValues(kind=kind, name="大厅", venue_id=site.venue_id, notice=notice)
            return f"/board/{boards.make(session, actor, values)[1]}"

    return make


@pytest.fixture
def camera(engine: Engine, actor: Actor) -> UUID:
    with db.writing(engine) as session:
        values = CameraValues(name="热厨", place="灶台", rules=["phone"], on_board=True)
        made = cameras.save(session, actor, values).id
        cameras.show(session, actor, "热厨", STILL)
        return made


def serve(engine: Engine, actor: Actor, site: TestSite) -> Meal:
    meal = Meal(DAY, "lunch", site.venue_id)
    with db.writing(engine) as session:
        values = DishValues(name="番茄炒蛋", unit=Unit.PIECE, price=Fen(600))
        dish = dishes.create(session, site.id, values, by="chef", at=NOON)
        menus.save(session, actor, meal, [ItemValues(dish_id=dish.id, portions=80, cook="王师傅")])
        menus.publish(session, actor, meal)
    return meal


def test_a_kitchens_board_shows_what_is_recorded(
    client: FlaskClient, engine: Engine, actor: Actor, site: TestSite, camera: UUID,
    address_of: Callable[..., str],
) -> None:  # fmt: skip
    serve(engine, actor, site)
    with db.writing(engine) as session:
        kitchen_day.make_list(session, actor, sites.policy(session, site.id))
        for number in range(3):
            at = NOON - timedelta(hours=1, minutes=number)
            values = IncidentValues(kind="phone", camera="热厨", at=at, since=at)
            row = incidents.report(session, actor, new_id(), values, None, KEY)
            if number == 0:
                incidents.confirm(session, actor, row.id, DAY, "玩手机", DAY)
            if number == 1:
                incidents.dismiss(session, actor, row.id, "没有")
    address = address_of(BoardKind.KITCHEN, "周五停水")
    text = client.get(address).text
    assert "第一食堂" in text
    assert f"/still/{camera}" in text
    assert re.search(r"今日监管.*项已完成", text, re.DOTALL)
    assert re.search(r'本餐留样</h2><p class="big">0<small> / 1', text)
    assert re.search(r'今日违规</h2><p class="big">0<small> / 1', text)
    assert "周五停水" in text
    assert "晨检合格" not in text  # nobody works here yet: a nought would be a lie
    still = client.get(f"{address}/still/{camera}")
    assert (still.status_code, still.mimetype) == (200, "image/jpeg")


def test_a_camera_that_is_not_for_everybody_is_shown_to_nobody(
    client: FlaskClient, engine: Engine, actor: Actor, camera: UUID, address_of: Callable[..., str]
) -> None:
    kitchen, canteen = address_of(BoardKind.KITCHEN), address_of(BoardKind.CANTEEN)
    assert client.get(f"{canteen}/still/{camera}").status_code == 404
    assert client.get(f"{kitchen}/still/{new_id()}").status_code == 404
    with db.writing(engine) as session:
        values = CameraValues(name="热厨", rules=["phone"], on_board=False)
        cameras.save(session, actor, values, camera)
    assert client.get(f"{kitchen}/still/{camera}").status_code == 404
    assert "/still/" not in client.get(kitchen).text


def test_a_camera_that_went_away_is_said_and_its_old_picture_is_not_shown(
    client: FlaskClient, clock: ManualClock, camera: UUID, address_of: Callable[..., str]
) -> None:
    address = address_of(BoardKind.KITCHEN)
    clock.advance(121)
    text = client.get(address).text
    assert "画面暂停" in text
    assert f"/still/{camera}" not in text


def test_a_canteens_board_shows_a_published_menu_and_its_cooks(
    client: FlaskClient, engine: Engine, actor: Actor, site: TestSite,
    address_of: Callable[..., str],
) -> None:  # fmt: skip
    address = address_of(BoardKind.CANTEEN)
    assert "菜单还没有发布" in client.get(address).text
    meal = serve(engine, actor, site)
    text = client.get(f"{address}/content").text
    assert "番茄炒蛋" in text
    assert "王师傅 掌勺" in text
    assert "kcal" not in text  # without a recipe nobody knows
    assert "光盘" not in text  # and nobody has weighed a plate
    with db.writing(engine) as session:
        menus.withdraw(session, actor, meal)
    assert "番茄炒蛋" not in client.get(address).text


def test_a_canteens_board_thanks_for_what_was_left_yesterday(
    client: FlaskClient, engine: Engine, actor: Actor, site: TestSite, clock: ManualClock,
    terminal: Till, make_diner: Callable[..., UUID], make_sale: Callable[..., Any],
    address_of: Callable[..., str],
) -> None:  # fmt: skip
    for _ in range(2):
        terminal.sell(make_sale(make_diner(), 1200))
    terminal.push()
    with db.writing(engine) as session:
        for category, grams in ((Category.PLATE, 85), (Category.TRIM, 900)):
            values = WasteValues(venue_id=site.venue_id, category=category, grams=grams)
            waste.record(session, actor, values, day=DAY, key=category.value)
    address = address_of(BoardKind.CANTEEN)
    clock.advance(24 * 3600)
    text = re.sub("<[^>]*>", "", client.get(f"{address}/content").text)
    assert "43 克" in text
    assert "共 2 人次" in text
    assert "光盘榜" not in text  # one day is no ranking


def test_the_cleanest_days_of_a_week_are_ranked_once_there_are_enough() -> None:
    week = [Plate(DAY - timedelta(days=back), grams, 10) for back, grams in enumerate((50, 20, 30))]
    assert rank(week) == ()
    week.append(Plate(DAY - timedelta(days=3), 60, 30))
    assert [plate.grams for plate in rank(week)] == [20, 60, 30]


def test_a_meal_that_ends_at_midnight_is_served_until_then_and_the_night_meal_after_it(
    client: FlaskClient, engine: Engine, site: TestSite, clock: ManualClock,
    address_of: Callable[..., str],
) -> None:  # fmt: skip
    address = address_of(BoardKind.CANTEEN)
    dinner = MealPeriod(code="dinner", name="晚餐", starts=time(15), ends=time(0))
    night = MealPeriod(code="supper", name="夜宵", starts=time(0), ends=time(4))
    with db.writing(engine) as session:
        sites.set_policy(session, site.id, Policy(periods=(night, dinner), day_starts_hour=4))
    for hours, meal in ((0, "晚餐 15:00"), (11, "晚餐 15:00"), (13, "夜宵 00:00")):
        clock.at = NOON + timedelta(hours=hours)
        assert meal in client.get(f"{address}/content").text


def test_an_address_is_shown_once_and_leads_nowhere_when_it_is_revoked(
    browser: Callable[[str], Browser], app: APIFlask, site: TestSite, engine: Engine
) -> None:
    boss = browser("kitchen_manager")
    page = "/manage/boards"
    told = {"key": "b", "kind": "kitchen", "name": "大厅", "venue_id": str(site.venue_id)}
    made = boss.send(page, page, **told)
    assert "已经建好" in boss.send(page, page, **told).text
    found = re.search(r"/board/[\w-]{40,}", made.text)
    assert found is not None
    address = found.group(0)
    assert address not in boss.see(page)
    stranger = app.test_client()
    assert stranger.get(address).status_code == 200
    with db.reading(engine) as session:
        board = session.scalars(select(Board)).one()
    boss.send(f"{page}/{board.id}/notice", page, notice="今天有面点")
    assert "今天有面点" in stranger.get(f"{address}/content").text
    boss.send(f"{page}/{board.id}/revoke", page)
    for path in (address, f"{address}/content", "/board/x", f"/board/{'x' * 43}"):
        assert stranger.get(path).status_code == 404
    wrong = boss.send(page, page, kind="kitchen", name="", venue_id=str(new_id()))
    assert "请填名称" in wrong.text


@pytest.mark.browser
@pytest.mark.process
def test_a_board_renews_itself_and_keeps_what_it_had_without_the_network(
    address: str, page: Any, address_of: Callable[..., str], camera: UUID, engine: Engine,
    actor: Actor,
) -> None:  # fmt: skip
    assert camera
    page.set_viewport_size({"width": 1920, "height": 1080})
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(address + address_of(BoardKind.KITCHEN))
    page.wait_for_selector(".stills img")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1920
    with db.writing(engine) as session:
        row = session.scalars(select(Board)).one()
        boards.say(session, actor, row.id, "今天有面点")
    page.wait_for_selector("text=今天有面点", timeout=20_000)
    page.context.set_offline(True)
    page.wait_for_selector("#away:not([hidden])", timeout=20_000)
    assert "12:00" in page.inner_text("#away")
    assert page.is_visible(".stills img")
    page.context.set_offline(False)
    page.wait_for_selector("#away", state="hidden", timeout=20_000)
    assert faults == []
