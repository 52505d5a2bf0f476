"""The return station alive: one thread runs ``pos.plate`` and does what it asks for.

It is a terminal like a till: enrolled, with a journal, and with the feed's snapshot, by which it
knows cards and codes without a network. A return is an entry of the journal; the server takes
each entry once, whatever the network or a pulled plug does.
"""

import logging
from collections.abc import Callable, Iterator
from uuid import UUID

import httpx
from pydantic import ValidationError

from dafan.clock import Clock, SystemClock
from dafan.config import Settings
from dafan.plates import PlateAnswer, PlateReturn
from dafan.records import FeedPage
from dafan.sync import SyncError
from pos import events as ev
from pos import plate
from pos.enrol import JOURNAL, Enrolment
from pos.hardware import connect_reader, connect_scale
from pos.kiosk.port import Broadcast
from pos.plate import Event, State, Timing, step
from pos.plate_view import PlateView, view
from pos.store import TillStore
from pos.syncing import connect_sync
from pos.terminals import Asker, Counter, Make, drain

LOOK_S = 0.04

log = logging.getLogger(__name__)


class PlateStation(Counter):
    """A return station.

    :meth:`view`, :meth:`subscribe` and :meth:`put_typed` are for its screen, the other ``put_*``
    for its devices.

    Args:
        store: Its file.
        clock: Time.
        timing: Waits; a test shortens them.
    """

    def __init__(self, store: TillStore, clock: Clock, timing: Timing | None = None) -> None:
        super().__init__(store, clock, "plate")
        self.ask: Callable[[UUID], PlateAnswer | None] = lambda _plate_id: None
        """Asks the server what became of a return; ``None``: it cannot say now."""
        self._verdicts = Asker("verdicts", clock, lambda one: self.ask(one), self._tell, LOOK_S)  # noqa: PLW0108 - set when it is connected
        self._state = State(self._moment(), store.catalogue, self._health, timing or Timing())
        self._broadcast: Broadcast[PlateView] = Broadcast(view(self._state))

    # --- life -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to take trays."""
        super().start()
        self._verdicts.start()

    def _closed(self) -> None:
        self._verdicts.stop()
        self._broadcast.close()

    @property
    def state(self) -> State:
        """The newest state."""
        return self._state

    # --- the screen and the devices -------------------------------------------------------------

    def view(self) -> PlateView:
        """What the screen shows now."""
        return self._broadcast.view

    def subscribe(self) -> Iterator[PlateView | None]:
        """Views as they change; see :meth:`pos.kiosk.port.TillPort.subscribe`."""
        return self._broadcast.subscribe()

    # --- the loop -------------------------------------------------------------------------------

    def take_in(self, make: Make) -> None:
        """Run an event, and those that its effects answer with, before anything else.

        The station's own thread calls this; call it only for a station that is not started.
        """
        drain(make, self._moment, self._stepped, self._do)
        self._broadcast.publish(view(self._state))

    def _stepped(self, event: Event) -> tuple[plate.Effect, ...]:
        self._state, effects = step(self._state, event)
        return effects

    def _tick(self) -> bool:
        self.take_in(ev.Tick)
        return isinstance(self._state.phase, plate.Idle)

    def _do(self, effect: plate.Effect) -> Make | None:
        match effect:
            case ev.ReadAccount(diner_id):
                account = self.store.account(diner_id, self._state.at.now)
                return lambda at: ev.AccountRead(at, diner_id, account)
            case plate.WriteReturn(told):
                return self._write(told)
            case plate.AskVerdict(plate_id):
                self._verdicts.put(plate_id)
        return None

    def _write(self, told: PlateReturn) -> Make:
        if not self._append(told):
            return lambda at: plate.ReturnFailed(at, told.id)
        return lambda at: plate.ReturnWritten(at, told.id)

    def _tell(self, plate_id: UUID, answer: PlateAnswer) -> None:
        self.put(lambda at: plate.Answered(at, plate_id, answer))


def build_station(
    settings: Settings,
    enrolment: Enrolment,
    *,
    clock: Clock | None = None,
    timing: Timing | None = None,
    client: httpx.Client | None = None,
) -> PlateStation:
    """Put a station together and connect its devices; :meth:`PlateStation.start` begins.

    Args:
        settings: ``data_dir`` and ``till`` are used: a station's devices are named as a till's.
        enrolment: Which terminal it is.
        clock: Time.
        timing: Waits.
        client: HTTP client of sync, for tests.

    Raises:
        ConfigError: a device's setting cannot be understood.
        JournalError: the file belongs to another terminal.
    """
    clock = clock or SystemClock()
    terminal_id = enrolment.terminal.id
    store = TillStore(settings.data_dir / JOURNAL, terminal_id, enrolment.keys, clock)
    station = PlateStation(store, clock, timing)
    if settings.till.scale.device:
        connect_scale(station, settings.till.scale, clock)
    if settings.till.reader:
        connect_reader(station, settings.till.reader, clock)
    _sync(station, settings, enrolment, clock, client)
    return station


def without_faces(page: FeedPage) -> FeedPage:
    """The page as a station keeps it: it has no camera, so that no face template lies on it."""
    kept = tuple(item for item in page.items if item.kind != "template")
    return page.model_copy(update={"items": kept})


def _sync(
    station: PlateStation,
    settings: Settings,
    enrolment: Enrolment,
    clock: Clock,
    client: httpx.Client | None,
) -> None:
    store = station.store

    sync = connect_sync(
        station, settings, enrolment, clock, client,
        apply_page=lambda page: store.apply_feed_page(without_faces(page)),
    )  # fmt: skip

    def ask(plate_id: UUID) -> PlateAnswer | None:
        if store.journal.acknowledged() < store.journal.head()[0]:
            return None
        try:
            return PlateAnswer.model_validate(sync.ask(f"/plates/{plate_id}"))
        except (SyncError, ValidationError) as error:
            log.info("no verdict on tray %s: %s", plate_id, error)
            return None

    station.on_written.append(sync.wake)
    station.ask = ask
    station.on_stop.append(sync.stop)
    sync.start()
