"""Nobody pays for whoever stands in front of him; look-alikes reach the PIN; the meal's list."""

from uuid import uuid4

import numpy as np
import pytest
from conftest_pos import NOON, Canteen, Hand
from pydantic import ValidationError

from dafan.clock import ManualClock
from dafan.config_place import PlaceSettings
from dafan.records import Group, MealRule
from pos import events as ev
from pos.facewatch import Advice, Changed, FaceWatch, Recognised
from pos.payment_zone import OTHERS, STRANGERS, Guard
from pos.store import TillStore
from pos.view import NoticeCode
from vision.decide import Observation, Rules, decide
from vision.detect import Face
from vision.gallery import Gallery, random_unit
from vision.quality import Verdict, payment
from vision.recognise import RecogniserSettings, choose_payer

RULES = Rules(threshold=0.5, margin=0.1, has_liveness=True)
BOX = (0.0, 0.0, 90.0, 90.0)
KEY = b"k" * 32


@pytest.fixture
def hand():
    return Hand(Canteen())


def seen(gallery, vector, at=0.0):
    return Observation(at, Verdict.OK, 1, BOX, 0.95, gallery.search(vector))


def people(count):
    """Some enrolled people, their vectors, and the gallery."""
    vectors = random_unit(count, 64, np.random.default_rng(5))
    gallery, ids = Gallery(64), [uuid4() for _ in range(count)]
    for person, vector in zip(ids, vectors, strict=True):
        gallery.add(person, person, vector)
    return gallery, ids, vectors


def face(x, width, height=640):
    points = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]], np.float32)
    y = height * 0.4 - width / 2
    return Face(x, y, width, width, points * width + np.array([x, y], np.float32), 0.9, 0.0)


def test_the_installer_says_where_the_payer_stands_and_how_near():
    rng = np.random.default_rng(2)
    frame = rng.integers(60, 190, (480, 640, 3), np.uint8)

    def look(one, **place):
        gate = payment(PlaceSettings(**place))
        return choose_payer(frame, [one], RecogniserSettings(gate))[2]

    left, far = face(80, 120), face(300, 70)
    assert look(left) is not Verdict.OUTSIDE
    assert look(left, zone=(0.3, 0.0, 0.7, 1.0)) is Verdict.OUTSIDE
    assert look(far) is not Verdict.TOO_SMALL
    assert look(far, face_px=90) is Verdict.TOO_SMALL


@pytest.mark.parametrize(
    "zone", [(0.6, 0, 0.4, 1), (0.4, 0, 0.5, 1), (-0.1, 0, 1, 1), (0, 0, 1, 1.2), (0, 0, 1)]
)
def test_a_zone_in_which_nobody_can_stand_is_refused(zone):
    with pytest.raises(ValidationError, match="zone"):
        PlaceSettings(zone=zone)


def test_the_narrowest_zone_may_lie_at_any_edge():
    for zone in ((0, 0, 0.2, 1), (0.8, 0, 1, 1), (0, 0.8, 1, 1), (0.4, 0.4, 0.6, 0.6)):
        assert PlaceSettings(zone=zone).zone == zone


def test_exactly_one_face_stands_in_the_zone():
    rng = np.random.default_rng(2)
    frame = rng.integers(60, 190, (480, 640, 3), np.uint8)
    settings = RecogniserSettings()

    def look(*faces):
        chosen, rivals, verdict = choose_payer(frame, sorted(faces, key=lambda f: -f.w), settings)
        return chosen and chosen.w, rivals, verdict

    grown_up, child = face(200, 230), face(470, 115)
    assert look(face(250, 170)) == (170, 1, Verdict.OK)
    assert look(face(150, 150), face(400, 140))[1:] == (2, Verdict.TWO_FACES)
    assert look(face(120, 120), face(350, 200))[1:] == (2, Verdict.TWO_FACES)
    assert look(grown_up, child)[1:] == (2, Verdict.TWO_FACES)
    assert look(face(250, 190), face(480, 75)) == (190, 1, Verdict.OK)
    assert look(face(600, 190), face(250, 100))[0] == 100
    assert look(face(610, 190))[2] is Verdict.OUTSIDE


def test_a_face_that_changes_while_the_seconds_run_is_told_and_a_turned_head_is_not():
    gallery, (payer, other), (own, others) = people(2)
    stranger = random_unit(1, 64, np.random.default_rng(99))[0]
    turned = Observation(0.0, Verdict.TURNED, 1, BOX)
    nobody = Observation(0.0, Verdict.NO_FACE)
    two = Observation(0.0, Verdict.TWO_FACES, 2, BOX)

    def told(*frames):
        guard = Guard(payer, RULES)
        return [guard.changed(frame) for frame in frames]

    mine, his, unknown = (seen(gallery, v) for v in (own, others, stranger))
    assert not any(told(mine, turned, nobody, unknown, unknown, mine, his, mine, his, mine))
    assert told(*[his] * OTHERS)[-1]
    assert told(*[two] * OTHERS)[-1]
    assert told(*[unknown] * STRANGERS)[-1]
    assert told(mine, his, nobody, his)[-1]
    twin = Guard(payer, RULES, lambda person: {other} if person == payer else set())
    assert not any(twin.changed(his) for _ in range(9))


def test_another_face_within_the_countdown_takes_the_payment_back(hand):
    diner = hand.person()
    hand.place(412).face(diner)
    assert ev.GuardFace(diner.id) in hand.effects
    hand.wait(0.5, 412).send(lambda at: ev.FaceChanged(at, uuid4()))
    assert hand.notice is not NoticeCode.FACE_CHANGED
    hand.send(lambda at: ev.FaceChanged(at, diner.id))
    assert hand.notice is NoticeCode.FACE_CHANGED
    assert hand.effects[-1] == ev.StopGuarding()
    behind = hand.person(name="乙丑", staff_no="1002")
    hand.wait(12, 412).face(behind).wait(3, 412)
    assert not hand.sales
    assert not hand.looking
    hand.press("way", way="face").face(diner).wait(2.2, 412)
    assert [sale.diner_id for sale in hand.sales] == [diner.id]


def test_who_pays_by_card_may_be_joined_by_anybody(hand):
    diner = hand.person()
    hand.place(412).card(diner).send(lambda at: ev.FaceChanged(at, diner.id)).wait(2.2, 412)
    assert hand.sales
    assert not any(isinstance(effect, ev.GuardFace) for effect in hand.effects)


class Sees:
    """A recogniser that sees what a test says."""

    def __init__(self):
        self.next = None
        self.rosters = []

    def rules(self):
        return RULES

    def observe(self, _image, at, roster=None):
        self.rosters.append(roster)
        return Observation(at, Verdict.OK, 1, BOX, 0.95, self.next)


def test_the_camera_goes_on_watching_the_payer_and_asks_the_roster_before():
    gallery, (payer, _), (own, others) = people(2)
    sees, told, roster = Sees(), [], frozenset({payer})
    watch = FaceWatch(sees, "test", told.append, live=False, roster=lambda: roster)
    frame = np.zeros((64, 64, 3), np.uint8)
    sees.next = gallery.search(own)
    watch.start(0.0)
    for n in range(3):
        watch.frame(frame, n * 0.1)
    assert isinstance(told[-1], Recognised)
    watch.stop()
    watch.guard(payer)
    sees.next = gallery.search(others)
    for n in range(3, 9):
        watch.frame(frame, n * 0.1)
    assert [one for one in told if not isinstance(one, Recognised | Advice)] == [Changed(payer)]
    assert sees.rosters[0] is roster
    assert sees.rosters[-1] is None
    watch.guard(payer)
    watch.guard(None)
    assert watch.frame(frame, 2.0) is None


def test_twins_swing_between_each_other_and_reach_the_second_factor():
    gallery, ids, vectors = people(5)
    rng = np.random.default_rng(7)
    twin, near = uuid4(), vectors[0] + 0.01 * rng.standard_normal(64, dtype=np.float32)
    gallery.add(twin, twin, near)
    frames = [
        seen(gallery, (vectors[0], near)[n % 2] + 0.02 * random_unit(1, 64, rng)[0], n * 0.1)
        for n in range(4)
    ]
    assert {frame.match.person_id for frame in frames} == {ids[0], twin}
    assert decide(frames, RULES).kind == "none"
    pair = {ids[0]: {twin}, twin: {ids[0]}}
    found = decide(frames, RULES, lambda person: pair.get(person, set()))
    assert found.second_factor
    assert found.person_id in {ids[0], twin}
    assert decide(frames, RULES, lambda _person: {ids[3]}).kind == "none"


def test_the_file_tells_look_alikes_and_who_eats_at_this_meal(tmp_path):
    canteen, clock = Canteen(), ManualClock(NOON, 10.0)
    guests = Group(id=uuid4(), name="访客", meals={"dinner": MealRule()})
    one = canteen.diner()
    other = canteen.diner(staff_no="1002", lookalikes=(one.id,))
    guest = canteen.diner(staff_no="1003", group_id=guests.id)
    store = TillStore(tmp_path / "till.db", canteen.terminal_id, KEY, clock)
    store.apply_feed_page(
        canteen.page(
            *(("diner", str(each.id), each) for each in (one, other, guest)),
            ("group", str(guests.id), guests),
        )
    )
    roster = store.roster
    assert roster.look_alikes(other.id) == {one.id}
    assert roster.look_alikes(one.id) == frozenset()
    assert roster.of_this_meal() == {one.id, other.id}
    assert roster.of_this_meal() is roster.of_this_meal()
    clock.advance(6 * 3600)
    assert roster.of_this_meal() == {guest.id}
    clock.advance(6 * 3600)
    assert roster.of_this_meal() is None
    store.close()
