"""Finds out which scale hangs on a serial line, on evidence only.

First it listens, at every line setting that a talking scale may use; then it asks, with queries
that change nothing on a scale. A protocol is named only after two whole frames that its decoder
believes: a device that echoes, another maker's scale or a satellite receiver is none of ours.
"""

import termios
from contextlib import suppress
from dataclasses import dataclass, field

from dafan.errors import DeviceError
from devices.scales.driver import Driver, Poll, Serial
from devices.scales.port import listen, open_line
from devices.scales.protocols import PROTOCOLS
from devices.scales.reading import Reading

ENOUGH = 2
LISTEN_S = 1.0
ASK_TIMES = 3
ANSWER_S = 0.3
SAMPLE = 64
MOST = 4096
"""Bytes of answers: a device that only repeats what it hears is not asked for ever."""


@dataclass(frozen=True, slots=True)
class Match:
    """A protocol that fits.

    Attributes:
        protocol: Its name.
        serial: Line settings under which it fits.
        frames: Good frames seen.
        errors: Damaged frames seen.
        explained: Share of the received bytes that belong to good frames, 0 to 1.
        sample: The last good reading.
    """

    protocol: str
    serial: Serial
    frames: int
    errors: int
    explained: float
    sample: Reading

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "protocol": self.protocol,
            "serial": str(self.serial),
            "frames": self.frames,
            "errors": self.errors,
            "explained": round(self.explained, 3),
            "sample": self.sample.to_json(),
        }


@dataclass(slots=True)
class Detection:
    """What was found: matches best first, and what the line sent at each setting."""

    matches: list[Match] = field(default_factory=list)
    heard: dict[str, bytes] = field(default_factory=dict)

    @property
    def best(self) -> Match | None:
        """The protocol to use."""
        return self.matches[0] if self.matches else None

    def to_json(self) -> dict[str, object]:
        """Plain values: ``best``, ``runners_up``, and the first bytes heard in hex."""
        return {
            "best": self.best.to_json() if self.best else None,
            "runners_up": [match.to_json() for match in self.matches[1:]],
            "heard": {how: data[:SAMPLE].hex() for how, data in self.heard.items()},
        }


def detect(device: str, listen_s: float = LISTEN_S, answer_s: float = ANSWER_S) -> Detection:
    """Listen to a device, then ask it, and say which protocols fit.

    Args:
        device: Path of the serial device.
        listen_s: Seconds to listen at each line setting.
        answer_s: Seconds to wait for an answer to a query.

    Raises:
        DeviceError: the device cannot be opened or was pulled out.
    """
    found = Detection()
    try:
        _listen(device, listen_s, found)
        if not found.matches:
            _ask(device, answer_s, found)
    except OSError as error:
        raise DeviceError(f"cannot use {device}: {error}") from error
    found.matches.sort(key=lambda match: (match.explained, match.frames), reverse=True)
    return found


def judge(data: bytes, driver: Driver, settings: Serial) -> Match | None:
    """Whether bytes are a protocol's: at least two good frames, and more good than damaged ones."""
    decoder = driver.decoder()
    readings = decoder.feed(data) + decoder.flush()
    good = [reading for reading in readings if reading.error is None]
    errors = len(readings) - len(good)
    if len(good) < ENOUGH or errors > len(good):
        return None
    explained = sum(len(reading.raw) for reading in good) / len(data)
    return Match(driver.name, settings, len(good), errors, explained, good[-1])


def _known() -> list[Driver]:
    """The protocols whose frames prove them."""
    return [driver for driver in PROTOCOLS.values() if driver.distinctive]


def _listen(device: str, seconds: float, found: Detection) -> None:
    """Hear a scale that talks by itself; a line that is quiet at one setting is so at all."""
    talkers = [driver for driver in _known() if driver.poll is None]
    lines = dict.fromkeys(setting for driver in talkers for setting in driver.serial)
    for setting in lines:
        data = _overheard(device, setting, seconds)
        if data is None:
            continue
        if not data:
            return
        found.heard[f"listening at {setting}"] = data
        matches = (judge(data, driver, setting) for driver in talkers)
        found.matches += [match for match in matches if match]
        if found.matches:
            return


def _overheard(device: str, setting: Serial, seconds: float) -> bytes | None:
    """What comes by itself; None where the adapter cannot do that setting."""
    with suppress(termios.error), open_line(device, setting) as line:
        return listen(line, seconds)
    return None


def _ask(device: str, seconds: float, found: Detection) -> None:
    """Ask in each polled protocol; those that share a query are judged by the same answers."""
    asked = [driver for driver in _known() if driver.poll]
    ways = dict.fromkeys((driver.poll, setting) for driver in asked for setting in driver.serial)
    for poll, setting in ways:
        if poll is None:
            continue
        data = _answers(device, poll, setting, seconds)
        if not data:
            continue
        found.heard[f"asking {poll.request!r} at {setting}"] = data
        same = (driver for driver in asked if driver.poll == poll and setting in driver.serial)
        matches = (judge(data, driver, setting) for driver in same)
        found.matches += [match for match in matches if match]
        if found.matches:
            return


def _answers(device: str, poll: Poll, setting: Serial, seconds: float) -> bytes:
    """What comes back to a few polls; the second half of a poll only after its acknowledgement."""
    heard = bytearray()
    with suppress(termios.error), open_line(device, setting) as line:
        for _ in range(ASK_TIMES):
            say = poll.request
            while say and len(heard) < MOST:
                line.write(say)
                answer = listen(line, seconds)
                heard += answer
                say = poll.reply(answer[-1:])
    return bytes(heard)
