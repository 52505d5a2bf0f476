"""Rescued entries (补录): a journal of its own for what a person took in from a till's fork.

It is that of a terminal without a device, ``rescue_of`` the real one, whose key signs once and is
forgotten: nobody can add to it. Every proof of journals and books holds for it as for any other.
That nothing was invented is proved by the kept batches, which the real till has signed.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from dafan.crypto import Identity
from dafan.ids import new_id
from dafan.journal import GENESIS, Fault, batch_message, hash_entry
from dafan.records import MAX_BATCH, Entry, EntryOutcome, JournalPush, canonical
from server import ingest
from server.entries import EntryRow, ForkedBatch
from server.terminals import Terminal


def write(
    session: Session, terminal: Terminal, fresh: Sequence[Entry], now: datetime
) -> list[EntryOutcome]:
    """Write entries into a new journal beside the terminal's own, and book them.

    Args:
        session: Writes.
        terminal: The real one.
        fresh: What no journal holds yet, in order; one to :data:`server.many.PORTION`.
        now: Aware UTC.

    Returns:
        The outcome of every entry.
    """
    identity = Identity.create()
    rescue = _terminal(session, terminal, identity, now)
    chain = tuple(_chain(rescue.id, fresh))
    batch = JournalPush.model_construct(  # one batch, so that locks are taken in one order
        entries=chain, signature=identity.signing.sign(batch_message(chain))
    )
    _status, outcomes = ingest.take(session, rescue, batch, now)
    return outcomes


def _terminal(session: Session, terminal: Terminal, identity: Identity, now: datetime) -> Terminal:
    """A terminal that is born revoked: no request can ever come from it."""
    rescue = Terminal(
        id=new_id(), site_id=terminal.site_id, venue_id=terminal.venue_id, name=terminal.name,
        signing_key=identity.signing_public, box_key=identity.box_public, enrolled_at=now,
        revoked_at=now, feed_version=0, applied_seq=0, applied_hash=GENESIS,
        key_epoch=terminal.key_epoch, software="", rescue_of=terminal.id,
    )  # fmt: skip
    session.add(rescue)
    session.flush()
    return rescue


def _chain(rescue_id: UUID, fresh: Sequence[Entry]) -> Iterator[Entry]:
    """The same ids, times, kinds and bodies as links of a chain of their own."""
    prev = GENESIS
    for seq, entry in enumerate(fresh, start=1):
        at = entry.model_dump(mode="json", include={"at"})["at"]
        digest = hash_entry(rescue_id, seq, entry.id, at, entry.kind, entry.body, prev)
        yield entry.model_copy(
            update={"terminal_id": rescue_id, "seq": seq, "prev_hash": prev, "hash": digest}
        )
        prev = digest


def faults(session: Session) -> Iterator[Fault]:
    """Whatever was taken in is told, word for word, by a batch that the real till has signed."""
    query = select(Terminal).where(Terminal.rescue_of.is_not(None)).order_by(Terminal.id)
    for rescue in session.scalars(query).all():
        told = dict(_told(session, rescue))
        rows = select(EntryRow).where(EntryRow.terminal_id == rescue.id).order_by(EntryRow.seq)
        for row in session.scalars(rows.execution_options(yield_per=MAX_BATCH)):
            if told.get(row.id) != (row.kind, row.at, row.body):
                yield Fault(
                    f"entry {row.seq} of terminal {rescue.id}",
                    "was taken in from a fork, but no signed batch of the real till tells it",
                )


def _told(session: Session, rescue: Terminal) -> Iterator[tuple[UUID, tuple[str, str, str]]]:
    """Id → kind, time and body, from the batches that are still as the real till signed them."""
    real = session.get(Terminal, rescue.rescue_of)
    if real is None:
        return
    query = select(ForkedBatch).where(ForkedBatch.terminal_id == real.id)
    for batch in session.scalars(query):
        try:
            push = JournalPush.model_validate_json(batch.push)
            ingest.check_batch(real, push)
        except (ValidationError, ingest.BatchError):
            continue
        for entry in push.entries:
            at = entry.model_dump(mode="json", include={"at"})["at"]
            yield entry.id, (entry.kind, at, canonical(entry.body).decode())
