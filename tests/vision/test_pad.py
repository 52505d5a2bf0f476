"""Pictures of faces: the vote's rule, its cues on drawn frames, the counting."""

import cv2
import numpy as np
import pytest

from vision.decide import Decider, Hint, Observation, Reason, Rules
from vision.gallery import Match
from vision.moire import grid
from vision.motion import Motion, glimpse, motion
from vision.pad import interval, measure
from vision.pad_render import Kind, present
from vision.pad_vote import Cue, Liveliness, vote
from vision.quality import Verdict

STILL = Motion(moved=0.1, bend=0.02, beside=None, eyes=1.0)
POINTS = np.array([[60, 90], [120, 90], [90, 120], [70, 150], [110, 150]], np.float32)
BOX = (30.0, 40.0, 120.0, 150.0)


def texture(seed=1, side=300):
    rng = np.random.default_rng(seed)
    large = cv2.resize(rng.integers(0, 255, (40, 40), np.uint8), (side, side))
    return np.asarray(cv2.cvtColor(large, cv2.COLOR_GRAY2BGR), np.uint8)


def shifted(image, dx, dy):
    matrix = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
    return cv2.warpAffine(image, matrix, image.shape[1::-1], borderMode=cv2.BORDER_REFLECT)


@pytest.mark.parametrize("flip", range(5))
def test_one_frame_that_flips_decides_neither_way(flip):
    live, picture = [0.95] * 5, [0.02] * 5
    live[flip], picture[flip] = 0.01, 0.99
    assert vote(live).says is Liveliness.LIVE
    assert vote(picture).says is Liveliness.NOT_LIVE


def test_a_cue_takes_a_live_vote_to_the_pin_and_never_makes_a_picture_live():
    flat = Motion(moved=0.2, bend=0.001, beside=0.01, eyes=0.7)
    holes = Motion(moved=0.1, bend=0.02, beside=None, eyes=4.0)
    for grids, seen, cue in (
        ([3.0] * 3, None, Cue.GRID),
        ([], flat, Cue.FLAT),
        ([], holes, Cue.HOLES),
    ):
        found = vote([0.99] * 3, grids, seen)
        assert (found.says, found.cues) == (Liveliness.UNSURE, {cue})
    assert vote([0.99] * 3, [1.5] * 3, STILL).says is Liveliness.LIVE
    assert vote([0.1] * 3, [1.0] * 3, STILL).says is Liveliness.NOT_LIVE
    assert vote([0.9, None, 0.9]).says is Liveliness.NOT_LIVE
    assert vote([]).says is Liveliness.NOT_LIVE


def test_a_sheet_moves_as_one_plane_and_a_thing_at_rest_tells_nothing():
    paper = texture()
    moved = motion([glimpse(shifted(paper, 4 * n, n), BOX, POINTS) for n in range(4)])
    assert moved.moved > 0.15
    assert moved.bend < 0.002
    still = motion([glimpse(paper, BOX, POINTS)] * 4)
    assert still.moved < 0.01
    assert Cue.FLAT in vote([1.0] * 3, motion=moved).cues
    assert not vote([1.0] * 3, motion=still).cues
    assert motion([]) is None


def test_eyes_that_move_behind_holes_are_seen_and_one_blink_is_not_taken_for_them():
    paper, other = texture(), texture(2)

    def frame(n, *, swap):
        image = shifted(paper, 2 * n, 0)
        for x in (60, 120):
            if swap:
                image[82:98, x + 2 * n - 12 : x + 2 * n + 12] = other[n * 20 : n * 20 + 16, :24]
        return glimpse(image, BOX, POINTS + np.array([2 * n, 0], np.float32))

    holes = motion([frame(n, swap=True) for n in range(5)])
    blink = motion([frame(n, swap=n == 4) for n in range(5)])
    assert Cue.HOLES in vote([1.0] * 3, motion=holes).cues
    assert Cue.HOLES not in vote([1.0] * 3, motion=blink).cues


def test_the_grid_of_a_screen_stands_out_and_soft_noise_does_not():
    rng = np.random.default_rng(4)
    skin = np.clip(128 + rng.normal(0, 6, (300, 300, 3)), 0, 255).astype(np.float32)
    wave = 12 * np.sin(2 * np.pi * np.add.outer(0.23 * np.arange(300), 0.17 * np.arange(300)))
    assert grid(skin.astype(np.uint8), BOX) < 2
    assert grid(np.clip(skin + wave[..., None], 0, 255).astype(np.uint8), BOX) > 2.3
    assert grid(skin.astype(np.uint8), (10, 10, 40, 40)) is None


def test_whoever_tries_until_a_frame_flips_is_asked_for_the_pin():
    decider = Decider(Rules(threshold=0.5, margin=0.1, has_liveness=True, patience=4))
    match = Match("a", 0.8, "b", 0.1)
    for n in range(6):
        found = decider.add(Observation(n * 0.1, Verdict.OK, 1, BOX, 0.05, match))
        assert found.hint in {Hint.HOLD_STILL, Hint.NOT_LIVE}
    for n in range(6, 11):
        found = decider.add(Observation(n * 0.1, Verdict.OK, 1, BOX, 0.99, match))
    assert found.reasons == {Reason.LIVENESS_UNSURE}
    decider.reset()
    for n in range(20, 23):
        found = decider.add(Observation(n * 0.1, Verdict.OK, 1, BOX, 0.99, match))
    assert not found.second_factor


def test_the_interval_is_honest_about_few():
    assert interval(0, 10) == (0.0, 0.2775)
    assert interval(10, 10) == (0.7225, 1.0)
    low, high = interval(5, 10)
    assert low < 0.5 < high
    assert interval(0, 0) == (0.0, 1.0)


@pytest.mark.models
def test_rendered_attacks_are_counted_and_the_same_seed_gives_the_same_frames(pack, samples):
    once, again = (present(Kind.PRINT, samples, 0, 3, frames=1) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    found = measure(pack, samples[:1], each=1, seed=1, attacks=[Kind.PRINT])
    assert set(found["attacks"]) == {"print"}
    for row in (*found["attacks"].values(), found["bona_fide"]):
        told = ("no_response", "accepted", "asked_for_pin", "refused")
        assert sum(row[name] for name in told) == row["presentations"] == 1
    assert found["attacks"]["print"]["apcer"] == 0
    assert found["bona_fide"]["bpcer"] == 0
    assert found["worn"]["nothing"]["recognised"] == 1
    assert found["worn"]["mask"]["recognised"] == 0
    assert "no certification" in found["disclaimer"].replace("\n", " ")
