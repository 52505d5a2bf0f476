"""Transfers: money moves between accounts by postings that sum to zero, once for each key."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    UniqueConstraint,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.orm.attributes import set_committed_value

from dafan.db import Base
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.money import Fen
from server.books.accounts import Account


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
    """Move money once; the same key with the same legs again changes nothing.

    Args:
        session: Writes.
        site_id: All accounts belong to it.
        kind: ``sale``, ``top_up`` or ``subsidy``.
        key: Names this movement within the site for ever.
        legs: They sum to zero, each account once.
        at: Aware UTC.
        business_date: The trading day that it counts for.
        by: Login or terminal.
        memo: For people.

    Raises:
        ValueError: the legs do not sum to zero, or touch another site.
        KeyUsedError: the key moved something else before.
    """
    if sum(leg.amount for leg in legs) != 0 or any(leg.amount == 0 for leg in legs):
        raise ValueError("the legs of a transfer sum to zero and none is empty")
    if any(leg.account.site_id != site_id for leg in legs):
        raise ValueError("a transfer stays within its site")
    query = select(Transfer).where(Transfer.site_id == site_id, Transfer.key == key)
    known = session.scalar(query)
    if known is not None:
        _require_same(session, known, legs)
        return known
    transfer = Transfer(
        id=new_id(), site_id=site_id, business_date=business_date, kind=kind, key=key, at=at,
        by=by[:80], memo=memo[:200],
    )  # fmt: skip
    session.add(transfer)
    session.flush()
    for leg in sorted(legs, key=lambda each: each.account.id):  # one order: no deadlock
        _post(session, transfer, leg)
    session.flush()
    return transfer


def _post(session: Session, transfer: Transfer, leg: Leg) -> None:
    posting = Posting(
        transfer_id=transfer.id, account_id=leg.account.id, site_id=transfer.site_id,
        business_date=transfer.business_date, amount=leg.amount,
    )  # fmt: skip
    session.add(posting)
    moved = (
        update(Account)
        .where(Account.id == leg.account.id)
        .values(balance=Account.balance + leg.amount)
        .returning(Account.balance)
        .execution_options(synchronize_session=False)
    )
    set_committed_value(leg.account, "balance", session.execute(moved).scalar_one())


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
