"""Looks at one frame of a kitchen: who is there, and which rules of hygiene they break.

Every rule answers right, wrong or unknown, and unknown is never a violation: a small, hidden or cut
face, a doubtful score, and a rule that no model here knows are all unknown. One frame proves
nothing: :mod:`vision.debounce` turns many looks into an incident, and a person confirms it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from vision.boxes import Box
from vision.detector import Detection, ObjectDetector, check_picture, load_detector
from vision.images import BgrImage
from vision.looks import Look, Zone, violations
from vision.manifest import find_file, model_folders, with_site_detectors
from vision.persons import (
    RULES,
    Person,
    Rule,
    State,
    Verdict,
    body_of,
    match_faces,
    owner_of,
    with_face,
)

FACE_AROUND = 3.5
"""Side of the cut-out of a face, in sizes of the face."""
LARGE = 0.2
"""Least part of the frame's width and height of a face that needs no closer look."""


@dataclass(frozen=True)
class Limits:
    """When a frame may say something. The figures behind them are in docs/cameras.md.

    Attributes:
        face_px: Least height of a face that is judged, pixels of the frame.
        sure: Least score of a verdict; below it is unknown.
        closer: How many heads are looked at again, closely. Each costs one run of the mask
            detector; a bare face beyond it is unknown.
        region_px: Least side of a head or torso that a taught rule judges.
    """

    face_px: float = 30
    sure: float = 0.7
    closer: int = 3
    region_px: float = 32


class Judge(Protocol):
    """A rule that was taught on this site, see :mod:`vision.taught`."""

    @property
    def rule(self) -> str:
        """One of :data:`RULES`."""
        ...

    @property
    def region(self) -> Box | None:
        """The place in the picture, as parts of it; ``None``: the rule's part of each person."""
        ...

    def judge(self, crop: BgrImage) -> tuple[State, float]:
        """What the marked part of the picture shows, and how surely."""
        ...


class Hygiene:
    """Detectors and taught rules that look at frames together.

    Args:
        detectors: Their class names are those of :data:`RULES`, and ``person``.
        taught: Rules taught on site; they stand before a detector that knows the same rule.
        limits: When a frame may say something.
    """

    def __init__(
        self,
        detectors: Sequence[ObjectDetector],
        taught: Sequence[Judge] = (),
        limits: Limits | None = None,
    ) -> None:
        self._faces = [d for d in detectors if d.names & {"mask", "no_mask"}]
        self._others = [d for d in detectors if d not in self._faces]
        self._taught = list(taught)
        self._limits = limits or Limits()
        self._classes = frozenset().union(*(d.names for d in detectors))

    @property
    def unknown(self) -> tuple[str, ...]:
        """Rules that neither a detector nor a taught rule knows."""
        taught = {judge.rule for judge in self._taught}
        return tuple(r for r in RULES if r not in taught and not self._knows(r))

    def with_taught(self, taught: Sequence[Judge]) -> "Hygiene":
        """The same detectors with other rules taught: each camera has its own."""
        return Hygiene([*self._faces, *self._others], taught, self._limits)

    def look(self, image: BgrImage, zones: Sequence[Zone] = ()) -> Look:
        """Judge one frame.

        Raises:
            ImageError: it is no colour picture, or has too few pixels.
            ModelError: a detector's answer is not what its manifest entry says.
        """
        check_picture(image)
        height, width = image.shape[:2]
        found = [thing for detector in self._others for thing in detector.detect(image)]
        bodies = [body_of(thing) for thing in found if thing.name == "person"]
        faces = [thing for detector in self._faces for thing in detector.detect(image)]
        persons = match_faces(bodies, faces)
        if self._faces:
            persons = self._look_closer(image, persons)
        persons = [
            replace(p, head=p.head.clipped(width, height), torso=p.torso.clipped(width, height))
            for p in persons
        ]
        known = self._judge_persons(persons, found, (width, height))
        persons = [replace(p, verdicts=v) for p, v in zip(persons, known, strict=True)]
        persons = [self._ask_taught(image, person) for person in persons]
        places = self._places(image, found)
        found_wrong = violations(persons, places, zones, (width, height))
        return Look(tuple(persons), tuple(places), tuple(found_wrong), self.unknown)

    def _knows(self, rule: str) -> bool:
        """Whether a detector can show the rule broken, or kept."""
        wanted = {RULES[rule].wrong, RULES[rule].right} - {""}
        return bool(wanted & self._classes)

    def _look_closer(self, image: BgrImage, persons: list[Person]) -> list[Person]:
        """Look again at small faces that are bare or unsure, and at heads without a face.

        A small face is hardly more than a spot in the whole frame's few pixels, and the model calls
        spots bare: of masked faces 48 to 96 pixels high in a 720p frame every third. Cut out with
        its surroundings, all of them were right. So a small face is bare only if both looks say so.
        """
        result = list(persons)
        wanted = []
        for index, person in enumerate(persons):
            if person.face is None:
                if person.head.w >= self._limits.face_px:
                    wanted.append((1, -person.head.area, index, person.head.grown(2.0)))
            elif not self._large(person.face, image) and (
                person.mask.state == "wrong" or person.mask.score < self._limits.sure
            ):
                wanted.append((0, -person.mask.score, index, person.face.grown(FACE_AROUND)))
        wanted.sort(key=lambda row: row[:3])
        for number, (_, _, index, about) in enumerate(wanted):
            person = persons[index]
            if number < self._limits.closer:
                result[index] = self._again(image, person, about, result)
            elif person.face is not None:
                doubt = replace(person.mask, state="unknown", why="not looked at closely")
                result[index] = replace(person, verdicts={"no_mask": doubt})
        return result

    def _large(self, face: Box, image: BgrImage) -> bool:
        """Whether the whole frame showed the model enough of a face."""
        return bool(face.w >= LARGE * image.shape[1] and face.h >= LARGE * image.shape[0])

    def _again(
        self, image: BgrImage, person: Person, about: Box, others: Sequence[Person]
    ) -> Person:
        """The person as the cut-out shows his face; where it shows none, nothing is known."""
        part, left, top = square(image, about)
        seen = [
            replace(thing, box=thing.box.moved(left, top))
            for detector in self._faces
            for thing in detector.detect(part)
        ]
        if person.face is not None:
            same = [thing for thing in seen if thing.box.overlap(person.face) >= 0.3]
            if same:
                return with_face(person, max(same, key=lambda thing: thing.score))
            doubt = Verdict("unknown", box=person.face, why="no face when looked at closely")
            return replace(person, verdicts={"no_mask": doubt})
        taken = [p.face for p in others if p.face is not None]
        seen = [t for t in seen if all(t.box.overlap(face) < 0.3 for face in taken)]
        return match_faces([person], seen)[0]

    def _judge_persons(
        self, persons: list[Person], found: list[Detection], size: tuple[int, int]
    ) -> list[dict[str, Verdict]]:
        """What the detectors say of each person, by rule."""
        rows: list[dict[str, Verdict]] = [{} for _ in persons]
        for name, rule in RULES.items():
            if rule.where == "place" or not self._knows(name):
                continue
            if name == "no_mask":
                for row, person in zip(rows, persons, strict=True):
                    row[name] = self._mask(person, size)
                continue
            seen = [t for t in found if t.name in {rule.wrong, rule.right}]
            owners = [owner_of(persons, t.box, rule.where) for t in seen]
            for index, person in enumerate(persons):
                mine = [t for t, owner in zip(seen, owners, strict=True) if owner == index]
                rows[index][name] = self._worn(person, rule, mine)
        return rows

    def _mask(self, person: Person, size: tuple[int, int]) -> Verdict:
        """The mask verdict of a person whose face was looked for."""
        face, said = person.face, person.verdicts.get("no_mask")
        if face is None or said is None:
            return Verdict("unknown", why="no face seen")
        if said.state == "unknown":
            return said
        if face.h < self._limits.face_px:
            return replace(said, state="unknown", why="the face is too small")
        if said.score < self._limits.sure:
            return replace(said, state="unknown", why="the model is not sure")
        cut = face.x <= 1 or face.right >= size[0] - 1 or face.bottom >= size[1] - 1
        if said.state == "wrong" and cut:
            return replace(said, state="unknown", why="the picture's edge cuts the face")
        return said

    def _worn(self, person: Person, rule: Rule, mine: list[Detection]) -> Verdict:
        """The verdict on a thing that a person wears or holds, from what was seen on him."""
        if mine:
            best = max(mine, key=lambda thing: thing.score)
            return Verdict("wrong" if best.name == rule.wrong else "right", best.score, best.box)
        if not rule.right:
            return Verdict("right", why="not seen")
        if rule.wrong in self._classes:
            return Verdict("unknown", why="neither seen")
        if person.face is None or min(person.head.w, person.head.h) < self._limits.region_px:
            return Verdict("unknown", why="the head is not visible")
        region = person.head if rule.where == "head" else person.torso
        return Verdict("wrong", person.score, region, "not worn")

    def _ask_taught(self, image: BgrImage, person: Person) -> Person:
        verdicts = dict(person.verdicts)
        for judge in self._taught:
            rule = RULES[judge.rule]
            if rule.where == "place" or judge.region is not None:
                continue
            parts = {"head": person.head, "torso": person.torso, "body": person.box}
            box = parts[rule.where]
            if min(box.w, box.h) < self._limits.region_px:
                verdicts[judge.rule] = Verdict("unknown", box=box, why="too small to judge")
                continue
            state, score = judge.judge(cut(image, box))
            verdicts[judge.rule] = Verdict(state, score, box, "taught")
        return replace(person, verdicts=verdicts)

    def _places(self, image: BgrImage, found: list[Detection]) -> list[tuple[str, Verdict]]:
        height, width = image.shape[:2]
        places = []
        taught = {judge.rule for judge in self._taught if judge.region is not None}
        for judge in self._taught:
            if judge.region is None:
                continue
            r = judge.region
            box = Box(r.x * width, r.y * height, r.w * width, r.h * height).clipped(width, height)
            state, score = judge.judge(cut(image, box))
            places.append((judge.rule, Verdict(state, score, box, "taught")))
        for name, rule in RULES.items():
            if rule.where != "place" or name in taught:
                continue
            for thing in found:
                if thing.name in {rule.wrong, rule.right}:
                    state = "wrong" if thing.name == rule.wrong else "right"
                    places.append((name, Verdict(state, thing.score, thing.box)))
        return places


def load_hygiene(
    folders: Sequence[Path] | None = None,
    taught: Sequence[Judge] = (),
    limits: Limits | None = None,
    keys: Sequence[str] | None = None,
) -> tuple[Hygiene, tuple[str, ...]]:
    """Load the detectors that the manifest names for the kitchen, and those of the site.

    Args:
        folders: Where to look; ``None``: ``models/weights`` and ``DAFAN_MODELS``.
        taught: Rules taught on site.
        limits: When a frame may say something.
        keys: Files to use instead, that of persons first: a machine with many cameras takes
            ``facemask_260``.

    Returns:
        What looks at frames, and a note on each file that is missing: its rules are unknown.

    Raises:
        ModelError: the detector of persons is missing, or a file is damaged.
    """
    places = model_folders() if folders is None else list(folders)
    manifest = with_site_detectors(places)
    detectors, notes = [], []
    for number, key in enumerate(manifest.hygiene if keys is None else keys):
        if number > 0 and key in manifest.files and not find_file(key, places, manifest):
            entry = manifest.files[key]
            notes.append(f"{entry.names[0]} is missing ({entry.what}): its rules are unknown")
            continue
        detectors.append(load_detector(key, places, manifest))
    return Hygiene(detectors, taught, limits), tuple(notes)


def cut(image: BgrImage, box: Box) -> BgrImage:
    """The part of a picture under a box, at least one pixel."""
    height, width = image.shape[:2]
    left, top = min(max(int(box.x), 0), width - 1), min(max(int(box.y), 0), height - 1)
    right, bottom = min(max(round(box.right), left + 1), width), max(round(box.bottom), top + 1)
    return np.ascontiguousarray(image[top : min(bottom, height), left:right])


def square(image: BgrImage, box: Box) -> tuple[BgrImage, int, int]:
    """The square about a box, grey where it reaches over the edge, and its left and top.

    A square keeps proportions where a model squeezes its input, and a grey border is what the mask
    detector likes: 98.2 instead of 96.7 % right on close-ups.
    """
    side = max(16, round(max(box.w, box.h)))
    x, y = box.centre
    left, top = round(x - side / 2), round(y - side / 2)
    part = np.full((side, side, 3), 114, np.uint8)
    height, width = image.shape[:2]
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + side, width), min(top + side, height)
    if x1 > x0 and y1 > y0:
        part[y0 - top : y1 - top, x0 - left : x1 - left] = image[y0:y1, x0:x1]
    return part, left, top
