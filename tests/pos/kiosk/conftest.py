"""A till that only pretends: scripted views, presses remembered, one still picture."""

import io
from collections.abc import Iterator
from dataclasses import replace

import pytest
from PIL import Image, ImageDraw

from dafan.money import Fen
from dafan.units import Grams
from devices import loopback
from devices.loopback import LoopbackServer
from pos.kiosk.app import create_kiosk
from pos.kiosk.port import Broadcast
from pos.place_view import FaceLook, PlaceLook, PlacePicture
from pos.view import (
    Ask,
    AskWhat,
    Balance,
    DeskView,
    Device,
    Devices,
    Energy,
    Level,
    Line,
    MenuItem,
    Notice,
    NoticeCode,
    Place,
    Screen,
    ShiftRow,
    SoldRow,
    Today,
    View,
    Who,
)

DISHES = [
    ("红烧肉（小份现炒）", 1800, 900, 500, "热菜"), ("清蒸鲈鱼", 2200, 1100, None, "热菜"),
    ("番茄炒蛋", 600, 300, 200, "热菜"), ("米饭", 100, 50, None, "主食"),
    ("手工馒头", 100, None, None, "主食"), ("雪菜肉丝面", 900, None, 600, "主食"),
    ("紫菜蛋花汤", 200, None, 100, "汤饮"), ("豆浆 250 ml", 150, None, None, "汤饮"),
    ("酸奶", 350, None, None, "汤饮"), ("苹果", 300, None, None, "水果"),
    ("今日套餐：一荤两素一汤", 1600, None, None, "套餐"),
]  # fmt: skip
MENU = (
    MenuItem("weigh", "自选称重", "kg", Fen(2800), category="称重"),
    *(
        MenuItem(
            f"dish-{n}", name, "piece", Fen(full), half and Fen(half), bowl and Fen(bowl), kind
        )
        for n, (name, full, half, bowl, kind) in enumerate(DISHES)
    ),
)
WEIGHED = Line("自选称重", Fen(1154), Fen(2800), Grams(412))
RICE = Line("米饭", Fen(50), Fen(50), None, 1, "half", "l1")
MILK = Line("豆浆 250 ml", Fen(300), Fen(150), None, 2, "full", "l2")
BASE = View(
    screen=Screen.PLACE,
    clock="11:42",
    period="午餐",
    place=Place("机关事务中心", "第一食堂", "3 号台"),
    menu=MENU,
    devices=Devices(Device.OK, Device.OK, Device.OK, Device.OK),
)
LOOK = replace(
    BASE, screen=Screen.LOOK, grams=Grams(412), stable=True, lines=(WEIGHED, RICE, MILK),
    list_total=Fen(1504), total=Fen(1504), progress=350,
)  # fmt: skip
CONFIRM = replace(
    LOOK, screen=Screen.CONFIRM, who=Who("甲*", "机关二处"), balance=Balance(Fen(1200), Fen(7420)),
    discount=Fen(150), total=Fen(1354), countdown_ms=2000, countdown_of_ms=2000,
)  # fmt: skip
PAID = replace(
    CONFIRM, screen=Screen.PAID, countdown_ms=None, subsidy_paid=Fen(800), points=35,
    today=Today(2, Fen(2354), 23, Fen(28740)), reprint=True,
)  # fmt: skip


FACES = (
    FaceLook((240, 110, 160, 200), 160, "ok"),
    FaceLook((-20, 5, 70, 90), 70, "outside"),
    FaceLook((420, 200, 64, 84), 64, "behind"),
)
PLACE = PlaceLook(640, 480, (0.25, 0.1, 0.75, 0.95), 64, "ok", FACES)


def _notice(code: NoticeCode, level: Level = Level.WARN, **params: int | str) -> Notice:
    return Notice(code, level, params)


SOLD = tuple(
    SoldRow(
        f"sale-{n}", f"11:{58 - n:02d}", "" if n % 4 == 3 else ("欧阳**", "甲*", "乙**")[n % 3],
        ("face", "card", "pin", "cash")[n % 4], Fen(854 + 137 * n), Fen(300),
        f"00000A{n:04d}", voided=n == 2,
    )
    for n in range(14)
)  # fmt: skip
SHIFT = ShiftRow("06:42", 312, 3, Fen(281_430), Fen(124_386), Fen(8_650), Fen(8_600))
DESK = replace(BASE, screen=Screen.DESK, desk=DeskView("收银员甲", SOLD, camera=True))
REASON_NAMES = ("amount", "person", "twice", "dish", "returned", "other")
TAKING = DeskView("收银员甲", row=SOLD[0], reasons=REASON_NAMES)
MANY = tuple(replace(RICE, name=f"小炒第 {n} 号加长的菜名", key=f"l{n}") for n in range(12))
SCENES: dict[str, View] = {
    "setup": View(Screen.SETUP, notice=_notice(NoticeCode.NOT_ENROLLED)),
    "place": BASE,
    "place-offline": replace(
        BASE, offline=True, waiting_entries=12, menu=MENU[:3],
        devices=replace(BASE.devices, printer=Device.WARN),
        notice=_notice(NoticeCode.NEGATIVE),
    ),
    "place-bare": replace(BASE, menu=(), face=False, devices=Devices()),
    "pick": replace(BASE, screen=Screen.PICK, lines=(WEIGHED, RICE, MILK), total=Fen(1504)),
    "pick-many": replace(BASE, screen=Screen.PICK, lines=MANY, total=Fen(600),
                         notice=_notice(NoticeCode.BASKET_FULL)),
    "place-orders": replace(BASE, orders=True),
    "pick-empty": replace(BASE, screen=Screen.PICK),
    "pick-orders": replace(BASE, screen=Screen.PICK, orders=True),
    "look": LOOK,
    "look-hint": replace(LOOK, progress=0, notice=_notice(NoticeCode.UNKNOWN_FACE)),
    "look-moving": replace(LOOK, lines=(WEIGHED,), stable=False, progress=0, total=Fen(128_800),
                           notice=_notice(NoticeCode.UNSTABLE)),
    "look-no-face": replace(LOOK, face=False, progress=0, cash=False),
    "confirm": CONFIRM,
    "confirm-full": replace(
        CONFIRM, lines=MANY, list_total=Fen(1800), total=Fen(1800), discount=Fen(0),
        who=Who("欧阳**", "浙江省某某机关事务管理服务中心第二后勤保障处"),
        notice=_notice(NoticeCode.FULL_PRICE, total_fen=1800),
    ),
    "confirm-allergens": replace(CONFIRM, notice=_notice(
        NoticeCode.ALLERGENS, Level.STOP, found_labels="allergen_egg,allergen_peanut")),
    "committing": replace(CONFIRM, countdown_ms=None),
    "paid": PAID,
    "paid-notice": replace(PAID, notice=_notice(NoticeCode.NO_PAPER), total=Fen(123_456),
                           energy=Energy(1240, 1853, at_least=True)),
    "paid-cash": replace(PAID, who=None, balance=None, today=None, points=None, subsidy_paid=None,
                         energy=Energy(620, 926, at_least=False)),
    "problem-warn": replace(LOOK, screen=Screen.PROBLEM,
                            notice=_notice(NoticeCode.INSUFFICIENT, short_fen=320)),
    "problem-stop": replace(LOOK, screen=Screen.PROBLEM,
                            notice=_notice(NoticeCode.FROZEN, Level.STOP)),
    "problem-write": replace(LOOK, screen=Screen.PROBLEM,
                             notice=_notice(NoticeCode.WRITE_FAILED, Level.STOP)),
    "problem-lifted": replace(BASE, screen=Screen.PROBLEM,
                              notice=_notice(NoticeCode.TRAY_LIFTED, Level.OK)),
    "ask-pin": replace(LOOK, screen=Screen.ASK, ask=Ask(AskWhat.PIN, 6), who=Who("甲*", "机关二处"),
                       notice=_notice(NoticeCode.PIN_WRONG, tries=2)),
    "ask-staff-no": replace(LOOK, screen=Screen.ASK, ask=Ask(AskWhat.STAFF_NO)),
    "ask-card": replace(LOOK, screen=Screen.ASK, ask=Ask(AskWhat.CARD),
                        notice=_notice(NoticeCode.CARD_UNKNOWN)),
    "ask-qr": replace(LOOK, screen=Screen.ASK, ask=Ask(AskWhat.QR)),
    "ask-cash": replace(LOOK, screen=Screen.ASK, ask=Ask(AskWhat.CASH)),
    "place-staffed": replace(BASE, staffed=True,
                             notice=_notice(NoticeCode.CLERK_LOCKED, Level.STOP, minutes=10)),
    "ask-desk-no": replace(BASE, screen=Screen.ASK, ask=Ask(AskWhat.DESK_NO),
                           notice=_notice(NoticeCode.CLERK_WRONG, tries=3)),
    "ask-desk-pin": replace(BASE, screen=Screen.ASK, ask=Ask(AskWhat.DESK_PIN, 6, "301")),
    "ask-counted": replace(BASE, screen=Screen.ASK, ask=Ask(AskWhat.COUNTED)),
    "desk-list": DESK,
    "desk-empty": replace(DESK, desk=DeskView("收银员甲"),
                          notice=_notice(NoticeCode.DESK_FAILED, Level.STOP)),
    "desk-void": replace(DESK, desk=TAKING),
    "desk-void-reason": replace(DESK, desk=replace(TAKING, reason="twice")),
    "desk-shift": replace(DESK, desk=DeskView("收银员甲", shift=SHIFT)),
    "desk-shift-no-drawer": replace(DESK, desk=DeskView(
        "收银员甲", shift=replace(SHIFT, drawer=Fen(0), counted=None))),
    "desk-void-cash": replace(DESK, desk=replace(TAKING, row=SOLD[3])),
    "desk-void-done": replace(DESK, desk=replace(TAKING, done=True)),
    "desk-shift-done": replace(DESK, desk=DeskView("收银员甲", shift=SHIFT, done=True)),
    "desk-camera": replace(DESK, desk=DeskView("收银员甲", aim_s=118)),
    "ask-again": replace(LOOK, screen=Screen.ASK, ask=Ask(AskWhat.AGAIN),
                         who=Who("甲*", "机关二处"), notice=_notice(NoticeCode.PAID_BEFORE)),
}  # fmt: skip


def _picture() -> bytes:
    image = Image.new("RGB", (640, 480), "#9fb0a6")
    pen = ImageDraw.Draw(image)
    pen.ellipse((200, 330, 440, 620), fill="#5c6d78")
    pen.ellipse((240, 110, 400, 310), fill="#d8c7b4")
    out = io.BytesIO()
    image.save(out, "JPEG")
    return out.getvalue()


class FakeTill:
    """A till whose views the test chooses."""

    def __init__(self) -> None:
        self.presses: list[tuple[str, dict[str, str]]] = []
        self.picture: bytes | None = _picture()
        self.payer: bytes | None = None
        self.place: PlacePicture | None = PlacePicture(_picture(), PLACE)
        self.screen = Broadcast(BASE, heartbeat_s=0.2)

    def show(self, view: View) -> None:
        self.screen.publish(view)

    def view(self) -> View:
        return self.screen.view

    def subscribe(self) -> Iterator[View | None]:
        return self.screen.subscribe()

    def press(self, action: str, **params: str) -> None:
        self.presses.append((action, params))

    def jpeg(self) -> bytes | None:
        return self.picture

    def payer_jpeg(self) -> bytes | None:
        return self.payer

    def place_picture(self) -> PlacePicture | None:
        return self.place


@pytest.fixture
def till() -> Iterator[FakeTill]:
    fake = FakeTill()
    yield fake
    fake.screen.close()


@pytest.fixture(scope="session")
def scenes() -> dict[str, View]:
    return SCENES


@pytest.fixture
def served(till: FakeTill) -> Iterator[LoopbackServer]:
    server = loopback.serve(create_kiosk(till), "127.0.0.1", 0, "till")
    yield server
    till.screen.close()
    server.stop()
