"""The append-only, hash-chained, signed log of a terminal, on SQLite.

An entry is on the disk when :meth:`Journal.append` or the ``with journal.transaction()`` block
returns: the file is in WAL mode with ``synchronous=FULL``. A till keeps its snapshot and its
receipt spool in the same file, so that a sale and its receipt are written together or not at all.
"""

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from dafan.crypto import Identity
from dafan.errors import DafanError
from dafan.records import MAX_BATCH, Entry, JournalPush, Record, canonical
from dafan.wire import iso

GENESIS = "0" * 64
"""The hash before the first entry."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS journal_entry (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, at TEXT NOT NULL, kind TEXT NOT NULL,
    body TEXT NOT NULL, prev_hash TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS journal_mark (
    terminal_id TEXT PRIMARY KEY, acknowledged INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TRIGGER IF NOT EXISTS journal_entry_is_never_changed BEFORE UPDATE ON journal_entry
    BEGIN SELECT RAISE(ABORT, 'journal entries are never changed'); END;
CREATE TRIGGER IF NOT EXISTS journal_entry_is_never_deleted BEFORE DELETE ON journal_entry
    BEGIN SELECT RAISE(ABORT, 'journal entries are never deleted'); END;
"""


class JournalError(DafanError):
    """The journal cannot take or give an entry."""

    code = "journal"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that ``dafan verify`` found wrong.

    Attributes:
        where: Which row.
        what: What is wrong with it.
        code: The kind of fault.
        advice: What to do about it.
    """

    where: str
    what: str
    code: str = ""
    advice: str = ""


def hash_entry(
    terminal_id: UUID, seq: int, entry_id: UUID, at: str, kind: str, body: Any, prev: str
) -> str:
    """SHA-256 over the canonical bytes of an entry and of the hash before it.

    Args:
        terminal_id: Whose journal.
        seq: Its place, from 1, without gaps.
        entry_id: UUIDv7.
        at: UTC as ``2026-03-01T04:05:06.000000Z``.
        kind: A key of :data:`dafan.records.ENTRY_BODIES`.
        body: Plain JSON values without floats.
        prev: Hash of the entry before, :data:`GENESIS` for the first.
    """
    fields = [str(terminal_id), seq, str(entry_id), at, kind, body, prev]
    return hashlib.sha256(canonical(fields)).hexdigest()


def entry_hash(entry: Entry) -> str:
    """What the entry's hash must be, from all else it says."""
    return hash_entry(
        entry.terminal_id, entry.seq, entry.id, iso(entry.at), entry.kind, entry.body,
        entry.prev_hash,
    )  # fmt: skip


def batch_message(entries: Sequence[Entry]) -> bytes:
    """The bytes that a terminal signs for a batch: who, from where, to where, on what chain."""
    first, last = entries[0], entries[-1]
    return b"dafan-journal-v1" + canonical(
        [str(first.terminal_id), first.seq, first.prev_hash, last.seq, last.hash]
    )


def sign_batch(identity: Identity, entries: Sequence[Entry]) -> JournalPush:
    """A batch as it is pushed."""
    return JournalPush(
        entries=tuple(entries), signature=identity.signing.sign(batch_message(entries))
    )


def connect(path: Path) -> sqlite3.Connection:
    """Open a till's file: WAL, every commit on the disk before it returns, manual transactions."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    return connection


class Journal:
    """One terminal's journal; safe to use from several threads of one process."""

    def __init__(self, connection: sqlite3.Connection, terminal_id: UUID) -> None:
        self._connection = connection
        self._lock = threading.RLock()
        self.terminal_id = terminal_id
        connection.executescript(_SCHEMA)
        owner = connection.execute("SELECT terminal_id FROM journal_mark").fetchone()
        if owner is None:
            connection.execute(
                "INSERT INTO journal_mark(terminal_id) VALUES (?)", (str(terminal_id),)
            )
        elif owner["terminal_id"] != str(terminal_id):
            raise JournalError(
                f"this file belongs to terminal {owner['terminal_id']}, not to {terminal_id}: "
                "move it away and let the server judge it, or restore this terminal's own file"
            )

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write entries and the till's own rows together or not at all.

        Yields:
            The connection, for the till's other tables.

        Raises:
            JournalError: the disk is full or failing; nothing was written.
        """
        with self._lock:
            if self._connection.in_transaction:
                yield self._connection
                return
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException as error:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.OperationalError):
                    raise JournalError(f"the till's disk does not take writes ({error})") from error
                raise

    def append(self, kind: str, entry_id: UUID, at: datetime, body: Record) -> Entry:
        """Write one entry behind the last; on the disk when the (outer) transaction ends.

        Raises:
            JournalError: the disk does not take it, or the id is in the journal already.
        """
        with self.transaction() as connection:
            seq, prev = self.head()
            fields = {
                "terminal_id": self.terminal_id, "seq": seq + 1, "id": entry_id, "at": at,
                "kind": kind, "body": body.to_body(), "prev_hash": prev, "hash": GENESIS,
            }  # fmt: skip
            draft = Entry.model_validate(fields)
            entry = draft.model_copy(update={"hash": entry_hash(draft)})
            row = entry.model_dump(mode="json")
            text = canonical(row["body"]).decode()
            try:
                connection.execute(
                    "INSERT INTO journal_entry VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (entry.seq, row["id"], row["at"], kind, text, prev, entry.hash),
                )
            except sqlite3.IntegrityError as error:
                raise JournalError(f"entry {entry_id} is in the journal already") from error
            return entry

    def head(self) -> tuple[int, str]:
        """Sequence and hash of the last entry; ``(0, GENESIS)`` of an empty journal."""
        with self._lock:
            row = self._connection.execute(
                "SELECT seq, hash FROM journal_entry ORDER BY seq DESC LIMIT 1"
            ).fetchone()
        return (row["seq"], row["hash"]) if row else (0, GENESIS)

    def acknowledged(self) -> int:
        """The last sequence that the server has said it keeps."""
        with self._lock:
            row = self._connection.execute("SELECT acknowledged FROM journal_mark").fetchone()
        return int(row["acknowledged"])

    def acknowledge(self, seq: int) -> None:
        """Remember how far the server has come. It never runs ahead of what is written here."""
        with self.transaction() as connection:
            if not 0 <= seq <= self.head()[0]:
                raise JournalError(
                    f"the server acknowledges entry {seq}, which is not written here"
                )
            connection.execute("UPDATE journal_mark SET acknowledged = ?", (seq,))

    def read(self, after: int, limit: int = MAX_BATCH) -> list[Entry]:
        """Entries behind ``after``, in sequence."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT * FROM journal_entry WHERE seq > ? ORDER BY seq LIMIT ?", (after, limit)
            ).fetchall()
        return [self._entry(row) for row in rows]

    def contains(self, entry_id: UUID) -> bool:
        """Whether an entry with this id is written."""
        with self._lock:
            found = self._connection.execute(
                "SELECT 1 FROM journal_entry WHERE id = ?", (str(entry_id),)
            ).fetchone()
        return found is not None

    def _entry(self, row: sqlite3.Row) -> Entry:
        return Entry.model_validate(
            {**dict(row), "body": json.loads(row["body"]), "terminal_id": self.terminal_id}
        )

    def verify(self) -> Iterator[Fault]:
        """Walk the whole chain: gaps, altered entries, broken links (invariant 4)."""
        after, prev = 0, GENESIS
        while rows := self.read(after):
            for entry in rows:
                where = f"journal entry {entry.seq}"
                if entry.seq != after + 1:
                    yield Fault(where, f"entries {after + 1} to {entry.seq - 1} are missing")
                if entry.prev_hash != prev:
                    yield Fault(where, "does not continue the entry before it")
                if entry_hash(entry) != entry.hash:
                    yield Fault(where, "was altered after it was written")
                after, prev = entry.seq, entry.hash
        if self.acknowledged() > after:
            yield Fault("journal mark", "the server has entries that are missing here")
