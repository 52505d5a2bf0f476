"""Measure the looking: precision and recall on labelled photographs, and what a frame costs."""

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np

from vision.boxes import Box
from vision.errors import ImageError
from vision.hygiene import Hygiene
from vision.images import BgrImage, read_image
from vision.looks import Look, Violation
from vision.persons import Person, Verdict

LABELS = {"Mask": "right", "NoMask": "wrong"}
FACE_SIZES = (128, 96, 64, 48, 32, 24, 16)
"""Heights of a face at which a shrunken photograph is looked at, pixels."""
FRAME = (720, 1280)
"""Height and width of the camera frame into which it is set."""


@dataclass(frozen=True)
class Score:
    """Counts of one question, where *wrong* (no mask) is what is looked for.

    Attributes:
        right_alarms: Bare faces called bare.
        false_alarms: Masked faces, or nothing, called bare.
        missed: Bare faces not called bare; unknown counts here.
        unknown: Faces of either kind about which nothing was said.
        quiet: Masked faces called masked.
    """

    right_alarms: int
    false_alarms: int
    missed: int
    unknown: int
    quiet: int

    def as_json(self) -> dict[str, Any]:
        """With precision and recall; ``None`` where there is nothing to divide by."""
        alarms, bare = self.right_alarms + self.false_alarms, self.right_alarms + self.missed
        return {
            "precision": round(self.right_alarms / alarms, 4) if alarms else None,
            "recall": round(self.right_alarms / bare, 4) if bare else None,
            **self.__dict__,
        }


def score(pairs: Iterable[tuple[str, str]]) -> Score:
    """Count (true state, said state) pairs; a true state is right or wrong."""
    rows = list(pairs)
    return Score(
        right_alarms=rows.count(("wrong", "wrong")),
        false_alarms=rows.count(("right", "wrong")),
        missed=rows.count(("wrong", "right")) + rows.count(("wrong", "unknown")),
        unknown=rows.count(("wrong", "unknown")) + rows.count(("right", "unknown")),
        quiet=rows.count(("right", "right")),
    )


def measure(hygiene: Hygiene, folder: Path) -> dict[str, Any]:
    """Look at the labelled photographs of a folder.

    Args:
        hygiene: What looks.
        folder: Holds ``expected.json``: per file ``true_label`` (Mask, NoMask, null), and
            ``facemask_360``: faces that the published model found, as a regression reference.

    Returns:
        ``photographs``: the verdict on the largest face against the label of a person;
        ``at_distance``: the same, with the photograph shrunken into a camera's frame;
        ``agreement``: faces of the reference that were found with the same class;
        ``cpu_ms_per_frame``: processor time, over the photographs.

    Raises:
        ImageError: there is no ``expected.json``, or a photograph cannot be read.
    """
    try:
        expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ImageError(f"{folder} has no readable expected.json: {error}") from error
    pictures = {name: read_image(folder / name) for name in expected}
    looks, times = {}, []
    for name, image in pictures.items():
        start = time.process_time()
        looks[name] = hygiene.look(image)
        times.append((time.process_time() - start) * 1000)
    labelled = {n: LABELS[row["true_label"]] for n, row in expected.items() if row["true_label"]}
    pairs = [(true, main_verdict(looks[name]).state) for name, true in labelled.items()]
    return {
        "photographs": score(pairs).as_json(),
        "at_distance": _at_distance(hygiene, pictures, looks, labelled),
        "agreement": _agreement(looks, expected),
        "cpu_ms_per_frame": {"median": round(median(times), 1), "most": round(max(times), 1)},
    }


def main_verdict(look: Look) -> Verdict:
    """The mask verdict on the largest face of a picture."""
    faces = [p for p in look.persons if p.face is not None]
    if not faces:
        return Verdict("unknown", why="no face seen")
    return max(faces, key=lambda p: p.face.area if p.face else 0.0).mask


def in_a_frame(image: BgrImage, face: Box, height: int) -> BgrImage:
    """A photograph as a kitchen camera sees it: the face ``height`` pixels high in a grey frame."""
    factor = height / face.h
    small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    rows, columns = min(small.shape[0], FRAME[0]), min(small.shape[1], FRAME[1])
    frame = np.full((*FRAME, 3), 114, np.uint8)
    frame[:rows, 400 : 400 + min(columns, FRAME[1] - 400)] = small[:rows, : FRAME[1] - 400]
    return frame


def _at_distance(
    hygiene: Hygiene,
    pictures: dict[str, BgrImage],
    looks: dict[str, Look],
    labelled: dict[str, str],
) -> list[dict[str, Any]]:
    rows = []
    for height in FACE_SIZES:
        pairs = []
        for name, true in labelled.items():
            face = main_verdict(looks[name]).box
            if face is not None:
                frame = in_a_frame(pictures[name], face, height)
                pairs.append((true, main_verdict(hygiene.look(frame)).state))
        rows.append({"face_px": height, **score(pairs).as_json()})
    return rows


def _agreement(looks: dict[str, Look], expected: dict[str, Any]) -> dict[str, Any]:
    """How many faces of the reference were found again, and how many others."""
    same = other = found = reference = 0
    for name, look in looks.items():
        faces = [p for p in look.persons if p.face is not None]
        found += len(faces)
        for label, _, (x0, y0, x1, y1) in expected[name].get("facemask_360", []):
            reference += 1
            box = Box(x0, y0, x1 - x0, y1 - y0)
            match = [p for p in faces if p.face is not None and p.face.overlap(box) >= 0.5]
            states = {p.verdicts["no_mask"].state for p in match} - {"unknown"}
            same += states == {LABELS[label]}
            other += bool(states - {LABELS[label]})
    return {"reference": reference, "same": same, "other": other, "found": found}


def time_frames(hygiene: Hygiene, frames: Sequence[BgrImage], rounds: int = 3) -> dict[str, float]:
    """What a frame costs, and how many cameras at 5 frames a second two cores carry.

    Counted in processor time of this process, so that a busy machine does not change it; pictures
    come decoded.

    Args:
        hygiene: What looks.
        frames: At least one.
        rounds: How often each is looked at; the median counts.
    """
    times = []
    for _ in range(rounds):
        for frame in frames:
            start = time.process_time()
            hygiene.look(frame)
            times.append((time.process_time() - start) * 1000)
    usual = median(times)
    return {
        "cpu_ms_per_frame": round(usual, 1),
        "cpu_ms_most": round(max(times), 1),
        "cameras_5fps_2_cores": int(2 * 1000 / usual / 5),
    }


def look_json(look: Look) -> dict[str, Any]:
    """A look as plain JSON: boxes are x, y, width, height in pixels."""
    return {
        "persons": [_person(person) for person in look.persons],
        "places": [{"rule": rule, **_verdict(verdict)} for rule, verdict in look.places],
        "violations": [_violation(violation) for violation in look.violations],
        "unknown": list(look.unknown),
    }


def _person(person: Person) -> dict[str, Any]:
    said = {"right": "mask", "wrong": "no_mask"}.get(person.mask.state, "unknown")
    return {
        "box": _box(person.box),
        "score": round(person.score, 3),
        "head": _box(person.head),
        "torso": _box(person.torso),
        "mask": {**_verdict(person.mask), "state": said},
        "phone": person.phone.state == "wrong",
        "rules": {rule: _verdict(verdict) for rule, verdict in person.verdicts.items()},
    }


def _violation(violation: Violation) -> dict[str, Any]:
    return {
        "rule": violation.rule,
        "box": _box(violation.box),
        "score": round(violation.score, 3),
        "person": violation.person,
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    box = None if verdict.box is None else _box(verdict.box)
    row: dict[str, Any] = {"state": verdict.state, "score": round(verdict.score, 3), "box": box}
    return {**row, "why": verdict.why} if verdict.why else row


def _box(box: Box) -> list[float]:
    return [round(part, 1) for part in (box.x, box.y, box.w, box.h)]
