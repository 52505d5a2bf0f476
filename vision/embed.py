"""Turn aligned chips into vectors whose dot product is their similarity."""

from collections.abc import Sequence
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from vision.align import Template
from vision.images import BgrImage
from vision.manifest import Feed
from vision.session import open_session

Vectors = npt.NDArray[np.float32]


class Embedder(Protocol):
    """A face embedder and the place where it expects the five points."""

    template: Template
    size: int

    def embed(self, chips: Sequence[BgrImage]) -> Vectors:
        """(n, size) float32, each row of length 1."""
        ...


class OnnxEmbedder:
    """An embedder that runs in onnxruntime, fed as the manifest says."""

    def __init__(self, model: bytes, name: str, feed: Feed, template: Template) -> None:
        self._session = open_session(model, name)
        source, output = self._session.get_inputs()[0], self._session.get_outputs()[0]
        self._input = source.name
        self._one_by_one = source.shape[0] == 1
        self._feed = feed
        self._mean = np.asarray(feed.mean, np.float32).reshape(1, 3, 1, 1)
        self._factor = (1 / np.asarray(feed.std, np.float32)).reshape(1, 3, 1, 1)
        self.template = template
        self.size = int(output.shape[-1])

    def embed(self, chips: Sequence[BgrImage]) -> Vectors:
        """(n, size) float32, each row of length 1."""
        if not chips:
            return np.empty((0, self.size), np.float32)
        blob = cv2.dnn.blobFromImages(list(chips), swapRB=self._feed.rgb)
        blob = (blob * np.float32(self._feed.scale) - self._mean) * self._factor
        batches = [blob[i : i + 1] for i in range(len(blob))] if self._one_by_one else [blob]
        rows = np.concatenate([self._session.run(None, {self._input: b})[0] for b in batches])
        return unit(rows)


def unit(rows: Vectors) -> Vectors:
    """Scale each row to length 1; a row of zeros stays zero and resembles nobody."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-12), np.float32)
