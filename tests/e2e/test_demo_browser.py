"""The demo canteen as a newcomer sees it: the till's page and the manager's page in Chromium."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.canteen import Canteen

pytestmark = [
    pytest.mark.browser,
    pytest.mark.models,
    pytest.mark.timeout(400),
    pytest.mark.xdist_group("demo"),
]
SHOTS = Path(__file__).resolve().parents[2] / "build" / "screenshots"


def _shot(page: Any, name: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png")


def test_a_diner_puts_down_a_tray_is_recognised_and_has_paid(
    canteen: Canteen, chromium: Any
) -> None:
    page = chromium.new_page(viewport={"width": 1080, "height": 1920})
    page.set_default_timeout(60_000)
    page.goto(canteen.till)
    page.wait_for_selector("[data-screen=place]")
    _shot(page, "till-place")
    page.wait_for_selector("[data-screen=confirm]")
    shown = page.inner_text("#kiosk")
    assert re.search(r"[甲乙丙丁戊己庚辛壬癸]\*", shown), shown
    amount = re.search(r"\d+ g × ¥28\.00/kg\s+(\d+\.\d\d)", shown)
    assert amount, shown
    _shot(page, "till-confirm")
    page.wait_for_selector("[data-screen=paid]")
    paid = page.inner_text("#kiosk")
    assert "已支付" in paid
    assert "余额" in paid
    _shot(page, "till-paid")
    page.wait_for_selector("[data-screen=place]")
    page.close()


def test_the_manager_sees_sales_arrive_and_opens_one_down_to_its_postings(
    canteen: Canteen, chromium: Any
) -> None:
    page = chromium.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(30_000)
    page.goto(canteen.manager)
    page.fill("input[name=login]", "demo")
    page.fill("input[name=password]", "demo-dafan")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-live]")
    newest = page.get_attribute("[data-id]", "data-id")
    page.wait_for_function(
        "before => document.querySelector('[data-id]').dataset.id !== before", arg=newest
    )
    page.wait_for_timeout(500)
    _shot(page, "manager-overview")
    page.click("[data-id] a")
    page.wait_for_load_state()
    detail = page.inner_text("main")
    amount = re.search(r"¥(\d+\.\d\d)", detail)
    assert amount, detail
    for word in ("自选称重", "1 号台", "g"):
        assert word in detail
    _shot(page, "manager-sale")
    page.close()


def test_three_days_are_in_the_books_before_the_first_diner(
    canteen: Canteen, chromium: Any
) -> None:
    page = chromium.new_page(viewport={"width": 1440, "height": 900})
    page.goto(canteen.manager)
    page.fill("input[name=login]", "demo")
    page.fill("input[name=password]", "demo-dafan")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-live]")
    sold = int((canteen.folder / "demo" / "history.done").read_text())
    assert sold > 150
    page.goto(f"{canteen.manager}/sales")
    page.get_by_role("link", name="本月").click()
    page.wait_for_load_state()
    count = re.search(r"笔数\s*([\d,]+)", page.inner_text("main"))
    assert count
    assert int(count[1].replace(",", "")) > 100
    page.close()
