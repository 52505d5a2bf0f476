"""The overview in a real Chromium: it keeps itself up to date and asks before it acts."""

import pytest

from tests.server.pages.test_pages_access import PAGES

pytestmark = [pytest.mark.browser, pytest.mark.process]
PASSWORD = "a good password"
PHONE, TABLET = {"width": 375, "height": 812}, {"width": 1024, "height": 768}


def test_a_sale_appears_by_itself_and_a_freeze_is_asked_for_first(
    address, page, sign_in, terminal, make_diner, make_sale, make_user
):
    make_user("manager", "manager")
    diner = make_diner()
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.on(
        "request",
        lambda asked: (
            None if asked.url.startswith((address, "data:")) else faults.append(asked.url)
        ),
    )
    sign_in(page, "manager")
    page.wait_for_selector("text=今天还没有销售")
    sale = make_sale(diner, total=1234)
    terminal.sell(sale)
    terminal.push()
    page.wait_for_selector(f"tr[data-id='{sale.id}']")
    page.goto(f"{address}/manage/people/{diner}")
    page.click("button:has-text('冻结')")
    page.click("dialog >> text=不，返回")
    page.wait_for_selector("dialog", state="detached")
    assert page.locator("h1 .pill").inner_text() == "正常"
    page.click("button:has-text('冻结')")
    page.click("dialog .btn-primary")
    page.wait_for_selector("h1 .pill.warn")
    assert faults == []


def test_no_page_is_wider_than_a_phone_or_a_tablet(
    address, page, sign_in, terminal, make_diner, make_sale, make_user, site
):
    make_user("admin", "admin")
    diner = make_diner()
    sale = make_sale(diner, total=1234)
    terminal.sell(sale)
    terminal.push()
    sign_in(page, "admin")
    paths = [*PAGES, f"/manage/sales/{sale.id}", f"/manage/groups/{site.group_id}"]
    paths += [f"/manage/people/{diner}{part}" for part in ("", "/edit", "/face", "/top-up")]
    paths.remove("/manage/people/import/template.csv")
    # English words are longer: what fits in English fits in Chinese.
    page.context.add_cookies([{"name": "dafan_language", "value": "en", "url": address}])
    wide = []
    for path in paths:
        page.goto(address + path)
        for size in (PHONE, TABLET):
            page.set_viewport_size(size)
            root = "document.documentElement"
            more = page.evaluate(f"{root}.scrollWidth - {root}.clientWidth")
            if more > 0:
                wide.append((path, size["width"], more))
    assert wide == []
