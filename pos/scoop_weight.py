"""When the weight of a pan rests: the median of frames that keep within one division. Pure."""

from dataclasses import dataclass
from statistics import median_low

from dafan.line import MAX_PAN_GRAMS
from dafan.units import Grams
from pos.events import Weighed

LEAST_FRAMES = 3
"""Fewer in the window are no rest, however well they agree."""

OFF_FRAMES = 3
"""So many in a row that say so, and the load has been off: one alone may be wrong."""


@dataclass(frozen=True, slots=True)
class PanWeight:
    """The last frames of a pan's scale.

    Attributes:
        frames: When each arrived and what it said, of the window and one before it.
        arrived: When the newest frame came that said something; times are of ``Moment.elapsed``.
        rest: What rests on the scale now; ``None``: it moves, or nobody knows.
        since: When the rest began.
        off: So many frames in a row said that the load is off: below zero, or a step lower. From
            :data:`OFF_FRAMES` on it stays so until somebody has looked.
    """

    frames: tuple[tuple[float, Grams], ...] = ()
    arrived: float = float("-inf")
    rest: Grams | None = None
    since: float = 0.0
    off: int = 0

    @property
    def newest(self) -> Grams | None:
        """The newest weight, at rest or not, for the display alone."""
        return self.frames[-1][1] if self.frames else None


def take(known: PanWeight, frame: Weighed, settle_s: float, e_grams: int, low: int) -> PanWeight:
    """What a frame makes of what is known.

    A garbled frame counts as lost. Overload and a weight below zero are never at rest. At rest is
    what the scale itself calls stable and what has kept within one division for the window.

    Args:
        known: The frames before.
        frame: The newest.
        settle_s: The window, seconds.
        e_grams: One division.
        low: So little, in grams, says that the load is off.
    """
    below = frame.negative or (frame.grams is not None and frame.grams < 0)
    if below or frame.over:
        return PanWeight((), frame.arrived, None, 0.0, known.off + 1 if below else known.off)
    grams = frame.grams
    if frame.garbled or grams is None or grams > MAX_PAN_GRAMS:
        return known
    stays = known.off if known.off >= OFF_FRAMES else 0
    off = known.off + 1 if grams <= low else stays
    begins = frame.arrived - settle_s
    first = 0
    for place, (arrived, _grams) in enumerate(known.frames):
        if arrived > begins:
            break
        first = place
    frames = (*known.frames[first:], (frame.arrived, grams))
    values = [each for _arrived, each in frames]
    rests = (
        frame.stable
        and len(frames) >= LEAST_FRAMES
        and frames[0][0] <= begins + 1e-6
        and max(values) - min(values) <= e_grams
    )
    if not rests:
        return PanWeight(frames, frame.arrived, None, 0.0, off)
    since = frames[0][0] if known.rest is None else known.since
    return PanWeight(frames, frame.arrived, median_low(values), since, off)
