"""A scale on a serial line, kept alive: reads, polls, reports, reconnects by itself."""

import queue
import termios
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import serial

from dafan.clock import Clock
from dafan.errors import DeviceError
from dafan.units import Grams
from devices.scales.driver import Driver, Serial
from devices.scales.reading import Reading
from devices.scales.stability import DIVISION, filter_for

READ_S = 0.05
QUIET_S = 0.05
AFTER_COMMAND_S = 0.2
"""The 8217 wants 150 ms of peace after a tare; no other scale minds."""

BYTES_ONLY = "bytes arrive, but no frames: wrong protocol or line settings"
NOTHING = "nothing arrives: is the scale switched on, is the cable in the right socket?"


@dataclass(frozen=True, slots=True)
class PortSettings:
    """How to talk and how patient to be.

    Attributes:
        line: Line settings; None for the driver's usual ones.
        unit: Unit to assume where frames name none.
        division: Grams by which a resting weight may differ, for scales that do not tell.
        silent_after_s: Without a frame for so long, the port reports ``silent``.
        reopen_after_s: Without a frame for so long, the port is closed and opened again.
        retry_s: First wait before opening again; doubles up to ``retry_max_s``.
        retry_max_s: Longest wait.
    """

    line: Serial | None = None
    unit: str = "kg"
    division: Grams = DIVISION
    silent_after_s: float = 2.0
    reopen_after_s: float = 10.0
    retry_s: float = 0.25
    retry_max_s: float = 5.0


@dataclass(frozen=True, slots=True)
class PortState:
    """How the line is.

    ``connected``: frames arrive. ``silent``: the line is open, but none arrives. ``disconnected``:
    the device cannot be opened or has gone.
    """

    kind: Literal["connected", "silent", "disconnected"]
    reason: str = ""


@dataclass(slots=True)
class _Latest:
    reading: Reading | None = None
    at: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


class ScalePort:
    """Reads a scale on a thread of its own until :meth:`stop`.

    Args:
        device: Path of the serial device.
        driver: Its protocol.
        clock: Monotonic time for arrival and silence.
        on_reading: Called on the port's thread with each reading and its monotonic arrival.
        on_state: Called on the port's thread when the state changes.
        settings: Line and patience.
    """

    def __init__(
        self,
        device: str,
        driver: Driver,
        clock: Clock,
        on_reading: Callable[[Reading, float], None],
        on_state: Callable[[PortState], None],
        settings: PortSettings | None = None,
    ) -> None:
        self._device = device
        self._driver = driver
        self._clock = clock
        self._on_reading = on_reading
        self._on_state = on_state
        self._settings = settings or PortSettings()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"scale {device}", daemon=True)
        self._commands: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._latest = _Latest()
        self._state: PortState | None = None

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread and close the device."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def latest(self, max_age_s: float) -> Reading | None:
        """The last reading, unless it is older than ``max_age_s`` or the line has failed since."""
        with self._latest.lock:
            reading, at = self._latest.reading, self._latest.at
        return reading if reading and self._clock.monotonic() - at <= max_age_s else None

    def zero(self) -> None:
        """Zero the scale.

        Raises:
            DeviceError: the protocol has no such command.
        """
        if self._driver.zero is None:
            raise DeviceError("this scale cannot be zeroed from the till: press its zero key")
        self._commands.put(self._driver.zero)

    def tare(self, max_age_s: float = 1.0) -> None:
        """Take the weight that rests on the scale as tare.

        Raises:
            DeviceError: the protocol has no such command, or the weight does not rest.
        """
        if self._driver.tare is None:
            raise DeviceError("this scale cannot be tared from the till: press its tare key")
        reading = self.latest(max_age_s)
        if reading is None or reading.grams is None or not reading.stable:
            raise DeviceError("the weight is not steady: wait a moment, then tare again")
        self._commands.put(self._driver.tare)

    def _run(self) -> None:
        wait_s = self._settings.retry_s
        while not self._stop.is_set():
            heard = self._connect()
            self._forget()
            wait_s = self._settings.retry_s if heard else wait_s
            self._stop.wait(wait_s)
            wait_s = min(wait_s * 2, self._settings.retry_max_s)

    def _connect(self) -> bool:
        """Serve the device until it fails; whether it said anything."""
        session: _Session | None = None
        try:
            with open_line(self._device, self._settings.line or self._driver.serial[0]) as line:
                session = _Session(
                    line,
                    self._driver,
                    self._settings,
                    self._clock,
                    self._commands,
                    self._deliver,
                    self._silent,
                )
                session.serve(self._stop)
        except (OSError, termios.error, ValueError) as error:
            self._report(PortState("disconnected", str(error)))
        return session is not None and session.heard

    def _deliver(self, reading: Reading, at: float) -> None:
        with self._latest.lock:
            self._latest.reading, self._latest.at = reading, at
        self._report(PortState("connected"))
        self._on_reading(reading, at)

    def _silent(self, reason: str) -> None:
        self._forget()
        self._report(PortState("silent", reason))

    def _forget(self) -> None:
        with self._latest.lock:
            self._latest.reading = None

    def _report(self, state: PortState) -> None:
        if self._state is None or state != self._state:
            self._state = state
            self._on_state(state)


@dataclass(slots=True)
class _Session:
    """One opening of the device, from plug to unplug."""

    line: serial.Serial
    driver: Driver
    settings: PortSettings
    clock: Clock
    commands: queue.SimpleQueue[bytes]
    deliver: Callable[[Reading, float], None]
    silent: Callable[[str], None]
    heard: bool = False

    def serve(self, stop: threading.Event) -> None:
        """Read until told to stop or until the line fails or stays silent too long.

        Raises:
            OSError: the line failed.
        """
        decoder = self.driver.decoder(self.settings.unit)
        judge = filter_for(self.driver, self.settings.division)
        frame_at = byte_at = poll_at = self.clock.monotonic()
        while not stop.is_set():
            poll_at = self._speak(poll_at)
            data = self.line.read(max(1, self.line.in_waiting))
            now = self.clock.monotonic()
            byte_at = now if data else byte_at
            self._acknowledge(data)
            readings = decoder.feed(data)
            if now - byte_at >= QUIET_S:
                readings += decoder.flush()
            for reading in readings:
                frame_at = now
                self.heard = True
                self.deliver(judge.apply(reading, now), now)
            if now - frame_at >= self.settings.silent_after_s:
                self.silent(BYTES_ONLY if now - byte_at < self.settings.silent_after_s else NOTHING)
            if now - frame_at >= self.settings.reopen_after_s:
                return

    def _speak(self, poll_at: float) -> float:
        """Send a waiting command, or ask for a weight if it is time; when to ask next."""
        now = self.clock.monotonic()
        try:
            self.line.write(self.commands.get_nowait())
        except queue.Empty:
            if self.driver.poll is None or now < poll_at:
                return poll_at
            self.line.write(self.driver.poll.request)
            return now + self.driver.poll.interval_s
        return now + AFTER_COMMAND_S

    def _acknowledge(self, data: bytes) -> None:
        reply = self.driver.poll.reply(data) if self.driver.poll else b""
        if reply:
            self.line.write(reply)


def open_line(device: str, settings: Serial) -> serial.Serial:
    """Open a serial device for this process alone; what waited in its buffer is thrown away.

    Raises:
        OSError: the device is missing, busy or forbidden (pyserial's error is one).
        ValueError: the settings are impossible.
    """
    line = serial.Serial(
        device,
        baudrate=settings.baud,
        bytesize=settings.bits,
        parity=settings.parity,
        stopbits=settings.stop,
        timeout=READ_S,
        write_timeout=1.0,
        exclusive=True,
    )
    if settings.parity != "N":
        _check_parity(line)
    return line


def _check_parity(line: serial.Serial) -> None:
    """Let the kernel turn a byte with wrong parity into NUL; pyserial asks it to look away."""
    flags = termios.tcgetattr(line.fileno())
    flags[0] |= termios.INPCK
    termios.tcsetattr(line.fileno(), termios.TCSANOW, flags)


def listen(line: serial.Serial, seconds: float) -> bytes:
    """All bytes that arrive within a time.

    Raises:
        OSError: the line failed.
    """
    end = time.monotonic() + seconds
    heard = bytearray()
    while time.monotonic() < end:
        heard += line.read(max(1, line.in_waiting))
    return bytes(heard)
