"""Faces for the demo: six people of a dependency's sample image, varied as a camera would.

The picture is ``t1`` of the insightface package: a group photograph, so each face is only about
100 pixels wide. Nothing about a result is scripted here; recognition has to work on these frames.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from vision.errors import ImageError
from vision.images import BgrImage

Pixels = npt.NDArray[np.float32]

_IMAGE_SHAPE = (886, 1280, 3)
_BOXES = (
    (52, 266, 118, 133),
    (271, 147, 99, 129),
    (463, 266, 113, 150),
    (751, 346, 94, 126),
    (899, 57, 106, 140),
    (1132, 274, 95, 124),
)
"""x, y, width, height of the six faces, from left to right, as YuNet finds them."""

_TILTS = (-11.1, -18.8, 7.4, 3.0, -9.6, -1.5)
"""Slope of each eye line, degrees: a diner in front of a camera holds the head upright."""
_TURNED_AWAY = 4
"""This one looks aside, so no quality gate lets the face pay."""

LANDSCAPE = (640, 480)
PORTRAIT = (480, 640)


@dataclass(frozen=True, eq=False)
class Sample:
    """One person of the sample image.

    Attributes:
        number: 0 to 5, from left to right.
        image: The person's part of the picture, BGR.
        face: Box of the face in it: x, y, width, height.
        tilt: Slope of the eye line, degrees; :func:`vary` takes it out.
        frontal: Looks at the camera; the one who does not is never recognised and pays otherwise.
    """

    number: int
    image: BgrImage
    face: tuple[float, float, float, float]
    tilt: float
    frontal: bool


def sample_faces() -> list[Sample]:
    """The six people, from left to right.

    Raises:
        ImageError: the installed insightface package brings another picture.
    """
    from insightface.data import get_image  # noqa: PLC0415 - takes 0.7 s, only the demo needs it

    picture = get_image("t1", use_cache=False)
    if picture is None or picture.shape != _IMAGE_SHAPE:
        raise ImageError(
            "the insightface package brings another sample image: install the locked one"
        )
    return [_cut(picture, number) for number in range(len(_BOXES))]


def _cut(picture: BgrImage, number: int) -> Sample:
    """A person with hair and shoulders; a neighbour's face is left out by :func:`vary`'s mask."""
    x, y, w, h = _BOXES[number]
    height, width = picture.shape[:2]
    left, right = max(0, int(x - 0.75 * w)), min(width, int(x + 1.75 * w))
    top, bottom = max(0, int(y - 0.6 * h)), min(height, int(y + 3.2 * h))
    return Sample(
        number,
        picture[top:bottom, left:right].copy(),
        (x - left, y - top, w, h),
        _TILTS[number],
        number != _TURNED_AWAY,
    )


@dataclass(frozen=True)
class Variation:
    """What one frame does to a person.

    Attributes:
        face_width: Width of the face in the frame, pixels.
        centre: Where the face's centre lies, as parts of the frame.
        angle: Rotation, degrees.
        gain: Light; 1 leaves it.
        warmth: Colour of the light; 0 leaves it.
        blur: Gaussian sigma, pixels.
        noise: Gaussian sigma, grey levels.
        room: Seed of the background.
    """

    face_width: float = 170
    centre: tuple[float, float] = (0.5, 0.46)
    angle: float = 0.0
    gain: float = 1.0
    warmth: float = 0.0
    blur: float = 0.0
    noise: float = 1.0
    room: int = 0


ENROLMENT = Variation()
"""How a reference photograph is taken: near, upright, in good light."""


def random_variation(rng: np.random.Generator) -> Variation:
    """How a diner happens to stand: distance, place, tilt, light, focus."""
    return Variation(
        face_width=float(rng.uniform(125, 185)),
        centre=(float(rng.uniform(0.4, 0.6)), float(rng.uniform(0.4, 0.52))),
        angle=float(rng.normal(0, 3.5)),
        gain=float(rng.uniform(0.7, 1.2)),
        warmth=float(rng.normal(0, 0.05)),
        blur=float(rng.uniform(0, 0.7)),
        noise=float(rng.uniform(1, 4)),
        room=int(rng.integers(4)),
    )


def jitter(base: Variation, rng: np.random.Generator) -> Variation:
    """The next frame of a person who stands as before: small movements, fresh noise."""
    return Variation(
        face_width=base.face_width * float(rng.normal(1, 0.01)),
        centre=(
            base.centre[0] + float(rng.normal(0, 0.006)),
            base.centre[1] + float(rng.normal(0, 0.006)),
        ),
        angle=base.angle + float(rng.normal(0, 0.7)),
        gain=base.gain * float(rng.normal(1, 0.01)),
        warmth=base.warmth,
        blur=base.blur,
        noise=base.noise,
        room=base.room,
    )


def vary(
    sample: Sample,
    rng: np.random.Generator,
    variation: Variation | None = None,
    size: tuple[int, int] = LANDSCAPE,
) -> BgrImage:
    """A camera frame of a person; the same seed gives the same frame.

    Args:
        sample: Who.
        rng: Draws the variation, where none is given, and the noise.
        variation: How the person stands.
        size: Width and height of the frame.

    Returns:
        (height, width, 3) uint8 BGR.
    """
    how = variation or random_variation(rng)
    x, y, w, h = sample.face
    scale = how.face_width / w
    matrix = cv2.getRotationMatrix2D((x + w / 2, y + h / 2), how.angle + sample.tilt, scale)
    matrix[0, 2] += how.centre[0] * size[0] - (x + w / 2)
    matrix[1, 2] += how.centre[1] * size[1] - (y + h / 2)
    person = cv2.warpAffine(
        sample.image, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    mask = cv2.warpAffine(_silhouette(sample), matrix, size, flags=cv2.INTER_LINEAR)[..., None]
    frame = person * mask + _hall(how.room, size) * (1 - mask)
    return through_lens(frame, how, rng)


def empty_frame(room: int = 0, size: tuple[int, int] = LANDSCAPE) -> BgrImage:
    """What the camera sees when nobody stands there: an out-of-focus hall."""
    return _hall(room, size).astype(np.uint8)


@lru_cache(maxsize=8)
def _hall(room: int, size: tuple[int, int]) -> Pixels:
    """(height, width, 3) 0 to 255, BGR; the same picture for the same seed."""
    rng = np.random.default_rng(1000 + room)
    width, height = size
    column = np.linspace(1.1, 0.75, height)[:, None, None]
    wall = np.array(rng.uniform([150, 160, 165], [190, 200, 205]))
    image = np.broadcast_to(column * wall, (height, width, 3)).astype(np.float32).copy()
    for _ in range(12):
        left, top = rng.uniform(0, width), rng.uniform(0.1 * height, height)
        corner = (int(left + rng.uniform(30, 160)), int(top + rng.uniform(20, 140)))
        colour = tuple(float(c) for c in wall * rng.uniform(0.5, 1.1) * rng.uniform(0.92, 1.08, 3))
        cv2.rectangle(image, (int(left), int(top)), corner, colour, -1)
    return np.asarray(np.clip(cv2.GaussianBlur(image, (0, 0), 9), 0, 255), np.float32)


@lru_cache(maxsize=8)
def _silhouette(sample: Sample) -> Pixels:
    """(height, width) 0 to 1: head, neck and shoulders, soft at the edge."""
    x, y, w, h = sample.face
    mask = np.zeros(sample.image.shape[:2], np.float32)
    head = (int(x + w / 2), int(y + 0.42 * h))
    cv2.ellipse(mask, head, (int(0.72 * w), int(0.8 * h)), 0, 0, 360, 1.0, -1)
    shoulders = (int(x + w / 2), int(y + 2.05 * h))
    cv2.ellipse(mask, shoulders, (int(1.15 * w), int(1.0 * h)), 0, 0, 360, 1.0, -1)
    chest = (int(x - 0.65 * w), int(y + 2.05 * h)), (int(x + 1.65 * w), len(mask))
    cv2.rectangle(mask, *chest, 1.0, -1)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 0.03 * w), np.float32)


def through_lens(frame: Pixels, how: Variation, rng: np.random.Generator) -> BgrImage:
    """Light, focus, sensor noise and the camera's JPEG."""
    frame = frame * (how.gain * np.array([1 - how.warmth, 1, 1 + how.warmth], np.float32))
    if how.blur > 0:
        frame = np.asarray(cv2.GaussianBlur(frame, (0, 0), max(how.blur, 0.1)), np.float32)
    down, right = (int(offset) for offset in rng.integers(0, _GRAIN_SPARE, 2))
    grain = _grain(frame.shape)[down : down + len(frame), right : right + frame.shape[1]]
    image = np.clip(frame + grain * np.float32(how.noise), 0, 255).astype(np.uint8)
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


_GRAIN_SPARE = 256


@lru_cache(maxsize=2)
def _grain(shape: tuple[int, ...]) -> Pixels:
    """Noise of sigma 1, larger than a frame: each frame takes its own piece. Drawing is slow."""
    larger = (shape[0] + _GRAIN_SPARE, shape[1] + _GRAIN_SPARE, *shape[2:])
    return np.random.default_rng(7).standard_normal(larger, dtype=np.float32)
