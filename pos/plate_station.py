"""The return station alive: one thread runs ``pos.plate`` and does what it asks for.

It is a terminal like a till: enrolled, with a journal, and with the feed's snapshot, by which it
knows cards and codes without a network. A return is an entry of the journal; the server takes
each entry once, whatever the network or a pulled plug does.
"""

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
from pydantic import ValidationError

from dafan.clock import Clock, SystemClock
from dafan.config import Settings
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.journal import JournalError
from dafan.plates import PlateAnswer, PlateReturn
from dafan.records import CardStatus, FeedPage
from dafan.sync import SyncError
from devices.reader import CardFormat
from pos import events as ev
from pos import plate
from pos.enrol import JOURNAL, Enrolment
from pos.hardware import connect_reader, connect_scale
from pos.kiosk.port import Broadcast
from pos.plate import Event, State, Timing, step
from pos.plate_view import PlateView, view
from pos.store import TillStore
from pos.syncing import connect_sync

TICK_S = 0.1
TIDY_S = 60.0
"""So often, while nobody is here, keys of no more use are destroyed."""
ASK_S = 6.0
"""So long the verdict is looked for; the diner waits less (:attr:`pos.plate.Timing.answer`)."""
LOOK_S = 0.04

log = logging.getLogger(__name__)

Make = Callable[[ev.Moment], Any]


class PlateStation:
    """A return station.

    :meth:`view`, :meth:`subscribe` and :meth:`put_typed` are for its screen, the other ``put_*``
    for its devices.

    Args:
        store: Its file.
        clock: Time.
        timing: Waits; a test shortens them.
    """

    def __init__(self, store: TillStore, clock: Clock, timing: Timing | None = None) -> None:
        self.store = store
        self.on_stop: list[Callable[[], None]] = []
        self.on_written: Callable[[], None] = lambda: None
        self.ask: Callable[[UUID], PlateAnswer | None] = lambda _plate_id: None
        """Asks the server what became of a return; ``None``: it cannot say now."""
        self._clock = clock
        self._queue: queue.SimpleQueue[Make | None] = queue.SimpleQueue()
        self._asked: queue.SimpleQueue[UUID | None] = queue.SimpleQueue()
        self._health = ev.Health(revoked=store.facts.revoked)
        self._health_lock = threading.Lock()
        self._state = State(self._moment(), store.catalogue, self._health, timing or Timing())
        self._broadcast: Broadcast[PlateView] = Broadcast(view(self._state))
        self._threads = [
            threading.Thread(target=work, name=name, daemon=True)
            for name, work in (("plate", self._run), ("verdicts", self._find_verdicts))
        ]
        store.on_change = self._snapshot_changed

    # --- life -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to take trays."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop devices and threads and close the file; what is written stays written."""
        for stop in self.on_stop:
            stop()
        self._queue.put(None)
        self._asked.put(None)
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout=ASK_S + 4)
        self._broadcast.close()
        self.store.close()

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

    def put(self, make: Make) -> None:
        """Queue an event; it gets its moment when it is taken in."""
        self._queue.put(make)

    def put_health(self, **changes: Any) -> None:
        """A device or the line to the server changed."""
        with self._health_lock:
            self._health = health = replace(self._health, **changes)
        self.put(lambda at: ev.HealthChanged(at, health))

    def put_typed(self, text: str) -> None:
        """What a reader that types has read: a QR code of ours, or a card."""
        if text.startswith("dafan:"):
            self.put(lambda at: ev.QrSeen(at, self.store.keys.read_qr(text)))
            return
        try:
            number = CardFormat().canonical(text)
        except BadInputError:
            number = text
        self.put_card(number)

    def put_card(self, number: str) -> None:
        """A card was read."""
        self.put(lambda at: self._card(at, number))

    # --- the loop -------------------------------------------------------------------------------

    def _run(self) -> None:
        tidied = float("-inf")
        while True:
            try:
                make = self._queue.get(timeout=TICK_S)
            except queue.Empty:
                make = ev.Tick
            if make is None:
                return
            try:
                self.take_in(make)
                if make is not ev.Tick:
                    self.take_in(ev.Tick)
                now = self._clock.monotonic()
                if now - tidied >= TIDY_S and isinstance(self._state.phase, plate.Idle):
                    self.store.tidy(self._clock.now())
                    tidied = now
            except Exception:
                log.exception("an event could not be taken in; the station goes on")
            self._broadcast.publish(view(self._state))

    def take_in(self, make: Make) -> None:
        """Run an event, and those that its effects answer with, before anything else.

        The station's own thread calls this; call it only for a station that is not started.
        """
        waiting: deque[Make] = deque([make])
        while waiting:
            event: Event = waiting.popleft()(self._moment())
            self._state, effects = step(self._state, event)
            for effect in effects:
                answer = self._do(effect)
                if answer is not None:
                    waiting.append(answer)

    def _moment(self) -> ev.Moment:
        return ev.Moment(self._clock.monotonic(), self._clock.now(), new_id())

    def _do(self, effect: plate.Effect) -> Make | None:
        match effect:
            case ev.ReadAccount(diner_id):
                account = self.store.account(diner_id, self._state.at.now)
                return lambda at: ev.AccountRead(at, diner_id, account)
            case plate.WriteReturn(told):
                return self._write(told)
            case plate.AskVerdict(plate_id):
                self._asked.put(plate_id)
        return None

    def _write(self, told: PlateReturn) -> Make:
        try:
            self.store.journal.append("plate", told.id, told.at, told)
        except JournalError as error:
            log.error("the tray %s is not written: %s", told.id, error)  # noqa: TRY400 - a full disk needs no traceback
            if not self.store.journal.contains(told.id):
                return lambda at: plate.ReturnFailed(at, told.id)
        self.on_written()
        return lambda at: plate.ReturnWritten(at, told.id)

    def _card(self, at: ev.Moment, number: str) -> ev.CardSeen:
        card = self.store.card(number)
        if card is None:
            return ev.CardSeen(at, None)
        return ev.CardSeen(at, card.diner_id, lost=card.status is CardStatus.LOST)

    def _snapshot_changed(self) -> None:
        catalogue = self.store.catalogue
        self.put(lambda at: ev.SnapshotChanged(at, catalogue))

    # --- the verdict ----------------------------------------------------------------------------

    def _find_verdicts(self) -> None:
        """Look for the newest tray's verdict; the diner of an older one has gone."""
        while (plate_id := self._asked.get()) is not None:
            until = self._clock.monotonic() + ASK_S
            while self._asked.empty() and self._clock.monotonic() < until:
                answer = self.ask(plate_id)
                if answer is not None:
                    self._tell(plate_id, answer)
                    break
                threading.Event().wait(LOOK_S)

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

    station.on_written = sync.wake
    station.ask = ask
    station.on_stop.append(sync.stop)
    sync.start()
