"""Receiving in a real Chromium: pads, chips, a signature by finger, two who say who they are."""

import pytest

from dafan import db
from kitchen import staff
from kitchen.deliveries import Receiving, ReceivingSignature
from kitchen.pictures import Picture
from server import people
from tests.server.pages.store_door import DAY, LIST, NEW, Door, picture

pytestmark = [pytest.mark.browser, pytest.mark.process]
PIN = "305172"


@pytest.fixture
def door(engine, site, browser):
    return Door(engine, site, browser)


@pytest.fixture
def tablet(address, page, door):
    assert door.tablet, "whose account the browser uses too"
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{address}/login")
    page.fill("[name=login]", "kitchen_manager")
    page.fill("[name=password]", "a good password")
    page.click("button.btn-primary")
    page.wait_for_url("**/manage/")
    page.goto(address + LIST)
    return page


def keys(tablet, text, where=""):
    for key in text:
        tablet.click(f"{where} .pad button:text-is('{key}')")


def say_who(tablet, number):
    """Sign in the dialog by work number and PIN."""
    tablet.click(".sign button")
    fields = tablet.locator("dialog.who input")
    fields.nth(0).click()
    keys(tablet, number, "dialog.who")
    fields.nth(1).click()
    keys(tablet, PIN, "dialog.who")
    tablet.wait_for_selector("dialog.who", state="detached")


def test_a_delivery_goes_through_the_tablet_from_the_order_to_the_label(
    tablet, door, engine, actor, make_diner
):
    faults = []
    tablet.on("pageerror", lambda error: faults.append(str(error)))
    for number, name in (("1001", "周厨"), ("1002", "吴库")):
        diner = make_diner(cash=0)
        with db.writing(engine) as session:
            people.set_pin(session, actor, diner, PIN)
            values = staff.WorkerValues(name=name, post="仓管", diner_id=diner)
            staff.create(session, actor, values)
        assert number
    tablet.click("button:text-is('开始验收')")
    tablet.click("a:has-text('韭菜')")
    keys(tablet, "5.1", ".weighing")
    tablet.fill("[name=crates]", "1")
    tablet.fill("[name=crate]", "100")
    tablet.click("button:text-is('记下重量')")
    tablet.wait_for_selector(".how-much:text-is('5 kg')")
    tablet.click(".look-yes")
    tablet.click("[data-day] >> nth=1")
    assert tablet.input_value("[name=produced_on]") == "2026-03-01"
    tablet.click("button:text-is('记下')")
    tablet.wait_for_selector(".findings:has-text('感官')", state="detached")
    tablet.wait_for_load_state("networkidle")
    assert door.line(door.leek).values.produced_on.isoformat() == "2026-03-01"
    keys(tablet, "12.5", "form:has([name=inhibition])")
    tablet.fill("[name=device]", "NC-8")
    tablet.click("button:text-is('记下结果')")
    tablet.wait_for_selector(".pill.ok:has-text('合格')")
    tablet.click("header a")
    tablet.wait_for_selector(".line-card.over")
    say_who(tablet, "1001")
    tablet.click("form:has([value=chef]) button:text-is('确认')")
    tablet.wait_for_selector(".has-signed:has-text('周厨')")
    sign_by_finger(tablet)
    tablet.wait_for_selector(".has-signed:has-text('赵送货')")
    say_who(tablet, "1002")
    tablet.click("button:text-is('入库')")
    tablet.wait_for_selector(".lot-line:has-text('20260302-001')")
    assert door.in_stock() == {door.leek: 5000}
    drawn = next(one for one in door.all(ReceivingSignature) if one.role == "supplier")
    assert drawn.picture == str(door.only(Picture).id)
    assert faults == []


def sign_by_finger(tablet):
    tablet.fill("[name=name]", "赵送货")
    canvas = tablet.locator("canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    tablet.mouse.move(box["x"] + 40, box["y"] + 60)
    tablet.mouse.down()
    tablet.mouse.move(box["x"] + 240, box["y"] + 30, steps=5)
    tablet.mouse.up()
    tablet.wait_for_selector(".board.drawn")
    tablet.click("form[data-signature] button:text-is('确认')")


def test_no_page_of_receiving_is_wider_than_the_tablet_or_a_phone(tablet, door, address):
    delivery = door.open()
    door.send(delivery, door.pork, "weigh", gross="10", unit="kg")
    door.send(delivery, door.pork, "papers", kind="goods", photo=(picture(), "p.png"))
    line = door.line(door.pork).id
    places = [LIST, NEW, f"{LIST}/{delivery}", f"{LIST}/{delivery}/add"]
    places.append(f"{LIST}/{delivery}/items/{door.pork}/{line}")
    tablet.context.add_cookies([{"name": "dafan_language", "value": "en", "url": address}])
    wide = []
    for place in places:
        tablet.goto(address + place)
        for width in (400, 1280):
            tablet.set_viewport_size({"width": width, "height": 800})
            root = "document.documentElement"
            if tablet.evaluate(f"{root}.scrollWidth > {root}.clientWidth"):
                wide.append((place, width))
    assert wide == []
    assert door.only(Receiving).business_date == DAY
