"""What people wear over a face, drawn over frames: masks, glasses, dim light; and what it costs."""

from collections.abc import Sequence
from enum import StrEnum
from statistics import median
from typing import Any

import cv2
import numpy as np

from vision.align import Points
from vision.cover import COVERED, cover
from vision.gallery import Vector
from vision.images import BgrImage
from vision.packs import Pack
from vision.quality import Verdict, assess
from vision.recognise import embed_face
from vision.samples import Sample, Variation, vary


class Wear(StrEnum):
    """What hides a part of a face, or its light."""

    NOTHING = "nothing"
    MASK = "mask"
    GLASSES = "glasses"
    SUNGLASSES = "sunglasses"
    DIM = "dim"


_MASKS = ((230, 224, 210), (205, 170, 110), (40, 38, 38))
"""White, blue and black, BGR."""


def put_on(image: BgrImage, points: Points, wear: Wear, number: int = 0) -> BgrImage:
    """The frame with it; ``number`` chooses among colours.

    Args:
        image: (height, width, 3) uint8 BGR.
        points: The five points of the bare face.
        wear: What.
        number: Which one.
    """
    if wear is Wear.NOTHING:
        return image
    if wear is Wear.DIM:
        noise = np.random.default_rng(number).normal(0, 6, image.shape)
        return np.clip(image * 0.4 + noise, 0, 255).astype(np.uint8)
    over = np.zeros(image.shape[:2], np.float32)
    left, right, nose, mouth_left, mouth_right = points.astype(np.float64)
    across = right - left
    if wear is Wear.MASK:
        down = (mouth_left + mouth_right) / 2 - (left + right) / 2
        bridge = nose - 0.25 * down
        corners = [
            left - 0.35 * across + 0.5 * down, bridge, right + 0.35 * across + 0.5 * down,
            mouth_right + 0.35 * across + 0.2 * down, (mouth_left + mouth_right) / 2 + 0.75 * down,
            mouth_left - 0.35 * across + 0.2 * down,
        ]  # fmt: skip
        cv2.fillPoly(over, [np.array(corners, np.int32)], 1.0, cv2.LINE_AA)
        return _paint(image, over, _MASKS[number % len(_MASKS)])
    size = 0.3 * float(np.hypot(*across))
    thick = -1 if wear is Wear.SUNGLASSES else max(2, int(0.12 * size))
    for eye in (left, right):
        at = (int(eye[0]), int(eye[1] + 0.1 * size))
        cv2.ellipse(over, at, (int(size), int(0.8 * size)), 0, 0, 360, 1.0, thick, cv2.LINE_AA)
    middle = (left + right) / 2
    start, end = middle - 0.2 * across, middle + 0.2 * across
    cv2.line(over, _whole(start), _whole(end), 1.0, max(2, int(0.1 * size)), cv2.LINE_AA)
    return _paint(image, over, (25, 22, 20))


def worn(pack: Pack, people: Sequence[Sample], each: int, seed: int) -> dict[str, Any]:
    """How alike people are to their own bare photograph with each thing on.

    Args:
        pack: The models.
        people: Who.
        each: Frames of each person and thing.
        seed: The same one gives the same frames.

    Returns:
        Thing → frames, without a usable face, over the pack's threshold, told as covered, and the
        lowest and middle similarity.
    """
    rng = np.random.default_rng(seed)
    found: dict[Wear, list[tuple[float, float] | None]] = {wear: [] for wear in Wear}
    for person in people:
        own = _look(pack, vary(person, rng, Variation()))
        for turn in range(each):
            frame = vary(person, rng)
            faces = pack.detector.detect(frame)
            if own is None or not faces:
                continue
            points = pack.detector.refine(frame, faces[0]).points
            for wear in Wear:
                seen = _look(pack, put_on(frame, points, wear, turn))
                alike = seen and (float(own[0] @ seen[0]), seen[1])
                found[wear].append(alike)
    return {wear.value: _told(rows, pack.threshold) for wear, rows in found.items()}


def _look(pack: Pack, image: BgrImage) -> tuple[Vector, float] | None:
    """Vector and cover of the largest face, where it is usable."""
    faces = pack.detector.detect(image)
    if not faces:
        return None
    face = pack.detector.refine(image, faces[0])
    if assess(image, face) is not Verdict.OK:
        return None
    return embed_face(pack, image, face)[0], cover(image, face.points)


def _told(rows: Sequence[tuple[float, float] | None], threshold: float) -> dict[str, Any]:
    seen = [row for row in rows if row is not None]
    alike = [similarity for similarity, _ in seen]
    return {
        "frames": len(rows),
        "unusable": len(rows) - len(seen),
        "recognised": sum(similarity >= threshold for similarity in alike),
        "told_as_covered": sum(hidden >= COVERED for _, hidden in seen),
        "lowest_similarity": round(min(alike), 3) if alike else None,
        "middle_similarity": round(median(alike), 3) if alike else None,
    }


def _paint(image: BgrImage, over: cv2.typing.MatLike, colour: tuple[int, int, int]) -> BgrImage:
    soft = cv2.GaussianBlur(over, (0, 0), 0.8)[..., None]
    shade = np.linspace(1.05, 0.85, image.shape[0])[:, None, None]
    return np.clip(image * (1 - soft) + np.array(colour) * shade * soft, 0, 255).astype(np.uint8)


def _whole(point: Points) -> tuple[int, int]:
    return int(point[0]), int(point[1])
