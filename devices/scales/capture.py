"""Records what an unknown scale sends while a person puts known weights on it."""

import termios
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import serial

from dafan.errors import DeviceError
from devices.scales.anatomy import Step, period
from devices.scales.driver import Serial
from devices.scales.port import listen, open_line
from devices.scales.protocols import PROTOCOLS

LINES = (
    Serial(9600),
    Serial(9600, 7, "E"),
    Serial(4800),
    Serial(2400),
    Serial(1200),
    Serial(19200),
    Serial(4800, 7, "E"),
    Serial(2400, 7, "E"),
)
POLLS = (b"R", b"$", b"P\r", b"\x05")
"""Questions that no driver asks and some scales answer; none changes a scale."""
READABLE = frozenset(b"0123456789 .+-")
SLICE_S = 0.2


@dataclass(frozen=True, slots=True)
class Heard:
    """How a scale talks: line settings, what asks it (nothing if it needs no asking)."""

    serial: Serial
    poll: bytes
    data: bytes

    @property
    def likely(self) -> tuple[bool, float]:
        """Better settings are greater: bytes that repeat, and many of a number's characters."""
        readable = sum(byte in READABLE for byte in self.data) / max(1, len(self.data))
        return period(self.data) is not None, readable

    @property
    def clear(self) -> bool:
        """No need to compare: numbers that repeat, and no parity bit taken for a part of them."""
        repeats, readable = self.likely
        high = sum(byte > 0x7F for byte in self.data)
        return repeats and readable > 0.4 and high <= 0.1 * len(self.data)


def find_line(device: str, listen_s: float = 1.5, answer_s: float = 0.3) -> Heard:
    """The line settings, and the question, under which a scale's bytes look most like numbers.

    Raises:
        DeviceError: the device cannot be used, or nothing comes at any setting.
    """
    try:
        heard = list(_overheard(device, listen_s)) or list(_asked(device, answer_s))
    except OSError as error:
        raise DeviceError(f"cannot use {device}: {error}") from error
    if not heard:
        raise DeviceError(
            "nothing arrives at any usual line setting, asked or not: check cable and power, and "
            "set the scale to send by itself (连续输出) in its menu"
        )
    return max(heard, key=lambda one: one.likely)


def _overheard(device: str, listen_s: float) -> Iterator[Heard]:
    """What comes by itself; a line that is quiet at one setting is so at all."""
    for setting in LINES:
        one = _try(device, setting, b"", listen_s)
        if one is None:
            return
        yield one
        if one.clear:
            return


def _asked(device: str, answer_s: float) -> Iterator[Heard]:
    """Answers to every question, until they are clear."""
    polls = [driver.poll for driver in PROTOCOLS.values() if driver.poll]
    simple = [poll.request for poll in polls if not poll.then]
    for setting in LINES:
        for question in dict.fromkeys((*simple, *POLLS)):
            one = _try(device, setting, question, answer_s)
            if one:
                yield one
                if one.clear:
                    return


def _try(device: str, setting: Serial, question: bytes, seconds: float) -> Heard | None:
    with suppress(termios.error), open_line(device, setting) as line:
        data = record(line, question, seconds * (4 if question else 1), seconds)
        return Heard(setting, question, data) if data else None
    return None


def record(line: serial.Serial, question: bytes, seconds: float, every_s: float = SLICE_S) -> bytes:
    """All that comes within a time, asked again and again where a question is needed.

    Raises:
        OSError: the line failed.
    """
    end = time.monotonic() + seconds
    heard = bytearray()
    while (left := end - time.monotonic()) > 0:
        if question:
            line.write(question)
        heard += listen(line, min(every_s, left))
        if question and not heard:
            break
    return bytes(heard)


def watch(
    device: str,
    heard: Heard,
    weights: Sequence[int],
    ask: Callable[[str], None],
    seconds: float = 8.0,
) -> list[Step]:
    """Record an empty scale, then each weight.

    Args:
        device: Path of the serial device.
        heard: How the scale talks.
        weights: Grams.
        ask: Tells the person what to do, and comes back when it may begin.
        seconds: For each weight; the last third must be at rest.

    Raises:
        DeviceError: the device cannot be used.
    """
    steps = []
    try:
        with open_line(device, heard.serial) as line:
            ask("Take everything off the scale and wait for zero; then press Enter.")
            line.reset_input_buffer()
            steps.append(Step(0, b"", record(line, heard.poll, seconds / 2)))
            for grams in weights:
                ask(f"Press Enter, then put {grams} g on and let go within {seconds / 3:.0f} s.")
                line.reset_input_buffer()
                moving = record(line, heard.poll, seconds * 2 / 3)
                steps.append(Step(grams, moving, record(line, heard.poll, seconds / 3)))
    except (OSError, termios.error) as error:
        raise DeviceError(f"cannot use {device}: {error}") from error
    return steps
