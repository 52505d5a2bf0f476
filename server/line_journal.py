"""The server's own journal of settled trays: a terminal of each venue without a device.

It is born revoked, so that no request can come from it; the server signs for it with a key that
the site key seals. Every proof of journals and books holds for it as for any till.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from dafan import crypto
from dafan.crypto import Identity, SealError
from dafan.ids import new_id
from dafan.journal import GENESIS, batch_message, hash_entry
from dafan.records import Entry, EntryOutcome, JournalPush, Sale
from dafan.wire import iso
from server import ingest, keys
from server.keys import KeyRing
from server.line_book import LineJournal
from server.sites import Venue
from server.terminals import Terminal

NAME = "自选称重线"


def open_for(
    session: Session, ring: KeyRing, venue_id: UUID, now: datetime
) -> tuple[Terminal, Identity]:
    """A venue's journal and the key that signs it; nobody else settles there meanwhile.

    Args:
        session: Writes; has locked nothing yet.
        ring: Its keys seal the journal's.
        venue_id: Where trays are settled.
        now: Aware UTC.
    """
    query = select(LineJournal).where(LineJournal.venue_id == venue_id)
    query = query.order_by(LineJournal.terminal_id.desc()).limit(1)
    key = None if _signer(ring, session.scalar(query)) else keys.sealing(session, ring)
    venue = session.get_one(
        Venue, venue_id, with_for_update={"key_share": True}, populate_existing=True
    )
    row = session.scalar(query)  # behind the lock: another process may have begun it
    identity = _signer(ring, row)
    if row is None or identity is None:
        return _begin(session, key or keys.sealing(session, ring), venue, now)
    terminal = session.get_one(
        Terminal, row.terminal_id, with_for_update={"key_share": True}, populate_existing=True
    )
    return terminal, identity


def of_site(session: Session, site_id: UUID) -> set[UUID]:
    """The terminals that are no devices but the site's own journals of settled trays."""
    query = select(LineJournal.terminal_id).where(LineJournal.site_id == site_id)
    return set(session.scalars(query))


def _signer(ring: KeyRing, row: LineJournal | None) -> Identity | None:
    """The journal's key; none where there is no journal, or what sealed it was destroyed."""
    if row is None:
        return None
    try:
        secret = ring.key(row.epoch).secret
    except SealError:
        return None
    return Identity.from_bytes(crypto.open_sealed(secret, row.sealed, _context(row.terminal_id)))


def _begin(
    session: Session, key: keys.Key, venue: Venue, now: datetime
) -> tuple[Terminal, Identity]:
    identity = Identity.create()
    terminal = Terminal(
        id=new_id(), site_id=venue.site_id, venue_id=venue.id, name=f"{NAME} · {venue.name}"[:80],
        signing_key=identity.signing_public, box_key=identity.box_public, enrolled_at=now,
        revoked_at=now, feed_version=0, applied_seq=0, applied_hash=GENESIS,
        key_epoch=key.epoch, software="",
    )  # fmt: skip
    session.add(terminal)
    session.flush()
    sealed = crypto.seal(key.secret, identity.to_bytes(), _context(terminal.id))
    session.add(
        LineJournal(
            terminal_id=terminal.id, site_id=venue.site_id, venue_id=venue.id, epoch=key.epoch,
            sealed=sealed,
        )
    )  # fmt: skip
    session.flush()
    return terminal, identity


def _context(terminal_id: UUID) -> str:
    return f"line journal {terminal_id}"


def write(
    session: Session, journal: tuple[Terminal, Identity], sale: Sale, now: datetime
) -> EntryOutcome:
    """Write a sale into the journal and book it as any till's."""
    terminal, identity = journal
    seq, prev, at = terminal.applied_seq + 1, terminal.applied_hash, iso(now)
    digest = hash_entry(terminal.id, seq, sale.id, at, "sale", sale.to_body(), prev)
    entry = Entry(
        terminal_id=terminal.id, seq=seq, id=sale.id, at=now, kind="sale", body=sale.to_body(),
        prev_hash=prev, hash=digest,
    )  # fmt: skip
    signature = identity.signing.sign(batch_message([entry]))
    batch = JournalPush(entries=(entry,), signature=signature)
    _status, outcomes = ingest.take(session, terminal, batch, now)
    return outcomes[0]
