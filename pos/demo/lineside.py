"""The demo's weigh line: a box with scoop stations and a gate, enrolled as real ones.

Pans, scales and readers are simulated on pseudo-terminals; hands are :meth:`LineSide.scoop` and
its neighbours.
"""

import threading
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Self

from dafan.config import Settings, TillSettings
from dafan.config_line import (
    GateSettings,
    LineSettings,
    PanScaleSettings,
    StationSettings,
    TagReaderSettings,
)
from devices import loopback
from devices.scales.simulator import ScaleSimulator
from devices.tag_simulator import TagSimulator
from pos.demo.backoffice import BackOffice
from pos.demo.till import enrol_till
from pos.enrol import load_enrolment
from pos.gate_station import GateStation, build_gate
from pos.kiosk.gate_page import create_gate_page
from pos.kiosk.scoop_page import create_scoop_pages
from pos.scoop_box import ScoopBox, build_box

STATIONS = 3
"""As ``dafan server seed-line`` sets them up."""
TRAYS = tuple(f"E28011700000020D0000{number:04d}" for number in range(1, 21))
STAFF_CARD = "E2801170000002FF00000001"
FULL_PAN = 6000
LOW_PAN = 1500
SCALES, READERS = "cas-soh", "uhf-bb"
STEP_S = 1.2
"""Between two movements of a hand."""


class LineSide:
    """A running weigh line.

    Args:
        office: Whose terminals they are.
        folder: Their data.
        host: Address of their pages.
        seed: Makes appetite and noise repeatable.
    """

    def __init__(self, office: BackOffice, folder: Path, host: str, seed: int) -> None:
        enrol_till(office, folder / "box", "称重线")
        enrol_till(office, folder / "gate", "托盘口")
        office.command("server", "seed-line", str(load_enrolment(folder / "box").terminal.id))
        self._office, self._folder, self._host = office, folder, host
        self._rng = Random(seed)  # noqa: S311 - appetite
        self._pans = [ScaleSimulator(SCALES, seed=seed + number) for number in range(STATIONS)]
        self._readers = [TagSimulator(READERS) for _ in range(STATIONS)]
        self._gate_reader = TagSimulator(READERS)
        self._loads = [FULL_PAN] * STATIONS
        self._devices = ExitStack()
        self._stop = threading.Event()
        self._diners = threading.Thread(target=self._lunch, name="demo line", daemon=True)
        self._cards: tuple[str, ...] = ()

    def __enter__(self) -> Self:
        for pan in self._pans:
            self._devices.enter_context(pan)
            pan.set_load(FULL_PAN)
        for reader in (*self._readers, self._gate_reader):
            self._devices.enter_context(reader)
        self.box = self._box()
        self.gate = self._gate()
        pages = create_scoop_pages(self.box)
        self._box_page = loopback.serve(pages, self._host, 0, "line", 2 * STATIONS + 6)
        self._gate_page = loopback.serve(create_gate_page(self.gate), self._host, 0, "till")
        self.box.start()
        self.gate.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._diners.is_alive():
            self._diners.join()
        for running in (self._box_page, self._gate_page, self.gate, self.box):
            running.stop()
        self._devices.close()

    @property
    def stations_url(self) -> str:
        """The list of displays; each stands at ``s/<number>``."""
        return f"http://{self._host}:{self._box_page.port}/"

    @property
    def gate_url(self) -> str:
        """The gate's screen."""
        return f"http://{self._host}:{self._gate_page.port}/"

    # --- hands ----------------------------------------------------------------------------------

    def take_tray(self, card: str, tray: str) -> None:
        """A diner shows his card and puts his tray on the gate's reader."""
        self.gate.put_typed(card)
        self._rest()
        self._gate_reader.put(tray)
        self._rest(2)
        self._gate_reader.put()

    def hold(self, station: int, tray: str) -> None:
        """The tray comes to a station."""
        self._readers[station - 1].put(tray)
        self._rest()

    def scoop(self, station: int, grams: int) -> None:
        """A spoon takes food out of the pan; below zero: puts it back."""
        self._loads[station - 1] -= grams
        self._pans[station - 1].place(self._loads[station - 1], STEP_S / 3)
        self._rest(2)

    def leave(self, station: int) -> None:
        """The tray goes."""
        self._readers[station - 1].put()
        self._rest(2)

    def fill(self, station: int) -> None:
        """Somebody of the kitchen holds his card there and fills the pan up."""
        self.hold(station, STAFF_CARD)
        self._loads[station - 1] = FULL_PAN
        self._pans[station - 1].place(FULL_PAN, STEP_S)
        self._rest(2)
        self.leave(station)

    def bring_back(self, tray: str) -> None:
        """The tray comes back to the gate."""
        self._gate_reader.put(tray)
        self._rest(3)
        self._gate_reader.put()

    def _rest(self, steps: float = 1) -> None:
        self._stop.wait(STEP_S * steps)

    # --- a lunch without end --------------------------------------------------------------------

    def serve(self, *cards: str) -> None:
        """Let diners with these cards come, one after another."""
        self._cards = cards
        self._diners.start()

    def _lunch(self) -> None:
        turn = 0
        while self.gate.store.card(self._cards[-1]) is None and not self._stop.is_set():
            self._rest()  # until the gate knows the cards: nobody takes food without a session
        while not self._stop.is_set():
            card, tray = self._cards[turn % len(self._cards)], TRAYS[turn % len(TRAYS)]
            turn += 1
            self.take_tray(card, tray)
            for station in self._rng.sample(range(1, STATIONS + 1), 2):
                self.hold(station, tray)
                self.scoop(station, self._rng.randint(60, 180))
                self.leave(station)
            self.bring_back(tray)
            for station in range(1, STATIONS + 1):
                if self._loads[station - 1] < LOW_PAN:
                    self.fill(station)
            self._rest(3)

    # --- machines -------------------------------------------------------------------------------

    def _box(self) -> ScoopBox:
        stations = tuple(
            StationSettings(
                no=number,
                scale=PanScaleSettings(device=pan.path, protocol=SCALES, division_grams=5),
                reader=TagReaderSettings(device=reader.path, protocol=READERS),
            )
            for number, (pan, reader) in enumerate(
                zip(self._pans, self._readers, strict=True), start=1
            )
        )
        settings = self._settings("box", LineSettings(station=stations))
        return build_box(settings, load_enrolment(self._folder / "box"))

    def _gate(self) -> GateStation:
        reader = TagReaderSettings(device=self._gate_reader.path, protocol=READERS)
        settings = self._settings("gate", LineSettings(gate=GateSettings(reader=reader)))
        return build_gate(settings, load_enrolment(self._folder / "gate"))

    def _settings(self, name: str, line: LineSettings) -> Settings:
        till = TillSettings(server_url=self._office.url)
        return Settings.model_construct(data_dir=self._folder / name, till=till, line=line)
