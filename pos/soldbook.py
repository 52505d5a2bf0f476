"""What this till has sold, taken back and closed: tables beside its journal, written with it."""

import sqlite3
from datetime import UTC, date, datetime
from uuid import UUID

from dafan.desk import Shift, Void
from dafan.errors import DafanError
from dafan.journal import Journal
from dafan.records import Sale
from devices.receipt_doc import ReceiptDoc
from pos import spool
from pos.facts import Rows
from pos.shifts import Figures, figures_of
from pos.snapshot import Sold

LATEST = 200
"""So many sales are looked back on for a void; older ones are refunded on the server."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS local_sale (
    seq INTEGER PRIMARY KEY, diner_id TEXT) STRICT;
CREATE INDEX IF NOT EXISTS local_sale_diner ON local_sale(diner_id, seq);
CREATE TABLE IF NOT EXISTS local_void (
    sale_id TEXT PRIMARY KEY, seq INTEGER NOT NULL UNIQUE, sale_seq INTEGER NOT NULL UNIQUE,
    diner_id TEXT) STRICT;
CREATE INDEX IF NOT EXISTS local_void_diner ON local_void(diner_id, seq);
CREATE TABLE IF NOT EXISTS local_shift (seq INTEGER PRIMARY KEY) STRICT;
"""


class VoidError(DafanError):
    """The sale is not this till's, or was taken back before."""

    code = "void"


class ShiftError(DafanError):
    """Something was sold since the figures of the shift were read."""

    code = "shift"


class SoldBook:
    """Sales, voids and shifts in the till's file."""

    def __init__(self, journal: Journal, rows: Rows) -> None:
        self._journal = journal
        self._rows = rows

    # --- what the server does not know yet ------------------------------------------------------

    def pending(self, diner_id: UUID, after: int) -> list[Sale]:
        """A diner's sales behind a journal entry that were not taken back."""
        return self._sales(
            "local_sale s JOIN journal_entry e ON e.seq = s.seq WHERE s.diner_id = ? AND s.seq > ? "
            "AND s.seq NOT IN (SELECT sale_seq FROM local_void) ORDER BY s.seq",
            str(diner_id), after,
        )  # fmt: skip

    def taken_back(self, diner_id: UUID, after: int) -> list[Sale]:
        """A diner's sales up to a journal entry that were taken back behind it."""
        return self._sales(
            "local_void v JOIN journal_entry e ON e.seq = v.sale_seq "
            "WHERE v.diner_id = ? AND v.seq > ? AND v.sale_seq <= ? ORDER BY v.seq",
            str(diner_id), after, after,
        )  # fmt: skip

    # --- what the cashier sees --------------------------------------------------------------------

    def latest(self, day: date) -> tuple[Sold, ...]:
        """The last sales of a business date, the newest first."""
        rows = self._rows(
            "SELECT e.body, json_extract(f.body, '$.name') AS name, v.seq AS void_seq "
            "FROM (SELECT * FROM local_sale ORDER BY seq DESC LIMIT ?) s "
            "JOIN journal_entry e ON e.seq = s.seq "
            "LEFT JOIN local_void v ON v.sale_seq = s.seq "
            "LEFT JOIN feed_item f ON f.kind = 'diner' AND f.key = s.diner_id "
            "ORDER BY s.seq DESC",
            LATEST,
        )
        sold = (
            Sold(
                Sale.model_validate_json(row["body"]),
                row["name"] or "",
                row["void_seq"] is not None,
            )
            for row in rows
        )
        return tuple(each for each in sold if each.sale.business_date == day)

    def figures(self) -> Figures:
        """The journal since the last shift."""
        last = self._rows("SELECT max(seq) AS seq FROM local_shift")[0]["seq"] or 0
        head = self._journal.head()[0]
        sold = self._sales(
            "local_sale s JOIN journal_entry e ON e.seq = s.seq "
            "WHERE s.seq > ? AND s.seq <= ? ORDER BY s.seq",
            last, head,
        )  # fmt: skip
        back = self._sales(
            "local_void v JOIN journal_entry e ON e.seq = v.sale_seq "
            "WHERE v.seq > ? AND v.seq <= ? ORDER BY v.seq",
            last, head,
        )  # fmt: skip
        return figures_of(last + 1, head, self._opened(last), sold, back)

    def _opened(self, last_shift: int) -> datetime | None:
        rows = self._rows(
            "SELECT at FROM journal_entry WHERE seq >= ? ORDER BY seq LIMIT 1", max(last_shift, 1)
        )
        return datetime.fromisoformat(rows[0]["at"]).astimezone(UTC) if rows else None

    # --- writing ----------------------------------------------------------------------------------

    def put_sale(self, connection: sqlite3.Connection, sale: Sale) -> None:
        """Append a sale to the journal, within the caller's transaction."""
        entry = self._journal.append("sale", sale.id, sale.paid_at, sale)
        diner = str(sale.diner_id) if sale.diner_id else None
        connection.execute("INSERT INTO local_sale VALUES (?, ?)", (entry.seq, diner))

    def commit_void(self, void: Void, receipt: ReceiptDoc | None = None) -> None:
        """Take a sale back; on the disk with its receipt when this returns. Again is harmless.

        Raises:
            VoidError: it is no sale of this till, or was taken back before; nothing was written.
            JournalError: the disk does not take it; nothing was written.
        """
        with self._journal.transaction() as connection:
            if self._journal.contains(void.id):
                return
            sale = connection.execute(
                "SELECT s.seq, s.diner_id FROM journal_entry e JOIN local_sale s ON s.seq = e.seq "
                "WHERE e.id = ?",
                (str(void.sale_id),),
            ).fetchone()
            if sale is None:
                raise VoidError("this till has not sold that: void it where it was paid")
            before = connection.execute(
                "SELECT 1 FROM local_void WHERE sale_seq = ?", (sale["seq"],)
            ).fetchone()
            if before is not None:
                raise VoidError("this sale was taken back before")
            entry = self._journal.append("void", void.id, void.at, void)
            connection.execute(
                "INSERT INTO local_void VALUES (?, ?, ?, ?)",
                (str(void.sale_id), entry.seq, sale["seq"], sale["diner_id"]),
            )
            if receipt is not None:
                spool.put_receipt(connection, void.id, receipt.model_dump_json())

    def commit_shift(self, shift: Shift, slip: ReceiptDoc | None = None) -> None:
        """Close a shift; on the disk with its slip when this returns. Again is harmless.

        Raises:
            ShiftError: something was sold or voided since its figures were read.
            JournalError: the disk does not take it; nothing was written.
        """
        with self._journal.transaction() as connection:
            if self._journal.contains(shift.id):
                return
            later = connection.execute(
                "SELECT 1 FROM journal_entry WHERE seq > ? AND kind IN ('sale', 'void', 'shift')",
                (shift.last_seq,),
            ).fetchone()
            if later is not None:
                raise ShiftError("something was sold meanwhile: look at the figures again")
            whole = shift.model_copy(update={"last_seq": self._journal.head()[0]})
            entry = self._journal.append("shift", shift.id, shift.closed_at, whole)
            connection.execute("INSERT INTO local_shift VALUES (?)", (entry.seq,))
            if slip is not None:
                spool.put_receipt(connection, shift.id, slip.model_dump_json())

    def _sales(self, source: str, *values: object) -> list[Sale]:
        rows = self._rows(f"SELECT e.body FROM {source}", *values)  # noqa: S608 - texts of this module
        return [Sale.model_validate_json(row["body"]) for row in rows]
