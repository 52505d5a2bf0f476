"""InsightFace's buffalo models through the insightface package, for those who hold its licence."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from insightface.model_zoo import get_model
from insightface.utils.face_align import arcface_dst

from vision.align import Template
from vision.detect import FRAME_SIDE, Face, turn_of
from vision.embed import Vectors, unit
from vision.errors import ModelError
from vision.images import BgrImage

_FILES = {
    "buffalo_s": ("det_500m.onnx", "w600k_mbf.onnx"),
    "buffalo_l": ("det_10g.onnx", "w600k_r50.onnx"),
}


class BuffaloDetector:
    """SCRFD of a buffalo pack."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._model.prepare(-1, det_thresh=0.6)

    def detect(self, image: BgrImage, side: int = FRAME_SIDE) -> list[Face]:
        """Faces of an image, looked for in a square of ``side`` pixels."""
        rows, points = self._model.detect(image, input_size=(side, side))
        faces = []
        for (left, top, right, bottom, score), five in zip(rows, points, strict=True):
            box = float(left), float(top), float(right - left), float(bottom - top)
            faces.append(Face(*box, five.astype(np.float32), float(score), turn_of(*five[:3])))
        return sorted(faces, key=lambda face: -face.w * face.h)

    def refine(self, image: BgrImage, face: Face) -> Face:
        """SCRFD's points are used as they are."""
        del image
        return face


class BuffaloEmbedder:
    """ArcFace of a buffalo pack: 512 numbers."""

    size = 512

    def __init__(self, model: Any) -> None:
        self._model = model
        self._model.prepare(-1)
        self.template = Template(arcface_dst.astype(np.float32), 112)

    def embed(self, chips: Sequence[BgrImage]) -> Vectors:
        """(n, 512) float32, each row of length 1."""
        if not chips:
            return np.empty((0, self.size), np.float32)
        return unit(np.asarray(self._model.get_feat(list(chips)), np.float32))


def load_buffalo(name: str) -> tuple[BuffaloDetector, BuffaloEmbedder]:
    """Load ``~/.insightface/models/NAME``; nothing is downloaded.

    Raises:
        ModelError: the files are not there.
    """
    folder = Path.home() / ".insightface" / "models" / name
    detector, embedder = (folder / file for file in _FILES[name])
    for path in (detector, embedder):
        if not path.is_file():
            raise ModelError(
                f"{path} is missing. The buffalo models are licensed for non-commercial research "
                f"only; who holds a licence runs `insightface-cli model.download {name}`."
            )
    providers = ["CPUExecutionProvider"]
    return (
        BuffaloDetector(get_model(str(detector), providers=providers)),
        BuffaloEmbedder(get_model(str(embedder), providers=providers)),
    )
