"""The gate of a weigh line: ``step(state, event) -> (state, effects)``. Pure.

At the entrance a diner and a tray become a session: whoever comes first, card, code or face on the
one hand, the tray on the reader on the other. At the exit, or where trays come back, the tray
alone ends it. Either is written before anything is said. Where the site has registered its trays
no other tag is one, and one that is lost or retired is not given out. A face is looked for only
while a tray waits for its diner; a phone's code can be photographed, so that its PIN is asked as
at the till. Time, disk, readers, camera and network are outside (``pos.gate_station``).
"""

from dataclasses import replace
from uuid import UUID

from dafan.line import LineRules, OpenTray, TrayBound, TrayEnded
from dafan.money import Fen
from dafan.records import DinerStatus
from pos.events import (
    AccountRead,
    CardSeen,
    CheckPin,
    FaceHint,
    FaceKnown,
    HealthChanged,
    PinChecked,
    QrSeen,
    ReadAccount,
    SnapshotChanged,
    StartLooking,
    StopLooking,
    Tick,
)
from pos.gate_state import (
    AskBill,
    Billed,
    By,
    Claim,
    Effect,
    Event,
    FindTray,
    Idle,
    Pressed,
    RulesChanged,
    State,
    TagsSeen,
    Told,
    TrayFound,
    Write,
    WriteFailed,
    Writing,
    Written,
)
from pos.snapshot import Account, mask
from pos.state import PIN_TRIES
from pos.view import NoticeCode

Step = tuple[State, tuple[Effect, ...]]


def step(state: State, event: Event) -> Step:
    """What an event makes of the gate, and what is to be done about it."""
    state, effects = _taken_in(replace(state, at=event.at), event)
    looks = state.looking_since is not None
    wants = state.faces and state.open and bool(state.waits) and isinstance(state.phase, Idle)
    if wants and not looks:
        state = replace(state, looking_since=state.elapsed, hint=None, progress=0)
        return state, (*effects, StartLooking())
    if looks and not wants:
        return replace(state, looking_since=None, hint=None, progress=0), (*effects, StopLooking())
    return state, effects


def _taken_in(state: State, event: Event) -> Step:  # noqa: C901, PLR0911, PLR0912 - one line for each kind of event
    match event:
        case TagsSeen():
            return _tags_seen(state, event.tags)
        case CardSeen():
            return _card_seen(state, event)
        case QrSeen():
            return _claimed(state, event.diner_id, "qr", proved=False)
        case FaceHint():
            return replace(state, hint=event.code, progress=event.progress), ()
        case FaceKnown():
            return _face_known(state, event)
        case AccountRead():
            return _account_read(state, event)
        case PinChecked():
            return _pin_checked(state, event)
        case TrayFound():
            return _tray_found(state, event)
        case Written():
            return _written(state, event)
        case WriteFailed():
            return _failed(state, event)
        case Billed():
            return _billed(state, event)
        case Pressed():
            return _pressed(state, event)
        case SnapshotChanged():
            return replace(state, catalogue=event.catalogue), ()
        case RulesChanged():
            return replace(state, rules=event.rules, trays=event.trays), ()
        case HealthChanged():
            return replace(state, health=event.health), ()
        case Tick():
            return _time_passed(state)


# --- who it is ----------------------------------------------------------------------------------


def _card_seen(state: State, event: CardSeen) -> Step:
    if event.lost:
        return _tell(state, "card_lost"), ()
    return _claimed(state, event.diner_id, "card", proved=True)


def _face_known(state: State, event: FaceKnown) -> Step:
    since = state.looking_since
    if since is None or event.since < since:
        return state, ()
    lookalike = event.doubt is NoticeCode.LOOKALIKE
    return _claimed(state, event.diner_id, "face", proved=event.doubt is None, lookalike=lookalike)


def _claimed(
    state: State, diner_id: UUID | None, by: By, *, proved: bool, lookalike: bool = False
) -> Step:
    if isinstance(state.phase, Writing) or not state.open or state.role == "exit":
        return state, ()
    if diner_id is None:
        return _tell(state, "unknown"), ()
    before = state.phase
    if isinstance(before, Claim) and before.diner_id == diner_id:
        if before.proved or not proved:
            return state, ()
        by = before.by  # the card is the second factor that was asked for
    claim = Claim(diner_id, by, state.elapsed, proved, lookalike=lookalike)
    return replace(state, phase=claim), (ReadAccount(diner_id),)


def _account_read(state: State, event: AccountRead) -> Step:
    claim = state.phase
    if not isinstance(claim, Claim) or claim.diner_id != event.diner_id:
        return state, ()
    account = event.account
    if account is None:
        return _tell(replace(state, phase=Idle()), "unknown"), ()
    code, short = _refusal(account, claim.by, state.rules)
    name = mask(account.diner.name)
    if code:
        return _say(state, Told(code, state.elapsed, name, short=short)), ()
    if not claim.proved and _wrong_pins(state, claim.diner_id) >= PIN_TRIES:
        return _say(state, Told("pin_locked", state.elapsed, name)), ()
    claim = replace(claim, name=name, pin=account.diner.pin_hash is not None)
    return _proceed(replace(state, phase=claim, notice=""))


def _refusal(account: Account, by: By, rules: LineRules) -> tuple[str, Fen]:
    """Why somebody gets no tray, and what is missing from the least balance."""
    status = account.diner.status
    if status is not DinerStatus.ACTIVE:
        return "frozen" if status is DinerStatus.FROZEN else "left", Fen(0)
    if account.group is None:
        return "not_known_here", Fen(0)
    if by == "face" and not account.has_face:
        return "withdrawn", Fen(0)
    short = Fen(rules.least_balance - account.subsidy - account.cash)
    return ("poor", short) if short > 0 else ("", Fen(0))


def _pin_checked(state: State, event: PinChecked) -> Step:
    count = 0 if event.right else _wrong_pins(state, event.diner_id) + 1
    state = replace(state, pins={**state.pins, event.diner_id: (count, state.elapsed)})
    claim = state.phase
    if not isinstance(claim, Claim) or claim.diner_id != event.diner_id:
        return state, ()
    if event.right:
        return _proceed(replace(state, phase=replace(claim, proved=True, since=state.elapsed)))
    if count >= PIN_TRIES:
        return _say(state, Told("pin_locked", state.elapsed, claim.name)), ()
    return _tell(state, "pin_wrong"), ()


def _wrong_pins(state: State, diner_id: UUID) -> int:
    tries, last = state.pins.get(diner_id, (0, 0.0))
    return tries if state.elapsed - last < state.timing.pin_lock else 0


# --- the tray -----------------------------------------------------------------------------------


def _tags_seen(state: State, tags: frozenset[str]) -> Step:
    trays = frozenset(tag for tag in tags if tag in state.trays) if state.trays else tags
    waits = state.waits if state.waits in trays else ""
    done = state.done & trays
    return _proceed(replace(state, tags=trays, foreign=tags - trays, done=done, waits=waits))


def _proceed(state: State) -> Step:
    """Ask about the tray on the reader, where it is one and nothing else is under way."""
    phase, fresh = state.phase, state.tags - state.done
    if not isinstance(phase, Idle | Claim) or not fresh or not state.open:
        return state, ()
    if len(fresh) > 1:
        return _tell(replace(state, waits=""), "two_trays"), ()
    (tag,) = fresh
    if isinstance(phase, Claim):
        ready = phase.proved and phase.name
        return state, (FindTray(tag, phase.diner_id),) if ready else ()
    if state.role == "entrance":
        return _awaits(state, tag), ()
    return state, () if tag == state.waits else (FindTray(tag, None),)


def _tray_found(state: State, event: TrayFound) -> Step:
    phase, held = state.phase, event.held
    if event.tag not in state.tags - state.done:
        return state, ()
    if isinstance(phase, Claim) and event.diner_id == phase.diner_id and phase.proved:
        return _give_out(state, phase, event)
    if isinstance(phase, Idle) and event.diner_id is None:
        if held is None and state.role == "both":
            return _awaits(state, event.tag), ()
        return _end(state, event.tag, held)
    return state, ()


def _give_out(state: State, claim: Claim, event: TrayFound) -> Step:
    """Begin the session of diner and tray, or say why not."""
    held = event.held
    if held is None and state.gone(event.tag):
        return _refuse(state, event.tag), ()
    taken = held or event.other
    if taken is None:
        bound = TrayBound(
            id=state.at.new_id, tray=event.tag, diner_id=claim.diner_id, by=claim.by,
            at=state.at.now,
        )  # fmt: skip
        return replace(state, phase=Writing(bound, claim.name), notice=""), (Write(bound),)
    own = taken.diner_id == claim.diner_id
    code = ("again" if own else "others") if held else "has_tray"
    told = Told(code, state.elapsed, claim.name, bound_at=taken.bound_at)
    return _say(state, told, event.tag), ()


def _awaits(state: State, tag: str) -> State:
    """The tray waits for its diner, where it may be given out."""
    return _refuse(state, tag) if state.gone(tag) else replace(state, waits=tag)


def _refuse(state: State, tag: str) -> State:
    name = state.phase.name if isinstance(state.phase, Claim) else ""
    return _say(state, Told(f"tray_{state.gone(tag)}", state.elapsed, name), tag)


def _end(state: State, tag: str, held: OpenTray | None) -> Step:
    """End the tray's session; where nobody here knows it, the server does."""
    ended = TrayEnded(
        id=state.at.new_id, tray=tag, session_id=held.session_id if held else None,
        how=state.how, at=state.at.now,
    )  # fmt: skip
    writing = Writing(ended, held.name if held else "")
    return replace(state, phase=writing, waits="", notice=""), (Write(ended),)


def _written(state: State, event: Written) -> Step:
    phase = state.phase
    if not isinstance(phase, Writing) or phase.entry.id != event.entry_id:
        return state, ()
    entry = phase.entry
    if isinstance(entry, TrayBound):
        return _say(state, Told("go", state.elapsed, phase.name, entry_id=entry.id), entry.tray), ()
    found = state.gone(entry.tray)
    told = Told("ended", state.elapsed, phase.name, entry_id=entry.id, found=found)
    return _say(state, told, entry.tray), (AskBill(entry),)


def _failed(state: State, event: WriteFailed) -> Step:
    phase = state.phase
    if not isinstance(phase, Writing) or phase.entry.id != event.entry_id:
        return state, ()
    return _say(state, Told("failed", state.elapsed, phase.name), phase.entry.tray), ()


def _billed(state: State, event: Billed) -> Step:
    phase = state.phase
    if not isinstance(phase, Told) or phase.entry_id != event.entry_id:
        return state, ()
    return replace(state, phase=replace(phase, total=event.total, since=state.elapsed)), ()


# --- hands and time -----------------------------------------------------------------------------


def _pressed(state: State, event: Pressed) -> Step:
    phase = state.phase
    if event.action == "cancel" and isinstance(phase, Claim | Told):
        return replace(state, phase=Idle(), notice=""), ()
    if event.action == "return" and state.waits and isinstance(phase, Idle):
        return _end(state, state.waits, None)
    if event.action == "pin" and isinstance(phase, Claim) and not phase.proved and phase.name:
        return state, (CheckPin(phase.diner_id, event.digits),)
    return state, ()


def _time_passed(state: State) -> Step:
    if state.notice and state.elapsed >= state.notice_until:
        state = replace(state, notice="")
    phase, timing = state.phase, state.timing
    if isinstance(phase, Claim) and state.elapsed - phase.since >= timing.who:
        return _tell(replace(state, phase=Idle()), "timed_out"), ()
    if isinstance(phase, Claim) and phase.proved and state.foreign and not state.tags:
        waited = state.elapsed - phase.since
        return _tell(state, "foreign") if waited >= timing.foreign else state, ()
    if isinstance(phase, Told):
        shown = state.elapsed - phase.since
        if shown >= (timing.told_longest if state.tags & state.done else timing.told):
            return _proceed(replace(state, phase=Idle()))
    return state, ()


def _say(state: State, told: Told, tag: str = "") -> State:
    done = state.done | {tag} if tag else state.done
    return replace(state, phase=told, done=done, waits="", notice="")


def _tell(state: State, code: str) -> State:
    return replace(state, notice=code, notice_until=state.elapsed + state.timing.notice)
