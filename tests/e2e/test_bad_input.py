"""Bad input at a running till: real drivers, real serial bytes, real models, real journal.

docs/bad-input.md names for each kind of bad input the test that holds its promise.
"""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import cv2
import httpx
import numpy as np
import pytest
from conftest_pos import card
from conftest_till import OTHER_CARD, PIN, QUICK, Counter, Lens, all_day

from dafan.money import Fen
from dafan.records import CardStatus, DinerStatus, Dish, Group, Unit
from pos.view import AskWhat, Screen
from vision import samples
from vision.images import read_image
from vision.packs import load_pack
from vision.recognise import reference_vector

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

MOVING = "餐盘还在晃动，请稍等"
SLOW_TO_LEAVE = replace(QUICK, paid=8.0)
LIFTED = "餐盘拿起来了，没有扣款，要付款请放回餐盘"


@pytest.fixture
def set_up(tmp_path):
    """Sets up counters, and takes them down."""
    made = []

    def build(canteen=None, **how):
        counter = Counter(tmp_path, canteen or all_day(), **how)
        made.append(counter)
        return counter

    yield build
    for counter in made:
        counter.close()


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    """Advice comes sooner than a diner would want it; tests/pos proves when it should."""
    monkeypatch.setattr("pos.screen.HINT_AFTER_S", 0.3)
    monkeypatch.setattr("pos.screen.SCALE_AFTER_S", 0.5)


@pytest.fixture
def impatient(monkeypatch):
    """A till that asks a silent server again at once."""
    monkeypatch.setattr("dafan.sync.FIRST_PAUSE_S", 0.1)
    monkeypatch.setattr("dafan.sync.LONGEST_PAUSE_S", 0.4)


# --- faces --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pack(models_dir):
    return load_pack("mobilefacenet", [models_dir])


@pytest.fixture(scope="module")
def people():
    return samples.sample_faces()


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def faces(set_up, pack, people, rng):
    """A counter with a camera; the first of the demo's people has enrolled."""

    def build(*frames, **policy):
        counter = set_up(all_day(**policy), lens=Lens(*frames), pack=pack)
        photo = samples.vary(people[0], rng, samples.ENROLMENT)
        counter.template = counter.enrol_face(reference_vector(pack, photo), pack.name)
        return counter

    return build


def stands(person, rng, **how):
    """A few frames of somebody before the camera."""
    stance = samples.Variation(**how)
    return [samples.vary(person, rng, samples.jitter(stance, rng)) for _ in range(6)]


def side_by_side(left, right):
    """Two people before one camera."""
    pairs = zip(left, right, strict=True)
    return [np.ascontiguousarray(np.hstack([a[:, 160:480], b[:, 160:480]])) for a, b in pairs]


def on_paper(person, rng):
    """Frames of a printed photograph held up: pale ink, a white edge, slanted, with a glare."""
    shot = samples.vary(person, rng, samples.Variation(face_width=150, centre=(0.5, 0.5)))
    ink = cv2.GaussianBlur(shot[60:420, 170:470], (0, 0), 1).astype(np.float32) * 0.75 + 55
    rows, columns = np.mgrid[0:360, 0:300]
    ink *= (1 + 0.06 * np.sin(columns * 2.1) * np.sin(rows * 2.1))[..., None]
    paper = np.full((420, 360, 3), 235, np.float32)
    paper[30:390, 30:330] = ink
    return [_held(paper, slant, rng) for slant in (0, 3, 6, 9, 12)]


def _held(paper, slant, rng):
    corners = np.float32([[0, 0], [360, 0], [360, 420], [0, 420]])
    seen = np.float32([[150, 50], [495, 35 + slant], [505, 450], [140, 440 - slant]])
    slanted = cv2.getPerspectiveTransform(corners, seen)
    mask = cv2.warpPerspective(np.ones((420, 360), np.float32), slanted, (640, 480))[..., None]
    frame = cv2.warpPerspective(paper, slanted, (640, 480)) * mask
    frame += samples.empty_frame(1) * (1 - mask)
    glare = np.zeros((480, 640), np.float32)
    cv2.ellipse(glare, (250, 150), (40, 120), 30, 0, 360, 1, -1)
    frame += cv2.GaussianBlur(glare, (0, 0), 30)[..., None] * 60
    return np.clip(frame + rng.normal(0, 2, frame.shape), 0, 255).astype(np.uint8)


def pays_by_card_instead(counter):
    """Whoever the camera does not take pays another way, once."""
    assert counter.sales() == []
    counter.hold_card()
    counter.until_screen(Screen.PAID)
    assert [sale["tender"] for sale in counter.sales()] == ["card"]


@pytest.mark.models
def test_an_enrolled_diner_pays_by_face_once_with_one_receipt(faces, people, rng):
    counter = faces(*stands(people[0], rng))
    counter.place(412)
    counter.until_screen(Screen.PAID)
    (sale,) = counter.sales()
    assert (sale["tender"], sale["diner_id"]) == ("face", str(counter.diner.id))
    counter.until(counter.receipts, "a receipt")
    counter.never(lambda: len(counter.receipts()) > 1 or len(counter.sales()) > 1, 1)


@pytest.mark.models
def test_an_unknown_face_pays_nothing_and_is_told_what_to_do(faces, people, rng):
    counter = faces(*stands(people[2], rng))
    counter.place()
    counter.until_said("没认出您，请靠近一点，或刷卡", Screen.LOOK)
    counter.never(lambda: counter.view.screen is Screen.CONFIRM, 1)
    pays_by_card_instead(counter)


@pytest.mark.models
def test_two_faces_pay_nothing_until_one_steps_back(faces, people, rng):
    near = {"face_width": 110}
    both = side_by_side(stands(people[0], rng, **near), stands(people[3], rng, **near))
    counter = faces(*both)
    counter.place()
    counter.until_said("镜头里有两个人，请后面的人退一步", Screen.LOOK)
    counter.never(lambda: counter.view.screen is Screen.CONFIRM, 1)
    assert counter.sales() == []
    counter.lens.frames = stands(people[0], rng)
    counter.until_screen(Screen.PAID)
    assert [sale["tender"] for sale in counter.sales()] == ["face"]


@pytest.mark.models
def test_nobody_before_the_camera_is_invited_and_nothing_is_paid(faces):
    counter = faces(samples.empty_frame())
    counter.place()
    counter.until_said("请看这里，脸正对圆圈就好", Screen.LOOK)
    pays_by_card_instead(counter)


@pytest.mark.models
def test_a_printed_photo_of_a_diner_never_pays_by_itself(faces, people, rng):
    counter = faces(*on_paper(people[0], rng))
    counter.place()
    counter.until_said("没有看到真人，请本人正对镜头，或刷卡", Screen.LOOK)
    counter.never(lambda: counter.view.screen in {Screen.CONFIRM, Screen.PAID}, 1)
    pays_by_card_instead(counter)


@pytest.mark.models
@pytest.mark.faces
def test_a_photographed_print_of_an_enrolled_person_never_pays_by_itself(set_up, pack, faces_dir):
    frame = read_image(faces_dir / "liveness" / "image_F2.jpg")
    counter = set_up(lens=Lens(frame), pack=pack)
    counter.enrol_face(reference_vector(pack, frame), pack.name)
    counter.place()
    counter.until_said("没有看到真人，请本人正对镜头，或刷卡", Screen.LOOK)
    counter.never(lambda: counter.view.screen in {Screen.CONFIRM, Screen.PAID}, 1)
    pays_by_card_instead(counter)


@pytest.mark.models
def test_consent_withdrawn_a_second_ago_stops_the_countdown_and_the_face_is_unknown(
    faces, people, rng
):
    counter = faces(*stands(people[0], rng), confirm_ms=10_000)
    counter.place()
    counter.until_screen(Screen.CONFIRM)
    counter.withdraw_face(counter.template)
    counter.until_said("您的刷脸已停用，请刷卡、扫码或用工号", Screen.PROBLEM)
    counter.until_said("没认出您，请靠近一点，或刷卡", Screen.LOOK)
    assert counter.sales() == []
    kinds = [entry.kind for entry in counter.till.store.journal.read(0)]
    assert kinds.count("erasure") == 1


@pytest.mark.models
def test_a_model_file_with_a_wrong_checksum_leaves_a_till_that_sells_by_card(
    set_up, models_dir, tmp_path, monkeypatch, people, rng
):
    weights = tmp_path / "weights"
    weights.mkdir()
    for file in models_dir.glob("*.onnx"):
        (weights / file.name).symlink_to(file)
    spoilt = weights / "face_recognition_mobilefacenet_foamliu_112x112.onnx"
    data = bytearray(spoilt.read_bytes())
    data[len(data) // 2] ^= 1
    spoilt.unlink()
    spoilt.write_bytes(data)
    monkeypatch.setattr("vision.packs.model_folders", lambda: [weights])
    counter = set_up(lens=Lens(*stands(people[0], rng)))
    counter.place()
    counter.never(lambda: counter.view.notice or counter.view.face, 2)
    assert counter.view.screen is Screen.LOOK
    pays_by_card_instead(counter)
    notices = [e.body for e in counter.till.store.journal.read(0) if e.kind == "notice"]
    assert "dafan models check" in notices[0]["detail"]


# --- the scale ----------------------------------------------------------------------------------


def test_a_tray_lifted_during_the_payment_costs_nothing_and_pays_once_when_it_is_back(set_up):
    counter = set_up(all_day(confirm_ms=1200))
    counter.place(412)
    counter.hold_card()
    counter.until_screen(Screen.CONFIRM)
    counter.lift()
    counter.until_said(LIFTED, Screen.PLACE)
    counter.never(counter.sales, 0.5)
    counter.place(412)
    counter.hold_card(OTHER_CARD)
    counter.until_screen(Screen.PAID)
    assert [sale["total"] for sale in counter.sales()] == [1154]


def test_a_weight_that_drifts_is_never_charged(set_up):
    counter = set_up(all_day(confirm_ms=1000))
    counter.place(412)
    counter.hold_card()
    counter.until_screen(Screen.CONFIRM)
    counter.scale.set_fault("motion")
    counter.until_said(MOVING, Screen.CONFIRM)
    counter.until_said("时间到了，没有扣款，要付款请再选一次")
    counter.never(counter.sales, 0.5)


def test_a_weight_that_changes_during_the_countdown_is_shown_before_it_is_paid_once(set_up):
    counter = set_up(all_day(confirm_ms=1200))
    counter.place(412)
    counter.hold_card()
    counter.until_screen(Screen.CONFIRM)
    counter.scale.set_load(500)
    counter.until_said("重量变了，金额已更新，请再看一下", Screen.CONFIRM)
    assert counter.view.total == 1400
    counter.until_screen(Screen.PAID)
    assert [sale["total"] for sale in counter.sales()] == [1400]


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ("negative", "秤没有归零，请清空秤盘，等一下再放"),
        ("overload", "秤上太重了，请分两次结算"),
        ("bad_checksum", "秤的读数不清楚，请拿起餐盘再放一次"),
        ("motion", MOVING),
        ("silence", "秤没有连接，请选单份菜品，或找工作人员"),
        ("unplug", "秤没有连接，请选单份菜品，或找工作人员"),
    ],
)
def test_a_faulty_scale_charges_nothing_and_says_so(set_up, fault, text):
    counter = set_up()
    counter.scale.set_fault(fault)
    counter.scale.set_load(412)
    counter.until_said(text, Screen.PLACE)
    counter.hold_card()
    counter.never(lambda: counter.sales() or counter.view.total, 0.5)


@pytest.mark.parametrize("fault", ["noise", "split", "merged"])
def test_garbage_on_the_serial_line_never_becomes_money(set_up, fault):
    counter = set_up()
    counter.scale.set_fault(fault)
    counter.place(412)
    counter.hold_card()
    counter.until_screen(Screen.PAID)
    assert [sale["lines"][0]["grams"] for sale in counter.sales()] == [412]


# --- prices and diners --------------------------------------------------------------------------


def test_a_dish_without_a_price_is_not_sold_until_it_has_one(set_up):
    canteen = all_day()
    price, canteen.weighed = canteen.weighed, canteen.weighed.model_copy(update={"price": None})
    counter = set_up(canteen)
    counter.scale.set_load(412)
    counter.until_said("这个菜还没有定价，请找工作人员", Screen.PROBLEM)
    counter.hold_card()
    counter.never(lambda: counter.sales() or counter.view.screen is Screen.CONFIRM, 0.5)
    canteen.weighed = price
    counter.publish()
    counter.until(lambda: counter.view.total == 1154, "the price")
    counter.hold_card(OTHER_CARD)
    counter.until_screen(Screen.PAID)
    assert [sale["total"] for sale in counter.sales()] == [1154]


@pytest.mark.parametrize(
    ("diner", "group", "text"),
    [
        ({"status": DinerStatus.FROZEN}, {}, "您的账户已冻结，请找工作人员"),
        ({"cash": Fen(834)}, {}, "余额不足，还差 ¥3.20，请充值或用现金"),
        ({}, {"meal_limit": Fen(1000)}, "超过每餐限额 ¥10.00，请减少菜品，或用现金"),
        ({}, {"daily_limit": Fen(1100)}, "超过每日限额 ¥11.00，请用现金，或找工作人员"),
    ],
)
def test_a_diner_who_may_not_pay_is_told_why_and_can_pay_cash(set_up, diner, group, text):
    canteen = all_day()
    canteen.group = Group.model_validate({**canteen.group.model_dump(), **group})
    counter = set_up(canteen, **diner)
    counter.place(412)
    counter.hold_card()
    counter.until_said(text, Screen.PROBLEM)
    counter.never(counter.sales, 0.3)
    counter.till.press("way", way="cash")
    counter.until_screen(Screen.ASK)
    counter.till.press("yes")
    counter.until_screen(Screen.PAID)
    (sale,) = counter.sales()
    assert (sale["tender"], sale["diner_id"], sale["total"]) == ("cash", None, 1154)


def test_a_diner_spends_offline_only_up_to_the_limit(set_up):
    counter = set_up(all_day(offline_exposure=2000))
    counter.office.says = unreachable
    counter.place(412)
    counter.hold_card()
    counter.until_screen(Screen.PAID)
    counter.lift()
    counter.until_screen(Screen.PLACE)
    counter.place(412)
    counter.hold_card(OTHER_CARD)
    counter.until_said("网络恢复前只能付到这里，请用现金，或找工作人员", Screen.PROBLEM)
    assert len(counter.sales()) == 1


def test_a_lost_card_and_a_misread_one_pay_nothing(set_up):
    counter = set_up()
    lost = card("0000009999", counter.diner, CardStatus.LOST)
    counter.publish(("card", lost.number, lost))
    counter.place()
    counter.reader.send(b"\x02!?\x03\xff\x00garbage\r\n\x02")
    counter.reader.send(b"\x03")
    counter.reader.present(lost.number)
    counter.until_said("这张卡已挂失，请找工作人员")
    counter.reader.present("0000005555")
    counter.until_said("这张卡没有登记，请换一张，或找工作人员")
    assert counter.sales() == []
    counter.hold_card()
    counter.until_screen(Screen.PAID)


def test_wrong_pins_lock_and_charge_nothing(set_up):
    counter = set_up()
    counter.place()
    counter.till.press("way", way="staff_no")
    counter.till.press("digits", digits=counter.diner.staff_no)
    counter.until(lambda: counter.view.ask and counter.view.ask.what is AskWhat.PIN, "the question")
    for left in (4, 3, 2, 1):
        counter.till.press("digits", digits="000000")
        counter.until_said(f"密码不对，还可以试 {left} 次")
    counter.till.press("digits", digits="000000")
    counter.until_said("密码错误太多次，请 15 分钟后再试，或刷卡", Screen.PROBLEM)
    counter.till.press("digits", digits=PIN)
    counter.never(counter.sales, 0.3)
    pays_by_card_instead(counter)


# --- printer, disk, clock -----------------------------------------------------------------------


def test_paper_that_is_out_delays_the_receipt_and_prints_it_once(set_up):
    counter = set_up(timing=SLOW_TO_LEAVE)
    counter.paper.set_fault("paper_out")
    counter.place()
    counter.hold_card()
    counter.until_said("小票纸用完了，已付款，换纸后会补打", Screen.PAID)
    assert (len(counter.sales()), counter.receipts()) == (1, [])
    counter.paper.load_paper()
    counter.until(counter.receipts, "the receipt")
    counter.until(lambda: counter.till.store.spool.waiting() == 0, "an empty spool")
    counter.never(lambda: len(counter.receipts()) > 1, 1)
    assert "补打" not in counter.receipts()[0]


def test_a_printer_unplugged_in_mid_receipt_prints_it_again_as_a_copy(set_up):
    counter = set_up(timing=SLOW_TO_LEAVE)
    counter.printer.unplug(after_bytes=300)
    counter.place()
    counter.hold_card()
    counter.until_screen(Screen.PAID)
    counter.until_said("打印机没有连接，已付款，需要小票请找工作人员", Screen.PAID)
    counter.printer.plug_in()
    counter.until(counter.receipts, "the receipt", 20)
    counter.until(lambda: counter.till.store.spool.waiting() == 0, "an empty spool")
    (sale,) = counter.sales()
    assert counter.paper.text.count(f"单号 {sale['id'].replace('-', '')[-10:].upper()}") == 1
    assert counter.paper.text.count("补打 COPY") == 1


def test_a_full_disk_charges_nothing_and_the_retry_pays_the_same_sale_once(set_up):
    canteen = all_day()
    dishes = [
        Dish(id=uuid4(), name=f"小炒{n}" * 9, unit=Unit.PIECE, price=Fen(10)) for n in range(20)
    ]
    counter = set_up(canteen)
    counter.publish(*(("dish", str(dish.id), dish) for dish in dishes))
    for dish in dishes:
        counter.till.press("add", dish=str(dish.id))
    counter.till.press("picked")
    counter.until(lambda: counter.view.total == 200, "twenty dishes")
    disk = counter.till.store._connection
    with counter.till.store.journal.transaction():
        pages = disk.execute("PRAGMA page_count").fetchone()[0]
    disk.execute(f"PRAGMA max_page_count={pages}")
    counter.till.press("way", way="cash")
    counter.until_screen(Screen.ASK)
    counter.till.press("yes")
    counter.until_said("没有记上，没有扣款，请再试一次，或找工作人员", Screen.PROBLEM)
    assert (counter.sales(), counter.till.store.spool.waiting()) == ([], 0)
    counter.till.press("retry")
    counter.never(counter.sales, 0.3)
    disk.execute("PRAGMA max_page_count=1000000")
    counter.till.press("retry")
    counter.until_screen(Screen.PAID)
    assert [sale["total"] for sale in counter.sales()] == [200]
    counter.until(counter.receipts, "the receipt")
    assert len(counter.receipts()) == 1


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("hours", [-3, 26])
def test_a_clock_that_jumps_pays_once_and_still_reaches_the_server(set_up, hours):
    counter = set_up(all_day(confirm_ms=1200))
    counter.place()
    counter.hold_card()
    counter.until_screen(Screen.CONFIRM)
    counter.clock.offset = timedelta(hours=hours)
    counter.never(counter.sales, 0.8)
    counter.until_screen(Screen.PAID)
    counter.lift()
    counter.until(lambda: counter.till.store.journal.acknowledged() > 0, "the server's word")
    assert len(counter.sales()) == 1
    assert [entry.kind for entry in counter.office.entries].count("sale") == 1


# --- the server ---------------------------------------------------------------------------------


def unreachable(request):
    raise httpx.ConnectError("no route", request=request)


NONSENSE = {
    "nobody": unreachable,
    "a hotel's page": lambda _: httpx.Response(200, text="<html>欢迎</html>"),
    "a list": lambda _: httpx.Response(200, json=[1, 2]),
    "a fault": lambda _: httpx.Response(500, json={"message": "boom"}),
    "a mark ahead of us": lambda _: httpx.Response(
        200, json={"status": "ok", "applied_seq": 99, "applied_hash": "f" * 64,
                   "server_time": "2026-03-01T00:00:00Z"}),
    "noise": lambda _: httpx.Response(200, content=bytes(range(256)) * 4000),
}  # fmt: skip


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("answer", NONSENSE.values(), ids=NONSENSE.keys())
def test_a_server_that_talks_nonsense_never_stops_a_meal_and_gets_it_once(set_up, answer):
    counter = set_up()
    counter.office.says = answer
    counter.until(lambda: counter.view.offline, "the small cloud")
    counter.place()
    counter.hold_card()
    counter.until_screen(Screen.PAID)
    asked = counter.office.asked
    counter.until(lambda: counter.office.asked > asked + 1, "more nonsense")
    assert (counter.till.store.journal.acknowledged(), counter.office.entries) == (0, [])
    counter.office.says = None
    counter.until(lambda: counter.till.store.journal.acknowledged() > 0, "the server's word", 20)
    counter.until(lambda: not counter.view.offline, "no cloud")
    assert [e.id for e in counter.office.entries if e.kind == "sale"] == [
        e.id for e in counter.till.store.journal.read(0) if e.kind == "sale"
    ]
    assert len(counter.sales()) == 1


def test_a_revoked_till_sells_nothing_and_says_whom_to_call(set_up):
    counter = set_up()
    refusal = {"code": "revoked", "message": "enrol again", "server_time": "2026-03-01T00:00:00Z"}
    counter.office.says = lambda _: httpx.Response(401, json=refusal)
    counter.until_said("这台结算台已停用，请到其他结算台；工作人员请联系管理员", Screen.SETUP)
    counter.scale.set_load(412)
    counter.hold_card()
    counter.never(lambda: counter.sales() or counter.view.screen is not Screen.SETUP, 1)
