"""The till alive: one thread runs ``pos.station`` and does what it asks for.

Devices, camera and sync run on threads of their own and only put events into a queue; no device
that is missing or hangs keeps the others from selling.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from argon2 import PasswordHasher

from dafan.clock import Clock
from dafan.journal import JournalError
from dafan.pick_up import read_code
from dafan.records import Sale, Tender
from devices.receipt_doc import ReceiptDoc
from pos import events as ev
from pos.evidence import Sealed
from pos.facewatch import Advice, Changed, FaceWatch, Picture, Recognised, whole_jpeg
from pos.kiosk.port import Broadcast
from pos.place_view import PlacePicture
from pos.receipt import make_receipt
from pos.screen import view
from pos.snapshot import Account
from pos.staffwork import StaffWork, pin_is_right
from pos.state import Aiming, Confirm, Idle, State, Timing, wants_code
from pos.station import step
from pos.store import TillStore, WithdrawnError
from pos.terminals import TICK_S, Counter, Make, drain, tell
from pos.view import NoticeCode, View

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


class Till(Counter):
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
        super().__init__(store, clock, "till")
        self.timings: deque[SaleTiming] = deque(maxlen=TIMINGS_KEPT)
        self.picture = Picture()
        self.face: FaceWatch | None = None
        self.on_sale: list[Callable[[Sale], None]] = []
        """Called on the till's thread after each written sale."""
        self._prints = print_receipts
        self._hasher = PasswordHasher()
        self._staff = StaffWork(store, prints=print_receipts)
        self._decided_at = 0.0
        self._state = State(
            self._moment(),
            catalogue=store.catalogue,
            health=self._health,
            timing=timing or Timing(),
            cash_allowed=cash,
        )
        self._broadcast = Broadcast(view(self._state))

    def _closed(self) -> None:
        self._broadcast.close()

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

    def payer_jpeg(self) -> bytes | None:
        """The face that was recognised and may still cancel; it is nowhere but in memory here."""
        phase = self._state.phase
        return phase.claim.picture if isinstance(phase, Confirm) else None

    def place_picture(self) -> PlacePicture | None:
        """What the camera sees and what is made of it, while the staff aims it and never else."""
        image = self.picture.image
        if image is None or not isinstance(self._state.phase, Aiming):
            return None
        from pos.place_look import look_of  # noqa: PLC0415 - loads the models' runtime

        jpeg = whole_jpeg(image)
        look = look_of(self.face.survey(image), image) if self.face else None
        return None if jpeg is None else PlacePicture(jpeg, look)

    # --- the devices ----------------------------------------------------------------------------

    def put_qr(self, text: str) -> None:
        """A QR code was read: that of an order, or of a diner."""
        code = read_code(text)
        if code is None:
            self.put(lambda at: ev.QrSeen(at, self.store.keys.read_qr(text)))
        else:
            self.put(lambda at: ev.PickUpSeen(at, self.store.pick_ups.find(code)))

    def put_face(self, found: Recognised | Advice | Changed) -> None:
        """The camera found somebody, has advice, or sees that the payer has changed."""
        if isinstance(found, Changed):
            self.put(lambda at: ev.FaceChanged(at, found.diner_id))
        elif isinstance(found, Recognised):
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

    def _tick(self) -> bool:
        self.take_in(ev.Tick)
        return isinstance(self._state.phase, Idle)

    def _pause(self) -> float:
        phase = self._state.phase
        if isinstance(phase, Confirm):
            left = phase.deadline - self._clock.monotonic()
            return min(TICK_S, max(0.005, left))
        return TICK_S

    def take_in(self, make: Make) -> None:
        """See :class:`pos.terminals.Counter`."""
        drain(make, self._moment, self._stepped, self._do)
        self._broadcast.publish(view(self._state))

    def _stepped(self, event: ev.Event) -> tuple[ev.Effect, ...]:
        self._state, effects = step(self._state, event)
        return effects

    def _do(self, effect: ev.Effect) -> Make | None:
        match effect:
            case effect if isinstance(effect, ev.FaceEffect):
                self._watch(effect)
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
                tell(self.on_written)
                return answer
        return None

    def _watch(self, effect: ev.FaceEffect) -> None:
        if self.face is None:
            return
        match effect:
            case ev.StartLooking():
                policy = self._state.catalogue.policy
                keep = policy is not None and policy.evidence_days > 0
                self.face.start(self._state.elapsed, keep=keep)
            case ev.StopLooking():
                self._decided_at = self._clock.monotonic()
                self.face.stop()
            case ev.GuardFace(diner_id):
                self.face.guard(diner_id)
            case ev.StopGuarding():
                self.face.guard(None)

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
        tell([partial(listener, sale) for listener in self.on_sale])
        tell(self.on_written)

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
