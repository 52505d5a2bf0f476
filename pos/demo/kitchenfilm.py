"""What the demo's kitchen cameras see: two drawn rooms in which somebody works, without a face."""

import math

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]

WIDTH, HEIGHT = 1280, 720
_FLOOR = 470
"""Where the wall ends, pixels from above."""
_WALL, _JOINT = (206, 211, 212), (186, 192, 194)
_TILE, _TILE_JOINT = (128, 134, 138), (112, 118, 122)
_STEEL, _STEEL_DARK, _STEEL_LIGHT = (168, 166, 162), (120, 118, 114), (204, 203, 200)
_COAT, _COAT_SHADE, _HAIR, _NECK = (238, 238, 236), (206, 208, 208), (46, 48, 52), (140, 168, 206)
_FLAME, _WOK = (60, 150, 250), (62, 60, 58)
_FOOD: tuple[Colour, ...] = (
    (60, 110, 190), (70, 170, 90), (80, 190, 235), (60, 80, 170), (120, 200, 220), (90, 140, 60),
)  # fmt: skip


def still(room: int, seconds: float, text: str) -> bytes:
    """One picture, JPEG.

    Args:
        room: 0 where it is cooked, any other where it is served out.
        seconds: Of any clock; people and steam move with it.
        text: Stands in the picture, such as the time; ASCII.
    """
    image = _room()
    (_cooking if room == 0 else _serving)(image, seconds)
    image = cv2.GaussianBlur(image, (3, 3), 0).astype(np.uint8)
    noise = np.random.default_rng(int(seconds * 10)).normal(0, 3, (HEIGHT, WIDTH, 1))
    image = np.clip(image * _vignette() + noise, 0, 255).astype(np.uint8)
    for colour, width in (((30, 30, 30), 5), ((245, 245, 245), 2)):
        cv2.putText(
            image, f"DEMO  {text}", (36, 214), cv2.FONT_HERSHEY_SIMPLEX, 1.1, colour, width,
            cv2.LINE_AA,
        )  # fmt: skip
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()


def _room() -> Image:
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[:_FLOOR], image[_FLOOR:] = _WALL, _TILE
    for x in range(0, WIDTH, 64):
        cv2.line(image, (x, 0), (x, _FLOOR), _JOINT, 1)
    for y in range(0, _FLOOR, 40):
        cv2.line(image, (0, y), (WIDTH, y), _JOINT, 1)
    for part in range(-14, 30):
        cv2.line(image, (part * 80, _FLOOR), (part * 190 - 880, HEIGHT), _TILE_JOINT, 2)
    for step in (18, 50, 100, 170):
        cv2.line(image, (0, _FLOOR + step), (WIDTH, _FLOOR + step), _TILE_JOINT, 2)
    return image


def _cooking(image: Image, seconds: float) -> None:
    cv2.fillConvexPoly(image, _points((120, 90), (1160, 90), (1220, 190), (60, 190)), _STEEL)
    cv2.rectangle(image, (60, 190), (1220, 212), _STEEL_LIGHT, -1)
    for x in range(220, 1160, 280):
        cv2.ellipse(image, (x, 178), (70, 8), 0, 0, 360, (225, 245, 250), -1, cv2.LINE_AA)
    _block(image, 80, 1200, 400, 560)
    woks = (240, 500, 780, 1040)
    for number, x in enumerate(woks):
        flicker = 6 * math.sin(seconds * 3 + number * 2)
        cv2.ellipse(image, (x, 402), (62, 16), 0, 0, 360, _FLAME, -1, cv2.LINE_AA)
        cv2.ellipse(image, (x, 402), (int(46 + flicker), 10), 0, 0, 360, (120, 200, 255), -1)
        cv2.ellipse(image, (x, 380), (84, 26), 0, 0, 180, _WOK, -1, cv2.LINE_AA)
        cv2.ellipse(image, (x, 380), (84, 18), 0, 0, 360, (84, 82, 80), -1, cv2.LINE_AA)
        cv2.ellipse(image, (x, 382), (66, 13), 0, 0, 360, _FOOD[number], -1, cv2.LINE_AA)
    _steam(image, woks, seconds)
    _person(image, 370 + 130 * math.sin(seconds / 17), 300, seconds)
    _person(image, 900 + 110 * math.sin(seconds / 23 + 2), 292, seconds + 9)


def _serving(image: Image, seconds: float) -> None:
    for y in (130, 250):
        cv2.rectangle(image, (140, y), (1190, y + 14), _STEEL, -1)
        for number, x in enumerate(range(180, 1110, 92)):
            high = 34 + 14 * (number * 7 % 3)
            cv2.rectangle(image, (x, y - high), (x + 62, y), _STEEL_LIGHT, -1)
            cv2.line(image, (x, y - high), (x + 62, y - high), _STEEL_DARK, 2)
    _person(image, 640 + 330 * math.sin(seconds / 31), 286, seconds)
    _block(image, 60, 1220, 500, 690)
    cv2.fillConvexPoly(image, _points((70, 416), (1210, 416), (1232, 512), (48, 512)), _STEEL_LIGHT)
    for number, colour in enumerate(_FOOD):
        left = 110 + number * 180
        cv2.rectangle(image, (left, 432), (left + 156, 498), _STEEL_DARK, -1)
        cv2.rectangle(image, (left + 8, 438), (left + 148, 490), colour, -1)
        spots = np.random.default_rng(number)
        for _ in range(26):
            x, y = int(spots.integers(left + 14, left + 142)), int(spots.integers(445, 484))
            shade = int(spots.integers(-26, 27))
            tone = tuple(int(np.clip(part + shade, 0, 255)) for part in colour)
            cv2.circle(image, (x, y), 7, tone, -1, cv2.LINE_AA)
    _steam(image, (278, 638, 998), seconds, base=450)


def _block(image: Image, left: int, right: int, top: int, bottom: int) -> None:
    """A steel counter."""
    cv2.rectangle(image, (left, top), (right, bottom), _STEEL, -1)
    cv2.rectangle(image, (left - 12, top - 8), (right + 12, top + 10), _STEEL_LIGHT, -1)
    for x in range(left, right, (right - left) // 4):
        cv2.rectangle(image, (x + 8, top + 28), (x + (right - left) // 4 - 8, bottom - 14),
                      _STEEL_DARK, 2)  # fmt: skip
    cv2.rectangle(image, (left, bottom), (right, bottom + 10), (90, 94, 98), -1)


def _person(image: Image, x: float, top: float, seconds: float) -> None:
    """Somebody in white, seen from behind: coat, cap, arms that work."""
    at, head = int(x), int(top)
    reach = int(14 * math.sin(seconds * 1.7))
    for side in (-1, 1):
        hand = (at + side * (92 + reach * side // 2), head + 118 + reach * side)
        cv2.line(image, (at + side * 52, head + 92), hand, _COAT_SHADE, 34, cv2.LINE_AA)
    body = _points(
        (at - 66, head + 84), (at + 66, head + 84), (at + 78, head + 300), (at - 78, head + 300)
    )
    cv2.rectangle(image, (at - 58, head + 290), (at - 8, head + 400), (60, 62, 66), -1)
    cv2.rectangle(image, (at + 8, head + 290), (at + 58, head + 400), (60, 62, 66), -1)
    cv2.fillConvexPoly(image, body, _COAT, cv2.LINE_AA)
    cv2.ellipse(image, (at, head + 86), (66, 22), 0, 180, 360, _COAT, -1, cv2.LINE_AA)
    cv2.line(image, (at, head + 100), (at, head + 296), _COAT_SHADE, 3)
    cv2.line(image, (at - 72, head + 196), (at + 72, head + 196), _COAT_SHADE, 8)
    cv2.rectangle(image, (at - 22, head + 50), (at + 22, head + 74), _NECK, -1)
    cv2.circle(image, (at, head + 30), 37, _HAIR, -1, cv2.LINE_AA)
    cv2.ellipse(image, (at, head + 16), (44, 34), 0, 180, 360, _COAT, -1, cv2.LINE_AA)
    cv2.rectangle(image, (at - 40, head + 8), (at + 40, head + 26), _COAT_SHADE, -1)


def _steam(image: Image, sources: tuple[int, ...], seconds: float, base: int = 360) -> None:
    veil = np.zeros((HEIGHT, WIDTH), np.float32)
    for number, x in enumerate(sources):
        for puff in range(6):
            age = (seconds / 7 + puff / 6 + number * 0.37) % 1
            place = (int(x + 26 * math.sin(6 * age + number)), int(base - 150 * age))
            cv2.circle(veil, place, int(16 + 34 * age), 0.5 * (1 - age), -1)
    soft = cv2.GaussianBlur(veil, (0, 0), 16)[..., None]
    image[:] = (image * (1 - soft) + 244 * soft).astype(np.uint8)


def _points(*corners: tuple[int, int]) -> npt.NDArray[np.int32]:
    return np.array(corners, np.int32)


def _vignette() -> npt.NDArray[np.float64]:
    x = np.linspace(-1, 1, WIDTH)
    y = np.linspace(-1, 1, HEIGHT)[:, None]
    return np.asarray(1 - 0.22 * (x**2 + y**2))[..., None]
