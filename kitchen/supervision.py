"""The day's supervision list (监管事项清单): what is due, done, late, told on, waived."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field
from sqlalchemy import ColumnElement, Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import rectification, rows
from kitchen.rectification import FindingValues
from kitchen.rows import KeyedRow, Values
from kitchen.supervision_score import DayScore, State, score, state_of
from kitchen.supervision_templates import (
    TENTHS,
    Evidence,
    Hours,
    Listed,
    Planned,
    in_force,
    plan,
    shown,
)


class NotOpenError(BadInputError):
    """The act is done, waived, withdrawn, or its window has not begun."""

    code = "not_open"


class MissingProofError(BadInputError):
    """The act asks for a proof that was not given."""

    code = "missing_proof"


class SupervisionItem(KeyedRow):
    """An act of one day; its key is the day and the code, so that it comes once."""

    __tablename__ = "supervision_item"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        Index("ix_supervision_item_day", "site_id", "business_date", "opens_at"),
        Index("ix_supervision_item_escalate", "site_id", "done_at", "escalate_at"),
    )

    business_date: Mapped[date]
    code: Mapped[str] = mapped_column(String(80))
    meal: Mapped[str] = mapped_column(String(40))
    place: Mapped[int]
    title: Mapped[str] = mapped_column(String(80))
    listed: Mapped[str] = mapped_column(String(16))
    post: Mapped[str] = mapped_column(String(40))
    evidence: Mapped[str] = mapped_column(String(12))
    low: Mapped[int | None]
    high: Mapped[int | None]
    unit: Mapped[str] = mapped_column(String(16))
    fulfilled_by: Mapped[str | None] = mapped_column(String(40))
    weight: Mapped[int]
    source: Mapped[str] = mapped_column(String(120))
    opens_at: Mapped[datetime]
    due_at: Mapped[datetime]
    escalate_at: Mapped[datetime]
    escalate_to: Mapped[str] = mapped_column(String(40))
    done_at: Mapped[datetime | None]
    done_by: Mapped[str | None] = mapped_column(String(80))
    number: Mapped[int | None]
    outside: Mapped[bool] = mapped_column(default=False)
    photo: Mapped[str] = mapped_column(String(120), default="")
    signature: Mapped[str] = mapped_column(String(120), default="")
    note: Mapped[str] = mapped_column(String(200), default="")
    link: Mapped[str] = mapped_column(String(80), default="")
    escalated_at: Mapped[datetime | None]
    waiver_reason: Mapped[str | None] = mapped_column(String(200))
    waiver_asked_by: Mapped[str | None] = mapped_column(String(80))
    waived_at: Mapped[datetime | None]
    waived_by: Mapped[str | None] = mapped_column(String(80))
    withdrawn_at: Mapped[datetime | None]


class Proof(Values):
    """What a person shows for an act."""

    number: Annotated[int, Field(ge=-(10**6), le=10**6)] | None = None
    """In the unit of the act."""
    photo: Annotated[str, Field(max_length=120)] = ""
    signature: Annotated[str, Field(max_length=120)] = ""
    """Where the picture of the signature is kept, or how the person was known: face, PIN."""
    note: Annotated[str, Field(max_length=200)] = ""
    problem: Annotated[str, Field(max_length=200)] = ""
    """What was found wrong; it becomes a finding that is put right."""


def generate(
    session: Session, actor: Acting, day: date, hours: Hours, idle: Collection[str] = ()
) -> Sequence[SupervisionItem]:
    """Make the list of a day from the template, or bring it up to a changed one.

    What is done, waived, told on or late stays as it is; what is open follows the template, and is
    withdrawn where the template has it no more. Twice is as once.

    Args:
        session: Writes.
        actor: Who looks at the list.
        day: The business date.
        hours: Of the site.
        idle: Kinds of ``fulfilled_by`` that nothing here waits for: their acts do not come.
    """
    acts = [one for one in in_force(session, actor.site_id).acts if one.fulfilled_by not in idle]
    planned = {
        f"{day}/{one.code}": (place, one) for place, one in enumerate(plan(acts, day, hours))
    }
    known = {row.key: row for row in _locked(session, actor, SupervisionItem.business_date == day)}
    changed = withdrawn = 0
    fresh = []
    for key, (place, one) in planned.items():
        row = known.get(key)
        if row is None:
            row = SupervisionItem(id=new_id(), site_id=actor.site_id, key=key, business_date=day)
            _follow(row, place, one)
            fresh.append(row)
        elif _untouched(row, actor.at):
            changed += _follow(row, place, one)
    for key in known.keys() - planned.keys():
        row = known[key]
        if row.withdrawn_at is None and _untouched(row, actor.at):
            row.withdrawn_at = actor.at
            withdrawn += 1
    added = rows.insert_all_once(session, fresh, ("code",))
    session.flush()
    if added or changed or withdrawn:
        counts = {"added": added, "changed": changed, "withdrawn": withdrawn}
        actor.record(session, "supervision.generate", day.isoformat(), None, counts)
    return day_list(session, actor.site_id, day)


def day_list(
    session: Session, site_id: UUID, day: date, *, listed: Listed | None = None, post: str = ""
) -> Sequence[SupervisionItem]:
    """The acts of a day in the order of the kitchen's work; withdrawn ones are left out."""
    query = select(SupervisionItem).where(
        SupervisionItem.site_id == site_id,
        SupervisionItem.business_date == day,
        SupervisionItem.withdrawn_at.is_(None),
    )
    if listed is not None:
        query = query.where(SupervisionItem.listed == listed.value)
    if post:
        query = query.where(SupervisionItem.post == post)
    order = (SupervisionItem.opens_at, SupervisionItem.place, SupervisionItem.code)
    return session.scalars(query.order_by(*order)).all()


def day_score(session: Session, site_id: UUID, day: date, now: datetime) -> DayScore:
    """The score of a day and what is behind it."""
    return score(day_list(session, site_id, day), now)


def complete(session: Session, actor: Acting, item_id: UUID, proof: Proof) -> SupervisionItem:
    """Do an act; the same person with the same proof again changes nothing.

    A number outside of its limits, or a problem, opens a finding in the same transaction.

    Raises:
        UnknownRowError: not an act of this site.
        NotOpenError: it is done, waived or withdrawn, or its window has not begun.
        MissingProofError: the photograph, number or signature is missing, or another subject
            proves it.
    """
    row = _get(session, actor, item_id)
    sent = (proof.number, proof.photo, proof.signature, proof.problem or proof.note)
    kept = (row.number, row.photo, row.signature, row.note)
    if row.done_at is not None and (row.done_by, *kept) == (actor.name, *sent):
        return row
    _require_unfinished(row)
    if actor.at < row.opens_at:
        raise NotOpenError(f"it is too early for '{row.title}': its window has not begun")
    _require_proof(row, proof)
    row.number, row.photo, row.signature, row.note = sent
    _done(session, actor, row, proof.problem)
    return row


def fulfil(
    session: Session,
    actor: Acting,
    kind: str,
    ref: str,
    *,
    day: date,
    meal: str = "",
    number: int | None = None,
    early: bool = False,
    when: datetime | None = None,
) -> list[SupervisionItem]:
    """Another subject proves acts: all samples of a meal are taken, a meter was read.

    Args:
        session: Of the change that proves them.
        actor: Who made it.
        kind: ``fulfilled_by`` of the acts.
        ref: Where the proof is found.
        day: The business date.
        meal: The acts of this meal. Without one, the act whose window it is; behind all windows,
            the last one that is not done.
        number: What was measured, for an act with limits; outside of them it opens a finding.
        early: What it asks for is whole already: its window need not have begun.
        when: The moment of its last record, where that is past; a record closes an act once.

    Returns:
        What is closed by it; nothing where nothing waits for it.
    """
    of_kind = (SupervisionItem.business_date == day) & (SupervisionItem.fulfilled_by == kind)
    found = _locked(session, actor, of_kind)
    chosen = _proved(found, meal, when or actor.at, early=early)
    if when and not meal and any(row.done_at and row.done_at >= when for row in found):
        return []
    for row in chosen:
        row.number, row.link = number, ref[:80]
        _done(session, actor, row, when=when)
    return chosen


def _proved(
    found: Sequence[SupervisionItem], meal: str, when: datetime, *, early: bool
) -> list[SupervisionItem]:
    waiting = [
        row for row in found
        if row.done_at is None and row.waived_at is None and row.withdrawn_at is None
    ]  # fmt: skip
    if meal:
        return [row for row in waiting if row.meal == meal]
    begun = [row for row in waiting if early or row.opens_at <= when]
    return [row for row in begun if when <= row.due_at] or begun[-1:]


def ask_waiver(session: Session, actor: Acting, item_id: UUID, reason: str) -> SupervisionItem:
    """Ask that an act is not needed today; it stays open until another person agrees.

    Raises:
        BadInputError: no reason.
        UnknownRowError: not an act of this site.
        NotOpenError: it is done, waived or withdrawn.
    """
    reason = rows.say(reason, "why it is not needed today")
    row = _get(session, actor, item_id)
    _require_unfinished(row)
    before = row.waiver_reason
    row.waiver_reason, row.waiver_asked_by = reason, actor.name
    session.flush()
    actor.record(session, "supervision.ask_waiver", str(row.id), before, {"reason": reason})
    return row


def waive(session: Session, actor: Acting, item_id: UUID) -> SupervisionItem:
    """Agree that an act is not needed today.

    Raises:
        UnknownRowError: not an act of this site.
        NotOpenError: it is done, waived or withdrawn, or nobody asked.
        SamePersonError: he asked for it himself.
    """
    row = _get(session, actor, item_id)
    if row.waived_at is not None and row.waived_by == actor.name:
        return row
    _require_unfinished(row)
    if row.waiver_asked_by is None:
        raise NotOpenError("nobody asked to leave it out: the one who cannot do it asks first")
    rows.require_other(actor.name, row.waiver_asked_by, "agree to what he asked for himself")
    row.waived_at, row.waived_by = actor.at, actor.name
    session.flush()
    after = {"reason": row.waiver_reason, "asked_by": row.waiver_asked_by}
    actor.record(session, "supervision.waive", str(row.id), None, after)
    return row


def escalate(session: Session, actor: Acting) -> list[SupervisionItem]:
    """Mark what is so late that somebody else is told, once each.

    Returns:
        The acts that were marked now: ``escalate_to`` says whom to tell.
    """
    due = _locked(
        session,
        actor,
        SupervisionItem.done_at.is_(None)
        & SupervisionItem.waived_at.is_(None)
        & SupervisionItem.withdrawn_at.is_(None)
        & SupervisionItem.escalated_at.is_(None)
        & (SupervisionItem.escalate_at < actor.at),
    )
    for row in due:
        row.escalated_at = actor.at
        after = {"title": row.title, "to": row.escalate_to}
        actor.record(session, "supervision.escalate", str(row.id), None, after)
    session.flush()
    return due


def _locked(session: Session, actor: Acting, which: ColumnElement[bool]) -> list[SupervisionItem]:
    query = select(SupervisionItem).where(SupervisionItem.site_id == actor.site_id, which)
    query = query.order_by(SupervisionItem.opens_at, SupervisionItem.id).with_for_update()
    return list(session.scalars(query.execution_options(populate_existing=True)))


def _get(session: Session, actor: Acting, item_id: UUID) -> SupervisionItem:
    return rows.get(session, SupervisionItem, actor.site_id, item_id, "act", lock=True)


def _untouched(row: SupervisionItem, now: datetime) -> bool:
    return state_of(row, now) in {State.OPEN, State.WITHDRAWN}


def differs(row: SupervisionItem, planned: Planned) -> bool:
    """Whether an act is not as the template wants it; its place in the list aside."""
    return any(getattr(row, name) != value for name, value in _wanted(planned).items())


def _follow(row: SupervisionItem, place: int, planned: Planned) -> bool:
    wanted = {**_wanted(planned), "place": place}
    changed = any(getattr(row, name) != value for name, value in wanted.items())
    for name, value in wanted.items():
        setattr(row, name, value)
    return changed


def _wanted(planned: Planned) -> dict[str, Any]:
    act = planned.act
    return {
        "code": planned.code, "meal": planned.meal, "title": act.title,
        "listed": act.listed.value, "post": act.post, "evidence": act.evidence.value,
        "low": act.low, "high": act.high, "unit": act.unit, "fulfilled_by": act.fulfilled_by,
        "weight": act.weight, "source": act.source, "opens_at": planned.opens_at,
        "due_at": planned.due_at, "escalate_at": planned.escalate_at,
        "escalate_to": act.escalate_to, "withdrawn_at": None,
    }  # fmt: skip


def _require_unfinished(row: SupervisionItem) -> None:
    if row.done_at is not None:
        raise NotOpenError(f"'{row.title}' was done by {row.done_by} already")
    if row.waived_at is not None:
        raise NotOpenError(f"'{row.title}' was waived by {row.waived_by}")
    if row.withdrawn_at is not None:
        raise NotOpenError(f"'{row.title}' is not on the list any more")


def _require_proof(row: SupervisionItem, proof: Proof) -> None:
    asked = {
        Evidence.PHOTO.value: (bool(proof.photo), "take a photograph"),
        Evidence.NUMBER.value: (
            proof.number is not None,
            f"give the number in {row.unit.removeprefix(TENTHS)}",
        ),
        Evidence.SIGNATURE.value: (bool(proof.signature), "sign it"),
        Evidence.LINK.value: (False, "it closes by itself when its records are complete"),
    }
    given, say = asked.get(row.evidence, (True, ""))
    if not given:
        raise MissingProofError(f"'{row.title}': {say}")


def _done(
    session: Session, actor: Acting, row: SupervisionItem, problem: str = "",
    when: datetime | None = None,
) -> None:  # fmt: skip
    before = state_of(row, actor.at)
    row.done_at, row.done_by = when or actor.at, actor.name
    row.outside = row.number is not None and not (
        (row.low is None or row.low <= row.number) and (row.high is None or row.number <= row.high)
    )
    session.flush()
    after = {"state": state_of(row, actor.at), "number": row.number, "link": row.link}
    actor.record(session, "supervision.done", str(row.id), {"state": before}, after)
    if row.outside and not problem:
        problem = f"{row.title}：{shown(row.number or 0, row.unit)}"
    if problem:
        found = FindingValues(
            what=problem[:200], due=row.business_date, photo=row.photo,
            source="supervision", source_ref=str(row.id),
        )  # fmt: skip
        rectification.find(session, actor, f"item/{row.id}", row.business_date, found)
