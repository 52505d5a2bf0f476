"""Numbers that describe a crop: shape (HOG), texture (LBP), colour (Lab). No model, no weights.

OpenCV 5 has no HOG descriptor any more and scikit-image is no dependency of ours; both are short.
"""

import cv2
import numpy as np
import numpy.typing as npt

from vision.errors import ImageError
from vision.images import BgrImage

Vector = npt.NDArray[np.float32]

NAME = "hog-lbp-lab-1"
"""Stored with every classifier: other features, another name."""
SIDE = 64
"""Crops are looked at in this size, pixels."""
LEAST_SIDE = 12
"""Smaller crops show nothing, pixels."""
CELL = 8
BINS = 9
LAB_BINS = 8
_UNIFORM = 10


def features(crop: BgrImage) -> Vector:
    """Describe a crop by 2,084 numbers; the parts have comparable lengths.

    Raises:
        ImageError: no colour picture of 8 bits, or a side below 12 pixels.
    """
    if crop.ndim != 3 or crop.shape[2] != 3 or crop.dtype != np.uint8:
        raise ImageError("the example is no colour picture of 8 bits: cut it out again")
    if min(crop.shape[:2]) < LEAST_SIDE:
        raise ImageError(
            f"the example has {crop.shape[1]} × {crop.shape[0]} pixels: "
            f"mark a region of at least {LEAST_SIDE} pixels a side"
        )
    how = cv2.INTER_AREA if min(crop.shape[:2]) >= SIDE else cv2.INTER_LINEAR
    small = cv2.resize(crop, (SIDE, SIDE), interpolation=how)
    grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.float32)
    lab = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2Lab), np.uint8)
    parts = [hog(grey), 4 * lbp(grey), 2 * colours(lab), layout(lab)]
    return np.concatenate(parts).astype(np.float32)


def hog(grey: Vector) -> Vector:
    """Histograms of oriented gradients (Dalal and Triggs 2005): 8-pixel cells, 2 x 2 blocks.

    Args:
        grey: (64, 64).

    Returns:
        1,764 numbers: 7 x 7 blocks of 4 cells of 9 directions, each block of length 1, clipped.
    """
    across = cv2.Sobel(grey, cv2.CV_32F, 1, 0, ksize=1)
    down = cv2.Sobel(grey, cv2.CV_32F, 0, 1, ksize=1)
    size = np.hypot(across, down)
    turn = (np.arctan2(down, across) % np.pi) / np.pi * BINS
    low = np.floor(turn).astype(int) % BINS
    part = turn - np.floor(turn)
    cells = np.zeros((SIDE // CELL, SIDE // CELL, BINS), np.float32)
    row, column = np.indices(grey.shape) // CELL
    np.add.at(cells, (row, column, low), size * (1 - part))
    np.add.at(cells, (row, column, (low + 1) % BINS), size * part)
    corners = (cells[:-1, :-1], cells[:-1, 1:], cells[1:, :-1], cells[1:, 1:])
    blocks = np.concatenate(corners, axis=2)
    blocks /= np.linalg.norm(blocks, axis=2, keepdims=True) + 1e-2 * CELL
    return np.minimum(blocks, 0.2).reshape(-1)


def lbp(grey: Vector) -> Vector:
    """Local binary patterns (Ojala et al. 2002), uniform and turned together, by quarter.

    Returns:
        40 numbers: shares of 10 patterns in each quarter of the picture.
    """
    middle = grey[1:-1, 1:-1]
    around = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))
    inner = SIDE - 2
    bits = np.stack([grey[r : r + inner, c : c + inner] >= middle + 1 for r, c in around])
    changes = (bits != np.roll(bits, 1, axis=0)).sum(axis=0)
    pattern = np.where(changes <= 2, bits.sum(axis=0), _UNIFORM - 1)
    half = inner // 2
    quarters = (pattern[:half, :half], pattern[:half, half:], pattern[half:, :half])
    counts = [
        np.bincount(q.reshape(-1), minlength=_UNIFORM) / q.size
        for q in (*quarters, pattern[half:, half:])
    ]
    return np.concatenate(counts).astype(np.float32)


def colours(lab: BgrImage) -> Vector:
    """Histograms of the three Lab channels by quarter: 96 numbers, shares of pixels."""
    half = SIDE // 2
    counts = []
    for top in (0, half):
        for left in (0, half):
            part = lab[top : top + half, left : left + half].reshape(-1, 3)
            for channel in range(3):
                values, _ = np.histogram(part[:, channel], bins=LAB_BINS, range=(0, 256))
                counts.append(values / len(part))
    return np.concatenate(counts).astype(np.float32)


def layout(lab: BgrImage) -> Vector:
    """What colour is where: 8 x 8 fields of Lab less their mean, so that light counts little."""
    fields = cv2.resize(lab, (8, 8), interpolation=cv2.INTER_AREA).astype(np.float32)
    fields -= fields.mean(axis=(0, 1), keepdims=True)
    return np.asarray(fields.reshape(-1) / 64, np.float32)
