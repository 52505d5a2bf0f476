"""The demo's hall: a simulated scale, printer and camera, and people who stand before them."""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from uuid import UUID

import numpy as np

from devices.camera import FrameFeed
from devices.printer_simulator import VirtualPrinter
from devices.printer_simulator_ports import TcpPrinter
from devices.scales.simulator import ScaleSimulator
from vision import samples

FRAME_S = 0.066
"""A camera of 15 frames a second."""
SETTLE_S = 0.35


@dataclass(frozen=True, slots=True)
class DemoDiner:
    """A person in the queue.

    Attributes:
        diner_id: Who it really is; only the outcome is compared with it.
        staff_no: What the person can type.
        card: What the person can hold to the reader.
        pin: What the person knows.
        sample: The person's face; ``None`` for one who has not enrolled a face.
    """

    diner_id: UUID
    staff_no: str
    card: str
    pin: str
    sample: samples.Sample | None = None


class Stage:
    """Devices that behave as real ones, and the hands and faces that move before them.

    Args:
        protocol: What the simulated scale speaks.
        link: Path of the simulated scale's device.
        seed: Makes people's movements repeatable.
        scale: There is a simulated scale (no: a real one is used).
        camera: There is a simulated camera.
        printer: There is a simulated printer.
    """

    def __init__(
        self,
        protocol: str,
        link: Path,
        seed: int,
        *,
        scale: bool = True,
        camera: bool = True,
        printer: bool = True,
    ) -> None:
        self.scale = ScaleSimulator(protocol, link=link, seed=seed) if scale else None
        self.feed = FrameFeed() if camera else None
        self.paper = VirtualPrinter(80)
        self.printer = TcpPrinter(self.paper) if printer else None
        self._rng = np.random.default_rng(seed)
        self._lock = threading.Lock()
        self._person: tuple[samples.Sample, samples.Variation] | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._film, name="demo camera", daemon=True)

    def __enter__(self) -> Self:
        if self.scale:
            self.scale.start()
        if self.printer:
            self.printer.__enter__()
        if self.feed:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        if self.printer:
            self.printer.close()
        if self.scale:
            self.scale.stop()

    def arrive(self, sample: samples.Sample | None) -> None:
        """A person steps before the camera, at a distance and in a light of their own."""
        with self._lock:
            self._person = (sample, samples.random_variation(self._rng)) if sample else None

    def put_tray(self, grams: int) -> None:
        """Put a tray on the scale; it swings before it rests."""
        if self.scale:
            self.scale.place(grams, SETTLE_S)

    def lift_tray(self) -> None:
        """Take the tray off the scale."""
        if self.scale:
            self.scale.lift()

    def leave(self) -> None:
        """Take the tray and go."""
        self.lift_tray()
        with self._lock:
            self._person = None

    def _film(self) -> None:
        feed = self.feed
        while feed is not None and not self._stop.wait(FRAME_S):
            with self._lock:
                person = self._person
            if person is None:
                feed.push(samples.empty_frame())
                continue
            sample, stance = person
            feed.push(samples.vary(sample, self._rng, samples.jitter(stance, self._rng)))
