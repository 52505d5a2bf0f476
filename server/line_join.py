"""Whose is a scoop? The stations' scoops joined to the sessions of a tray, whatever clocks say.

Pure: knows no database. A station that the feed reached names the session itself; one that was cut
off knows the tray alone, and then the time decides.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from dafan.line import Scoop, ScoopTaken, Tab, TrayBound, TrayEnded
from dafan.units import Grams

SKEW = timedelta(seconds=30)
"""So far a corrected clock may still be wrong."""
_NONE = timedelta()


@dataclass(frozen=True, slots=True)
class Taken:
    """A scoop, and where it stands in the journal of its box."""

    terminal_id: UUID
    seq: int
    scoop: ScoopTaken


@dataclass(frozen=True, slots=True)
class Bound:
    """A binding, and the terminal that reports it."""

    terminal_id: UUID
    body: TrayBound


@dataclass(frozen=True, slots=True)
class Ended:
    """A tray that left the line, and the terminal that reports it."""

    terminal_id: UUID
    body: TrayEnded


@dataclass(frozen=True, slots=True)
class Span:
    """A session in the server's time, both ends included."""

    session_id: UUID
    tray: str
    begins: datetime
    ends: datetime
    ended: bool = False
    """The tray left the line or was bound anew; else ``ends`` is when the session times out."""

    def distance(self, moment: datetime) -> timedelta:
        """How far a moment is from the span; nothing inside."""
        return max(self.begins - moment, moment - self.ends, _NONE)


class Why(StrEnum):
    """Why a scoop has its session, or none."""

    NAMED = "named"
    """The station knew it."""
    INSIDE = "inside"
    """It was taken while the tray was in use."""
    NEAR = "near"
    """Just outside of one session, as far as clocks may differ."""
    NO_SESSION = "no_session"
    """Nobody had the tray."""
    AMBIGUOUS = "ambiguous"
    """Between two sessions, nearer than clocks can tell apart."""
    OTHER_TRAY = "other_tray"
    """It names the session of another tray."""
    UNBOUND = "unbound"
    """It names a session whose binding has not arrived."""


@dataclass(frozen=True, slots=True)
class Place:
    """The answer for one scoop."""

    session_id: UUID | None
    why: Why


def spans(
    bound: Iterable[Bound], ended: Iterable[Ended], offsets: Mapping[UUID, timedelta],
    open_minutes: int,
) -> list[Span]:  # fmt: skip
    """The sessions of trays; those of one tag never overlap.

    Args:
        bound: Bindings of any trays; of one session told twice the first counts.
        ended: What left the line. One without a session ends the last that was begun before it.
        offsets: Terminal → the server's time less its clock; nothing where it is not known.
        open_minutes: A session that nothing ends ends after so long.
    """
    trays: dict[str, dict[UUID, Span]] = {}
    for one in sorted(bound, key=lambda each: (each.body.at, each.body.id)):
        begins = one.body.at + offsets.get(one.terminal_id, _NONE)
        span = Span(one.body.id, one.body.tray, begins, begins + timedelta(minutes=open_minutes))
        trays.setdefault(one.body.tray, {}).setdefault(one.body.id, span)
    leaving: dict[str, list[tuple[datetime, UUID | None]]] = {}
    for gone in ended:
        at = gone.body.at + offsets.get(gone.terminal_id, _NONE)
        leaving.setdefault(gone.body.tray, []).append((at, gone.body.session_id))
    found: list[Span] = []
    for tray, known in trays.items():
        found += _of_tray(
            sorted(known.values(), key=lambda each: (each.begins, each.session_id)),
            sorted(leaving.get(tray, ()), key=lambda each: each[0]),
        )
    return found


def _of_tray(begun: Sequence[Span], leaving: Sequence[tuple[datetime, UUID | None]]) -> list[Span]:
    ends: dict[UUID, datetime] = {}
    for at, session_id in leaving:
        ended = session_id or _last_before(begun, at)
        if ended is not None:
            ends.setdefault(ended, at)
    closed = []
    for place, span in enumerate(begun):
        until = ends.get(span.session_id)
        if place + 1 < len(begun):  # taken anew: whoever had it before has it no more
            following = begun[place + 1].begins
            until = following if until is None else min(until, following)
        if until is None or until > span.ends:
            closed.append(span)
        else:
            closed.append(replace(span, ends=max(until, span.begins), ended=True))
    return closed


def _last_before(begun: Sequence[Span], at: datetime) -> UUID | None:
    before = [span for span in begun if span.begins <= at]
    if before:
        return before[-1].session_id
    return begun[0].session_id if begun and begun[0].begins <= at + SKEW else None


def place(scoop: ScoopTaken, at: datetime, known: Iterable[Span], skew: timedelta = SKEW) -> Place:
    """The session of one scoop.

    Args:
        scoop: As its station told it.
        at: When, in the server's time.
        known: As :func:`spans` gives them, of this tray at least.
        skew: As far as a corrected clock may be wrong.
    """
    mine = []
    for span in known:
        if span.session_id == scoop.session_id:
            if span.tray != scoop.tray:
                return Place(None, Why.OTHER_TRAY)
            return Place(span.session_id, Why.NAMED)
        if span.tray == scoop.tray:
            mine.append(span)
    if scoop.session_id is not None:
        return Place(None, Why.UNBOUND)
    inside = [span for span in mine if not span.distance(at)]
    if inside:  # at the very moment of a new binding: the new one
        return Place(max(inside, key=lambda span: span.begins).session_id, Why.INSIDE)
    near = [span for span in mine if span.distance(at) <= skew]
    if len(near) == 1:
        return Place(near[0].session_id, Why.NEAR)
    return Place(None, Why.AMBIGUOUS if near else Why.NO_SESSION)


def join(
    taken: Iterable[Taken], known: Sequence[Span], offsets: Mapping[UUID, timedelta],
    skew: timedelta = SKEW,
) -> dict[UUID, Place]:  # fmt: skip
    """Scoop → its place, for scoops of any trays; arguments as those of :func:`place`."""
    trays: dict[str, list[Span]] = {}
    sessions = {span.session_id: span for span in known}
    for span in known:
        trays.setdefault(span.tray, []).append(span)
    found = {}
    for one in taken:
        near = trays.get(one.scoop.tray, [])
        named = sessions.get(one.scoop.session_id) if one.scoop.session_id else None
        at = one.scoop.at + offsets.get(one.terminal_id, _NONE)
        found[one.scoop.id] = place(one.scoop, at, [named] if named else near, skew)
    return found


@dataclass(frozen=True, slots=True)
class PanTab:
    """What a session has of one pan."""

    terminal_id: UUID
    pan_id: UUID
    dish_id: UUID
    name: str
    tab: Tab


@dataclass(frozen=True, slots=True)
class Folded:
    """A session's scoops as they are to be paid."""

    tabs: tuple[PanTab, ...]
    """In the order in which the pans were first used; without those of which nothing is left."""
    excess: tuple[UUID, ...]
    """Scoops that gave back more than the session has of their pan: a person judges them."""

    @property
    def amount(self) -> int:
        """Fen before any discount."""
        return sum(one.tab.amount for one in self.tabs)

    @property
    def grams(self) -> int:
        """On the tray."""
        return sum(one.tab.grams for one in self.tabs)

    @property
    def scoops(self) -> list[tuple[PanTab, Scoop]]:
        """Every scoop that is still on the tray, with the pan that it is from."""
        return [(one, scoop) for one in self.tabs for scoop in one.tab.scoops]


def fold(taken: Iterable[Taken]) -> Folded:
    """Fold the scoops of one session, pan by pan, each in its station's own sequence."""
    ordered = sorted(taken, key=lambda each: (each.scoop.at, each.terminal_id, each.seq))
    pans: dict[tuple[UUID, UUID], list[Taken]] = {}
    for one in ordered:
        pans.setdefault((one.terminal_id, one.scoop.pan_id), []).append(one)
    tabs, excess = [], []
    for (terminal_id, pan_id), scoops in pans.items():
        tab = Tab()
        for one in sorted(scoops, key=lambda each: each.seq):
            if one.scoop.grams > 0:
                free = not one.scoop.amount
                tab = tab.take(one.scoop.grams, one.scoop.unit_price, free=free)
            elif -one.scoop.grams <= tab.grams:
                tab = tab.put_back(Grams(-one.scoop.grams))
            else:
                excess.append(one.scoop.id)
        if tab.scoops:
            first = scoops[0].scoop
            tabs.append(PanTab(terminal_id, pan_id, first.dish_id, first.name, tab))
    return Folded(tuple(tabs), tuple(excess))
