"""Proof of what tills report beside sales: voids, shifts, and the cash that a shift was over."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import and_, case, literal, or_, select
from sqlalchemy.orm import Session

from dafan.journal import Fault
from dafan.records import Outcome
from server.books.accounts import AccountKind
from server.books.proving import dashed, no_row, pairs, rows
from server.books.refunds import Refund
from server.entries import EntryRow
from server.shifts import ShiftRow


def entries(session: Session) -> Iterator[Fault]:
    """Each applied void and shift of a journal has its row, and each such row its entry."""
    yield from _told(session, "void", Refund)
    yield from _told(session, "shift", ShiftRow)


def _told(session: Session, kind: str, row: Any) -> Iterator[Fault]:
    here = and_(row.terminal_id == EntryRow.terminal_id, row.seq == EntryRow.seq)
    applied = and_(EntryRow.kind == kind, EntryRow.outcome == Outcome.APPLIED.value)
    missing = (
        select(EntryRow.terminal_id, EntryRow.seq)
        .outerjoin(row, here)
        .where(applied, row.id.is_(None))
        .order_by(EntryRow.terminal_id, EntryRow.seq)
    )
    for terminal_id, seq in rows(session, missing):
        where = f"entry {seq} of terminal {terminal_id}"
        yield Fault(where, f"is applied, but its {kind} is not in the books", "till_entry")
    untold = (
        select(row.id, row.terminal_id, row.seq)
        .outerjoin(EntryRow, and_(here, applied))
        .where(row.seq.is_not(None), EntryRow.seq.is_(None))
        .order_by(row.terminal_id, row.seq)
    )
    for row_id, terminal_id, seq in rows(session, untold):
        what = f"no applied entry {seq} of terminal {terminal_id} tells it"
        yield Fault(f"{kind} {row_id}", what, "till_entry")


def cash_differences(session: Session) -> Iterator[Fault]:
    """Cash over or short is booked once, between the drawer of its till and the differences."""
    row, moved = ShiftRow, pairs("cash_diff").c
    drawer, difference = AccountKind.DRAWER.value, AccountKind.DIFFERENCE.value
    query = (
        select(row.id, moved.amount)
        .outerjoin(moved.id.table, moved.id == row.transfer_id)
        .where(
            row.transfer_id.is_not(None),
            or_(
                moved.id.is_(None), moved.site_id != row.site_id,
                moved.key != literal("cash_diff:").concat(dashed(session, row.id)),
                moved.giver_id != row.terminal_id, moved.taker_id != row.terminal_id,
                moved.taker != case((moved.giver == drawer, difference), else_=drawer),
            ),
        )
        .order_by(row.id)
    )  # fmt: skip
    for shift_id, fen in rows(session, query):
        what = f"booked a cash difference, of which {fen or 0} fen moved, or at another till"
        yield Fault(f"shift {shift_id}", what, "cash_diff")
    for transfer_id, key in no_row(session, "cash_diff", row.transfer_id):
        what = "moved a cash difference for a shift that does not know it"
        yield Fault(f"transfer {transfer_id} ({key})", what, "cash_diff")
