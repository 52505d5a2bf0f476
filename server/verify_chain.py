"""Proof of the journals: every entry continues the one before, unaltered, signed, booked as told.

A million entries pass by in constant memory. The bytes that were hashed are put together from the
stored texts as they are, so that nothing has to be read as JSON to prove that it was not altered.
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from pydantic_core import from_json
from sqlalchemy import Integer, LargeBinary, String, and_, cast, func, select, type_coerce
from sqlalchemy.orm import Session, aliased

from dafan import crypto
from dafan.journal import GENESIS, Fault
from dafan.records import Outcome, canonical
from server.books.proving import rows
from server.books.sales import Sale
from server.entries import Batch, EntryRow
from server.many import locks_rows
from server.terminals import Terminal

CHUNK = 2000
ALTERED = "is not what its hash says: it was altered after it was received"


class _Row(NamedTuple):
    """An entry beside the sale that was booked from it; ids are 32 hexadecimal digits."""

    terminal_id: str
    seq: int
    id: str
    at: str
    kind: str
    body: bytes
    prev_hash: str
    hash: str
    outcome: str
    sale_id: str | None
    site_id: str
    venue_id: str
    business_date: str
    period: str
    diner_id: str | None
    group_id: str | None
    tender: str
    subsidised: bool
    list_total: int
    discount: int
    total: int
    subsidy: int
    cash: int
    drawer: int


def _dashed(plain: str) -> str:
    """An id of 32 digits as it is written everywhere else."""
    return f"{plain[:8]}-{plain[8:12]}-{plain[12:16]}-{plain[16:20]}-{plain[20:]}"


def hash_stored(row: _Row) -> str:
    """As :func:`dafan.journal.hash_entry`, of a body that is stored as its canonical text.

    Empty where a text holds a quotation mark that could move the border between two fields.
    """
    at, kind = row.at, row.kind
    if '"' in at or '"' in kind or "\\" in at or "\\" in kind:
        return ""
    head = f'["{_dashed(row.terminal_id)}",{row.seq},"{_dashed(row.id)}","{at}","{kind}",'
    return hashlib.sha256(
        b'%b%b,"%b"]' % (head.encode(), row.body, row.prev_hash.encode())
    ).hexdigest()


def chains(session: Session, counted: dict[str, int]) -> Iterator[Fault]:
    """Every entry in sequence, and every sale told by one; ``counted["entries"]`` says how many."""
    terminal_id, seq, prev = "", 0, GENESIS
    seen = told = 0
    for partition in _portions(session):
        for row in map(_Row._make, partition):
            if row.terminal_id != terminal_id:
                terminal_id, seq, prev = row.terminal_id, 0, GENESIS
            if row.seq != seq + 1:
                yield _fault(row, f"entries {seq + 1} to {row.seq - 1} are missing before it")
            elif row.prev_hash != prev:
                yield _fault(row, "does not continue the entry before it")
            if hash_stored(row) != row.hash:
                yield _fault(row, ALTERED)
            is_sale = row.kind == "sale" and row.outcome == _APPLIED
            if wrong := _told_otherwise(row) if is_sale else _not_told(row):
                yield _fault(row, wrong)
            told += is_sale and row.sale_id is not None
            seq, prev = row.seq, row.hash
        seen += len(partition)
        counted["entries"] = seen
    if told != session.scalar(select(func.count()).select_from(Sale)):
        yield from _untold(session)


def _portions(session: Session) -> Iterator[Sequence[Any]]:
    with session.connection().execute(_query(session)) as result:
        yield from result.partitions(CHUNK)


_APPLIED = Outcome.APPLIED.value


def _query(session: Session) -> Any:
    """Ids, dates and bodies as the database stores them: a million objects less to make."""

    def plain(column: Any) -> Any:
        if not locks_rows(session):
            return type_coerce(column, String)
        return func.replace(cast(column, String), "-", "")

    def raw(column: Any) -> Any:
        if not locks_rows(session):
            return cast(column, LargeBinary)  # also of a text that is no UTF-8 any more
        return func.convert_to(column, "UTF8", type_=LargeBinary)

    def written(column: Any) -> Any:
        if not locks_rows(session):
            return type_coerce(column, String)
        return func.to_char(column, "YYYY-MM-DD")

    entry, sale = _ENTRY.c, _SALE.c
    return (
        select(
            plain(entry.terminal_id), entry.seq, plain(entry.id), entry.at, entry.kind,
            raw(entry.body), entry.prev_hash, entry.hash, entry.outcome,
            plain(sale.id), plain(sale.site_id), plain(sale.venue_id),
            written(sale.business_date), sale.period, plain(sale.diner_id), plain(sale.group_id),
            sale.tender, type_coerce(sale.subsidised, Integer), sale.list_total, sale.discount,
            sale.total, sale.subsidy_paid, sale.cash_paid, sale.drawer_paid,
        )
        .select_from(
            _ENTRY.outerjoin(
                _SALE, and_(sale.terminal_id == entry.terminal_id, sale.seq == entry.seq)
            )
        )
        .order_by(entry.terminal_id, entry.seq)
        .execution_options(yield_per=CHUNK)
    )  # fmt: skip


_ENTRY = EntryRow.metadata.tables["entry"]
_SALE = Sale.metadata.tables["sale"]


def _not_told(row: _Row) -> str:
    """What is wrong with an entry that tells no sale of the books; mostly nothing."""
    if row.sale_id is None:
        return ""
    return f"sale {_dashed(row.sale_id)} is booked from it, but it is no applied sale"


def _told_otherwise(row: _Row) -> str:
    """What is wrong with the sale of an applied entry; empty where it is booked as it was told."""
    if row.sale_id is None:
        return "is applied, but its sale is not in the books"
    try:
        told = _figures(from_json(row.body))
    except (ValueError, KeyError, TypeError, AttributeError):
        return "cannot be read any more: it was altered after it was received"
    if told == row[9:]:
        return ""
    return f"sale {_dashed(row.sale_id)} in the books is not the one that the till reported"


def _figures(body: dict[str, Any]) -> tuple[Any, ...]:
    paid = {"subsidy": 0, "cash": 0, "drawer": 0}
    for part in body["payments"]:
        paid[part["source"]] += part["amount"]
    diner, group = body["diner_id"], body["group_id"]
    return (
        body["id"].replace("-", ""), body["site_id"].replace("-", ""),
        body["venue_id"].replace("-", ""), body["business_date"], body["period"],
        diner and diner.replace("-", ""), group and group.replace("-", ""), body["tender"],
        body["subsidised"], body["list_total"], body["discount"], body["total"],
        paid["subsidy"], paid["cash"], paid["drawer"],
    )  # fmt: skip


def _untold(session: Session) -> Iterator[Fault]:
    """Sales that no applied entry of a journal tells."""
    applied = and_(
        EntryRow.terminal_id == Sale.terminal_id, EntryRow.seq == Sale.seq,
        EntryRow.kind == "sale", EntryRow.outcome == _APPLIED,
    )  # fmt: skip
    query = (
        select(Sale.id, Sale.terminal_id, Sale.seq)
        .outerjoin(EntryRow, applied)
        .where(EntryRow.seq.is_(None))
        .order_by(Sale.terminal_id, Sale.seq)
    )
    for sale_id, terminal_id, seq in rows(session, query):
        what = f"no applied entry {seq} of terminal {terminal_id} tells it"
        yield Fault(f"sale {sale_id}", what, "sale_entry")


def _fault(row: _Row, what: str) -> Fault:
    return Fault(f"entry {row.seq} of terminal {_dashed(row.terminal_id)}", what, "chain")


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
            yield Fault(where, what, "mark")
        elif mark_hash != (hash_ or GENESIS):
            yield Fault(where, f"its mark is not the hash of entry {mark}", "mark")


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
    batches = 0
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
    ) in rows(session, query):
        batches += 1
        where = f"batch {since}-{until} of terminal {terminal_id}"
        if (first_prev, last_hash) != (prev, end):
            what = "its first or last entry is missing or another one"
            yield Fault(where, what, "batch")
        message = b"dafan-journal-v1" + canonical([str(terminal_id), since, prev, until, end])
        if not crypto.verify_signature(key, signature, message):
            yield Fault(where, "is not signed by the terminal's key", "batch")
    counted["batches"] = batches
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
    for terminal_id, seq in rows(session, query):
        where = f"entry {seq} of terminal {terminal_id}"
        yield Fault(where, "no signed batch brought it", "batch")
