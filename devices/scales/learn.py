"""Works out how an unknown scale spells its frames, from what it sent under known loads.

What was never seen is never believed: the proposal spells out every byte that stayed the same, so
a frame with another flag, unit or sign is refused until somebody looks. Whether the weight rests is
believed only where a byte told rest from motion in all that was recorded; else Dafan watches it.
"""

import re
from collections import Counter
from dataclasses import dataclass, field

from dafan.config_scales import CheckSettings, FrameSettings
from dafan.errors import BadInputError
from devices.scales.anatomy import (
    TOLERANCE,
    Step,
    Weight,
    at_rest,
    check_of,
    positions,
    shape_of,
    sign_at,
    state_of,
    usual,
    weight_of,
)
from devices.scales.framed import framed

FLAGS = 4
"""A byte with more values is no flag, but an unknown check or a counter."""


@dataclass(slots=True)
class Proposal:
    """What was learned.

    Attributes:
        frame: The settings.
        line: Line settings under which it was recorded.
        frames: Frames that they read in all that was recorded.
        damaged: Frames that they refuse in it.
        explained: Share of the bytes in frames that are read, 0 to 1.
        learned: What is certain, a sentence each.
        unknown: What could not be learned, and what follows from it.
    """

    frame: FrameSettings
    line: str = ""
    frames: int = 0
    damaged: int = 0
    explained: float = 0.0
    learned: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, object]:
        """Plain values; ``toml`` is what belongs into ``dafan.toml``."""
        return {
            "protocol": "custom",
            "toml": to_toml(self.frame, self.line),
            "frames": self.frames,
            "damaged": self.damaged,
            "explained": round(self.explained, 3),
            "learned": self.learned,
            "unknown": self.unknown,
        }


def learn(steps: list[Step], line: str = "", poll: str = "") -> Proposal:
    """Propose settings.

    Args:
        steps: An empty scale and at least one known weight.
        line: Line settings under which it was recorded.
        poll: What asked for the weights, as it is written in the settings.

    Raises:
        BadInputError: nothing in it repeats, or no digits follow the weights; the text says what
            to try.
    """
    if len({step.grams for step in steps}) < 2:
        raise BadInputError("learning takes an empty scale and at least one known weight")
    shape = shape_of(steps, asked=bool(poll))
    rest = [usual(shape.frames(step.resting)) for step in steps]
    every = [frame for step in steps for frame in shape.frames(step.moving + step.resting)]
    weight = weight_of(steps, rest, every)
    check = check_of(set(every), weight, shape)
    sign = sign_at(weight, every)
    state = state_of(steps, shape, weight, positions(weight, check, sign))
    settings = FrameSettings(
        start=spelled(shape.start),
        end=spelled(shape.end),
        length=shape.length,
        pattern=_pattern(set(every), _groups(set(every), weight, check, sign, state)),
        decimals=weight.decimals,
        unit=weight.unit,
        stable=tuple(sorted(spelled(value) for value in at_rest(steps, shape, state))),
        check=check,
        poll=poll,
    )
    proposal = Proposal(settings, line)
    _tell(proposal, weight, set(every))
    strange = [
        at
        for at in range(shape.length)
        if at not in positions(weight, check, sign) and len({frame[at] for frame in every}) > FLAGS
    ]
    if strange:
        proposal.unknown.append(f"what bytes {strange} mean: they may be anything, unchecked")
    _verify(proposal, steps)
    return proposal


def _groups(
    frames: set[bytes],
    weight: Weight,
    check: CheckSettings,
    sign: int | None,
    state: tuple[int, int] | None,
) -> dict[int, tuple[str, int]]:
    """What is understood: where, its part of the expression, and its bytes."""
    groups = {weight.at: (_digits(frames, weight), weight.length)}
    if sign is not None:
        groups[sign] = ("(?P<sign>[ +-])", 1)
    if state is not None:
        # Only the states that were seen: another may mean overload.
        seen = {frame[state[0] : sum(state)] for frame in frames}
        sets = (_literal({value[at] for value in seen}) for at in range(state[1]))
        groups[state[0]] = (f"(?P<state>{''.join(sets)})", state[1])
    if check.kind != "none":
        hexed = check.spelled == "hex"
        groups[check.at] = ("[0-9A-F]{2}" if hexed else ".", 2 if hexed else 1)
    return groups


def _digits(frames: set[bytes], weight: Weight) -> str:
    """The weight's part: its point, if it has one, stays where it was, a digit on each side."""
    point = next(iter(frames))[weight.at : weight.at + weight.length].find(b".")
    if point < 1:
        return f"(?P<weight>[ +\\d-]{{{weight.length - 1}}}\\d)"
    places = weight.length - point - 1
    return f"(?P<weight>[ +\\d-]{{{point - 1}}}\\d\\.\\d{{{places}}})"


def _pattern(frames: set[bytes], groups: dict[int, tuple[str, int]]) -> str:
    """The expression: seen bytes as they are, and groups where something is understood."""
    pattern, at = "", 0
    while at < len(next(iter(frames))):
        text, width = groups.get(at) or (_literal({frame[at] for frame in frames}), 1)
        pattern += text
        at += width
    return pattern


def _literal(values: set[int]) -> str:
    """A byte that never changed, the few values that it had, or, after many, any."""
    if len(values) > FLAGS:
        return "."
    letters = [
        re.escape(chr(value)) if _plain(value) else f"\\x{value:02x}" for value in sorted(values)
    ]
    return letters[0] if len(letters) == 1 else f"[{''.join(letters)}]"


def _plain(byte: int) -> bool:
    """Whether a byte may stand as itself between TOML's single quotes."""
    return 0x20 <= byte < 0x7F and byte != 0x27


def _tell(proposal: Proposal, weight: Weight, frames: set[bytes]) -> None:
    """Say what is certain and what is not."""
    frame, learned, unknown = proposal.frame, proposal.learned, proposal.unknown
    learned.append(f"a frame has {frame.length} bytes; {len(frames)} different ones were seen")
    learned.append(
        f"bytes {weight.at} to {weight.at + weight.length - 1} are the weight in {frame.unit}"
        + (f", {weight.decimals} decimals without a point" if weight.decimals else "")
    )
    if frame.check.kind != "none":
        learned.append(
            f"byte {frame.check.at} is a check ({frame.check.kind}) that all frames obey"
        )
    else:
        unknown.append("no known block check fits: a weight counts when two frames say the same")
    if frame.stable:
        learned.append(
            f"the state says {', '.join(frame.stable)} at rest, something else in motion"
        )
    else:
        unknown.append("no byte tells rest from motion: Dafan watches the weight itself")
    if "(?P<sign>" not in frame.pattern:
        unknown.append("no place for a sign was seen: look what the scale sends below zero")
    elif not any(b"-" in one[: weight.at + weight.length] for one in frames):
        unknown.append("no weight below zero was seen; a minus in the sign's place is taken for it")
    first = {one[weight.at : weight.at + 1] for one in frames}
    if len(first) == 1:
        unknown.append("the weight's first place never changed: weigh near the top of the range")
    unknown.append("overload was not seen: a frame with bytes that were never seen is refused")


def _verify(proposal: Proposal, steps: list[Step]) -> None:
    """Read all that was recorded with the proposal, and hold it against the known weights.

    Raises:
        BadInputError: it does not read its own recording.
    """
    driver = framed(proposal.frame)
    covered = total = 0
    for step in steps:
        final = driver.decoder().feed(step.resting)
        good = [reading.grams for reading in final if reading.grams is not None]
        read = Counter(good).most_common(1)[0][0] if good else None
        if read is None or abs(read - step.grams) > max(TOLERANCE * step.grams, 10):
            raise BadInputError(f"the proposal reads {read} g where {step.grams} g lay: not usable")
        for reading in driver.decoder().feed(step.moving) + final:
            proposal.frames += reading.error is None
            proposal.damaged += reading.error is not None
            covered += len(reading.raw) if reading.error is None else 0
        total += len(step.moving) + len(step.resting)
    proposal.explained = covered / total


def spelled(data: bytes) -> str:
    """Bytes as the settings write them."""
    names = {0x0D: r"\r", 0x0A: r"\n", 0x09: r"\t", 0x5C: r"\\"}
    return "".join(
        names.get(byte) or (chr(byte) if _plain(byte) else f"\\x{byte:02x}") for byte in data
    )


def to_toml(frame: FrameSettings, line: str) -> str:
    """The settings as they stand in ``dafan.toml``; what is left at its default is left out."""
    lines = ["[till.scale]", "protocol = 'custom'", f"line = '{line}'", "[till.scale.frame]"]
    values = frame.model_dump(exclude_defaults=True, exclude={"check"})
    lines += [f"{name} = {_literal_toml(value)}" for name, value in values.items()]
    if frame.check.kind != "none":
        lines.append("[till.scale.frame.check]")
        check = frame.check.model_dump()
        lines += [f"{name} = {_literal_toml(value)}" for name, value in check.items()]
    return "\n".join(lines) + "\n"


def _literal_toml(value: str | int | tuple[str | int, ...]) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_literal_toml(item) for item in value)}]"
    return f"'{value}'" if isinstance(value, str) else str(value)
