"""Receipts that still have to come out, in the till's own file (``devices.print_worker.Spool``)."""

import sqlite3
from uuid import UUID

from dafan.ids import new_id
from dafan.journal import Journal
from devices.print_worker import PrintJob
from devices.receipt_doc import ReceiptDoc

SCHEMA = """
CREATE TABLE IF NOT EXISTS receipt (
    position INTEGER PRIMARY KEY AUTOINCREMENT, job_id TEXT NOT NULL UNIQUE,
    sale_id TEXT NOT NULL, doc TEXT NOT NULL, copy INTEGER NOT NULL,
    started INTEGER NOT NULL DEFAULT 0, done INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '') STRICT;
CREATE INDEX IF NOT EXISTS receipt_waiting ON receipt(position) WHERE done = 0;
CREATE INDEX IF NOT EXISTS receipt_sale ON receipt(sale_id);
"""
KEPT = 200
"""Printed receipts that are kept for a reprint."""


def put_receipt(
    connection: sqlite3.Connection, sale_id: UUID, doc: str, *, copy: bool = False
) -> None:
    """Queue a receipt within the caller's transaction."""
    connection.execute(
        "INSERT INTO receipt(job_id, sale_id, doc, copy) VALUES (?, ?, ?, ?)",
        (str(new_id()), str(sale_id), doc, int(copy)),
    )


class ReceiptSpool:
    """The spool that the print worker empties."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def next_job(self) -> PrintJob | None:
        """The oldest receipt that is not on paper."""
        with self._journal.transaction() as connection:
            row = connection.execute(
                "SELECT * FROM receipt WHERE done = 0 ORDER BY position LIMIT 1"
            ).fetchone()
        if row is None:
            return None
        doc = ReceiptDoc.model_validate_json(row["doc"])
        return PrintJob(UUID(row["job_id"]), doc, bool(row["copy"]), bool(row["started"]))

    def started(self, job_id: UUID) -> None:
        """Remember that bytes of it may be on paper."""
        with self._journal.transaction() as connection:
            connection.execute("UPDATE receipt SET started = 1 WHERE job_id = ?", (str(job_id),))

    def done(self, job_id: UUID) -> None:
        """It is on paper; old ones are forgotten."""
        with self._journal.transaction() as connection:
            connection.execute("UPDATE receipt SET done = 1 WHERE job_id = ?", (str(job_id),))
            connection.execute(
                "DELETE FROM receipt WHERE done = 1 AND position <= "
                "(SELECT max(position) - ? FROM receipt)",
                (KEPT,),
            )

    def failed(self, job_id: UUID, reason: str) -> None:
        """Note why it is not out yet."""
        with self._journal.transaction() as connection:
            connection.execute(
                "UPDATE receipt SET attempts = attempts + 1, reason = ? WHERE job_id = ?",
                (reason[:200], str(job_id)),
            )

    def reprint(self, sale_id: UUID) -> bool:
        """Queue the receipt of a sale again, as a copy; ``False`` where it is no longer kept."""
        with self._journal.transaction() as connection:
            row = connection.execute(
                "SELECT doc FROM receipt WHERE sale_id = ? ORDER BY position LIMIT 1",
                (str(sale_id),),
            ).fetchone()
            if row is not None:
                put_receipt(connection, sale_id, row["doc"], copy=True)
        return row is not None

    def waiting(self) -> int:
        """How many are not on paper."""
        with self._journal.transaction() as connection:
            row = connection.execute("SELECT count(*) FROM receipt WHERE done = 0").fetchone()
        return int(row[0])
