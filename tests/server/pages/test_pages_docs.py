"""The API's page: every operation is found from its index, by keyboard and without scripts."""

import re
from collections import Counter
from typing import Any

import pytest

from server.api import docs
from tests.e2e.walk import AXE, RULES, WIDE

DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
CARDS = "#post-diners-diner_id-cards"
ENTRY = "nav a[href='{}']"
TAG = re.compile(r'<h2><a href="#tag-\d+">([^<]+)</a>')


@pytest.fixture
def spec(app: Any) -> Any:
    return app.spec


def test_every_operation_stands_in_the_index_once_and_its_entry_leads_to_it(
    client: Any, spec: Any
) -> None:
    page = client.get("/docs").text
    places = Counter(re.findall(r'\bid="([^"]+)"', page))
    assert [place for place, times in places.items() if times > 1] == []
    index = page[page.index("<nav") : page.index("</nav>")]
    linked = re.findall(r'href="#([^"]+)"', index)
    assert set(linked) <= places.keys()
    there = [one.anchor for those in docs.grouped(spec).values() for one in those]
    assert len(there) == sum(len(methods) for methods in spec["paths"].values())
    assert sorted(there) == sorted(one for one in linked if not one.startswith(("tag-", "schemas")))
    for path in spec["paths"]:
        shown = f"<code>{path.removeprefix(docs.PREFIX)}</code>"
        assert index.count(shown) == len(spec["paths"][path])


def test_the_index_is_in_the_language_of_whoever_reads_it(client: Any, spec: Any) -> None:
    assert {tag["name"] for tag in spec["tags"]} == docs.WORDS.keys()
    chinese = client.get("/docs").text
    assert '<html lang="zh-CN">' in chinese
    assert TAG.findall(chinese)[:3] == ["同步", "终端", "人员"]
    client.set_cookie("dafan_language", "en")
    english = client.get("/docs").text
    assert TAG.findall(english)[0] == "Sync"
    assert "接口" not in english


@pytest.mark.browser
@pytest.mark.process
def test_what_is_typed_leaves_what_says_it_and_enter_goes_there(address: str, page: Any) -> None:
    page.goto(f"{address}/docs")
    all_of_them = page.locator("article:visible").count()
    page.focus("#find")
    page.keyboard.type("CARD lost")
    assert page.locator("article:visible").count() == 1
    assert page.locator("nav li:visible").count() == 1
    assert page.locator("main h2:visible").all_inner_texts() == ["人员"]
    page.keyboard.press("Enter")
    place = "put-diners-diner_id-cards-number"
    assert page.evaluate("[location.hash, document.activeElement.id]") == [f"#{place}", place]
    page.focus("#find")
    page.keyboard.press("Control+A")
    page.keyboard.type("no such thing")
    assert page.locator("article:visible, main h2:visible").count() == 0
    assert "没有找到" in page.inner_text("[role=status]")
    page.keyboard.press("Escape")
    assert page.locator("article:visible").count() == all_of_them
    assert page.inner_text("[role=status]") == ""


@pytest.mark.browser
@pytest.mark.process
def test_a_schema_that_is_linked_unfolds(address: str, page: Any) -> None:
    page.goto(f"{address}/docs")
    page.click(f"{CARDS} a:has-text('CardValues')")
    page.locator("#schema-CardValues pre").wait_for(state="visible")


@pytest.mark.browser
@pytest.mark.process
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_the_page_is_whole_without_scripts(address: str, chromium: Any, size: Any) -> None:
    page = chromium.new_page(viewport=size, java_script_enabled=False)
    page.goto(f"{address}/docs")
    assert not page.locator("#find").is_visible()
    page.click(ENTRY.format(CARDS))
    assert page.locator(CARDS).bounding_box()["y"] < size["height"] / 2
    page.context.close()


@pytest.mark.browser
@pytest.mark.process
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_fits_and_everybody_can_use_it(address: str, page: Any, language: str) -> None:
    page.context.add_cookies([{"name": "dafan_language", "value": language, "url": address}])
    faults: list[Any] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    for size in (DESK, PHONE):
        page.set_viewport_size(size)
        page.goto(f"{address}/docs")
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        assert page.evaluate(WIDE) <= 0
        page.evaluate(AXE)
        found = page.evaluate("rules => axe.run(document, rules)", RULES)["violations"]
        faults += [(one["id"], one["nodes"][0]["html"]) for one in found]
    assert faults == []
