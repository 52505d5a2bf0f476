"""One frame in, one observation out."""

import time
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from vision.align import align
from vision.cover import cover
from vision.decide import Observation, Rules
from vision.detect import FRAME_SIDE, Face
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
        faces = self.pack.detector.detect(image, self.settings.side)
        watch.lap("detect")
        face, rivals, verdict = choose_payer(image, faces, self.settings)
        watch.lap("quality")
        box = face.box if face else None
        if face is not None and verdict is not Verdict.TWO_FACES:
            face = self.pack.detector.refine(image, face)
            verdict = assess(image, face, self.settings.gate)
            watch.lap("refine")
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


def choose_payer(
    image: BgrImage, faces: Sequence[Face], settings: RecogniserSettings
) -> tuple[Face | None, int, Verdict]:
    """The largest face in the payment zone, how many there are comparable to it, and its verdict.

    A face outside the zone is named only when nobody is inside: whoever walks past pays nothing.
    """
    if not faces:
        return None, 0, Verdict.NO_FACE
    judged = [(face, assess(image, face, settings.gate)) for face in faces]
    inside = [(face, verdict) for face, verdict in judged if verdict is not Verdict.OUTSIDE]
    if not inside:
        return faces[0], 0, Verdict.OUTSIDE
    face, verdict = inside[0]
    least = min(settings.rival * face.w, settings.near)
    rivals = sum(other.w >= least for other, _ in inside)
    return face, rivals, Verdict.TWO_FACES if rivals > 1 else verdict


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
