"""A tag reader on a serial line, kept alive: asks, reads, tells which tags are there.

Address as of card readers: ``/dev/ttyUSB1`` or ``serial:/dev/ttyUSB1?baud=57600``. A reader that
types (``/dev/input/event3``) tells a tag once, when it comes: it suits a gate, where a tray is put
on and taken away; a scoop station must know whether the tray is still there.
"""

import termios
import threading
from collections.abc import Callable
from typing import Literal
from urllib.parse import parse_qs

import serial

from dafan.clock import Clock
from dafan.errors import ConfigError
from devices.reader import CardFormat, CardSeen
from devices.reader_port import ReaderState, ReaderThread
from devices.tags import TAG_PROTOCOLS, THERE_S, ReadSet, TagDecoder

READ_S = 0.05
ASK_S = 0.15
TELL_S = 0.2
"""What is there is told at least so often."""
LONGEST_RETRY_S = 5.0

TagsThere = Callable[[frozenset[str], float], None]
"""Which tags are there, and the monotonic second."""


def check_reader(device: str, protocol: str) -> tuple[str, int]:
    """The path and the speed of a serial reader's address.

    Raises:
        ConfigError: address or protocol cannot be understood.
    """
    if protocol not in TAG_PROTOCOLS:
        raise ConfigError(f"'{protocol}' is no tag reader: use one of {', '.join(TAG_PROTOCOLS)}")
    path, _, query = device.removeprefix("serial:").partition("?")
    baud = parse_qs(query).get("baud", [str(TAG_PROTOCOLS[protocol].baud)])[0]
    if not path.startswith("/") or not baud.isdecimal():
        raise ConfigError(f"'{device}' is no tag reader: write serial:/dev/ttyUSB1?baud=57600")
    return path, int(baud)


class TagPort:
    """Reads a serial tag reader on a thread of its own until :meth:`stop`.

    Args:
        device: Its address.
        protocol: A name of :data:`devices.tags.TAG_PROTOCOLS`.
        clock: Time.
        on_tags: Called from the thread when the set changes, and a few times a second.
        on_state: Called from the thread with the state and the reason when it changes.
        reverse: The reader sends a chip's bytes last first.
        there_s: A tag that was read is there for so many seconds.

    Raises:
        ConfigError: address or protocol cannot be understood.
    """

    def __init__(
        self,
        device: str,
        protocol: str,
        clock: Clock,
        on_tags: TagsThere,
        on_state: Callable[[ReaderState, str], None] = lambda _state, _reason: None,
        *,
        reverse: bool = False,
        there_s: float = THERE_S,
    ) -> None:
        self._path, self._baud = check_reader(device, protocol)
        self._protocol = TAG_PROTOCOLS[protocol]
        self._reverse = reverse
        self._there_s = there_s
        self._clock = clock
        self._on_tags = on_tags
        self._on_state = on_state
        self._state: ReaderState | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"tags {device}", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread and close the device."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        wait_s = 0.25
        while not self._stopping.is_set():
            try:
                with serial.Serial(
                    self._path, self._baud, timeout=READ_S, write_timeout=1.0, exclusive=True
                ) as line:
                    self._tell("connected", "")
                    wait_s = 0.25
                    self._read(line)
            except (OSError, termios.error) as error:
                self._tell("disconnected", str(error))
                self._stopping.wait(wait_s)
                wait_s = min(2 * wait_s, LONGEST_RETRY_S)

    def _read(self, line: serial.Serial) -> None:
        decoder, there = TagDecoder(self._protocol, reverse=self._reverse), ReadSet(self._there_s)
        told: frozenset[str] | None = None
        asked = told_at = float("-inf")
        while not self._stopping.is_set():
            now = self._clock.monotonic()
            if self._protocol.ask and now - asked >= ASK_S:
                line.write(self._protocol.ask)
                asked = now
            data = line.read(max(1, line.in_waiting))
            now = self._clock.monotonic()
            for read in decoder.feed(data):
                if not read.error:
                    there.seen(read.tag, now)
            tags = there.there(now)
            if tags != told or now - told_at >= TELL_S:
                told, told_at = tags, now
                self._on_tags(tags, now)

    def _tell(self, state: ReaderState, reason: str) -> None:
        if state != self._state:
            self._state = state
            self._on_state(state, reason)


def connect_tags(
    device: str,
    protocol: str,
    clock: Clock,
    on_tags: TagsThere,
    on_state: Callable[[ReaderState, str], None],
    *,
    reverse: bool = False,
) -> TagPort | ReaderThread:
    """A reader of either kind, not started; one that types tells its tag once.

    Args:
        device: ``/dev/ttyUSB1``, ``serial:/dev/ttyUSB1?baud=57600`` or ``/dev/input/event3``.
        protocol: Of a serial one; of one that types ``hex-lines`` where it types hexadecimal
            digits, anything else where it types decimal ones.
        clock: Time.
        on_tags: As of :class:`TagPort`.
        on_state: As of :class:`TagPort`.
        reverse: The reader sends a chip's bytes last first.

    Raises:
        ConfigError: address or protocol cannot be understood.
    """
    if not device.startswith("/dev/input/"):
        return TagPort(device, protocol, clock, on_tags, on_state, reverse=reverse)
    base: Literal["raw", "decimal"] = "raw" if protocol == "hex-lines" else "decimal"

    def on_card(card: CardSeen) -> None:
        on_tags(frozenset({card.number}), card.at)

    written = CardFormat(base, reversed_bytes=reverse)
    return ReaderThread(device, clock, on_card, on_state, written)
