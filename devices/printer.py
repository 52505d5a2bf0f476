"""Receipt printers: python-escpos carries the bytes, this module opens, asks and never hangs.

Addresses: ``usb:04b8:0e15`` – ``serial:/dev/ttyS0?baud=19200`` – ``tcp:192.168.1.50:9100`` –
``file:/dev/usb/lp0`` or just ``/dev/usb/lp0`` – ``sim:FOLDER``, a simulated printer that leaves
each receipt as a picture in a folder.

Status is asked by ``DLE EOT n`` (10 04 n), answered at once even by a printer that waits for paper;
``GS r 1`` (1D 72 01) is answered in its turn, so its answer says that all before it is on paper.
"""

import contextlib
import os
import select
import termios
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self
from urllib.parse import parse_qs

import usb.core
import usb.util
from escpos.exceptions import Error as EscposError
from escpos.printer import Network, Serial, Usb

from dafan.errors import ConfigError, DeviceError

PRINT_S = 10.0
"""A slip is on paper within this, or the printer does not say."""

TIMEOUT_S = 5.0
"""How long a printer may block a write before it counts as stuck."""

CHUNK = 512
"""Bytes handed over at once: half a second of a 9600 baud line, so that a stuck one is noticed."""

FIRST_ANSWER_S, ANSWER_S = 2.0, 0.5
"""How long a printer may take to answer its first status query, and the others."""

ADDRESSES = (
    "usb:VID:PID, serial:/dev/ttyS0?baud=9600, tcp:HOST:9100, file:/dev/usb/lp0 or sim:FOLDER"
)


@dataclass(frozen=True)
class PrinterStatus:
    """What a printer says about itself; ``online`` None means that it cannot be asked."""

    online: bool | None
    cover_open: bool = False
    paper_out: bool = False
    paper_low: bool = False
    error: bool = False
    detail: str = ""

    @property
    def ready(self) -> bool:
        """Nothing known stands against printing."""
        fault = self.cover_open or self.paper_out or self.error
        return self.online is not False and not fault


UNKNOWN = PrinterStatus(online=None, detail="the printer does not answer status queries")


def is_status_byte(byte: int) -> bool:
    """Whether a byte has the fixed bits of a ``DLE EOT`` answer: 0xx1xx10."""
    return byte & 0x93 == 0x12


def parse_status(answers: dict[int, int]) -> PrinterStatus:
    """Read the answers to ``DLE EOT n``.

    Args:
        answers: For each n from 1 to 4 that was answered, its byte. n=1: 08 offline; n=2: 04 cover
            open, 20 stopped for want of paper, 40 error; n=3: 04 recoverable, 08 cutter, 20
            fatal, 40 overheated head; n=4: 0C paper near end, 60 paper end (Epson ESC/POS).
    """
    valid = {n: byte for n, byte in answers.items() if is_status_byte(byte)}
    if not valid:
        return UNKNOWN
    state, offline, fault, paper = (valid.get(n, 0x12) for n in (1, 2, 3, 4))
    reasons = {
        "cover open": offline & 0x04,
        "out of paper": offline & 0x20 or paper & 0x60,
        "cutter jammed": fault & 0x08,
        "needs service": fault & 0x20,
        "head too hot or other passing fault": fault & 0x44,
    }
    told = [reason for reason, bits in reasons.items() if bits]
    if state & 0x08 and not told:
        told = ["offline"]
    return PrinterStatus(
        online=not state & 0x08,
        cover_open=bool(offline & 0x04),
        paper_out=bool(offline & 0x20 or paper & 0x60),
        paper_low=bool(paper & 0x0C),
        error=bool(offline & 0x40 or fault & 0x6C),
        detail=", ".join(told),
    )


class Transport(Protocol):
    """A line to a printer. Errors leave as one of ``_FAULTS``."""

    def write(self, data: bytes) -> None:
        """Send all, or raise."""
        ...

    def read(self, seconds: float) -> bytes | None:
        """What the printer said within the time, ``b""`` if nothing; None on a one-way line."""
        ...

    def close(self) -> None:
        """Let go of the device."""
        ...


_FAULTS = (OSError, termios.error, usb.core.USBError, EscposError, AssertionError)


class Printer:
    """An opened printer.

    Args:
        url: Its address, for messages.
        transport: The line to it.
    """

    def __init__(self, url: str, transport: Transport) -> None:
        self.url = url
        self._transport = transport
        self._answers: bool | None = None  # not asked yet
        self._confirms = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the device; a line already broken is no error."""
        try:
            self._transport.close()
        except _FAULTS:
            return

    def send(self, data: bytes) -> None:
        """Send bytes to the printer.

        Raises:
            DeviceError: the line broke, or the printer took nothing for five seconds.
        """
        try:
            for start in range(0, len(data), CHUNK):
                self._transport.write(data[start : start + CHUNK])
        except _FAULTS as error:
            raise DeviceError(f"printer {self.url} takes no data: check cable and power") from error

    def status(self) -> PrinterStatus:
        """Ask the printer; a one-way line or a mute printer gives :data:`UNKNOWN`.

        Raises:
            DeviceError: the line broke, or a printer that used to answer is silent.
        """
        if self._answers is False:
            return UNKNOWN
        answers: dict[int, int] = {}
        for n in (1, 2, 3, 4):
            patience = FIRST_ANSWER_S if n == 1 else ANSWER_S
            byte = self._ask(b"\x10\x04" + bytes([n]), is_status_byte, patience)
            if byte is None:
                break
            answers[n] = byte
        if not answers and self._answers:
            raise DeviceError(f"printer {self.url} no longer answers: check cable and power")
        self._answers = bool(answers)
        return parse_status(answers)

    def finished(self, seconds: float) -> bool | None:
        """Wait until all that was sent is on paper.

        Returns:
            True when the printer says so, False when it did not within ``seconds``, None when this
            printer cannot say.

        Raises:
            DeviceError: the line broke.
        """
        if not self._answers or not self._confirms:
            return None
        byte = self._ask(b"\x1dr\x01", _is_transmitted_status, seconds)
        return byte is not None

    def cannot_confirm(self) -> None:
        """Remember that this printer is healthy and yet does not answer ``GS r``."""
        self._confirms = False

    def _ask(self, query: bytes, fits: Callable[[int], bool], seconds: float) -> int | None:
        """The last fitting byte of the answer; stale bytes are thrown away first."""
        try:
            if self._transport.read(0) is None:
                return None
            self._transport.write(query)
            deadline = time.monotonic() + seconds
            while (left := deadline - time.monotonic()) > 0:
                fitting = [byte for byte in self._transport.read(left) or b"" if fits(byte)]
                if fitting:
                    return fitting[-1]
        except _FAULTS as error:
            raise DeviceError(f"printer {self.url} is gone: check cable and power") from error
        return None


def _is_transmitted_status(byte: int) -> bool:
    """The fixed bits of a ``GS r`` answer: 0xx0xxxx."""
    return byte & 0x90 == 0x00


def open_printer(url: str) -> Printer:
    """Open the printer at an address.

    Raises:
        ConfigError: the address cannot be understood.
        DeviceError: nothing answers there now.
    """
    kind, _, rest = url.partition(":")
    if url.startswith("/"):
        kind, rest = "file", url
    opener = _OPENERS.get(kind)
    if opener is None or not rest:
        raise ConfigError(f"'{url}' is no printer address: write {ADDRESSES}")
    try:
        return Printer(url, opener(rest))
    except usb.core.NoBackendError as error:
        raise DeviceError(
            "USB needs libusb: apt install libusb-1.0-0, or use /dev/usb/lp0"
        ) from error
    except ValueError as error:
        raise ConfigError(f"'{url}' is no printer address: write {ADDRESSES}") from error
    except _FAULTS as error:
        raise DeviceError(f"cannot open printer {url}: {_advice(error)}") from error


def print_now(url: str, data: bytes, name: str) -> bool | None:
    """Send something to a printer that is ready, and wait until it is on paper.

    Args:
        url: As :func:`open_printer` takes it.
        data: ESC/POS bytes.
        name: What to call the printer in an error.

    Returns:
        As :meth:`Printer.finished` within :data:`PRINT_S`.

    Raises:
        ConfigError: the address cannot be understood.
        DeviceError: it is not there, not ready, or the line broke.
    """
    with open_printer(url) as opened:
        status = opened.status()
        if not status.ready:
            raise DeviceError(f"{name} is not ready: {status.detail}")
        opened.send(data)
        return opened.finished(PRINT_S)


def _advice(error: BaseException) -> str:
    if "denied" in str(error):
        return "no permission: add this user to the groups lp and dialout and log in again"
    return "check that it is on and plugged in"


class _EscposLine:
    """A python-escpos transport, which holds an open socket, port or USB device in ``device``."""

    def __init__(self, printer: Any) -> None:
        self._printer = printer
        printer.open()
        self.device = printer.device

    def write(self, data: bytes) -> None:
        self._printer._raw(data)  # noqa: SLF001 - python-escpos's documented way for own bytes

    def read(self, seconds: float) -> bytes | None:
        """As the protocol; a closed line raises ConnectionError."""
        if not select.select([self.device], [], [], seconds)[0]:
            return b""
        data = bytes(self._printer._read())  # noqa: SLF001 - its only reader
        if not data:
            raise ConnectionError("the printer closed the connection")
        return data

    def close(self) -> None:
        self._printer.close()


class _SerialLine(_EscposLine):
    """python-escpos sets no limit on writing, and leaves a port open whose cable is gone."""

    def __init__(self, printer: Any) -> None:
        super().__init__(printer)
        self.device.write_timeout = TIMEOUT_S

    def close(self) -> None:
        with contextlib.suppress(termios.error):
            self.device.flush()
        self.device.close()


class _UsbLine(_EscposLine):
    """USB bulk endpoints are found on the device: their numbers differ from model to model."""

    def __init__(self, printer: Any) -> None:
        super().__init__(printer)
        interface = printer.device.get_active_configuration()[(0, 0)]
        for endpoint in interface:
            incoming = (
                usb.util.endpoint_direction(endpoint.bEndpointAddress) == usb.util.ENDPOINT_IN
            )
            setattr(printer, "in_ep" if incoming else "out_ep", endpoint.bEndpointAddress)

    def read(self, seconds: float) -> bytes | None:
        wait_ms = max(1, int(seconds * 1000))
        try:
            return bytes(self.device.read(self._printer.in_ep, 16, wait_ms))
        except usb.core.USBTimeoutError:
            return b""


class _FileLine:
    """A device file (usblp answers on the same file) or a plain file that collects the bytes.

    python-escpos's File truncates plain files, only writes, and hangs in a printer without paper.
    """

    def __init__(self, path: str) -> None:
        self._device = Path(path).is_char_device()
        if self._device:
            self._handle = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY)
        else:
            self._handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            if not select.select([], [self._handle], [], TIMEOUT_S)[1]:
                raise TimeoutError("the printer takes no data")
            left = left[os.write(self._handle, left) :]

    def read(self, seconds: float) -> bytes | None:
        if not self._device:
            return None
        if not select.select([self._handle], [], [], seconds)[0]:
            return b""
        data = os.read(self._handle, 16)
        if not data:  # a device with nothing to say is always "readable"
            time.sleep(min(seconds, 0.05))
        return data

    def close(self) -> None:
        os.close(self._handle)


def _open_usb(rest: str) -> Transport:
    vendor, product = (int(part, 16) for part in rest.split(":"))
    return _UsbLine(Usb(vendor, product, timeout=int(TIMEOUT_S * 1000)))


def _open_serial(rest: str) -> Transport:
    path, _, query = rest.partition("?")
    options = parse_qs(query, strict_parsing=True) if query else {}
    if not set(options) <= {"baud"}:
        raise ValueError(query)
    baud = int(options.get("baud", ["9600"])[0])
    return _SerialLine(Serial(path, baudrate=baud, timeout=0, dsrdtr=False))


def _open_tcp(rest: str) -> Transport:
    host, _, port = rest.rpartition(":") if ":" in rest else (rest, "", "9100")
    if not host or not 0 < int(port) < 65536:
        raise ValueError(rest)
    return _EscposLine(Network(host, port=int(port), timeout=TIMEOUT_S))


def _open_simulator(rest: str) -> Transport:
    from devices.printer_simulator_ports import FolderPrinter  # noqa: PLC0415 - needs Pillow, rarely used

    return FolderPrinter(Path(rest))


_OPENERS: dict[str, Callable[[str], Transport]] = {
    "usb": _open_usb,
    "serial": _open_serial,
    "tcp": _open_tcp,
    "file": _FileLine,
    "sim": _open_simulator,
}
