"""The till's one file: journal, snapshot, receipt spool; SQLite, WAL, every commit on the disk.

A sale and its receipt are written together or not at all, and so is a page of the feed with its
version. Reads run on a connection of their own, so that they see only what is committed.
"""

import json
import logging
import sqlite3
import threading
from datetime import date, datetime
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from pydantic import ValidationError

from dafan.clock import Clock
from dafan.crypto import SealError
from dafan.desk import ErasureReceipt, SiteKey, TerminalNotice, TillStaff
from dafan.errors import DafanError
from dafan.food import Wish
from dafan.ids import new_id
from dafan.journal import Journal, JournalError, connect
from dafan.records import (
    FEED_BODIES,
    FEED_LINE,
    Card,
    Diner,
    FeedItem,
    FeedPage,
    Group,
    Record,
    Sale,
    Template,
    Tender,
)
from devices.receipt_doc import ReceiptDoc
from pos import evidence, facts, refeed, soldbook, spool
from pos.evidence import PICTURES_SINCE, EvidenceBook, Sealed
from pos.facts import Facts
from pos.keyring import FIRST, KeyRing
from pos.pick_ups import PickUps
from pos.published import read_catalogue
from pos.roster import Roster
from pos.snapshot import Account, Catalogue, account_of, trading_day
from pos.soldbook import SoldBook
from pos.templates import Templates
from vision.gallery import Gallery

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
        keys: Open the templates; the site's one key of 32 bytes, or all that the till holds.
        clock: For the times of erasures.
        gallery: Follows the templates of ``pack``; ``None`` on a till without faces.
        pack: Name of the pack whose templates the gallery takes.
    """

    def __init__(
        self,
        path: Path,
        terminal_id: UUID,
        keys: KeyRing | bytes,
        clock: Clock,
        gallery: Gallery | None = None,
        pack: str = "",
    ) -> None:
        self._connection = connect(path)
        self.journal = Journal(self._connection, terminal_id)
        parts = (spool, soldbook, evidence, facts, refeed)
        self._connection.executescript(_SCHEMA + "".join(part.SCHEMA for part in parts))
        self._connection.execute("PRAGMA secure_delete=ON")
        with self.journal.transaction() as connection:
            refeed.learn(connection, FEED_BODIES)
        self._reader = connect(path)
        self._reading = threading.Lock()
        self._clock = clock
        self.terminal_id = terminal_id
        self.keys = KeyRing({FIRST: keys}) if isinstance(keys, bytes) else keys
        self.spool = spool.ReceiptSpool(self.journal)
        self.facts = Facts(self.journal, self._rows)
        self.sold = SoldBook(self.journal, self._rows)
        self.pick_ups = PickUps(self.journal, self._rows)
        self.evidence = EvidenceBook(self.journal, self._rows, self.keys, clock)
        self.roster = Roster(self._rows, lambda: self._catalogue, clock)
        self._templates = Templates(self._rows, self.keys, gallery, pack)
        self.on_change = _nobody_listens
        """Called after each applied page, from the thread that applied it."""
        self._empty_wal()
        self._catalogue = self._read_catalogue()
        self._take_key(self._one(SiteKey, "site_key", str(terminal_id)))
        self._templates.open_all()

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

    def restart_feed(self) -> None:
        """Ask for the whole feed again; what it no longer has goes when it has come to its end.

        Raises:
            JournalError: the disk does not take it.
        """
        with self.journal.transaction() as connection:
            if not refeed.runs(connection):
                refeed.begin(connection)
                _set_version(connection, 0)

    def apply_feed_page(self, page: FeedPage) -> None:
        """Take over a page, its version included, or nothing of it.

        A template that is gone leaves an erasure receipt in the journal and the gallery at once.
        An item that cannot be read is left out and reported, so that it blocks nothing behind it.
        A version below the till's own, or of another line, is the beginning of everything once
        more, from a server that came back from a backup.

        Raises:
            JournalError: the disk does not take it.
        """
        removed: list[UUID] = []
        with self.journal.transaction() as connection:
            same_line = page.version // FEED_LINE == page.since // FEED_LINE
            if page.version < page.since or not same_line:
                refeed.begin(connection)
            elif refeed.runs(connection) and page.since != self.feed_version():
                return  # asked for before everything was asked for once more
            for item in page.items:
                self._apply(connection, item, removed)
            if refeed.runs(connection):
                refeed.note(connection, page.items)
                for item in () if page.more else refeed.end(connection):
                    self._apply(connection, item, removed)
            _set_version(connection, page.version)
            self.facts.note_fed(self._clock.now())
        self._follow(page, removed)
        if removed:
            self._empty_wal()
        self.on_change()

    def _apply(self, connection: sqlite3.Connection, item: FeedItem, removed: list[UUID]) -> None:
        record = FEED_BODIES.get(item.kind)
        own = item.key == str(self.terminal_id)
        if record is None or (item.kind in {"terminal", "site_key"} and not own):
            return
        if item.kind == "template" and item.body is None:
            self._erase(connection, item.key, removed)
        if item.kind == "evidence":  # a new request for an answered picture is answered anew
            connection.execute("DELETE FROM evidence_answered WHERE sale_id = ?", (item.key,))
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
        """Leave nothing that was erased behind in the write-ahead log.

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
        keys = [item.key for item in page.items if item.kind == "template" and item.body]
        self._templates.follow(keys, removed)
        if any(item.kind == "site_key" for item in page.items):
            key = self._one(SiteKey, "site_key", str(self.terminal_id))
            if self._take_key(key):
                self._templates.open_all()
        self._catalogue = self._read_catalogue()

    def _read_catalogue(self) -> Catalogue:
        return read_catalogue(self._rows, self.terminal_id, self.feed_version())

    # --- keys and what is kept for a while only -------------------------------------------------

    def _take_key(self, item: SiteKey | None) -> bool:
        """Keep a new site key; one that cannot be kept now is tried again at the next start."""
        try:
            return item is not None and self.keys.take(item)
        except (SealError, OSError) as error:
            self.note("site_key_unusable", str(error))
            return False

    def tidy(self, now: datetime) -> bool:
        """Erase pictures older than the policy allows, a few at a time, and keys of no more use.

        Returns:
            Whether there may be more to erase.
        """
        policy = self._catalogue.policy
        erased = self.evidence.erase_old(policy, now) if policy else 0
        if erased:
            self._empty_wal()
            return True
        old = set(self.keys.idle(now)) - self.evidence.epochs()
        for epoch in old - self._templates.epochs() if old else ():
            log.info("the site key of epoch %s is of no more use here", epoch)
            self.keys.forget(epoch)
        return False

    # --- people ---------------------------------------------------------------------------------

    def account(self, diner_id: UUID, now: datetime) -> Account | None:
        """How a diner stands now, this till's unconfirmed sales and voids included."""
        diner = self._one(Diner, "diner", str(diner_id))
        policy = self._catalogue.policy
        if diner is None or policy is None:
            return None
        group = self._one(Group, "group", str(diner.group_id))
        mark = diner.applied.get(self.terminal_id, 0)
        today: date = trading_day(policy, now)
        return account_of(
            diner,
            group,
            self.sold.pending(diner_id, mark),
            today,
            has_face=bool(self._rows(_HAS_FACE, str(diner_id))),
            taken_back=self.sold.taken_back(diner_id, mark),
            wish=self._one(Wish, "wish", str(diner_id)),
        )

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

    def clerk(self, number: str) -> TillStaff | None:
        """Who of the staff has this number."""
        rows = self._rows(
            "SELECT body FROM feed_item WHERE kind = 'staff' "
            "AND json_extract(body, '$.number') = ?",
            number,
        )
        return TillStaff.model_validate_json(rows[0]["body"]) if len(rows) == 1 else None

    # --- sales ----------------------------------------------------------------------------------

    def commit_sale(
        self, sale: Sale, receipt: ReceiptDoc | None = None, picture: Sealed | None = None
    ) -> None:
        """Write a sale, its receipt and its evidence; on the disk when this returns.

        Again is harmless.

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
                if here["consent"] < PICTURES_SINCE:  # he was told that no picture is kept
                    picture = None
            self.sold.put_sale(connection, sale)
            if receipt is not None:
                spool.put_receipt(connection, sale.id, receipt.model_dump_json())
            if picture is not None:
                self.evidence.put(connection, sale, picture)

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
    "SELECT json_extract(body, '$.consent_version') AS consent FROM feed_item "
    "WHERE kind = 'template' AND json_extract(body, '$.diner_id') = ? LIMIT 1"
)


def _set_version(connection: sqlite3.Connection, version: int) -> None:
    connection.execute(
        "INSERT INTO feed_mark VALUES (1, ?) "
        "ON CONFLICT(one) DO UPDATE SET version = excluded.version",
        (version,),
    )


def _nobody_listens() -> None:
    """Until somebody does."""
