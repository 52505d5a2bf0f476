"""Proof of the money: transfers balance, accounts are their postings, sales are posted once."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Executable, and_, func, or_, select
from sqlalchemy.orm import Session

from dafan.journal import Fault
from dafan.records import Outcome
from server.books import sales
from server.books.accounts import Account, AccountKind
from server.books.transfers import Posting, Transfer
from server.entries import EntryRow

CHUNK = 2000


def _rows(session: Session, query: Executable) -> Iterator[Any]:
    return iter(session.execute(query.execution_options(yield_per=CHUNK)))


def transfers(session: Session) -> Iterator[Fault]:
    """The postings of each transfer sum to zero, and belong to one."""
    summed = func.coalesce(func.sum(Posting.amount), 0)
    query = (
        select(Transfer.id, Transfer.key, summed, func.count(Posting.account_id))
        .outerjoin(Posting, Posting.transfer_id == Transfer.id)
        .group_by(Transfer.id, Transfer.key)
        .having(or_(summed != 0, func.count(Posting.account_id) < 2))
    )
    for transfer_id, key, total, legs in _rows(session, query):
        yield Fault(
            f"transfer {transfer_id} ({key})",
            f"its {legs} postings sum to {total} fen: a posting was altered or deleted",
        )
    orphans = (
        select(Posting.transfer_id)
        .outerjoin(Transfer, Transfer.id == Posting.transfer_id)
        .where(Transfer.id.is_(None))
    )
    for (transfer_id,) in _rows(session, orphans):
        yield Fault(f"transfer {transfer_id}", "has postings, but was deleted itself")


def accounts(session: Session) -> Iterator[Fault]:
    """Each balance is the sum of its postings; all together hold nothing."""
    summed = func.coalesce(func.sum(Posting.amount), 0)
    query = (
        select(Account.id, Account.kind, Account.owner_id, Account.balance, summed)
        .outerjoin(Posting, Posting.account_id == Account.id)
        .group_by(Account.id, Account.kind, Account.owner_id, Account.balance)
        .having(Account.balance != summed)
    )
    for account_id, kind, owner, balance, total in _rows(session, query):
        yield Fault(
            f"account {account_id} ({kind} of {owner})",
            f"its balance says {balance} fen, its postings sum to {total}",
        )
    totals = (
        select(Account.site_id, func.sum(Account.balance))
        .group_by(Account.site_id)
        .having(func.sum(Account.balance) != 0)
    )
    for site_id, total in _rows(session, totals):
        yield Fault(f"site {site_id}", f"all accounts together hold {total} fen instead of 0")


def sales_have_entries(session: Session) -> Iterator[Fault]:
    """Each sale is told by an applied entry of a journal."""
    applied = and_(
        EntryRow.terminal_id == sales.Sale.terminal_id,
        EntryRow.seq == sales.Sale.seq,
        EntryRow.kind == "sale",
        EntryRow.outcome == Outcome.APPLIED.value,
    )
    query = (
        select(sales.Sale.id, sales.Sale.terminal_id, sales.Sale.seq)
        .outerjoin(EntryRow, applied)
        .where(EntryRow.seq.is_(None))
    )
    for sale_id, terminal_id, seq in _rows(session, query):
        yield Fault(f"sale {sale_id}", f"no applied entry {seq} of terminal {terminal_id} tells it")


def sale_money(session: Session) -> Iterator[Fault]:
    """The postings of each sale are what the sale says, account by account."""
    amount = {
        kind: func.coalesce(func.sum(Posting.amount).filter(Account.kind == kind.value), 0)
        for kind in (
            AccountKind.SUBSIDY, AccountKind.CASH, AccountKind.DRAWER, AccountKind.REVENUE,
        )
    }  # fmt: skip
    sale = sales.Sale
    query = (
        select(sale.id, sale.total, amount[AccountKind.REVENUE])
        .outerjoin(Posting, Posting.transfer_id == sale.transfer_id)
        .outerjoin(Account, Account.id == Posting.account_id)
        .group_by(
            sale.id, sale.total, sale.subsidy_paid, sale.cash_paid, sale.drawer_paid,
        )
        .having(
            or_(
                amount[AccountKind.REVENUE] != sale.total,
                amount[AccountKind.SUBSIDY] != -sale.subsidy_paid,
                amount[AccountKind.CASH] != -sale.cash_paid,
                amount[AccountKind.DRAWER] != -sale.drawer_paid,
            )
        )
    )  # fmt: skip
    for sale_id, total, posted in _rows(session, query):
        yield Fault(
            f"sale {sale_id}", f"it says {total} fen, {posted} are posted as revenue: see its legs"
        )
    transfer = (
        select(Transfer.id, Transfer.key)
        .outerjoin(sale, sale.transfer_id == Transfer.id)
        .where(Transfer.kind == "sale", sale.id.is_(None))
    )
    for transfer_id, key in _rows(session, transfer):
        yield Fault(f"transfer {transfer_id} ({key})", "moved money for a sale that is missing")


def booked_fen(session: Session) -> dict[str, int]:
    """Terminal → the sum of what was posted for its sales, in fen."""
    posted = (
        select(Transfer.by.label("by"), func.sum(Posting.amount).label("total"))
        .join(Posting, Posting.transfer_id == Transfer.id)
        .join(Account, Account.id == Posting.account_id)
        .where(Transfer.kind == "sale", Account.kind == AccountKind.REVENUE.value)
        .group_by(Transfer.by)
    )
    return {by: int(total) for by, total in session.execute(posted)}


def till_sums(session: Session) -> Iterator[Fault]:
    """Of each terminal, the sum of its sales is the sum of what was posted for it."""
    booked = booked_fen(session)
    sold = select(sales.Sale.terminal_id, func.sum(sales.Sale.total)).group_by(
        sales.Sale.terminal_id
    )
    for terminal_id, total in session.execute(sold):
        if booked.get(str(terminal_id), 0) != total:
            yield Fault(
                f"terminal {terminal_id}",
                f"sold {total} fen, {booked.get(str(terminal_id), 0)} are posted",
            )
