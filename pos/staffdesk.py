"""The staff's desk at a till: take a sale back (撤销), close the shift (交班). Pure.

A part of ``pos.station``: while it is open nothing is sold, and it opens only while nobody pays.
Only this till's own sales of the running business date are taken back here, whole and once;
anything else is refunded on the server, with a second person's approval.
"""

from dataclasses import replace

from dafan.desk import Void
from dafan.money import MAX_FEN, Fen
from dafan.records import Policy
from pos.events import (
    CheckClerk,
    ClerkChecked,
    DeskFailed,
    DeskWritten,
    Event,
    FiguresRead,
    Pressed,
    ReadFigures,
    ReadSold,
    SoldRead,
    Tick,
    WriteShift,
    WriteVoid,
)
from pos.shifts import make_shift
from pos.snapshot import Clerk, Sold, trading_day
from pos.state import (
    Aiming,
    Closing,
    Desk,
    DeskPhase,
    Done,
    Idle,
    SignIn,
    State,
    Step,
    Voiding,
    tell,
    to,
)
from pos.view import Level, NoticeCode

PIN_LENGTH = 6
REASONS = {
    "amount": "金额有误",
    "person": "认错了人",
    "twice": "重复结算",
    "dish": "菜品有误",
    "returned": "就餐人退餐",
    "other": "其他原因",
}
"""What the journal says of why a sale was taken back."""


def enter(state: State) -> Step:
    """Ask who it is, where there is anybody who may sign in."""
    if not state.catalogue.ready or not state.catalogue.staffed or state.health.revoked:
        return state, ()
    return to(replace(state, notice=None), SignIn(state.elapsed))


def step(state: State, event: Event) -> Step:  # noqa: PLR0911 - one line for each kind of event
    """What an event makes of the desk; what is no business of the desk changes nothing."""
    phase = state.phase
    if not isinstance(phase, DeskPhase):  # an answer that comes after the desk was left
        return state, ()
    match event:
        case Tick():
            return _time_passed(state, phase)
        case Pressed():
            return _pressed(state, replace(phase, touched=state.elapsed), event)
        case ClerkChecked() if isinstance(phase, SignIn):
            return _checked(state, phase, event)
        case SoldRead(sold=sold) if isinstance(phase, Desk):
            return to(state, replace(phase, sold=sold))
        case FiguresRead(figures=figures) if isinstance(phase, Desk):
            return to(state, Closing(phase.clerk, state.elapsed, figures))
        case DeskWritten():
            return _written(state, phase, event)
        case DeskFailed():
            return _failed(state, phase, event)
    return state, ()


def may_void(sold: Sold, policy: Policy, state: State) -> NoticeCode | None:
    """Why a sale of this till cannot be taken back now; ``None``: it can."""
    if sold.voided:
        return NoticeCode.VOID_BEFORE
    if sold.sale.business_date != trading_day(policy, state.at.now):
        return NoticeCode.VOID_LATE
    return None


def _time_passed(state: State, phase: DeskPhase) -> Step:
    if state.notice is not None and state.elapsed >= state.notice_until:
        state = replace(state, notice=None)
    waited = state.elapsed - phase.touched
    match phase:
        case Voiding(void=Void()):  # the disk will answer
            return state, ()
        case Closing() if phase.shift is not None:
            return state, ()
        case Done() if waited >= state.timing.done:
            return _after(state, phase)
    longest = state.timing.aim if isinstance(phase, Aiming) else state.timing.desk
    if waited >= longest or state.health.revoked:
        return to(replace(state, notice=None), Idle())
    return state, ()


def _pressed(state: State, phase: DeskPhase, event: Pressed) -> Step:  # noqa: PLR0911 - one line for each button
    match phase, event.action:
        case SignIn(), "digits":
            return _signed(state, phase, event.params.get("digits", ""))
        case SignIn(number=number), "cancel":
            return to(state, SignIn(state.elapsed) if number else Idle())
        case Desk(), "void":
            return _choose(state, phase, event.params.get("sale", ""))
        case Desk(), "shift":
            return to(state, phase, ReadFigures())
        case Desk(), "camera" if state.health.has_camera:
            return to(replace(state, notice=None), Aiming(phase.clerk, state.elapsed))
        case Desk(), "cancel":
            return to(replace(state, notice=None), Idle())
        case Done(), "cancel" | "yes":
            return _after(state, phase)
    return _pressed_deeper(state, phase, event)


def _pressed_deeper(state: State, phase: DeskPhase, event: Pressed) -> Step:  # noqa: PLR0911 - same
    """A sale, the figures of the shift or the camera are on the screen; nothing is written yet."""
    match phase, event.action:
        case Voiding(void=None), "reason" if event.params.get("reason") in REASONS:
            return to(state, replace(phase, reason=event.params["reason"]))
        case Voiding(void=None), "yes" if phase.reason:
            return _void(state, phase)
        case Closing(shift=None), "digits":
            return _counted(state, phase, event.params.get("digits", ""))
        case Closing(shift=None), "yes":
            return _close(state, phase)
        case Closing(shift=None, counted=int()), "cancel":
            return to(state, replace(phase, counted=None))
        case Voiding(void=None) | Closing(shift=None) | Aiming(), "cancel":
            return _list(state, phase.clerk)
    return to(state, phase)


# --- signing in -----------------------------------------------------------------------------------


def _signed(state: State, phase: SignIn, typed: str) -> Step:
    if not phase.number:
        return to(replace(state, notice=None), replace(phase, number=typed))
    return to(state, phase, CheckClerk(phase.number, typed))


def _checked(state: State, phase: SignIn, event: ClerkChecked) -> Step:
    if event.clerk is not None:
        return _list(replace(state, notice=None), event.clerk)
    if event.tries:
        state = tell(state, NoticeCode.CLERK_WRONG, tries=event.tries)
        return to(state, SignIn(phase.touched))
    state = tell(state, NoticeCode.CLERK_LOCKED, Level.STOP, minutes=event.minutes)
    return to(state, Idle())


def _list(state: State, clerk: Clerk) -> Step:
    return to(state, Desk(clerk, state.elapsed), ReadSold())


# --- taking a sale back ---------------------------------------------------------------------------


def _choose(state: State, phase: Desk, sale_id: str) -> Step:
    policy = state.catalogue.policy
    sold = next((each for each in phase.sold if str(each.sale.id) == sale_id), None)
    if sold is None or policy is None:
        return to(state, phase)
    why_not = may_void(sold, policy, state)
    if why_not is not None:
        return to(tell(state, why_not), phase)
    return to(replace(state, notice=None), Voiding(phase.clerk, state.elapsed, sold))


def _void(state: State, phase: Voiding) -> Step:
    policy, sale = state.catalogue.policy, phase.sold.sale
    why_not = may_void(phase.sold, policy, state) if policy else NoticeCode.NOT_READY
    if why_not is not None:
        return _list(tell(state, why_not), phase.clerk)
    void = Void(
        id=state.at.new_id,
        sale_id=sale.id,
        business_date=sale.business_date,
        total=sale.total,
        reason=REASONS[phase.reason],
        staff_id=phase.clerk.id,
        at=state.at.now,
    )
    effect = WriteVoid(void, phase.sold, phase.clerk)
    return to(replace(state, notice=None), replace(phase, void=void), effect)


# --- closing a shift ------------------------------------------------------------------------------


def _counted(state: State, phase: Closing, typed: str) -> Step:
    amount = int(typed) if typed.isdecimal() and len(typed) <= 10 else MAX_FEN + 1
    if not state.cash_allowed or amount > MAX_FEN:
        return to(state, phase)
    return to(state, replace(phase, counted=Fen(amount)))


def _close(state: State, phase: Closing) -> Step:
    policy = state.catalogue.policy
    if policy is None or (state.cash_allowed and phase.counted is None):
        return to(state, phase)
    today = trading_day(policy, state.at.now)
    shift = make_shift(
        phase.figures, state.at.new_id, state.at.now, today, phase.clerk.id, phase.counted
    )
    return to(
        replace(state, notice=None), replace(phase, shift=shift), WriteShift(shift, phase.clerk)
    )


# --- what the disk says ---------------------------------------------------------------------------


def _written(state: State, phase: DeskPhase, event: DeskWritten) -> Step:
    match phase:
        case Voiding(void=Void() as void) if void.id == event.entry_id:
            diner = phase.sold.sale.diner_id
            recent = {k: v for k, v in state.recent.items() if k != diner}
            done = Done(phase.clerk, state.elapsed, void, phase.sold)
            return to(replace(state, recent=recent), done)
        case Closing(shift=shift) if shift is not None and shift.id == event.entry_id:
            return to(state, Done(phase.clerk, state.elapsed, shift))
    return state, ()


def _failed(state: State, phase: DeskPhase, event: DeskFailed) -> Step:
    """Nothing is written: back to the list as it is now, so that nothing is confirmed unseen."""
    match phase:
        case Voiding(void=entry) | Closing(shift=entry) if entry and entry.id == event.entry_id:
            return _list(tell(state, event.code, Level.STOP), phase.clerk)
    return state, ()


def _after(state: State, phase: Done) -> Step:
    """A void leads back to the list, a shift to the diners."""
    if isinstance(phase.entry, Void):
        return _list(state, phase.clerk)
    return to(state, Idle())
