"""The gate alive: one thread runs ``pos.gate`` and does what it asks for.

It is a terminal like a till: enrolled, with a journal, and with the feed's snapshot, by which it
knows cards, codes, faces and trays without a network.
"""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from uuid import UUID

import httpx
from argon2 import PasswordHasher
from pydantic import BaseModel, Field, ValidationError

from dafan.clock import Clock, SystemClock
from dafan.config import Settings
from dafan.config_line import TagReaderSettings
from dafan.line import OpenTray, TrayBound, TrayEnded
from dafan.money import MAX_FEN, Fen
from dafan.sync import SyncClient, SyncError
from devices.camera import FrameSource
from devices.reader_port import ReaderState
from devices.tag_port import connect_tags
from pos import events as ev
from pos import gate_state as gate
from pos.enrol import JOURNAL, Enrolment
from pos.facewatch import Advice, FaceWatch, Picture, Recognised
from pos.gate import step
from pos.gate_state import Event, How, Role, State, Timing
from pos.gate_view import GateView, view
from pos.hardware import connect_camera, connect_reader
from pos.kiosk.port import Broadcast
from pos.line_book import NAMELESS, LineBook, Trays
from pos.plate_station import without_faces
from pos.recognising import open_store
from pos.snapshot import mask
from pos.staffwork import pin_is_right
from pos.store import TillStore
from pos.syncing import connect_sync
from pos.terminals import Asker, Counter, Make, drain
from pos.view import Device
from vision.packs import Pack

LOOK_S = 0.1
TYPED_S = 12.0
"""A tray that a reader typed is there for so long: such a reader never says that it has gone."""

log = logging.getLogger(__name__)


class Bill(BaseModel):
    """What the server says of a tray's last session; more than this may stand there."""

    session_id: UUID
    state: str
    total: int = Field(ge=0, le=MAX_FEN)


class GateStation(Counter):
    """A gate.

    :meth:`view`, :meth:`subscribe`, :meth:`press`, :meth:`put_typed` and :meth:`jpeg` are for its
    screen, the other ``put_*`` for its devices.

    Args:
        store: Its file.
        book: The line's part of it.
        clock: Time.
        role: What it does.
        how: How a tray that it ends has ended.
        timing: Waits; a test shortens them.
    """

    def __init__(
        self,
        store: TillStore,
        book: LineBook,
        clock: Clock,
        role: Role = "both",
        how: How = "return",
        timing: Timing | None = None,
    ) -> None:
        super().__init__(store, clock, "gate")
        self.face: FaceWatch | None = None
        self.picture = Picture()
        self.ask: Callable[[TrayEnded], Fen | None] = lambda _entry: None
        """Asks the server what a tray comes to; ``None``: it cannot say now."""
        self._book = book
        self._trays = Trays(book, store.journal)
        self._hasher = PasswordHasher()
        self._bills = Asker("bills", clock, lambda entry: self.ask(entry), self._tell, LOOK_S)  # noqa: PLW0108 - set when it is connected
        self._cards = frozenset(book.cards())
        self._state = State(
            self._moment(), role, how, store.catalogue, book.rules(), book.trays_of_site(),
            self._health, timing or Timing(),
        )  # fmt: skip
        self._broadcast: Broadcast[GateView] = Broadcast(view(self._state))

    # --- life -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin."""
        super().start()
        self._bills.start()

    def _closed(self) -> None:
        self._bills.stop()
        self._broadcast.close()
        self._book.close()

    @property
    def state(self) -> State:
        """The newest state."""
        return self._state

    # --- the screen and the devices -------------------------------------------------------------

    def view(self) -> GateView:
        """What the screen shows now."""
        return self._broadcast.view

    def subscribe(self) -> Iterator[GateView | None]:
        """Views as they change; see :meth:`pos.kiosk.port.TillPort.subscribe`."""
        return self._broadcast.subscribe()

    def jpeg(self) -> bytes | None:
        """The newest camera picture, while somebody is looked for; None at any other time."""
        return self.picture.jpeg() if self._state.looking_since is not None else None

    def press(self, action: str, digits: str = "") -> None:
        """A hand on the screen."""
        self.put(lambda at: gate.Pressed(at, action, digits))

    def put_face(self, found: object) -> None:
        """The camera found somebody, or has advice; what else it tells is of running payments."""
        if isinstance(found, Recognised):
            self.put(
                lambda at: ev.FaceKnown(
                    at, found.since, found.diner_id, found.evidence, found.doubt
                )
            )
        elif isinstance(found, Advice):
            self.put(lambda at: ev.FaceHint(at, found.code, found.progress))

    def put_tags(self, tags: frozenset[str]) -> None:
        """What lies on the tray reader."""
        self.put(lambda at: gate.TagsSeen(at, tags - self._cards))

    @property
    def wants_code(self) -> bool:
        """Whether the camera is to look for QR codes."""
        return bool(self._state.waits)

    # --- the loop -------------------------------------------------------------------------------

    def take_in(self, make: Make) -> None:
        """Run an event, and those that its effects answer with, before anything else.

        The gate's own thread calls this; call it only for a gate that is not started.
        """
        drain(make, self._moment, self._stepped, self._do)
        self._broadcast.publish(view(self._state))

    def _stepped(self, event: Event) -> tuple[gate.Effect, ...]:
        self._state, effects = step(self._state, event)
        return effects

    def _tick(self) -> bool:
        self.take_in(ev.Tick)
        return isinstance(self._state.phase, gate.Idle)

    def _do(self, effect: gate.Effect) -> Make | None:
        match effect:
            case ev.StartLooking() if self.face is not None:
                self.face.start(self._state.elapsed)
            case ev.StopLooking() if self.face is not None:
                self.face.stop()
            case ev.ReadAccount(diner_id):
                account = self.store.account(diner_id, self._state.at.now)
                return lambda at: ev.AccountRead(at, diner_id, account)
            case ev.CheckPin(diner_id, pin):
                right = pin_is_right(self._hasher, self.store.pin_hash(diner_id), pin)
                return lambda at: ev.PinChecked(at, diner_id, right)
            case gate.FindTray(tag, whose):
                held, other = self._trays.find(tag, whose, self._state.at.now)
                held = self._named(held)
                return lambda at: gate.TrayFound(at, tag, whose, held, other)
            case gate.Write(entry):
                return self._write(entry)
            case gate.AskBill(entry):
                self._bills.put(entry)
        return None

    def _named(self, held: OpenTray | None) -> OpenTray | None:
        """With the name, where the feed has not told it yet."""
        if held is None or held.name != NAMELESS:
            return held
        account = self.store.account(held.diner_id, self._state.at.now)
        name = mask(account.diner.name) if account is not None else NAMELESS
        return held.model_copy(update={"name": name})

    def _write(self, entry: TrayBound | TrayEnded) -> Make:
        if not self._append(entry):
            return lambda at: gate.WriteFailed(at, entry.id)
        self._trays.note(self.store.journal.head()[0], entry)
        return lambda at: gate.Written(at, entry.id)

    def _snapshot_changed(self) -> None:
        catalogue, rules, trays = (
            self.store.catalogue,
            self._book.rules(),
            self._book.trays_of_site(),
        )
        self._cards = frozenset(self._book.cards())
        self.put(lambda at: ev.SnapshotChanged(at, catalogue))
        self.put(lambda at: gate.RulesChanged(at, rules, trays))

    # --- the bill -------------------------------------------------------------------------------

    def _tell(self, entry: TrayEnded, total: Fen) -> None:
        self.put(lambda at: gate.Billed(at, entry.id, total))


def build_gate(
    settings: Settings,
    enrolment: Enrolment,
    *,
    clock: Clock | None = None,
    timing: Timing | None = None,
    pack: Pack | None = None,
    camera: FrameSource | None = None,
    client: httpx.Client | None = None,
) -> GateStation:
    """Put a gate together and connect its devices; :meth:`GateStation.start` begins.

    Args:
        settings: ``data_dir``, ``line.gate``, and of ``till`` reader, camera and server.
        enrolment: Which terminal it is.
        clock: Time.
        timing: Waits.
        pack: Loaded models; else those that the settings name.
        camera: An open source of frames; else what the settings name.
        client: HTTP client of sync, for tests.

    Raises:
        ConfigError: a device's setting cannot be understood.
        JournalError: the file belongs to another terminal.
    """
    clock, said = clock or SystemClock(), settings.line.gate
    source = (camera or settings.till.camera) if said.role != "exit" else ""
    store, faces = open_store(settings, enrolment, clock, source, pack)
    book = LineBook(settings.data_dir / JOURNAL, enrolment.terminal.id)
    station = GateStation(store, book, clock, said.role, said.how, timing)
    if source:
        if faces is not None:
            station.face = faces.watch(settings, store, source, station.put_face)
        else:
            station.put_health(models=False)
        connect_camera(station, source, clock)
    if settings.till.reader:
        connect_reader(station, settings.till.reader, clock)
    if said.reader.device:
        _connect_trays(station, said.reader, clock)
    sync = connect_sync(
        station, settings, enrolment, clock, client,
        apply_page=store.apply_feed_page if faces is not None
        else lambda page: store.apply_feed_page(without_faces(page)),
    )  # fmt: skip
    station.ask = lambda entry: _bill(sync, store, entry)
    station.on_written.append(sync.wake)
    station.on_stop.append(sync.stop)
    sync.start()
    return station


def _connect_trays(station: GateStation, said: TagReaderSettings, clock: Clock) -> None:
    typed = said.device.startswith("/dev/input/")
    gone: list[threading.Timer] = []

    def on_tags(tags: frozenset[str], _at: float) -> None:
        station.put_tags(tags)
        if typed:
            for timer in gone:
                timer.cancel()
            gone[:] = [threading.Timer(TYPED_S, station.put_tags, (frozenset[str](),))]
            gone[0].daemon = True
            gone[0].start()

    def on_state(state: ReaderState, reason: str) -> None:
        if state != "connected":
            log.warning("tray reader %s: %s", state, reason)
        # A gate has no scale: what it puts the tray on is the reader.
        station.put_health(scale=Device.OK if state == "connected" else Device.OFF)

    port = connect_tags(
        said.device, said.protocol, clock, on_tags, on_state, reverse=said.reversed_bytes
    )
    station.on_stop.append(port.stop)
    port.start()


def _bill(sync: SyncClient, store: TillStore, entry: TrayEnded) -> Fen | None:
    """What the tray comes to, once every box has told all of it."""
    if store.journal.acknowledged() < store.journal.head()[0]:
        return None
    with contextlib.suppress(ValidationError, SyncError):
        bill = Bill.model_validate(sync.ask(f"/line/trays/{entry.tray}"))
        if bill.session_id == entry.session_id and bill.state == "settled":
            return Fen(bill.total)
    return None
