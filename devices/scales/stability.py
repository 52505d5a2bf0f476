"""Filters that make a weight trustworthy where its frames alone do not.

Both may only ever withhold or derive ``stable``; they never change a weight.
"""

from collections import deque
from dataclasses import replace
from typing import Protocol

from dafan.units import Grams
from devices.scales.driver import Driver
from devices.scales.reading import Reading

DIVISION = Grams(5)
"""The usual step of a 15 kg scale."""


class ReadingFilter(Protocol):
    """Judges each reading by those before it; the caller brings the time."""

    def apply(self, reading: Reading, at: float) -> Reading:
        """The reading with ``stable`` as judged; ``at`` is its arrival in monotonic seconds."""
        ...


class StabilityFilter:
    """Derives ``stable`` for scales that do not tell.

    A weight rests when all readings of the window lie within one division, the window is covered
    from end to end, it holds enough readings to mean something, and the weight itself was read
    before: the first frame of a tray that is being lifted may still lie within the division.

    Args:
        division: Grams by which resting readings may differ.
        window_s: Seconds that the weight must have rested.
        samples: Readings that the window must hold at least.
    """

    def __init__(
        self, *, division: Grams = DIVISION, window_s: float = 0.6, samples: int = 4
    ) -> None:
        self._division = division
        self._window_s = window_s
        self._samples = samples
        self._seen: deque[tuple[float, Grams]] = deque()

    def apply(self, reading: Reading, at: float) -> Reading:
        """The reading, stable if the whole window agrees with it."""
        seen = self._seen
        if reading.grams is None or (seen and at < seen[-1][0]):
            seen.clear()
        if reading.grams is None:
            return replace(reading, stable=False)
        seen.append((at, reading.grams))
        # Keep exactly one reading from before the window: it proves that the window is covered.
        while len(seen) > 1 and seen[1][0] <= at - self._window_s:
            seen.popleft()
        weights = [grams for _, grams in seen]
        rests = (
            at - seen[0][0] >= self._window_s
            and len(seen) >= self._samples
            and max(weights) - min(weights) <= self._division
            and weights.count(reading.grams) > 1
        )
        return replace(reading, stable=rests)


class TwiceAlike:
    """Lets a weight count only when two frames in a row say the same.

    For protocols without a block check: a digit lost or changed on the line makes a well-formed
    frame with a wrong weight, but not the same wrong weight twice.
    """

    def __init__(self) -> None:
        self._before: tuple[Grams | None, bool, bool, int] | None = None

    def apply(self, reading: Reading, at: float) -> Reading:
        """The reading, stable only if the one before it said the same."""
        del at
        now = (reading.grams, reading.stable, reading.net, len(reading.raw))
        alike = now == self._before
        self._before = now
        return reading if alike else replace(reading, stable=False)


class AsTold:
    """Believes the frame: it tells whether the weight rests, and its check proves it whole."""

    def apply(self, reading: Reading, at: float) -> Reading:
        """The reading as it is."""
        del at
        return reading


def filter_for(driver: Driver, division: Grams = DIVISION) -> ReadingFilter:
    """The filter that a protocol needs on a live line."""
    if not driver.says_stable:
        return StabilityFilter(division=division)
    return AsTold() if driver.has_checksum else TwiceAlike()
