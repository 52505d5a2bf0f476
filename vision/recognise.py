"""One frame in, one observation out."""

import time
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from vision.align import align
from vision.cover import cover
from vision.decide import Observation, Rules
from vision.detect import FRAME_SIDE, Detector, Face
from vision.embed import Vectors
from vision.errors import ImageError
from vision.gallery import Gallery, Id, Vector
from vision.images import BgrImage
from vision.moire import grid
from vision.motion import glimpse
from vision.packs import Pack
from vision.quality import ADVICE, ENROLMENT, PAYMENT, Gate, Verdict, assess


@dataclass(frozen=True)
class RecogniserSettings:
    """How frames are looked at.

    Attributes:
        gate: Least quality of a face that may pay.
        side: Pixels along the longest edge at which faces are looked for.
        rival: A second face in the zone counts as a second payer from this part of the first one's
            width; whoever queues behind is smaller.
        near: ... and so does any face of so many pixels, however large the first one is: a grown-up
            who leans over a child must not pay for it, nor the child for him.
    """

    gate: Gate = PAYMENT
    side: int = FRAME_SIDE
    rival: float = 0.6
    near: float = 110


class Standing(StrEnum):
    """Where a face is, as the rules of paying see it."""

    PAYER = "payer"
    """The largest in the zone."""
    RIVAL = "rival"
    """Also in the zone, and not clearly behind the payer: nobody pays."""
    BEHIND = "behind"
    """In the zone, but so small beside the payer's that it does not count."""
    OUTSIDE = "outside"


@dataclass(frozen=True, eq=False)
class Judged:
    """A face, and what the rules say of it.

    Attributes:
        face: In pixels of the frame.
        standing: Where it is.
        verdict: What is wrong with it first; ``OK`` of a face behind the payer's lets nobody pay.
    """

    face: Face
    standing: Standing
    verdict: Verdict


@dataclass(frozen=True, eq=False)
class Scene:
    """The faces of a frame as the rules of paying see them.

    Attributes:
        gate: What they were judged by.
        people: Every face, the largest first.
        verdict: ``OK``: ``face`` may pay; else why nobody may.
        rivals: How many faces compare to the payer's, his own counted.
        face: The face that the verdict is about, its points exact; ``None`` without any.
        box: Where that face was found at first, before anybody looked closely.
    """

    gate: Gate
    people: tuple[Judged, ...] = ()
    verdict: Verdict = Verdict.NO_FACE
    rivals: int = 0
    face: Face | None = None
    box: tuple[float, float, float, float] | None = None


class Recogniser:
    """Looks at frames with one pack and one gallery; keeps no state between frames.

    Args:
        pack: The models.
        gallery: Who is known.
        settings: How to look.
    """

    def __init__(
        self, pack: Pack, gallery: Gallery, settings: RecogniserSettings | None = None
    ) -> None:
        if gallery.dim != pack.embedding_size:
            raise ValueError(f"a gallery of {gallery.dim} numbers for pack {pack.name}")
        self.pack = pack
        self.gallery = gallery
        self.settings = settings or RecogniserSettings()
        self._beside = ThreadPoolExecutor(1, "liveness")

    def rules(self) -> Rules:
        """The pack's figures for :mod:`vision.decide`."""
        return Rules(self.pack.threshold, self.pack.margin, self.pack.liveness is not None)

    def survey(self, image: BgrImage) -> Scene:
        """Who stands in a frame, (height, width, 3) uint8 BGR, and who of them may pay."""
        return survey(self.pack.detector, image, self.settings)

    def observe(
        self, image: BgrImage, at: float, roster: AbstractSet[Id] | None = None
    ) -> Observation:
        """Look at one frame.

        The dear stages (liveness, embedding, search) run only on a face that passes the gate;
        liveness runs beside the other two, on a second core where there is one.

        Args:
            image: (height, width, 3) uint8 BGR.
            at: When it was taken, on the caller's scale.
            roster: Only these people may pay here and now.
        """
        watch = _Stopwatch()
        scene = survey(self.pack.detector, image, self.settings, watch.lap)
        face, box, verdict, rivals = scene.face, scene.box, scene.verdict, scene.rivals
        if face is None or box is None or verdict is not Verdict.OK:
            return Observation(at, verdict, rivals, box, ms=watch.laps())
        live = (
            self._beside.submit(self.pack.liveness.score, image, box)
            if self.pack.liveness
            else None
        )
        chip = align(image, face.points, self.pack.embedder.template)
        watch.lap("align")
        vector = self.pack.embedder.embed([chip])[0]
        watch.lap("embed")
        match = self.gallery.search(vector, roster)
        watch.lap("search")
        liveness = live.result() if live else None
        watch.lap("liveness")
        kept = glimpse(image, box, face.points)
        peak, hidden = grid(image, box), cover(image, face.points)
        watch.lap("cues")
        return Observation(
            at, verdict, rivals, box, liveness, match, watch.laps(), peak, hidden, kept
        )


def _unmeasured(_stage: str) -> None:
    """Nobody wants to know how long it took."""


def survey(
    detector: Detector,
    image: BgrImage,
    settings: RecogniserSettings,
    lap: Callable[[str], None] = _unmeasured,
) -> Scene:
    """Find the faces of a frame and judge each; the one that may pay is looked at closely.

    This is the one rule of who may pay: tills decide by it, and installers are shown it.

    Args:
        detector: Finds faces.
        image: (height, width, 3) uint8 BGR.
        settings: Where who pays has to stand.
        lap: Told of each stage that is done.
    """
    faces = detector.detect(image, settings.side)
    lap("detect")
    people = judge(image, faces, settings)
    lap("quality")
    if not people:
        return Scene(settings.gate)
    at = next((n for n, one in enumerate(people) if one.standing is Standing.PAYER), 0)
    chosen, box = people[at], people[at].face.box
    if chosen.verdict is not Verdict.TWO_FACES:
        face = detector.refine(image, chosen.face)
        verdict = assess(image, face, settings.gate)
        standing = Standing.OUTSIDE if verdict is Verdict.OUTSIDE else Standing.PAYER
        chosen = Judged(face, standing, verdict)
        lap("refine")
    rivals = _comparable(people)
    people = (*people[:at], chosen, *people[at + 1 :])
    return Scene(settings.gate, people, chosen.verdict, rivals, chosen.face, box)


def judge(
    image: BgrImage, faces: Sequence[Face], settings: RecogniserSettings
) -> tuple[Judged, ...]:
    """What the rules say of each of a frame's faces, which come with the largest first."""
    seen = [(face, assess(image, face, settings.gate)) for face in faces]
    inside = [face for face, verdict in seen if verdict is not Verdict.OUTSIDE]
    least = min(settings.rival * inside[0].w, settings.near) if inside else 0.0
    several = sum(face.w >= least for face in inside) > 1

    def judged(face: Face, verdict: Verdict) -> Judged:
        if verdict is Verdict.OUTSIDE:
            return Judged(face, Standing.OUTSIDE, verdict)
        if face.w < least:
            return Judged(face, Standing.BEHIND, verdict)
        standing = Standing.PAYER if face is inside[0] else Standing.RIVAL
        return Judged(face, standing, Verdict.TWO_FACES if several else verdict)

    return tuple(judged(face, verdict) for face, verdict in seen)


def choose_payer(
    image: BgrImage, faces: Sequence[Face], settings: RecogniserSettings
) -> tuple[Face | None, int, Verdict]:
    """The largest face in the payment zone, how many there are comparable to it, and its verdict.

    A face outside the zone is named only when nobody is inside: whoever walks past pays nothing.
    """
    people = judge(image, faces, settings)
    if not people:
        return None, 0, Verdict.NO_FACE
    payer = next((one for one in people if one.standing is Standing.PAYER), people[0])
    return payer.face, _comparable(people), payer.verdict


def _comparable(people: Sequence[Judged]) -> int:
    return sum(one.standing in {Standing.PAYER, Standing.RIVAL} for one in people)


def reference_vector(pack: Pack, image: BgrImage, gate: Gate = ENROLMENT) -> Vector:
    """The vector of an enrolment photograph: exactly one face, of good quality.

    Raises:
        ImageError: none, several, or a poor face; the text says what to do and ``code`` is the
            :class:`~vision.quality.Verdict`.
    """
    settings = RecogniserSettings(gate, rival=0.3)
    face, _, verdict = choose_payer(image, find_in_photo(pack, image), settings)
    if face is not None and verdict is not Verdict.TWO_FACES:
        face = pack.detector.refine(image, face)
        verdict = assess(image, face, gate)
    if face is None or verdict is not Verdict.OK:
        raise ImageError(f"the photo cannot be used: {ADVICE[verdict]}", code=verdict.value)
    return np.asarray(embed_face(pack, image, face)[0])


def find_in_photo(pack: Pack, image: BgrImage) -> list[Face]:
    """Faces of a photograph of unknown scale: looked for large first, then at a camera's scale."""
    return pack.detector.detect(image, 2 * FRAME_SIDE) or pack.detector.detect(image, FRAME_SIDE)


def embed_face(pack: Pack, image: BgrImage, face: Face) -> Vectors:
    """(1, size): the vector of one detected face."""
    return pack.embedder.embed([align(image, face.points, pack.embedder.template)])


class _Stopwatch:
    """Milliseconds between laps; only measures, decides nothing."""

    def __init__(self) -> None:
        self._laps: list[tuple[str, float]] = []
        self._since = time.perf_counter()

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self._laps.append((stage, (now - self._since) * 1000))
        self._since = now

    def laps(self) -> tuple[tuple[str, float], ...]:
        return tuple(self._laps)
