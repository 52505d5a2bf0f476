"""Card readers as devices: a keyboard device of the kernel or a serial line, and a simulated one.

Addresses: ``/dev/input/event3`` (types like a keyboard; it is grabbed, so that nothing else gets
its keys) – ``/dev/ttyUSB1`` or ``serial:/dev/ttyUSB1?baud=19200``.
"""

import contextlib
import fcntl
import os
import select
import struct
import termios
import threading
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Literal, Protocol, Self
from urllib.parse import parse_qs

import serial

from dafan.clock import Clock
from dafan.errors import BadInputError, ConfigError, DafanError, DeviceError
from devices.reader import CardFormat, CardLines, CardSeen, Debounce, KeyboardWedge

LONGEST_RETRY_S = 30.0
_TICK_S = 0.2
_EVENT = struct.Struct("llHHi")
"""``struct input_event`` of Linux: seconds, microseconds, type, code, value."""

_EV_KEY, _PRESSED = 1, 1
_EVIOCGRAB = 0x40044590
_KEYS = {
    **dict(zip(range(2, 12), "1234567890", strict=True)),
    **dict(zip((82, 79, 80, 81, 75, 76, 77, 71, 72, 73), "0123456789", strict=True)),
    **dict(zip(range(16, 26), "QWERTYUIOP", strict=True)),
    **dict(zip(range(30, 39), "ASDFGHJKL", strict=True)),
    **dict(zip(range(44, 51), "ZXCVBNM", strict=True)),
    28: "Enter",
    96: "Enter",
}
"""Key codes of ``linux/input-event-codes.h``."""

_SILENT_KEYS = frozenset({42, 54, 58, 69})
"""Shift, caps lock, num lock: readers press them around letters."""

ReaderState = Literal["connected", "disconnected"]


class _Line(Protocol):
    def read(self) -> list[str]:
        """Texts that came within a fifth of a second; raises OSError when the reader is gone."""
        ...

    def close(self) -> None: ...


class KeyEvents:
    """Card texts from the kernel's key events; events may come in pieces."""

    def __init__(self) -> None:
        self._pending = b""
        self._wedge = KeyboardWedge()

    def feed(self, data: bytes) -> list[str]:
        """Texts completed by these bytes."""
        data = self._pending + data
        whole = len(data) - len(data) % _EVENT.size
        self._pending = data[whole:]
        texts = []
        for seconds, micros, kind, code, value in _EVENT.iter_unpack(data[:whole]):
            if kind == _EV_KEY and value == _PRESSED and code not in _SILENT_KEYS:
                # A key without a letter still spoils the number it stands in.
                text = self._wedge.key(_KEYS.get(code, "?"), seconds + micros / 1e6)
                if text is not None:
                    texts.append(text)
        return texts


class _KeyboardLine:
    def __init__(self, path: str) -> None:
        self._events = KeyEvents()
        self._handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with contextlib.suppress(
            OSError
        ):  # not an input device (a test's pipe): no one else reads it
            fcntl.ioctl(self._handle, _EVIOCGRAB, 1)

    def read(self) -> list[str]:
        if not select.select([self._handle], [], [], _TICK_S)[0]:
            return []
        data = os.read(self._handle, 64 * _EVENT.size)
        if not data:
            raise ConnectionError("the reader is gone")
        return self._events.feed(data)

    def close(self) -> None:
        os.close(self._handle)


class _SerialLine:
    def __init__(self, path: str, baud: int) -> None:
        self._lines = CardLines()
        self._port = serial.Serial(path, baud, timeout=_TICK_S)

    def read(self) -> list[str]:
        first = self._port.read(1)
        return self._lines.feed(first + self._port.read(self._port.in_waiting)) if first else []

    def close(self) -> None:
        self._port.close()


def _open(address: str) -> _Line:
    """Open a reader.

    Raises:
        ConfigError: the address cannot be understood.
        DeviceError: nothing is there now.
    """
    path, _, query = address.removeprefix("serial:").partition("?")
    if not path.startswith("/"):
        raise ConfigError(
            f"'{address}' is no card reader: "
            "write /dev/input/event3 or serial:/dev/ttyUSB1?baud=9600"
        )
    try:
        if path.startswith("/dev/input/"):
            return _KeyboardLine(path)
        return _SerialLine(path, int(parse_qs(query).get("baud", ["9600"])[0]))
    except ValueError as error:
        raise ConfigError(f"'{address}': baud is a number, such as 9600") from error
    except (OSError, termios.error) as error:
        raise DeviceError(f"cannot open card reader {path}: check that it is plugged in") from error


def check(address: str) -> None:
    """Open a reader and let it go again.

    Raises:
        ConfigError: the address cannot be understood.
        DeviceError: nothing is there now.
    """
    _open(address).close()


class ReaderThread:
    """Reads cards for ever; opens the reader again when it is lost.

    Args:
        address: Of the reader, see above.
        clock: Time of cards.
        on_card: Called from the thread for each card that is newly held to the reader.
        on_state: Called from the thread with the state and the reason when it changes.
        card_format: How this reader writes numbers; texts it does not fit are ignored.
    """

    def __init__(
        self,
        address: str,
        clock: Clock,
        on_card: Callable[[CardSeen], None],
        on_state: Callable[[ReaderState, str], None] = lambda _state, _reason: None,
        card_format: CardFormat | None = None,
    ) -> None:
        self._address = address
        self._clock = clock
        self._on_card = on_card
        self._on_state = on_state
        self._format = card_format or CardFormat()
        self._debounce = Debounce()
        self._state: ReaderState | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="card reader", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Stop within a fifth of a second."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        retry = 1.0
        while not self._stopping.is_set():
            try:
                line = _open(self._address)
                retry = 1.0
                self._tell("connected", "")
                with contextlib.closing(line):
                    self._read(line)
            except (DafanError, OSError, termios.error) as error:
                self._tell("disconnected", str(error))
                self._stopping.wait(retry)
                retry = min(2 * retry, LONGEST_RETRY_S)

    def _read(self, line: _Line) -> None:
        while not self._stopping.is_set():
            for text in line.read():
                try:
                    number = self._format.canonical(text)
                except BadInputError:
                    continue
                at = self._clock.monotonic()
                if self._debounce.fresh(number, at):
                    self._on_card(CardSeen(number, at))

    def _tell(self, state: ReaderState, reason: str) -> None:
        if state != self._state:
            self._state = state
            self._on_state(state, reason)


class SimulatedReader:
    """A serial card reader on a pseudo-terminal.

    Args:
        link: A symbolic link that names it; it vanishes while unplugged.
    """

    def __init__(self, link: Path) -> None:
        self.link = link
        self._ends: tuple[int, int] | None = None
        self.plug_in()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.unplug()

    def plug_in(self) -> None:
        """Appear under the link."""
        master, slave = os.openpty()
        tty.setraw(slave)
        self.link.symlink_to(os.ttyname(slave))
        self._ends = (master, slave)

    def unplug(self) -> None:
        """Vanish."""
        if self._ends is not None:
            self.link.unlink(missing_ok=True)
            for end in self._ends:
                os.close(end)
            self._ends = None

    def present(self, text: str) -> None:
        """Hold a card to the reader, which sends this text between STX and ETX."""
        self.send(b"\x02" + text.encode("ascii") + b"\x03")

    def send(self, data: bytes) -> None:
        """Send any bytes."""
        if self._ends is None:
            raise DeviceError("the simulated reader is unplugged")
        os.write(self._ends[0], data)
