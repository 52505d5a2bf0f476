"""What is shown to whoever sets the payment zone: a picture, its faces, what the till says of each.

Plain values: a command prints them, the till's page draws them.
"""

from dataclasses import dataclass

OK = "ok"
TOO_SMALL = "too_small"
TWO_FACES = "two_faces"
BEHIND = "behind"
"""No :class:`vision.quality.Verdict`: in the zone, but too small beside the payer's to count."""

WORDS = {
    "ok": "may pay",
    "no_face": "no face",
    "too_small": "too small",
    "outside": "outside the zone",
    "behind": "behind",
    "cut_off": "cut off by the edge",
    "turned": "turned away",
    "tilted": "tilted",
    "dark": "too dark",
    "bright": "too bright",
    "blurred": "blurred",
    "two_faces": "several faces",
}
"""Every verdict in English; the page's own words are its labels."""


@dataclass(frozen=True, slots=True)
class FaceLook:
    """One face.

    Attributes:
        box: Left, top, width and height, whole pixels of the picture; parts of it may lie outside.
        width: Of the face, whole pixels, as ``face_px`` counts them.
        verdict: What the till makes of it, a key of :data:`WORDS`.
    """

    box: tuple[int, int, int, int]
    width: int
    verdict: str


@dataclass(frozen=True, slots=True)
class PlaceLook:
    """One picture.

    Attributes:
        width: Of the picture, pixels.
        height: Of the picture, pixels.
        zone: The payment zone: left, top, right and bottom, parts of the picture.
        face_px: Least width of a face that may pay, pixels.
        verdict: ``ok``: somebody may pay; else why nobody may. A key of :data:`WORDS`.
        faces: The largest first.
    """

    width: int
    height: int
    zone: tuple[float, float, float, float]
    face_px: int
    verdict: str
    faces: tuple[FaceLook, ...] = ()


@dataclass(frozen=True, slots=True)
class PlacePicture:
    """A picture for the till's screen.

    Attributes:
        jpeg: The whole of it, left and right as the camera has them.
        look: What is seen in it; ``None`` where there are no models to look with.
    """

    jpeg: bytes
    look: PlaceLook | None
