"""Camera frames in, hints and persons out, and only while there is something to pay."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

import cv2
import numpy as np
from numpy.typing import NDArray

from dafan.records import FaceEvidence
from pos.payment_zone import Guard
from pos.view import NoticeCode
from vision.decide import (
    Decider,
    Decision,
    Hint,
    LookAlikes,
    Observation,
    Reason,
    Rules,
    no_look_alikes,
)
from vision.gallery import Id
from vision.quality import Verdict

if TYPE_CHECKING:  # loads the models' runtime
    from vision.recognise import Scene

PICTURE_WIDTH = 480
WHOLE_WIDTH = 960
"""Pixels of the picture by which a camera is aimed."""
JPEG_QUALITY = 80
EVIDENCE_SIDE = 640
"""Pixels along the longer edge of a picture that is kept for a dispute."""
EVIDENCE_QUALITY = 75
EVIDENCE_MARGIN = 0.8
"""Of the face's width and height, added on every side: hair, collar, and who stands beside."""

log = logging.getLogger(__name__)

_CODES: dict[Hint, NoticeCode | None] = {
    Hint.HOLD_STILL: None,
    Hint.NO_FACE: NoticeCode.NO_FACE,
    Hint.TWO_FACES: NoticeCode.TWO_FACES,
    Hint.TOO_FAR: NoticeCode.TOO_FAR,
    Hint.OUTSIDE: NoticeCode.OFF_CENTRE,
    Hint.TURNED: NoticeCode.TURNED_AWAY,
    Hint.DARK: NoticeCode.TOO_DARK,
    Hint.BRIGHT: NoticeCode.TOO_DARK,
    Hint.BLURRED: NoticeCode.BLURRED,
    Hint.COVERED: NoticeCode.FACE_COVERED,
    Hint.UNKNOWN: NoticeCode.UNKNOWN_FACE,
    Hint.NOT_LIVE: NoticeCode.NOT_LIVE,
}


def everybody() -> frozenset[Id] | None:
    """No roster: whoever is enrolled may pay by face."""
    return None


class Recognises(Protocol):
    """The part of :class:`vision.recognise.Recogniser` that a till uses."""

    def observe(self, image: Any, at: float, roster: frozenset[Id] | None = None) -> Observation:
        """Look at one frame; only the people of the roster may be found."""
        ...

    def rules(self) -> Rules:
        """The figures to decide by."""
        ...

    def survey(self, image: Any) -> "Scene":
        """Who stands in a frame, and who of them may pay."""
        ...


@dataclass(frozen=True, slots=True)
class Recognised:
    """The frames since ``since`` agree on a person."""

    since: float
    diner_id: UUID
    evidence: FaceEvidence
    doubt: NoticeCode | None
    picture: bytes | None = field(default=None, repr=False)
    """The face in the frame that decided, a JPEG; where one is to be kept."""


@dataclass(frozen=True, slots=True)
class Advice:
    """No person yet."""

    code: NoticeCode | None
    progress: int


@dataclass(frozen=True, slots=True)
class Changed:
    """Somebody else stands where the payer stood."""

    diner_id: UUID


class FaceWatch:
    """Looks for a face between :meth:`start` and :meth:`stop`; frames come from a camera thread.

    While a payment runs, :meth:`guard` watches that nobody else takes the payer's place.

    Args:
        recogniser: Looks at frames.
        pack: Name of its pack, for the evidence.
        tell: Called from the camera's thread with what was found.
        live: Frames come from a lens: one that repeats the last is a hung camera, and is not
            looked at, so that the face of the diner before never pays. The cues of liveness, which
            need a lens, count only then.
        ask_without_liveness: Ask for the PIN where there is no liveness model; a demo may not.
        look_alikes: Who was flagged at enrolment as too similar to somebody.
        roster: Who may pay by face now; ``None``: everybody who is enrolled.
    """

    def __init__(
        self,
        recogniser: Recognises,
        pack: str,
        tell: Callable[[Recognised | Advice | Changed], None],
        *,
        live: bool = True,
        ask_without_liveness: bool = True,
        look_alikes: LookAlikes = no_look_alikes,
        roster: Callable[[], frozenset[Id] | None] = everybody,
    ) -> None:
        self._recogniser = recogniser
        self._rules = replace(recogniser.rules(), cues=live)
        self._pack = pack
        self._tell = tell
        self._live = live
        self._ask_without_liveness = ask_without_liveness
        self._lock = threading.Lock()
        self._look_alikes = look_alikes
        self._roster = roster
        self._decider = Decider(self._rules, look_alikes)
        self._since: float | None = None
        self._guard: Guard | None = None
        self._keep = False
        self._first_usable: float | None = None
        self._print = b""

    def start(self, at: float, *, keep: bool = False) -> None:
        """Look for a face in frames taken from now on; ``keep`` the picture of who is found."""
        with self._lock:
            self._since = at
            self._keep = keep
            self._first_usable = None
            self._decider.reset()

    def stop(self) -> None:
        """Identify nobody."""
        with self._lock:
            self._since = None

    def guard(self, payer: UUID | None) -> None:
        """Watch that nobody else takes the payer's place; ``None``: no longer."""
        with self._lock:
            self._guard = Guard(payer, self._rules, self._look_alikes) if payer else None

    @property
    def first_usable(self) -> float | None:
        """When the first frame with a usable face of this looking was taken."""
        return self._first_usable

    def survey(self, image: NDArray[np.uint8]) -> "Scene":
        """Who stands in a frame, as :meth:`frame` would judge it; nobody is looked for."""
        return self._recogniser.survey(image)

    def frame(self, image: NDArray[np.uint8], at: float) -> Observation | None:
        """Look at a frame, if it is wanted."""
        since, guard = self._since, self._guard
        if guard is None and (since is None or at < since):
            return None
        if self._repeats(image):
            return None
        roster = self._roster()
        if roster is None or guard is not None:
            seen = self._recogniser.observe(image, at)
        else:
            seen = self._recogniser.observe(image, at, roster)
        if guard is not None:
            return self._guarded(guard, seen)
        if since is None:
            return seen
        with self._lock:
            if self._since != since:
                return seen
            decision = self._decider.add(seen)
            if seen.verdict is Verdict.OK and self._first_usable is None:
                self._first_usable = at
            progress = min(1000, self._decider.usable * 1000 // self._rules.agree)
            oldest = self._decider.oldest or at
            keep = self._keep and decision.kind == "person"
        picture = evidence_jpeg(image, seen.box) if keep else None
        self._tell(self._found(decision, oldest, picture) or _advice(decision, progress))
        return seen

    def _guarded(self, guard: Guard, seen: Observation) -> Observation:
        with self._lock:
            changed = self._guard is guard and guard.changed(seen)
            if changed:
                self._guard = None
        if changed:
            self._tell(Changed(guard.payer))
        return seen

    def _repeats(self, image: NDArray[np.uint8]) -> bool:
        last, self._print = self._print, image[::16, ::16].tobytes()
        return self._live and last == self._print

    def _found(self, decision: Decision, since: float, picture: bytes | None) -> Recognised | None:
        if decision.kind != "person" or not isinstance(decision.person_id, UUID):
            return None
        liveness = decision.liveness
        evidence = FaceEvidence(
            pack=self._pack,
            similarity=_permille(decision.similarity),
            margin=_permille(decision.margin),
            liveness=None if liveness is None else _permille(liveness),
            frames=decision.frames,
        )
        doubt = self._doubt(decision)
        return Recognised(since, decision.person_id, evidence, doubt, picture)

    def _doubt(self, decision: Decision) -> NoticeCode | None:
        reasons = set(decision.reasons)
        if not self._ask_without_liveness:
            reasons.discard(Reason.NO_LIVENESS_MODEL)
        if Reason.LOOK_ALIKE in reasons:
            return NoticeCode.LOOKALIKE
        return NoticeCode.SECOND_FACTOR if reasons else None


class Picture:
    """The camera's newest picture, made small and into a JPEG only when somebody asks."""

    def __init__(self) -> None:
        self._image: NDArray[np.uint8] | None = None

    def put(self, image: NDArray[np.uint8]) -> None:
        """Keep a frame: height × width × 3, BGR."""
        self._image = image

    def clear(self) -> None:
        """The camera is gone."""
        self._image = None

    @property
    def image(self) -> NDArray[np.uint8] | None:
        """The newest frame itself."""
        return self._image

    def jpeg(self) -> bytes | None:
        """The picture, mirrored as people know themselves."""
        image = self._image
        return None if image is None else _jpeg(cv2.flip(_sized(image, PICTURE_WIDTH), 1))


def whole_jpeg(image: NDArray[np.uint8]) -> bytes | None:
    """A frame (height × width × 3, BGR) for whoever aims the camera: left is left."""
    return _jpeg(_sized(image, min(WHOLE_WIDTH, image.shape[1])))


def _sized(image: NDArray[np.uint8], width: int) -> Any:
    height = max(1, round(image.shape[0] * width / image.shape[1]))
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def _jpeg(image: Any) -> bytes | None:
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return data.tobytes() if done else None


def evidence_jpeg(
    image: NDArray[np.uint8], box: tuple[float, float, float, float] | None
) -> bytes | None:
    """The face of a frame with some of what is around it; ``None`` where it cannot be made.

    Args:
        image: Height × width × 3, BGR.
        box: The face: x, y, width, height in pixels.
    """
    if box is None:
        return None
    x, y, width, height = box
    left, top = max(0, int(x - EVIDENCE_MARGIN * width)), max(0, int(y - EVIDENCE_MARGIN * height))
    right, bottom = int(x + (1 + EVIDENCE_MARGIN) * width), int(y + (1 + EVIDENCE_MARGIN) * height)
    part = image[top : bottom + 1, left : right + 1]
    try:
        scale = min(1.0, EVIDENCE_SIDE / max(part.shape[:2]))
        small = cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        done, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, EVIDENCE_QUALITY])
    except (cv2.error, ZeroDivisionError) as error:
        log.warning("no picture of this payment can be kept: %s", error)
        return None
    return data.tobytes() if done else None


def _advice(decision: Decision, progress: int) -> Advice:
    return Advice(_CODES[decision.hint] if decision.hint else None, progress)


def _permille(value: float) -> int:
    return max(-1000, min(1000, round(value * 1000)))
