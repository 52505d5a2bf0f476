"""Reading pictures from people and files: bounded in bytes and pixels, never a traceback."""

import io
import warnings
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from vision.errors import ImageError

BgrImage = npt.NDArray[np.uint8]
"""(height, width, 3), blue green red, as OpenCV reads."""

MAX_BYTES = 25 * 1024 * 1024
MAX_PIXELS = 50_000_000
WORKING_SIDE = 2048
"""Longer pictures are shrunk to this: a face still has far more pixels than a model eats."""

FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "PPM")
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".pgm", ".ppm"})


def read_image(path: Path) -> BgrImage:
    """Read a picture file.

    Raises:
        ImageError: absent, too large, or not a picture; the text says which and what to do.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ImageError(_too_many_bytes(path.name, size))
        data = path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path.name} cannot be read: {error.strerror}") from error
    return decode_image(data, path.name)


def decode_image(data: bytes, name: str = "the picture") -> BgrImage:
    """Decode an uploaded or stored picture, upright by its EXIF orientation.

    Args:
        data: The bytes of a JPEG, PNG, BMP, WebP or PNM file.
        name: What to call it in an error.

    Returns:
        (height, width, 3) uint8 BGR, longest side at most :data:`WORKING_SIDE`.

    Raises:
        ImageError: too large, or not a picture.
    """
    if len(data) > MAX_BYTES:
        raise ImageError(_too_many_bytes(name, len(data)))
    _check_header(data, name)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        image = None
    if image is None:
        raise ImageError(f"{name} is damaged: open it in a viewer, save it as JPEG and try again")
    longest = max(image.shape[:2])
    if longest > WORKING_SIDE:
        scale = WORKING_SIDE / longest
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(image, np.uint8)


def _check_header(data: bytes, name: str) -> None:
    """Look at the announced size before any pixel is decoded."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=FORMATS) as header:
                width, height = header.size
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise ImageError(f"{name} is not a picture: send a JPEG or PNG photo") from error
    except Image.DecompressionBombError as error:
        raise ImageError(_too_many_pixels(name)) from error
    if width * height > MAX_PIXELS:
        raise ImageError(_too_many_pixels(name))


def _too_many_bytes(name: str, size: int) -> str:
    limit = MAX_BYTES // 2**20
    return f"{name} has {size / 2**20:.0f} MB: send a photo of at most {limit} MB"


def _too_many_pixels(name: str) -> str:
    return f"{name} has too many pixels: send a photo of at most {MAX_PIXELS // 10**6} megapixels"
