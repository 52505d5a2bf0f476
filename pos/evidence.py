"""The picture that decided a face payment, kept sealed for a dispute and then erased.

It lies in the till's file beside its sale, for the days that the policy says. It leaves the till
only when the server asks for it, because the diner disputes the payment.
"""

import logging
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from dafan.clock import Clock
from dafan.crypto import SealError, open_sealed, seal
from dafan.desk import EvidencePicture, EvidenceRequest
from dafan.journal import Journal
from dafan.records import Policy, Sale
from pos.facts import Rows
from pos.keyring import KeyRing

PORTION = 20
"""So many pictures are erased at once: a sale waits no longer than that takes."""
MAX_BYTES = 300_000
PICTURES_SINCE = "2026-02"
"""The first consent text that says that a picture is kept; of others none is."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS evidence (
    sale_id TEXT PRIMARY KEY, at TEXT NOT NULL, epoch INTEGER NOT NULL, sealed BLOB NOT NULL)
    STRICT;
CREATE INDEX IF NOT EXISTS evidence_at ON evidence(at);
CREATE INDEX IF NOT EXISTS evidence_epoch ON evidence(epoch);
CREATE TABLE IF NOT EXISTS evidence_answered (sale_id TEXT PRIMARY KEY) STRICT;
"""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A picture that only a key of this epoch opens."""

    epoch: int
    data: bytes


def context(sale_id: UUID) -> str:
    """What a sale's picture is sealed for."""
    return f"evidence:{sale_id}"


class EvidenceBook:
    """The pictures in the till's file (:class:`dafan.sync.Evidence`)."""

    def __init__(self, journal: Journal, rows: Rows, keys: KeyRing, clock: Clock) -> None:
        self._journal = journal
        self._rows = rows
        self._keys = keys
        self._clock = clock

    def seal(self, sale: Sale, jpeg: bytes) -> Sealed | None:
        """Seal the picture of a sale; ``None`` for one too large to be sent one day."""
        if len(jpeg) > MAX_BYTES:
            log.warning("the picture of sale %s is too large to be kept", sale.id)
            return None
        epoch = self._keys.newest
        key = self._keys.key(epoch)
        return Sealed(epoch, seal(key, jpeg, context(sale.id))) if key else None

    def put(self, connection: sqlite3.Connection, sale: Sale, sealed: Sealed) -> None:
        """Keep it, within the transaction that writes its sale."""
        at = _text(sale.paid_at)
        connection.execute(
            "INSERT INTO evidence VALUES (?, ?, ?, ?)",
            (str(sale.id), at, sealed.epoch, sealed.data),
        )

    def erase_old(self, policy: Policy, now: datetime, limit: int = PORTION) -> int:
        """Erase what is older than the policy says; returns how many pictures went.

        Raises:
            JournalError: the disk does not take it.
        """
        before = _text(now - timedelta(days=policy.evidence_days))
        if not self._rows("SELECT 1 FROM evidence WHERE at <= ? LIMIT 1", before):
            return 0
        with self._journal.transaction() as connection:
            erased = connection.execute(
                "DELETE FROM evidence WHERE sale_id IN "
                "(SELECT sale_id FROM evidence WHERE at <= ? ORDER BY at LIMIT ?)",
                (before, limit),
            )
        return erased.rowcount

    def epochs(self) -> set[int]:
        """The epochs of all pictures that are here."""
        return {row["epoch"] for row in self._rows("SELECT DISTINCT epoch FROM evidence")}

    # --- what the server asks for -------------------------------------------------------------

    def wanted(self) -> Sequence[UUID]:
        """Sales of this till whose picture is asked for and not yet taken."""
        rows = self._rows(
            "SELECT body FROM feed_item WHERE kind = 'evidence' "
            "AND key NOT IN (SELECT sale_id FROM evidence_answered) ORDER BY key"
        )
        asked = (EvidenceRequest.model_validate_json(row["body"]) for row in rows)
        return [each.sale_id for each in asked if each.terminal_id == self._journal.terminal_id]

    def picture(self, sale_id: UUID) -> EvidencePicture:
        """The answer: the picture under the newest key, or why there is none."""
        newest = self._keys.newest
        rows = self._rows("SELECT * FROM evidence WHERE sale_id = ?", str(sale_id))
        if not rows:
            missing = "erased" if self._is_old(sale_id) else "none_taken"
            return EvidencePicture(sale_id=sale_id, epoch=newest, sealed=None, missing=missing)
        try:
            sealed = self._renew(sale_id, rows[0], newest)
        except SealError as error:
            log.warning("the evidence of sale %s: %s", sale_id, error)
            return EvidencePicture(sale_id=sale_id, epoch=newest, sealed=None, missing="unreadable")
        return EvidencePicture(sale_id=sale_id, epoch=newest, sealed=sealed)

    def answered(self, sale_id: UUID) -> None:
        """The server has it.

        Raises:
            JournalError: the disk does not take it; it is sent again.
        """
        with self._journal.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO evidence_answered VALUES (?)", (str(sale_id),)
            )

    def _renew(self, sale_id: UUID, row: sqlite3.Row, newest: int) -> bytes:
        key, fresh = self._keys.key(row["epoch"]), self._keys.key(newest)
        if key is None or fresh is None:
            raise SealError(f"the site key of epoch {row['epoch']} is not here")
        plain = open_sealed(key, row["sealed"], context(sale_id))
        return seal(fresh, plain, context(sale_id))

    def _is_old(self, sale_id: UUID) -> bool:
        """Whether the sale is so old that its picture may have been erased."""
        policies = self._rows("SELECT body FROM feed_item WHERE kind = 'policy' LIMIT 1")
        sold = self._rows("SELECT at FROM journal_entry WHERE id = ?", str(sale_id))
        if not policies or not sold:
            return False
        days = Policy.model_validate_json(policies[0]["body"]).evidence_days
        before = _text(self._clock.now() - timedelta(days=days))
        return bool(sold[0]["at"] <= before)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
