"""Pictures of people before a till's camera: in front, behind, beside."""

import numpy as np

from vision.samples import Variation, empty_frame, sample_faces, vary

WIDTH, HEIGHT = 640, 480


def frame(*people):
    """A frame of 640 x 480 with these people.

    Args:
        people: Number of a sample person, pixels of the face as it is painted (the detector finds
            a few less or more), and where its middle is, parts of the frame; who stands in front
            comes last.
    """
    rng, everybody, made = np.random.default_rng(2), sample_faces(), empty_frame()
    for number, face, (x, y) in people:
        one = vary(everybody[number], rng, Variation(face_width=face))
        middle = (WIDTH // 2, round(HEIGHT * Variation().centre[1]))
        at = (int(x * WIDTH), int(y * HEIGHT))
        left, right = (min(int(face * 0.9), room) for room in (at[0], WIDTH - at[0]))
        up, down = (
            min(int(face * 1.1), room, other)
            for room, other in zip(
                (at[1], HEIGHT - at[1]), (middle[1], HEIGHT - middle[1]), strict=True
            )
        )
        made[at[1] - up : at[1] + down, at[0] - left : at[0] + right] = one[
            middle[1] - up : middle[1] + down, middle[0] - left : middle[0] + right
        ]
    return made


FRONT, NEXT, BESIDE = (2, 170, (0.55, 0.5)), (0, 75, (0.28, 0.4)), (3, 60, (0.95, 0.3))


def queue():
    """One pays, the next one stands behind him, somebody walks past outside the zone."""
    return frame(NEXT, BESIDE, FRONT)


def abreast():
    """Two who stand side by side."""
    return frame((0, 120, (0.3, 0.45)), (3, 130, (0.7, 0.45)))


def far():
    """One who stands a few steps away."""
    return frame((3, 55, (0.5, 0.45)))
