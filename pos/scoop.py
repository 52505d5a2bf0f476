"""The scoop station: ``step(state, event) -> (state, effects)``. Pure.

A pan stands on a scale, a reader sees which trays are there. Food belongs to whoever stood there
between two weights at rest: to exactly one tray it is charged; to none or to two it is an alarm;
to a staff card it is filling. A charge is the weight before less the weight after, and each entry
begins where the one before it ended, so that every gram that a pan loses stands in one entry.

Time, disk, scale and reader are outside, as at the till. One box runs several stations; they
share nothing but its journal.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from dafan.line import PanChange, PanChanged, ScoopTaken
from dafan.units import Grams
from pos.events import HealthChanged, Moment, Tick, Weighed
from pos.scoop_book import change, entry_of, remember, settle, slides_by, tab_of_tray
from pos.scoop_open import bar_of, offer_of, shut_of
from pos.scoop_state import (
    BAR_S,
    FILL_G,
    LIFT_S,
    RETRY_S,
    STALE_S,
    TAG_S,
    TOLD_S,
    Effect,
    Event,
    Line,
    LineChanged,
    Refill,
    State,
    Step,
    TagsSeen,
    Told,
    Write,
    WriteFailed,
    Written,
    but,
    seen_by,
)
from pos.scoop_weight import OFF_FRAMES, take

_NOBODY: frozenset[str] = frozenset()


def begin(
    at: Moment, no: int, line: Line, entries: Iterable[ScoopTaken | PanChanged] = ()
) -> State:
    """A station after the power came back.

    Args:
        at: Now.
        no: Its number on its box.
        line: What the feed says about it.
        entries: The station's own in its journal, in sequence; the last one at least. The more
            there are, the better it knows what trays that come back have taken.
    """
    state = State(at, no, line)
    for entry in entries:
        left = isinstance(entry, PanChanged) and entry.kind is PanChange.CLEARED
        state = but(state, pan_id=None if left else entry.pan_id, latch=entry.after)
        if isinstance(entry, ScoopTaken):
            state = _recalled(state, entry)
        elif left:
            state = but(state, tabs={})
    state = but(state, at=at, rest=state.latch)
    return _checked(_changed_pan(state, line))


def step(state: State, event: Event) -> Step:
    """What an event makes of the station, and what is to be written about it."""
    state = but(state, at=event.at)
    match event:
        case Weighed():
            state = _weighed(state, event)
        case TagsSeen():
            state = _tags(_time_passed(state), event.tags)
        case Tick():
            state = _checked(_time_passed(state))
        case LineChanged():
            state = _checked(_told_line(_time_passed(state), event.line))
        case HealthChanged():
            state = _checked(but(state, health=event.health))
        case Written():
            state = _written(state, event)
        case WriteFailed():
            if state.sent is not None and state.sent.id == event.entry_id:
                state = but(state, failed=state.elapsed)
    return _emit(state)


def _emit(state: State) -> tuple[State, tuple[Effect, ...]]:
    """Write what is due: one entry at a time, so that they stand in the order of the weights."""
    if state.sent is not None:
        if state.failed is None or state.elapsed - state.failed < RETRY_S:
            return state, ()
        return but(state, failed=state.elapsed), (Write(state.sent),)
    if not state.queue:
        return state, ()
    entry = entry_of(state.queue[0], state.no, state.at.new_id)
    return but(state, sent=entry), (Write(entry),)


def _written(state: State, event: Written) -> State:
    entry = state.sent
    if entry is None or entry.id != event.entry_id:
        return state
    told = Told(entry, state.elapsed + TOLD_S)
    state = but(state, sent=None, queue=state.queue[1:], told=told)
    return state if state.failed is None else but(state, failed=None, blind=True)


# --- the scale ----------------------------------------------------------------------------------


def _weighed(state: State, event: Weighed) -> State:
    if state.elapsed - event.arrived > STALE_S:
        return _time_passed(state)
    rules = state.line.rules
    if not state.blind and event.arrived - state.pan.arrived > STALE_S:
        state = but(state, blind=True)
    low = state.rest - rules.step_grams
    pan = take(state.pan, event, rules.settle_ms / 1000, state.e_grams, low)
    if pan is state.pan:
        return _time_passed(state)
    state = _time_passed(but(state, pan=pan, moved=state.moved or pan.rest is None))
    if pan.rest is None:
        return state
    if state.shut or state.failed is not None:
        return state
    return _rests(state, pan.rest)


def _rests(state: State, weight: Grams) -> State:
    """A weight at rest: whatever the time since the last one was."""
    if state.pan_id is None:
        if weight < state.least:
            return state
        state = but(state, pan_id=state.line.pan_id, latch=Grams(0))
        return _from_here(change(state, PanChange.PLACED, weight), weight)
    jump = abs(weight - state.rest) >= state.line.rules.step_grams
    if state.blind:
        same = len(state.owner) == 1 and state.owner == state.here == state.seen
        if jump or not same:
            return _sees_again(state, weight)
    off = jump or state.lifted is not None or state.pan.off >= OFF_FRAMES
    if (off or _too_much(state, weight)) and state.refill is None:
        return _put_back_on(state, weight)
    return _watched(state, weight)


def _watched(state: State, weight: Grams) -> State:
    """What changed since the last weight at rest belongs to whoever was seen since."""
    if state.left and state.seen and state.refill is None:
        return _nobodys(state, weight)
    if state.seen != state.owner:
        state = but(settle(state, state.rest), owner=state.seen)
    if not state.owner:
        state = _unattended(state, weight)
    state = but(state, rest=weight, moved=False, blind=False, away=None)
    if state.refill is not None:
        state = _filled(state, state.refill)
    here = state.here
    if here != state.owner:
        return _from_here(settle(state, weight), weight)
    quiet = state.elapsed - state.pan.since >= state.line.rules.quiet_ms / 1000
    if not quiet or state.refill is not None or abs(state.latch - weight) < state.least:
        return state
    stays = here and not any(slides_by(state, tag) for tag in here)
    return _from_here(settle(state, weight), weight) if stays else state


def _nobodys(state: State, weight: Grams) -> State:
    """One left before it rested, another came before it rested: nobody can tell who took what."""
    state = settle(state, state.rest)
    if abs(state.latch - weight) >= state.least:
        kind = PanChange.TWO_TRAYS if weight < state.latch else PanChange.BROUGHT
        state = change(but(state, seen=state.seen | state.left), kind, weight)
    return _from_here(state, weight)


def _from_here(state: State, weight: Grams) -> State:
    """All before is accounted for; a new time begins, of those who are here."""
    here = state.here
    trays = tuple(sorted(tag for tag in here if tag not in state.line.cards))
    stays = {tag: stay for tag, stay in state.stays.items() if tag in here}
    return replace(
        state, rest=weight, moved=False, blind=False, lifted=None, away=None, left=_NOBODY,
        owner=here, seen=here, stays=stays, last=trays or state.last,
        offer=offer_of(state.line.dish), pan=replace(state.pan, off=0),
    )  # fmt: skip


def _too_much(state: State, weight: Grams) -> bool:
    """It gained what nobody who stands there had taken: somebody leans on it, or brings food."""
    if not state.moved:
        return False
    if len(state.seen) != 1:
        return weight - state.rest >= state.least
    (tag,) = state.seen
    begins = state.latch if state.owner == state.seen else state.rest
    return weight - begins - tab_of_tray(state, tag).grams >= state.least


def _unattended(state: State, weight: Grams) -> State:
    """Nobody was here: at once it was taken, little by little it drifted."""
    if state.moved and state.rest - weight >= state.least:
        return change(settle(state, state.rest), PanChange.UNPAID, weight)
    if abs(state.latch - weight) >= state.least:
        return change(state, PanChange.DRIFTED, weight)
    return state


def _sees_again(state: State, weight: Grams) -> State:
    """Nobody watched: whatever changed, nobody is charged for it."""
    state = settle(state, state.rest)
    if abs(state.latch - weight) >= state.least:
        state = change(state, PanChange.OUTAGE, weight)
    return _from_here(state, weight)


def _put_back_on(state: State, weight: Grams) -> State:
    """A pan that was lifted, filled unasked or leaned on: never a charge, also not when it ends.

    What the trays took before, they took. Back at its weight, nothing has happened; else it is
    told, in a while where it may still come back. Where one tray made it heavier and another came
    before it was back, that one may have taken what was brought: that is told, too.
    """
    if state.lifted is None:
        state = but(
            settle(state, state.rest), lifted=state.elapsed, brought=None, owner=_NOBODY, away=None
        )
    step_grams, by = state.line.rules.step_grams, weight - state.rest
    if abs(by) < state.least:
        came = bool(state.brought) and len(state.seen) > 1
        return _from_here(change(state, PanChange.BROUGHT, weight) if came else state, weight)
    waits = by > 0 or by <= -step_grams
    if by > 0 and state.brought is None:
        state = but(state, brought=state.seen)
    if waits and state.elapsed - (state.lifted or 0.0) < LIFT_S:
        return state
    kind = PanChange.BROUGHT if 0 < by < step_grams else PanChange.LIFTED
    return _from_here(change(state, kind, weight), weight)


def _filled(state: State, refill: Refill) -> State:
    """The pan closes again: in time, by the card, or when it stands there filled."""
    quiet = state.elapsed - state.pan.since >= state.line.rules.quiet_ms / 1000
    base = state.rest if refill.base is None else refill.base
    full = state.rest >= base + FILL_G and quiet and refill.card not in state.tags
    if refill.ends or full or state.elapsed >= refill.until:
        return but(state, refill=None)
    return but(state, refill=replace(refill, base=base)) if refill.base is None else state


# --- trays and cards ----------------------------------------------------------------------------


def _tags(state: State, tags: frozenset[str]) -> State:
    tags = seen_by(state, tags)
    if not tags:
        return state
    known = {**state.tags, **dict.fromkeys(tags, state.elapsed)}
    for card in tags - state.tags.keys():
        if card in state.line.cards:
            state = _card(state, card)
    now = state.elapsed
    stays = {tag: (state.stays.get(tag, (now, now))[0], now) for tag in tags}
    state = but(state, tags=known, stays={**state.stays, **stays})
    here = state.here
    if state.away is not None and state.awaited & here:
        state = but(state, away=None)
    if here <= state.seen:
        return state
    trays = tuple(sorted(tag for tag in here if tag not in state.line.cards))
    return but(state, seen=state.seen | here, last=trays or state.last)


def _card(state: State, card: str) -> State:
    if state.refill is not None:
        return but(state, refill=replace(state.refill, ends=True))
    until = state.elapsed + state.line.rules.refill_s
    return but(state, refill=Refill(card, until), seen=state.seen | {card})


def _time_passed(state: State) -> State:
    now = state.elapsed
    if state.tags and min(state.tags.values()) < now - TAG_S:
        left = {tag: seen for tag, seen in state.tags.items() if seen >= now - TAG_S}
        state = but(state, tags=left)
        gone = state.awaited and state.away is None and not state.awaited & state.here
        state = but(state, away=now) if gone else state
    if state.told is not None and now >= state.told.until:
        state = but(state, told=None)
    if state.silent and not state.blind:
        state = but(state, blind=True)
    if state.away is not None and not state.blind:
        state = _patient(state, state.away)
    return state


def _patient(state: State, away: float) -> State:
    """The tray has gone and nothing rests: the last weight at rest counts, and says so."""
    if state.elapsed - away < state.line.rules.patience_ms / 1000:
        return state
    owner, closed = state.owner, state.shut or state.refill or state.lifted is not None
    if closed or len(owner) > 1 or state.failed is not None:
        return but(state, away=None)
    if not owner:  # it moved already when they came
        return but(state, away=None, left=state.left | state.seen, seen=state.here)
    state = settle(state, state.rest, steady=False)
    seen = state.here if state.seen == owner else state.seen
    left = state.left | owner - seen
    return but(state, away=None, left=left, owner=seen, seen=seen, last=tuple(sorted(owner)))


# --- the feed, the law, the devices -------------------------------------------------------------


def _told_line(state: State, line: Line) -> State:
    if line.pan_id != state.line.pan_id or line.pan_id != state.pan_id:
        state = _changed_pan(state, line)
    refill = state.refill
    if refill is not None and refill.card not in line.cards:
        held = {refill.card: state.line.cards[refill.card]}
        line = replace(line, cards={**line.cards, **held})
    state = but(state, line=line, bar_at=None)
    stands = [tag for tag in state.owner if tag not in line.cards]
    return state if stands else but(state, offer=offer_of(line.dish))


def _changed_pan(state: State, line: Line) -> State:
    """Another pan is set, or none: the one that was counted ends."""
    if state.pan_id is None or state.pan_id == line.pan_id:
        return state
    if not state.blind and not state.shut:
        state = settle(state, state.rest)
    state = change(state, PanChange.CLEARED, Grams(0))
    return replace(
        state,
        pan_id=None,
        latch=Grams(0),
        rest=Grams(0),
        owner=_NOBODY,
        left=_NOBODY,
        tabs={},
        lifted=None,
    )


def _checked(state: State) -> State:
    """Open or closed; what was taken until now is accounted for before the station closes."""
    now = state.at.now
    if state.bar_at is None or abs(now - state.bar_at) >= timedelta(seconds=BAR_S):
        state = but(state, bar=bar_of(state), bar_at=now)
    shut = shut_of(state)
    if shut == state.shut:
        return state
    if shut and not state.shut:
        if not state.blind and state.failed is None:
            state = settle(state, state.rest)
        return but(
            state, shut=shut, blind=True, owner=_NOBODY, left=_NOBODY, away=None, lifted=None
        )
    return but(state, shut=shut, offer=offer_of(state.line.dish))


def _recalled(state: State, entry: ScoopTaken) -> State:
    """What a tray has taken, as the journal tells it."""
    state = but(state, at=replace(state.at, now=entry.at))
    tab = tab_of_tray(state, entry.tray)
    if entry.grams > 0:
        tab = tab.take(entry.grams, entry.unit_price, free=not entry.amount)
    else:
        tab = tab.put_back(Grams(min(-entry.grams, tab.grams)))
    return remember(state, entry.tray, entry.session_id, tab)
