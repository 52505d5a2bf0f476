"""What a line's day must come to, by the truth of its world and by a reckoning of its own."""

from collections.abc import Iterator
from uuid import UUID

from dafan.line import ALARMS, PanChange, PanChanged, ScoopTaken
from dafan.metrology import permitted_error
from dafan.money import divide_half_up
from dafan.units import Grams
from server.line_join import Why
from simulation.line_plan import Pan, Visit
from simulation.line_station import OPENS, RULES, Kept
from simulation.line_world import Day

NEAR_S = 12.0
"""An entry may come so long after its cause: what never rests is waited for."""
_UNSEEN = frozenset({
    PanChange.OUTAGE, PanChange.LIFTED, PanChange.BROUGHT, PanChange.FILLED, PanChange.PLACED,
})  # fmt: skip
"""What somebody takes meanwhile is in their grams, whatever those come to."""


def judge(day: Day) -> list[str]:
    """Every broken promise, in words."""
    faults = [f"station {pan.no}: {fault}" for pan in day.plan.pans for fault in _pan(day, pan)]
    return [*faults, *_books(day)]


# --- each pan: every gram stands in one entry, every charge on who took it ----------------------


def _pan(day: Day, pan: Pan) -> Iterator[str]:
    kept = day.kept[pan.no]
    least, latch = max(RULES.least_grams, 3 * pan.e_grams), 0
    for one in kept:
        if one.entry.before != latch:
            yield f"at {one.at:.1f} an entry begins at {one.entry.before} g, not at {latch} g"
        latch = one.entry.after
    lost = sum(one.entry.before - one.entry.after for one in kept)
    if lost != -latch:
        yield f"the entries come to {lost} g, the pan to {-latch} g"
    if abs(latch - day.shown[pan.no]) > least + pan.e_grams:
        yield f"{latch} g are accounted for, the scale shows {day.shown[pan.no]} g"
    yield from _charges(day, pan, kept)
    yield from _alarms(pan, kept)


def _charges(day: Day, pan: Pan, kept: list[Kept]) -> Iterator[str]:
    scoops = [one for one in kept if isinstance(one.entry, ScoopTaken)]
    changes = [one for one in kept if isinstance(one.entry, PanChanged)]
    mine: dict[int, list[Kept]] = {}
    for one in scoops:
        place = _visit_of(pan, one, _happened(day, pan, one))
        if place is None:
            yield f"at {one.at:.1f} a tray pays {one.entry.grams} g that was not there"
        else:
            mine.setdefault(place, []).append(one)
    for place, visit in enumerate(pan.visits):
        charged = mine.get(place, [])
        yield from _visit(pan, visit, charged, changes)
        for one in charged:
            yield from _session(day, visit, one)


def _happened(day: Day, pan: Pan, one: Kept) -> float:
    """When it was, true time: before it was written, where the disk was full."""
    skew = day.plan.boxes[pan.box].skew
    return (one.entry.at - OPENS).total_seconds() - skew


def _visit_of(pan: Pan, one: Kept, at: float) -> int | None:
    """The newest visit of the entry's tray that had begun when it happened."""
    entry = one.entry
    found = None
    for place, visit in enumerate(pan.visits):
        if visit.begins > at:
            break
        if isinstance(entry, ScoopTaken) and visit.session.tag == entry.tray:
            found = place
    if found is None or one.at > pan.visits[found].ends + 3 * NEAR_S + _full(pan):
        return None
    return found


def _full(pan: Pan) -> float:
    """A full disk keeps its entries waiting."""
    return 70.0 if pan.full else 0.0


def _visit(pan: Pan, visit: Visit, charged: list[Kept], changes: list[Kept]) -> Iterator[str]:
    """Nobody pays for more than he took; what he took unpaid was told.

    What happens without power nobody sees: food brought and taken then comes to nothing.
    """
    grams = sum(_grams(one) for one in charged)
    until = visit.ends + 3 * NEAR_S + _full(pan)
    held = visit.ends + NEAR_S
    for first, last in sorted(pan.causes):
        if first <= held and last >= visit.begins:
            held = max(held, last + NEAR_S)
    until = max(until, held)
    near = [one for one in changes if visit.begins - NEAR_S <= one.at <= until]
    unseen = any(_kind(one) in _UNSEEN for one in near)
    dark = (first - NEAR_S < visit.ends and visit.begins < last for first, last in pan.dark)
    unseen = unseen or any(dark)
    told = sum(abs(_grams(one)) + _crossed(pan, visit, one) for one in near)
    error = 2 * permitted_error(Grams(10_000), pan.e_grams) * max(1, len(charged))
    error += max(RULES.least_grams, 3 * pan.e_grams)
    over = grams - visit.grams
    returned = any(given < 0 for _at, given in visit.acts)
    if over > error + (told if returned else 0) and not (returned and unseen):
        yield f"at {visit.begins:.1f} {visit.session.tag} took {visit.grams:.1f} g, pays {grams} g"
    if -over > error + told and not unseen:
        yield f"at {visit.begins:.1f} {visit.session.tag} took {visit.grams:.1f} g, pays {grams} g"


def _crossed(pan: Pan, visit: Visit, one: Kept) -> float:
    """An alarm of two trays tells what both did in one: what the other gave back hides in it."""
    entry = one.entry
    if not isinstance(entry, PanChanged) or visit.session.tag not in entry.trays:
        return 0.0
    others = [
        other for other in pan.visits
        if other is not visit and other.session.tag in entry.trays
        and other.begins <= one.at and other.ends > visit.begins - NEAR_S
    ]  # fmt: skip
    return sum(-grams for other in others for _at, grams in other.acts if grams < 0)


def _session(day: Day, visit: Visit, one: Kept) -> Iterator[str]:
    place, session = day.places.get(one.entry.id), visit.session
    if place is None:
        yield f"at {one.at:.1f} the server has no word of a scoop"
    elif session.bound and place.session_id != session.id:
        yield f"at {one.at:.1f} a scoop of {session.tag} is not its session's: {place.why}"
    elif not session.bound and place.session_id is not None and place.why is not Why.NEAR:
        before = {
            each.id for each in day.plan.sessions if each.tag == session.tag and not each.ended
        }
        if place.session_id in before:
            return  # nobody saw the one before leave: to all that is known, it is that diner's
        yield f"at {one.at:.1f} a scoop of the unbound {session.tag} is somebody's: {place.why}"


def _alarms(pan: Pan, kept: list[Kept]) -> Iterator[str]:
    """Nobody is called for nothing."""
    causes = [*pan.causes, *((each.begins - 1, each.ends + 1) for each in pan.visits)]
    for one in kept:
        entry = one.entry
        if isinstance(entry, ScoopTaken) or entry.kind not in ALARMS:
            continue
        if not any(first - 2 <= one.at <= last + 3 * NEAR_S + _full(pan) for first, last in causes):
            yield f"at {one.at:.1f} {entry.kind} of {entry.grams} g without a cause"


def _grams(one: Kept) -> int:
    return one.entry.before - one.entry.after


def _kind(one: Kept) -> PanChange | None:
    return one.entry.kind if isinstance(one.entry, PanChanged) else None


# --- the server's books -------------------------------------------------------------------------


def _books(day: Day) -> Iterator[str]:
    scoops = [one.entry for kept in day.kept.values() for one in kept]
    ids = [entry.id for entry in scoops]
    if len(set(ids)) != len(ids):
        yield "an entry is told twice"
    bodies = {entry.id: entry for entry in scoops if isinstance(entry, ScoopTaken)}
    if set(bodies) != set(day.places):
        yield f"{len(bodies)} scoops were written, {len(day.places)} have a place"
    for session_id, sale in day.sales.items():
        mine = [
            bodies[each] for each, place in day.places.items() if place.session_id == session_id
        ]
        if sale.excess:
            yield f"session {session_id} gives back more than it took"
            continue
        if (grams := sum(one.grams for one in mine)) != sale.grams:
            yield f"session {session_id}: {grams} g of scoops, {sale.grams} g of the sale"
        if (fen := sum(one.amount for one in mine)) != sale.amount:
            yield f"session {session_id}: {fen} fen of scoops, {sale.amount} fen of the sale"
        yield from _priced(session_id, mine)


def _priced(session_id: UUID, mine: list[ScoopTaken]) -> Iterator[str]:
    """By its own arithmetic: grams by price, rounded half up, at most half a fen off an entry."""
    pans: dict[UUID, list[ScoopTaken]] = {}
    for one in mine:
        pans.setdefault(one.pan_id, []).append(one)
    for scoops in pans.values():
        exact = sum(one.grams * one.unit_price for one in scoops)
        if abs(divide_half_up(exact, 1000) - sum(one.amount for one in scoops)) > len(scoops):
            yield f"session {session_id} pays a wrong price"
