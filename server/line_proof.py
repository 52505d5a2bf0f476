"""Proof of the weigh line: every scoop that a box told is paid once, or a person knows of it."""

import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from uuid import UUID

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from dafan.journal import Fault
from dafan.records import Outcome
from server import line
from server.books.proving import rows
from server.books.sales import Sale
from server.entries import EntryRow
from server.line_book import (
    LineEnding,
    LinePanChange,
    LineScoop,
    LineSettlement,
    ScoopState,
    TraySession,
)
from server.line_join import fold

_AT_ONCE = 500


def faults(session: Session) -> Iterator[Fault]:
    """Journals and rows, scoops and settlements, settlements and sales."""
    for kind, row in _KINDS.items():
        yield from _kept(session, kind, *row)
    yield from _as_told(session)
    yield from _states(session)
    yield from _sums(session)
    yield from _sold(session)


_Column = InstrumentedAttribute[UUID]
_KINDS: dict[str, tuple[_Column, InstrumentedAttribute[int]]] = {
    "scoop": (LineScoop.terminal_id, LineScoop.seq),
    "pan": (LinePanChange.terminal_id, LinePanChange.seq),
    "tray_bound": (TraySession.terminal_id, TraySession.seq),
    "tray_ended": (LineEnding.terminal_id, LineEnding.seq),
}
"""Kind of entry → where its rows name the terminal and its sequence."""


def _kept(
    session: Session, kind: str, terminal_id: _Column, seq: InstrumentedAttribute[int]
) -> Iterator[Fault]:
    """Each applied entry has its row, and each row its entry."""
    here = and_(terminal_id == EntryRow.terminal_id, seq == EntryRow.seq)
    applied = and_(EntryRow.kind == kind, EntryRow.outcome == Outcome.APPLIED.value)
    missing = (
        select(EntryRow.terminal_id, EntryRow.seq)
        .outerjoin(terminal_id.class_, here)
        .where(applied, seq.is_(None))
        .order_by(EntryRow.terminal_id, EntryRow.seq)
    )
    for box, at in rows(session, missing):
        yield Fault(f"entry {at} of terminal {box}", f"is applied, but its {kind} is gone")
    untold = (
        select(terminal_id, seq)
        .outerjoin(EntryRow, and_(here, applied))
        .where(EntryRow.seq.is_(None))
        .order_by(terminal_id, seq)
    )
    for box, at in rows(session, untold):
        yield Fault(f"{kind} {at} of terminal {box}", "no applied entry tells it")


def _as_told(session: Session) -> Iterator[Fault]:
    """A scoop's row says word for word what its box signed."""
    query = (
        select(LineScoop.id, LineScoop.told, EntryRow.body)
        .join(
            EntryRow,
            and_(EntryRow.terminal_id == LineScoop.terminal_id, EntryRow.seq == LineScoop.seq),
        )
        .order_by(LineScoop.id)
    )
    for scoop_id, told, body in rows(session, query):
        signed = json.loads(body)
        if {name: told.get(name) for name in signed} != signed:
            yield Fault(f"scoop {scoop_id}", "is not what its box told: it was altered afterwards")


def _states(session: Session) -> Iterator[Fault]:
    """A scoop is settled by a settlement of its own session, or by none and in nobody's sale."""
    settled = LineScoop.state == ScoopState.SETTLED.value
    query = (
        select(LineScoop.id)
        .outerjoin(LineSettlement, LineSettlement.id == LineScoop.settlement_id)
        .where(
            or_(
                and_(settled, LineSettlement.id.is_(None)),
                and_(settled, LineSettlement.session_id != LineScoop.session_id),
                and_(~settled, LineScoop.settlement_id.is_not(None)),
                and_(LineScoop.state == ScoopState.WRITTEN_OFF.value, LineScoop.reason == ""),
            )
        )
        .order_by(LineScoop.id)
    )
    for (scoop_id,) in rows(session, query):
        yield Fault(f"scoop {scoop_id}", "is neither in one sale of its session nor in nobody's")


def _sums(session: Session) -> Iterator[Fault]:
    """The scoops of a settlement come to what it says, in grams and in fen."""
    scoops = select(LineScoop).where(LineScoop.settlement_id.is_not(None))
    scoops = scoops.order_by(LineScoop.settlement_id).execution_options(yield_per=_AT_ONCE)
    seen = 0
    for settlement_id, group in groupby(session.scalars(scoops), lambda one: one.settlement_id):
        seen += 1
        yield from _one(session, settlement_id, group)
    if seen != session.scalar(select(func.count()).select_from(LineSettlement)):
        query = (
            select(LineSettlement.id)
            .outerjoin(LineScoop, LineScoop.settlement_id == LineSettlement.id)
            .where(LineScoop.id.is_(None))
        )
        for (settlement_id,) in rows(session, query):
            yield Fault(f"settlement {settlement_id}", "charges scoops that are gone")


def _one(
    session: Session, settlement_id: UUID | None, group: Iterable[LineScoop]
) -> Iterator[Fault]:
    told = session.get(LineSettlement, settlement_id)
    folded = fold(line.taken(group))
    found = (folded.amount, folded.grams, bool(folded.tabs))
    if told is not None and (folded.excess or (told.amount, told.grams, told.sold) != found):
        what = f"says {told.grams} g and {told.amount} fen; its scoops come to {found[:2]}"
        yield Fault(f"settlement {settlement_id}", what)


def _sold(session: Session) -> Iterator[Fault]:
    """Each settlement has its sale, to the diner of the session, of the same fen."""
    query = (
        select(LineSettlement.id, LineSettlement.amount, Sale.list_total)
        .join(TraySession, TraySession.id == LineSettlement.session_id)
        .outerjoin(Sale, Sale.id == LineSettlement.id)
        .where(
            or_(
                and_(LineSettlement.sold.is_(True), Sale.id.is_(None)),
                and_(LineSettlement.sold.is_(False), Sale.id.is_not(None)),
                Sale.list_total != LineSettlement.amount,
                Sale.diner_id != TraySession.diner_id,
            )
        )
        .order_by(LineSettlement.id)
    )
    for settlement_id, amount, listed in rows(session, query):
        what = f"says {amount} fen; its sale says {'nothing' if listed is None else listed}"
        yield Fault(f"settlement {settlement_id}", what)
