"""Is this face good enough to decide about money, and if not, what should the person do."""

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np

from dafan.config_place import PlaceSettings
from vision.detect import Face
from vision.images import BgrImage


class Verdict(StrEnum):
    """A code that a screen translates into what to do."""

    OK = "ok"
    NO_FACE = "no_face"
    TOO_SMALL = "too_small"
    OUTSIDE = "outside"
    CUT_OFF = "cut_off"
    TURNED = "turned"
    TILTED = "tilted"
    DARK = "dark"
    BRIGHT = "bright"
    BLURRED = "blurred"
    TWO_FACES = "two_faces"


ADVICE: dict[Verdict, str] = {
    Verdict.OK: "fine",
    Verdict.NO_FACE: "look at the camera",
    Verdict.TOO_SMALL: "come closer",
    Verdict.OUTSIDE: "stand in front of the camera",
    Verdict.CUT_OFF: "the face must be whole in the picture",
    Verdict.TURNED: "look straight at the camera",
    Verdict.TILTED: "hold the head upright",
    Verdict.DARK: "more light on the face",
    Verdict.BRIGHT: "less light on the face",
    Verdict.BLURRED: "hold still",
    Verdict.TWO_FACES: "one person at a time",
}
"""What to tell the person, in English; screens translate by code."""


@dataclass(frozen=True)
class Gate:
    """Least quality.

    Attributes:
        zone: Payment zone, where the face's centre must lie, as parts of the image: left, top,
            right, bottom.
        min_width: Least width of the face, pixels.
        max_turn: Most distance of the nose from the middle of the eyes, in eye distances; 0.4 is a
            head turned by about 30 degrees.
        max_tilt: Most slope of the eye line.
        min_light: Least mean grey of the face, 0 to 255.
        max_light: Most mean grey.
        min_sharpness: Least variance of the Laplacian of the face at 112 x 112, over its own
            variance of grey, so that light and contrast do not count as sharpness.
    """

    zone: tuple[float, float, float, float]
    min_width: float
    max_turn: float = 0.5
    max_tilt: float = 0.35
    min_light: float = 40
    max_light: float = 215
    min_sharpness: float = 0.01


def payment(place: PlaceSettings) -> Gate:
    """What a face that pays must be, where the installer has said that the payer stands."""
    return Gate(place.zone, place.face_px)


PAYMENT = payment(PlaceSettings())
ENROLMENT = Gate(zone=(0, 0, 1, 1), min_width=80, max_turn=0.4, max_tilt=0.25, min_light=50)
"""A reference photograph serves for years: ask for more."""


def assess(image: BgrImage, face: Face, gate: Gate = PAYMENT) -> Verdict:
    """The first thing that is wrong with a face, in the order in which a person mends it.

    Light and sharpness come before the pose: the points of a dark or blurred face tell no pose.
    """
    height, width = image.shape[:2]
    left, top, right, bottom = gate.zone
    centre_x, centre_y = (face.x + face.w / 2) / width, (face.y + face.h / 2) / height
    if not (left <= centre_x <= right and top <= centre_y <= bottom):
        return Verdict.OUTSIDE
    if face.w < gate.min_width:
        return Verdict.TOO_SMALL
    if (face.points < 0).any() or (face.points >= (width, height)).any():
        return Verdict.CUT_OFF
    seen = _light_and_sharpness(image, face, gate)
    if seen is not Verdict.OK:
        return seen
    if face.turn > gate.max_turn:
        return Verdict.TURNED
    across, down = face.points[1] - face.points[0]
    return Verdict.TILTED if abs(float(down)) > gate.max_tilt * float(across) else Verdict.OK


def _light_and_sharpness(image: BgrImage, face: Face, gate: Gate) -> Verdict:
    grey = face_patch(image, face)
    mean = float(grey.mean())
    if mean < gate.min_light:
        return Verdict.DARK
    if mean > gate.max_light:
        return Verdict.BRIGHT
    return Verdict.BLURRED if sharpness(grey) < gate.min_sharpness else Verdict.OK


def face_patch(image: BgrImage, face: Face) -> BgrImage:
    """The face, grey, 112 x 112."""
    height, width = image.shape[:2]
    x0, y0 = int(max(face.x, 0)), int(max(face.y, 0))
    x1, y1 = int(min(face.x + face.w, width)), int(min(face.y + face.h, height))
    part = image[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]
    small = cv2.resize(part, (112, 112), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)


def sharpness(grey: BgrImage) -> float:
    """Energy of the Laplacian relative to contrast: near 0 for blur, independent of light."""
    return float(cv2.Laplacian(grey, cv2.CV_32F).var() / (float(grey.var()) + 1.0))
