"""Does the face show the grid of a screen: peaks in its spectrum. Pure.

A screen's pixels beat with the camera's. The beat is a wave of one frequency across the whole face,
which skin does not have: its spectrum falls off smoothly, and nothing in it stands far above what
lies around. A sharp photograph of a fine grid gives such a peak; a screen out of focus, or one far
finer than the camera, gives none. So a peak convicts, and its absence acquits nobody.
"""

from functools import lru_cache
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from vision.images import BgrImage

SIDE = 128
"""Pixels of the part of a face that is looked at, at the camera's own scale."""
LEAST_SIDE = 64
"""A face with fewer pixels has no room for a grid that could be told from noise."""
_LOWEST, _HIGHEST = 0.12, 0.47
"""Cycles a pixel: below lie features of the face, above the camera's own noise."""
_BLOCK = 8
"""Pixels of a JPEG block: its multiples are the camera's, not a screen's."""
_RINGS = 7

Grey = npt.NDArray[np.float32]


def grid(image: BgrImage, box: tuple[float, float, float, float]) -> float | None:
    """How far the strongest wave of a face stands above its neighbours in the spectrum.

    Looked for in the light and in the colour: the stripes of a screen are red, green and blue, and
    beat in colour where the light shows nothing.

    Args:
        image: (height, width, 3) uint8 BGR, as the camera gave it.
        box: The face: x, y, width, height in pixels.

    Returns:
        Logarithm (base 10) of peak power over median power at the same distance from the centre;
        about 1.5 for skin. ``None`` where the face is too small to tell.
    """
    x, y, w, h = box
    side = int(min(SIDE, w, h))
    left, top = int(x + (w - side) / 2), int(y + (h - side) / 2)
    part = image[max(top, 0) : top + side, max(left, 0) : left + side]
    if side < LEAST_SIDE or part.shape[:2] != (side, side):
        return None
    if side < SIDE:
        part = np.asarray(cv2.resize(part, (SIDE, SIDE)), np.uint8)
    light, red, blue = cv2.split(cv2.cvtColor(part, cv2.COLOR_BGR2YCrCb))
    return max(_peak(np.asarray(channel, np.float32)) for channel in (light, red, blue))


def _peak(patch: Grey) -> float:
    fine = patch - np.asarray(cv2.GaussianBlur(patch, (0, 0), 3), np.float32)
    power = np.abs(np.fft.fftshift(np.fft.fft2(fine * _window()))) ** 2 + 1e-6
    best = 0.0
    for ring in _rings():
        values = power[ring]
        best = max(best, float(np.log10(values.max() / np.median(values))))
    return best


@lru_cache(maxsize=1)
def _window() -> Grey:
    hann = np.hanning(SIDE).astype(np.float32)
    return np.outer(hann, hann)


@lru_cache(maxsize=1)
def _rings() -> tuple[npt.NDArray[np.bool_], ...]:
    """Rings of equal frequency, without the cells on an axis and those of JPEG blocks."""
    cells = np.arange(SIDE) - SIDE // 2
    across, down = np.meshgrid(cells, cells)
    frequency = np.hypot(across, down) / SIDE
    step = SIDE // _BLOCK
    blocks = (_near(across, step) & _near(down, step)) | (np.abs(across) <= 2) | (np.abs(down) <= 2)
    edges = np.linspace(_LOWEST, _HIGHEST, _RINGS + 1)
    return tuple((frequency >= a) & (frequency < b) & ~blocks for a, b in pairwise(edges))


def _near(cells: npt.NDArray[np.int64], step: int) -> npt.NDArray[np.bool_]:
    off = np.abs(cells) % step
    return np.asarray(np.minimum(off, step - off) <= 1)
