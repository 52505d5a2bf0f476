"""Any YOLO-style ONNX detector that the manifest describes: a picture in, named boxes out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from vision.boxes import Box
from vision.errors import ImageError, ModelError
from vision.images import BgrImage
from vision.manifest import DetectorFeed, Manifest, find_file, load_manifest, model_folders
from vision.session import open_session

Rows = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.intp]

MIN_SIDE = 16
"""Pictures with a shorter side show nothing that could be judged, pixels."""
DUST = np.float32(1e-20)
"""Weights below it change no answer."""
MAX_EXPONENT = 12.0
"""Widths are exponentials: a garbled model must not overflow."""


@dataclass(frozen=True)
class Detection:
    """One thing that was found.

    Attributes:
        name: Its class, as the manifest calls it.
        score: The model's own confidence, 0 to 1.
        box: In pixels of the picture.
    """

    name: str
    score: float
    box: Box


class ObjectDetector(Protocol):
    """Finds things; the surest comes first."""

    @property
    def names(self) -> frozenset[str]:
        """The classes that it can answer with."""
        ...

    def detect(self, image: BgrImage) -> list[Detection]:
        """What a picture shows."""
        ...


class OnnxDetector:
    """A detector in onnxruntime, fed and decoded as its manifest entry says.

    Args:
        model: The checked bytes of the ONNX file.
        name: What to call it in an error.
        feed: Its description.

    Raises:
        ModelError: the file is no model, or its inputs and outputs are not those described.
    """

    def __init__(self, model: bytes, name: str, feed: DetectorFeed) -> None:
        self._name, self._feed = name, feed
        self._session = open_session(model, name)
        swept = without_dust(model)
        if swept is not None:
            self._session = open_session(swept, name)
        inputs = self._session.get_inputs()
        if len(inputs) != 1 or len(inputs[0].shape) != 4:
            raise ModelError(f"{name} takes no single picture: it is not the detector described")
        for said, side in zip(inputs[0].shape[2:], feed.size, strict=True):
            if isinstance(said, int) and said != side:
                raise ModelError(f"{name} takes pictures of {said} pixels, not of {side}")
        self._input = inputs[0].name
        self._mean = np.asarray(feed.mean, np.float32).reshape(1, 3, 1, 1)
        self._std = np.asarray(feed.std, np.float32).reshape(1, 3, 1, 1)
        self._numbers = np.asarray(list(feed.classes.values()), np.intp)
        self._names = list(feed.classes)

    @property
    def names(self) -> frozenset[str]:
        """The classes that it can answer with."""
        return frozenset(self._names)

    def detect(self, image: BgrImage) -> list[Detection]:
        """What a picture shows, the surest first.

        Raises:
            ImageError: the picture is too small or no colour picture.
            ModelError: the model's answer does not have the shape that the manifest describes.
        """
        check_picture(image)
        blob, scale, shift = feed_picture(image, self._feed)
        if self._feed.mean != (0, 0, 0) or self._feed.std != (1, 1, 1):
            blob = np.asarray((blob - self._mean) / self._std, np.float32)
        outputs = [np.asarray(o, np.float32) for o in self._session.run(None, {self._input: blob})]
        boxes, scores = decode(outputs, self._feed, self._numbers, self._name)
        corners = np.asarray((boxes - np.tile(shift, 2)) / np.tile(scale, 2), np.float32)
        return self._keep(corners, scores, image.shape[1], image.shape[0])

    def _keep(self, boxes: Rows, scores: Rows, width: int, height: int) -> list[Detection]:
        best = scores.argmax(axis=1) if self._feed.best_class_only else None
        found = []
        for column, name in enumerate(self._names):
            sure = scores[:, column] >= self._feed.threshold
            rows = np.flatnonzero(sure if best is None else sure & (best == column))
            if not self._feed.across_classes:
                rows = rows[suppress(boxes[rows], scores[rows, column], self._feed.overlap)]
            found += [(name, float(scores[row, column]), boxes[row]) for row in rows]
        if self._feed.across_classes and found:
            corners = np.stack([box for _, _, box in found])
            keep = suppress(corners, np.asarray([s for _, s, _ in found]), self._feed.overlap)
            found = [found[index] for index in keep]
        things = []
        for name, score, (x0, y0, x1, y1) in sorted(found, key=lambda row: -row[1]):
            box = Box(float(x0), float(y0), float(x1 - x0), float(y1 - y0)).clipped(width, height)
            if box.area > 0:
                things.append(Detection(name, score, box))
        return things


def without_dust(model: bytes) -> bytes | None:
    """The same graph with weights below 1e-20 as zero; ``None`` where there are none.

    Training leaves dead channels whose weights are subnormal numbers, which a processor multiplies
    a hundred times slower: AIZOO's 260 x 260 takes 145 ms with them and 31 ms without, and answers
    the same to the bit.
    """
    whole = onnx.load_from_string(model)
    found = False
    for weight in whole.graph.initializer:
        numbers = numpy_helper.to_array(weight)
        if numbers.dtype != np.float32:
            continue
        dust = (np.abs(numbers) < DUST) & (numbers != 0)
        if dust.any():
            found = True
            weight.CopyFrom(numpy_helper.from_array(np.where(dust, 0, numbers), weight.name))
    return bytes(whole.SerializeToString()) if found else None


def check_picture(image: BgrImage) -> None:
    """Refuse what is no picture before a model sees it.

    Raises:
        ImageError: not (height, width, 3) bytes, or a side below :data:`MIN_SIDE`.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ImageError("the picture is no colour picture of 8 bits: take it again")
    if min(image.shape[:2]) < MIN_SIDE:
        size = f"{image.shape[1]} × {image.shape[0]}"
        raise ImageError(
            f"the picture has only {size} pixels: use one of at least {MIN_SIDE} a side"
        )


def feed_picture(image: BgrImage, feed: DetectorFeed) -> tuple[Rows, Rows, Rows]:
    """The model's input, and how its coordinates come back.

    Returns:
        (1, 3, height, width) float32 before mean and deviation; factors x, y; shifts x, y in
        pixels of the input: ``input = picture * factor + shift``.
    """
    rows, columns = feed.size
    height, width = image.shape[:2]
    if feed.letterbox == "none":
        small = cv2.resize(image, (columns, rows), interpolation=cv2.INTER_LINEAR)
        scale = np.array([columns / width, rows / height], np.float32)
        shift = np.zeros(2, np.float32)
    else:
        factor = min(columns / width, rows / height)
        wide, high = max(1, round(width * factor)), max(1, round(height * factor))
        wide, high = min(wide, columns), min(high, rows)
        left, top = (0, 0)
        if feed.letterbox == "centre":
            left, top = (columns - wide) // 2, (rows - high) // 2
        small = np.full((rows, columns, 3), feed.pad, np.uint8)
        resized = cv2.resize(image, (wide, high), interpolation=cv2.INTER_LINEAR)
        small[top : top + high, left : left + wide] = resized
        scale = np.array([wide / width, high / height], np.float32)
        shift = np.array([left, top], np.float32)
    blob = cv2.dnn.blobFromImage(small, scalefactor=feed.scale, swapRB=feed.rgb)
    return np.asarray(blob, np.float32), scale, shift


def decode(
    outputs: Sequence[Rows], feed: DetectorFeed, numbers: Numbers, name: str
) -> tuple[Rows, Rows]:
    """Corners in pixels of the input, and a score for each wanted class.

    Args:
        outputs: What the model answered for one picture.
        feed: Says how to read it.
        numbers: Columns of the wanted classes.
        name: What to call the model in an error.

    Returns:
        (n, 4) x0, y0, x1, y1 and (n, classes); rows that are no numbers are left out.

    Raises:
        ModelError: the shape is another.
    """
    how = {"yolox": _yolox, "yolov8": _yolov8, "ssd-anchors": _ssd}[feed.decoding]
    boxes, scores = how(outputs, feed, numbers, name)
    good = np.isfinite(boxes).all(axis=1) & np.isfinite(scores).all(axis=1)
    best = scores.max(axis=1, initial=0.0)
    keep = np.flatnonzero(good & (best >= feed.threshold))
    return boxes[keep], np.clip(scores[keep], 0, 1)


def _yolox(
    outputs: Sequence[Rows], feed: DetectorFeed, numbers: Numbers, name: str
) -> tuple[Rows, Rows]:
    """YOLOX (Ge et al. 2021, arXiv 2107.08430): offsets from each cell, objectness, classes."""
    cells, strides = _cells(feed)
    rows = _shaped(outputs, (len(cells), 5 + feed.class_count), name)
    centre = (rows[:, :2] + cells) * strides
    half = np.exp(np.minimum(rows[:, 2:4], MAX_EXPONENT)) * strides / 2
    return np.hstack([centre - half, centre + half]), rows[:, 4:5] * rows[:, 5 + numbers]


def _cells(feed: DetectorFeed) -> tuple[Rows, Rows]:
    """Column and row of every cell, and its stride."""
    cells, strides = [], []
    for stride in feed.strides:
        high, wide = feed.size[0] // stride, feed.size[1] // stride
        row, column = np.divmod(np.arange(high * wide), wide)
        cells.append(np.stack([column, row], axis=1))
        strides.append(np.full((high * wide, 1), stride))
    return np.concatenate(cells).astype(np.float32), np.concatenate(strides).astype(np.float32)


def _yolov8(
    outputs: Sequence[Rows], feed: DetectorFeed, numbers: Numbers, name: str
) -> tuple[Rows, Rows]:
    """One output of 4 + classes rows: centre, size in pixels of the input, class scores."""
    columns = _shaped(outputs, (4 + feed.class_count, None), name)
    centre, half = columns[:2].T, columns[2:4].T / 2
    return np.hstack([centre - half, centre + half]), columns[4 + numbers].T


def _ssd(
    outputs: Sequence[Rows], feed: DetectorFeed, numbers: Numbers, name: str
) -> tuple[Rows, Rows]:
    """SSD with AIZOO's anchors and variances 0.1 and 0.2; classes are probabilities already."""
    anchors = ssd_anchors(feed)
    if len(outputs) != 2:
        raise ModelError(f"{name} has {len(outputs)} outputs, not boxes and classes")
    by_width = sorted(outputs, key=lambda rows: rows.shape[-1] != 4)
    moves = _shaped(by_width[:1], (len(anchors), 4), name)
    scores = _shaped(by_width[1:], (len(anchors), feed.class_count), name)
    centre = anchors[:, :2] + 0.1 * moves[:, :2] * anchors[:, 2:]
    half = anchors[:, 2:] * np.exp(np.minimum(0.2 * moves[:, 2:], MAX_EXPONENT)) / 2
    corners = np.hstack([centre - half, centre + half])
    rows, columns = feed.size
    pixels = np.array([columns, rows, columns, rows], np.float32)
    return corners * pixels, scores[:, numbers]


def ssd_anchors(feed: DetectorFeed) -> Rows:
    """(n, 4) centre and size of every anchor, as parts of the picture.

    Per cell: each size of its map at ratio 1, then the first size at each further ratio.
    """
    parts = []
    for cells, sizes in zip(feed.maps, feed.anchor_sizes, strict=True):
        shapes = [(size, size) for size in sizes]
        shapes += [
            (sizes[0] * ratio**0.5, sizes[0] / ratio**0.5) for ratio in feed.anchor_ratios[1:]
        ]
        row, column = np.divmod(np.arange(cells * cells), cells)
        centre = (np.stack([column, row], axis=1) + 0.5) / cells
        each = [np.hstack([centre, np.tile(shape, (len(centre), 1))]) for shape in shapes]
        parts.append(np.stack(each, axis=1).reshape(-1, 4))
    return np.concatenate(parts).astype(np.float32)


def _shaped(outputs: Sequence[Rows], shape: tuple[int, int | None], name: str) -> Rows:
    """The first output, for one picture, if it has that shape."""
    found = outputs[0].shape if outputs else ()
    fits = len(found) == 3 and found[0] == 1
    if not fits or any(w is not None and w != f for w, f in zip(shape, found[1:], strict=True)):
        wanted = " × ".join("n" if side is None else str(side) for side in shape)
        raise ModelError(
            f"{name} answers {' × '.join(map(str, found)) or 'nothing'}, not 1 × {wanted}: "
            "its manifest entry describes another model"
        )
    return np.asarray(outputs[0][0], np.float32)


def suppress(boxes: Rows, scores: Rows, overlap: float) -> list[int]:
    """Non-maximum suppression: the rows that stay, the surest first.

    Args:
        boxes: (n, 4) corners.
        scores: (n,).
        overlap: Intersection over union above which the less sure box is dropped.
    """
    order = np.argsort(-scores, kind="stable")
    area = np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1)
    keep = []
    while order.size:
        first, rest = order[0], order[1:]
        keep.append(int(first))
        low = np.maximum(boxes[first, :2], boxes[rest, :2])
        high = np.minimum(boxes[first, 2:], boxes[rest, 2:])
        common = np.prod(np.maximum(high - low, 0), axis=1)
        union = np.maximum(area[first] + area[rest] - common, 1e-9)
        order = rest[common / union <= overlap]
    return keep


def load_detector(
    key: str, folders: Sequence[Path] | None = None, manifest: Manifest | None = None
) -> OnnxDetector:
    """Load the detector of a manifest entry.

    Args:
        key: A file of the manifest that has a ``detector`` part.
        folders: Where to look; ``None``: ``models/weights`` and ``DAFAN_MODELS``.
        manifest: Another manifest than the packaged one.

    Raises:
        ModelError: no such detector, its file is missing, damaged or another.
    """
    manifest = manifest or load_manifest()
    entry = manifest.files.get(key)
    if entry is None or entry.detector is None:
        known = ", ".join(name for name, file in manifest.files.items() if file.detector)
        raise ModelError(f"there is no detector '{key}' in the manifest: use one of {known}")
    places = model_folders() if folders is None else list(folders)
    found = find_file(key, places, manifest)
    if found is None:
        where = ", ".join(str(place) for place in places)
        raise ModelError(
            f"{entry.names[0]} ({entry.what}) not found in {where}. {entry.note} "
            "Set DAFAN_MODELS to a folder that has it."
        )
    return OnnxDetector(found[1], found[0].name, entry.detector)
