"""Draw the payment zone and the faces on a picture."""

import cv2
import numpy as np

from pos.place_view import BEHIND, OK, TWO_FACES, WORDS, FaceLook, PlaceLook
from vision.images import BgrImage

Point = tuple[int, int]
Colour = tuple[int, int, int]

_GREEN, _AMBER, _RED, _GREY = (87, 119, 29), (0, 110, 184), (43, 58, 185), (105, 112, 107)
_WHITE, _INK = (255, 255, 255), (33, 36, 31)
_OUTSIDE_LIGHT = 0.5
"""Of the light that remains outside the zone."""
_FONT = cv2.FONT_HERSHEY_SIMPLEX
TENTHS = 10


def draw(image: BgrImage, look: PlaceLook) -> BgrImage:
    """A copy with the zone bright, a ruler of tenths, and each face in its box with width and word.

    Args:
        image: (height, width, 3) uint8 BGR.
        look: What is seen in it.
    """
    (left, top), (right, bottom) = zone_corners(look)
    drawn = np.asarray(image * _OUTSIDE_LIGHT, np.uint8)
    drawn[top:bottom, left:right] = image[top:bottom, left:right]
    thick = max(1, round(max(look.width, look.height) / 320))
    cv2.rectangle(drawn, (left, top), (right - 1, bottom - 1), _WHITE, thick)
    _ruler(drawn, thick)
    for face in reversed(look.faces):  # whoever stands in front is drawn last
        _face(drawn, face, thick)
    return drawn


def zone_corners(look: PlaceLook) -> tuple[Point, Point]:
    """Left and top, right and bottom of the zone in pixels."""
    left, top, right, bottom = look.zone
    return (
        (round(left * look.width), round(top * look.height)),
        (round(right * look.width), round(bottom * look.height)),
    )


def _colour(verdict: str) -> Colour:
    if verdict == OK:
        return _GREEN
    if verdict == TWO_FACES:
        return _RED
    return _GREY if verdict in {BEHIND, "outside"} else _AMBER


def _face(drawn: BgrImage, face: FaceLook, thick: int) -> None:
    x, y, width, height = face.box
    colour = _colour(face.verdict)
    cv2.rectangle(drawn, (x, y), (x + width, y + height), _WHITE, 3 * thick)
    cv2.rectangle(drawn, (x, y), (x + width, y + height), colour, 2 * thick)
    _plate(drawn, (f"{face.width} px", WORDS[face.verdict]), face.box, colour, thick)


def _plate(
    drawn: BgrImage, lines: tuple[str, ...], box: tuple[int, ...], colour: Colour, thick: int
) -> None:
    """Lines of text on a plate of one colour above a box; where there is no room, at its top."""
    size, pad = 0.4 * max(thick, 1.5), 3 * thick
    sizes = [cv2.getTextSize(line, _FONT, size, thick)[0] for line in lines]
    wide, high = max(width for width, _ in sizes) + 2 * pad, sizes[0][1] + 2 * pad
    x = min(max(box[0], 0), max(drawn.shape[1] - wide, 0))
    y = box[1] - high * len(lines)
    y = y if y >= 0 else max(box[1], 0)
    cv2.rectangle(drawn, (x, y), (x + wide, y + high * len(lines)), colour, cv2.FILLED)
    for number, line in enumerate(lines):
        at = (x + pad, y + high * (number + 1) - pad)
        cv2.putText(drawn, line, at, _FONT, size, _WHITE, thick, cv2.LINE_AA)


def _ruler(drawn: BgrImage, thick: int) -> None:
    """A mark at each tenth along the upper and the left edge, a number at each second."""
    height, width = drawn.shape[:2]
    for tenth in range(1, TENTHS):
        x, y = round(width * tenth / TENTHS), round(height * tenth / TENTHS)
        for start, end in (((x, 0), (x, 6 * thick)), ((0, y), (6 * thick, y))):
            cv2.line(drawn, start, end, _INK, 3 * thick)
            cv2.line(drawn, start, end, _WHITE, thick)
        if tenth % 2 == 0:
            number = (f"0.{tenth}",)
            _plate(drawn, number, (x - 10 * thick, 0), _INK, thick)
            _plate(drawn, number, (0, y + 8 * thick), _INK, thick)
