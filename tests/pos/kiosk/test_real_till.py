"""The page and a real till with its real file; only the weight on the pan is made up."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from dafan.clock import SystemClock
from dafan.config_place import PlaceSettings
from dafan.crypto import new_key
from dafan.desk import TillStaff
from dafan.money import format_yuan
from dafan.records import CardStatus
from dafan.units import Grams
from devices import loopback
from pos.events import Weighed
from pos.facewatch import FaceWatch
from pos.kiosk.app import create_kiosk
from pos.recognising import looking
from pos.runtime import Till
from pos.store import TillStore
from pos.view import Device
from tests.pictures import shot
from vision.gallery import Gallery
from vision.packs import load_pack
from vision.recognise import Recogniser

pytestmark = pytest.mark.browser
PIN = "246810"


class Pan:
    """Says what lies on it ten times a second, as a scale does."""

    def __init__(self, till: Till) -> None:
        self.grams = 0
        self._till = till
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(0.1):
            weight = Grams(self.grams)
            self._till.put(lambda at, weight=weight: Weighed(at, at.elapsed, weight, stable=True))

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


@pytest.fixture
def counter(canteen: Any, chromium: Any, tmp_path: Path) -> Iterator[tuple[Any, Till, Pan]]:
    """The page, the till behind it, and its pan."""
    from conftest_pos import card, make_policy

    canteen.policy = make_policy(confirm_ms=3000)
    hashed = PasswordHasher(1, 8, 1).hash(PIN)
    diner = canteen.diner(pin_hash=hashed)
    clerk = TillStaff(id=diner.id, number="301", name="收银员甲", pin_hash=hashed)
    site_key, clock = new_key(), SystemClock()
    store = TillStore(tmp_path / "till.db", canteen.terminal_id, site_key, clock)
    till = Till(store, clock)
    store.apply_feed_page(canteen.page(
        ("diner", str(diner.id), diner),
        ("staff", str(clerk.id), clerk),
        ("card", "0012345678", card("0012345678", diner)),
        ("card", "0087654321", card("0087654321", diner, CardStatus.LOST)),
    ))  # fmt: skip
    till.start()
    till.put_health(scale=Device.OK)
    pan = Pan(till)
    server = loopback.serve(create_kiosk(till), "127.0.0.1", 0, "till")
    context = chromium.new_context(viewport={"width": 1080, "height": 1920})
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{server.port}/")
    page.wait_for_selector("#kiosk[data-screen=place]")
    yield page, till, pan
    context.close()
    pan.stop()
    till.stop()
    server.stop()


def _digits(page: Any, digits: str) -> None:
    for digit in digits:
        page.click(f".key[data-digit='{digit}']")


def _sales(till: Till) -> list[Any]:
    return [entry for entry in till.store.journal.read(0) if entry.kind == "sale"]


def test_a_diner_pays_by_staff_number_and_pin_on_the_screen(
    counter: tuple[Any, Till, Pan], tmp_path: Path
) -> None:
    page, till, pan = counter
    pan.grams = 412
    page.wait_for_selector(".amount:has-text('11.54')")
    page.click("[data-way=staff_no]")
    page.wait_for_selector("#kiosk[data-screen=ask]")
    _digits(page, "1001")
    page.click("[data-digit=ok]")
    page.wait_for_selector(".display.dots")
    _digits(page, "111111")
    page.wait_for_selector(".band:has-text('密码不对')")
    _digits(page, PIN)
    page.wait_for_selector("#kiosk[data-screen=confirm] .who:has-text('甲*')")
    page.wait_for_selector("#kiosk[data-screen=paid]")
    assert page.inner_text("main.paid h1") == "已支付"
    page.screenshot(path=tmp_path / "paid.png")
    assert len(_sales(till)) == 1
    pan.grams = 0
    page.wait_for_selector("#kiosk[data-screen=place]")
    assert len(_sales(till)) == 1


def test_a_card_of_a_reader_that_types_pays_and_a_lost_one_does_not(
    counter: tuple[Any, Till, Pan],
) -> None:
    page, till, pan = counter
    pan.grams = 300
    page.wait_for_selector(".amount")
    till.put_typed("0087654321")
    page.wait_for_selector("text=这张卡已挂失")
    assert _sales(till) == []
    till.put_typed("0012345678")
    page.wait_for_selector("#kiosk[data-screen=paid]")
    assert len(_sales(till)) == 1


def test_a_touch_on_cancel_charges_nothing(counter: tuple[Any, Till, Pan]) -> None:
    page, till, pan = counter
    pan.grams = 300
    page.wait_for_selector(".amount")
    till.put_typed("0012345678")
    page.click("#kiosk[data-screen=confirm] .cancel")
    page.wait_for_selector("text=已取消")
    pan.grams = 0
    page.wait_for_selector("#kiosk[data-screen=place]")
    assert _sales(till) == []


def test_counted_dishes_are_chosen_on_the_screen_and_paid_by_cash(
    counter: tuple[Any, Till, Pan],
) -> None:
    page, till, _ = counter
    page.click("[data-press=pick]")
    page.click(".portion[data-portion=half]")
    page.click(".portion[data-portion=full]")
    page.wait_for_selector(".sum:has-text('1.50')")
    page.click("[data-press=picked]")
    page.click("[data-way=cash]")
    page.wait_for_selector("#kiosk[data-screen=ask] h1:has-text('请向收银员付现金')")
    page.click("[data-press=yes]")
    page.wait_for_selector("#kiosk[data-screen=paid]")
    assert [entry.body["total"] for entry in _sales(till)] == [150]


def _sign_in(page: Any) -> None:
    page.click("[data-press=staff]")
    page.wait_for_selector("#kiosk[data-screen=ask] .digits")
    _digits(page, "301")
    page.click("[data-digit=ok]")
    page.wait_for_selector(".display.dots")
    _digits(page, PIN)
    page.wait_for_selector("#kiosk[data-screen=desk]")


@pytest.mark.models
def test_who_sets_the_zone_sees_the_living_picture_and_nothing_of_it_is_kept(
    counter: tuple[Any, Till, Pan], tmp_path: Path, models_dir: Path
) -> None:
    from conftest_place import abreast, queue

    page, till, _ = counter
    pack = load_pack("mobilefacenet", [models_dir])
    place = PlaceSettings(zone=(0.2, 0.0, 0.9, 1.0), face_px=90)
    recogniser = Recogniser(pack, Gallery(pack.embedding_size), looking(place))
    till.face = FaceWatch(recogniser, pack.name, till.put_face)
    till.put_health(scale=Device.OK, camera=Device.OK)
    till.picture.put(queue())
    assert till.place_picture() is None
    _sign_in(page)
    assert till.place_picture() is None
    files = set(tmp_path.rglob("*"))
    page.click("[data-press=camera]")
    page.wait_for_selector(".face[data-level=ok]:has-text('可以付款')")
    faces = sorted(page.locator(".face").all_inner_texts())
    assert [face.split()[-1] for face in faces] == ["可以付款", "在后面", "在区外"]
    assert "0.2, 0, 0.9, 1" in page.inner_text(".told")
    assert "90 像素" in page.inner_text(".told")
    till.picture.put(abreast())
    page.wait_for_selector(".told .band.stop:has-text('不止一个人')")
    till.picture.clear()
    page.wait_for_selector(".told:has-text('没有画面')")
    till.picture.put(queue())
    page.wait_for_selector(".told:has-text('可以付款')")
    page.click("[data-press=cancel]")
    page.wait_for_selector("main.list")
    assert till.place_picture() is None
    assert (set(tmp_path.rglob("*")), till.store.journal.read(0)) == (files, [])


def test_a_cashier_takes_a_sale_back_and_closes_the_shift_on_the_screen(
    counter: tuple[Any, Till, Pan],
) -> None:
    page, till, pan = counter
    pan.grams = 412
    page.wait_for_selector(".amount:has-text('11.54')")
    till.put_typed("0012345678")
    page.wait_for_selector("#kiosk[data-screen=paid]")
    pan.grams = 0
    page.wait_for_selector("#kiosk[data-screen=place]")
    _sign_in(page)
    page.click(".sale:has-text('甲*')")
    (sale,) = _sales(till)  # its price depends on the time of day
    paid = format_yuan(sale.body["total"])
    page.wait_for_selector(f"main.taking .amount:has-text('{paid}')")
    assert page.is_disabled(".danger")
    page.click("[data-reason=twice]")
    page.wait_for_selector("[data-reason=twice][aria-pressed=true]")
    shot(page, "till-desk")
    page.click(".danger:not(:disabled)")
    page.wait_for_selector("main.done h1:has-text('已撤销')")
    page.click("[data-press=yes]")
    page.wait_for_selector(".sale.voided:disabled")
    page.click("[data-press=shift]")
    page.wait_for_selector("h1:has-text('请清点抽屉里的现金')")
    _digits(page, "500")
    page.wait_for_selector(".display:has-text('¥5.00')")
    page.click("[data-digit=ok]")
    page.wait_for_selector("main.closing .row:has-text('差额'):has-text('¥5.00')")
    page.click("[data-press=yes]")
    page.wait_for_selector("main.done h1:has-text('已交班')")
    page.wait_for_selector("#kiosk[data-screen=place]")
    entries = till.store.journal.read(0)
    assert [entry.kind for entry in entries] == ["sale", "void", "shift"]
    assert entries[1].body["reason"] == "重复结算"
    assert (entries[2].body["counted"], entries[2].body["cash"]) == (500, 0)
