"""Find faces: YuNet through onnxruntime, or dlib where YuNet's file cannot be had."""

from dataclasses import dataclass, replace
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt
import onnx

from vision.align import Points, Template, similarity_transform
from vision.images import BgrImage
from vision.session import open_session

FRAME_SIDE = 320
"""Longest side that a camera frame is shrunk to: faces of 20 px of it and more are found."""

STRIDES = (8, 16, 32)

CLOSE_UP = 1.4
"""Part of the image that is looked at again for exact points, in sizes of the face."""
CLOSE_UP_SIDE = 256


@dataclass(frozen=True, eq=False)
class Face:
    """One detected face, in pixels of the image.

    Attributes:
        x: Left edge; may lie outside the image.
        y: Top edge.
        w: Width.
        h: Height.
        points: (5, 2), see :data:`vision.align.Points`.
        score: The detector's own confidence; scales of detectors differ.
        turn: How far the nose is from between the eyes, in eye distances: 0 looks straight on.
    """

    x: float
    y: float
    w: float
    h: float
    points: Points
    score: float
    turn: float

    @property
    def box(self) -> tuple[float, float, float, float]:
        """x, y, width, height."""
        return self.x, self.y, self.w, self.h


class Detector(Protocol):
    """Finds faces; the largest comes first."""

    def detect(self, image: BgrImage, side: int = FRAME_SIDE) -> list[Face]:
        """Faces of an image, looked for at ``side`` pixels along its longest edge."""
        ...

    def refine(self, image: BgrImage, face: Face) -> Face:
        """The same face with points good enough to align by."""
        ...


def turn_of(left_eye: Points, right_eye: Points, nose: Points) -> float:
    """How far the nose is from the middle of the eyes, in eye distances, along the eye line."""
    axis = right_eye - left_eye
    distance = float(np.hypot(*axis))
    if distance < 1e-6:
        return 1.0
    return float(abs(np.dot(nose - (left_eye + right_eye) / 2, axis)) / distance**2)


class YuNet:
    """YuNet 2023mar (Wu et al. 2023, Machine Intelligence Research 20), any multiple of 32 pixels.

    The published graph fixes its input at 640 x 640, but nothing in it depends on that: freeing the
    two dimensions gives the same numbers, and a camera frame runs at 320 in a quarter of the time.
    """

    def __init__(self, model: bytes, score: float = 0.6, overlap: float = 0.3) -> None:
        self._session = open_session(free_input_size(model), "YuNet")
        self._names = [o.name for o in self._session.get_outputs()]
        self._score = score
        self._overlap = overlap

    def detect(self, image: BgrImage, side: int = FRAME_SIDE) -> list[Face]:
        """Faces of an image, looked for at ``side`` pixels along its longest edge."""
        height, width = image.shape[:2]
        scale = side / max(height, width)
        to = (max(1, round(width * scale)), max(1, round(height * scale)))
        how = cv2.INTER_AREA if scale < 0.5 else cv2.INTER_LINEAR
        small = cv2.resize(image, to, interpolation=how)
        rows, columns = -(-to[1] // 32) * 32, -(-to[0] // 32) * 32
        small = cv2.copyMakeBorder(
            small, 0, rows - to[1], 0, columns - to[0], cv2.BORDER_CONSTANT, value=(0, 0, 0)
        )
        outputs = self._session.run(self._names, {"input": cv2.dnn.blobFromImage(small)})
        found = self._decode(dict(zip(self._names, outputs, strict=True)), columns)
        found[:, 0:14:2] *= width / to[0]
        found[:, 1:14:2] *= height / to[1]
        return _faces(found)

    def refine(self, image: BgrImage, face: Face) -> Face:
        """Look again, closely: points of a face that was small in the frame are poor.

        Measured on faces tilted by up to 20 degrees: at 320 the points hardly follow the tilt, and
        one in twenty similarities falls below 0.43; looked at closely, below 0.66.
        """
        height, width = image.shape[:2]
        half = max(face.w, face.h) * CLOSE_UP / 2
        x, y = face.x + face.w / 2, face.y + face.h / 2
        left, top = int(max(0, x - half)), int(max(0, y - half))
        right, bottom = int(min(width, x + half)), int(min(height, y + half))
        if right - left < 16 or bottom - top < 16:
            return face
        part = np.ascontiguousarray(image[top:bottom, left:right])
        for found in self.detect(part, CLOSE_UP_SIDE):
            dx, dy = left + found.x + found.w / 2 - x, top + found.y + found.h / 2 - y
            if abs(dx) < face.w / 4 and abs(dy) < face.h / 4:
                points = found.points + np.array([left, top], np.float32)
                return replace(found, x=found.x + left, y=found.y + top, points=points)
        return face

    def _decode(
        self, out: dict[str, npt.NDArray[np.float32]], columns: int
    ) -> npt.NDArray[np.float32]:
        """(n, 15) rows of x, y, w, h, five points, score, after non-maximum suppression."""
        parts = []
        for stride in STRIDES:
            cls = np.clip(out[f"cls_{stride}"][0, :, 0], 0, 1)
            obj = np.clip(out[f"obj_{stride}"][0, :, 0], 0, 1)
            score = np.sqrt(cls * obj)
            keep = np.flatnonzero(score >= self._score)
            cell = np.stack([keep % (columns // stride), keep // (columns // stride)], axis=1)
            box, points = out[f"bbox_{stride}"][0, keep], out[f"kps_{stride}"][0, keep]
            size = np.exp(box[:, 2:]) * stride
            corner = (cell + box[:, :2]) * stride - size / 2
            points = (points + np.tile(cell, 5)) * stride
            parts.append(np.hstack([corner, size, points, score[keep, None]]))
        rows = np.concatenate(parts).astype(np.float32)
        kept = cv2.dnn.NMSBoxes(
            rows[:, :4].tolist(), rows[:, 14].tolist(), self._score, self._overlap
        )
        return np.asarray(rows[np.asarray(kept, int).reshape(-1)])


def free_input_size(model: bytes) -> bytes:
    """The same graph with height and width left open."""
    graph = onnx.load_from_string(model)
    dims = graph.graph.input[0].type.tensor_type.shape.dim
    dims[2].dim_param, dims[3].dim_param = "height", "width"
    for output in graph.graph.output:
        output.type.tensor_type.shape.dim[1].dim_param = "cells_" + output.name
    del graph.graph.value_info[:]
    return bytes(graph.SerializeToString())


def _faces(rows: npt.NDArray[np.float32]) -> list[Face]:
    faces = []
    for row in rows:
        points = row[4:14].reshape(5, 2)
        x, y, w, h = (float(v) for v in row[:4])
        faces.append(Face(x, y, w, h, points, float(row[14]), turn_of(*points[:3])))
    return sorted(faces, key=lambda face: -face.w * face.h)


_DLIB_MEAN_FACE = np.array(
    [
        [0.8595674595992, 0.2134981538014],
        [0.6460604764104, 0.2289674387677],
        [0.1205750620789, 0.2137274526848],
        [0.3340850613712, 0.2290642403242],
        [0.4901123135679, 0.6277975316475],
    ],
    np.float32,
)
"""The five points of dlib's predictor in its mean face: outer and inner corner of the eye on the
image's right, then of the one on its left, and the base of the nose (dlib, image_transforms,
``get_face_chip_details``)."""


class DlibHog:
    """dlib's HOG detector with its five-point predictor: frontal faces of 80 pixels and more.

    dlib's five points are eye corners and the nose's base, not YuNet's. The chip that dlib itself
    would cut is known, so the points reported here are the template's, carried back from that chip:
    aligning by them cuts exactly dlib's chip.
    """

    def __init__(self, predictor: str, template: Template, padding: float = 0.25) -> None:
        import dlib  # noqa: PLC0415 - only the pack without YuNet loads dlib

        self._detector: Any = dlib.get_frontal_face_detector()
        self._predictor: Any = dlib.shape_predictor(predictor)
        self._template = template
        self._chip = ((_DLIB_MEAN_FACE + padding) / (1 + 2 * padding) * template.size).astype(
            np.float32
        )

    def detect(self, image: BgrImage, side: int = FRAME_SIDE) -> list[Face]:
        """Faces of an image, looked for at ``side`` pixels along its longest edge."""
        height, width = image.shape[:2]
        # A HOG window is 80 px: twice the side that YuNet needs finds the faces that matter.
        scale = min(1.0, 2 * side / max(height, width))
        to = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = cv2.resize(image, to, interpolation=cv2.INTER_AREA)
        rgb = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2RGB), np.uint8)
        rectangles, scores, _ = self._detector.run(rgb, 0, 0.0)
        faces = [
            self._face(rgb, rectangle, score, np.array([width / to[0], height / to[1]], np.float32))
            for rectangle, score in zip(rectangles, scores, strict=True)
        ]
        return sorted(faces, key=lambda face: -face.w * face.h)

    def refine(self, image: BgrImage, face: Face) -> Face:
        """The predictor has already looked closely."""
        del image
        return face

    def _face(self, rgb: BgrImage, rectangle: Any, score: float, enlarge: Points) -> Face:
        shape = self._predictor(rgb, rectangle)
        own = np.array([[p.x, p.y] for p in shape.parts()], np.float32) * enlarge
        back = cv2.invertAffineTransform(similarity_transform(own, self._chip))
        points = (self._template.points @ back[:, :2].T + back[:, 2]).astype(np.float32)
        turn = turn_of((own[2] + own[3]) / 2, (own[0] + own[1]) / 2, own[4])
        left, top = rectangle.left() * enlarge[0], rectangle.top() * enlarge[1]
        size = rectangle.width() * enlarge[0], rectangle.height() * enlarge[1]
        return Face(
            float(left), float(top), float(size[0]), float(size[1]), points, float(score), turn
        )
