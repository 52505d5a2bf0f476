"""Small things that a till must still know after it was switched off."""

import sqlite3
from collections.abc import Callable
from datetime import datetime

from dafan.journal import Journal
from dafan.wire import iso

Rows = Callable[..., list[sqlite3.Row]]
"""Reads what is committed: a query and its values."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS till_fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
"""


class Facts:
    """Names and texts; on the disk when :meth:`put` returns."""

    def __init__(self, journal: Journal, rows: Rows) -> None:
        self._journal = journal
        self._rows = rows

    def get(self, name: str, default: str = "") -> str:
        """What is known under the name."""
        rows = self._rows("SELECT value FROM till_fact WHERE name = ?", name)
        return str(rows[0]["value"]) if rows else default

    def put(self, name: str, value: str) -> None:
        """Remember it.

        Raises:
            JournalError: the disk does not take it.
        """
        with self._journal.transaction() as connection:
            connection.execute(
                "INSERT INTO till_fact VALUES (?, ?) "
                "ON CONFLICT(name) DO UPDATE SET value = excluded.value",
                (name, value),
            )

    # --- the server's word about this terminal ------------------------------------------------

    @property
    def revoked(self) -> bool:
        """The server has closed this terminal, and has not taken that back."""
        return self.get("revoked") == "1"

    def set_revoked(self, *, revoked: bool) -> None:
        """Remember it; the same again costs no write.

        Raises:
            JournalError: the disk does not take it.
        """
        if revoked != self.revoked:
            self.put("revoked", "1" if revoked else "0")

    @property
    def fed_at(self) -> datetime | None:
        """When the newest page of the feed was taken over, by this machine's clock."""
        at = self.get("fed_at")
        return datetime.fromisoformat(at) if at else None

    def note_fed(self, at: datetime) -> None:
        """Remember it.

        Raises:
            JournalError: the disk does not take it.
        """
        self.put("fed_at", iso(at))
