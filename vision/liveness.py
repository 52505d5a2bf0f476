"""Is it a face or a picture of one: two MiniFASNet models, averaged."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from vision.images import BgrImage
from vision.session import open_session, without_prelu

LIVE = 1
"""The class of a live face; 0 and 2 are attacks."""


class Liveness:
    """The two models of minivision-ai/Silent-Face-Anti-Spoofing.

    Each looks at the face with other surroundings (2.7 and 4.0 times the box). One frame is a hint,
    not a verdict: scores flip when a face moves a few centimetres, so :mod:`vision.decide` votes
    over frames. No defence against a mask or a video fed in place of the camera.
    """

    size = 80

    def __init__(self, models: Sequence[tuple[bytes, float]]) -> None:
        self._parts = [
            (open_session(without_prelu(model), f"MiniFASNet {scale}"), scale)
            for model, scale in models
        ]

    def score(self, image: BgrImage, box: tuple[float, float, float, float]) -> float:
        """Mean probability, over the models, that the face is live: 0 to 1."""
        return float(self.classes(image, box)[LIVE])

    def classes(
        self, image: BgrImage, box: tuple[float, float, float, float]
    ) -> npt.NDArray[np.float64]:
        """(3,) mean probabilities; class 1 is live."""
        total = np.zeros(3)
        for session, scale in self._parts:
            blob = cv2.dnn.blobFromImage(surroundings(image, box, scale, self.size))
            (logits,) = session.run(None, {"input": blob})[0].astype(np.float64)
            powers = np.exp(logits - logits.max())
            total += powers / powers.sum()
        return total / len(self._parts)


def surroundings(
    image: BgrImage, box: tuple[float, float, float, float], scale: float, size: int
) -> BgrImage:
    """The face with its surroundings: the box enlarged about its centre, shifted into the image.

    Where the enlarged box would be larger than the image, the scale is reduced.

    Returns:
        (size, size, 3) uint8 BGR.
    """
    height, width = image.shape[:2]
    x, y, w, h = box
    w, h = max(w, 1.0), max(h, 1.0)
    scale = min(scale, (width - 1) / w, (height - 1) / h)
    half_w, half_h = w * scale / 2, h * scale / 2
    centre_x = min(max(x + w / 2, half_w), width - 1 - half_w)
    centre_y = min(max(y + h / 2, half_h), height - 1 - half_h)
    left, top = int(centre_x - half_w), int(centre_y - half_h)
    right, bottom = int(centre_x + half_w), int(centre_y + half_h)
    part = image[max(top, 0) : bottom + 1, max(left, 0) : right + 1]
    return np.asarray(cv2.resize(part, (size, size)), np.uint8)
