"""Accounts: one of each kind for its owner; the balance is kept beside the postings it sums."""

from collections.abc import Collection, Sequence
from enum import StrEnum
from uuid import UUID

from sqlalchemy import String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base
from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import Source
from server.many import among, insert_missing, locks_rows


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
    BANK = "bank"
    """A site's bank account: imported transfers come from it, refunds of leavers go to it."""
    GATEWAY = "gateway"
    """What a payment gateway owes a site for payments made online."""
    CLEARING = "clearing"
    """What one body owes another for its diners' meals; the owner is the ordered pair."""
    DIFFERENCE = "difference"
    """Cash over or short of a terminal, as counted at the end of a shift."""


WALLETS = {Source.SUBSIDY: AccountKind.SUBSIDY, Source.CASH: AccountKind.CASH}
_SOURCES = {kind.value: source for source, kind in WALLETS.items()}


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


Owner = tuple[AccountKind, UUID]
"""Whose account of which kind."""


def ensure(session: Session, site_id: UUID, kind: AccountKind, owner_id: UUID) -> Account:
    """The owner's account of this kind, as :func:`ensure_all` gives it."""
    return ensure_all(session, site_id, [(kind, owner_id)])[kind, owner_id]


def ensure_all(session: Session, site_id: UUID, wanted: Collection[Owner]) -> dict[Owner, Account]:
    """Accounts with their latest balances, opened at zero where there is none.

    Where the database locks rows, these stay locked until the transaction ends, and with each all
    others of its owner: nobody else sells to a diner meanwhile. First the missing ones are opened,
    in the order of kind and owner, then all are locked by one statement in the order of their ids,
    however many there are: two transactions that move the same money never wait for each other. A
    transaction therefore asks once, for all that it moves.
    """
    asked = set(wanted)
    found = _find(session, site_id, asked)
    missing = sorted(asked - found.keys())
    if missing:
        rows = [
            {"id": new_id(), "site_id": site_id, "kind": kind.value, "owner_id": owner_id,
             "balance": 0}
            for kind, owner_id in missing
        ]  # fmt: skip
        insert_missing(session, Account.__table__, rows)
    if missing or locks_rows(session):
        found = _find(session, site_id, asked, lock=True)
    return found


def _find(
    session: Session, site_id: UUID, asked: Collection[Owner], *, lock: bool = False
) -> dict[Owner, Account]:
    owners = {owner_id for _, owner_id in asked}
    query = select(Account).where(
        among(session, Account.owner_id, owners), Account.site_id == site_id
    )
    if lock:
        query = query.order_by(Account.id).with_for_update(key_share=True)
    rows = session.scalars(query.execution_options(populate_existing=True)).all()
    found = {(AccountKind(row.kind), row.owner_id): row for row in rows}
    return {owner: found[owner] for owner in asked if owner in found}


def wallet(session: Session, site_id: UUID, diner_id: UUID, source: Source) -> Account:
    """A diner's wallet, opened at zero where there is none.

    Raises:
        KeyError: a drawer is nobody's wallet.
    """
    return ensure(session, site_id, WALLETS[source], diner_id)


def balances(session: Session, diner_id: UUID) -> dict[Source, Fen]:
    """Fen in each of the diner's wallets; zero where he has none."""
    return balances_of(session, [diner_id])[diner_id]


def balances_of(session: Session, diner_ids: Sequence[UUID]) -> dict[UUID, dict[Source, Fen]]:
    """Diner → fen in each of his wallets, for at most :data:`server.many.PORTION` diners."""
    query = select(Account.owner_id, Account.kind, Account.balance).where(
        among(session, Account.owner_id, diner_ids), Account.kind.in_(list(_SOURCES))
    )
    found = {diner_id: dict.fromkeys(WALLETS, Fen(0)) for diner_id in diner_ids}
    for diner_id, kind, balance in session.execute(query):
        found[diner_id][_SOURCES[kind]] = Fen(balance)
    return found
