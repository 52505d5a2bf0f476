"""The anatomy of unknown frames: their length, where the weight is, the check, rest and motion.

Every function looks only at what was recorded, and finds nothing rather than something doubtful.
"""

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dafan.config_scales import LONGEST, CheckSettings
from dafan.errors import BadInputError
from dafan.units import GRAMS_PER_UNIT
from devices.scales.framed import check_holds

OPENERS = (0x02, 0x01, 0x1B)
CLOSERS = (b"\r\n", b"\r\x03", b"\r", b"\n", b"\x03", b"\x04")
SHORTEST = 4
TOLERANCE = 0.02
"""Of a known weight: people put a bottle on where they have no test weight."""
SCALES = (("kg", 3), ("g", 0), ("kg", 2), ("g", 1), ("lb", 3), ("lb", 2), ("斤", 3), ("kg", 4))
"""Units and decimals that scales use, the usual ones first."""
_NUMBER = re.compile(rb" *\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Step:
    """What a scale sent while a known weight was put on it.

    Attributes:
        grams: The weight; 0: empty.
        moving: Bytes from before it lay still; may hold frames at rest too.
        resting: Bytes from after it lay still.
    """

    grams: int
    moving: bytes
    resting: bytes


@dataclass(frozen=True, slots=True)
class Shape:
    """A frame's length and its first and last bytes."""

    length: int
    start: bytes
    end: bytes

    def frames(self, data: bytes) -> list[bytes]:
        """All whole frames in a recording."""
        found, at = [], 0
        while at + self.length <= len(data):
            frame = data[at : at + self.length]
            fits = frame.startswith(self.start) and frame.endswith(self.end)
            found += [frame] if fits else []
            at += self.length if fits else 1
        return found


@dataclass(frozen=True, slots=True)
class Weight:
    """Where the digits stand, and what they mean."""

    at: int
    length: int
    unit: str
    decimals: int
    """0 where the digits hold a point."""


def period(data: bytes) -> int | None:
    """The length after which a recording repeats itself; None if it does not."""
    for length in range(SHORTEST, LONGEST + 1):
        pairs = len(data) - length
        if pairs < 2 * length:
            return None
        same = sum(a == b for a, b in zip(data, data[length:], strict=False))
        if same >= 0.97 * pairs:
            return length
    return None


def shape_of(steps: list[Step], *, asked: bool = False) -> Shape:
    """The frame's length, start and end, from what the scale repeats at rest.

    Args:
        steps: The recording.
        asked: The recordings begin with an answer, so a frame begins there.
    """
    lengths = {period(step.resting) for step in steps}
    length = lengths.pop()
    if lengths or length is None:
        raise BadInputError(
            "the bytes do not repeat with one length while the weight rests: wait until the "
            "display stands still, or set the scale to another protocol in its menu"
        )
    cycles = [step.resting[:length] for step in steps]
    best, shape = -1, None
    for turn in range(1 if asked else length):
        frame = cycles[0][turn:] + cycles[0][:turn]
        end = next((closer for closer in CLOSERS if frame.endswith(closer)), b"")
        start = frame[:1] if frame[0] in OPENERS else b""
        if not start and not end and frame.count(frame[:1]) == 1 and not frame[:1].isalnum():
            start = frame[:1]
        tried = Shape(length, start, end)
        score = 4 * (frame[0] in OPENERS) + 2 * bool(end) + len(end) + bool(start)
        holds = all(len(tried.frames(step.resting)) >= 2 for step in steps)
        if (start or end) and holds and score > best:
            best, shape = score, tried
    if shape is None:
        raise BadInputError("nothing marks where a frame begins or ends")
    return shape


def usual(frames: list[bytes]) -> bytes:
    """The frame that came most often."""
    return Counter(frames).most_common(1)[0][0]


def weight_of(steps: list[Step], rest: list[bytes], every: list[bytes]) -> Weight:
    """The widest run of digits that says each known weight, in the most usual unit."""
    found: list[tuple[int, int, Weight]] = []
    for at in range(len(rest[0])):
        for length in range(2, 9):
            fields = [frame[at : at + length] for frame in rest]
            if at + length > len(rest[0]) or not _all_numbers(fields):
                continue
            if not _all_numbers(frame[at : at + length].strip(b"+-") for frame in every):
                continue
            meant = _meaning(fields, [step.grams for step in steps])
            if meant is not None:
                rank, unit, decimals = meant
                cuts = _cuts_a_number(every, at, length)
                found.append((rank + 20 * cuts, -length, Weight(at, length, unit, decimals)))
    if not found:
        raise BadInputError(
            "no digits in the frames follow the weights that you named: check them, or name the "
            "weights that the display shows with --weight"
        )
    return min(found, key=lambda one: one[:2])[2]


def _all_numbers(fields: Iterable[bytes]) -> bool:
    return all(_NUMBER.fullmatch(text) for text in fields)


def _cuts_a_number(every: list[bytes], at: int, length: int) -> bool:
    """Whether a digit that changes, or a point, stands right beside the field."""
    for beside in (at - 1, at + length):
        values = {frame[beside : beside + 1] for frame in every} if beside >= 0 else set()
        if b"." in values or (len(values) > 1 and all(value.isdigit() for value in values)):
            return True
    return False


def _meaning(fields: list[bytes], grams: list[int]) -> tuple[int, str, int] | None:
    """Rank, unit and decimals under which the numbers are the weights; decimals 0 with a point."""
    pointed = {text[::-1].find(b".") for text in fields}
    if len(pointed) > 1:
        return None
    places = pointed.pop()
    for rank, (unit, decimals) in enumerate(SCALES):
        if places not in (-1, decimals):
            continue
        step = float(GRAMS_PER_UNIT[unit]) / 10**decimals
        counts = [int(text.replace(b".", b"").strip()) for text in fields]
        near = (
            abs(count * step - known) <= max(TOLERANCE * known, 3 * step)
            for count, known in zip(counts, grams, strict=True)
        )
        if all(near):
            return rank, unit, 0 if places > 0 else decimals
    return None


def sign_at(weight: Weight, frames: Iterable[bytes]) -> int | None:
    """Where the sign stands, if the byte in front of the digits was never anything else."""
    before = {frame[weight.at - 1 : weight.at] for frame in frames} if weight.at else set()
    return weight.at - 1 if before and before <= {b"+", b"-", b" "} else None


def positions(weight: Weight, check: CheckSettings, sign: int | None) -> set[int]:
    """The bytes that are understood: digits, the sign, the check."""
    taken = set(range(weight.at, weight.at + weight.length))
    if sign is not None:
        taken.add(sign)
    if check.kind != "none":
        taken |= set(range(check.at, check.at + (2 if check.spelled == "hex" else 1)))
    return taken


def check_of(frames: set[bytes], weight: Weight, shape: Shape) -> CheckSettings:
    """The block check that all frames carry, if it is one of the known kinds."""
    if len(frames) < 5:
        return CheckSettings()
    for check in _checks(weight, shape):
        if all(check_holds(frame, check) for frame in frames):
            width = 2 if check.spelled == "hex" else 1
            if len({frame[check.at : check.at + width] for frame in frames}) > 2:
                return check
    return CheckSettings()


def _checks(weight: Weight, shape: Shape) -> Iterator[CheckSettings]:
    """Every check that could be, those that cover more first."""
    digits_end = weight.at + weight.length
    for at in range(shape.length - 1, digits_end - 1, -1):
        for last in range(at - 1, digits_end - 2, -1):
            for first in range(min(weight.at, 4) + 1):
                for kind in ("xor", "sum", "complement"):
                    for spelled in ("hex", "binary"):
                        for bits in (8, 7):
                            yield CheckSettings.model_construct(
                                kind=kind, first=first, last=last, at=at, spelled=spelled, bits=bits
                            )


def state_of(
    steps: list[Step], shape: Shape, weight: Weight, taken: set[int]
) -> tuple[int, int] | None:
    """The bytes beside each other whose values at rest were never seen in motion."""
    resting, moving = _rest_and_motion(steps, shape, weight)
    if len(resting) < 4 or len(moving) < 2:
        return None
    tells = [
        at
        for at in range(shape.length)
        if at not in taken
        and len({frame[at] for frame in resting}) <= 2
        and not {frame[at] for frame in resting} & {frame[at] for frame in moving}
    ]
    if not tells:
        return None
    last = tells[0]
    while last + 1 in tells:
        last += 1
    return tells[0], last - tells[0] + 1


def _rest_and_motion(
    steps: list[Step], shape: Shape, weight: Weight
) -> tuple[list[bytes], list[bytes]]:
    """Frames that surely were at rest, and those whose weight was on its way."""
    digits = slice(weight.at, weight.at + weight.length)
    resting: list[bytes] = []
    moving: list[bytes] = []
    for step in steps:
        frames = shape.frames(step.resting)
        final = usual(frames)[digits]
        resting += [frame for frame in frames if frame[digits] == final]
        before = [b"", *shape.frames(step.moving)]
        moving += [
            frame
            for earlier, frame in itertools.pairwise(before)
            if earlier and frame[digits] not in (final, earlier[digits])
        ]
    return resting, moving


def at_rest(steps: list[Step], shape: Shape, state: tuple[int, int] | None) -> set[bytes]:
    """What the state says at rest."""
    if state is None:
        return set()
    place = slice(state[0], sum(state))
    return {usual(shape.frames(step.resting))[place] for step in steps}
