"""Pictures that may be kept and shown: faces that prove nothing are gone from them."""

import cv2
import numpy as np

from vision.errors import ImageError
from vision.images import BgrImage
from vision.looks import Look

LONGEST_SIDE = 1280
MAX_BYTES = 300_000
"""Of a JPEG that is sent."""
BLOCKS = 8
"""A face becomes so many squares a side: nobody is known by them, and nothing brings it back."""


def without_faces(image: BgrImage, look: Look, kept: int | None = None) -> BgrImage:
    """A copy of a frame on which nobody can be known but the one who is kept.

    Args:
        image: The frame.
        look: What it shows: every head goes, with or without a face that was found.
        kept: The number of the person whose head proves the violation.
    """
    height, width = image.shape[:2]
    regions = [
        box.grown(1.2).clipped(width, height)
        for number, person in enumerate(look.persons)
        if number != kept
        for box in filter(None, (person.face, person.head))
    ]
    drawn = image.copy()
    for box in regions:
        left, top = int(box.x), int(box.y)
        right, bottom = int(np.ceil(box.right)), int(np.ceil(box.bottom))
        part = drawn[top:bottom, left:right]
        if part.size:
            few = cv2.resize(part, (BLOCKS, BLOCKS), interpolation=cv2.INTER_AREA)
            size = (part.shape[1], part.shape[0])
            drawn[top:bottom, left:right] = cv2.resize(few, size, interpolation=cv2.INTER_NEAREST)
    return drawn


def encode(image: BgrImage, longest: int = LONGEST_SIDE, quality: int = 85) -> bytes:
    """JPEG, shrunk until it is small enough to be sent.

    Raises:
        ImageError: it cannot be written.
    """
    while True:
        scale = min(1.0, longest / max(image.shape[:2]))
        small = image
        if scale < 1:
            how = cv2.INTER_AREA
            small = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=how))
        done, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if not done:
            raise ImageError("the frame cannot be kept as JPEG")
        if len(data) <= MAX_BYTES or quality <= 40:
            return bytes(data.tobytes())
        quality -= 15
