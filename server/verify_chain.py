"""Proof of the journals: every entry continues the one before, unaltered, signed, booked as told.

A million entries pass by in constant memory. The bytes that were hashed are put together from the
stored texts as they are, so that nothing has to be read as JSON to prove that it was not altered.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session, aliased

from dafan import crypto
from dafan.journal import GENESIS, Fault
from dafan.records import Outcome, Source, canonical
from server.books.sales import Sale
from server.entries import Batch, EntryRow
from server.terminals import Terminal

CHUNK = 2000
ALTERED = "is not what its hash says: it was altered after it was received"
_RESTORE = (
    "keep a copy of this database, restore the last backup that verifies, and let the tills send "
    "again"
)


class _Row(NamedTuple):
    """An entry beside the sale that was booked from it."""

    terminal_id: UUID
    seq: int
    id: UUID
    at: str
    kind: str
    body: str
    prev_hash: str
    hash: str
    outcome: str
    sale_id: UUID | None
    site_id: UUID | None
    business_date: Any
    diner_id: UUID | None
    discount: int
    total: int
    subsidy: int
    cash: int
    drawer: int


def hash_stored(
    terminal_id: UUID, seq: int, entry_id: UUID, at: str, kind: str, body: str, prev: str
) -> str:
    """As :func:`dafan.journal.hash_entry`, of a body that is stored as its canonical text.

    Empty where a text holds a quotation mark that could move the border between two fields.
    """
    if '"' in at or '"' in kind or "\\" in at or "\\" in kind:
        return ""
    text = f'["{terminal_id}",{seq},"{entry_id}","{at}","{kind}",{body},"{prev}"]'
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def chains(session: Session, counted: dict[str, int]) -> Iterator[Fault]:
    """Every entry in sequence; ``counted["entries"]`` says how many."""
    terminal_id, seq, prev = None, 0, GENESIS
    rows = 0
    for partition in session.execute(_query()).partitions(CHUNK):
        for raw in partition:
            row = _Row._make(raw)
            if row.terminal_id != terminal_id:
                terminal_id, seq, prev = row.terminal_id, 0, GENESIS
            if row.seq != seq + 1:
                yield _fault(row, f"entries {seq + 1} to {row.seq - 1} are missing before it")
            elif row.prev_hash != prev:
                yield _fault(row, "does not continue the entry before it")
            yield from _entry(row)
            seq, prev = row.seq, row.hash
        rows += len(partition)
    counted["entries"] = rows


def _query() -> Any:
    booked = and_(Sale.terminal_id == EntryRow.terminal_id, Sale.seq == EntryRow.seq)
    return (
        select(
            EntryRow.terminal_id, EntryRow.seq, EntryRow.id, EntryRow.at, EntryRow.kind,
            EntryRow.body, EntryRow.prev_hash, EntryRow.hash, EntryRow.outcome,
            Sale.id, Sale.site_id, Sale.business_date, Sale.diner_id, Sale.discount, Sale.total,
            Sale.subsidy_paid, Sale.cash_paid, Sale.drawer_paid,
        )
        .outerjoin(Sale, booked)
        .order_by(EntryRow.terminal_id, EntryRow.seq)
        .execution_options(yield_per=CHUNK)
    )  # fmt: skip


def _entry(row: _Row) -> Iterator[Fault]:
    text = hash_stored(row.terminal_id, row.seq, row.id, row.at, row.kind, row.body, row.prev_hash)
    if text != row.hash:
        yield _fault(row, ALTERED)
    if row.kind != "sale" or row.outcome != Outcome.APPLIED.value:
        if row.sale_id is not None:
            yield _fault(row, f"sale {row.sale_id} is booked from it, but it is no applied sale")
        return
    if row.sale_id is None:
        yield _fault(row, "is applied, but its sale is not in the books")
        return
    try:
        told = _figures(json.loads(row.body))
    except (ValueError, KeyError, TypeError):
        yield _fault(row, "cannot be read any more: it was altered after it was received")
        return
    if told != _booked(row):
        what = f"sale {row.sale_id} in the books is not the one that the till reported"
        yield _fault(row, what)


def _figures(body: dict[str, Any]) -> tuple[Any, ...]:
    paid = dict.fromkeys(Source, 0)
    for part in body["payments"]:
        paid[Source(part["source"])] += part["amount"]
    return (
        body["id"], body["site_id"], body["business_date"], body["diner_id"], body["discount"],
        body["total"], paid[Source.SUBSIDY], paid[Source.CASH], paid[Source.DRAWER],
    )  # fmt: skip


def _booked(row: _Row) -> tuple[Any, ...]:
    diner = None if row.diner_id is None else str(row.diner_id)
    return (
        str(row.sale_id), str(row.site_id), row.business_date.isoformat(), diner, row.discount,
        row.total, row.subsidy, row.cash, row.drawer,
    )  # fmt: skip


def _fault(row: _Row, what: str) -> Fault:
    return Fault(f"entry {row.seq} of terminal {row.terminal_id}", what, "chain", _RESTORE)


def marks(session: Session) -> Iterator[Fault]:
    """What was acknowledged to a terminal is still here, to the last entry."""
    last = (
        select(EntryRow.terminal_id, func.max(EntryRow.seq).label("seq"))
        .group_by(EntryRow.terminal_id)
        .subquery()
    )
    query = (
        select(Terminal.id, Terminal.applied_seq, Terminal.applied_hash, last.c.seq, EntryRow.hash)
        .outerjoin(last, last.c.terminal_id == Terminal.id)
        .outerjoin(
            EntryRow,
            and_(EntryRow.terminal_id == Terminal.id, EntryRow.seq == Terminal.applied_seq),
        )
        .order_by(Terminal.id)
    )
    for terminal_id, mark, mark_hash, seq, hash_ in session.execute(query):
        where = f"terminal {terminal_id}"
        if mark != (seq or 0):
            what = f"entries up to {mark} were acknowledged, the last one here is {seq or 0}"
            yield Fault(where, what, "mark", _RESTORE)
        elif mark_hash != (hash_ or GENESIS):
            yield Fault(where, f"its mark is not the hash of entry {mark}", "mark", _RESTORE)


def signatures(session: Session, counted: dict[str, int]) -> Iterator[Fault]:
    """Every batch is signed by its terminal, and its ends are the entries that are here."""
    first, last = aliased(EntryRow), aliased(EntryRow)
    query = (
        select(
            Batch.terminal_id, Batch.first_seq, Batch.last_seq, Batch.prev_hash, Batch.last_hash,
            Batch.signature, Terminal.signing_key, first.prev_hash, last.hash,
        )
        .join(Terminal, Terminal.id == Batch.terminal_id)
        .outerjoin(
            first, and_(first.terminal_id == Batch.terminal_id, first.seq == Batch.first_seq)
        )
        .outerjoin(last, and_(last.terminal_id == Batch.terminal_id, last.seq == Batch.last_seq))
        .order_by(Batch.terminal_id, Batch.first_seq)
        .execution_options(yield_per=CHUNK)
    )  # fmt: skip
    rows = 0
    for (
        terminal_id,
        since,
        until,
        prev,
        end,
        signature,
        key,
        first_prev,
        last_hash,
    ) in session.execute(query):
        rows += 1
        where = f"batch {since}-{until} of terminal {terminal_id}"
        if (first_prev, last_hash) != (prev, end):
            what = "its first or last entry is missing or another one"
            yield Fault(where, what, "batch", _RESTORE)
        message = b"dafan-journal-v1" + canonical([str(terminal_id), since, prev, until, end])
        if not crypto.verify_signature(key, signature, message):
            yield Fault(where, "is not signed by the terminal's key", "batch", _RESTORE)
    counted["batches"] = rows
    yield from _alone(session)


def _alone(session: Session) -> Iterator[Fault]:
    """Entries that no signed batch has brought."""
    query = (
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
        .order_by(EntryRow.terminal_id, EntryRow.seq)
    )
    for terminal_id, seq in session.execute(query.execution_options(yield_per=CHUNK)):
        where = f"entry {seq} of terminal {terminal_id}"
        yield Fault(where, "no signed batch brought it", "batch", _RESTORE)
