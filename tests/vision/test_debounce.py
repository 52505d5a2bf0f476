"""Many looks, few incidents."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision.boxes import Box
from vision.debounce import PATIENCE, Debounce, Patience, Seen
from vision.persons import RULES

START = datetime(2026, 3, 2, 10, tzinfo=UTC)
COOK = Box(100, 50, 80, 200)


def at(seconds):
    return START + timedelta(seconds=seconds)


def sight(state, box=COOK, rule="no_mask", score=0.9):
    return Seen(box, {rule: state}, {rule: score})


def run(states, every=0.2, box=lambda _: COOK, rule="no_mask", start=0.0, debounce=None):
    debounce = debounce or Debounce("stove")
    told = []
    for number, state in enumerate(states):
        seen = [] if state is None else [sight(state, box(number), rule)]
        told += debounce.step(at(start + number * every), seen)
    return told


def test_every_rule_has_its_patience():
    assert PATIENCE.keys() == RULES.keys()


def test_one_wrong_frame_is_no_incident():
    assert run(["right"] * 10 + ["wrong"] + ["right"] * 30) == []
    assert run(["wrong"] * 9) == []  # 1.6 s: not followed long enough


def test_a_rule_broken_for_two_seconds_is_one_incident():
    (told,) = run(["wrong"] * 60)
    assert (told.camera, told.rule, told.track) == ("stove", "no_mask", 1)
    assert told.at == at(2)
    assert told.since == START
    assert told.wrong == told.judged == 11
    assert told.box == COOK
    assert told.score == 0.9


def test_seventy_per_cent_of_the_window_must_be_wrong():
    assert len(run((["wrong"] * 3 + ["right"]) * 10)) == 1
    assert run(["wrong", "right"] * 20) == []


def test_unknown_frames_count_neither_way():
    assert run(["unknown"] * 50) == []
    assert len(run(["wrong", "unknown", "unknown"] * 10)) == 1
    assert run((["wrong"] + ["unknown"] * 9) * 5) == []  # too few frames that say anything


def test_an_incident_is_told_once_in_the_cool_down_and_again_after_it():
    told = run(["wrong"] * 5 * 250)
    assert [t.at for t in told] == [at(2), at(122), at(242)]


def test_who_is_lost_and_comes_back_at_the_same_place_is_not_told_twice():
    debounce = Debounce("stove")
    assert len(run(["wrong"] * 20, debounce=debounce)) == 1
    assert run([None] * 20 + ["wrong"] * 30, start=5, debounce=debounce) == []
    elsewhere = run(
        ["wrong"] * 20, start=20, box=lambda _: Box(400, 50, 80, 200), debounce=debounce
    )
    assert len(elsewhere) == 1


def test_two_people_are_two_tracks_and_two_incidents():
    debounce, told = Debounce("stove"), []
    for number in range(20):
        other = Box(300 - 5 * number, 50, 80, 200)
        told += debounce.step(at(number * 0.2), [sight("wrong", other), sight("wrong")])
    assert sorted((t.track, t.rule) for t in told) == [(1, "no_mask"), (2, "no_mask")]


def test_somebody_who_walks_is_followed():
    (told,) = run(["wrong"] * 20, box=lambda n: COOK.moved(12 * n, 0))
    assert told.track == 1
    assert told.box.x == 100 + 12 * 10


def test_who_runs_through_is_nobody_long_enough():
    assert run(["wrong"] * 20, box=lambda n: COOK.moved(90 * n, 0)) == []


def test_a_bin_may_stand_open_for_half_a_minute():
    def one_a_second(states):
        return run(states, every=1, rule="bin_open")

    assert one_a_second(["wrong"] * 29) == []
    (told,) = one_a_second(["wrong"] * 60)
    assert told.at == at(30)
    assert one_a_second((["wrong"] * 20 + ["right"] * 20) * 3) == []


def test_a_bin_and_a_cook_before_it_are_not_one_track():
    debounce = Debounce("stove")
    debounce.step(at(0), [Seen(COOK, {"bin_open": "wrong"})])
    told = []
    for number in range(1, 20):
        told += debounce.step(at(number * 0.2), [sight("wrong")])
    assert [(t.rule, t.track) for t in told] == [("no_mask", 2)]


def test_a_camera_that_was_away_begins_anew():
    debounce = Debounce("stove")
    assert run(["wrong"] * 9, debounce=debounce) == []
    assert run(["wrong"] * 9, start=60, debounce=debounce) == []


def test_a_clock_set_back_begins_anew_and_raises_nothing():
    debounce = Debounce("stove")
    assert len(run(["wrong"] * 20, start=3600, debounce=debounce)) == 1
    (told,) = run(["wrong"] * 20, start=0, debounce=debounce)
    assert told.at == at(2)


def test_a_rule_that_is_not_watched_is_never_told():
    patience = {"phone": Patience(3, 1, 3, 0.5)}
    assert run(["wrong"] * 50, debounce=Debounce("stove", patience)) == []


@given(
    st.lists(st.sampled_from(["right", "wrong", "unknown", None]), max_size=200),
    st.sampled_from([0.1, 0.2, 0.5, 1.0]),
)
def test_incidents_keep_their_promises(states, every):
    told = run(states, every)
    patience = PATIENCE["no_mask"]
    for incident in told:
        assert incident.judged >= patience.frames
        assert incident.wrong >= patience.share * incident.judged
        assert (incident.at - incident.since).total_seconds() <= patience.window_s
    gaps = [(b.at - a.at).total_seconds() for a, b in pairwise(told)]
    assert all(gap >= patience.cool_down_s for gap in gaps)
    if "wrong" not in states:
        assert told == []


@pytest.mark.parametrize("quiet", [60, 300])
def test_the_cool_down_can_be_set(quiet):
    patience = {"no_mask": replace(PATIENCE["no_mask"], cool_down_s=quiet)}
    told = run(["wrong"] * 5 * 400, debounce=Debounce("stove", patience))
    assert {(b.at - a.at).total_seconds() for a, b in pairwise(told)} == {quiet}
