"""Devices that come and go while a till runs: real ports, simulated devices."""

from uuid import uuid4

import cv2
import numpy as np
import pytest
import zxingcpp
from conftest_till import CARD, OTHER_CARD, Counter, all_day

from dafan.clock import SystemClock
from dafan.config import PrinterSettings
from dafan.errors import ConfigError
from dafan.pick_up import PickDish, PickUp, code_text
from pos.hardware import connect_camera, connect_printer, connect_reader
from pos.view import Device, NoticeCode, Screen

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]


@pytest.fixture
def counter(tmp_path):
    made = Counter(tmp_path, all_day(confirm_ms=1000))
    yield made
    made.close()


def test_a_card_reader_that_is_pulled_and_put_back_reads_the_next_card(counter):
    counter.until(lambda: counter.view.devices.reader is Device.OK, "a reader")
    counter.reader.unplug()
    counter.until(lambda: counter.view.devices.reader is Device.OFF, "no reader")
    counter.place()
    counter.reader.plug_in()
    counter.until(lambda: counter.view.devices.reader is Device.OK, "the reader again")
    counter.hold_card()
    counter.until_screen(Screen.PAID)
    assert len(counter.sales()) == 1


def test_a_scale_pulled_out_during_the_countdown_charges_nothing_until_it_rests_again(counter):
    counter.place(412)
    counter.hold_card()
    counter.until_screen(Screen.CONFIRM)
    counter.scale.set_fault("unplug")
    counter.until(lambda: counter.view.devices.scale is Device.OFF, "no scale")
    counter.until(lambda: counter.view.screen is not Screen.CONFIRM, "the end of the countdown")
    assert counter.sales() == []
    counter.scale.set_load(500)
    counter.scale.set_fault(None)
    counter.until(lambda: counter.view.total == 1400, "the new weight")
    counter.hold_card(OTHER_CARD)
    counter.until_screen(Screen.PAID)
    assert [sale["total"] for sale in counter.sales()] == [1400]


def test_the_same_tray_is_not_charged_again_after_the_cable_was_pulled(counter):
    counter.place(412)
    counter.hold_card()
    counter.until_screen(Screen.PAID)
    counter.scale.set_fault("unplug")
    counter.until(lambda: counter.view.devices.scale is Device.OFF, "no scale")
    counter.until_screen(Screen.PLACE)
    counter.scale.set_fault(None)
    counter.until(lambda: counter.view.devices.scale is Device.OK, "the scale again")
    counter.hold_card(OTHER_CARD)
    counter.never(lambda: counter.view.screen in {Screen.LOOK, Screen.CONFIRM}, 1)
    assert len(counter.sales()) == 1


def test_a_camera_that_should_be_there_is_missed_and_the_card_still_pays(counter, tmp_path):
    connect_camera(counter.till, str(tmp_path / "no-film.mp4"), SystemClock())
    counter.until(lambda: counter.till.state.health.camera_lost, "the loss")
    counter.place()
    assert counter.view.screen is Screen.PROBLEM
    assert counter.view.notice.code is NoticeCode.CAMERA_OFF
    counter.hold_card(CARD)
    counter.until_screen(Screen.PAID)


def test_the_camera_reads_the_code_of_an_order_where_no_reader_is(counter, tmp_path):
    order, rice = uuid4(), counter.canteen.rice
    told = PickUp(
        code="12345678", venue_id=counter.canteen.terminal.venue_id,
        dishes=(PickDish(dish_id=rice.id, quantity=2),),
    )  # fmt: skip
    counter.publish(("preorder", str(order), told))
    code = zxingcpp.create_barcode(code_text("12345678"), zxingcpp.BarcodeFormat.QRCode)
    picture = np.full((480, 640), 128, np.uint8)
    phone = cv2.resize(np.array(code.to_image()), (220, 220), interpolation=cv2.INTER_NEAREST)
    picture[120:340, 200:420] = phone
    cv2.imwrite(str(tmp_path / "phone.png"), picture)
    connect_camera(counter.till, str(tmp_path / "phone.png"), SystemClock())
    counter.until(lambda: counter.view.orders, "the offer")
    counter.never(lambda: counter.view.screen is not Screen.PLACE, 0.5)  # nobody has asked
    counter.till.press("pick")
    counter.until(lambda: counter.view.total == 2 * rice.price, "the order in the basket")
    counter.hold_card()
    counter.until_screen(Screen.PAID)
    assert [sale["id"] for sale in counter.sales()] == [str(order)]


@pytest.mark.parametrize("url", ["tcp:", "tcp:host:port", "usb:04b8", "lp0", "serial:/dev/x?bd=1"])
def test_a_printer_address_that_cannot_be_meant_is_named_before_the_first_sale(counter, url):
    with pytest.raises(ConfigError, match="no printer address"):
        connect_printer(counter.till, PrinterSettings(url=url), SystemClock())


def test_a_reader_address_that_cannot_be_meant_is_named_before_the_first_sale(counter):
    with pytest.raises(ConfigError, match="no card reader"):
        connect_reader(counter.till, "ttyUSB1", SystemClock())


def test_a_printer_that_is_not_there_yet_is_no_mistake(counter, tmp_path):
    connect_printer(counter.till, PrinterSettings(url=f"serial:{tmp_path}/later"), SystemClock())
    counter.place()
    counter.hold_card()
    counter.until_screen(Screen.PAID)
