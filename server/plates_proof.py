"""Proof of the points of clean plates: trays as stations told them, entries as rules make them."""

from collections.abc import Iterator

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from dafan.journal import Fault
from dafan.records import Outcome
from kitchen.clean_plate import Verdict
from server.books.proving import rows
from server.books.transfers import Transfer
from server.entries import EntryRow
from server.plate_book import PlatePoint, PlateReturnRow, PointKind


def faults(session: Session) -> Iterator[Fault]:
    """Trays and journals, points and trays, points and money; nobody has fewer than none."""
    yield from _told(session)
    yield from _earned(session)
    yield from _spent(session)
    yield from _balances(session)


def _told(session: Session) -> Iterator[Fault]:
    """Each applied return of a journal has its row, and each row its entry."""
    row = PlateReturnRow
    here = and_(row.terminal_id == EntryRow.terminal_id, row.seq == EntryRow.seq)
    applied = and_(EntryRow.kind == "plate", EntryRow.outcome == Outcome.APPLIED.value)
    missing = (
        select(EntryRow.terminal_id, EntryRow.seq)
        .outerjoin(row, here)
        .where(applied, row.id.is_(None))
        .order_by(EntryRow.terminal_id, EntryRow.seq)
    )
    for terminal_id, seq in rows(session, missing):
        yield Fault(f"entry {seq} of terminal {terminal_id}", "is applied, but its tray is gone")
    untold = (
        select(row.id, row.terminal_id, row.seq)
        .outerjoin(EntryRow, and_(here, applied))
        .where(EntryRow.seq.is_(None))
        .order_by(row.terminal_id, row.seq)
    )
    for row_id, terminal_id, seq in rows(session, untold):
        yield Fault(f"tray {row_id}", f"no applied entry {seq} of terminal {terminal_id} tells it")


def _earned(session: Session) -> Iterator[Fault]:
    """A clean plate whose diner is known has its points once; nothing else earned any."""
    row, point = PlateReturnRow, PlatePoint
    earned = and_(point.return_id == row.id, point.kind == PointKind.EARNED.value)
    wrong = (
        select(row.id, row.points, point.points)
        .outerjoin(point, earned)
        .where(
            or_(
                and_(row.diner_id.is_not(None), row.points != func.coalesce(point.points, 0)),
                and_(row.verdict != Verdict.CLEAN.value, row.points != 0),
                and_(row.diner_id.is_not(None), point.diner_id != row.diner_id),
            )
        )
        .order_by(row.id)
    )
    for row_id, said, found in rows(session, wrong):
        yield Fault(
            f"tray {row_id}", f"says that it earned {said} points; entries say {found or 0}"
        )
    orphans = (
        select(point.id)
        .outerjoin(row, row.id == point.return_id)
        .where(point.kind == PointKind.EARNED.value, row.id.is_(None))
        .order_by(point.id)
    )
    for (point_id,) in rows(session, orphans):
        yield Fault(f"points {point_id}", "no tray earned them")


def _spent(session: Session) -> Iterator[Fault]:
    """Points that were turned into money name the transfer that paid it."""
    point = PlatePoint
    query = (
        select(point.id)
        .outerjoin(Transfer, Transfer.id == point.transfer_id)
        .where(
            point.kind == PointKind.SPENT.value,
            or_(Transfer.id.is_(None), Transfer.kind != "subsidy", point.points >= 0),
        )
        .order_by(point.id)
    )
    for (point_id,) in rows(session, query):
        yield Fault(f"points {point_id}", "were spent, but no subsidy was paid for them")


def _balances(session: Session) -> Iterator[Fault]:
    total = func.sum(PlatePoint.points)
    query = (
        select(PlatePoint.diner_id, total)
        .group_by(PlatePoint.diner_id)
        .having(total < 0)
        .order_by(PlatePoint.diner_id)
    )
    for diner_id, points in rows(session, query):
        yield Fault(f"points of diner {diner_id}", f"are {points}: below none")
