"""Transfers: money moves between accounts by postings that sum to zero, once for each key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    UniqueConstraint,
    bindparam,
    func,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.orm.attributes import set_committed_value

from dafan.db import Base
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.money import Fen
from server.books import closing
from server.books.accounts import Account
from server.many import among, array_of, insert_all, locks_rows


class Transfer(Base):
    """Why money moved. The key makes a repetition harmless."""

    __tablename__ = "transfer"
    __table_args__ = (UniqueConstraint("site_id", "key"), UniqueConstraint("id"))

    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    business_date: Mapped[date] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(16))
    """``sale``, ``top_up``, ``subsidy``."""
    key: Mapped[str] = mapped_column(String(160))
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(80))
    memo: Mapped[str] = mapped_column(String(200), default="")


class Posting(Base):
    """One leg of a transfer; a credit is positive, a debit negative."""

    __tablename__ = "posting"
    __table_args__ = (
        ForeignKeyConstraint(
            ["site_id", "business_date", "transfer_id"],
            ["transfer.site_id", "transfer.business_date", "transfer.id"],
        ),
        Index("ix_posting_account_id_transfer_id", "account_id", "transfer_id"),
        Index("ix_posting_transfer_id", "transfer_id"),
    )

    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    business_date: Mapped[date] = mapped_column(primary_key=True)
    transfer_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"), primary_key=True)
    amount: Mapped[int]


class KeyUsedError(BadInputError):
    """The key stands for another movement already."""

    code = "key_used"


@dataclass(frozen=True, slots=True)
class Leg:
    """An account and the fen that it is credited (or, below zero, debited)."""

    account: Account
    amount: Fen


@dataclass(frozen=True, slots=True)
class Move:
    """One movement of money within a site.

    Attributes:
        kind: ``sale``, ``top_up`` or ``subsidy``.
        key: Names this movement within the site for ever.
        legs: They sum to zero, each account once.
        at: Aware UTC.
        business_date: The trading day that it counts for, while that day is open.
        by: Login or terminal.
        memo: For people.
    """

    kind: str
    key: str
    legs: Sequence[Leg]
    at: datetime
    business_date: date
    by: str
    memo: str = ""


def move(
    session: Session,
    site_id: UUID,
    kind: str,
    key: str,
    legs: Sequence[Leg],
    *,
    at: datetime,
    business_date: date,
    by: str,
    memo: str = "",
) -> Transfer:
    """Move money once, as :func:`move_all` for one :class:`Move` of these values."""
    one = Move(kind, key, legs, at, business_date, by, memo)
    return move_all(session, site_id, [one])[0]


def move_all(session: Session, site_id: UUID, moves: Sequence[Move]) -> list[Transfer]:
    """Move money, once for each key; the same key with the same legs again changes nothing.

    Args:
        session: Writes.
        site_id: All accounts belong to it; they come from :func:`accounts.ensure_all`, which
            locks them in one order: no deadlock.
        moves: No two with the same key. What is dated to a closed day counts for the first open
            one: nothing is ever booked into a closed day.

    Returns:
        The transfer of each movement, in order; what is new belongs to no session.

    Raises:
        ValueError: the legs of one do not sum to zero, or touch another site.
        KeyUsedError: a key moved something else before.
    """
    for each in moves:
        _check(site_id, each.legs)
    known: dict[str, Transfer] = {}
    if moves:
        keys = among(session, Transfer.key, [each.key for each in moves])
        query = select(Transfer).where(Transfer.site_id == site_id, keys)
        known = {transfer.key: transfer for transfer in session.scalars(query)}
    transfers = []
    fresh = []
    open_day = closing.first_open_day(session, site_id)
    for each in moves:
        transfer = known.get(each.key)
        if transfer is None:
            transfer = _transfer(site_id, each, max(each.business_date, open_day))
            fresh.append((transfer, each.legs))
        else:
            _require_same(session, transfer, each.legs)
        transfers.append(transfer)
    _post(session, fresh)
    return transfers


def _check(site_id: UUID, legs: Sequence[Leg]) -> None:
    if sum(leg.amount for leg in legs) != 0 or any(leg.amount == 0 for leg in legs):
        raise ValueError("the legs of a transfer sum to zero and none is empty")
    if any(leg.account.site_id != site_id for leg in legs):
        raise ValueError("a transfer stays within its site")


def _transfer(site_id: UUID, made: Move, day: date) -> Transfer:
    return Transfer(
        id=new_id(), site_id=site_id, business_date=day, kind=made.kind,
        key=made.key, at=made.at, by=made.by[:80], memo=made.memo[:200],
    )  # fmt: skip


def _post(session: Session, fresh: Sequence[tuple[Transfer, Sequence[Leg]]]) -> None:
    """Write transfers with their postings, and add what moved to each account once."""
    if not fresh:
        return
    insert_all(
        session,
        Transfer.__table__,
        [{name: getattr(transfer, name) for name in _COLUMNS} for transfer, _ in fresh],
    )
    postings = []
    moved: dict[UUID, int] = {}
    accounts: dict[UUID, Account] = {}
    for transfer, legs in fresh:
        for leg in legs:
            postings.append({
                "transfer_id": transfer.id, "account_id": leg.account.id,
                "site_id": transfer.site_id, "business_date": transfer.business_date,
                "amount": leg.amount,
            })  # fmt: skip
            accounts[leg.account.id] = leg.account
            moved[leg.account.id] = moved.get(leg.account.id, 0) + leg.amount
    insert_all(session, Posting.__table__, postings)
    _add(session, moved)
    for account_id, account in accounts.items():
        set_committed_value(account, "balance", account.balance + moved[account_id])


_COLUMNS = tuple(Transfer.__table__.columns.keys())
_ACCOUNTS = Account.metadata.tables["account"]


def _add(session: Session, moved: Mapping[UUID, int]) -> None:
    """Add to what the database holds, and not to what we believe it holds."""
    change = update(_ACCOUNTS)
    if locks_rows(session):
        moves = (
            func.unnest(array_of(Account.id.type, moved), array_of(BigInteger(), moved.values()))
            .table_valued("account", "moved")
            .render_derived()
        )
        change = change.where(_ACCOUNTS.c.id == moves.c.account).values(
            balance=_ACCOUNTS.c.balance + moves.c.moved
        )
        session.connection().execute(change)
        return
    change = change.where(_ACCOUNTS.c.id == bindparam("account")).values(
        balance=_ACCOUNTS.c.balance + bindparam("moved")
    )
    rows = [{"account": account_id, "moved": fen} for account_id, fen in moved.items()]
    session.connection().execute(change, rows)


def _require_same(session: Session, known: Transfer, legs: Sequence[Leg]) -> None:
    query = select(Posting.account_id, Posting.amount).where(Posting.transfer_id == known.id)
    before = dict(session.execute(query).all())
    if before != {leg.account.id: leg.amount for leg in legs}:
        raise KeyUsedError(
            f"'{known.key}' moved another amount before: reload the page and enter it once more"
        )


def postings_of(session: Session, transfer_id: UUID) -> Sequence[tuple[Account, Fen]]:
    """The legs of a transfer, debits first."""
    query = (
        select(Account, Posting.amount)
        .join(Posting, Posting.account_id == Account.id)
        .where(Posting.transfer_id == transfer_id)
        .order_by(Posting.amount)
    )
    return [(account, Fen(amount)) for account, amount in session.execute(query)]
