"""A weigh line's day, and what the server makes of it."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from dafan.line import OpenTray, ScoopTaken, TrayBound, TrayEnded
from dafan.units import Grams
from server.line_join import Bound, Ended, Folded, Place, Taken, fold, join, spans
from simulation.line_plan import Box, Plan, Session, make_plan
from simulation.line_station import HEARS_S, OPENS, RULES, Kept, StationRun, Trays

_GATE = UUID(int=99)
_FEED_S = 1.5
"""So long the news of a binding is on its way."""


@dataclass
class Day:
    """All that the boxes wrote, and the server's books of it."""

    plan: Plan
    kept: dict[int, list[Kept]]
    """Station → its entries."""
    shown: dict[int, Grams]
    """Station → what its scale shows at the end."""
    taken: dict[UUID, Taken] = field(default_factory=dict)
    places: dict[UUID, Place] = field(default_factory=dict)
    sales: dict[UUID, Folded] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)


def run_day(seed: int, crowd: int | None = None) -> Day:
    """Run the stations through a day, and settle its trays; ``crowd``: so many diners."""
    plan = make_plan(seed, crowd)
    kept, shown = {}, {}
    feeds = {box.no: _feed(box, plan.sessions) for box in plan.boxes}
    for pan in plan.pans:
        run = StationRun(pan, plan.boxes[pan.box], feeds[pan.box], seed)
        kept[pan.no] = run.run()
        shown[pan.no] = run.shown(run.weight(1e9) + pan.rate * (1e9 - run.t))
    day = Day(plan, kept, shown)
    _settle(day)
    return day


def _feed(box: Box, sessions: list[Session]) -> list[tuple[float, Trays]]:
    """What a box hears of trays, and when: nothing while it is cut off, then all at once."""
    news: list[tuple[float, bool, Session]] = []
    for session in sessions:
        if session.bound:
            news.append((session.begins + _FEED_S, True, session))
            ends = session.ends if session.ended else session.begins + RULES.open_minutes * 60
            news.append((ends + _FEED_S, False, session))
    known: dict[str, OpenTray] = {}
    told: list[tuple[float, Trays]] = []
    for at, begins, session in sorted(news, key=lambda each: (each[0], each[1])):
        if begins:
            known[session.tag] = _open(session)
        elif session.tag in known and known[session.tag].session_id == session.id:
            del known[session.tag]
        heard = next((ends + HEARS_S for first, ends in box.cut_off if first <= at < ends), at)
        told.append((heard, dict(known)))
    told.sort(key=lambda each: each[0])
    return told


def _open(session: Session) -> OpenTray:
    begins = OPENS + timedelta(seconds=session.begins)
    return OpenTray(
        session_id=session.id, diner_id=UUID(int=session.diner), name="*", bound_at=begins,
        until=begins + timedelta(minutes=RULES.open_minutes),
    )  # fmt: skip


# --- the server ---------------------------------------------------------------------------------


def _settle(day: Day) -> None:
    plan = day.plan
    known = spans(_bound(plan), _ended(plan), offsets := _offsets(plan), RULES.open_minutes)
    for box in plan.boxes:
        mine = [kept for pan in plan.pans if pan.box == box.no for kept in day.kept[pan.no]]
        for seq, kept in enumerate(sorted(mine, key=lambda each: each.at), 1):
            if isinstance(kept.entry, ScoopTaken):
                one = Taken(_terminal(box), seq, kept.entry)
                day.counts["doubled"] += kept.entry.id in day.taken
                day.taken[kept.entry.id] = one
    day.places = join(day.taken.values(), known, offsets)
    of: dict[UUID, list[Taken]] = {}
    for scoop_id, place in day.places.items():
        if place.session_id is not None:
            of.setdefault(place.session_id, []).append(day.taken[scoop_id])
    day.sales = {session_id: fold(scoops) for session_id, scoops in of.items()}


def _terminal(box: Box) -> UUID:
    return UUID(int=box.no + 1)


def _offsets(plan: Plan) -> dict[UUID, timedelta]:
    found = {_terminal(box): timedelta(seconds=-box.believed) for box in plan.boxes}
    found[_GATE] = timedelta(seconds=-plan.gate.believed)
    return found


def _at(gate: Box, seconds: float) -> datetime:
    return OPENS + timedelta(seconds=seconds + gate.skew)


def _bound(plan: Plan) -> list[Bound]:
    by: Literal["card"] = "card"
    return [
        Bound(_GATE, TrayBound(
            id=session.id, tray=session.tag, diner_id=UUID(int=session.diner), by=by,
            at=_at(plan.gate, session.begins),
        ))
        for session in plan.sessions if session.bound
    ]  # fmt: skip


def _ended(plan: Plan) -> list[Ended]:
    return [
        Ended(_GATE, TrayEnded(
            id=UUID(int=session.id.int ^ 1), tray=session.tag,
            session_id=session.id if session.bound else None, how="exit",
            at=_at(plan.gate, session.ends),
        ))
        for session in plan.sessions if session.ended
    ]  # fmt: skip
