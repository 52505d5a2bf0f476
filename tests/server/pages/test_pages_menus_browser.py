"""A meal is planned in a real Chromium: its cost and checks stand beside it while one types."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.process]


def test_cost_and_checks_follow_what_is_typed_and_a_line_comes_when_the_last_is_filled(
    address, page, sign_in, make_user, site
):
    make_user("manager", "manager")
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    sign_in(page, "manager")
    page.goto(f"{address}/manage/catalogue")
    page.click("text=加入菜品库")
    page.click("dialog .btn-primary")
    page.wait_for_selector("text=已加入：食材 309 种")
    page.goto(f"{address}/manage/menus/{site.venue_id}/2026-03-03/lunch")
    lines = page.locator("[data-lines] tr")
    for number, name in enumerate(("麻婆豆腐", "家常豆腐", "清炒小白菜")):
        lines.nth(number).locator("[name=dish]").fill(name)
        lines.nth(number).locator("[name=portions]").fill("100")
    page.fill("[name=covers]", "100")
    page.wait_for_selector("#look >> text=主料重复")
    before = page.locator("#look .figure").inner_text()
    lines.nth(1).locator("[data-drop]").click()
    page.wait_for_selector("#look >> text=主料重复", state="detached")
    assert page.locator("#look .figure").inner_text() != before
    count = lines.count()
    lines.last.locator("[name=dish]").fill("番茄炒蛋")
    assert lines.count() == count + 1
    page.click("text=保存并发布")
    page.wait_for_selector("h1 .pill.ok")
    page.goto(f"{address}/manage/menus?day=2026-03-03")
    page.wait_for_selector(".cell >> text=番茄炒蛋")
    assert faults == []


def test_a_recipe_says_its_cost_while_it_is_typed(address, page, sign_in, make_user):
    make_user("manager", "manager")
    sign_in(page, "manager")
    page.goto(f"{address}/manage/catalogue")
    page.click("text=加入菜品库")
    page.click("dialog .btn-primary")
    page.wait_for_selector("text=已加入：食材 309 种")
    page.goto(f"{address}/manage/dishes")
    page.click("tr:has-text('红烧肉') >> text=配方")
    page.wait_for_selector("#look .figure")
    before = page.locator("#look .figure").inner_text()
    page.locator("[name=quantity]").first.fill("1")
    page.wait_for_function(
        "before => document.querySelector('#look .figure')?.innerText !== before", arg=before
    )
    page.locator("[name=unit]").first.select_option("ml")
    page.wait_for_selector("#look .note.warn")
