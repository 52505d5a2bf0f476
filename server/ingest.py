"""Taking in journals: each terminal's entries exactly once, in sequence, whatever the network does.

One transaction holds the entries, what they do to the books, the news for the tills and the
terminal's mark. A batch that does not continue at the mark changes nothing (gap), or is kept aside
whole (fork). An entry that cannot be booked is parked; those behind it go on.
"""

import logging
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.exc import (
    DataError,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
)
from sqlalchemy.orm import Session

from dafan import crypto
from dafan.db import retrying
from dafan.errors import BadInputError, DafanError
from dafan.ids import new_id
from dafan.journal import batch_message, entry_hash
from dafan.records import (
    Entry,
    EntryOutcome,
    JournalPush,
    Outcome,
    PushAnswer,
    PushStatus,
    canonical,
)
from dafan.wire import iso
from server import bookkeeping, entries, exceptions, line, people, preorder_tills, terminals
from server.bookkeeping import Booked
from server.entries import Batch, EntryRow, ForkedBatch
from server.many import insert_all
from server.terminals import Terminal

log = logging.getLogger(__name__)


class BatchError(BadInputError):
    """The batch is not what the terminal signed, or no unbroken chain."""

    code = "bad_batch"


class RevokedError(DafanError):
    """The terminal was revoked."""

    code = "revoked"


def push(engine: Engine, terminal: Terminal, batch: JournalPush, now: datetime) -> PushAnswer:
    """Take in a batch of a terminal that has proved who it is.

    Args:
        engine: The database.
        terminal: As authenticated.
        batch: At most :data:`dafan.records.MAX_BATCH` entries.
        now: Aware UTC.

    Returns:
        The mark that holds now, and the outcome of every entry of an ``ok`` batch.

    Raises:
        BatchError: not signed by the terminal, or altered, or not consecutive.
        RevokedError: revoked while the request was on its way.
    """
    check_batch(terminal, batch)

    def apply(session: Session) -> PushAnswer:
        mine = session.get_one(Terminal, terminal.id, with_for_update={"key_share": True})
        if mine.revoked_at is not None:
            raise RevokedError("this terminal was revoked: enrol it again with a new code")
        terminals.seen(session, mine, now)
        status, outcomes = take(session, mine, batch, now)
        return PushAnswer(
            status=status, applied_seq=mine.applied_seq, applied_hash=mine.applied_hash,
            outcomes=tuple(outcomes), server_time=now,
        )  # fmt: skip

    return retrying(engine, apply)


def check_batch(terminal: Terminal, batch: JournalPush) -> None:
    """Prove a batch: its own terminal, consecutive, unaltered, signed.

    Raises:
        BatchError: it is not.
    """
    before: Entry | None = None
    for entry in batch.entries:
        if entry.terminal_id != terminal.id:
            raise BatchError("the batch holds entries of another terminal: send only your own")
        if before and (entry.seq != before.seq + 1 or entry.prev_hash != before.hash):
            raise BatchError(f"entry {entry.seq} does not continue the one before it")
        try:
            good = entry_hash(entry) == entry.hash
        except ValueError as error:
            raise BatchError(f"entry {entry.seq}: {error}") from error
        if not good:
            raise BatchError(f"entry {entry.seq} is not what its hash says: it was altered")
        before = entry
    message = batch_message(batch.entries)
    if not crypto.verify_signature(terminal.signing_key, batch.signature, message):
        raise BatchError("the batch is not signed by this terminal's key")


def take(
    session: Session, terminal: Terminal, batch: JournalPush, now: datetime
) -> tuple[PushStatus, list[EntryOutcome]]:
    """Take in a proved batch in the caller's transaction, which holds the terminal's row."""
    first, last = batch.entries[0], batch.entries[-1]
    if first.seq > terminal.applied_seq + 1:
        return PushStatus.GAP, []
    known = first.seq <= terminal.applied_seq
    held = entries.hashes(session, terminal.id, first.seq, last.seq) if known else {}
    if _forks(terminal, first, batch.entries, held):
        keep_fork(session, terminal, batch, now)
        return PushStatus.FORK, []
    outcomes = [
        EntryOutcome(seq=entry.seq, id=entry.id, outcome=Outcome.DUPLICATE)
        for entry in batch.entries
        if entry.seq in held
    ]
    fresh = [entry for entry in batch.entries if entry.seq not in held]
    if fresh:
        batch_id = _keep_batch(session, terminal, batch, now)
        outcomes += _apply_all(session, terminal, fresh, batch_id, now)
        terminal.applied_seq, terminal.applied_hash = last.seq, last.hash
    return PushStatus.OK, outcomes


def _forks(terminal: Terminal, first: Entry, sent: Sequence[Entry], held: dict[int, str]) -> bool:
    if first.seq == terminal.applied_seq + 1:
        return first.prev_hash != terminal.applied_hash
    return any(held[entry.seq] != entry.hash for entry in sent if entry.seq in held)


def keep_fork(session: Session, terminal: Terminal, batch: JournalPush, now: datetime) -> None:
    """Keep a batch aside that does not continue what is here; twice is once."""
    first, last = batch.entries[0], batch.entries[-1]
    if session.get(ForkedBatch, (terminal.id, last.hash)) is not None:
        return
    row = ForkedBatch(
        terminal_id=terminal.id, last_hash=last.hash, site_id=terminal.site_id,
        first_seq=first.seq, last_seq=last.seq, push=batch.model_dump_json(), received_at=now,
    )  # fmt: skip
    session.add(row)
    exceptions.add(
        session, terminal.site_id, "fork", now, terminal_id=terminal.id, seq=first.seq,
        detail=f"entries {first.seq} to {last.seq} contradict what this terminal sent before",
    )  # fmt: skip


def _keep_batch(session: Session, terminal: Terminal, batch: JournalPush, now: datetime) -> UUID:
    first, last = batch.entries[0], batch.entries[-1]
    row = Batch(
        id=new_id(), site_id=terminal.site_id, terminal_id=terminal.id, first_seq=first.seq,
        last_seq=last.seq, prev_hash=first.prev_hash, last_hash=last.hash,
        signature=batch.signature, received_at=now,
    )  # fmt: skip
    session.add(row)
    return row.id


def _apply_all(
    session: Session, terminal: Terminal, fresh: Sequence[Entry], batch_id: UUID, now: datetime
) -> list[EntryOutcome]:
    outcomes = []
    rows = []
    booked = _book(session, terminal, fresh, now)
    for entry, done in zip(fresh, booked, strict=True):
        outcome = Outcome.PARKED if done.reason else Outcome.APPLIED
        reason = done.reason[:500]
        rows.append(_row(terminal, entry, batch_id, outcome, reason, now))
        outcomes.append(EntryOutcome(seq=entry.seq, id=entry.id, outcome=outcome, reason=reason))
        if reason:
            exceptions.add(
                session, terminal.site_id, "parked", now, terminal_id=terminal.id, seq=entry.seq,
                detail=reason,
            )  # fmt: skip
    insert_all(session, EntryRow.__table__, rows)
    sold = [one.id for one, done in zip(fresh, booked, strict=True)
            if one.kind == "sale" and not done.reason]  # fmt: skip
    if sold:
        preorder_tills.paid(session, terminal.site_id, sold)
    good = [one for one, done in zip(fresh, booked, strict=True) if not done.reason]
    _tell_trays(session, terminal.site_id, good)
    changed = dict.fromkeys(done.diner_id for done in booked if done.diner_id is not None)
    _publish(session, terminal.site_id, list(changed), now)
    return outcomes


def _tell_trays(session: Session, site_id: UUID, told: Sequence[Entry]) -> None:
    """Boxes of the weigh line learn whose the trays are that entries speak of."""
    trays = {str(one.body["tray"]) for one in told if one.kind in line.OF_TRAYS}
    line.publish(session, site_id, trays)


def _book(
    session: Session, terminal: Terminal, fresh: Sequence[Entry], now: datetime
) -> list[Booked]:
    """Book entries together; where that fails, halve them until the one at fault stands alone."""
    fault: Exception
    try:
        with session.begin_nested():
            return bookkeeping.apply(session, terminal, fresh, now)
    except (IntegrityError, DataError) as error:
        fault, reason = error, "refused_by_database: it contradicts what is in the books"
    except (OperationalError, InterfaceError, InternalError):
        raise  # the disk or the connection: nothing is applied, the terminal sends again
    except Exception as error:  # noqa: BLE001 - a fault of ours must not block the entries behind this one
        fault, reason = error, "fault: the server could not book it; its log says why"
    if len(fresh) > 1:
        half = len(fresh) // 2
        parts = (fresh[:half], fresh[half:])
        return [done for part in parts for done in _book(session, terminal, part, now)]
    log.error(
        "entry %s of terminal %s could not be booked", fresh[0].seq, terminal.id, exc_info=fault
    )
    return [Booked(reason)]


def _publish(session: Session, site_id: UUID, diner_ids: Sequence[UUID], now: datetime) -> None:
    """Publish diners together; one who cannot be published is put on the exception list."""
    try:
        with session.begin_nested():
            people.publish_diners(session, site_id, diner_ids)
    except (DafanError, ValueError):
        if len(diner_ids) > 1:
            half = len(diner_ids) // 2
            for part in (diner_ids[:half], diner_ids[half:]):
                _publish(session, site_id, part, now)
            return
        log.exception("diner %s could not be published", diner_ids[0])
        exceptions.add(
            session, site_id, "unpublished", now, diner_id=diner_ids[0],
            detail="the tills do not see this diner's latest balance: check his account",
        )  # fmt: skip


def _row(
    terminal: Terminal, entry: Entry, batch_id: UUID, outcome: Outcome, reason: str, now: datetime
) -> dict[str, Any]:
    return {
        "site_id": terminal.site_id, "business_date": _day(entry), "terminal_id": terminal.id,
        "seq": entry.seq, "id": entry.id, "at": iso(entry.at),
        "kind": entry.kind, "body": canonical(entry.body).decode(), "prev_hash": entry.prev_hash,
        "hash": entry.hash, "batch_id": batch_id, "outcome": outcome.value, "reason": reason,
        "received_at": now,
    }  # fmt: skip


def _day(entry: Entry) -> date:
    try:
        return date.fromisoformat(entry.body["business_date"])
    except (KeyError, TypeError, ValueError):
        return entry.at.date()


def apply_again(session: Session, site_id: UUID, terminal_id: UUID, seq: int, now: datetime) -> str:
    """Try a parked entry once more, after a person removed the cause.

    Returns:
        Empty when it is booked now; else why it stays parked.

    Raises:
        BadInputError: the site has no such parked entry.
    """
    terminal = session.get(Terminal, terminal_id, with_for_update={"key_share": True})
    row = entries.find(session, site_id, terminal_id, seq)  # behind the lock: pressed twice is once
    if terminal is None or row is None or row.outcome != Outcome.PARKED.value:
        raise BadInputError("there is no such parked entry here", code="unknown_entry")
    with session.begin_nested():
        done = bookkeeping.apply(session, terminal, [entries.as_record(row)], now)[0]
    row.reason = done.reason[:500]
    if done.reason:
        return row.reason
    row.outcome = Outcome.APPLIED.value
    session.flush()
    if row.kind == "sale":
        preorder_tills.paid(session, site_id, [row.id])
    _tell_trays(session, site_id, [entries.as_record(row)])
    if done.diner_id is not None:
        _publish(session, site_id, [done.diner_id], now)
    return ""
