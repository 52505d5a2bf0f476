"""Parts of the proofs of the books: movements of two legs, and ids as keys name them.

A proof asks both ways: every row that says that money moved has its one transfer, and every
transfer of its kind has its one row.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Executable,
    String,
    Subquery,
    and_,
    cast,
    func,
    select,
    type_coerce,
)
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from server.books.accounts import Account
from server.books.transfers import Posting, Transfer
from server.many import locks_rows

CHUNK = 1000


def rows(session: Session, query: Executable) -> Iterator[Any]:
    """What a query finds, a portion at a time; who has seen enough closes it by looking no more."""
    with session.execute(query.execution_options(yield_per=CHUNK)) as result:
        yield from result


def dashed(
    session: Session, column: InstrumentedAttribute[UUID] | ColumnElement[UUID]
) -> ColumnElement[str]:
    """An id as keys of transfers name it, whichever way the database stores it."""
    if locks_rows(session):
        return cast(column, String)
    plain = type_coerce(column, String)
    text: ColumnElement[str] = func.substr(plain, 1, 8)
    for since, length in ((9, 4), (13, 4), (17, 4), (21, 12)):
        text = text.concat("-").concat(func.substr(plain, since, length))
    return text


@cache
def pairs(*kinds: str) -> Subquery:
    """The transfers of these kinds that have a giving and a taking leg.

    Columns ``id, site_id, business_date, kind, key, by, giver, giver_id, taker, taker_id, amount``:
    kind of account and owner of both, and fen. That no transfer has more legs than two is proved
    elsewhere. Built once: that takes longer than small books take to answer.
    """
    debit, credit = aliased(Posting), aliased(Posting)
    giver, taker = aliased(Account), aliased(Account)
    return (
        select(
            Transfer.id, Transfer.site_id, Transfer.business_date, Transfer.kind, Transfer.key,
            Transfer.by, giver.kind.label("giver"), giver.owner_id.label("giver_id"),
            taker.kind.label("taker"), taker.owner_id.label("taker_id"), credit.amount,
        )
        .join(debit, and_(debit.transfer_id == Transfer.id, debit.amount < 0))
        .join(giver, giver.id == debit.account_id)
        .join(credit, and_(credit.transfer_id == Transfer.id, credit.amount > 0))
        .join(taker, taker.id == credit.account_id)
        .where(Transfer.kind.in_(kinds))
        .subquery()
    )  # fmt: skip


def no_row(
    session: Session, kind: str, transfer_id: Any, *also: ColumnElement[bool]
) -> Iterator[tuple[UUID, str]]:
    """Id and key of the transfers of a kind that no row names.

    Args:
        session: Reads.
        kind: Of transfers.
        transfer_id: The column that should name them.
        also: Which transfers of the kind.
    """
    query = (
        select(Transfer.id, Transfer.key)
        .outerjoin(transfer_id.class_, transfer_id == Transfer.id)
        .where(Transfer.kind == kind, transfer_id.is_(None), *also)
        .order_by(Transfer.id)
    )
    for found in rows(session, query):
        yield found.id, found.key
