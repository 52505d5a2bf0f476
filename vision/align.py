"""Bring a face to the place where its embedder expects it."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from vision.images import BgrImage

Points = npt.NDArray[np.float32]
"""(5, 2): eye on the image's left, eye on the right, nose tip, left and right mouth corner."""


@dataclass(frozen=True)
class Template:
    """Where the five points lie in a square chip."""

    points: Points
    size: int


def similarity_transform(source: Points, target: Points) -> npt.NDArray[np.float64]:
    """Rotation, one scale and shift that bring ``source`` nearest to ``target``.

    Least squares over all points (Umeyama 1991 without reflection), in closed form: with points as
    complex numbers the map is ``z -> a z + b`` and ``a`` is a quotient of two sums. The same matrix
    as ``insightface.utils.face_align.estimate_norm``, without loading scikit-image.

    Returns:
        (2, 3) matrix for ``cv2.warpAffine``.
    """
    z = source[:, 0].astype(np.float64) + 1j * source[:, 1]
    w = target[:, 0].astype(np.float64) + 1j * target[:, 1]
    z0, w0 = z.mean(), w.mean()
    a = np.vdot(z - z0, w - w0) / max(np.vdot(z - z0, z - z0).real, 1e-12)
    b = w0 - a * z0
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def align(image: BgrImage, points: Points, template: Template) -> BgrImage:
    """Cut the aligned chip of one face.

    A face more than twice as large as the chip is first shrunk by area averaging: plain bilinear
    warping would skip pixels and make a large face noisy.

    Returns:
        (size, size, 3) uint8 BGR; black where the image ends.
    """
    matrix = similarity_transform(points, template.points)
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if 0 < scale < 0.5:
        image, matrix = _shrink(image, matrix, scale, template.size)
    chip = cv2.warpAffine(image, matrix, (template.size, template.size), flags=cv2.INTER_LINEAR)
    return np.asarray(chip, np.uint8)


def _shrink(
    image: BgrImage, matrix: npt.NDArray[np.float64], scale: float, size: int
) -> tuple[BgrImage, npt.NDArray[np.float64]]:
    """Shrink only the part of the image that the chip shows; returns it with its new matrix."""
    inverse = cv2.invertAffineTransform(matrix)
    corners = np.array([[0, 0, 1], [size, 0, 1], [0, size, 1], [size, size, 1]]) @ inverse.T
    height, width = image.shape[:2]
    x0, y0 = np.clip(np.floor(corners.min(axis=0)).astype(int) - 2, 0, [width - 1, height - 1])
    x1, y1 = np.clip(
        np.ceil(corners.max(axis=0)).astype(int) + 2, [x0 + 1, y0 + 1], [width, height]
    )
    part = image[y0:y1, x0:x1]
    to = (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale)))
    small = np.asarray(cv2.resize(part, to, interpolation=cv2.INTER_AREA), np.uint8)
    fx, fy = part.shape[1] / to[0], part.shape[0] / to[1]
    # A pixel's centre is at +0.5: small (u, v) sits at part ((u + .5) fx - .5, (v + .5) fy - .5).
    to_image = np.array([[fx, 0, x0 + 0.5 * fx - 0.5], [0, fy, y0 + 0.5 * fy - 0.5], [0, 0, 1]])
    return small, matrix @ to_image
