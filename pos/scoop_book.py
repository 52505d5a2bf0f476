"""What a change of a pan's weight is: a scoop, food put back, or something to be told. Pure.

Every function takes the weight at rest up to which a time is to be accounted for, and moves
``latch`` by exactly what it writes: what the scale cannot tell from nothing stays in the latch.
"""

from datetime import timedelta
from uuid import UUID

from dafan.line import ALARMS, PanChange, PanChanged, ScoopTaken, SmallScoop, Tab
from dafan.money import Fen
from dafan.units import Grams
from pos.scoop_state import (
    MAX_TABS,
    NAMELESS_S,
    STAY_S,
    Draft,
    Offer,
    State,
    TrayTab,
    but,
    session_of,
)

_MAX_TRAYS = 8
_NOBODY: frozenset[str] = frozenset()


def settle(state: State, weight: Grams, *, steady: bool = True) -> State:
    """Account for what the owner's time did, up to a weight, when it ends.

    What is too little for a scoop is nobody's: whoever comes next does not begin with it.
    """
    loss = state.latch - weight
    if abs(loss) <= state.e_grams:
        return state
    cards = [tag for tag in state.owner if tag in state.line.cards]
    if cards:
        return change(state, PanChange.FILLED, weight, staff=cards[0])
    if not state.owner or abs(loss) < state.least:
        return change(state, PanChange.DRIFTED, weight)
    if len(state.owner) > 1:
        kind = PanChange.TWO_TRAYS if loss > 0 else PanChange.BROUGHT
        return change(state, kind, weight)
    (tag,) = state.owner
    return _of_one(state, tag, weight, steady=steady)


def _of_one(state: State, tag: str, weight: Grams, *, steady: bool) -> State:
    """What one tray took or gave back."""
    taken = weight < state.latch
    if slides_by(state, tag):
        return change(state, PanChange.UNPAID if taken else PanChange.BROUGHT, weight)
    if taken:
        return _taken(state, tag, weight, steady=steady)
    return _put_back(state, tag, weight, steady=steady)


def slides_by(state: State, tag: str) -> bool:
    """Nobody scoops so quickly: the tray of whoever did was not seen, and another one slid by."""
    came, seen = state.stays.get(tag, (0.0, 0.0))
    return seen - came < STAY_S


def change(
    state: State,
    kind: PanChange,
    after: Grams,
    *,
    staff: str | None = None,
) -> State:
    """Write a change that nobody is charged for."""
    if state.pan_id is None:
        return state
    seen = state.seen | state.owner if kind in ALARMS else _NOBODY
    trays = tuple(sorted(seen)) or (state.last if kind in ALARMS else ())
    draft = Draft(
        kind, state.pan_id, state.latch, after, state.at.now,
        tuple(tag for tag in trays if tag not in state.line.cards)[:_MAX_TRAYS], staff,
    )  # fmt: skip
    return but(state, latch=after, queue=(*state.queue, draft))


def _taken(state: State, tag: str, weight: Grams, *, steady: bool) -> State:
    offer, grams = state.offer, Grams(state.latch - weight)
    if offer is None:
        return change(state, PanChange.UNPAID, weight)
    scale = state.line.scale
    light = scale is not None and grams < scale.minimum
    free = light and state.line.rules.small is SmallScoop.FREE
    known = tab_of_tray(state, tag)
    tab = known.take(grams, offer.price, free=free)
    return _scoop(state, tag, weight, known, tab, offer, steady=steady)


def _put_back(state: State, tag: str, weight: Grams, *, steady: bool) -> State:
    """Credit it, at most what the tray has taken; what is clearly more was brought by somebody."""
    gain, known, offer = weight - state.latch, tab_of_tray(state, tag), state.offer
    if gain - known.grams >= state.least or not known.grams or offer is None:
        return change(state, PanChange.BROUGHT, weight)
    back = Grams(min(gain, known.grams))
    after = Grams(state.latch + back)
    return _scoop(state, tag, after, known, known.put_back(back), offer, steady=steady)


def _scoop(
    state: State, tag: str, after: Grams, known: Tab, tab: Tab, offer: Offer, *, steady: bool
) -> State:
    if state.pan_id is None:
        return state
    session_id = session_of(state, tag)
    draft = Draft(
        offer, state.pan_id, state.latch, after, state.at.now, (tag,), None, session_id,
        Fen(tab.amount - known.amount), steady,
    )  # fmt: skip
    state = remember(state, tag, session_id, tab)
    return but(state, latch=after, queue=(*state.queue, draft))


# --- what trays have taken ----------------------------------------------------------------------


def tab_of_tray(state: State, tag: str) -> Tab:
    """What the tray that stands there has taken here in its session, as far as that is known."""
    known = state.tabs.get(tag)
    if known is None:
        return Tab()
    session_id = session_of(state, tag)
    sure = session_id is not None and session_id == known.session_id
    other = None not in (session_id, known.session_id) and not sure
    limit = state.line.rules.open_minutes * 60.0 if sure else NAMELESS_S
    old = abs(state.at.now - known.at) > timedelta(seconds=limit)
    return Tab() if other or old else known.tab


def remember(state: State, tag: str, session_id: UUID | None, tab: Tab) -> State:
    """Keep what a tray has taken, the newest last; the oldest is forgotten."""
    known = state.tabs.get(tag)
    if session_id is None and known is not None:
        session_id = known.session_id
    tabs = {each: kept for each, kept in state.tabs.items() if each != tag}
    tabs[tag] = TrayTab(session_id, tab, state.at.now)
    if len(tabs) > MAX_TABS:
        del tabs[next(iter(tabs))]
    return but(state, tabs=tabs)


# --- the entry ----------------------------------------------------------------------------------


def entry_of(draft: Draft, station: int, entry_id: UUID) -> ScoopTaken | PanChanged:
    """The draft as it goes into the journal."""
    what = draft.what
    if isinstance(what, PanChange):
        return PanChanged(
            id=entry_id, station=station, pan_id=draft.pan_id, kind=what,
            before=draft.before, after=draft.after, trays=draft.trays, staff=draft.staff,
            at=draft.at,
        )  # fmt: skip
    return ScoopTaken(
        id=entry_id, station=station, pan_id=draft.pan_id, tray=draft.trays[0],
        session_id=draft.session_id, dish_id=what.dish_id, name=what.name,
        unit_price=what.price, grams=Grams(draft.before - draft.after),
        amount=draft.amount, before=draft.before, after=draft.after, steady=draft.steady,
        at=draft.at,
    )  # fmt: skip
