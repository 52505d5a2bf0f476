"""The demo's return station: enrolled as a real one, on a simulated scale, and trays that come."""

import queue
import threading
from pathlib import Path
from random import Random
from typing import Self

from dafan.config import ScaleSettings, Settings, TillSettings
from devices import loopback
from devices.scales.simulator import ScaleSimulator
from pos.demo.backoffice import BackOffice
from pos.demo.stage import DemoDiner
from pos.demo.till import enrol_till
from pos.enrol import load_enrolment
from pos.kiosk.plate_page import create_plate_page
from pos.plate_station import build_station

PROTOCOL = "cas-soh"
NAME = "回收台"
EMPTY_TRAY = 420
"""As ``dafan server seed-demo`` tells the site."""
WALK_S, LOOK_S = 2.0, 5.0
CLEAN_SHARE = 0.7


class PlateSide:
    """A running station; whoever has eaten brings his tray back.

    Args:
        office: Whose terminal it is.
        folder: Its data.
        host: Address of its page.
        seed: Makes what is left repeatable.
    """

    def __init__(self, office: BackOffice, folder: Path, host: str, seed: int) -> None:
        enrol_till(office, folder, NAME)
        self._scale = ScaleSimulator(PROTOCOL, seed=seed)
        self._office, self._folder, self._host = office, folder, host
        self._rng = Random(seed)  # noqa: S311 - appetite
        self._eaten: queue.SimpleQueue[DemoDiner | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="demo trays", daemon=True)

    def __enter__(self) -> Self:
        self._scale.start()
        scale = ScaleSettings(device=self._scale.path, protocol=PROTOCOL)
        settings = Settings.model_construct(
            data_dir=self._folder, till=TillSettings(server_url=self._office.url, scale=scale)
        )
        self._station = build_station(settings, load_enrolment(self._folder))
        self._page = loopback.serve(create_plate_page(self._station), self._host, 0, "plate")
        self._station.start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._eaten.put(None)
        self._thread.join()
        self._page.stop()
        self._station.stop()
        self._scale.stop()

    @property
    def url(self) -> str:
        """Its screen."""
        return f"http://{self._host}:{self._page.port}/"

    def ate(self, diner: DemoDiner) -> None:
        """He will bring his tray in a moment."""
        self._eaten.put(diner)

    def _serve(self) -> None:
        while (diner := self._eaten.get()) is not None:
            self._station.put_typed(diner.card)
            if self._stop.wait(WALK_S):
                return
            clean = self._rng.random() < CLEAN_SHARE
            left = self._rng.randint(0, 15) if clean else self._rng.randint(30, 180)
            self._scale.place(EMPTY_TRAY + left, WALK_S / 4)
            if self._stop.wait(LOOK_S):
                return
            self._scale.lift()
            if self._stop.wait(WALK_S):
                return
