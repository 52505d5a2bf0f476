"""From a claim to a written sale: the part of the station where money moves. Pure."""

from dataclasses import replace
from typing import Literal
from uuid import UUID

from dafan.records import Policy, Sale, Tender
from pos import meal
from pos.authorise import Authorised, Refused, authorise, authorise_cash
from pos.events import (
    AccountRead,
    CardSeen,
    CheckPin,
    Effect,
    FaceChanged,
    FaceKnown,
    FindStaff,
    GuardFace,
    PinChecked,
    QrSeen,
    ReadAccount,
    SaleWritten,
    StaffFound,
    StopGuarding,
    WriteFailed,
    WriteSale,
)
from pos.snapshot import Account, after_sale
from pos.state import (
    PIN_TRIES,
    Claim,
    Committing,
    Confirm,
    Open,
    Paid,
    State,
    Step,
    payable,
    refuse,
    reopen,
    tell,
    to,
    wants_guard,
)
from pos.view import Ask, AskWhat, NoticeCode

PIN_LENGTH = 6


def face_known(state: State, event: FaceKnown) -> Step:
    """Take a face, unless what was seen is older than this looking."""
    phase, since = state.phase, state.looking_since
    if not isinstance(phase, Open) or since is None or event.since < since:
        return state, ()
    if not payable(state, phase):
        return state, ()
    claim = Claim(
        Tender.FACE, event.diner_id, proved=event.doubt is None, evidence=event.evidence,
        doubt=event.doubt, picture=event.picture,
    )  # fmt: skip
    return claimed(state, phase, claim)


def face_changed(state: State, event: FaceChanged) -> Step:
    """Take the claim of a face back whose owner no longer stands there."""
    phase = state.phase
    if not isinstance(phase, Confirm) or wants_guard(state) != event.diner_id:
        return state, ()
    return refuse(state, phase, NoticeCode.FACE_CHANGED)


def guard_place(state: State, effects: tuple[Effect, ...]) -> Step:
    """Watch the place of who pays by face alone, as long as he may cancel."""
    payer = wants_guard(state)
    if payer == state.guarding:
        return state, effects
    watch: Effect = StopGuarding() if payer is None else GuardFace(payer)
    return replace(state, guarding=payer), (*effects, watch)


def card_seen(state: State, event: CardSeen) -> Step:
    """Take a card: as a way to pay, or as the second factor that was asked for."""
    phase = state.phase
    if event.lost:
        return tell(state, NoticeCode.CARD_LOST), ()
    if event.diner_id is None:
        return tell(state, NoticeCode.CARD_UNKNOWN), ()
    if not isinstance(phase, Open | Confirm):
        return _nothing_to_pay(state)
    claim = phase.claim
    if claim is not None and claim.diner_id == event.diner_id:
        if claim.proved:
            return state, ()
        return claimed(state, phase, replace(claim, proved=True, second="card"))
    return claimed(state, phase, Claim(Tender.CARD, event.diner_id, proved=True))


def qr_seen(state: State, event: QrSeen) -> Step:
    """Take a QR code; it can be photographed, so the PIN is asked as well."""
    if event.diner_id is None:
        return tell(state, NoticeCode.QR_UNKNOWN), ()
    if not isinstance(state.phase, Open):
        return _nothing_to_pay(state)
    return claimed(state, state.phase, Claim(Tender.QR, event.diner_id, proved=False))


def staff_found(state: State, event: StaffFound) -> Step:
    """Take a staff number; the PIN is asked next."""
    phase = state.phase
    if not isinstance(phase, Open) or phase.ask is None or phase.ask.what is not AskWhat.STAFF_NO:
        return state, ()
    if event.diner_id is None:
        return tell(state, NoticeCode.STAFF_NO_UNKNOWN), ()
    return claimed(state, phase, Claim(Tender.PIN, event.diner_id, proved=False))


def claimed(state: State, phase: Open | Confirm, claim: Claim) -> Step:
    """Look up who claims; the answer decides."""
    opened = reopen(state, phase.basket, claim=claim)
    return to(state, opened, ReadAccount(claim.diner_id))


def digits(state: State, phase: Open, typed: str) -> Step:
    """The answer to the question for a staff number or a PIN."""
    ask, claim = phase.ask, phase.claim
    phase = replace(phase, touched=state.elapsed)
    if ask is None or not (0 < len(typed) <= 20):
        return state, ()
    if ask.what is AskWhat.STAFF_NO:
        return to(state, phase, FindStaff(typed))
    if ask.what is AskWhat.PIN and claim is not None:
        if _locked(state, claim.diner_id):
            return refuse(state, phase, NoticeCode.PIN_LOCKED, minutes=_minutes(state))
        return to(state, phase, CheckPin(claim.diner_id, typed))
    return state, ()


def pin_checked(state: State, event: PinChecked) -> Step:
    """Count wrong PINs; a right one proves the claim."""
    count = 0 if event.right else _wrong_pins(state, event.diner_id) + 1
    state = replace(state, pins={**state.pins, event.diner_id: (count, state.elapsed)})
    phase = state.phase
    if not isinstance(phase, Open) or phase.claim is None:
        return state, ()
    if phase.claim.diner_id != event.diner_id or phase.claim.proved:
        return state, ()
    if event.right:
        second: Literal["pin"] | None = None if phase.claim.tender is Tender.PIN else "pin"
        return claimed(state, phase, replace(phase.claim, proved=True, second=second))
    if count >= PIN_TRIES:
        return refuse(state, phase, NoticeCode.PIN_LOCKED, minutes=_minutes(state))
    return tell(state, NoticeCode.PIN_WRONG, tries=PIN_TRIES - count), ()


def account_read(state: State, event: AccountRead) -> Step:
    """Judge a claim on the diner's account as it is now."""
    phase = state.phase
    if not isinstance(phase, Open | Confirm) or phase.claim is None:
        return state, ()
    if phase.claim.diner_id != event.diner_id:
        return state, ()
    if not payable(state, phase):
        return _wait_for_scale(state, phase)
    policy, account = state.catalogue.policy, event.account
    if account is None or policy is None:
        return refuse(state, phase, NoticeCode.NOT_KNOWN_HERE)
    if phase.claim.tender is Tender.FACE and not account.has_face:
        return refuse(state, phase, NoticeCode.WITHDRAWN)
    return _judge(state, phase, phase.claim, account, policy)


def _judge(
    state: State, phase: Open | Confirm, claim: Claim, account: Account, policy: Policy
) -> Step:
    verdict = authorise(account, policy, phase.priced.list_total, state.at.now)
    if isinstance(verdict, Refused):
        return refuse(state, phase, verdict.code, **verdict.params)
    if isinstance(phase, Confirm):
        return _confirmed(state, phase, account, verdict)
    asked = _question(state, phase, claim, account)
    return asked or _confirm(state, phase, claim, account, verdict)


def _wait_for_scale(state: State, phase: Open | Confirm) -> Step:
    """Nothing certain to pay at this moment: a countdown holds, a claim has to be made again."""
    if isinstance(phase, Confirm):
        return to(state, replace(phase, checking=False))
    code = NoticeCode.UNSTABLE
    if phase.priced.unpriced:
        code = NoticeCode.PRICE_MISSING
    elif phase.basket.empty:
        code = NoticeCode.EMPTY_BASKET
    return to(tell(state, code), reopen(state, phase.basket, picking=phase.picking))


def confirm_over(state: State, phase: Confirm) -> Step:
    """The time to cancel has passed: pay, if the scale is at rest; else wait a little for it."""
    if state.elapsed >= phase.deadline + state.timing.held:
        return to(tell(state, NoticeCode.TIMED_OUT), reopen(state, phase.basket))
    if phase.checking or not payable(state, phase):
        return state, ()
    return to(state, replace(phase, checking=True), ReadAccount(phase.claim.diner_id))


def pay_cash(state: State, phase: Open) -> Step:
    """The cashier has the money."""
    policy = state.catalogue.policy
    if policy is None or not payable(state, phase):
        return tell(state, NoticeCode.UNSTABLE), ()
    quote = authorise_cash(policy, phase.priced.list_total, state.at.now)
    return _write(state, phase, quote, None, None)


def sale_written(state: State, event: SaleWritten) -> Step:
    """Paid. The tray must leave the scale before the next one counts."""
    phase = state.phase
    if not isinstance(phase, Committing) or phase.sale.id != event.sale_id:
        return state, ()
    recent = {k: v for k, v in state.recent.items() if not _cooled_down(state, v)}
    if phase.sale.diner_id is not None:
        recent[phase.sale.diner_id] = state.elapsed
    state = replace(state, armed=False, recent=recent, last_sale=phase.sale.id, notice=None)
    return to(state, Paid(phase.sale, phase.account, state.elapsed))


def write_failed(state: State, event: WriteFailed) -> Step:
    """Nothing is paid. The same sale, with the same id, may be tried again."""
    phase = state.phase
    if not isinstance(phase, Committing) or phase.sale.id != event.sale_id:
        return state, ()
    if event.code is NoticeCode.WRITE_FAILED:
        return to(state, replace(phase, failed=True))
    return refuse(state, phase, event.code)


def retry(state: State, phase: Committing) -> Step:
    """Write the same sale again."""
    if not phase.failed:
        return state, ()
    return to(
        state, replace(phase, failed=False), WriteSale(phase.sale, phase.account, phase.picture)
    )


def _question(state: State, phase: Open, claim: Claim, account: Account) -> Step | None:
    """What has to be asked before this claim may be confirmed."""
    if claim.tender is Tender.FACE and account.diner.lookalikes and not claim.second:
        claim = replace(claim, proved=False, doubt=NoticeCode.LOOKALIKE)
    if not claim.proved:
        if account.diner.pin_hash is None:
            return refuse(state, phase, NoticeCode.PIN_NONE)
        if _locked(state, claim.diner_id):
            return refuse(state, phase, NoticeCode.PIN_LOCKED, minutes=_minutes(state))
        ask = Ask(AskWhat.PIN, PIN_LENGTH, account.diner.staff_no)
        return to(state, replace(phase, claim=claim, ask=ask, touched=state.elapsed))
    last = state.recent.get(claim.diner_id)
    if last is not None and not _cooled_down(state, last) and not claim.again:
        ask = Ask(AskWhat.AGAIN)
        return to(state, replace(phase, claim=claim, ask=ask, touched=state.elapsed))
    return None


def _confirm(
    state: State, phase: Open | Confirm, claim: Claim, account: Account, quote: Authorised
) -> Step:
    """Show name and amount; without time to cancel, pay at once, unless an allergen is in it."""
    policy = state.catalogue.policy
    warned = meal.warnings(phase.priced.lines, state.catalogue.foods, account)
    wait_ms = policy.confirm_ms if policy else 0
    wait_ms += round(state.timing.warned * 1000) if warned else 0
    if wait_ms == 0:
        return _write(state, phase, quote, claim, account)
    deadline = state.elapsed + wait_ms / 1000
    confirm = Confirm(
        phase.basket, phase.priced, claim, account, quote, deadline, wait_ms, warned
    )  # fmt: skip
    return to(state, confirm)


def _confirmed(state: State, phase: Confirm, account: Account, quote: Authorised) -> Step:
    """The account was read again: pay what was shown, or show what has changed."""
    if quote != phase.quote:
        return _confirm(state, phase, phase.claim, account, quote)
    if phase.checking:
        return _write(state, phase, quote, phase.claim, account)
    return to(state, replace(phase, account=account))


def _write(
    state: State,
    phase: Open | Confirm,
    quote: Authorised,
    claim: Claim | None,
    account: Account | None,
) -> Step:
    terminal = state.catalogue.terminal
    if terminal is None:
        return refuse(state, phase, NoticeCode.NOT_READY)
    sale = Sale(
        id=phase.basket.id,
        site_id=terminal.site_id,
        venue_id=terminal.venue_id,
        business_date=quote.business_date,
        period=quote.period,
        diner_id=claim.diner_id if claim else None,
        group_id=account.diner.group_id if account else None,
        tender=claim.tender if claim else Tender.CASH,
        second_factor=claim.second if claim else None,
        lines=phase.priced.lines,
        list_total=quote.list_total,
        discount=quote.discount,
        total=quote.total,
        payments=quote.payments,
        subsidised=quote.subsidised,
        opened_at=min(phase.basket.opened_at, state.at.now),
        paid_at=state.at.now,
        snapshot_version=state.catalogue.version,
        face=claim.evidence if claim else None,
    )
    after = after_sale(account, sale) if account else None
    picture = claim.picture if claim else None
    committing = Committing(phase.basket, phase.priced, sale, after, picture)
    return to(state, committing, WriteSale(sale, after, picture))


def _nothing_to_pay(state: State) -> Step:
    return tell(state, NoticeCode.EMPTY_BASKET), ()


def _cooled_down(state: State, last: float) -> bool:
    return state.elapsed - last >= state.timing.cooldown


def _wrong_pins(state: State, diner_id: UUID) -> int:
    tries, last = state.pins.get(diner_id, (0, 0.0))
    return tries if state.elapsed - last < state.timing.pin_lock else 0


def _locked(state: State, diner_id: UUID) -> bool:
    return _wrong_pins(state, diner_id) >= PIN_TRIES


def _minutes(state: State) -> int:
    return round(state.timing.pin_lock / 60)
