"""Picture files and pixels, checked before anything else sees them."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dafan.errors import BadInputError, DeviceError

Image = NDArray[np.uint8]
"""Height × width × 3, blue-green-red."""

LARGEST_FILE = 64 * 1024 * 1024


def checked(image: Any) -> Image:
    """The picture as height × width × 3, uint8, BGR; grey gets three channels.

    Raises:
        DeviceError: it is no picture.
    """
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.size == 0:
        raise DeviceError("the camera sends what is no picture: restart it")
    if image.ndim == 2:
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), dtype=np.uint8)
    if image.ndim != 3 or image.shape[2] != 3:
        raise DeviceError("the camera sends an unknown picture format: set it to MJPEG or YUYV")
    return image


def load_picture(path: Path) -> Image:
    """Read a picture file.

    Raises:
        DeviceError: it cannot be read, is larger than 64 MB, or is no picture.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise DeviceError(f"{path} is larger than 64 MB: choose a smaller picture")
        data = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    except OSError as error:
        raise DeviceError(f"cannot read {path}: {error.strerror}") from error
    try:
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except cv2.error:  # more pixels than OpenCV accepts
        image = None
    if image is None:
        raise DeviceError(f"{path} is no picture that can be read: use JPEG or PNG")
    return checked(image)


def save_picture(image: Image, path: Path) -> None:
    """Write a picture; the ending of the name chooses the format.

    Raises:
        BadInputError: no such format or folder, or no room; nothing half-written is left.
    """
    try:
        done, data = cv2.imencode(path.suffix, image)
    except cv2.error:
        done = False
    if not done:
        raise BadInputError(f"cannot write {path}: name a .png or .jpg file in a folder")
    try:
        _write(data.tobytes(), path)
    except OSError as error:
        raise BadInputError(
            f"cannot write {path} ({error.strerror}): name a file in a folder with room"
        ) from error


def _write(data: bytes, path: Path) -> None:
    with path.open("wb") as file:
        try:
            file.write(data)
            file.flush()
        except OSError:
            if path.is_file():  # not a device, which is nobody's to remove
                path.unlink()
            raise
