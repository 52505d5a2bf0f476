"""Does it move like a head or like a sheet: what corresponding points of some frames tell. Pure.

A picture, whatever it shows, is one plane: from frame to frame all its points follow one
homography, and so does what is printed around the face. A head bends (a nose comes nearer than an
ear), blinks, and moves before a background that stays. All of it needs motion: a thing at rest
tells nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median_low
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from vision.align import Points
from vision.images import BgrImage

WIDEST = 640
"""Pixels along the longer edge at which motion is followed."""
_CORNERS = 70
_LEAST_CORNERS = 14
_BACKWARDS_PX = 0.7
"""A point that does not come back to within this is lost."""
_OUTLIER = 0.2
"""Of the distance between the eyes: no single point counts for more."""
_FLOW: dict[str, Any] = {"winSize": (15, 15), "maxLevel": 2}

Grey = npt.NDArray[np.uint8]
Track = npt.NDArray[np.float32]
Box = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Glimpse:
    """What is kept of a frame to compare it with the next ones.

    Attributes:
        grey: The frame in grey, at most :data:`WIDEST` pixels along its longer edge.
        box: The face in it: x, y, width, height.
        points: Its five points, see :data:`vision.align.Points`.
    """

    grey: Grey
    box: Box
    points: Points


@dataclass(frozen=True, slots=True)
class Motion:
    """How a face moved over some frames; lengths in distances between the eyes.

    Attributes:
        moved: Most that the face moved from the first frame.
        bend: Root mean square of what one homography does not explain within the face, there.
        beside: Median of the same, by the same homography, of the points around the face; ``None``
            where nothing around it can be followed.
        eyes: Change of the eye regions from frame to frame after the face's own homography, over
            that of the cheeks: the usual pair of frames, so that one blink does not count.
    """

    moved: float
    bend: float
    beside: float | None
    eyes: float


def glimpse(image: BgrImage, box: Box, points: Points) -> Glimpse:
    """Keep of a frame what :func:`motion` needs.

    Args:
        image: (height, width, 3) uint8 BGR.
        box: The face: x, y, width, height in pixels.
        points: Its five points.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    scale = min(1.0, WIDEST / max(grey.shape))
    if scale < 1:
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    x, y, w, h = (side * scale for side in box)
    return Glimpse(np.asarray(grey, np.uint8), (x, y, w, h), points * np.float32(scale))


def motion(glimpses: Sequence[Glimpse]) -> Motion | None:
    """Follow corners from frame to frame; the frame that moved most from the first is judged.

    Returns:
        ``None`` where fewer than two frames, or too few corners, can be compared.
    """
    same = [one for one in glimpses if one.grey.shape == glimpses[0].grey.shape]
    if len(same) < 2:
        return None
    first, window = same[0], _window(same[0])
    distance = float(np.hypot(*(first.points[1] - first.points[0])))
    inner, around = _corners(first, _face_mask(first)), _corners(first, _ring_mask(first))
    if distance < 1:
        return None
    start = np.concatenate([inner, around])
    of_face: npt.NDArray[np.bool_] = np.arange(len(start)) < len(inner)
    now, eyes = start, list[float]()
    best: Motion | None = None
    for one, other in pairwise(same):
        if of_face.sum() < _LEAST_CORNERS:
            return best
        then, kept = _follow(one.grey[window], other.grey[window], now, window)
        eyes.append(_eyes_changed(one, other, now[kept & of_face], then[kept & of_face]))
        start, now, of_face = start[kept], then[kept], of_face[kept]
        found = _judge(start, now, of_face, distance, eyes)
        if found is not None and (best is None or found.moved > best.moved):
            best = found
    return best and replace(best, eyes=median_low(eyes))


def _judge(
    start: Track, now: Track, of_face: npt.NDArray[np.bool_], distance: float, eyes: list[float]
) -> Motion | None:
    if of_face.sum() < _LEAST_CORNERS:
        return None
    plane, _ = cv2.findHomography(start[of_face], now[of_face], cv2.RANSAC, 3.0)
    if plane is None:
        return None
    left = _left_over(np.asarray(plane, np.float64), start, now) / distance
    beside = left[~of_face]
    return Motion(
        moved=float(np.median(np.linalg.norm((now - start)[of_face], axis=-1))) / distance,
        bend=float(np.sqrt(np.mean(np.minimum(left[of_face], _OUTLIER) ** 2))),
        beside=float(np.median(beside)) if len(beside) >= _LEAST_CORNERS else None,
        eyes=median_low(eyes),
    )


def _corners(seen: Glimpse, mask: Grey) -> Track:
    found = cv2.goodFeaturesToTrack(seen.grey, _CORNERS, 0.01, 4, mask=mask)
    return np.empty((0, 1, 2), np.float32) if found is None else np.asarray(found, np.float32)


def _follow(
    one: Grey, other: Grey, corners: Track, window: tuple[slice, slice]
) -> tuple[Track, npt.NDArray[np.bool_]]:
    """Where corners went, and which are found again both forwards and backwards."""
    off = np.array([window[1].start, window[0].start], np.float32)
    here = corners - off
    there, found, _ = cv2.calcOpticalFlowPyrLK(one, other, here, np.empty_like(here), **_FLOW)
    back, again, _ = cv2.calcOpticalFlowPyrLK(other, one, there, np.empty_like(here), **_FLOW)
    error = np.linalg.norm(back - here, axis=-1).reshape(-1)
    kept = (found.reshape(-1) == 1) & (again.reshape(-1) == 1) & (error < _BACKWARDS_PX)
    return np.asarray(there + off, np.float32), np.asarray(kept)


def _window(seen: Glimpse) -> tuple[slice, slice]:
    """The part of the frame that is compared: the face and what is around it."""
    height, width = seen.grey.shape
    x, y, w, h = seen.box
    rows = slice(max(0, int(y - 0.8 * h)), min(height, int(y + 1.6 * h)))
    return rows, slice(max(0, int(x - 1.2 * w)), min(width, int(x + 2.2 * w)))


def _left_over(plane: npt.NDArray[np.float64], start: Track, end: Track) -> Track:
    """Pixels by which each point is not where the plane would have taken it."""
    told = cv2.perspectiveTransform(start, plane)
    return np.asarray(np.linalg.norm(end - told, axis=-1).reshape(-1), np.float32)


def _face_mask(seen: Glimpse) -> Grey:
    mask = np.zeros_like(seen.grey)
    x, y, w, h = seen.box
    centre, axes = (int(x + w / 2), int(y + h / 2)), (int(0.5 * w), int(0.5 * h))
    cv2.ellipse(mask, centre, axes, 0, 0, 360, 255, -1)
    return mask


def _ring_mask(seen: Glimpse) -> Grey:
    """Beside and above the face, without hair, neck and shoulders, which go with a head."""
    mask = np.zeros_like(seen.grey)
    x, y, w, h = seen.box
    left, right = int(x - 0.9 * w), int(x + 1.9 * w)
    cv2.rectangle(mask, (left, int(y - 0.5 * h)), (right, int(y + 0.8 * h)), 255, -1)
    inner = (int(x - 0.28 * w), int(y - 0.35 * h)), (int(x + 1.28 * w), len(mask))
    cv2.rectangle(mask, *inner, 0, -1)
    return mask


def _eyes_changed(first: Glimpse, other: Glimpse, start: Track, end: Track) -> float:
    """A blink, or eyes that move behind holes, changes the eyes and not the cheeks."""
    if len(start) < _LEAST_CORNERS:
        return 0.0
    plane, _ = cv2.findHomography(start, end, cv2.RANSAC, 3.0)
    if plane is None:
        return 0.0
    x, y, w, h = (int(side) for side in first.box)
    x, y = max(x, 0), max(y, 0)
    shift = np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], np.float64)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    before = first.grey[y : y + h, x : x + w]
    after = cv2.warpPerspective(other.grey, plane @ shift, before.shape[::-1], flags=flags)
    change = np.asarray(cv2.GaussianBlur(cv2.absdiff(before, after), (0, 0), 1.0), np.uint8)
    left, right, nose, mouth_left, mouth_right = first.points - np.array([x, y], np.float32)
    reach = 0.18 * float(np.hypot(*(right - left)))
    eyes = max(_mean(change, left, reach), _mean(change, right, reach))
    cheeks = [(left + nose + mouth_left) / 3, (right + nose + mouth_right) / 3]
    return eyes / (float(np.mean([_mean(change, cheek, reach) for cheek in cheeks])) + 1.0)


def _mean(change: npt.NDArray[np.uint8], at: Points, reach: float) -> float:
    x, y = int(at[0]), int(at[1])
    r = max(2, int(reach))
    part = change[max(0, y - r) : y + r + 1, max(0, x - r) : x + r + 1]
    return float(part.mean()) if part.size else 0.0
