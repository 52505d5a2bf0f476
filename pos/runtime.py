"""The till alive: one thread runs ``pos.station`` and does what it asks for.

Devices, camera and sync run on threads of their own and only put events into a queue; no device
that is missing or hangs keeps the others from selling.
"""

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import UUID

from argon2 import PasswordHasher

from dafan.clock import Clock
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.journal import JournalError
from dafan.pick_up import read_code
from dafan.records import CardStatus, Sale, Tender
from devices.reader import CardFormat
from devices.receipt_doc import ReceiptDoc
from pos import events as ev
from pos.evidence import Sealed
from pos.facewatch import Advice, FaceWatch, Picture, Recognised
from pos.kiosk.port import Broadcast
from pos.receipt import make_receipt
from pos.screen import view
from pos.snapshot import Account
from pos.staffwork import Make, StaffWork, pin_is_right
from pos.state import Confirm, Idle, State, Timing, wants_code
from pos.station import step
from pos.store import TillStore, WithdrawnError
from pos.view import NoticeCode, View

TICK_S = 0.1
TIDY_S = 60.0
"""So often, while nobody pays, a few old pictures are erased."""
TIMINGS_KEPT = 2000

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SaleTiming:
    """How long a sale by face alone took, in milliseconds.

    Attributes:
        sale_id: Which.
        decided: From the first frame with a usable face to the decision who it is.
        written: From the order to write the sale to its being on the disk.
        whole: From the first frame with a usable face to the sale on the disk; the diner's time
            to cancel is part of it.
    """

    sale_id: UUID
    decided: float
    written: float
    whole: float

    @property
    def computing(self) -> float:
        """Without the time that the diner has to cancel."""
        return self.decided + self.written


class Till:
    """A payment station.

    :meth:`press`, :meth:`view`, :meth:`subscribe` and :meth:`jpeg` are for its screen, ``put_*``
    for its devices.

    Args:
        store: The till's file.
        clock: Time.
        timing: Waits; a demo shortens them.
        cash: Cash is taken here; somebody must be there to take it.
        print_receipts: There is a printer.
    """

    def __init__(
        self,
        store: TillStore,
        clock: Clock,
        *,
        timing: Timing | None = None,
        cash: bool = True,
        print_receipts: bool = False,
    ) -> None:
        self.store = store
        self.timings: deque[SaleTiming] = deque(maxlen=TIMINGS_KEPT)
        self.picture = Picture()
        self.face: FaceWatch | None = None
        self.on_sale: list[Callable[[Sale], None]] = []
        """Called on the till's thread after each written sale."""
        self.on_written: list[Callable[[], None]] = []
        """... and these after whatever was written: there may be news for printer and server."""
        self.on_stop: list[Callable[[], None]] = []
        self._clock = clock
        self._prints = print_receipts
        self._hasher = PasswordHasher()
        self._staff = StaffWork(store, prints=print_receipts)
        self._queue: queue.SimpleQueue[Make | None] = queue.SimpleQueue()
        self._health = ev.Health(revoked=store.facts.revoked)
        self._health_lock = threading.Lock()
        self._decided_at = 0.0
        self._state = State(
            self._moment(),
            catalogue=store.catalogue,
            health=self._health,
            timing=timing or Timing(),
            cash_allowed=cash,
        )
        self._broadcast = Broadcast(view(self._state))
        self._thread = threading.Thread(target=self._run, name="till", daemon=True)
        store.on_change = self._snapshot_changed

    # --- life -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to sell."""
        self._thread.start()

    def stop(self) -> None:
        """Stop devices and the till's thread and close its file; what is written stays written."""
        for stop in self.on_stop:
            stop()
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout=10)
        self._broadcast.close()
        self.store.close()

    @property
    def state(self) -> State:
        """The newest state."""
        return self._state

    # --- the screen -----------------------------------------------------------------------------

    def view(self) -> View:
        """What the screen shows now."""
        return self._broadcast.view

    def subscribe(self) -> Iterator[View | None]:
        """Views as they change; see :class:`pos.kiosk.port.TillPort`."""
        return self._broadcast.subscribe()

    def press(self, action: str, **params: str) -> None:
        """Take in what a person did; returns at once."""
        if action == "card":
            self.put_typed(params.get("number", ""))
        else:
            self.put(lambda at: ev.Pressed(at, action, params))

    def jpeg(self) -> bytes | None:
        """The newest camera picture."""
        return self.picture.jpeg()

    # --- the devices ----------------------------------------------------------------------------

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
            self.put_qr(text)
            return
        try:
            number = CardFormat().canonical(text)
        except BadInputError:
            number = text
        self.put_card(number)

    def put_card(self, number: str) -> None:
        """A card was read."""
        self.put(lambda at: self._card(at, number))

    def put_qr(self, text: str) -> None:
        """A QR code was read: that of an order, or of a diner."""
        code = read_code(text)
        if code is None:
            self.put(lambda at: ev.QrSeen(at, self.store.keys.read_qr(text)))
        else:
            self.put(lambda at: ev.PickUpSeen(at, self.store.pick_ups.find(code)))

    def put_face(self, found: Recognised | Advice) -> None:
        """The camera found somebody, or has advice."""
        if isinstance(found, Recognised):
            self.put(
                lambda at: ev.FaceKnown(
                    at, found.since, found.diner_id, found.evidence, found.doubt, found.picture
                )
            )
        else:
            self.put(lambda at: ev.FaceHint(at, found.code, found.progress))

    @property
    def wants_code(self) -> bool:
        """Whether the camera is to look for QR codes."""
        return wants_code(self._state)

    # --- the loop -------------------------------------------------------------------------------

    def _run(self) -> None:
        ticked = self._clock.monotonic()
        tidied = float("-inf")
        while True:
            try:
                make = self._queue.get(timeout=self._pause())
            except queue.Empty:
                make = ev.Tick
            if make is None:
                return
            now = self._clock.monotonic()
            try:
                self.take_in(make)
                if make is not ev.Tick and now - ticked >= TICK_S:
                    self.take_in(ev.Tick)
                    ticked = now
                if now - tidied >= TIDY_S and isinstance(self._state.phase, Idle):
                    self.store.tidy(self._clock.now())
                    tidied = now
            except Exception:
                log.exception("an event could not be taken in; the till goes on")
            self._broadcast.publish(view(self._state))

    def _pause(self) -> float:
        phase = self._state.phase
        if isinstance(phase, Confirm):
            left = phase.deadline - self._clock.monotonic()
            return min(TICK_S, max(0.005, left))
        return TICK_S

    def take_in(self, make: Make) -> None:
        """Run an event, and those that its effects answer with, before anything else.

        The till's own thread calls this; call it only for a till that is not started.
        """
        waiting: deque[Make] = deque([make])
        while waiting:
            self._state, effects = step(self._state, waiting.popleft()(self._moment()))
            for effect in effects:
                answer = self._do(effect)
                if answer is not None:
                    waiting.append(answer)

    def _moment(self) -> ev.Moment:
        return ev.Moment(self._clock.monotonic(), self._clock.now(), new_id())

    def _do(self, effect: ev.Effect) -> Make | None:
        match effect:
            case ev.StartLooking() if self.face is not None:
                policy = self._state.catalogue.policy
                keep = policy is not None and policy.evidence_days > 0
                self.face.start(self._state.elapsed, keep=keep)
            case ev.StopLooking() if self.face is not None:
                self._decided_at = self._clock.monotonic()
                self.face.stop()
            case ev.ReadAccount(diner_id):
                account = self.store.account(diner_id, self._state.at.now)
                return lambda at: ev.AccountRead(at, diner_id, account)
            case ev.FindStaff(staff_no):
                found = self.store.diner_of_staff_no(staff_no)
                return lambda at: ev.StaffFound(at, staff_no, found)
            case ev.CheckPin(diner_id, pin):
                right = pin_is_right(self._hasher, self.store.pin_hash(diner_id), pin)
                return lambda at: ev.PinChecked(at, diner_id, right)
            case ev.WriteSale(sale, account, picture):
                return self._write(sale, account, picture)
            case ev.Reprint(sale_id):
                self._reprint(sale_id)
            case effect if isinstance(effect, ev.DeskEffect):
                answer = self._staff.do(effect, self._state.at.now)
                self._tell(self.on_written)
                return answer
        return None

    def _write(self, sale: Sale, account: Account | None, picture: bytes | None) -> Make:
        """Write a sale; whatever goes wrong, say for certain whether it is written."""
        began = self._clock.monotonic()
        try:
            self._commit(sale, self._receipt(sale, account), self._sealed(sale, picture))
        except WithdrawnError:
            return lambda at: ev.WriteFailed(at, sale.id, NoticeCode.WITHDRAWN)
        except Exception as error:  # noqa: BLE001 - the diner must learn whether he has paid
            log.error("sale %s: %s", sale.id, error)  # noqa: TRY400 - a full disk needs no traceback
            if not self.store.journal.contains(sale.id):
                return lambda at: ev.WriteFailed(at, sale.id)
        self._measure(sale, began)
        self._tell_of(sale)
        return lambda at: ev.SaleWritten(at, sale.id)

    def _commit(self, sale: Sale, receipt: ReceiptDoc | None, picture: Sealed | None) -> None:
        """Write a sale with its picture; where the disk has no room for both, the sale alone."""
        try:
            self.store.commit_sale(sale, receipt, picture)
        except JournalError:
            if picture is None:
                raise
            self.store.commit_sale(sale, receipt)
            self.store.note("no_evidence", str(sale.id))

    def _sealed(self, sale: Sale, picture: bytes | None) -> Sealed | None:
        """The evidence of a face payment; whatever is wrong with it, the sale goes on."""
        policy = self.store.catalogue.policy
        if picture is None or sale.tender is not Tender.FACE:
            return None
        if policy is None or policy.evidence_days == 0:
            return None
        try:
            return self.store.evidence.seal(sale, picture)
        except Exception:
            log.exception("the picture of sale %s cannot be kept", sale.id)
            return None

    def _tell_of(self, sale: Sale) -> None:
        self._tell([partial(listener, sale) for listener in self.on_sale])
        self._tell(self.on_written)

    def _tell(self, listeners: Iterable[Callable[[], None]]) -> None:
        for listener in listeners:
            try:
                listener()
            except Exception:
                log.exception("who waits for what is written failed; what is written stands")

    def _receipt(self, sale: Sale, account: Account | None) -> ReceiptDoc | None:
        terminal, policy = self.store.catalogue.terminal, self.store.catalogue.policy
        if not self._prints or terminal is None or policy is None or not policy.print_receipts:
            return None
        return make_receipt(sale, terminal, policy, account)

    def _measure(self, sale: Sale, began: float) -> None:
        usable = self.face.first_usable if self.face else None
        if sale.tender is not Tender.FACE or sale.second_factor or usable is None:
            return
        now = self._clock.monotonic()
        spans = (self._decided_at - usable, now - began, now - usable)
        self.timings.append(SaleTiming(sale.id, *(seconds * 1000 for seconds in spans)))

    def _reprint(self, sale_id: UUID) -> None:
        try:
            self.store.spool.reprint(sale_id)
        except JournalError:
            log.exception("the reprint could not be queued")

    def _card(self, at: ev.Moment, number: str) -> ev.Event:
        card = self.store.card(number)
        if card is None:
            return ev.CardSeen(at, None)
        return ev.CardSeen(at, card.diner_id, lost=card.status is CardStatus.LOST)

    def _snapshot_changed(self) -> None:
        catalogue = self.store.catalogue
        self.put(lambda at: ev.SnapshotChanged(at, catalogue))
