"""Numbers that describe a crop: the inner layers of a detector's backbone, and colours.

A detector that was trained on 80 kinds of things has learnt shapes and textures that serve for
others too. Its graph is cut off behind the backbone, in memory, and run on the crop alone.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper

from vision.errors import ImageError, ModelError
from vision.images import BgrImage
from vision.manifest import find_file, load_manifest, model_folders
from vision.session import open_session

Vector = npt.NDArray[np.float32]

LEAST_SIDE = 12
"""Smaller crops show nothing, pixels."""
LAB_BINS = 8
LAB_SIDE = 64
LAB_WEIGHT = 0.5
"""Of the colours against each layer, which has length 1."""


class Describer(Protocol):
    """Turns crops into vectors; those of different names never mix."""

    @property
    def name(self) -> str:
        """Stored with every classifier."""
        ...

    @property
    def size(self) -> int:
        """Numbers in a vector."""
        ...

    def describe(self, crop: BgrImage) -> Vector:
        """A crop's vector."""
        ...


class Backbone:
    """The inner layers of an ONNX model.

    Args:
        model: The checked bytes of the whole model.
        name: What to call the features.
        outputs: Names of the layers, each (1, channels, height, width).
        side: Crops are looked at in this size, a multiple of twice the layers' stride.

    Raises:
        ModelError: the model has no such layers.
    """

    def __init__(self, model: bytes, name: str, outputs: Sequence[str], side: int) -> None:
        self._session = open_session(cut_off(model, outputs, name), name)
        self._input = self._session.get_inputs()[0].name
        self._side, self._name = side, f"{name}-{'-'.join(outputs)}-{side}-lab"
        self._size = len(self.describe(np.zeros((side, side, 3), np.uint8)))

    @property
    def name(self) -> str:
        """Model, layers and size: another of them, another name."""
        return self._name

    @property
    def size(self) -> int:
        """Numbers in a vector."""
        return self._size

    def describe(self, crop: BgrImage) -> Vector:
        """Means of every channel over each quarter of the crop, and histograms of its colours.

        Raises:
            ImageError: no colour picture of 8 bits, or a side below 12 pixels.
        """
        check_crop(crop)
        shrinks = min(crop.shape[:2]) > self._side
        how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        small = cv2.resize(crop, (self._side, self._side), interpolation=how)
        parts = []
        for layer in self._session.run(None, {self._input: cv2.dnn.blobFromImage(small)}):
            channels, high, wide = layer.shape[1:]
            quarters = layer.reshape(channels, 2, high // 2, 2, wide // 2).mean(axis=(2, 4))
            parts.append(quarters.reshape(-1) / (np.linalg.norm(quarters) + 1e-6))
        return np.concatenate([*parts, LAB_WEIGHT * colours(crop)]).astype(np.float32)


def check_crop(crop: BgrImage) -> None:
    """Refuse what shows nothing.

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


def colours(crop: BgrImage) -> Vector:
    """Histograms of the three Lab channels by quarter: 96 numbers, shares of pixels."""
    small = cv2.resize(crop, (LAB_SIDE, LAB_SIDE), interpolation=cv2.INTER_AREA)
    lab = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2Lab), np.uint8)
    half = LAB_SIDE // 2
    counts = []
    for top in (0, half):
        for left in (0, half):
            part = lab[top : top + half, left : left + half].reshape(-1, 3)
            for channel in range(3):
                values = np.bincount(part[:, channel] // (256 // LAB_BINS), minlength=LAB_BINS)
                counts.append(values / len(part))
    return np.concatenate(counts).astype(np.float32)


def cut_off(model: bytes, outputs: Sequence[str], name: str) -> bytes:
    """The same graph up to some of its layers, with height and width left open.

    Raises:
        ModelError: it has no such layers.
    """
    whole = onnx.load_from_string(model)
    graph = whole.graph
    wanted, nodes = set(outputs), []
    if not wanted <= {made for node in graph.node for made in node.output}:
        raise ModelError(f"{name} has no layers {', '.join(outputs)}: it is another model")
    for node in reversed(graph.node):
        if wanted.intersection(node.output):
            nodes.append(node)
            wanted.update(node.input)
    weights = [w for w in graph.initializer if w.name in wanted]
    dims = graph.input[0].type.tensor_type.shape.dim
    dims[2].dim_param, dims[3].dim_param = "height", "width"
    for part in (graph.node, graph.initializer, graph.output, graph.value_info):
        del part[:]
    graph.node.extend(reversed(nodes))
    graph.initializer.extend(weights)
    graph.output.extend(helper.make_empty_tensor_value_info(key) for key in outputs)
    return bytes(whole.SerializeToString())


def load_backbone(folders: Sequence[Path] | None = None) -> Backbone:
    """The backbone that the manifest names for rules taught on site.

    Args:
        folders: Where to look; ``None``: ``models/weights`` and ``DAFAN_MODELS``.

    Raises:
        ModelError: its file is missing, damaged or another.
    """
    manifest = load_manifest()
    key = manifest.hygiene[0]
    entry = manifest.files[key]
    found = find_file(key, model_folders() if folders is None else list(folders), manifest)
    if found is None or entry.backbone is None:
        raise ModelError(f"{entry.names[0]} is missing: run `dafan models pull --pack hygiene`")
    return Backbone(found[1], key, entry.backbone.outputs, entry.backbone.side)
