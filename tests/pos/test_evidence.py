"""The picture of a face payment: kept sealed, given when asked for, gone in time."""

from datetime import timedelta
from uuid import uuid4

import cv2
import numpy as np
import pytest
from conftest_pos import NOON, item
from test_store import DOC, KEY, make_sale, make_template

from dafan.clock import ManualClock
from dafan.crypto import SealError, new_key, open_sealed
from dafan.desk import EvidenceRequest
from dafan.journal import JournalError
from dafan.records import FeedPage, Tender
from pos import events as ev
from pos.evidence import PORTION, context
from pos.facewatch import FaceWatch, Recognised, evidence_jpeg
from pos.keyring import KeyRing
from pos.runtime import Till
from pos.store import TillStore
from vision.decide import Observation, Rules
from vision.gallery import Match
from vision.quality import Verdict

JPEG = b"\xff\xd8" + bytes(range(256)) * 40
FRAME = np.random.default_rng(5).integers(0, 255, (720, 1280, 3), np.uint8)


@pytest.fixture
def clock():
    return ManualClock(NOON)


@pytest.fixture
def ring():
    return KeyRing({1: KEY})


@pytest.fixture
def store(canteen, clock, ring, tmp_path):
    store = TillStore(tmp_path / "till.db", canteen.terminal_id, ring, clock)
    store.apply_feed_page(canteen.page())
    yield store
    store.close()


@pytest.fixture
def pay(store, canteen):
    """Write a face sale with its picture; ``None``: without one."""
    diner = canteen.diner()
    template = make_template(diner)
    store.apply_feed_page(
        canteen.page(
            ("diner", str(diner.id), diner), ("template", str(template.id), template),
            since=1, version=2,
        )
    )  # fmt: skip

    def write(jpeg=JPEG, at=NOON):
        sale = make_sale(canteen, diner, Tender.FACE).model_copy(update={"paid_at": at})
        picture = store.evidence.seal(sale, jpeg) if jpeg else None
        store.commit_sale(sale, DOC, picture)
        return sale

    return write


def ask(store, canteen, sale_id, terminal_id=None, version=3):
    request = EvidenceRequest(sale_id=sale_id, terminal_id=terminal_id or canteen.terminal_id)
    asked = item("evidence", str(sale_id), request, version)
    page = FeedPage(
        since=version - 1, version=version, items=(asked,), more=False, server_time=NOON
    )
    store.apply_feed_page(page)


def on_disk(tmp_path, needle):
    return [file.name for file in tmp_path.glob("till.db*") if needle in file.read_bytes()]


def test_a_picture_lies_sealed_beside_its_sale(store, pay, tmp_path):
    sale = pay()
    picture = store.evidence.picture(sale.id)
    assert open_sealed(KEY, picture.sealed, f"evidence:{sale.id}") == JPEG
    assert on_disk(tmp_path, JPEG[:200]) == []
    with pytest.raises(SealError):
        open_sealed(KEY, picture.sealed, context(uuid4()))


def test_of_a_diner_whose_consent_says_that_no_picture_is_kept_none_is(store, canteen):
    diner = canteen.diner()
    template = make_template(diner).model_copy(update={"consent_version": "2026-01"})
    items = (("diner", str(diner.id), diner), ("template", str(template.id), template))
    store.apply_feed_page(canteen.page(*items, since=1, version=2))
    sale = make_sale(canteen, diner, Tender.FACE)
    store.commit_sale(sale, DOC, store.evidence.seal(sale, JPEG))
    assert store.evidence.picture(sale.id).missing == "none_taken"
    assert store.journal.contains(sale.id)


def test_pictures_are_erased_when_their_days_are_over_and_leave_no_byte(
    store, pay, clock, tmp_path
):
    sale = pay()
    sealed = store._rows("SELECT sealed FROM evidence")[0]["sealed"][40:120]
    assert on_disk(tmp_path, sealed)
    clock.advance(timedelta(days=30).total_seconds() - 1)
    assert not store.tidy(clock.now())
    assert store.evidence.picture(sale.id).sealed
    clock.advance(2)
    assert store.tidy(clock.now())
    assert on_disk(tmp_path, sealed) == []
    assert store.evidence.picture(sale.id).missing == "erased"
    assert not store.tidy(clock.now())


def test_a_policy_without_evidence_erases_what_is_there(store, pay, canteen, clock):
    sale = pay()
    policy = canteen.policy.model_copy(update={"evidence_days": 0})
    store.apply_feed_page(canteen.page(("policy", "policy", policy), since=2, version=3))
    store.tidy(clock.now())
    assert store.evidence.picture(sale.id).missing == "erased"


def test_many_pictures_go_a_few_at_a_time(store, pay, clock):
    for _ in range(PORTION + 3):
        pay()
    clock.advance(timedelta(days=31).total_seconds())
    assert [store.tidy(clock.now()) for _ in range(3)] == [True, True, False]


def test_the_server_gets_the_pictures_that_it_asks_this_till_for(store, pay, canteen):
    sale, other = pay(), pay()
    ask(store, canteen, sale.id)
    ask(store, canteen, other.id, uuid4(), 4)
    assert store.evidence.wanted() == [sale.id]
    store.evidence.answered(sale.id)
    assert store.evidence.wanted() == []
    ask(store, canteen, sale.id, version=5)
    assert store.evidence.wanted() == [sale.id]
    gone = FeedPage(
        since=5, version=6, items=(item("evidence", str(sale.id), None, 6),), more=False,
        server_time=NOON,
    )  # fmt: skip
    store.apply_feed_page(gone)
    assert store.evidence.wanted() == []


def test_a_sale_without_a_picture_says_why(store, pay):
    assert store.evidence.picture(pay(None).id).missing == "none_taken"
    assert store.evidence.picture(uuid4()).missing == "none_taken"
    old = pay(None, NOON - timedelta(days=40))
    assert store.evidence.picture(old.id).missing == "erased"


def test_a_picture_under_an_old_key_is_sent_under_the_newest(store, pay, ring):
    sale = pay()
    fresh = new_key()
    ring._keys[2] = fresh
    picture = store.evidence.picture(sale.id)
    assert picture.epoch == 2
    assert open_sealed(fresh, picture.sealed, context(sale.id)) == JPEG
    ring.forget(1)
    assert store.evidence.picture(sale.id).missing == "unreadable"


# --- on its way from the camera to the file -------------------------------------------------------


@pytest.mark.parametrize("box", [(500, 200, 200, 260), (-40, -30, 300, 400), (1200, 600, 200, 300)])
def test_what_is_kept_is_the_face_and_a_little_around_it(box):
    picture = cv2.imdecode(np.frombuffer(evidence_jpeg(FRAME, box), np.uint8), cv2.IMREAD_COLOR)
    assert max(picture.shape[:2]) <= 640
    assert min(picture.shape[:2]) >= 100


def test_a_face_outside_the_frame_gives_no_picture_and_no_fault():
    assert evidence_jpeg(FRAME, None) is None
    assert evidence_jpeg(FRAME, (5000, 5000, 10, 10)) is None


class Sees:
    """Always the same diner."""

    def __init__(self):
        self.person = uuid4()

    def rules(self):
        return Rules(threshold=0.5, margin=0.1, has_liveness=True)

    def observe(self, _image, at):
        match = Match(self.person, 0.8, None, -1.0)
        return Observation(at, Verdict.OK, 1, (500, 200, 200, 260), 0.95, match)


@pytest.mark.parametrize("keep", [True, False])
def test_the_frame_that_decides_travels_with_the_decision_when_it_is_wanted(keep):
    found = []
    watch = FaceWatch(Sees(), "test", found.append, live=False)
    watch.start(1.0, keep=keep)
    for at in (1.0, 1.1, 1.2):
        watch.frame(FRAME, at)
    assert isinstance(found[-1], Recognised)
    assert (found[-1].picture is not None) is keep
    assert str(found[-1].picture) == "None" or "\\xff" not in repr(found[-1])


def write_by(till, sale, picture):
    return till._do(ev.WriteSale(sale, None, picture))(ev.Moment(0.0, NOON, uuid4()))


@pytest.fixture
def till(store, clock):
    return Till(store, clock)


@pytest.fixture
def face_sale(pay, canteen):
    diner_id = pay(None).diner_id
    diner = canteen.diner(id=diner_id)
    return make_sale(canteen, diner, Tender.FACE)


def test_a_face_payment_keeps_its_picture_and_a_card_payment_none(till, face_sale, store):
    assert isinstance(write_by(till, face_sale, JPEG), ev.SaleWritten)
    assert store.evidence.picture(face_sale.id).sealed
    card = face_sale.model_copy(update={"id": uuid4(), "tender": Tender.CARD})
    write_by(till, card, JPEG)
    assert store.evidence.picture(card.id).missing == "none_taken"


@pytest.mark.parametrize("fault", ["seal", "size"])
def test_a_picture_that_cannot_be_kept_never_stops_a_sale(
    till, face_sale, store, monkeypatch, fault
):
    picture = JPEG
    if fault == "seal":
        monkeypatch.setattr(store.evidence, "seal", lambda *_: 1 // 0)
    else:
        picture = bytes(400_000)
    assert isinstance(write_by(till, face_sale, picture), ev.SaleWritten)
    assert store.journal.contains(face_sale.id)


def test_a_disk_with_room_for_the_sale_alone_takes_the_sale(till, face_sale, store, monkeypatch):
    real = store.evidence.put

    def full(connection, sale, sealed):
        real(connection, sale, sealed)
        raise JournalError("the disk is full")

    monkeypatch.setattr(store.evidence, "put", full)
    assert isinstance(write_by(till, face_sale, JPEG), ev.SaleWritten)
    assert store.journal.contains(face_sale.id)
    assert store._rows("SELECT count(*) AS n FROM evidence")[0]["n"] == 0
    assert store.journal.read(0)[-1].body["code"] == "no_evidence"
