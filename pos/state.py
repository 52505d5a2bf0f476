"""What a till remembers between two events. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from uuid import UUID

from dafan.desk import Shift, Void
from dafan.metrology import Barred
from dafan.money import Fen
from dafan.records import FaceEvidence, Sale, Tender
from dafan.units import Grams
from pos.authorise import Authorised
from pos.basket import Basket
from pos.events import Effect, Health, Moment
from pos.pricing import Priced, price_basket
from pos.shifts import Figures
from pos.snapshot import Account, Catalogue, Clerk, Sold
from pos.view import Ask, AskWhat, Device, Level, Notice, NoticeCode
from pos.weighing import barred_now


@dataclass(frozen=True, slots=True)
class Timing:
    """How long the till waits, in seconds of :attr:`pos.events.Moment.elapsed`.

    Attributes:
        stale: A reading older than this says nothing about what is on the scale.
        jitter_grams: A steady weight that moved no more than this is the same weight.
        notice: A passing notice stays.
        problem: A refusal stays on the screen before the till looks for a face again.
        ask: A question waits for its answer.
        idle: A basket without weight waits for its diner.
        held: A countdown that is over waits for the scale to come to rest.
        paid: The green screen stays at least.
        paid_longest: ... and at most, while the tray is still there.
        cooldown: The same diner at the same till within this time is asked whether he means it.
        pin_lock: A diner whose PIN was wrong :data:`PIN_TRIES` times cannot use it.
        desk: The staff's desk waits for a hand before it gives the screen back to the diners.
        done: What the desk has done stays on the screen.
        aim: The camera's whole picture stays on the screen.
        warned: A diner with an allergen in his basket can cancel so much longer.
    """

    stale: float = 1.5
    jitter_grams: int = 2
    notice: float = 4.0
    problem: float = 6.0
    ask: float = 45.0
    idle: float = 60.0
    held: float = 10.0
    paid: float = 2.5
    paid_longest: float = 20.0
    cooldown: float = 90.0
    pin_lock: float = 900.0
    desk: float = 60.0
    done: float = 4.0
    aim: float = 120.0
    warned: float = 3.0


PIN_TRIES = 5


@dataclass(frozen=True, slots=True)
class Pan:
    """The scale as last heard. ``since``: how long it has been in this condition."""

    grams: Grams | None = None
    stable: bool = False
    fault: NoticeCode | None = None
    heard: float = float("-inf")
    since: float = 0.0

    @property
    def condition(self) -> tuple[bool, NoticeCode | None]:
        """What :attr:`since` counts for."""
        return self.stable, self.fault


@dataclass(frozen=True, slots=True)
class Claim:
    """Somebody says that this basket is his to pay.

    Attributes:
        proved: The claim needs no (further) PIN or card.
        doubt: Why a second factor is asked.
        again: He has said that a second payment within the cool-down is meant.
        picture: The JPEG of the frame that decided, kept with the sale for a dispute.
    """

    tender: Tender
    diner_id: UUID
    proved: bool
    evidence: FaceEvidence | None = None
    doubt: NoticeCode | None = None
    second: Literal["pin", "card"] | None = None
    again: bool = False
    picture: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Idle:
    """Nothing to pay."""


@dataclass(frozen=True, slots=True)
class Open:
    """There is a basket and nobody pays it yet.

    Attributes:
        touched: When a person last did something, for the time-outs.
        problem: Why the last claim was not taken; no face is looked for while it stands.
    """

    basket: Basket
    priced: Priced
    touched: float
    picking: bool = False
    hint: NoticeCode | None = None
    progress: int = 0
    ask: Ask | None = None
    claim: Claim | None = None
    problem: Notice | None = None
    problem_until: float = 0.0


@dataclass(frozen=True, slots=True)
class Confirm:
    """The diner sees name and amount and may cancel until the deadline."""

    basket: Basket
    priced: Priced
    claim: Claim
    account: Account
    quote: Authorised
    deadline: float
    wait_ms: int
    """How long he could cancel from the beginning."""
    warned: tuple[str, ...] = ()
    """Allergens of his that are in the basket."""
    checking: bool = False
    """The deadline is over and the account is being read for the last time."""


@dataclass(frozen=True, slots=True)
class Committing:
    """The sale is on its way to the disk, or did not get there."""

    basket: Basket
    priced: Priced
    sale: Sale
    account: Account | None
    picture: bytes | None = field(default=None, repr=False)
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Paid:
    """Written."""

    sale: Sale
    account: Account | None
    since: float


@dataclass(frozen=True, slots=True)
class SignIn:
    """Somebody of the staff types his number, then his PIN."""

    touched: float
    number: str = ""


@dataclass(frozen=True, slots=True)
class Desk:
    """Signed in: the till's last sales; one may be taken back, or the shift closed."""

    clerk: Clerk
    touched: float
    sold: tuple[Sold, ...] = ()


@dataclass(frozen=True, slots=True)
class Voiding:
    """A sale is chosen to be taken back; ``void`` is on its way to the disk."""

    clerk: Clerk
    touched: float
    sold: Sold
    reason: str = ""
    void: Void | None = None


@dataclass(frozen=True, slots=True)
class Closing:
    """The figures of a shift; ``counted`` fen lie in the drawer, ``shift`` is being written."""

    clerk: Clerk
    touched: float
    figures: Figures
    counted: Fen | None = None
    shift: Shift | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What the desk has written; ``sold``: the sale that a void took back."""

    clerk: Clerk
    touched: float
    entry: Void | Shift
    sold: Sold | None = None


@dataclass(frozen=True, slots=True)
class Aiming:
    """The camera's whole picture with the payment zone: somebody sets where the payer stands."""

    clerk: Clerk
    touched: float


DeskPhase = SignIn | Desk | Voiding | Closing | Done | Aiming
"""The staff has the screen: nothing is sold."""

Phase = Idle | Open | Confirm | Committing | Paid | DeskPhase


@dataclass(frozen=True, slots=True)
class State:
    """The whole till.

    Attributes:
        armed: The scale has been empty since the last payment (and since the start: a till that
            was killed after writing a sale must not charge the same tray again).
        looking_since: A face is being looked for since then.
        guarding: The diner whose payment by face alone runs, while his place is watched.
        recent: Diner → when he last paid here.
        pins: Diner → wrong PINs, and when the last one was.
        last_sale: For a reprint.
    """

    at: Moment
    catalogue: Catalogue = field(default_factory=Catalogue)
    health: Health = field(default_factory=Health)
    timing: Timing = field(default_factory=Timing)
    cash_allowed: bool = True
    pan: Pan = field(default_factory=Pan)
    armed: bool = False
    phase: Phase = field(default_factory=Idle)
    looking_since: float | None = None
    guarding: UUID | None = None
    notice: Notice | None = None
    notice_until: float = 0.0
    recent: Mapping[UUID, float] = field(default_factory=dict)
    pins: Mapping[UUID, tuple[int, float]] = field(default_factory=dict)
    last_sale: UUID | None = None

    @property
    def elapsed(self) -> float:
        """Seconds, now."""
        return self.at.elapsed

    @property
    def barred(self) -> Barred | None:
        """Why the scale may not bill now."""
        return barred_now(self.catalogue, self.at.now)

    @property
    def scale_counts(self) -> bool:
        """There is a scale that weighs food for money, and may."""
        there = self.catalogue.weighs and self.health.scale is not Device.OFF
        return there and self.barred is None

    @property
    def may_open(self) -> bool:
        """Whether a new basket may begin."""
        ready = self.catalogue.ready and not self.health.revoked
        return ready and (self.armed or not self.scale_counts)

    @property
    def faces(self) -> bool:
        """Faces are a way to pay here and now."""
        policy, health = self.catalogue.policy, self.health
        allowed = policy is not None and policy.face_enabled
        return allowed and health.models and health.camera is not Device.OFF

    @property
    def steady(self) -> bool:
        """The scale's word can be relied on at this very moment."""
        fresh = self.elapsed - self.pan.heard <= self.timing.stale
        return fresh and self.pan.stable and self.pan.fault is None


Step = tuple[State, tuple[Effect, ...]]


def payable(state: State, phase: Open | Confirm) -> bool:
    """Whether the basket could become money now: priced, and its weight certain."""
    if not phase.priced.payable:
        return False
    return state.steady if state.scale_counts else phase.basket.grams is None


def wants_face(state: State) -> bool:
    """Whether a face is to be looked for: only for a basket that somebody has to pay."""
    phase = state.phase
    return (
        state.faces
        and isinstance(phase, Open)
        and phase.priced.payable
        and not phase.picking
        and phase.ask is None
        and phase.claim is None
        and phase.problem is None
    )


def wants_guard(state: State) -> UUID | None:
    """Whose place is to be watched: who pays by his face alone may have stepped aside."""
    phase = state.phase
    if not isinstance(phase, Confirm) or phase.claim.second is not None:
        return None
    return phase.claim.diner_id if phase.claim.tender is Tender.FACE else None


def wants_code(state: State) -> bool:
    """Whether the camera is to read QR codes: of who pays, or of what was ordered ahead."""
    phase = state.phase
    if not isinstance(phase, Open):
        return False
    if phase.ask is not None:
        return phase.ask.what is AskWhat.QR
    return phase.picking and phase.basket.empty and state.catalogue.orders


def to(state: State, phase: Phase, *effects: Effect) -> Step:
    """Go to a phase."""
    return replace(state, phase=phase), effects


def tell(state: State, code: NoticeCode, level: Level = Level.WARN, **params: Any) -> State:
    """Say something in passing."""
    until = state.elapsed + state.timing.notice
    return replace(state, notice=Notice(code, level, params), notice_until=until)


def reopen(state: State, basket: Basket, **changes: Any) -> Open:
    """An open basket, freshly priced, that nobody claims."""
    return Open(basket, price_basket(basket, state.catalogue), state.elapsed, **changes)


def refuse(
    state: State, phase: Open | Confirm | Committing, code: NoticeCode, **params: Any
) -> Step:
    """Keep the basket, drop the claim, say why; other ways to pay are open.

    After a diner has cancelled, or another has taken his place, no face is looked for until
    somebody asks for it: the same face would be charged again, or the wrong one.
    """
    level = Level.STOP if code in _STOPS else Level.WARN
    problem = Notice(code, level, params)
    waits = code in {NoticeCode.CANCELLED, NoticeCode.FACE_CHANGED}
    until = float("inf") if waits else state.elapsed + state.timing.problem
    return to(state, reopen(state, phase.basket, problem=problem, problem_until=until))


_STOPS = {NoticeCode.FROZEN, NoticeCode.LEFT, NoticeCode.WITHDRAWN, NoticeCode.CARD_LOST}
