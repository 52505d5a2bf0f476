"""Proof of subsidy runs: what a run says it paid and took back is what its transfers moved."""

from collections.abc import Iterator

from sqlalchemy import Subquery, case, func, or_, select
from sqlalchemy.orm import Session

from dafan.journal import Fault
from server.books.proving import dashed, pairs, rows
from server.books.subsidies import SubsidyRun

_ID = 36
"""Characters of an id in a key."""


def faults(session: Session) -> Iterator[Fault]:
    """Credits of a run by its key, and the money that expired, each diner once."""
    granted = _sums(session, "subsidy", "taker_id")
    expired = _sums(session, "expiry", "giver_id")
    yield from _granted(session, granted)
    yield from _expired(session, expired)
    yield from _orphans(session, granted, "subsidy_run")
    yield from _orphans(session, expired, "expiry")


def _granted(session: Session, granted: Subquery) -> Iterator[Fault]:
    run = SubsidyRun
    query = (
        select(run.id, run.total, run.diners, granted.c.fen, granted.c.count)
        .outerjoin(granted, granted.c.run == dashed(session, run.id))
        .where(
            or_(
                run.total != func.coalesce(granted.c.fen, 0),
                run.diners != func.coalesce(granted.c.count, 0),
                granted.c.others > 0,
            )
        )
        .order_by(run.id)
    )
    for run_id, total, diners, fen, count in rows(session, query):
        what = (
            f"says that {diners} diners got {total} fen; its transfers brought {fen or 0} to "
            f"{count or 0}, or to others than their keys name"
        )
        yield Fault(f"subsidy run {run_id}", what, "subsidy_run")


def _expired(session: Session, expired: Subquery) -> Iterator[Fault]:
    run = SubsidyRun
    query = (
        select(run.id, run.expired_total, expired.c.fen)
        .outerjoin(expired, expired.c.run == dashed(session, run.id))
        .where(
            or_(
                run.expired_total != func.coalesce(expired.c.fen, 0),
                expired.c.others > 0,
                case((run.expired_at.is_(None), expired.c.count > 0), else_=False),
            )
        )
        .order_by(run.id)
    )
    for run_id, total, fen in rows(session, query):
        what = f"says that {total} fen expired; its transfers took back {fen or 0}"
        yield Fault(f"subsidy run {run_id}", what, "expiry")


def _orphans(session: Session, moved: Subquery, code: str) -> Iterator[Fault]:
    query = (
        select(moved.c.run, moved.c.fen)
        .outerjoin(SubsidyRun, dashed(session, SubsidyRun.id) == moved.c.run)
        .where(SubsidyRun.id.is_(None))
        .order_by(moved.c.run)
    )
    for name, fen in rows(session, query):
        what = f"its transfers moved {fen} fen, but the run is missing"
        yield Fault(f"subsidy run {name}", what, code)


def _sums(session: Session, kind: str, diner: str) -> Subquery:
    """Run as keys name it → fen, transfers, and how many of them are another diner's."""
    moved = pairs(kind).c
    begin = len(kind) + 2
    run = func.substr(moved.key, begin, _ID)
    named = func.substr(moved.key, begin + _ID + 1)
    other = case((named != dashed(session, moved[diner]), 1), else_=0)
    return (
        select(
            run.label("run"),
            func.sum(moved.amount).label("fen"),
            func.count().label("count"),
            func.sum(other).label("others"),
        )
        .group_by(run)
        .subquery()
    )
