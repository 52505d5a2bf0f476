"""Presentations to measure liveness by: living people, and pictures of them held to the camera.

Everything is rendered from the sample faces and seeded. A rendered attack is a model of an attack:
good enough to compare rules and to notice a fault, no substitute for paper, screens and a
laboratory.
"""

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum

import cv2
import numpy as np
import numpy.typing as npt

from vision.images import BgrImage
from vision.samples import (
    LANDSCAPE,
    Sample,
    Variation,
    empty_frame,
    jitter,
    random_variation,
    through_lens,
    vary,
)

FRAMES = 5
"""Frames of one presentation: as many as a till looks back on."""

Pixels = npt.NDArray[np.float32]


class Kind(StrEnum):
    """What is held to the camera."""

    BONA_FIDE = "bona_fide"
    PRINT = "print"
    SCREEN = "screen"
    REPLAY = "replay"
    CUT_OUT = "cut_out"


ATTACKS = (Kind.PRINT, Kind.SCREEN, Kind.REPLAY, Kind.CUT_OUT)


def present(
    kind: Kind, people: list[Sample], number: int, seed: int, frames: int = FRAMES
) -> list[BgrImage]:
    """The frames of one presentation; the same arguments give the same frames.

    Args:
        kind: What is presented.
        people: The sample faces.
        number: Whose face it shows: an index of ``people``.
        seed: Distance, place, light, hand and noise.
        frames: How many.
    """
    rng = np.random.default_rng([seed, number, list(Kind).index(kind)])
    victim = people[number]
    if kind is Kind.BONA_FIDE:
        return _living(victim, rng, frames)
    if kind is Kind.CUT_OUT:
        return _cut_out(victim, people[(number + 1) % len(people)], rng, frames)
    still = vary(victim, rng, Variation(face_width=float(rng.uniform(150, 190))))
    if kind is Kind.PRINT:
        sheet = _print(_portrait(still), rng)
        return _held([sheet] * frames, rng)
    moving = _living(victim, rng, frames) if kind is Kind.REPLAY else [still] * frames
    lamp = int(rng.integers(1 << 30))
    return _held([_screen(_portrait(one), np.random.default_rng(lamp)) for one in moving], rng)


# --- the living ---------------------------------------------------------------------------------


def _living(sample: Sample, rng: np.random.Generator, frames: int) -> list[BgrImage]:
    """A head that turns a little, drifts and blinks, before a room that stands still."""
    base = random_variation(rng)
    turn, nod = rng.normal(0, 0.06, 2)
    phase, blink = rng.uniform(0, 6.3), int(rng.integers(-2, frames))
    seen = []
    for n in range(frames):
        wave = float(np.sin(phase + 0.9 * n))
        how = jitter(base, rng)
        posed = _pose(sample, float(turn) * wave, float(nod) * wave, shut=n == blink)
        seen.append(vary(posed, rng, how))
    return seen


def _pose(sample: Sample, turn: float, nod: float, *, shut: bool) -> Sample:
    """The sample with its head turned (radians): near parts shift against far ones."""
    height, width = sample.image.shape[:2]
    x, y, w, h = sample.face
    across, down = np.meshgrid(
        np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    )
    u, v = (across - (x + w / 2)) / (0.62 * w), (down - (y + h / 2)) / (0.68 * h)
    dome = np.sqrt(np.clip(1 - u**2 - v**2, 0, None))
    nose = 0.35 * np.exp(-((u / 0.16) ** 2) - ((v - 0.1) / 0.25) ** 2)
    depth = 0.5 * w * (dome + nose)
    from_x, from_y = (
        across - depth * np.float32(np.sin(turn)),
        down - depth * np.float32(np.sin(nod)),
    )
    if shut:
        from_y = _lids(from_y, across, down, sample)
    image = cv2.remap(
        sample.image, from_x.astype(np.float32), from_y.astype(np.float32), cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    return replace(sample, image=np.asarray(image, np.uint8))


def _lids(from_y: Pixels, across: Pixels, down: Pixels, sample: Sample) -> Pixels:
    """Draw the skin above each eye down over it."""
    x, y, w, h = sample.face
    slope = np.tan(np.radians(sample.tilt))
    for part in (0.31, 0.69):
        at_x = x + part * w
        at_y = y + 0.41 * h + slope * (part - 0.5) * w
        near = np.exp(-(((across - at_x) / (0.13 * w)) ** 2) - ((down - at_y) / (0.05 * h)) ** 2)
        from_y = from_y - np.asarray(0.075 * h * near, np.float32)
    return from_y


# --- pictures of people -------------------------------------------------------------------------


def _portrait(frame: BgrImage) -> BgrImage:
    """The middle of a frame, upright, as somebody would print or show it."""
    height, width = frame.shape[:2]
    wide = int(0.75 * height)
    left = (width - wide) // 2
    return np.asarray(frame[:, left : left + wide], np.uint8)


def _print(picture: BgrImage, rng: np.random.Generator) -> BgrImage:
    """On paper: blacks lifted, colours dull, a white rim, a sheen across it."""
    black, tone = rng.uniform(18, 40), np.array(rng.uniform([0.9, 0.94, 0.96], [0.96, 0.99, 1.0]))
    dull = picture.astype(np.float32) * (1 - black / 255) * 0.93 + black
    grey = dull.mean(axis=2, keepdims=True)
    paper = (grey + rng.uniform(0.7, 0.9) * (dull - grey)) * tone
    edge = int(rng.uniform(8, 30))
    rim = tuple(float(c) for c in 240 * tone)
    sheet = cv2.copyMakeBorder(paper, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=rim)
    return _sheen(np.asarray(sheet, np.float32), rng, float(rng.uniform(15, 70)))


def _screen(picture: BgrImage, rng: np.random.Generator) -> BgrImage:
    """On a phone: bright and bluish, a dark rim, and the red, green and blue stripes of its pixels.

    Returned at three samples a pixel of the screen, so that the camera's own sampling makes the
    beat.
    """
    width = picture.shape[1]
    lit = np.clip(picture.astype(np.float32) * np.array([1.12, 1.04, 0.98]) + 12, 0, 255)
    edge = int(0.05 * width)
    shown = cv2.copyMakeBorder(lit, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=(14, 13, 12))
    large = cv2.resize(shown, None, fx=3, fy=3, interpolation=cv2.INTER_NEAREST)
    depth = np.float32(rng.uniform(0.35, 0.8))
    stripes = np.ones((3, 3, 3), np.float32) * (1 - depth)
    for channel in range(3):
        stripes[:2, 2 - channel, channel] = 1 + depth
    tiles = np.tile(stripes, (large.shape[0] // 3 + 1, large.shape[1] // 3 + 1, 1))
    grid = np.asarray(large, np.float32) * tiles[: large.shape[0], : large.shape[1]]
    return _sheen(np.clip(grid, 0, 255).astype(np.float32), rng, float(rng.uniform(0, 35)))


def _sheen(sheet: Pixels, rng: np.random.Generator, strength: float) -> BgrImage:
    """A lamp mirrored in it: a soft band."""
    height, width = sheet.shape[:2]
    across, down = np.meshgrid(
        np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32)
    )
    angle, off = rng.uniform(0, np.pi), rng.uniform(-0.8, 0.8)
    away = across * np.float32(np.cos(angle)) + down * np.float32(np.sin(angle)) - np.float32(off)
    band = np.exp(-((away / np.float32(0.25)) ** 2))[..., None]
    return np.asarray(np.clip(sheet + np.float32(strength) * band, 0, 255), np.uint8)


def _held(sheets: list[BgrImage], rng: np.random.Generator) -> list[BgrImage]:
    """Sheets in a hand before the camera: in perspective, never quite still."""
    room = int(rng.integers(4))
    base = random_variation(rng)
    share = float(rng.uniform(0.85, 1.15))
    middle = np.array([rng.uniform(0.44, 0.56), rng.uniform(0.46, 0.54)])
    tilt = rng.normal(0, 0.05, (4, 2))
    seen = []
    for sheet in sheets:
        middle = middle + rng.normal(0, 0.006, 2)
        tilt = tilt + rng.normal(0, 0.004, (4, 2))
        flat = _place(sheet, empty_frame(room), share * float(rng.normal(1, 0.008)), middle, tilt)
        seen.append(through_lens(flat, replace(base, room=room), rng))
    return seen


def _place(
    sheet: BgrImage,
    frame: BgrImage,
    share: float,
    middle: npt.NDArray[np.float64],
    tilt: npt.NDArray[np.float64],
) -> Pixels:
    """Lay a sheet over a frame; ``share`` of the frame's height, corners off by ``tilt``."""
    width, height = LANDSCAPE
    high = share * height
    wide = high * sheet.shape[1] / sheet.shape[0]
    corners = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]]) + tilt
    to = (corners * (wide, high) + middle * (width, height)).astype(np.float32)
    h, w = sheet.shape[:2]
    source = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float32)
    plane = cv2.getPerspectiveTransform(source, to)
    soft = cv2.GaussianBlur(sheet, (0, 0), max(0.35 * w / wide, 0.01))
    laid = cv2.warpPerspective(soft, plane, LANDSCAPE, flags=cv2.INTER_LINEAR)
    mask = cv2.warpPerspective(np.ones((h, w), np.float32), plane, LANDSCAPE)[..., None]
    return np.asarray(laid * mask + frame * (1 - mask), np.float32)


# --- cut out ------------------------------------------------------------------------------------


def _cut_out(
    victim: Sample, wearer: Sample, rng: np.random.Generator, frames: int
) -> list[BgrImage]:
    """A printed head with holes for the eyes, before the head of somebody living."""
    base = replace(random_variation(rng), angle=0.0)
    paper = replace(victim, image=_print_of(victim, rng))
    living = _living_over(wearer, rng, base)
    seen = []
    for n in range(frames):
        held = replace(
            jitter(base, rng), face_width=base.face_width * 1.08, noise=0.0, room=base.room
        )
        behind = living(n)
        front = vary(paper, rng, held)
        mask = _head_with_holes(held)
        seen.append(through_lens(front * mask + behind * (1 - mask), base, rng))
    return seen


def _print_of(victim: Sample, rng: np.random.Generator) -> BgrImage:
    sheet = _print(victim.image, rng)
    edge = (sheet.shape[0] - victim.image.shape[0]) // 2
    return sheet[edge : edge + victim.image.shape[0], edge : edge + victim.image.shape[1]]


def _living_over(
    wearer: Sample, rng: np.random.Generator, base: Variation
) -> Callable[[int], BgrImage]:
    blink = int(rng.integers(0, FRAMES))

    def frame(n: int) -> BgrImage:
        posed = _pose(wearer, float(rng.normal(0, 0.05)), 0.0, shut=n == blink)
        return vary(posed, rng, jitter(base, rng))

    return frame


def _head_with_holes(how: Variation) -> Pixels:
    """(height, width, 1) 0 to 1: the sheet, with a hard edge."""
    width, height = LANDSCAPE
    mask = np.zeros((height, width), np.float32)
    x, y, w = how.centre[0] * width, how.centre[1] * height, how.face_width
    h = 1.25 * w
    cv2.ellipse(
        mask, (int(x), int(y - 0.05 * h)), (int(0.6 * w), int(0.68 * h)), 0, 0, 360, 1.0, -1
    )
    for part in (-0.19, 0.19):
        hole = (int(x + part * w), int(y - 0.09 * h))
        cv2.ellipse(mask, hole, (int(0.11 * w), int(0.05 * h)), 0, 0, 360, 0.0, -1)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 0.8), np.float32)[..., None]
