"""The till alive: its loop, its file, its devices' threads; time is real, waits are bounded."""

import stat
import threading
import time
from uuid import uuid4

import httpx
import numpy as np
import pytest
from argon2 import PasswordHasher
from click.testing import CliRunner
from conftest_pos import NOON, Canteen, card, make_policy
from test_store import KEY, diner_item, make_template, template_item

from dafan.clock import SystemClock
from dafan.crypto import make_qr, seal_to
from dafan.enrolment import EnrolAnswer
from dafan.journal import JournalError
from dafan.money import Fen
from dafan.pick_up import code_text
from dafan.records import Policy, Tender
from devices.camera import FrameFeed
from devices.escpos_render import to_escpos
from devices.scales.reading import Reading
from pos import events as ev
from pos.cli import till as till_command
from pos.enrol import SITE_KEY, EnrolError, enrol, load_enrolment
from pos.facewatch import Advice, FaceWatch, Recognised
from pos.hardware import connect_camera, is_lens, weighed
from pos.receipt import make_receipt
from pos.runtime import Till
from pos.state import Confirm, Paid, Timing
from pos.store import TillStore
from pos.view import Device, NoticeCode, Screen
from vision.decide import Observation, Rules
from vision.gallery import Gallery, Match
from vision.quality import Verdict

GREY = np.full((48, 64, 3), 128, np.uint8)


def until(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come about")


class Sees:
    """A recogniser that always sees the same diner."""

    def __init__(self, person_id, liveness=0.95):
        self.person_id = person_id
        self.liveness = liveness

    def rules(self):
        return Rules(threshold=0.5, margin=0.1, has_liveness=True)

    def observe(self, image, at):
        assert image.shape == GREY.shape
        match = Match(self.person_id, 0.8, None, -1.0)
        return Observation(at, Verdict.OK, 1, (0, 0, 9, 9), self.liveness, match)


@pytest.fixture
def all_day():
    """A canteen where it is always a meal, whatever the time on the machine."""
    canteen = Canteen(policy=make_policy(periods=(), confirm_ms=100))
    canteen.group = canteen.group.model_copy(update={"meals": {}})
    return canteen


@pytest.fixture
def diner(all_day):
    return all_day.diner(pin_hash=PasswordHasher().hash("246810"))


@pytest.fixture
def till(all_day, diner, tmp_path):
    gallery = Gallery(8)
    store = TillStore(
        tmp_path / "till.db", all_day.terminal_id, KEY, SystemClock(), gallery, "test"
    )
    till = Till(store, SystemClock(), timing=Timing(cooldown=0.0, paid=0.1), print_receipts=True)
    till.face = FaceWatch(Sees(diner.id), "test", till.put_face)
    till.start()
    number = card("0000000042", diner)
    store.apply_feed_page(
        all_day.page(
            diner_item(diner), template_item(make_template(diner)), ("card", number.number, number)
        )
    )
    till.put_health(scale=Device.OK, camera=Device.OK)
    yield till
    till.stop()


class Scale:
    """Repeats its load, as a real one does, until it is told to stop."""

    def __init__(self, till):
        self.till, self.grams, self.ended = till, 0, threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        clock = SystemClock()
        while not self.ended.wait(0.02):
            reading = Reading(grams=self.grams, stable=True)
            arrived = clock.monotonic()
            self.till.put(lambda at, r=reading, a=arrived: weighed(at, r, a))


@pytest.fixture
def scale(till):
    scale = Scale(till)
    scale.thread.start()
    until(lambda: till.state.armed)
    yield scale
    scale.ended.set()
    scale.thread.join()


def sales(till):
    return [e for e in till.store.journal.read(0) if e.kind == "sale"]


def show_face(till, frames=5):
    rng = np.random.default_rng(1)
    until(lambda: till.state.looking_since is not None)
    for _ in range(frames):
        till.face.frame(rng.integers(0, 255, (48, 64, 3), np.uint8), time.monotonic())


def test_a_face_pays_and_the_sale_is_on_the_disk_with_its_receipt(till, scale, diner):
    scale.grams = 412
    show_face(till)
    until(lambda: isinstance(till.state.phase, Paid))
    (entry,) = sales(till)
    assert (entry.body["tender"], entry.body["diner_id"]) == ("face", str(diner.id))
    assert till.store.spool.waiting() == 1
    assert till.view().screen is Screen.PAID
    assert len(till.timings) == 1
    assert 0 <= till.timings[0].computing <= till.timings[0].whole


def test_a_camera_that_hangs_on_a_face_charges_nobody(till, scale):
    scale.grams = 412
    until(lambda: till.state.looking_since is not None)
    for _ in range(10):
        till.face.frame(GREY, time.monotonic())
    until(lambda: till.view().screen is Screen.LOOK)
    assert not sales(till)


def test_a_card_typed_by_a_reader_pays(till, scale):
    scale.grams = 412
    until(lambda: till.view().total)
    till.press("card", number="42")
    until(lambda: isinstance(till.state.phase, Paid))
    assert sales(till)[0].body["tender"] == Tender.CARD


def test_a_qr_code_and_the_right_pin_pay(till, scale, diner):
    scale.grams = 412
    until(lambda: till.view().total)
    till.press("card", number=make_qr(KEY, diner.id))
    until(lambda: till.view().screen is Screen.ASK)
    till.press("digits", digits="111111")
    until(lambda: till.view().notice and till.view().notice.code is NoticeCode.PIN_WRONG)
    till.press("digits", digits="246810")
    until(lambda: isinstance(till.state.phase, Paid))
    assert sales(till)[0].body["second_factor"] == "pin"


def test_a_code_that_this_site_did_not_make_is_refused(till, scale):
    scale.grams = 412
    until(lambda: till.view().total)
    till.press("card", number=f"dafan:1:{uuid4().hex}:AAAA")
    until(lambda: till.view().notice and till.view().notice.code is NoticeCode.QR_UNKNOWN)
    till.press("card", number=code_text("12345678"))
    until(lambda: till.view().notice.code is NoticeCode.PICK_UP_UNKNOWN)


def test_a_disk_that_is_full_says_so_and_the_same_sale_is_paid_later(till, scale, monkeypatch):
    real, tried = till.store.commit_sale, []

    def full(sale, *_parts):
        tried.append(sale.id)
        raise JournalError("the till's disk does not take writes")

    monkeypatch.setattr(till.store, "commit_sale", full)
    scale.grams = 412
    show_face(till)
    until(lambda: till.view().notice and till.view().notice.code is NoticeCode.WRITE_FAILED)
    assert not sales(till)
    monkeypatch.setattr(till.store, "commit_sale", real)
    till.press("retry")
    until(lambda: isinstance(till.state.phase, Paid))
    assert {str(i) for i in tried} == {str(sales(till)[0].id)}


def test_a_write_whose_answer_is_lost_still_counts_as_paid(till, scale, monkeypatch):
    real = till.store.commit_sale

    def unsure(sale, *parts):
        real(sale, *parts)
        raise JournalError("the disk answered nonsense")

    monkeypatch.setattr(till.store, "commit_sale", unsure)
    scale.grams = 412
    show_face(till)
    until(lambda: isinstance(till.state.phase, Paid))
    assert len(sales(till)) == 1


def test_consent_withdrawn_during_the_countdown_stops_it(till, all_day, diner, scale):
    slow = all_day.policy.model_copy(update={"confirm_ms": 5000})
    template = make_template(diner)
    old = till.store._rows("SELECT key FROM feed_item WHERE kind = 'template'")[0]["key"]
    page = all_day.page(("policy", "policy", slow), since=1, version=2)
    till.store.apply_feed_page(page)
    scale.grams = 412
    show_face(till)
    until(lambda: isinstance(till.state.phase, Confirm))
    assert till.payer_jpeg()[:2] == b"\xff\xd8"
    gone = page.items[0].model_copy(update={"kind": "template", "key": old, "body": None})
    till.store.apply_feed_page(page.model_copy(update={"items": (gone,), "version": 3}))
    until(lambda: till.view().notice and till.view().notice.code is NoticeCode.WITHDRAWN)
    assert till.payer_jpeg() is None
    assert not sales(till)
    assert template is not None


def test_an_event_that_breaks_does_not_stop_the_till(till, scale):
    def broken(_at):
        raise RuntimeError("a driver went mad")

    till.put(broken)
    scale.grams = 412
    until(lambda: till.view().total)


def test_whoever_hears_of_sales_and_fails_undoes_none(till, scale):
    till.on_sale.append(lambda _sale: 1 // 0)
    scale.grams = 412
    show_face(till)
    until(lambda: isinstance(till.state.phase, Paid))
    assert len(sales(till)) == 1


def test_the_camera_shows_its_picture_and_asks_nobody_while_idle(till):
    feed = FrameFeed()
    thread = connect_camera(till, feed, SystemClock())
    feed.push(GREY)
    until(lambda: till.jpeg() is not None)
    assert till.jpeg()[:2] == b"\xff\xd8"
    assert till.face.first_usable is None
    thread.stop()


def test_screens_hear_of_changes(till):
    heard = till.subscribe()
    first = next(heard)
    till.put_health(offline=True, waiting=3)
    until(lambda: till.view().offline)
    assert first is not None
    assert next(view for view in heard if view is not None and view.offline).waiting_entries == 3


# --- looking at frames --------------------------------------------------------------------------


def watch(liveness=0.95, **settings):
    found = []
    person = uuid4()
    watching = FaceWatch(Sees(person, liveness), "test", found.append, live=False, **settings)
    return watching, found, person


def test_no_frame_is_looked_at_before_it_is_asked_for_or_after():
    watching, found, _ = watch()
    watching.frame(GREY, 1.0)
    watching.start(2.0)
    watching.frame(GREY, 1.9)
    watching.stop()
    watching.frame(GREY, 3.0)
    assert found == []


def test_what_one_diner_showed_never_counts_for_the_next():
    watching, found, person = watch()
    watching.start(1.0)
    for at in (1.0, 1.1):
        watching.frame(GREY, at)
    watching.start(2.0)
    watching.frame(GREY, 2.0)
    assert all(isinstance(each, Advice) for each in found)
    for at in (2.1, 2.2):
        watching.frame(GREY, at)
    assert isinstance(found[-1], Recognised)
    assert (found[-1].diner_id, found[-1].since) == (person, 2.0)


def test_an_unsure_liveness_vote_asks_for_more():
    watching, found, _ = watch(liveness=0.5)
    watching.start(1.0)
    for at in (1.0, 1.1, 1.2):
        watching.frame(GREY, at)
    assert found[-1].doubt is NoticeCode.SECOND_FACTOR


def test_a_photograph_is_advised_never_recognised():
    watching, found, _ = watch(liveness=0.05)
    watching.start(1.0)
    for at in (1.0, 1.1, 1.2):
        watching.frame(GREY, at)
    assert found[-1] == Advice(NoticeCode.NOT_LIVE, 1000)


def test_only_a_lens_is_expected_to_change_its_picture():
    assert [is_lens(s) for s in ("0", "/dev/video0", "rtsp://x/1", "clip.mp4", "faces/")] == [
        True, True, True, False, False,
    ]  # fmt: skip


# --- receipts -----------------------------------------------------------------------------------


def test_the_receipt_names_what_was_eaten_paid_and_left(hand, canteen):
    diner = hand.person()
    hand.place(412).press("pick").press("add", dish=str(canteen.rice.id), portion="half")
    hand.press("picked").face(diner).wait(2.2, 412)
    write = next(e for e in hand.effects if isinstance(e, ev.WriteSale))
    doc = make_receipt(write.sale, canteen.terminal, canteen.policy, write.account)
    text = to_escpos(doc, 58).decode("gb18030", errors="replace")
    for part in (
        "机关食堂",
        "3号台",
        "午餐",
        "412 g × ￥28.00/kg",
        "米饭（半份）",
        "优惠",
        "甲*",
        "余额",
        "补贴",
    ):
        assert part in text
    assert "甲子" not in text


# --- enrolment ----------------------------------------------------------------------------------


def answering(handler):
    return httpx.Client(transport=httpx.MockTransport(handler))


def test_a_code_makes_a_till_whose_secrets_only_its_user_reads(tmp_path, canteen):
    def server(request):
        asked = httpx.Response(200, content=request.content).json()
        import base64

        sealed = seal_to(base64.b64decode(asked["box_key"]), KEY, "site key")
        answer = EnrolAnswer(terminal=canteen.terminal, sealed_site_key=sealed, server_time=NOON)
        return httpx.Response(200, json=answer.to_body())

    terminal = enrol(tmp_path, "http://server", "abcdefgh", answering(server))
    loaded = load_enrolment(tmp_path)
    assert (loaded.keys.key(1), loaded.terminal, terminal.name) == (KEY, canteen.terminal, "3号台")
    for file in tmp_path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(EnrolError, match="till already"):
        enrol(tmp_path, "http://server", "abcdefgh", answering(server))


@pytest.mark.parametrize(
    ("response", "says"),
    [
        (httpx.Response(403, json={"message": "the code is used"}), "the code is used"),
        (httpx.Response(200, text="<html>"), "no Dafan server"),
        (httpx.Response(200, json={"nonsense": 1}), "no Dafan server"),
        (httpx.Response(200, json=[1]), "no Dafan server"),
    ],
)
def test_a_server_that_refuses_or_talks_nonsense_is_named(tmp_path, response, says):
    with pytest.raises(EnrolError, match=says):
        enrol(tmp_path, "http://server", "abcdefgh", answering(lambda _: response))
    with pytest.raises(EnrolError, match="not enrolled"):
        load_enrolment(tmp_path)


def test_a_short_code_and_a_damaged_file_are_told_plainly(tmp_path):
    with pytest.raises(EnrolError, match="no enrolment code"):
        enrol(tmp_path, "http://server", "x", answering(lambda _: httpx.Response(200)))
    (tmp_path / "terminal.json").write_text("{", encoding="utf-8")
    (tmp_path / SITE_KEY).write_bytes(KEY)
    with pytest.raises(EnrolError, match="cannot be read"):
        load_enrolment(tmp_path)


def test_the_status_of_a_machine_that_is_no_till_says_what_to_do():
    result = CliRunner().invoke(till_command, ["status"])
    assert isinstance(result.exception, EnrolError)
    assert "dafan till enrol" in str(result.exception)


def test_a_policy_without_receipts_prints_none(till, all_day, scale):
    quiet = all_day.policy.model_copy(update={"print_receipts": False})
    assert isinstance(quiet, Policy)
    till.store.apply_feed_page(all_day.page(("policy", "policy", quiet), since=1, version=2))
    scale.grams = 412
    show_face(till)
    until(lambda: isinstance(till.state.phase, Paid))
    assert till.store.spool.waiting() == 0
    assert sales(till)[0].body["total"] == Fen(1154)
