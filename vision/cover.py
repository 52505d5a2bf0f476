"""Is something before mouth and nose: the colour of the lower face against that of the brow. Pure.

A mask or a scarf has another colour than the skin between the eyes, which it leaves bare. A bare
hand has none, and hair over the brow or a coloured lamp looks like one: so it forbids nobody to
pay, it only says why a face may not have been known.
"""

import cv2
import numpy as np
import numpy.typing as npt

from vision.align import Points
from vision.images import BgrImage

COVERED = 1.2
"""Of the colour of the brow: from here the lower face is surely no skin. Bare faces in even light
stay below 0.35, under stage light they reach 1.08; of 5 masks in photographs 4 passed 0.5, so that
some masks are not told any more: a bare face that is told of its mask would be worse."""
_DULL = 15.0
"""Colour of the brow (CIE a*, b*) below which it counts as this: a grey picture has none."""
_REACH = 0.13
"""Of the distance between the eyes: half the side of a patch."""


def cover(image: BgrImage, points: Points) -> float:
    """How far the colour of the lower face is from that of the skin between and above the eyes.

    Args:
        image: (height, width, 3) uint8 BGR.
        points: The five points of the face.

    Returns:
        Distance in CIE a*, b* over the strength of the brow's own colour; about 0.1 for bare skin.
    """
    left, right, nose, mouth_left, mouth_right = points
    eyes, mouth = (left + right) / 2, (mouth_left + mouth_right) / 2
    reach = max(2.0, _REACH * float(np.hypot(*(right - left))))
    brow = [_colour(image, at, reach) for at in (eyes, eyes + 0.45 * (eyes - nose))]
    below = [
        _colour(image, at, reach)
        for at in (
            (nose + 2 * mouth_left) / 3 + 0.15 * (mouth_left - mouth),
            (nose + 2 * mouth_right) / 3 + 0.15 * (mouth_right - mouth),
            mouth + 0.45 * (mouth - nose),
        )
    ]
    lower = np.median(below, axis=0)
    return float(min(np.hypot(*(lower - one)) / max(float(np.hypot(*one)), _DULL) for one in brow))


def _colour(image: BgrImage, at: Points, reach: float) -> npt.NDArray[np.float32]:
    """Median a*, b* of a patch."""
    height, width = image.shape[:2]
    x, y = (int(np.clip(at[0], 0, width - 1)), int(np.clip(at[1], 0, height - 1)))
    r = int(reach)
    part = image[max(0, y - r) : y + r + 1, max(0, x - r) : x + r + 1].astype(np.float32) / 255
    lab = cv2.cvtColor(part, cv2.COLOR_BGR2Lab)
    return np.asarray(np.median(lab[..., 1:].reshape(-1, 2), axis=0), np.float32)
