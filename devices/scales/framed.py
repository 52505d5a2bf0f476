"""The protocol ``custom``: frames as ``[till.scale.frame]`` describes them.

For a scale that no driver knows. As strict as the drivers: a frame counts only as a whole, with its
check where there is one, in a unit that we know; a state that is not named as rest is not rest.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

from dafan.config_scales import LONGEST, CheckSettings, FrameSettings, Span
from dafan.errors import BadInputError, ConfigError
from dafan.units import to_grams
from devices.scales.driver import Driver, Poll, Serial
from devices.scales.framing import Take, Taken, xor
from devices.scales.reading import Reading, weighed

NAME = "custom"
MOST_LOOPS, MOST_CHOICES, LONGEST_PATTERN = 5, 8, 400
GROUPS = {"weight", "sign", "unit", "state"}
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|[rnt\\])|([^\\])")
_LETTERS = {"r": b"\r", "n": b"\n", "t": b"\t", "\\": b"\\"}
_LINE = re.compile(r"(\d{3,6}) ([78])([NEO])([12])")
_NUMBER = re.compile(rb" *([+-]?) *(\d+|\d+\.\d+|\.\d+) *")


class Parts(NamedTuple):
    """What a frame says, as bytes."""

    weight: bytes
    sign: bytes
    unit: bytes | None
    state: bytes


def framed(frame: FrameSettings) -> Driver:
    """The driver that the settings describe.

    Raises:
        ConfigError: they contradict themselves, or leave out what is needed; the text names the
            setting and says what to do.
    """
    parser = _Parser.of(frame)
    poll = _bytes(frame.poll, "poll")
    return Driver(
        name=NAME,
        title="as [till.scale.frame] says",
        serial=(Serial(9600),),
        take=lambda _unit: parser.take(),
        poll=Poll(poll, interval_s=frame.every_ms / 1000) if poll else None,
        says_stable=bool(frame.stable),
        has_checksum=frame.check.kind != "none",
        distinctive=False,
    )


def line_of(text: str) -> Serial:
    """Line settings as they are written: ``9600 8N1``.

    Raises:
        ConfigError: they are written otherwise.
    """
    match = _LINE.fullmatch(text)
    if match is None:
        raise ConfigError(f"scale.line: write it like 9600 8N1 or 2400 7E1, not '{text}'")
    baud, bits, parity, stop = match.groups()
    return Serial(int(baud), int(bits), parity, int(stop))


def check_value(frame: bytes, check: CheckSettings) -> int:
    """The check that a frame should carry."""
    last = check.last + len(frame) if check.last < 0 else check.last
    covered = frame[check.first : last + 1]
    value = xor(covered) if check.kind == "xor" else sum(covered)
    return (-value if check.kind == "complement" else value) & ((1 << check.bits) - 1)


def check_holds(frame: bytes, check: CheckSettings) -> bool:
    """Whether a frame carries the check that it should."""
    if check.kind == "none":
        return True
    at = check.at + len(frame) if check.at < 0 else check.at
    width = 2 if check.spelled == "hex" else 1
    given = frame[at : at + width] if at >= 0 else b""
    if len(given) < width:
        return False
    value = check_value(frame, check)
    return given.upper() == b"%02X" % value if width == 2 else given[0] == value


@dataclass(frozen=True, slots=True)
class _Parser:
    """The settings, ready for use."""

    frame: FrameSettings
    start: bytes
    end: bytes
    pattern: re.Pattern[bytes] | None
    minus: frozenset[bytes]
    plus: frozenset[bytes]
    stable: frozenset[bytes]
    over: frozenset[bytes]
    under: frozenset[bytes]

    @classmethod
    def of(cls, frame: FrameSettings) -> "_Parser":
        start, end = _bytes(frame.start, "start"), _bytes(frame.end, "end")
        _must_cut(frame, start, end)
        _must_find(frame)
        try:
            to_grams("0", frame.unit)
        except BadInputError as error:
            raise ConfigError(f"scale.frame.unit: {error}") from error
        words = {
            name: frozenset(_bytes(word, name) for word in getattr(frame, name))
            for name in ("minus", "plus", "stable", "over", "under")
        }
        pattern = _compiled(frame.pattern) if frame.pattern else None
        return cls(frame, start, end, pattern, **words)

    def parse(self, raw: bytes) -> Reading:
        """The reading of one whole frame."""
        parts = self._parts(raw) if raw.endswith(self.end) else None
        if parts is None:
            return Reading(error="garbled", raw=raw)
        if not check_holds(raw, self.frame.check):
            return Reading(error="checksum", raw=raw)
        if parts.state in self.over or parts.state in self.under:
            over = parts.state in self.over
            return Reading(over=over, under=not over, raw=raw)
        number = self._number(parts)
        if number is None:
            return Reading(error="garbled", raw=raw)
        unit = self.frame.unit if parts.unit is None else parts.unit.decode("gb18030", "replace")
        return weighed(number, unit, raw, stable=parts.state in self.stable)

    def _parts(self, raw: bytes) -> Parts | None:
        frame = self.frame
        if self.pattern is not None:
            match = self.pattern.fullmatch(raw)
            if match is None:
                return None
            found = match.groupdict()
            unit = found.get("unit") if "unit" in self.pattern.groupindex else None
            sign, state = found.get("sign") or b"", found.get("state") or b""
            return Parts(found["weight"] or b"", sign, unit, state)
        spans = (frame.weight_at, frame.sign_at, frame.unit_at, frame.state_at)
        if any(span is not None and sum(span) > len(raw) for span in spans):
            return None
        unit = None if frame.unit_at is None else _field(raw, frame.unit_at)
        return Parts(
            _field(raw, frame.weight_at), _field(raw, frame.sign_at), unit,
            _field(raw, frame.state_at),
        )  # fmt: skip

    def _number(self, parts: Parts) -> str | None:
        """The weight with sign and point; None where a part is not what the settings allow."""
        match = _NUMBER.fullmatch(parts.weight)
        minus = parts.sign in self.minus
        if match is None or not (minus or parts.sign in self.plus):
            return None
        sign, digits = match.group(1).decode(), match.group(2).decode()
        if minus and sign:
            return None
        decimals = self.frame.decimals
        if decimals and "." in digits:
            return None
        if decimals:
            digits = digits.zfill(decimals + 1)
            digits = f"{digits[:-decimals]}.{digits[-decimals:]}"
        return ("-" if minus else sign) + digits

    def take(self) -> Take:
        """A fresh frame cutter."""
        return self._cut_from_start if self.start else self._cut_to_end

    def _cut_from_start(self, head: bytes, last: bool) -> Taken | None:
        del last
        noise = _before(head, self.start)
        if noise:
            return noise, None
        size = self.frame.length or self._size_by_end(head)
        if not size or len(head) < size:
            waits = len(head) < (self.frame.length or LONGEST)
            return None if waits else (1, Reading(error="garbled", raw=head[:LONGEST]))
        reading = self.parse(head[:size])
        return (1 if reading.error in ("garbled", "checksum") else size), reading

    def _cut_to_end(self, head: bytes, last: bool) -> Taken | None:
        del last
        size = self._size_by_end(head)
        if not size:
            waits = len(head) < LONGEST
            return None if waits else (LONGEST // 2, Reading(error="garbled", raw=head[:LONGEST]))
        raw = head[:size]
        whole = self.frame.length in (0, size)
        return size, self.parse(raw) if whole else Reading(error="garbled", raw=raw)

    def _size_by_end(self, head: bytes) -> int:
        """Bytes to the first end, and with it; 0 if there is none yet."""
        at = head.find(self.end, len(self.start), LONGEST) if self.end else -1
        return at + len(self.end) if at >= 0 else 0


def _field(raw: bytes, span: Span | None) -> bytes:
    return b"" if span is None else raw[span[0] : span[0] + span[1]]


def _before(head: bytes, start: bytes) -> int:
    """Bytes in front of the first place where a frame may begin."""
    for at in range(len(head)):
        if start.startswith(head[at : at + len(start)]):
            return at
    return len(head)


def _bytes(text: str, name: str) -> bytes:
    r"""Bytes as they are written: letters, and ``\x02``, ``\r``, ``\n``, ``\t``, ``\\``."""
    found = bytearray()
    at = 0
    while at < len(text):
        match = _ESCAPE.match(text, at)
        if match is None or (match.group(2) and not " " <= match.group(2) <= "~"):
            raise ConfigError(
                rf"scale.frame.{name}: write '{text}' with letters, \x02, \r, \n, \t or \\ only, "
                "in single quotes"
            )
        code, letter = match.groups()
        if letter:
            found += letter.encode("ascii")
        else:
            found += _LETTERS.get(code) or bytes((int(code[1:], 16),))
        at = match.end()
    return bytes(found)


def _must_cut(frame: FrameSettings, start: bytes, end: bytes) -> None:
    """Refuse frames that cannot be cut off a stream."""
    if not end and not (start and frame.length):
        raise ConfigError(
            "scale.frame: say where a frame ends: set end, or start and length; "
            "`dafan devices learn` proposes them"
        )
    if frame.length and frame.length <= len(start) + len(end):
        raise ConfigError("scale.frame.length: it counts start and end as well, and is too small")


def _must_find(frame: FrameSettings) -> None:
    """Refuse settings that do not say where the weight is, or say it twice."""
    spans = {
        "weight_at": frame.weight_at,
        "sign_at": frame.sign_at,
        "unit_at": frame.unit_at,
        "state_at": frame.state_at,
    }
    if frame.pattern and any(spans.values()):
        raise ConfigError("scale.frame: set either pattern or the fixed places, not both")
    if not frame.pattern and frame.weight_at is None:
        raise ConfigError("scale.frame: set weight_at = [first, length] or a pattern")
    for name, span in spans.items():
        if span and (span[0] < 0 or span[1] < 1 or sum(span) > (frame.length or LONGEST)):
            raise ConfigError(f"scale.frame.{name}: [first, length] lies outside the frame")
    told = frame.state_at or "(?P<state>" in frame.pattern
    if (frame.stable or frame.over or frame.under) and not told:
        raise ConfigError("scale.frame.stable: set state_at, or a group state in the pattern")


def _compiled(pattern: str) -> re.Pattern[bytes]:
    """The expression, if it is one, names the weight, and cannot take for ever."""
    if len(pattern) > LONGEST_PATTERN or not pattern.isascii():
        raise ConfigError(
            rf"scale.frame.pattern: write at most {LONGEST_PATTERN} characters, others than ASCII "
            r"as \xNN"
        )
    try:
        compiled = re.compile(pattern.encode("ascii"), re.DOTALL)
    except (re.error, OverflowError, RecursionError) as error:
        raise ConfigError(f"scale.frame.pattern: no regular expression: {error}") from error
    _refuse_costly(pattern)
    names = set(compiled.groupindex)
    if "weight" not in names or not names <= GROUPS:
        raise ConfigError(
            "scale.frame.pattern: name the digits (?P<weight>…), and else only sign, unit, state"
        )
    return compiled


def _refuse_costly(pattern: str) -> None:
    """Refuse what could try for ever on a frame of at most 64 bytes.

    No group is repeated, and what may have several lengths or several forms is counted.
    """
    plain = re.sub(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", "x", pattern)
    loops = len(re.findall(r"[*+]|\{\d*,\d*\}", plain))
    choices = plain.count("|") + plain.count("?") - plain.count("(?")
    if re.search(r"\)(?:[*+]|\{)", plain):
        raise ConfigError("scale.frame.pattern: repeat single characters or [sets], not (groups)")
    if re.search(r"\(\?(?!P<|:)", plain):
        raise ConfigError("scale.frame.pattern: use only (…), (?:…) and (?P<name>…) as groups")
    if loops > MOST_LOOPS or choices > MOST_CHOICES:
        raise ConfigError(
            f"scale.frame.pattern: at most {MOST_LOOPS} of * + {{,}} and {MOST_CHOICES} of | ?: "
            "say how many characters there are, {6} rather than +"
        )
