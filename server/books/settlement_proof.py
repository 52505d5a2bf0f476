"""Proof of clearing: both accounts of two bodies are each other's mirror, movement by movement."""

from collections.abc import Iterator, Mapping
from itertools import combinations
from uuid import UUID

from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import Session, aliased

from dafan.journal import Fault
from server.books.accounts import Account, AccountKind
from server.books.proving import no_row, pairs, rows
from server.books.settlement import KIND, Settlement, pair
from server.books.transfers import Posting, Transfer
from server.sites import Body


def faults(session: Session) -> Iterator[Fault]:
    """Clearing accounts of known pairs, mirrored legs, and settlements with their transfers."""
    numbers = _pairs(session)
    known: dict[UUID, int] = {}
    owed: dict[int, int] = {}
    query = select(Account).where(Account.kind == AccountKind.CLEARING.value).order_by(Account.id)
    for account in session.scalars(query):
        number = numbers.get((account.site_id, account.owner_id))
        if number is None:
            yield Fault(f"account {account.id}", "clears between bodies that are not here", _CODE)
            continue
        known[account.id] = number
        owed[number] = owed.get(number, 0) + account.balance
    names = {number: owner for (_, owner), number in numbers.items()}
    for number, fen in owed.items():
        if fen:
            what = f"it and its mirror hold {fen} fen together instead of 0"
            yield Fault(f"clearing account of pair {names[number]}", what, _CODE)
    if known:
        yield from _legs(session, known)
    yield from _settlements(session)


_CODE = "clearing"


def _pairs(session: Session) -> dict[tuple[UUID, UUID], int]:
    """Site and owner of each clearing account that can be → the number of its two bodies."""
    bodies: dict[UUID, list[UUID]] = {}
    for site_id, body_id in session.execute(select(Body.site_id, Body.id).order_by(Body.id)):
        bodies.setdefault(site_id, []).append(body_id)
    every = [(site_id, *two) for site_id, ids in bodies.items() for two in combinations(ids, 2)]
    return {
        (site_id, owner): number
        for number, (site_id, one, other) in enumerate(every)
        for owner in (pair(one, other), pair(other, one))
    }


def _legs(session: Session, known: Mapping[UUID, int]) -> Iterator[Fault]:
    """Two legs that mirror each other, as large as the sale's or refund's turnover."""
    number = case(dict(known), value=Posting.account_id)
    legs = (
        select(
            Posting.transfer_id.label("id"), func.count().label("count"),
            func.sum(Posting.amount).label("sum"), func.max(Posting.amount).label("fen"),
            func.min(number).label("first"), func.max(number).label("last"),
        )
        .where(Posting.account_id.in_(list(known)))
        .group_by(Posting.transfer_id)
        .subquery()
    )  # fmt: skip
    turnover, revenue = aliased(Posting), aliased(Account)
    sold = (
        select(turnover.transfer_id.label("id"), func.abs(func.sum(turnover.amount)).label("fen"))
        .join(revenue, revenue.id == turnover.account_id)
        .where(revenue.kind == AccountKind.REVENUE.value)
        .where(turnover.transfer_id.in_(select(legs.c.id)))
        .group_by(turnover.transfer_id)
        .subquery()
    )
    query = (
        select(legs.c.id, Transfer.key, legs.c.count, legs.c.sum, legs.c.fen)
        .join(Transfer, Transfer.id == legs.c.id)
        .outerjoin(sold, sold.c.id == legs.c.id)
        .where(
            or_(
                legs.c.count != 2, legs.c.sum != 0, legs.c.first != legs.c.last,
                legs.c.fen != sold.c.fen,
            )
        )
        .order_by(legs.c.id)
    )  # fmt: skip
    for transfer_id, key, count, total, fen in rows(session, query):
        what = f"its {count} legs between bodies, of up to {fen} fen, sum to {total}: no mirror"
        yield Fault(f"transfer {transfer_id} ({key})", what, _CODE)


def _settlements(session: Session) -> Iterator[Fault]:
    """Each settlement that says an amount moved just that, from the one to the other."""
    moved = pairs(KIND).c
    query = (
        select(Settlement, moved.id, moved.key, moved.giver_id, moved.taker_id, moved.amount)
        .outerjoin(moved.id.table, moved.id == Settlement.transfer_id)
        .order_by(Settlement.site_id, Settlement.month, Settlement.body_id, Settlement.other_id)
    )
    for row, transfer_id, key, giver, taker, fen in rows(session, query):
        body, other = row.body_id, row.other_id
        there, back = pair(body, other), pair(other, body)
        expected = (
            f"settlement:{row.month:%Y-%m}:{body}:{other}",
            *((there, back) if row.amount > 0 else (back, there)),
            abs(row.amount),
        )
        wrong = (key, giver, taker, fen) != expected if row.amount else transfer_id is not None
        if wrong or (not row.amount and row.transfer_id is not None):
            where = f"settlement of {row.month:%Y-%m} between {body} and {other}"
            yield Fault(where, f"says {row.amount} fen, moved were {fen or 0}", "settlement")
    for transfer_id, key in no_row(session, KIND, Settlement.transfer_id):
        what = "settled for bodies whose settlement is missing"
        yield Fault(f"transfer {transfer_id} ({key})", what, "settlement")
