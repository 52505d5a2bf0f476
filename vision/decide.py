"""The decision rule: from what some frames showed to who pays, or what is missing. Pure.

A face pays when, within a short window, enough frames show the same person above the pack's
threshold and ahead of the next person, nobody else was recognised, one person alone stood in the
payment zone, and the vote over those frames says that the face is live (design, payment path 2).

Look-alikes who know of each other are one claim: neither is ahead of the other, and a vote may
swing between them, but both are asked for the second factor, which tells them apart.
"""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import fmean, median_low
from typing import Literal

from vision.cover import COVERED
from vision.gallery import Id, Match
from vision.motion import Glimpse, motion
from vision.pad_vote import Bounds, Liveliness, vote
from vision.quality import Verdict

LookAlikes = Callable[[Id], AbstractSet[Id]]
"""The people who were flagged at enrolment as too similar to somebody."""


def no_look_alikes(_person: Id) -> AbstractSet[Id]:
    """Nobody was flagged."""
    return frozenset()


@dataclass(frozen=True)
class Observation:
    """What one frame showed.

    Attributes:
        at: Seconds on any scale that never runs back.
        verdict: Whether the largest face can be judged; ``ok`` brings a match.
        faces: Comparable faces in the payment zone.
        box: The largest face: x, y, width, height in pixels.
        liveness: 0 to 1, or ``None`` without a liveness model or without a usable face.
        match: The gallery's answer for a usable face.
        ms: Milliseconds of each stage.
        grid: Peak of the face's spectrum, see :func:`vision.moire.grid`.
        cover: How little the lower face looks like skin, see :func:`vision.cover.cover`.
        glimpse: What is kept of the frame to tell how the face moves.
    """

    at: float
    verdict: Verdict
    faces: int = 0
    box: tuple[float, float, float, float] | None = None
    liveness: float | None = None
    match: Match | None = None
    ms: tuple[tuple[str, float], ...] = ()
    grid: float | None = None
    cover: float = 0.0
    glimpse: Glimpse | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Rules:
    """The figures to decide by.

    Attributes:
        threshold: Least similarity; the pack's.
        margin: Least lead over the next person; the pack's.
        has_liveness: The pack has a liveness model.
        agree: Frames that must show the same person (k).
        window: Frames that are looked back on (n).
        seconds: ... and no further back than this.
        live: Middle liveness of the agreeing frames from which a face passes by itself.
        not_live: ... below which it is refused; between the two the diner types a PIN.
        cues: Motion and the grid of a screen count. They mean nothing in frames that come from no
            lens, or that are far apart in time.
        patience: Frames of the person that may look like a picture before his face alone no longer
            pays at this look: whoever tries angles until one flips is asked for the PIN.
    """

    threshold: float
    margin: float
    has_liveness: bool
    agree: int = 3
    window: int = 5
    seconds: float = 2.0
    live: float = 0.8
    not_live: float = 0.3
    cues: bool = True
    patience: int = 8


class Reason(StrEnum):
    """Why a second factor is asked for."""

    LOOK_ALIKE = "look_alike"
    LIVENESS_UNSURE = "liveness_unsure"
    NO_LIVENESS_MODEL = "no_liveness_model"


class Hint(StrEnum):
    """What keeps the till from deciding; a screen translates it into what to do."""

    NO_FACE = "no_face"
    TWO_FACES = "two_faces"
    TOO_FAR = "too_far"
    OUTSIDE = "outside"
    TURNED = "turned"
    DARK = "dark"
    BRIGHT = "bright"
    BLURRED = "blurred"
    HOLD_STILL = "hold_still"
    COVERED = "covered"
    UNKNOWN = "unknown"
    NOT_LIVE = "not_live"


_HINT_OF: dict[Verdict, Hint] = {
    Verdict.OK: Hint.HOLD_STILL,
    Verdict.NO_FACE: Hint.NO_FACE,
    Verdict.TOO_SMALL: Hint.TOO_FAR,
    Verdict.OUTSIDE: Hint.OUTSIDE,
    Verdict.CUT_OFF: Hint.OUTSIDE,
    Verdict.TURNED: Hint.TURNED,
    Verdict.TILTED: Hint.TURNED,
    Verdict.DARK: Hint.DARK,
    Verdict.BRIGHT: Hint.BRIGHT,
    Verdict.BLURRED: Hint.BLURRED,
    Verdict.TWO_FACES: Hint.TWO_FACES,
}


@dataclass(frozen=True)
class Decision:
    """Who pays, or what is missing.

    Attributes:
        kind: ``person``, or ``none``: keep looking.
        hint: With ``none``: what to tell the diner.
        person_id: With ``person``: who.
        similarity: Mean over the agreeing frames.
        margin: Least lead over the next person among them.
        liveness: Middle of them; ``None`` without a model.
        frames: How many agreed.
        second_factor: The face alone does not pay: ask for the PIN (or card) as well.
        reasons: Why.
    """

    kind: Literal["none", "person"]
    hint: Hint | None = None
    person_id: Id | None = None
    similarity: float = 0.0
    margin: float = 0.0
    liveness: float | None = None
    frames: int = 0
    second_factor: bool = False
    reasons: frozenset[Reason] = frozenset()


def decide(
    observations: Sequence[Observation],
    rules: Rules,
    look_alikes: LookAlikes = no_look_alikes,
    *,
    suspect: bool = False,
) -> Decision:
    """Judge the frames seen so far.

    Args:
        observations: In order of time; older ones than the rules' window are left out.
        rules: The figures.
        look_alikes: Who was flagged at enrolment as too similar to somebody.
        suspect: Too much of this look was a picture: the face alone does not pay.
    """
    seen = _recent(observations, rules)
    if not seen:
        return _keep_looking(Hint.NO_FACE)
    if any(o.verdict is Verdict.TWO_FACES for o in seen):
        return _keep_looking(Hint.TWO_FACES)
    latest = seen[-1]
    if latest.verdict is not Verdict.OK:
        return _keep_looking(_HINT_OF[latest.verdict])
    accepted = [
        (o, o.match) for o in seen if o.match is not None and _accepted(o.match, rules, look_alikes)
    ]
    usable = sum(o.match is not None for o in seen)
    votes = Counter(match.person_id for _, match in accepted)
    if not votes:
        return _keep_looking(_stranger(seen) if usable >= rules.agree else Hint.HOLD_STILL)
    person = votes.most_common(1)[0][0]
    near = look_alikes(person) if person is not None else frozenset[Id]()
    agree = all(other == person or other in near for other in votes)
    if not agree or len(accepted) < rules.agree or latest.match is not accepted[-1][1]:
        told = _stranger(seen) if rules.cues else Hint.UNKNOWN
        hint = told if usable >= rules.window else Hint.HOLD_STILL
        return _keep_looking(hint)
    reasons = {Reason.LOOK_ALIKE} if near else set()
    if suspect:
        reasons.add(Reason.LIVENESS_UNSURE)
    return _judge_liveness(accepted, rules, person, reasons)


def _stranger(seen: Sequence[Observation]) -> Hint:
    """Why nobody was recognised, as far as the frames tell it."""
    covers = [o.cover for o in seen if o.match is not None]
    return Hint.COVERED if covers and median_low(covers) >= COVERED else Hint.UNKNOWN


def _recent(observations: Sequence[Observation], rules: Rules) -> list[Observation]:
    last = list(observations)[-rules.window :]
    return [o for o in last if last[-1].at - o.at <= rules.seconds]


def _accepted(match: Match, rules: Rules, look_alikes: LookAlikes) -> bool:
    """Over the threshold, and ahead of the next person unless they are known as look-alikes."""
    if match.person_id is None or match.similarity < rules.threshold:
        return False
    return match.margin >= rules.margin or match.second_id in look_alikes(match.person_id)


def _judge_liveness(
    accepted: Sequence[tuple[Observation, Match]],
    rules: Rules,
    person: Id | None,
    reasons: set[Reason],
) -> Decision:
    """The person is known; is it the person, and is the face enough?

    Liveness counts on the very frames that showed the person: a live stranger beside a photograph
    of somebody else lends it nothing.
    """
    liveness = None
    if not rules.has_liveness:
        reasons = reasons | {Reason.NO_LIVENESS_MODEL}
    else:
        told = [o for o, _ in accepted] if rules.cues else []
        found = vote(
            [o.liveness for o, _ in accepted],
            [o.grid for o in told],
            motion([o.glimpse for o in told if o.glimpse is not None]),
            Bounds(live=rules.live, not_live=rules.not_live),
        )
        if found.says is Liveliness.NOT_LIVE:
            return _keep_looking(Hint.NOT_LIVE)
        liveness = found.score
        if found.says is Liveliness.UNSURE:
            reasons = reasons | {Reason.LIVENESS_UNSURE}
    return Decision(
        kind="person",
        person_id=person,
        similarity=fmean(match.similarity for _, match in accepted),
        margin=min(match.margin for _, match in accepted),
        liveness=liveness,
        frames=len(accepted),
        second_factor=bool(reasons),
        reasons=frozenset(reasons),
    )


def _keep_looking(hint: Hint) -> Decision:
    return Decision(kind="none", hint=hint)


class Decider:
    """Keeps the window of frames for one tray; :meth:`reset` before the next one."""

    def __init__(self, rules: Rules, look_alikes: LookAlikes = no_look_alikes) -> None:
        self.rules = rules
        self.look_alikes = look_alikes
        self._window: deque[Observation] = deque(maxlen=rules.window)
        self._pictures = 0

    def add(self, observation: Observation) -> Decision:
        """Take in one frame and judge all that the window holds."""
        self._window.append(observation)
        live, match = observation.liveness, observation.match
        if live is not None and live < self.rules.not_live and match is not None:
            self._pictures += match.similarity >= self.rules.threshold
        suspect = self._pictures >= self.rules.patience
        return decide(list(self._window), self.rules, self.look_alikes, suspect=suspect)

    @property
    def oldest(self) -> float | None:
        """When the oldest frame of the window was taken; ``None`` while it is empty."""
        return self._window[0].at if self._window else None

    @property
    def usable(self) -> int:
        """Frames of the window that could be compared with somebody."""
        return sum(observation.match is not None for observation in self._window)

    def reset(self) -> None:
        """Forget every frame: what one diner showed never pays for the next."""
        self._window.clear()
        self._pictures = 0
