"""A lunch at the weigh line, as it is seen at the gate, at a station, and on the diner's phone."""

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from pos.demo.backoffice import BackOffice, free_port
from pos.demo.lineside import TRAYS, LineSide
from tests import browsing
from tests.pictures import shot

pytestmark = [
    pytest.mark.browser,
    pytest.mark.models,
    pytest.mark.process,
    pytest.mark.timeout(420),
]
NUMBER, CARD = "1021", "0000001021"
TRAY = TRAYS[0]


@dataclass
class Scene:
    """The line, and the three screens."""

    office: BackOffice
    side: LineSide
    gate: Any
    station: Any
    phone: Any


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, chromium: Any) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("line")
    (folder / "server").mkdir()
    office = BackOffice(folder / "server", free_port(), None)
    office.command("server", "seed-demo")
    office.start()
    try:
        with LineSide(office, folder, "127.0.0.1", 1) as side:
            gate, station, phone = (
                chromium.new_context(viewport=size, locale="zh-CN").new_page()
                for size in (
                    {"width": 1024, "height": 600}, {"width": 800, "height": 480},
                    {"width": 360, "height": 780},
                )
            )  # fmt: skip
            gate.goto(side.gate_url)
            station.goto(f"{side.stations_url}s/1")
            yield Scene(office, side, gate, station, phone)
            for page in (gate, station, phone):
                page.context.close()
    finally:
        office.stop()


def test_a_lunch_from_the_gate_to_the_receipt_and_food_that_nobody_took(
    scene: Scene, chromium: Any
) -> None:
    side = scene.side
    scene.station.wait_for_selector("[data-screen=ready]")
    assert "宫保鸡丁" in scene.station.inner_text("#scoop")
    scene.gate.wait_for_selector("[data-screen=ready_both], [data-screen=ready]")
    shot(scene.station, "line-ready")
    _sign_in(scene, chromium)

    side.take_tray(CARD, TRAY)
    _until(lambda: "托盘" in scene.phone.inner_text("main") and "取餐中" in _reloaded(scene.phone))
    scene.phone.goto(f"{scene.office.url}/me/tray")

    side.hold(1, TRAY)
    side.scoop(1, 150)
    _shows(scene.station, "150")
    assert "5.97" in scene.station.inner_text("#scoop")
    shot(scene.station, "line-scooping")
    side.leave(1)
    _shows(scene.phone, "5.97")  # by itself
    side.hold(2, TRAY)
    side.scoop(2, 100)
    side.scoop(2, -30)
    side.leave(2)
    _shows(scene.phone, "7.36")
    shot(scene.phone, "line-phone")

    side.bring_back(TRAY)
    _shows(scene.gate, "7.36")
    shot(scene.gate, "line-gate")
    _until(lambda: "看小票" in _reloaded(scene.phone))
    scene.phone.click("text=看小票")
    scene.phone.wait_for_load_state()
    receipt = scene.phone.inner_text("main")
    assert "宫保鸡丁" in receipt
    assert re.search(r"150", receipt), receipt
    proved = json.loads(scene.office.command("verify", "--json"))
    assert proved["ok"], proved

    _nobody_takes_food(scene)


def _nobody_takes_food(scene: Scene) -> None:
    """It is an alarm, and nobody's bill."""
    scene.station.goto(f"{scene.side.stations_url}s/3")
    scene.station.wait_for_selector("[data-screen=ready]")
    scene.side.scoop(3, 120)
    scene.station.wait_for_selector("[data-screen=alarm]")
    shot(scene.station, "line-alarm")


def _sign_in(scene: Scene, chromium: Any) -> None:
    """The desk prints a code, by which the diner signs in on his phone."""
    desk = chromium.new_context(locale="zh-CN").new_page()
    desk.goto(f"{scene.office.url}/manage")
    desk.fill("input[name=login]", "demo")
    desk.fill("input[name=password]", "demo-dafan")
    desk.press("input[name=password]", "Enter")
    desk.wait_for_selector("[data-live]")
    desk.goto(f"{scene.office.url}/manage/people?search={NUMBER}")
    desk.locator("a[href*='/manage/people/0']").first.click()
    desk.click("button:has-text('打印登录码')")
    desk.wait_for_selector(".slip")
    code = desk.inner_text(".slip dd.num")
    desk.context.close()
    scene.phone.goto(f"{scene.office.url}/me/login")
    for name, text in (("staff_no", NUMBER), ("code", code)):
        scene.phone.fill(f"input[name={name}]", text)
        scene.phone.press(f"input[name={name}]", "Enter")
        scene.phone.wait_for_load_state()
    scene.phone.wait_for_url(f"{scene.office.url}/me/")
    scene.phone.goto(f"{scene.office.url}/me/tray")


def _shows(page: Any, text: str) -> None:
    page.locator("body", has_text=text).wait_for()


def _reloaded(page: Any) -> str:
    page.reload()
    return str(page.inner_text("main"))


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + browsing.PATIENCE_MS / 1000
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.3)
