"""Proof of a till's file: its chain, its receipts, and that the server has what it acknowledged."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import UUID

from sqlalchemy.orm import Session

from dafan.errors import ConfigError
from dafan.journal import GENESIS, Fault, entry_hash
from dafan.records import Entry, Sale
from server import entries
from server.verify import Report
from server.verify_money import booked_fen

_CHUNK = 500


def verify_till(path: Path, report: Report, session: Session | None = None) -> None:
    """Check a till's file, without changing it.

    Args:
        path: Of the till's SQLite file; the till may be running.
        report: Takes the faults.
        session: The server's database, where both are at hand.

    Raises:
        ConfigError: it is no till's file.
    """
    with closing(_open(path)) as file:
        try:
            mark = file.execute("SELECT terminal_id, acknowledged FROM journal_mark").fetchone()
            terminal_id, acknowledged = UUID(mark[0]), int(mark[1])
        except (sqlite3.DatabaseError, TypeError, ValueError) as error:
            raise ConfigError(f"{path} is not a till's file: name the till's own one") from error
        try:
            report.add(_chain(file, terminal_id, acknowledged, report), "till_file")
            report.add(_receipts(file), "till_file")
            if session is not None:
                report.add(_arrived(file, session, terminal_id, acknowledged), "till_file")
                report.count("books_fen", booked_fen(session).get(str(terminal_id), 0))
        except sqlite3.DatabaseError as error:
            raise ConfigError(f"{path} is damaged ({error}): restore this till's backup") from error


def _open(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise ConfigError(f"{path}: there is no such file")
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)


def _chain(
    file: sqlite3.Connection, terminal_id: UUID, acknowledged: int, report: Report
) -> Iterator[Fault]:
    seq, prev = 0, GENESIS
    for row in file.execute("SELECT * FROM journal_entry ORDER BY seq"):
        values = dict(
            zip(("seq", "id", "at", "kind", "body", "prev_hash", "hash"), row, strict=True)
        )
        where = f"till entry {values['seq']}"
        if values["seq"] != seq + 1:
            yield Fault(where, f"entries {seq + 1} to {values['seq'] - 1} are missing before it")
        elif values["prev_hash"] != prev:
            yield Fault(where, "does not continue the entry before it")
        yield from _entry(where, values, terminal_id, report)
        seq, prev = values["seq"], values["hash"]
        report.count("till_entries")
    if acknowledged > seq:
        yield Fault("till mark", f"the server has entries up to {acknowledged}, here ends {seq}")


def _entry(
    where: str, values: dict[str, object], terminal_id: UUID, report: Report
) -> Iterator[Fault]:
    try:
        body = json.loads(str(values["body"]))
        entry = Entry.model_validate({**values, "body": body, "terminal_id": terminal_id})
        if entry_hash(entry) != entry.hash:
            yield Fault(where, "is not what its hash says: it was altered after it was written")
        if entry.kind == "sale":
            report.count("till_fen", Sale.model_validate(body).total)
            report.count("till_sales")
    except ValueError:
        yield Fault(where, "cannot be read: it was altered after it was written")


def _receipts(file: sqlite3.Connection) -> Iterator[Fault]:
    """No receipt was printed for a sale, void or shift that is not written."""
    if not file.execute("SELECT 1 FROM sqlite_master WHERE name = 'receipt'").fetchone():
        return
    query = """
        SELECT DISTINCT receipt.sale_id FROM receipt LEFT JOIN journal_entry AS entry
        ON entry.kind IN ('sale', 'void', 'shift')
        AND json_extract(entry.body, '$.id') = receipt.sale_id
        WHERE entry.seq IS NULL"""
    for (sale_id,) in file.execute(query):
        yield Fault(f"receipt of sale {sale_id}", "the journal has no such sale")


def _arrived(
    file: sqlite3.Connection, session: Session, terminal_id: UUID, acknowledged: int
) -> Iterator[Fault]:
    """Every acknowledged entry is on the server, with the same hash."""
    for first in range(1, acknowledged + 1, _CHUNK):
        last = min(first + _CHUNK - 1, acknowledged)
        there = entries.hashes(session, terminal_id, first, last)
        rows = file.execute(
            "SELECT seq, hash FROM journal_entry WHERE seq BETWEEN ? AND ? ORDER BY seq",
            (first, last),
        )
        for seq, digest in rows:
            if seq not in there:
                yield Fault(f"till entry {seq}", "was acknowledged, but the server has it not")
            elif there[seq] != digest:
                yield Fault(f"till entry {seq}", "is another one on the server")
