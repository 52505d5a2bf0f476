"""Pages that the documents show and no story of the day passes by: for ``make pictures``."""

import re
from datetime import date, timedelta
from typing import Any

from tests.e2e.canteen import Canteen
from tests.pictures import shot

DESK, PHONE = {"width": 1440, "height": 900}, {"width": 360, "height": 760}
PASSWORD = "demo-dafan"
BUYER, APPROVER, DINER = "demo", "demo2", "甲子"
"""Who asks, who decides, and whose phone it is: names of the demo."""


def take(chromium: Any, canteen: Canteen, today: date) -> None:
    """Take the pictures.

    Args:
        chromium: The browser.
        canteen: The demo.
        today: Its business date.
    """
    manager = canteen.manager
    base = manager.removesuffix("/manage")
    _plates(chromium, (canteen.folder / "demo.log").read_text())
    desk = _signed_in(chromium, manager, BUYER)
    for name, path in (
        ("menus", "menus"),
        ("closing", f"closing?day={today - timedelta(days=1)}"),
        ("tills", "terminals"),
        ("plan", "plan"),
    ):
        desk.goto(f"{manager}/{path}")
        shot(desk, f"manager-{name}")
    _ask(desk, manager)
    other = _signed_in(chromium, manager, APPROVER)
    other.goto(f"{manager}/approvals")
    other.wait_for_selector(".asks")
    shot(other, "manager-approvals")
    _phone(chromium, desk, base)
    for page in (desk, other):
        page.context.close()


def _plates(chromium: Any, said: str) -> None:
    """The return station at the moment at which it finds an empty plate."""
    station = re.search(r"Plates +(http\S+)", said)
    assert station, said
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    page.goto(station[1])
    page.wait_for_selector(".plate.ok[data-screen=told]", timeout=180_000)
    shot(page, "plate-station")
    page.close()


def _signed_in(chromium: Any, manager: str, login: str) -> Any:
    page = chromium.new_context(viewport=DESK, locale="zh-CN").new_page()
    page.goto(manager)
    page.fill("input[name=login]", login)
    page.fill("input[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-live]")
    return page


def _ask(desk: Any, manager: str) -> None:
    """Orders from the plan, which wait for another person."""
    desk.get_by_role("button", name="按供应商生成采购单").click()
    desk.wait_for_url("**/orders**")
    desk.goto(f"{manager}/orders")
    links = desk.eval_on_selector_all("main table a", "all => all.map(one => one.href)")
    for link in links[:2]:
        desk.goto(link)
        desk.get_by_role("button", name="提交审批").click()
        desk.wait_for_load_state()


def _phone(chromium: Any, desk: Any, base: str) -> None:
    desk.goto(f"{base}/manage/people?search={DINER}")
    desk.locator("a[href*='/manage/people/0']").first.click()
    desk.click("button:has-text('打印登录码')")
    desk.wait_for_selector(".slip")
    number, code = desk.inner_text(".slip dd .num"), desk.inner_text(".slip dd.num")
    page = chromium.new_context(viewport=PHONE, locale="zh-CN", device_scale_factor=2).new_page()
    page.goto(f"{base}/me/login")
    for name, text in (("staff_no", number), ("code", code)):
        page.fill(f"input[name={name}]", text)
        page.keyboard.press("Enter")
        page.wait_for_load_state()
    page.wait_for_url(f"{base}/me/")
    for name, path in (("home", ""), ("menu", "menu"), ("book", "book"), ("face", "face")):
        page.goto(f"{base}/me/{path}")
        page.wait_for_timeout(500)
        shot(page, f"phone-{name}")
    page.context.close()
