"""The till's one file: journal, snapshot, receipt spool; SQLite, WAL, every commit on the disk.

A sale and its receipt are written together or not at all, and so is a page of the feed with its
version. Reads run on a connection of their own, so that they see only what is committed.
"""

import json
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterable
from datetime import date, datetime
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import numpy as np
from pydantic import ValidationError

from dafan.clock import Clock
from dafan.crypto import SealError, open_sealed
from dafan.desk import ErasureReceipt, TerminalNotice
from dafan.errors import DafanError
from dafan.ids import new_id
from dafan.journal import Journal, JournalError, connect
from dafan.records import (
    FEED_BODIES,
    Card,
    Diner,
    Dish,
    FeedItem,
    FeedPage,
    Group,
    Policy,
    Record,
    Sale,
    Template,
    Tender,
    TerminalInfo,
)
from devices.receipt_doc import ReceiptDoc
from pos import spool
from pos.snapshot import Account, Catalogue, account_of, trading_day
from vision.gallery import Gallery, Vector

_R = TypeVar("_R", bound=Record)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS feed_item (
    kind TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, key)) STRICT;
CREATE INDEX IF NOT EXISTS feed_staff_no ON feed_item(json_extract(body, '$.staff_no'))
    WHERE kind = 'diner';
CREATE INDEX IF NOT EXISTS feed_template_diner ON feed_item(json_extract(body, '$.diner_id'))
    WHERE kind = 'template';
CREATE TABLE IF NOT EXISTS feed_mark (one INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS local_sale (
    seq INTEGER PRIMARY KEY, diner_id TEXT) STRICT;
CREATE INDEX IF NOT EXISTS local_sale_diner ON local_sale(diner_id, seq);
"""

log = logging.getLogger(__name__)


class WithdrawnError(DafanError):
    """The diner's face template has left the till: a face no longer pays for him."""

    code = "withdrawn"


class TillStore:
    """Everything that a till keeps; safe to use from several threads.

    Args:
        path: The file.
        terminal_id: Whose it is.
        site_key: Opens the templates; 32 bytes.
        clock: For the times of erasures.
        gallery: Follows the templates of ``pack``; ``None`` on a till without faces.
        pack: Name of the pack whose templates the gallery takes.
    """

    def __init__(
        self,
        path: Path,
        terminal_id: UUID,
        site_key: bytes,
        clock: Clock,
        gallery: Gallery | None = None,
        pack: str = "",
    ) -> None:
        self._connection = connect(path)
        self.journal = Journal(self._connection, terminal_id)
        self._connection.executescript(_SCHEMA + spool.SCHEMA)
        self._connection.execute("PRAGMA secure_delete=ON")
        self._reader = connect(path)
        self._reading = threading.Lock()
        self._site_key = site_key
        self._clock = clock
        self._gallery = gallery
        self._pack = pack
        self.terminal_id = terminal_id
        self.spool = spool.ReceiptSpool(self.journal)
        self.on_change: Callable[[], None] = lambda: None
        """Called after each applied page, from the thread that applied it."""
        self._empty_wal()
        self._catalogue = self._read_catalogue()
        if gallery is not None:
            gallery.replace_all(self._vectors())

    def close(self) -> None:
        """Close the file."""
        with self._reading:
            self._reader.close()
        with self.journal.transaction():
            pass
        self._connection.close()

    # --- the snapshot ---------------------------------------------------------------------------

    @property
    def catalogue(self) -> Catalogue:
        """Terminal, rules and dishes as last published."""
        return self._catalogue

    def feed_version(self) -> int:
        """How far the snapshot has come."""
        rows = self._rows("SELECT version FROM feed_mark")
        return int(rows[0]["version"]) if rows else 0

    def apply_feed_page(self, page: FeedPage) -> None:
        """Take over a page, its version included, or nothing of it.

        A template that is gone leaves an erasure receipt in the journal and the gallery at once.
        An item that cannot be read is left out and reported, so that it blocks nothing behind it.

        Raises:
            JournalError: the disk does not take it.
        """
        removed: list[UUID] = []
        with self.journal.transaction() as connection:
            for item in page.items:
                self._apply(connection, item, removed)
            connection.execute(
                "INSERT INTO feed_mark VALUES (1, ?) "
                "ON CONFLICT(one) DO UPDATE SET version = excluded.version",
                (page.version,),
            )
        self._follow(page, removed)
        if removed:
            self._empty_wal()
        self.on_change()

    def _apply(self, connection: sqlite3.Connection, item: FeedItem, removed: list[UUID]) -> None:
        record = FEED_BODIES.get(item.kind)
        if record is None or (item.kind == "terminal" and item.key != str(self.terminal_id)):
            return
        if item.kind == "template" and item.body is None:
            self._erase(connection, item.key, removed)
        if item.body is None:
            connection.execute(
                "DELETE FROM feed_item WHERE kind = ? AND key = ?", (item.kind, item.key)
            )
            return
        try:
            body = record.model_validate(item.body).to_body()
        except ValidationError as error:
            self._report("feed_item_unreadable", f"{item.kind} {item.key}: {error.error_count()}")
            return
        connection.execute(
            "INSERT INTO feed_item VALUES (?, ?, ?) "
            "ON CONFLICT(kind, key) DO UPDATE SET body = excluded.body",
            (item.kind, item.key, json.dumps(body, ensure_ascii=False)),
        )

    def _erase(self, connection: sqlite3.Connection, key: str, removed: list[UUID]) -> None:
        row = connection.execute(
            "SELECT body FROM feed_item WHERE kind = 'template' AND key = ?", (key,)
        ).fetchone()
        if row is None:
            return
        template = Template.model_validate_json(row["body"])
        removed.append(template.id)
        now = self._clock.now()
        receipt = ErasureReceipt(template_id=template.id, diner_id=template.diner_id, erased_at=now)
        self.journal.append("erasure", new_id(), now, receipt)

    def _empty_wal(self) -> None:
        """Leave no erased template behind in the write-ahead log.

        The database itself is overwritten by ``secure_delete``. What a busy disk prevents is made
        up for at the next erasure or start.
        """
        with self._reading:
            try:
                row = self._reader.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except sqlite3.OperationalError as error:
                log.warning("the write-ahead log keeps what was erased: %s", error)
                return
        if row[0]:
            log.warning("the write-ahead log keeps what was erased: another process reads it")

    def _report(self, code: str, detail: str) -> None:
        log.warning("%s: %s", code, detail)
        notice = TerminalNotice(code=code, detail=detail[:400])
        self.journal.append("notice", new_id(), self._clock.now(), notice)

    def _follow(self, page: FeedPage, removed: list[UUID]) -> None:
        """Bring memory to what the file says now; what was erased leaves the disk as well."""
        if self._gallery is not None:
            for template_id in removed:
                self._gallery.remove(template_id)
            keys = [i.key for i in page.items if i.kind == "template" and i.body is not None]
            for template in self._templates(keys):
                vector = self._open(template)
                if vector is None:
                    self._gallery.remove(template.id)
                else:
                    self._gallery.add(template.id, template.diner_id, vector)
        self._catalogue = self._read_catalogue()

    def _templates(self, keys: list[str]) -> Iterable[Template]:
        for key in keys:
            template = self._one(Template, "template", key)
            if template is not None:
                yield template

    def _vectors(self) -> Iterable[tuple[UUID, UUID, Vector]]:
        """All opened templates of the gallery's pack."""
        for row in self._rows("SELECT body FROM feed_item WHERE kind = 'template'"):
            template = Template.model_validate_json(row["body"])
            vector = self._open(template)
            if vector is not None:
                yield template.id, template.diner_id, vector

    def _open(self, template: Template) -> Vector | None:
        """The vector of a template; ``None`` for one of another pack, or that cannot be used."""
        if self._gallery is None or template.pack != self._pack:
            return None
        try:
            raw = open_sealed(self._site_key, template.sealed, f"template:{template.id}")
            vector: Vector = np.frombuffer(raw, dtype="<f4").astype(np.float32)
        except (SealError, ValueError) as error:
            log.warning("template %s is left out: %s", template.id, error)
            return None
        fits = vector.shape == (self._gallery.dim,)
        if not fits or not np.isfinite(vector).all() or not vector.any():
            log.warning("template %s is left out: it is no vector of this pack", template.id)
            return None
        return vector

    def _read_catalogue(self) -> Catalogue:
        terminal = self._one(TerminalInfo, "terminal", str(self.terminal_id))
        policies = self._rows("SELECT body FROM feed_item WHERE kind = 'policy' LIMIT 1")
        rows = self._rows("SELECT body FROM feed_item WHERE kind = 'dish'")
        dishes = [Dish.model_validate_json(row["body"]) for row in rows]
        return Catalogue(
            terminal,
            Policy.model_validate_json(policies[0]["body"]) if policies else None,
            {dish.id: dish for dish in dishes},
            self.feed_version(),
        )

    # --- people ---------------------------------------------------------------------------------

    def account(self, diner_id: UUID, now: datetime) -> Account | None:
        """How a diner stands now, this till's unconfirmed sales included."""
        diner = self._one(Diner, "diner", str(diner_id))
        policy = self._catalogue.policy
        if diner is None or policy is None:
            return None
        group = self._one(Group, "group", str(diner.group_id))
        pending = self.pending_sales(diner_id, diner.applied.get(self.terminal_id, 0))
        today: date = trading_day(policy, now)
        return account_of(diner, group, pending, today, has_face=self._has_face(diner_id))

    def pending_sales(self, diner_id: UUID, after: int) -> list[Sale]:
        """A diner's sales at this till behind a journal entry."""
        rows = self._rows(
            "SELECT e.body FROM local_sale s JOIN journal_entry e ON e.seq = s.seq "
            "WHERE s.diner_id = ? AND s.seq > ? ORDER BY s.seq",
            str(diner_id),
            after,
        )
        return [Sale.model_validate_json(row["body"]) for row in rows]

    def card(self, number: str) -> Card | None:
        """The card of a number."""
        return self._one(Card, "card", number)

    def diner_of_staff_no(self, staff_no: str) -> UUID | None:
        """Whose staff number it is."""
        rows = self._rows(
            "SELECT key FROM feed_item WHERE kind = 'diner' "
            "AND json_extract(body, '$.staff_no') = ?",
            staff_no,
        )
        return UUID(rows[0]["key"]) if len(rows) == 1 else None

    def pin_hash(self, diner_id: UUID) -> str | None:
        """The Argon2 hash of a diner's PIN."""
        diner = self._one(Diner, "diner", str(diner_id))
        return diner.pin_hash if diner else None

    def _has_face(self, diner_id: UUID) -> bool:
        return bool(self._rows(_HAS_FACE, str(diner_id)))

    # --- sales ----------------------------------------------------------------------------------

    def commit_sale(self, sale: Sale, receipt: ReceiptDoc | None = None) -> None:
        """Write a sale and its receipt; on the disk when this returns. Again is harmless.

        Raises:
            JournalError: the disk does not take it; nothing was written.
            WithdrawnError: the face that is to pay was erased meanwhile; nothing was written.
        """
        with self.journal.transaction() as connection:
            if self.journal.contains(sale.id):
                return
            if sale.tender is Tender.FACE:
                here = connection.execute(_HAS_FACE, (str(sale.diner_id),)).fetchone()
                if here is None:
                    raise WithdrawnError("the diner's face is no longer enrolled: pay another way")
            entry = self.journal.append("sale", sale.id, sale.paid_at, sale)
            diner = str(sale.diner_id) if sale.diner_id else None
            connection.execute("INSERT INTO local_sale VALUES (?, ?)", (entry.seq, diner))
            if receipt is not None:
                spool.put_receipt(connection, sale.id, receipt.model_dump_json())

    def note(self, code: str, detail: str) -> None:
        """Tell a manager something; a full disk loses the notice, never a sale."""
        try:
            self._report(code, detail)
        except JournalError:
            log.exception("the notice %s could not be written", code)

    # --- reading --------------------------------------------------------------------------------

    def _one(self, record: type[_R], kind: str, key: str) -> _R | None:
        rows = self._rows("SELECT body FROM feed_item WHERE kind = ? AND key = ?", kind, key)
        return record.model_validate_json(rows[0]["body"]) if rows else None

    def _rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        with self._reading:
            return self._reader.execute(query, values).fetchall()


_HAS_FACE = (
    "SELECT 1 FROM feed_item WHERE kind = 'template' AND json_extract(body, '$.diner_id') = ? "
    "LIMIT 1"
)
