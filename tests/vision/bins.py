"""Synthetic pictures of a bin before a fixed camera: drawn, seeded, no photograph."""

from datetime import UTC, datetime, timedelta

import cv2
import numpy as np

from vision.taught import Example

START = datetime(2026, 3, 2, 6, tzinfo=UTC)


def draw_bin(rng, *, is_open):
    """A bin in 96 x 120 pixels: body, lid up or down, light, clutter, small camera shake."""
    high, wide = 120, 96
    wall = rng.integers(90, 190, 3)
    image = np.empty((high, wide, 3), np.uint8)
    image[:] = np.clip(wall + np.linspace(-25, 25, high)[:, None, None], 0, 255)
    image[85:] = np.clip(image[85:] * 0.7, 0, 255)
    for _ in range(rng.integers(2, 6)):  # buckets, boxes, cloths behind
        x, y = (int(v) for v in rng.integers(0, (wide, 80)))
        w, h = (int(v) for v in rng.integers(6, 30, 2))
        colour = tuple(int(v) for v in rng.integers(30, 230, 3))
        cv2.rectangle(image, (x, y), (x + w, y + h), colour, -1)
    colour = tuple(int(v) for v in np.clip(rng.normal((70, 110, 60), 8), 0, 255))
    dark = tuple(int(v * 0.6) for v in colour)
    body = np.array([[22, 52], [74, 52], [68, 112], [28, 112]])
    cv2.fillPoly(image, [body], colour)
    if is_open:
        tilt = int(rng.integers(-6, 7))
        cv2.fillPoly(
            image, [np.array([[22, 52], [74, 52], [72 + tilt, 14], [24 + tilt, 14]])], dark
        )
        cv2.ellipse(image, (48, 54), (25, 8), 0, 0, 360, (25, 25, 28), -1)
        for _ in range(rng.integers(0, 5)):  # what lies in it
            at = (int(rng.integers(30, 66)), int(rng.integers(48, 58)))
            rubbish = tuple(int(v) for v in rng.integers(60, 255, 3))
            cv2.circle(image, at, int(rng.integers(2, 6)), rubbish, -1)
    else:
        cv2.fillPoly(image, [np.array([[18, 46], [78, 46], [76, 56], [20, 56]])], dark)
        cv2.rectangle(image, (42, 42), (54, 46), dark, -1)
    corners = np.array([[0, 0], [wide, 0], [wide, high], [0, high]], np.float32)
    moved = (corners + rng.normal(0, 3, corners.shape)).astype(np.float32)
    warp = cv2.getPerspectiveTransform(corners, moved)
    image = cv2.warpPerspective(image, warp, (wide, high), borderMode=cv2.BORDER_REPLICATE)
    light = rng.uniform(0.5, 1.4)
    noisy = image.astype(np.float32) * light + rng.normal(0, 5, image.shape)
    if rng.random() < 0.4:  # somebody stands before a part of it
        x = int(rng.integers(0, wide - 15))
        noisy[:, x : x + int(rng.integers(5, 15))] *= 0.4
    return np.clip(noisy, 0, 255).astype(np.uint8)


def bin_examples(count, seed=7, gap_s=600):
    """``count`` of each kind, every ten minutes one."""
    rng = np.random.default_rng(seed)
    return [
        Example(draw_bin(rng, is_open=n % 2 == 0), n % 2 == 0, START + timedelta(seconds=n * gap_s))
        for n in range(2 * count)
    ]
