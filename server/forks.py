"""Forks (分叉): what a till says that was restored from an old disk, judged by a person.

Such a till contradicts what it reported before, so that its batches are kept aside whole. Some of
what they tell happened nowhere else: people paid, and the money is not booked. A person looks at
both sides and takes these entries in, or sets the batches aside with a reason.

What is taken in goes into a journal of its own (:mod:`server.rescues`). What a dead or revoked till
had not sent comes in the same way.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from dafan.db import reading, writing
from dafan.desk import ErasureReceipt
from dafan.errors import BadInputError
from dafan.records import Entry, JournalPush, Outcome, PushStatus
from server import exceptions, faces, ingest, rescues, terminals
from server.actor import Actor
from server.entries import EntryRow, ForkedBatch
from server.exceptions import ExceptionItem
from server.many import PORTION, portions
from server.terminals import Terminal

MONEY = frozenset({"sale", "void"})
"""Kinds of entries that are taken in: what else a forked journal says is about itself."""

Standing = Literal["same", "known", "fresh", "other"]
Decision = Literal["taken_in", "set_aside"]


class ForkError(BadInputError):
    """The fork cannot be judged so."""

    code = "fork"


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of a fork beside what the server holds.

    Attributes:
        theirs: As the till sent it.
        ours: What the server holds at this place of the journal.
        standing: ``same`` on both sides; ``known`` to the books from elsewhere; ``fresh``: paid,
            and only told here; ``other``: no money.
    """

    theirs: Entry
    ours: EntryRow | None
    standing: Standing


@dataclass(frozen=True, slots=True)
class Case:
    """All that a terminal's undecided forks say.

    Attributes:
        terminal: The real one.
        batches: As they came.
        lines: In the journal's order.
        seen: Names exactly these batches: a decision is about what the person looked at.
    """

    terminal: Terminal
    batches: tuple[ForkedBatch, ...]
    lines: tuple[Line, ...]
    seen: str

    @property
    def fresh(self) -> list[Entry]:
        """What would be taken in."""
        return [line.theirs for line in self.lines if line.standing == "fresh"]


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of entries: in the till's own journal, or taken in beside it."""

    applied: int = 0
    known: int = 0
    rescued: int = 0
    parked: int = 0

    def __add__(self, other: "Taken") -> "Taken":
        """Both together."""
        return Taken(
            self.applied + other.applied, self.known + other.known,
            self.rescued + other.rescued, self.parked + other.parked,
        )  # fmt: skip


# --- looking ------------------------------------------------------------------------------------


def cases(session: Session, site_id: UUID) -> list[Terminal]:
    """The site's terminals with undecided forks, the oldest first."""
    query = select(ForkedBatch.terminal_id).where(
        ForkedBatch.site_id == site_id, ForkedBatch.decision.is_(None)
    )
    ids = set(session.scalars(query))
    return [one for one in terminals.of_site(session, site_id) if one.id in ids]


def decided(session: Session, site_id: UUID, terminal_id: UUID) -> Sequence[ForkedBatch]:
    """The terminal's forked batches that were judged, the latest first."""
    query = select(ForkedBatch).where(
        ForkedBatch.site_id == site_id, ForkedBatch.terminal_id == terminal_id,
        ForkedBatch.decision.is_not(None),
    )  # fmt: skip
    return session.scalars(query.order_by(ForkedBatch.decided_at.desc()).limit(50)).all()


def look(session: Session, site_id: UUID, terminal_id: UUID) -> Case:
    """A terminal's undecided forks beside what the server holds.

    Raises:
        UnknownTerminalError: not a terminal of this site.
    """
    terminal = terminals.get(session, site_id, terminal_id)
    batches = _undecided(session, terminal_id)
    sent = _entries_of(batches)
    held = _held(session, terminal_id, sent)
    known = _known(session, site_id, sent)
    lines = tuple(
        Line(entry, held.get(entry.seq), _standing(entry, held.get(entry.seq), known))
        for entry in sent
    )
    return Case(terminal, tuple(batches), lines, _seen(batches))


def _undecided(session: Session, terminal_id: UUID) -> list[ForkedBatch]:
    query = select(ForkedBatch).where(
        ForkedBatch.terminal_id == terminal_id, ForkedBatch.decision.is_(None)
    )
    order = (ForkedBatch.received_at, ForkedBatch.first_seq, ForkedBatch.last_hash)
    return list(session.scalars(query.order_by(*order)))


def _entries_of(batches: Sequence[ForkedBatch]) -> list[Entry]:
    """Each entry once, though a growing batch comes again and again."""
    found: dict[str, Entry] = {}
    for batch in batches:
        for entry in JournalPush.model_validate_json(batch.push).entries:
            found.setdefault(entry.hash, entry)
    return sorted(found.values(), key=lambda entry: entry.seq)


def _held(session: Session, terminal_id: UUID, sent: Sequence[Entry]) -> dict[int, EntryRow]:
    found: dict[int, EntryRow] = {}
    for seqs in portions(entry.seq for entry in sent):
        query = select(EntryRow).where(EntryRow.terminal_id == terminal_id, EntryRow.seq.in_(seqs))
        found |= {row.seq: row for row in session.scalars(query)}
    return found


def _known(session: Session, site_id: UUID, sent: Sequence[Entry]) -> set[UUID]:
    found: set[UUID] = set()
    for ids in portions(entry.id for entry in sent):
        query = select(EntryRow.id).where(EntryRow.site_id == site_id, EntryRow.id.in_(ids))
        found |= set(session.scalars(query))
    return found


def _standing(theirs: Entry, ours: EntryRow | None, known: set[UUID]) -> Standing:
    if ours is not None and ours.hash == theirs.hash:
        return "same"
    if theirs.id in known:
        return "known"
    return "fresh" if theirs.kind in MONEY else "other"


def _seen(batches: Sequence[ForkedBatch]) -> str:
    names = ",".join(sorted(batch.last_hash for batch in batches))
    return hashlib.sha256(names.encode()).hexdigest()[:16]


# --- deciding -----------------------------------------------------------------------------------


def decide(
    session: Session, actor: Actor, terminal_id: UUID, decision: Decision, reason: str, seen: str
) -> Taken:
    """Take in what only the forks tell, or set them aside; the terminal is revoked with it.

    A till that forked can never sync again as itself: it is enrolled anew.

    Args:
        session: Writes.
        actor: Who decides.
        terminal_id: Of the real till.
        decision: What to do.
        reason: Why; needed for setting aside.
        seen: :attr:`Case.seen` of what the person looked at.

    Raises:
        UnknownTerminalError: not a terminal of this site.
        ForkError: decided already, changed since the person looked, or no reason given.
    """
    if decision == "set_aside" and not reason.strip():
        raise ForkError("say why the batches are set aside", code="fork_reason")
    _lock(session, actor.site_id, terminal_id)
    case = look(session, actor.site_id, terminal_id)
    if not case.batches:
        raise ForkError("this was decided already: there is nothing left to judge", code="judged")
    if case.seen != seen:
        raise ForkError("more has come from this till: look at it again", code="fork_changed")
    return _settle(session, actor, case, decision, reason)


def take_in(
    engine: Engine, actor: Actor, terminal_id: UUID, pushes: Sequence[JournalPush]
) -> Taken:
    """Bring in batches that a person carried from a till: what it could not send by itself.

    What continues the till's journal is applied there. From where it contradicts it, it is taken
    in as a fork, together with forks of this till that are undecided. Each batch is a transaction
    of its own; after a crash, or again, it goes on and books nothing twice.

    Args:
        engine: The database.
        actor: Who brings them.
        terminal_id: Whose they are; it may be revoked.
        pushes: In the order of the journal.

    Raises:
        UnknownTerminalError: not a terminal of this site.
        BatchError: not signed by the terminal, or altered; nothing is taken in.
        ForkError: batches are missing; nothing is taken in.
    """
    with reading(engine) as session:
        terminal = terminals.get(session, actor.site_id, terminal_id)
    for push in pushes:
        ingest.check_batch(terminal, push)
    for before, push in pairwise(pushes):
        if push.entries[0].prev_hash != before.entries[-1].hash:
            raise _gap(before.entries[-1].seq, push.entries[0].seq)
    taken, continues = Taken(), True
    for push in pushes:
        with writing(engine) as session:
            done, continues = _carry(session, actor, terminal_id, push, continues=continues)
        taken += done
    with writing(engine) as session:
        told = {"entries": sum(len(push.entries) for push in pushes), "applied": taken.applied}
        actor.record(session, "journal.import", str(terminal_id), None, told)
    while True:
        with writing(engine) as session:
            _lock(session, actor.site_id, terminal_id)
            case = look(session, actor.site_id, terminal_id)
            if not case.batches:
                return taken
            taken += _settle(session, actor, case, "taken_in", "")


def _carry(
    session: Session, actor: Actor, terminal_id: UUID, push: JournalPush, *, continues: bool
) -> tuple[Taken, bool]:
    """Take in one batch; says as well whether the journal goes on with it or is forked."""
    terminal = _lock(session, actor.site_id, terminal_id)
    status, outcomes = ingest.take(session, terminal, push, actor.at)
    if status is PushStatus.GAP:
        if continues:
            raise _gap(terminal.applied_seq, push.entries[0].seq)
        ingest.keep_fork(session, terminal, push, actor.at)
    count = Counter(outcome.outcome for outcome in outcomes)
    taken = Taken(count[Outcome.APPLIED], count[Outcome.DUPLICATE], 0, count[Outcome.PARKED])
    return taken, status is PushStatus.OK


def _gap(last: int, first: int) -> ForkError:
    return ForkError(
        f"entries {last + 1} to {first - 1} are missing: bring the whole file", code="fork_gap"
    )


def read_pushes(lines: Iterable[str]) -> list[JournalPush]:
    """Batches as ``dafan till export-journal`` writes them, one a line.

    Raises:
        ForkError: a line is none; the text names it.
    """
    found = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                found.append(JournalPush.model_validate_json(line))
            except ValidationError as error:
                raise ForkError(
                    f"line {number} is no batch of a journal: export it from the till again",
                    code="bad_journal_file",
                ) from error
    return found


def _lock(session: Session, site_id: UUID, terminal_id: UUID) -> Terminal:
    terminal = terminals.get(session, site_id, terminal_id)
    session.refresh(terminal, with_for_update=True)
    if terminal.rescue_of is not None:
        raise terminals.UnknownTerminalError("this is no device of its own: name the real till")
    return terminal


def _settle(session: Session, actor: Actor, case: Case, decision: Decision, reason: str) -> Taken:
    """Do what was decided; of very many fresh entries a portion, and the rest stays undecided."""
    taken, whole = Taken(), True
    if decision == "taken_in":
        taken, whole = _rescue(session, actor, case), len(case.fresh) <= PORTION
    actor.record(
        session, f"fork.{decision}", str(case.terminal.id), None,
        {"batches": len(case.batches), "entries": taken.rescued, "parked": taken.parked,
         "reason": reason.strip()[:500]},
    )  # fmt: skip
    terminals.revoke(session, actor.site_id, case.terminal.id, by=actor.name, now=actor.at)
    if whole:
        for batch in case.batches:
            batch.decision, batch.reason = decision, reason.strip()[:500]
            batch.decided_at, batch.decided_by = actor.at, actor.name[:80]
        _close_exceptions(session, actor, case.terminal.id, decision)
    session.flush()
    return taken


def _close_exceptions(
    session: Session, actor: Actor, terminal_id: UUID, decision: Decision
) -> None:
    query = select(ExceptionItem.id).where(
        ExceptionItem.site_id == actor.site_id, ExceptionItem.code == "fork",
        ExceptionItem.terminal_id == terminal_id, ExceptionItem.resolved_at.is_(None),
    )  # fmt: skip
    for item_id in session.scalars(query).all():
        exceptions.resolve(
            session, actor.site_id, item_id, by=actor.name, now=actor.at, note=decision
        )


def _rescue(session: Session, actor: Actor, case: Case) -> Taken:
    """Write what is fresh into a journal of its own, and book it."""
    for line in case.lines:
        if line.standing == "other" and line.theirs.kind == "erasure":
            _note_erasure(session, case.terminal.id, line.theirs)
    known = sum(line.standing in {"same", "known"} for line in case.lines)
    fresh = case.fresh[:PORTION]
    if not fresh:
        return Taken(known=known)
    outcomes = rescues.write(session, case.terminal, fresh, actor.at)
    parked = sum(outcome.outcome is Outcome.PARKED for outcome in outcomes)
    return Taken(known=known, rescued=len(fresh) - parked, parked=parked)


def _note_erasure(session: Session, terminal_id: UUID, entry: Entry) -> None:
    try:
        receipt = ErasureReceipt.model_validate(entry.body)
    except ValidationError:
        return
    faces.note_erasure(session, terminal_id, receipt)
