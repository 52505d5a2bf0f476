"""The return station: ``step(state, event) -> (state, effects)``. Pure.

Who it is, the tray on the scale, written, told: in whichever order card and tray come. A tray
counts when the scale has been empty since the last one. What it earned the server says; while it
cannot be asked, the diner hears that the tray is noted. Time, disk, scale, reader and network are
outside, as at the till (``pos.events``).
"""

from dataclasses import dataclass, field, replace
from typing import Literal
from uuid import UUID

from dafan.plates import MAX_GRAMS, PlateAnswer, PlateReturn
from dafan.units import Grams
from pos.events import (
    AccountRead,
    CardSeen,
    Health,
    HealthChanged,
    Moment,
    QrSeen,
    ReadAccount,
    SnapshotChanged,
    Tick,
    Weighed,
)
from pos.snapshot import Catalogue, mask

LOADED_GRAMS = 60
"""Less is no tray: a hand, a napkin."""
EMPTY_GRAMS = 30
"""So little is an empty scale."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long the station waits, in seconds of :attr:`pos.events.Moment.elapsed`."""

    who: float = 20.0
    """For the tray, after the card."""
    answer: float = 2.5
    """For the server, before the diner hears that it is noted."""
    told: float = 3.0
    """What is told stays so long ..."""
    told_longest: float = 9.0
    """... and no longer where the tray stays."""
    notice: float = 4.0
    stale: float = 1.5
    """An older weight is none."""


class Code:
    """What a notice is about; the words stand in ``pos.kiosk.plate_texts``."""

    UNKNOWN, LOST, TIMED_OUT = "unknown", "lost", "timed_out"


# --- events and effects of its own --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReturnWritten:
    """The return is on the disk: it will reach the server, whatever happens now."""

    at: Moment
    plate_id: UUID


@dataclass(frozen=True, slots=True)
class ReturnFailed:
    """The return is certainly not on the disk."""

    at: Moment
    plate_id: UUID


@dataclass(frozen=True, slots=True)
class Answered:
    """What the server made of a return."""

    at: Moment
    plate_id: UUID
    answer: PlateAnswer


@dataclass(frozen=True, slots=True)
class WriteReturn:
    """Write it; answer with :class:`ReturnWritten` or :class:`ReturnFailed`."""

    plate: PlateReturn


@dataclass(frozen=True, slots=True)
class AskVerdict:
    """Answer with :class:`Answered`, if the server can be reached soon."""

    plate_id: UUID


Event = (
    Weighed | CardSeen | QrSeen | AccountRead | ReturnWritten | ReturnFailed | Answered
    | SnapshotChanged | HealthChanged | Tick
)  # fmt: skip
Effect = ReadAccount | WriteReturn | AskVerdict
By = Literal["card", "qr"]


# --- what it remembers --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Idle:
    """Nobody has said who he is."""


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody has; ``name`` is masked."""

    diner_id: UUID
    name: str
    by: By
    since: float


@dataclass(frozen=True, slots=True)
class Sent:
    """His tray has been weighed: being written, and then being judged."""

    plate: PlateReturn
    name: str
    since: float
    written: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """He reads what became of it; without an answer: that it is noted, or (``failed``) not."""

    plate: PlateReturn
    name: str
    since: float
    answer: PlateAnswer | None = None
    failed: bool = False


Phase = Idle | Known | Sent | Told


@dataclass(frozen=True, slots=True)
class Pan:
    """The scale's newest word."""

    grams: Grams | None = None
    stable: bool = False
    fault: bool = False
    arrived: float = float("-inf")


@dataclass(frozen=True, slots=True)
class State:
    """All that a station knows between two events."""

    at: Moment
    catalogue: Catalogue = field(default_factory=Catalogue)
    health: Health = field(default_factory=Health)
    timing: Timing = field(default_factory=Timing)
    phase: Phase = field(default_factory=Idle)
    pan: Pan = field(default_factory=Pan)
    armed: bool = False
    """The scale has been empty since the last tray."""
    asked: By = "card"
    """How the one whose account is being read has said who he is."""
    notice: str = ""
    notice_until: float = 0.0

    @property
    def elapsed(self) -> float:
        """Seconds that never run backwards."""
        return self.at.elapsed

    @property
    def weight(self) -> Grams | None:
        """What rests on the scale now; ``None``: it moves, or nobody knows."""
        fresh = self.elapsed - self.pan.arrived <= self.timing.stale
        return self.pan.grams if fresh and self.pan.stable and not self.pan.fault else None

    @property
    def loaded(self) -> bool:
        """A tray rests on the scale."""
        return self.weight is not None and self.weight >= LOADED_GRAMS


Step = tuple[State, tuple[Effect, ...]]


def step(state: State, event: Event) -> Step:  # noqa: C901, PLR0911 - one line for each kind of event
    """What an event makes of the station, and what is to be done about it."""
    state = replace(state, at=event.at)
    match event:
        case Weighed():
            return _weighed(state, event)
        case CardSeen():
            return _claimed(state, None if event.lost else event.diner_id, "card", event.lost)
        case QrSeen():
            return _claimed(state, event.diner_id, "qr", lost=False)
        case AccountRead():
            return _known(state, event)
        case ReturnWritten():
            return _written(state, event)
        case ReturnFailed():
            return _failed(state, event)
        case Answered():
            return _answered(state, event)
        case SnapshotChanged():
            return replace(state, catalogue=event.catalogue), ()
        case HealthChanged():
            return replace(state, health=event.health), ()
        case Tick():
            return _time_passed(state)


def _weighed(state: State, event: Weighed) -> Step:
    fault = event.over or event.garbled
    state = replace(state, pan=Pan(event.grams, event.stable, fault, event.arrived))
    weight = state.weight
    if event.negative or (weight is not None and weight < EMPTY_GRAMS):
        state = replace(state, armed=True)
    return _weigh(state)


def _weigh(state: State) -> Step:
    """Take the tray in where its diner is known."""
    phase, weight = state.phase, state.weight
    if not isinstance(phase, Known) or not (state.armed and state.loaded) or weight is None:
        return state, ()
    plate = PlateReturn(
        id=state.at.new_id, diner_id=phase.diner_id, by=phase.by,
        grams=min(weight, MAX_GRAMS), at=state.at.now,
    )  # fmt: skip
    sent = Sent(plate, phase.name, state.elapsed)
    return replace(state, phase=sent, armed=False, notice=""), (WriteReturn(plate),)


def _claimed(state: State, diner_id: UUID | None, by: By, lost: bool) -> Step:
    if isinstance(state.phase, Sent) or state.health.revoked or not state.catalogue.ready:
        return state, ()
    if diner_id is None:
        return _tell(state, Code.LOST if lost else Code.UNKNOWN), ()
    return replace(state, asked=by), (ReadAccount(diner_id),)


def _known(state: State, event: AccountRead) -> Step:
    if isinstance(state.phase, Sent):
        return state, ()
    if event.account is None:
        return _tell(state, Code.UNKNOWN), ()
    name = mask(event.account.diner.name)
    known = Known(event.diner_id, name, state.asked, state.elapsed)
    return _weigh(replace(state, phase=known, notice=""))


def _written(state: State, event: ReturnWritten) -> Step:
    phase = state.phase
    if not isinstance(phase, Sent) or phase.plate.id != event.plate_id:
        return state, ()
    return replace(state, phase=replace(phase, written=True)), (AskVerdict(event.plate_id),)


def _failed(state: State, event: ReturnFailed) -> Step:
    phase = state.phase
    if not isinstance(phase, Sent) or phase.plate.id != event.plate_id:
        return state, ()
    told = Told(phase.plate, phase.name, state.elapsed, failed=True)
    return replace(state, phase=told), ()


def _answered(state: State, event: Answered) -> Step:
    """Also when the diner has read that it is noted: while he stands here, he sees the rest."""
    phase = state.phase
    if not isinstance(phase, Sent | Told) or phase.plate.id != event.plate_id:
        return state, ()
    return replace(state, phase=Told(phase.plate, phase.name, state.elapsed, event.answer)), ()


def _time_passed(state: State) -> Step:
    if state.notice and state.elapsed >= state.notice_until:
        state = replace(state, notice="")
    phase, timing = state.phase, state.timing
    match phase:
        case Known() if state.elapsed - phase.since >= timing.who:
            return _tell(replace(state, phase=Idle()), Code.TIMED_OUT), ()
        case Sent(written=True) if state.elapsed - phase.since >= timing.answer:
            return replace(state, phase=Told(phase.plate, phase.name, state.elapsed)), ()
        case Told():
            shown = state.elapsed - phase.since
            if shown >= (timing.told if state.armed else timing.told_longest):
                return replace(state, phase=Idle()), ()
    return state, ()


def _tell(state: State, code: str) -> State:
    return replace(state, notice=code, notice_until=state.elapsed + state.timing.notice)
