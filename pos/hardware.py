"""Connects a till's devices: each is optional, runs by itself, and only reports."""

import contextlib
import logging
from collections.abc import Callable
from typing import Any, Protocol

from dafan.clock import Clock
from dafan.config import PrinterSettings, ScaleSettings
from dafan.errors import DeviceError
from dafan.units import Grams
from devices.camera import CameraState, CameraThread, Frame, FrameSource
from devices.escpos_render import to_escpos
from devices.print_worker import PrinterState, PrintWorker
from devices.printer import open_printer
from devices.reader import CardSeen, QrReader
from devices.reader_port import ReaderState, ReaderThread, check
from devices.scales.port import PortSettings, PortState, ScalePort
from devices.scales.protocols import driver_for
from devices.scales.reading import Reading
from pos.events import Moment, Weighed
from pos.facewatch import FaceWatch, Picture
from pos.runtime import Till
from pos.staffwork import Make
from pos.view import Device

CAMERA_FPS = 30.0
_SCALE = {"connected": Device.OK, "silent": Device.OFF, "disconnected": Device.OFF}
_CAMERA = {
    "connected": Device.OK,
    "covered": Device.WARN,
    "frozen": Device.OFF,
    "disconnected": Device.OFF,
}
_PRINTER_FINE = {"ready", "paper_low"}

log = logging.getLogger(__name__)


class Station(Protocol):
    """A till, or another terminal with a scale and a reader."""

    on_stop: list[Callable[[], None]]

    def put(self, make: Make) -> None:
        """Queue an event."""
        ...

    def put_card(self, number: str) -> None:
        """A card was read."""
        ...

    def put_health(self, **changes: Any) -> None:
        """A device came or went."""
        ...


class Sees(Station, Protocol):
    """A till, or another terminal with a camera."""

    face: FaceWatch | None
    picture: Picture

    @property
    def wants_code(self) -> bool:
        """Whether the camera is to look for QR codes."""
        ...

    def put_qr(self, text: str) -> None:
        """A QR code was read."""
        ...


def connect_scale(till: Station, settings: ScaleSettings, clock: Clock) -> ScalePort:
    """Start to weigh.

    Raises:
        ConfigError: the protocol is unknown.
    """

    def on_reading(reading: Reading, arrived: float) -> None:
        till.put(lambda at: weighed(at, reading, arrived))

    def on_state(state: PortState) -> None:
        if state.kind != "connected":
            log.warning("scale %s: %s", state.kind, state.reason)
        till.put_health(scale=_SCALE[state.kind])

    port = ScalePort(
        settings.device,
        driver_for(settings),
        clock,
        on_reading,
        on_state,
        PortSettings(division=Grams(settings.division_grams)),
    )
    till.on_stop.append(port.stop)
    port.start()
    return port


def weighed(at: Moment, reading: Reading, arrived: float) -> Weighed:
    """A scale's frame in the words of the station."""
    return Weighed(
        at,
        arrived,
        reading.grams,
        reading.stable,
        over=reading.over,
        negative=reading.negative or reading.under,
        garbled=reading.error is not None,
    )


def connect_camera(till: Sees, source: str | FrameSource, clock: Clock) -> CameraThread:
    """Start to look; frames are judged only while :attr:`Till.face` is asked to."""
    codes = QrReader()

    def on_frame(frame: Frame) -> None:
        till.picture.put(frame.image)
        if till.wants_code:
            text = codes.look(frame.image, frame.at)
            if text is not None:
                till.put_qr(text)
        if till.face is not None:
            till.face.frame(frame.image, frame.at)

    def on_state(state: CameraState) -> None:
        if state.code != "connected":
            log.warning("camera %s: %s", state.code, state.detail)
        if state.code == "disconnected":
            till.picture.clear()
        device = _CAMERA[state.code]
        till.put_health(camera=device, camera_lost=device is Device.OFF)

    thread = CameraThread(source, clock, on_frame, on_state, max_fps=CAMERA_FPS)
    till.on_stop.append(thread.stop)
    thread.start()
    return thread


def is_lens(source: str) -> bool:
    """Whether the address is a real camera, whose frames never repeat; not a film or a picture."""
    return source.isdecimal() or source.startswith("/dev/") or "://" in source


def connect_reader(till: Station, address: str, clock: Clock) -> ReaderThread:
    """Start to read cards.

    Raises:
        ConfigError: the address cannot be understood.
    """
    with contextlib.suppress(DeviceError):  # not there yet is no mistake
        check(address)

    def on_card(card: CardSeen) -> None:
        till.put_card(card.number)

    def on_state(state: ReaderState, reason: str) -> None:
        if state != "connected":
            log.warning("card reader %s: %s", state, reason)
        till.put_health(reader=Device.OK if state == "connected" else Device.OFF)

    thread = ReaderThread(address, clock, on_card, on_state)
    till.on_stop.append(thread.stop)
    thread.start()
    return thread


def connect_printer(till: Till, settings: PrinterSettings, clock: Clock) -> Callable[[], None]:
    """Start to print what the spool holds; returns what wakes the printer.

    Raises:
        ConfigError: the address cannot be understood.
    """
    with contextlib.suppress(DeviceError):  # not there yet is no mistake
        open_printer(settings.url).close()

    def on_state(state: PrinterState) -> None:
        fine = state.code in _PRINTER_FINE
        if not fine:
            log.warning("printer %s: %s", state.code, state.detail)
            till.store.note(f"printer_{state.code}", state.detail)
        device = Device.OK if fine else Device.WARN
        till.put_health(printer=device, paper_out=state.code == "paper_out")

    worker = PrintWorker(
        till.store.spool,
        lambda: open_printer(settings.url),
        lambda doc: to_escpos(doc, settings.paper, "raster" if settings.raster else "gb18030"),
        clock,
        on_state,
    )
    till.on_stop.append(worker.stop)
    worker.start()
    return worker.wake
