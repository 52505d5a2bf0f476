"""Proof that the books are right: invariants 1, 2 and 4, on the server's database."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from sqlalchemy import Executable, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from dafan import crypto
from dafan.journal import GENESIS, Fault, entry_hash
from dafan.records import Outcome, Sale, canonical
from server import entries
from server.books import sales
from server.books.accounts import Account, AccountKind
from server.books.transfers import Posting, Transfer
from server.entries import Batch, EntryRow
from server.terminals import Terminal

MAX_FAULTS = 100
_CHUNK = 1000


@dataclass
class Report:
    """What was looked at, and the first faults."""

    faults: list[Fault] = field(default_factory=list)
    checked: dict[str, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults

    def add(self, faults: Iterator[Fault]) -> None:
        """Take over faults, up to :data:`MAX_FAULTS` in all."""
        self.faults.extend(islice(faults, max(0, MAX_FAULTS - len(self.faults))))

    def count(self, what: str, number: int = 1) -> None:
        """So many more of something were looked at."""
        self.checked[what] = self.checked.get(what, 0) + number


def verify_server(session: Session, report: Report) -> None:
    """Check the whole database; rows are streamed, so that its size does not matter."""
    for check in (
        _transfers, _accounts, _sales_have_entries, _sale_money, _till_sums, _marks, _signatures,
    ):  # fmt: skip
        report.add(check(session))
    report.add(_chains(session, report))
    for name, table in (("accounts", Account), ("transfers", Transfer), ("sales", sales.Sale)):
        report.count(name, session.scalar(select(func.count()).select_from(table)) or 0)
    report.count("batches", session.scalar(select(func.count()).select_from(Batch)) or 0)


def _rows(session: Session, query: Executable) -> Iterator[Any]:
    return iter(session.execute(query.execution_options(yield_per=_CHUNK)))


# --- invariant 1: the books balance -------------------------------------------------------------


def _transfers(session: Session) -> Iterator[Fault]:
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


def _accounts(session: Session) -> Iterator[Fault]:
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


# --- invariant 2: every sale once ---------------------------------------------------------------


def _sales_have_entries(session: Session) -> Iterator[Fault]:
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


def _sale_money(session: Session) -> Iterator[Fault]:
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


def _till_sums(session: Session) -> Iterator[Fault]:
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


# --- invariant 4: chains and signatures ---------------------------------------------------------


def _chains(session: Session, report: Report) -> Iterator[Fault]:
    """Every entry continues the one before, is unaltered, and is booked as it says."""
    sale = sales.Sale
    query = (
        select(EntryRow, sale)
        .outerjoin(sale, and_(sale.terminal_id == EntryRow.terminal_id, sale.seq == EntryRow.seq))
        .order_by(EntryRow.terminal_id, EntryRow.seq)
        .execution_options(yield_per=_CHUNK)
    )
    terminal_id, seq, prev = None, 0, GENESIS
    for row, booked in session.execute(query):
        if row.terminal_id != terminal_id:
            terminal_id, seq, prev = row.terminal_id, 0, GENESIS
        where = f"entry {row.seq} of terminal {terminal_id}"
        if row.seq != seq + 1:
            yield Fault(where, f"entries {seq + 1} to {row.seq - 1} are missing before it")
        elif row.prev_hash != prev:
            yield Fault(where, "does not continue the entry before it")
        yield from _entry(where, row, booked)
        seq, prev = row.seq, row.hash
        report.count("entries")


def _entry(where: str, row: EntryRow, booked: sales.Sale | None) -> Iterator[Fault]:
    try:
        entry = entries.as_record(row)
        intact = entry_hash(entry) == row.hash
    except ValueError:
        yield Fault(where, "cannot be read any more: it was altered after it was received")
        return
    if not intact:
        yield Fault(where, "is not what its hash says: it was altered after it was received")
    if row.kind != "sale" or row.outcome != Outcome.APPLIED.value:
        return
    if booked is None:
        yield Fault(where, "is applied, but its sale is not in the books")
        return
    try:
        told = Sale.model_validate(entry.body)
    except ValueError:
        return  # told above: what was applied was valid when it came
    if _figures(told) != _booked_figures(booked):
        yield Fault(where, f"sale {booked.id} in the books is not the one that the till reported")


def _figures(sale: Sale) -> tuple[Any, ...]:
    paid = sales.paid_by(sale)
    same = (sale.id, sale.site_id, sale.business_date, sale.diner_id, sale.discount, sale.total)
    return (*same, *paid.values())


def _booked_figures(row: sales.Sale) -> tuple[Any, ...]:
    same = (row.id, row.site_id, row.business_date, row.diner_id, row.discount, row.total)
    return (*same, row.subsidy_paid, row.cash_paid, row.drawer_paid)


def _marks(session: Session) -> Iterator[Fault]:
    """What was acknowledged to a terminal is still here, to the last entry."""
    last = (
        select(EntryRow.terminal_id, func.max(EntryRow.seq).label("seq"))
        .group_by(EntryRow.terminal_id)
        .subquery()
    )
    query = select(Terminal.id, Terminal.applied_seq, last.c.seq).outerjoin(
        last, last.c.terminal_id == Terminal.id
    )
    for terminal_id, mark, seq in _rows(session, query):
        if mark != (seq or 0):
            yield Fault(
                f"terminal {terminal_id}",
                f"entries up to {mark} were acknowledged, the last one here is {seq or 0}",
            )


def _signatures(session: Session) -> Iterator[Fault]:
    """Every batch is signed by its terminal, and its ends are the entries that are here."""
    first, last = aliased(EntryRow), aliased(EntryRow)
    query = (
        select(Batch, Terminal.signing_key, first.prev_hash, last.hash)
        .join(Terminal, Terminal.id == Batch.terminal_id)
        .outerjoin(
            first, and_(first.terminal_id == Batch.terminal_id, first.seq == Batch.first_seq)
        )
        .outerjoin(last, and_(last.terminal_id == Batch.terminal_id, last.seq == Batch.last_seq))
    )
    for batch, key, prev_hash, last_hash in _rows(session, query):
        where = f"batch {batch.first_seq}-{batch.last_seq} of terminal {batch.terminal_id}"
        if (prev_hash, last_hash) != (batch.prev_hash, batch.last_hash):
            yield Fault(where, "its first or last entry is missing or another one")
        if not crypto.verify_signature(key, batch.signature, _message(batch)):
            yield Fault(where, "is not signed by the terminal's key")
    query_alone = (
        select(EntryRow.terminal_id, EntryRow.seq)
        .outerjoin(
            Batch,
            and_(
                Batch.id == EntryRow.batch_id,
                Batch.terminal_id == EntryRow.terminal_id,
                EntryRow.seq.between(Batch.first_seq, Batch.last_seq),
            ),
        )
        .where(Batch.id.is_(None))
    )
    for terminal_id, seq in _rows(session, query_alone):
        yield Fault(f"entry {seq} of terminal {terminal_id}", "no signed batch brought it")


def _message(batch: Batch) -> bytes:
    """As :func:`dafan.journal.batch_message`, from what is kept of the batch."""
    ends = [
        str(batch.terminal_id), batch.first_seq, batch.prev_hash, batch.last_seq, batch.last_hash,
    ]  # fmt: skip
    return b"dafan-journal-v1" + canonical(ends)
