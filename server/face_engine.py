"""From photographs to references that may be enrolled, and to who it is; the door to ``vision``."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from uuid import UUID

import cv2
import numpy as np
import numpy.typing as npt

from dafan.errors import BadInputError
from vision.decide import Hint, decide
from vision.detect import Face
from vision.gallery import Gallery
from vision.images import BgrImage, decode_image
from vision.packs import Pack, load_pack
from vision.quality import ADVICE, ENROLMENT, Verdict
from vision.recognise import (
    Recogniser,
    RecogniserSettings,
    choose_payer,
    embed_face,
    find_in_photo,
)

Vector = npt.NDArray[np.float32]

_ENROLMENT = RecogniserSettings(ENROLMENT, rival=0.3)
"""A face a third as wide as the largest is a second person; a smaller one is far behind."""
_KEEP_AROUND = 1.0
"""Face widths and heights kept around the face: no more of the room than a new pack may need."""
_KEEP_SIDE = 800
_JPEG_QUALITY = 92
_BETWEEN = 0.3
"""Seconds between the pictures of one look."""


class PhotoError(BadInputError):
    """A photograph that cannot serve as reference; the code is the verdict, ``photo_dark``."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(f"please take another photo: {ADVICE[verdict]}", code=f"photo_{verdict}")
        self.verdict = verdict


@dataclass(frozen=True, eq=False)
class Reference:
    """What is kept of a photograph.

    Attributes:
        jpeg: The face and a little around it, written anew: no metadata of the camera.
        vector: (dim,) float32 of length 1.
        pack: The pack whose vector it is.
    """

    jpeg: bytes
    vector: Vector
    pack: str


@dataclass(frozen=True, slots=True)
class Sight:
    """What a look at a camera gave.

    Attributes:
        person: Who it is beyond doubt about the others; else ``None``.
        unsure: The face alone does not prove him: no liveness model, or it is not sure.
        hint: Where there is nobody: what to do, or that the face is nobody's or no living one.
    """

    person: UUID | None
    unsure: bool = False
    hint: Hint | None = None


class FaceEngine:
    """A model pack, loaded at the first photograph; safe for threads.

    Args:
        pack: Its name in the settings; unset: the default one, or what stands in for it.
    """

    def __init__(self, pack: str | None = None) -> None:
        self._name = pack
        self._lock = threading.Lock()
        self._pack: Pack | None = None

    @property
    def pack(self) -> Pack:
        """The pack; where the default's files are missing, the one that needs only PyPI.

        Raises:
            ModelError: its files are missing or damaged.
        """
        with self._lock:
            if self._pack is None:
                self._pack = load_pack(self._name)
            return self._pack

    @property
    def lookalike_similarity(self) -> float:
        """Cosine from which two people are not safely told apart by a till."""
        return self.pack.threshold - self.pack.margin

    def read(self, data: bytes, name: str = "the photo") -> Reference:
        """Decode an upload, judge it, and compute its vector.

        Args:
            data: The bytes of the file; never trusted.
            name: What to call it in an error.

        Raises:
            ImageError: too large, too many pixels, or no picture.
            PhotoError: no face, two faces, or not good enough to serve for years.
            ModelError: the model files are missing or damaged.
        """
        image = decode_image(data, name)
        pack = self.pack
        face, _, verdict = choose_payer(image, find_in_photo(pack, image), _ENROLMENT)
        if face is None or verdict is not Verdict.OK:
            raise PhotoError(verdict)
        return Reference(_encode(_around(image, face)), embed_face(pack, image, face)[0], pack.name)

    def look(self, frames: Sequence[bytes], known: Mapping[UUID, Vector]) -> Sight:
        """Who of a few people stands before a camera, by the rule of the tills.

        Args:
            frames: JPEG or PNG pictures of one look, in their order; one that repeats another
                comes from no living camera and is left out.
            known: Each person's vector, of this engine's pack.

        Raises:
            ImageError: too large, too many pixels, or no picture.
            ModelError: the model files are missing or damaged.
        """
        gallery = Gallery(self.pack.embedding_size)
        gallery.replace_all((person, person, vector) for person, vector in known.items())
        recogniser = Recogniser(self.pack, gallery)
        seen = [
            recogniser.observe(decode_image(data, "the picture"), at * _BETWEEN)
            for at, data in enumerate(dict.fromkeys(frames))
        ]
        rules = replace(recogniser.rules(), cues=False)  # the pictures are too far apart for them
        found = decide(seen, rules)
        if not isinstance(found.person_id, UUID):
            return Sight(None, hint=found.hint)
        return Sight(found.person_id, found.second_factor)

    def read_again(self, jpeg: bytes) -> Reference:
        """Compute the vector of a kept reference anew, by this pack; it was judged before.

        Raises:
            PhotoError: this pack's detector sees no face in it.
            ImageError: not a picture.
            ModelError: the model files are missing or damaged.
        """
        pack = self.pack
        image = decode_image(jpeg, "the kept photo")
        faces = find_in_photo(pack, image)
        if not faces:
            raise PhotoError(Verdict.NO_FACE)
        return Reference(jpeg, embed_face(pack, image, faces[0])[0], pack.name)


@lru_cache(maxsize=4)
def shared_engine(pack: str | None) -> FaceEngine:
    """The process's engine for a pack name: models are loaded once, not per request."""
    return FaceEngine(pack)


def _around(image: BgrImage, face: Face) -> BgrImage:
    height, width = image.shape[:2]
    left, right = face.x - _KEEP_AROUND * face.w, face.x + (1 + _KEEP_AROUND) * face.w
    top, bottom = face.y - _KEEP_AROUND * face.h, face.y + (1 + _KEEP_AROUND) * face.h
    part = image[
        max(0, int(top)) : min(height, int(bottom)), max(0, int(left)) : min(width, int(right))
    ]
    scale = _KEEP_SIDE / max(part.shape[:2])
    if scale < 1:
        part = np.asarray(
            cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8
        )
    return part


def _encode(image: BgrImage) -> bytes:
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    if not done:
        raise PhotoError(Verdict.NO_FACE)
    return data.tobytes()
