"""Accounts: one of each kind for its owner; the balance is kept beside the postings it sums."""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import String, UniqueConstraint, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base
from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import Source


class AccountKind(StrEnum):
    """What an account holds, and who owns it."""

    SUBSIDY = "subsidy"
    """A diner's subsidy wallet (补贴)."""
    CASH = "cash"
    """A diner's own money (充值)."""
    REVENUE = "revenue"
    """Sales of a venue."""
    DRAWER = "drawer"
    """Coins in the drawer of a terminal."""
    CASH_DESK = "cash_desk"
    """Where top-ups of a site come from."""
    SUBSIDY_FUND = "subsidy_fund"
    """Where subsidies of a site come from."""


WALLETS = {Source.SUBSIDY: AccountKind.SUBSIDY, Source.CASH: AccountKind.CASH}


class Account(Base):
    """An account; its balance changes by transfers only."""

    __tablename__ = "account"
    __table_args__ = (UniqueConstraint("owner_id", "kind", "site_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(index=True)
    kind: Mapped[str] = mapped_column(String(16))
    owner_id: Mapped[UUID]
    """Diner, venue, terminal or site, as the kind says."""
    balance: Mapped[int] = mapped_column(default=0)
    """Fen."""


def ensure(session: Session, site_id: UUID, kind: AccountKind, owner_id: UUID) -> Account:
    """The owner's account of this kind, opened at zero where there is none."""
    query = select(Account).where(
        Account.owner_id == owner_id, Account.kind == kind.value, Account.site_id == site_id
    )
    account = session.scalar(query)
    if account is not None:
        return account
    account = Account(id=new_id(), site_id=site_id, kind=kind.value, owner_id=owner_id, balance=0)
    try:
        with session.begin_nested():
            session.add(account)
    except IntegrityError:  # another worker opened it in this moment
        return session.scalars(query).one()
    return account


def wallet(session: Session, site_id: UUID, diner_id: UUID, source: Source) -> Account:
    """A diner's wallet, opened at zero where there is none.

    Raises:
        KeyError: a drawer is nobody's wallet.
    """
    return ensure(session, site_id, WALLETS[source], diner_id)


def balances(session: Session, diner_id: UUID) -> dict[Source, Fen]:
    """Fen in each of the diner's wallets; zero where he has none."""
    query = select(Account.kind, Account.balance).where(
        Account.owner_id == diner_id, Account.kind.in_([kind.value for kind in WALLETS.values()])
    )
    found = dict(session.execute(query).all())
    return {source: Fen(found.get(kind.value, 0)) for source, kind in WALLETS.items()}
