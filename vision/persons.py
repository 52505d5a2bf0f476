"""Persons of a frame: where head and torso are, whose face is whose, and what is said of each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from vision.boxes import Box
from vision.detector import Detection

State = Literal["right", "wrong", "unknown"]
Where = Literal["head", "torso", "body", "place"]


@dataclass(frozen=True)
class Rule:
    """What a rule looks at.

    Attributes:
        where: The part of a person; ``place`` is a thing that stands in the kitchen.
        wrong: The class of a detector that shows the violation.
        right: The class that shows that all is well; empty: not seeing ``wrong`` is well.
    """

    where: Where
    wrong: str
    right: str = ""


RULES: Mapping[str, Rule] = {
    "no_mask": Rule("head", "no_mask", "mask"),
    "no_hat": Rule("head", "no_hat", "hat"),
    "no_clothes": Rule("torso", "no_clothes", "clothes"),
    "phone": Rule("body", "phone"),
    "smoking": Rule("body", "smoking"),
    "bin_open": Rule("place", "bin_open", "bin_closed"),
}
"""The six violations, and the words that a detector's classes use for them."""


@dataclass(frozen=True)
class Verdict:
    """One rule's answer.

    Attributes:
        state: Right, wrong, or unknown.
        score: How sure, 0 to 1; 0 where nobody looked.
        box: Where it was seen.
        why: What made it unknown, or where it comes from.
    """

    state: State
    score: float = 0.0
    box: Box | None = None
    why: str = ""


NO_MODEL = Verdict("unknown", why="no model here knows this rule")


@dataclass(frozen=True)
class Person:
    """Somebody in the frame.

    Attributes:
        box: The whole person as far as seen; of a face without a body, the face.
        score: The detector's confidence.
        head: Where the head is, with room for a hat.
        torso: Where the work clothes are.
        face: Where a face was found, masked or not.
        verdicts: One for each personal rule.
    """

    box: Box
    score: float
    head: Box
    torso: Box
    face: Box | None = None
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)

    @property
    def mask(self) -> Verdict:
        """Right: masked; wrong: bare."""
        return self.verdicts.get("no_mask", NO_MODEL)

    @property
    def phone(self) -> Verdict:
        """Wrong: a phone is near."""
        return self.verdicts.get("phone", NO_MODEL)


def body_of(thing: Detection) -> Person:
    """A person with head and torso where the proportions of a body put them.

    Shoulders are as wide as the box; a head is about 0.6 of that, whole body or half.
    """
    box = thing.box
    high, wide = min(0.6 * box.w, 0.5 * box.h), min(0.6 * box.w, box.h)
    head = Box(box.x + (box.w - wide) / 2, box.y, wide, high)
    return Person(box, thing.score, head, _torso(box, head))


def _torso(box: Box, head: Box) -> Box:
    return Box(box.x, head.bottom, box.w, max(min(1.2 * box.w, box.bottom - head.bottom), 0.0))


def match_faces(bodies: Sequence[Person], faces: Iterable[Detection]) -> list[Person]:
    """Give each face to the body whose head it most likely is; the rest are persons by themselves.

    A face lies in the upper part of its body and is no wider.
    """
    persons = list(bodies)
    alone = []
    for face in sorted(faces, key=lambda thing: -thing.score):
        x, y = face.box.centre
        costs = []
        for index, person in enumerate(persons):
            box = person.box
            upper = Box(box.x, box.y - 0.05 * box.h, box.w, 0.7 * box.h)
            if person.face is None and face.box.w <= 1.1 * box.w and upper.holds((x, y)):
                away = np.hypot(x - person.head.centre[0], y - person.head.centre[1]) / box.w
                costs.append((float(away) - 0.3 * person.score, index))
        if costs:
            index = min(costs)[1]
            persons[index] = with_face(persons[index], face)
        else:
            alone.append(with_face(Person(face.box, face.score, face.box, face.box), face))
    return persons + alone


def with_face(person: Person, face: Detection) -> Person:
    """The same person with head, torso and mask verdict as the face tells them."""
    f = face.box
    head = Box(f.x - 0.25 * f.w, f.y - 0.5 * f.h, 1.5 * f.w, 1.6 * f.h)
    torso = Box(f.x - f.w, f.bottom, 3 * f.w, 3 * f.h)
    if person.box != f:
        torso = _torso(person.box, head)
    state: State = "right" if face.name == "mask" else "wrong"
    verdicts = {**person.verdicts, "no_mask": Verdict(state, face.score, f)}
    return replace(person, head=head, torso=torso, face=f, verdicts=verdicts)


def owner_of(persons: Sequence[Person], box: Box, where: Where) -> int | None:
    """The person on whom a thing was seen: the nearest of those whose part holds its middle."""
    near = []
    for index, person in enumerate(persons):
        part = {"head": person.head, "torso": person.torso}.get(where, person.box)
        if part.grown(1.2).holds(box.centre):
            away = np.hypot(*np.subtract(part.centre, box.centre)) / max(part.w, 1)
            near.append((float(away) - person.score, index))
    return min(near)[1] if near else None
