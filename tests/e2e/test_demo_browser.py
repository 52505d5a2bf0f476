"""The demo canteen as a newcomer sees it in Chromium: till, manager, a day of the kitchen."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from tests.e2e import shown
from tests.e2e.canteen import Canteen, open_canteen
from tests.e2e.tablet import Tablet
from tests.e2e.walk import walk_all
from tests.pictures import SHOTS, WANTED, shot

pytestmark = [
    pytest.mark.browser,
    pytest.mark.models,
    pytest.mark.timeout(600),
]
CHEF, KEEPER, COOK, SAFETY, SAMPLER = "1002", "1004", "1003", "1006", "1007"
PERIOD = "breakfast"
SIZE = {"width": 1280, "height": 800}
DISH = "肉包"
"""It has no recipe: nothing of today's orders is needed to cook it."""


@pytest.fixture(scope="module")
def canteen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Canteen]:
    with open_canteen(tmp_path_factory.mktemp("canteen")) as opened:
        yield opened


def test_a_diner_puts_down_a_tray_is_recognised_and_has_paid(
    canteen: Canteen, chromium: Any
) -> None:
    page = chromium.new_page(viewport={"width": 1080, "height": 1920})
    page.goto(canteen.till)
    page.wait_for_selector("[data-screen=place]")
    shot(page, "till-place")
    page.wait_for_selector("[data-screen=confirm]")
    shown = page.inner_text("#kiosk")
    assert re.search(r"[甲乙丙丁戊己庚辛壬癸]\*", shown), shown
    amount = re.search(r"\d+ g × ¥28\.00/kg\s+(\d+\.\d\d)", shown)
    assert amount, shown
    shot(page, "till-confirm")
    page.wait_for_selector("[data-screen=paid]")
    paid = page.inner_text("#kiosk")
    assert "已支付" in paid
    assert "余额" in paid
    shot(page, "till-paid")
    page.wait_for_selector("[data-screen=place]")
    page.close()


def test_the_manager_sees_sales_arrive_and_opens_one_down_to_its_postings(
    canteen: Canteen, chromium: Any
) -> None:
    page = chromium.new_page(viewport={"width": 1440, "height": 900})
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
    shot(page, "manager-overview")
    page.click("[data-id] a")
    page.wait_for_load_state()
    detail = page.inner_text("main")
    amount = re.search(r"¥(\d+\.\d\d)", detail)
    assert amount, detail
    for word in ("自选称重", "1 号台", "g"):
        assert word in detail
    shot(page, "manager-sale")
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


@pytest.fixture(scope="module")
def tablet(canteen: Canteen, chromium: Any) -> Iterator[Tablet]:
    context = chromium.new_context(viewport=SIZE)
    page = context.new_page()
    made = Tablet(page, canteen)
    page.goto(canteen.kitchen)
    page.fill("input[name=login]", "demo")
    page.fill("input[name=password]", "demo-dafan")
    page.keyboard.press("Enter")
    page.wait_for_selector(".act-card")
    yield made
    context.close()
    assert made.faults == []


def today() -> Any:
    zone = ZoneInfo("Asia/Shanghai")
    return (datetime.now(UTC).astimezone(zone) - timedelta(hours=4)).date()


def test_the_list_of_the_day_is_there_and_a_photographed_act_leaves_it(tablet: Tablet) -> None:
    tablet.go("")
    tablet.page.wait_for_selector(".act-card")
    tablet.shot("kitchen-today")
    before = tablet.page.locator(".acts > .act-card").count()
    tablet.page.locator(".act-card button:text-is('完成')").first.click()
    tablet.done()
    assert tablet.page.locator(".acts > .act-card").count() == before - 1


def test_what_was_ordered_is_received_signed_by_three_labelled_and_in_stock(
    tablet: Tablet,
) -> None:
    page = tablet.page
    tablet.go("receiving")
    tablet.shot("kitchen-receiving")
    page.locator(".card:has-text('示范禽蛋行')").locator("text=/^(开始|继续)验收$/").first.click()
    page.click("main a:has-text('鸡蛋')")
    ordered = re.search(r"订 (\d+) 个", page.inner_text("header"))
    assert ordered
    for key in ordered.group(1):
        page.click(f".weighing .pad button:text-is('{key}')")
    tablet.press("记下数量")
    tablet.done()
    page.click(".look-yes")
    page.click("[data-day] >> nth=1")
    tablet.press("记下")
    tablet.done()
    page.click("header a")
    page.wait_for_selector(".line-card.over")
    sign_delivery(tablet)
    page.wait_for_selector(".lot-line")
    page.locator(".lot-line [data-label]").click()
    page.wait_for_selector(".said.ok")
    tablet.shot("kitchen-received")
    labels = httpx.get(tablet.canteen.hand).text
    assert labels.count("data:image/png") == 1


def test_a_delivery_without_an_order_is_weighed_on_the_scale(tablet: Tablet) -> None:
    page = tablet.page
    tablet.go("stock")
    before = on_hand(page, "土豆")
    tablet.go("receiving")
    page.click("text=没有订单的来货")
    page.locator("label.pick:has-text('示范蔬菜行')").click()
    tablet.press("开始验收")
    page.click("text=添加一项")
    page.click("main a:text-is('薯类')")
    page.click(".pick-card:has-text('土豆') >> nth=0")
    tablet.weigh(12_400)
    tablet.shot("kitchen-weighing")
    tablet.press("记下重量")
    page.wait_for_selector("header .how-much:text-is('12.4 kg')")
    assert "秤" in page.inner_text(".loads")
    page.click(".look-yes")
    page.fill("[name=unit_price]", "2.60")
    page.click("[data-day] >> nth=1")
    tablet.press("记下")
    tablet.done()
    page.click("header a")
    sign_delivery(tablet)
    page.wait_for_selector(".lot-line")
    tablet.put_on_scale(0)
    tablet.go("stock")
    tablet.shot("kitchen-stock")
    assert on_hand(page, "土豆") == before + 12_400


def on_hand(page: Any, name: str) -> int:
    """Grams that the card of an ingredient shows; none: there is no card."""
    page.wait_for_selector(".stock-card")
    card = page.locator(f".stock-card:has-text('{name}')")
    if not card.count():
        return 0
    shown = re.search(r"([\d.]+) kg", card.first.inner_text())
    assert shown
    return round(float(shown[1]) * 1000)


def sign_delivery(tablet: Tablet) -> None:
    page = tablet.page
    tablet.sign(CHEF, "form:has([value=chef])")
    tablet.press("确认", "form:has([value=chef])")
    page.wait_for_selector(".has-signed")
    page.fill("[name=name]", "送货人")
    canvas = page.locator("canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 30, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 30, steps=5)
    page.mouse.up()
    page.wait_for_selector(".board.drawn")
    tablet.press("确认", "form[data-signature]")
    page.wait_for_selector("form[action$='/post'] .sign, form:has(button:text-is('入库')) .sign")
    tablet.sign(KEEPER, "form:has(button:text-is('入库'))")
    tablet.press("入库")


def test_a_batch_is_cooked_hot_enough_sampled_and_its_label_printed(tablet: Tablet) -> None:
    page = tablet.page
    tablet.go(f"production?period={PERIOD}")
    tablet.sign(COOK)
    tablet.press("按食谱排产")
    page.wait_for_selector(f".line-card:has-text('{DISH}')")
    tablet.shot("kitchen-production")
    page.click(f".line-card:has-text('{DISH}')")
    tablet.sign(COOK, "form:has(button:text-is('开始烹饪'))")
    tablet.press("开始烹饪")
    page.wait_for_selector("button:text-is('出锅')")
    tablet.weigh(5000)
    page.fill("[name=core]", "62")
    tablet.sign(COOK, "form:has(button:text-is('出锅'))")
    tablet.press("出锅")
    page.wait_for_selector(".note.stop")
    tablet.weigh(5000)
    page.fill("[name=core]", "86")
    tablet.sign(COOK, "form:has(button:text-is('出锅'))")
    tablet.press("出锅")
    page.wait_for_selector("[aria-current=step]:text-is('已出锅')")
    tablet.go(f"samples?period={PERIOD}")
    page.locator(f".line-card:has-text('{DISH}') a:text-is('留样')").click()
    tablet.weigh(140)
    tablet.shot("kitchen-sample")
    tablet.sign(SAMPLER)
    tablet.press("留样")
    tablet.done()
    tablet.put_on_scale(0)
    page.click("text=打印标签")
    page.wait_for_selector(".said.ok")
    tablet.go(f"samples?period={PERIOD}")
    page.locator(f".line-card:has-text('{DISH}') .pill.ok").wait_for()
    tablet.shot("kitchen-samples")


def test_what_is_thrown_away_is_weighed_and_handed_over(tablet: Tablet) -> None:
    page = tablet.page
    tablet.go("waste")
    page.click(".huge:has-text('餐盘')")
    tablet.weigh(2500)
    tablet.sign(SAFETY)
    tablet.press("登记")
    tablet.done()
    tablet.put_on_scale(0)
    tablet.go("waste")
    assert "餐盘 2.500 kg" in page.inner_text(".entry-row >> nth=0")
    tablet.shot("kitchen-waste")


def test_yesterdays_lunch_leads_back_to_its_suppliers_and_prints(
    tablet: Tablet, tmp_path: Path
) -> None:
    page = tablet.page
    yesterday = today() - timedelta(days=1)
    tablet.go(f"trace?day={yesterday}")
    page.click(".tile:has-text('米饭')")
    page.wait_for_selector("text=示范粮油公司")
    tablet.shot("kitchen-trace")
    text = page.inner_text("main")
    for word in ("大米", "留样", "批"):
        assert word in text, word
    printed = page.pdf(path=tmp_path / "trace.pdf", format="A4")
    assert printed[:5] == b"%PDF-"
    assert len(printed) > 10_000


def test_the_boards_have_pictures_and_the_refrigerators_speak(tablet: Tablet) -> None:
    page = tablet.page
    said = (tablet.canteen.folder / "demo.log").read_text()
    kitchen, canteen = re.findall(r"http\S+/board/\S+", said)
    page.set_viewport_size({"width": 1920, "height": 1080})
    page.goto(kitchen)
    page.locator(".stills img").nth(1).wait_for()
    tablet.shot("board-kitchen")
    page.set_viewport_size(SIZE)
    page.goto(canteen)
    page.wait_for_selector("main.canteen")
    tablet.go("cabinets")
    page.wait_for_selector("text=留样柜")
    tablet.shot("kitchen-cabinets")


@pytest.mark.skipif(not WANTED, reason="opens pages for their picture: make pictures")
def test_the_documents_have_their_pictures(canteen: Canteen, chromium: Any) -> None:
    shown.take(chromium, canteen, today())


@pytest.mark.timeout(3600)
def test_pages_that_links_lead_to_fit_the_screen_and_can_be_used_by_everybody(
    canteen: Canteen, chromium: Any
) -> None:
    only = os.environ.get("WALK", "")  # by hand: both languages, both sizes, a picture of each
    every, realm = bool(only), only if only in {"manage", "kitchen", "me"} else ""
    shots = SHOTS / "walk" if every else None
    walks = walk_all(chromium, canteen.manager, every=every, shots=shots, only=realm)
    faults = [fault for walk in walks for fault in walk.faults]
    assert not faults, "\n".join(faults)
    if realm:
        return
    found = [len(walk.kinds) for walk in walks]
    assert all(number > least for number, least in zip(found, (60, 40, 12), strict=True)), found


def test_everything_that_the_day_wrote_agrees(tablet: Tablet) -> None:
    folder = tablet.canteen.folder / "demo" / "server"
    environment = {n: v for n, v in os.environ.items() if not n.startswith("DAFAN_DATA")}
    done = subprocess.run(
        [sys.executable, "-m", "dafan", "verify", "--json"],
        env={**environment, "DAFAN_DATA_DIR": str(folder)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert json.loads(done.stdout)["faults"] == []
