"""What one frame says, and where it counts."""

from collections.abc import Sequence
from dataclasses import dataclass

from vision.boxes import Box, Point, inside
from vision.debounce import Seen
from vision.persons import Person, State, Verdict


@dataclass(frozen=True)
class Violation:
    """A rule broken in this frame.

    Attributes:
        rule: One of :data:`RULES`.
        box: What shows it.
        score: How sure, 0 to 1.
        person: Number of the person in :attr:`Look.persons`; ``None`` for a thing.
    """

    rule: str
    box: Box
    score: float
    person: int | None = None


@dataclass(frozen=True)
class Look:
    """All that one frame says.

    Attributes:
        persons: The surest first.
        places: Verdicts on things that stand in the kitchen: rule and answer.
        violations: What is wrong, inside the zones where it counts.
        unknown: Rules that no model here knows.
    """

    persons: tuple[Person, ...]
    places: tuple[tuple[str, Verdict], ...]
    violations: tuple[Violation, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class Zone:
    """Where rules count. A rule that no zone names counts in the whole picture.

    Attributes:
        polygon: Corners as parts of the picture's width and height, at least three.
        rules: The rules.
    """

    polygon: tuple[Point, ...]
    rules: frozenset[str]


def sights(look: Look) -> list[Seen]:
    """A look as :class:`vision.debounce.Debounce` takes it.

    What is wrong outside the zones where it counts is unknown.
    """
    told = {(v.person, v.rule) for v in look.violations}
    seen = []
    for index, person in enumerate(look.persons):
        states: dict[str, State] = {
            rule: "unknown" if v.state == "wrong" and (index, rule) not in told else v.state
            for rule, v in person.verdicts.items()
        }
        scores = {rule: v.score for rule, v in person.verdicts.items()}
        seen.append(Seen(person.box, states, scores))
    for rule, verdict in look.places:
        if verdict.box is not None and (verdict.state != "wrong" or (None, rule) in told):
            seen.append(Seen(verdict.box, {rule: verdict.state}, {rule: verdict.score}))
    return seen


def violations(
    persons: Sequence[Person],
    places: Sequence[tuple[str, Verdict]],
    zones: Sequence[Zone],
    size: tuple[int, int],
) -> list[Violation]:
    """What is wrong inside the zones, the surest first.

    A person stands where the foot of his box is, a thing where its middle is.
    """
    found = []
    for index, person in enumerate(persons):
        for rule, verdict in person.verdicts.items():
            if verdict.state == "wrong" and _counts(rule, person.box.foot, zones, size):
                found.append(Violation(rule, verdict.box or person.box, verdict.score, index))
    for rule, verdict in places:
        box = verdict.box
        if verdict.state == "wrong" and box and _counts(rule, box.centre, zones, size):
            found.append(Violation(rule, box, verdict.score))
    return sorted(found, key=lambda violation: -violation.score)


def _counts(rule: str, at: Point, zones: Sequence[Zone], size: tuple[int, int]) -> bool:
    mine = [zone for zone in zones if rule in zone.rules]
    x, y = (min(max(part / side, 0.001), 0.999) for part, side in zip(at, size, strict=True))
    return not mine or any(inside(zone.polygon, (x, y)) for zone in mine)
