"""A box of the weigh line alive: several scoop stations, one journal, one thread.

Each station has a scale and a reader of its own; ``pos.scoop`` says what their words mean. An
entry is on the disk before the display says that it is charged. After a power cut each station
goes on from the weight at which its last entry ended.
"""

import logging
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from dafan.clock import Clock, SystemClock
from dafan.config import Settings
from dafan.config_line import StationSettings
from dafan.errors import ConfigError
from dafan.line import PanChanged, ScoopTaken
from dafan.units import Grams
from devices.reader_port import ReaderState
from devices.scales.port import PortSettings, PortState, ScalePort
from devices.scales.protocols import driver_for
from devices.scales.reading import Reading
from devices.tag_port import TagPort
from pos import events as ev
from pos import scoop
from pos import scoop_state as at_station
from pos.enrol import JOURNAL, Enrolment
from pos.hardware import weighed
from pos.kiosk.port import Broadcast
from pos.line_book import LineBook, entries_of_stations
from pos.plate_station import without_faces
from pos.scoop_view import ScoopView, view
from pos.store import TillStore
from pos.syncing import connect_sync
from pos.terminals import Machine, Make
from pos.view import Device

TELL_S = 0.2
"""A reader tells so often what it saw since: the station itself knows when a tray is gone."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Station:
    """One station of the box."""

    state: at_station.State
    screen: Broadcast[ScoopView]
    scale: Device = Device.OFF
    reader: Device = Device.OFF


class ScoopBox(Machine):
    """A box.

    :meth:`views` and :meth:`subscribe` are for its displays, the ``put_*`` for its devices.

    Args:
        store: Its file.
        book: The line's part of it.
        clock: Time.
        numbers: Of its stations.
    """

    def __init__(
        self, store: TillStore, book: LineBook, clock: Clock, numbers: tuple[int, ...]
    ) -> None:
        super().__init__(store, clock, "scoop box")
        self._book = book
        self._health = ev.Health(stale=True, revoked=store.facts.revoked)
        self._stations: dict[int, _Station] = {}
        lines, past = self._lines(numbers), entries_of_stations(book)
        for number in numbers:
            state = scoop.begin(self._moment(), number, lines[number], past.get(number, ()))
            self._stations[number] = _Station(state, Broadcast(view(state)))
            if state.sent is not None:  # what the manager changed while the power was off
                answer = self._write(state.sent)
                self.take_in(number, answer)
        self._spread_health()

    # --- the displays and the devices -----------------------------------------------------------

    @property
    def numbers(self) -> tuple[int, ...]:
        """Of its stations."""
        return tuple(sorted(self._stations))

    @property
    def place(self) -> str:
        """Where it stands."""
        terminal = self.store.catalogue.terminal
        return f"{terminal.venue_name} · {terminal.name}" if terminal else ""

    def state(self, number: int) -> at_station.State:
        """A station's newest state."""
        return self._stations[number].state

    def views(self) -> dict[int, ScoopView]:
        """What the displays show now."""
        return {number: self._stations[number].screen.view for number in self.numbers}

    def subscribe(self, number: int) -> Iterator[ScoopView | None]:
        """A station's views as they change; see :meth:`pos.kiosk.port.TillPort.subscribe`."""
        return self._stations[number].screen.subscribe()

    def put(self, number: int, make: Make) -> None:
        """Queue an event of a station; it gets its moment when it is taken in."""
        self.later(lambda: self.take_in(number, make))

    def put_reading(self, number: int, reading: Reading, arrived: float) -> None:
        """A scale's frame."""
        self.put(number, lambda at: weighed(at, reading, arrived))

    def put_tags(self, number: int, tags: frozenset[str]) -> None:
        """What a station's reader sees."""
        self.put(number, lambda at: at_station.TagsSeen(at, tags))

    def put_device(self, number: int, **devices: Device) -> None:
        """A station's ``scale`` or ``reader`` came or went."""
        self.later(lambda: self._device(number, devices))

    def put_health(self, **changes: Any) -> None:
        """The line to the server changed."""
        self.later(lambda: self._changed_health(changes))

    # --- the loop -------------------------------------------------------------------------------

    def take_in(self, number: int, make: Make) -> None:
        """Run an event, and those that its effects answer with, before anything else.

        The box's own thread calls this; call it only for a box that is not started.
        """
        station = self._stations[number]
        waiting: deque[Make] = deque([make])
        while waiting:
            station.state, effects = scoop.step(station.state, waiting.popleft()(self._moment()))
            waiting += [self._write(effect.entry) for effect in effects]
        station.screen.publish(view(station.state))

    def _write(self, entry: ScoopTaken | PanChanged) -> Make:
        if self._append(entry):
            return lambda at: at_station.Written(at, entry.id)
        return lambda at: at_station.WriteFailed(at, entry.id)

    def _tick(self) -> bool:
        for number in self._stations:
            self.take_in(number, ev.Tick)
        return not any(station.state.here for station in self._stations.values())

    def _device(self, number: int, devices: Mapping[str, Device]) -> None:
        station = self._stations[number]
        station.scale = devices.get("scale", station.scale)
        station.reader = devices.get("reader", station.reader)
        self._tell_health(number)

    def _changed_health(self, changes: Mapping[str, Any]) -> None:
        self._health = replace(self._health, **changes)
        self._spread_health()

    def _spread_health(self) -> None:
        for number in self._stations:
            self._tell_health(number)

    def _tell_health(self, number: int) -> None:
        station = self._stations[number]
        health = replace(self._health, scale=station.scale, reader=station.reader)
        self.take_in(number, lambda at: ev.HealthChanged(at, health))

    # --- what the feed says ---------------------------------------------------------------------

    def _lines(self, numbers: tuple[int, ...]) -> dict[int, at_station.Line]:
        catalogue, book = self.store.catalogue, self._book
        rules, trays, cards = book.rules(), book.open_trays(), book.cards()
        of_site = book.trays_of_site()
        stations, scales = book.stations(), book.scales()
        policy = catalogue.policy
        zone = ZoneInfo(policy.time_zone if policy is not None else "Asia/Shanghai")
        lines = {}
        for number in numbers:
            station = stations.get(number)
            dish_id = station.dish_id if station is not None else None
            lines[number] = at_station.Line(
                rules, station,
                catalogue.dishes.get(dish_id) if dish_id else None,
                catalogue.foods.get(dish_id) if dish_id else None,
                scales.get(number), trays, cards, of_site, zone,
            )  # fmt: skip
        return lines

    def _snapshot_changed(self) -> None:
        lines = self._lines(tuple(self._stations))
        self.later(lambda: self._tell_lines(lines))

    def _tell_lines(self, lines: Mapping[int, at_station.Line]) -> None:
        for number, line in lines.items():
            self.take_in(number, lambda at, line=line: at_station.LineChanged(at, line))  # type: ignore[misc]

    def _closed(self) -> None:
        for station in self._stations.values():
            station.screen.close()
        self._book.close()


def build_box(
    settings: Settings,
    enrolment: Enrolment,
    *,
    clock: Clock | None = None,
    client: httpx.Client | None = None,
) -> ScoopBox:
    """Put a box together and connect its devices; :meth:`ScoopBox.start` begins.

    Args:
        settings: ``data_dir``, ``line.station`` and ``till.server_url`` are used.
        enrolment: Which terminal it is.
        clock: Time.
        client: HTTP client of sync, for tests.

    Raises:
        ConfigError: no station is set up, or a device's setting cannot be understood.
        JournalError: the file belongs to another terminal.
    """
    if not settings.line.station:
        raise ConfigError("no station is set up: write a [[line.station]] with scale and reader")
    clock = clock or SystemClock()
    path, terminal_id = settings.data_dir / JOURNAL, enrolment.terminal.id
    store = TillStore(path, terminal_id, enrolment.keys, clock)
    box = open_box(path, store, clock, tuple(one.no for one in settings.line.station))
    for station in settings.line.station:
        connect_station(box, station, clock)
    sync = connect_sync(
        box, settings, enrolment, clock, client,
        apply_page=lambda page: store.apply_feed_page(without_faces(page)),
    )  # fmt: skip
    box.on_written.append(sync.wake)
    box.on_stop.append(sync.stop)
    sync.start()
    return box


def open_box(path: Path, store: TillStore, clock: Clock, numbers: tuple[int, ...]) -> ScoopBox:
    """A box without devices and without a server."""
    return ScoopBox(store, LineBook(path, store.terminal_id), clock, numbers)


def connect_station(box: ScoopBox, said: StationSettings, clock: Clock) -> None:
    """Start a station's scale and reader.

    Raises:
        ConfigError: a protocol or an address cannot be understood.
    """
    number = said.no

    def on_scale(state: PortState) -> None:
        if state.kind != "connected":
            log.warning("scale of station %s %s: %s", number, state.kind, state.reason)
        box.put_device(number, scale=Device.OK if state.kind == "connected" else Device.OFF)

    def on_reader(state: ReaderState, reason: str) -> None:
        if state != "connected":
            log.warning("reader of station %s %s: %s", number, state, reason)
        box.put_device(number, reader=Device.OK if state == "connected" else Device.OFF)

    scale = ScalePort(
        said.scale.device,
        driver_for(said.scale),
        clock,
        lambda reading, arrived: box.put_reading(number, reading, arrived),
        on_scale,
        PortSettings(division=Grams(said.scale.division_grams)),
    )
    reader = TagPort(
        said.reader.device,
        said.reader.protocol,
        clock,
        lambda tags, _at: box.put_tags(number, tags),
        on_reader,
        reverse=said.reader.reversed_bytes,
        there_s=TELL_S,
    )
    for port in (scale, reader):
        box.on_stop.append(port.stop)
        port.start()
