"""From many looks to one incident: tracks, k of n, cool-down. Pure: it knows no clock, no pixels.

A frame is wrong now and then, a violation lasts. Somebody is followed from frame to frame by the
overlap of his box; a rule becomes an incident when he was seen long enough and most of the frames
in which something could be judged were wrong; then the rule is quiet for him, and at his place, for
a while. Durations follow the practice of kitchen cameras; no norm names figures.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from vision.boxes import Box

State = Literal["right", "wrong", "unknown"]


@dataclass(frozen=True)
class Patience:
    """How long a rule must be broken.

    Attributes:
        window_s: Frames of that many seconds count.
        age_s: Least time that somebody is followed before anything is said of him.
        frames: Least number of frames in the window in which the rule could be judged.
        share: Least share of those that are wrong.
        cool_down_s: After an incident the same track, or another at the same place, is quiet.
    """

    window_s: float
    age_s: float
    frames: int
    share: float
    cool_down_s: float = 120


WORN = Patience(window_s=3, age_s=2, frames=4, share=0.7)
"""Mask, hat, clothes: followed 2 s, absent in 70 % of 3 s."""
ACT = Patience(window_s=3, age_s=2, frames=4, share=0.6)
"""Phone, smoking: 2 to 3 s."""
THING = Patience(window_s=30, age_s=30, frames=10, share=0.8, cool_down_s=300)
"""A bin: 30 s."""

PATIENCE: Mapping[str, Patience] = {
    "no_mask": WORN,
    "no_hat": WORN,
    "no_clothes": WORN,
    "phone": ACT,
    "smoking": ACT,
    "bin_open": THING,
}


@dataclass(frozen=True)
class Seen:
    """One person or thing in one frame.

    Attributes:
        box: Where; all frames of a camera have the same size.
        states: What each rule says.
        scores: How sure a wrong one is.
    """

    box: Box
    states: Mapping[str, State]
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Incident:
    """A rule that was broken for long enough.

    Attributes:
        camera: Whose frames.
        rule: Which rule.
        track: Number of who or what was followed, per camera, from 1.
        since: First wrong frame of the window.
        at: The frame that made it sure.
        box: Where, in that frame.
        wrong: Wrong frames in the window.
        judged: Frames in the window in which the rule could be judged.
        score: Highest score in the window.
    """

    camera: str
    rule: str
    track: int
    since: datetime
    at: datetime
    box: Box
    wrong: int
    judged: int
    score: float


@dataclass
class _Track:
    number: int
    box: Box
    first: datetime
    last: datetime
    seen: dict[str, deque[tuple[datetime, bool, float]]] = field(default_factory=dict)


class Debounce:
    """Follows what one camera sees.

    Args:
        camera: Its name, for incidents.
        patience: How long each rule must be broken; rules not named are not watched.
        overlap: Least overlap of boxes of the same person in successive frames.
        lost_s: A track ends when nothing was seen of it for that long.
    """

    def __init__(
        self,
        camera: str,
        patience: Mapping[str, Patience] | None = None,
        overlap: float = 0.3,
        lost_s: float = 1.5,
    ) -> None:
        self._camera = camera
        self._patience = dict(PATIENCE if patience is None else patience)
        self._overlap = overlap
        self._lost = timedelta(seconds=lost_s)
        self._tracks: list[_Track] = []
        self._told: list[Incident] = []
        self._last: datetime | None = None
        self._count = 0

    def step(self, at: datetime, seen: Sequence[Seen]) -> list[Incident]:
        """Take in one frame.

        Args:
            at: When it was taken; aware. A time before the last frame's starts everything anew:
                the camera's clock was set back.
            seen: Everybody and everything in it.

        Returns:
            Incidents that this frame makes sure.
        """
        if self._last is not None and at < self._last:
            self._tracks.clear()
            self._told = [told for told in self._told if told.at <= at]
        self._last = at
        self._tracks = [track for track in self._tracks if at - track.last <= self._lost]
        self._told = [told for told in self._told if not self._cooled(told, at)]
        incidents = []
        for track, sight in self._follow(at, seen):
            for rule, state in sight.states.items():
                if rule in self._patience and state != "unknown":
                    row = (at, state == "wrong", sight.scores.get(rule, 0.0))
                    track.seen.setdefault(rule, deque()).append(row)
            for rule in track.seen:
                incident = self._judge(track, rule, at)
                if incident is not None:
                    incidents.append(incident)
                    self._told.append(incident)
        return incidents

    def _follow(self, at: datetime, seen: Sequence[Seen]) -> list[tuple[_Track, Seen]]:
        """Match by overlap, the best pair first; what matches nothing begins a track.

        A person and a thing never share a track: their rules differ.
        """
        pairs = [
            (track.box.overlap(sight.box), -t, -s)
            for t, track in enumerate(self._tracks)
            for s, sight in enumerate(seen)
            if not track.seen or not sight.states or track.seen.keys() & sight.states.keys()
        ]
        taken: dict[int, _Track] = {}
        used: set[int] = set()
        for overlap, minus_t, minus_s in sorted(pairs, reverse=True):
            if overlap < self._overlap:
                break
            if -minus_t not in used and -minus_s not in taken:
                used.add(-minus_t)
                taken[-minus_s] = self._tracks[-minus_t]
        followed = []
        for number, sight in enumerate(seen):
            track = taken.get(number)
            if track is None:
                self._count += 1
                track = _Track(self._count, sight.box, at, at)
                self._tracks.append(track)
            track.box, track.last = sight.box, at
            followed.append((track, sight))
        return followed

    def _judge(self, track: _Track, rule: str, at: datetime) -> Incident | None:
        patience = self._patience[rule]
        window = track.seen[rule]
        while window and (at - window[0][0]).total_seconds() > patience.window_s:
            window.popleft()
        wrong = [row for row in window if row[1]]
        if (
            not window
            or not window[-1][1]
            or window[-1][0] != at
            or (at - track.first).total_seconds() < patience.age_s
            or len(window) < patience.frames
            or len(wrong) < patience.share * len(window)
            or any(self._same(told, track, rule) for told in self._told)
        ):
            return None
        score = max(row[2] for row in wrong)
        return Incident(
            self._camera, rule, track.number, wrong[0][0], at, track.box,
            len(wrong), len(window), score,
        )  # fmt: skip

    def _same(self, told: Incident, track: _Track, rule: str) -> bool:
        """Whether this was told already: of this track, or of another that stands there."""
        there = told.box.overlap(track.box) >= self._overlap
        return told.rule == rule and (told.track == track.number or there)

    def _cooled(self, told: Incident, at: datetime) -> bool:
        return (at - told.at).total_seconds() >= self._patience[told.rule].cool_down_s
