"""The vote on whether a face is live: the model over several frames, and cues beside it. Pure.

One rule: **the model may acquit, a cue may only doubt.** The middle score of the frames decides, so
that one frame's flip (a face that moves a few centimetres) decides neither way. A cue that speaks
for a picture (the grid of a screen, a face that moves as one plane, eyes that move behind holes)
takes the model's word down to "unsure", and the diner types his PIN; no cue makes a face live. So a
false alarm costs a PIN, never a meal, and a fooled cue makes nothing worse than the model alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median, median_low

from vision.motion import Motion


class Cue(StrEnum):
    """What speaks for a picture."""

    GRID = "grid"
    FLAT = "flat"
    HOLES = "holes"


class Liveliness(StrEnum):
    """What the vote says."""

    LIVE = "live"
    UNSURE = "unsure"
    NOT_LIVE = "not_live"


@dataclass(frozen=True, slots=True)
class Bounds:
    """The operating point, chosen on rendered presentations (``dafan vision pad``).

    Attributes:
        live: Middle score of the model from which a face passes by itself.
        not_live: ... below which it is refused.
        grid: Least peak of the spectrum (:func:`vision.moire.grid`), in the middle of the frames.
        moved: Distances between the eyes that a face must move before its motion says anything.
        bend: A face that bends no more than this moves as one plane.
        eyes: Eyes that change so many times more than the cheeks, in the usual pair of frames.
    """

    live: float = 0.8
    not_live: float = 0.3
    grid: float = 2.3
    moved: float = 0.05
    bend: float = 0.002
    eyes: float = 1.8


USUAL = Bounds()


@dataclass(frozen=True, slots=True)
class Vote:
    """The answer.

    Attributes:
        says: What follows.
        score: Middle score of the model; ``None`` where it has not seen every frame.
        cues: What speaks for a picture.
    """

    says: Liveliness
    score: float | None
    cues: frozenset[Cue] = frozenset()


def vote(
    scores: Sequence[float | None],
    grids: Sequence[float | None] = (),
    motion: Motion | None = None,
    bounds: Bounds = USUAL,
) -> Vote:
    """Judge the frames that showed one person.

    Args:
        scores: The model's, 0 to 1; a frame that it has not judged makes the face not live.
        grids: Peaks of their spectra, where a face was large enough.
        motion: How the face moved over them, where that can be told.
        bounds: The operating point.
    """
    known = [score for score in scores if score is not None]
    if not known or len(known) < len(scores):
        return Vote(Liveliness.NOT_LIVE, None)
    middle, cues = median(known), cues_of(grids, motion, bounds)
    if middle < bounds.not_live:
        return Vote(Liveliness.NOT_LIVE, middle, cues)
    sure = middle >= bounds.live and not cues
    return Vote(Liveliness.LIVE if sure else Liveliness.UNSURE, middle, cues)


def cues_of(
    grids: Sequence[float | None], motion: Motion | None, bounds: Bounds = USUAL
) -> frozenset[Cue]:
    """What speaks for a picture in these frames."""
    found = set()
    peaks = [peak for peak in grids if peak is not None]
    if peaks and median_low(peaks) >= bounds.grid:
        found.add(Cue.GRID)
    if motion is not None and motion.moved >= bounds.moved and motion.bend <= bounds.bend:
        found.add(Cue.FLAT)
    if motion is not None and motion.eyes >= bounds.eyes:
        found.add(Cue.HOLES)
    return frozenset(found)
