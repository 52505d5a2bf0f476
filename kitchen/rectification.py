"""Findings and how they are put right (整改): found, assigned, put right, verified by another."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID, uuid5

from pydantic import Field
from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import rows, staff
from kitchen.rows import KeyedRow, KeyReusedError, SiteRow, Values


class Step(StrEnum):
    """What happened to a finding; the last step is its state."""

    FOUND = "found"
    ASSIGNED = "assigned"
    PUT_RIGHT = "put_right"
    REJECTED = "rejected"
    """It is not right yet: the same person tries again."""
    VERIFIED = "verified"


NEXT: dict[Step, frozenset[Step]] = {
    Step.FOUND: frozenset({Step.ASSIGNED}),
    Step.ASSIGNED: frozenset({Step.ASSIGNED, Step.PUT_RIGHT}),
    Step.PUT_RIGHT: frozenset({Step.REJECTED, Step.VERIFIED}),
    Step.REJECTED: frozenset({Step.ASSIGNED, Step.PUT_RIGHT}),
    Step.VERIFIED: frozenset(),
}
"""Which step may follow which."""


class WrongStepError(BadInputError):
    """A finding is not where this step begins."""

    code = "wrong_step"


class Finding(KeyedRow):
    """Something that is wrong."""

    __tablename__ = "finding"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        Index("ix_finding_state", "site_id", "state", "due"),
    )

    business_date: Mapped[date]
    source: Mapped[str] = mapped_column(String(40))
    source_ref: Mapped[str] = mapped_column(String(80))
    what: Mapped[str] = mapped_column(String(200))
    photo: Mapped[str] = mapped_column(String(120))
    due: Mapped[date]
    state: Mapped[str] = mapped_column(String(12))
    worker_id: Mapped[UUID | None] = mapped_column(ForeignKey("kitchen_worker.id"))


class FindingStep(SiteRow):
    """One step of a finding; rows are added, never changed."""

    __tablename__ = "finding_step"
    __table_args__ = (UniqueConstraint("site_id", "finding_id", "number"),)

    finding_id: Mapped[UUID] = mapped_column(ForeignKey("finding.id"))
    number: Mapped[int]
    step: Mapped[str] = mapped_column(String(12))
    by: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime]
    worker_id: Mapped[UUID | None]
    photo: Mapped[str] = mapped_column(String(120))
    note: Mapped[str] = mapped_column(String(200))


class FindingValues(Values):
    """What was found."""

    what: Annotated[str, Field(min_length=1, max_length=200)]
    due: date
    """The last day to put it right."""
    photo: Annotated[str, Field(max_length=120)] = ""
    source: Annotated[str, Field(min_length=1, max_length=40)] = "walk"
    """supervision, camera, inspection, walk …"""
    source_ref: Annotated[str, Field(max_length=80)] = ""


def find(session: Session, actor: Acting, key: str, day: date, values: FindingValues) -> Finding:
    """Write what was found; the same key is the same finding.

    Raises:
        BadInputError: it is due before it was found.
        KeyReusedError: something different was sent under this key.
    """
    if values.due < day:
        raise BadInputError(
            "it cannot be due before it was found: give a later day", code="past_due"
        )
    row = Finding(
        id=new_id(), site_id=actor.site_id, key=key, business_date=day, state=Step.FOUND.value,
        **values.model_dump(),
    )  # fmt: skip
    row, fresh = rows.insert_once(session, row, ("what", "source", "source_ref"))
    if fresh:
        _add_step(session, actor, row, Step.FOUND, photo=values.photo, note=values.what)
    return row


def assign(
    session: Session, actor: Acting, finding_id: UUID, worker_id: UUID, *, key: str = ""
) -> Finding:
    """Give a finding to a person, or to another one; sent again under its key it is done once.

    Raises:
        UnknownRowError: no such finding or worker here.
        BadInputError: he left.
        WrongStepError: it waits to be verified, or is closed.
    """
    row, new = _next(session, actor, finding_id, Step.ASSIGNED, key)
    if not new:
        return row
    worker = staff.get_active(session, actor.site_id, worker_id)
    row.worker_id = worker.id
    return _add_step(session, actor, row, Step.ASSIGNED, note=worker.name, key=key)


def put_right(
    session: Session, actor: Acting, finding_id: UUID, photo: str, note: str = "", *, key: str = ""
) -> Finding:
    """It was put right, as a photograph shows; sent again under its key it is done once.

    Raises:
        UnknownRowError: not a finding of this site.
        BadInputError: there is no photograph.
        WrongStepError: it was not assigned, or is done already.
    """
    row, new = _next(session, actor, finding_id, Step.PUT_RIGHT, key)
    if not new:
        return row
    photo = rows.say(photo, "where the photograph is: take one of what was put right", 120)
    return _add_step(session, actor, row, Step.PUT_RIGHT, photo=photo, note=note, key=key)


def verify(
    session: Session, actor: Acting, finding_id: UUID, note: str = "", *, key: str = ""
) -> Finding:
    """Another person looked: it is right, and closed; sent again under its key it is done once.

    Raises:
        UnknownRowError: not a finding of this site.
        WrongStepError: nobody put it right yet.
        SamePersonError: he put it right himself.
    """
    return _judge(session, actor, finding_id, Step.VERIFIED, note, key)


def reject(
    session: Session, actor: Acting, finding_id: UUID, reason: str, *, key: str = ""
) -> Finding:
    """Another person looked: it is not right yet; sent again under its key it is done once.

    Raises:
        BadInputError: no reason.
        UnknownRowError: not a finding of this site.
        WrongStepError: nobody put it right yet.
        SamePersonError: he put it right himself.
    """
    reason = rows.say(reason, "what is not right yet")
    return _judge(session, actor, finding_id, Step.REJECTED, reason, key)


def steps(session: Session, site_id: UUID, finding_id: UUID) -> Sequence[FindingStep]:
    """The way of a finding, from the beginning."""
    query = select(FindingStep).where(
        FindingStep.site_id == site_id, FindingStep.finding_id == finding_id
    )
    return session.scalars(query.order_by(FindingStep.number)).all()


def waiting(
    session: Session, site_id: UUID, *, worker_id: UUID | None = None, limit: int = 200
) -> Sequence[Finding]:
    """What is not verified yet, the most urgent first."""
    query = select(Finding).where(Finding.site_id == site_id, Finding.state != Step.VERIFIED.value)
    if worker_id is not None:
        query = query.where(Finding.worker_id == worker_id)
    query = query.order_by(Finding.due, Finding.id)
    return session.scalars(query.limit(max(1, min(limit, staff.MAX_PAGE)))).all()


def _judge(
    session: Session, actor: Acting, finding_id: UUID, step: Step, note: str, key: str
) -> Finding:
    row, new = _next(session, actor, finding_id, step, key)
    if not new:
        return row
    last = steps(session, actor.site_id, row.id)[-1]
    rows.require_other(actor.name, last.by, "verify what he put right himself")
    worker = staff.get(session, actor.site_id, row.worker_id) if row.worker_id else None
    rows.require_other(actor.name, worker.journal_name if worker else None, "verify his own work")
    return _add_step(session, actor, row, step, note=note, key=key)


def _next(
    session: Session, actor: Acting, finding_id: UUID, step: Step, key: str
) -> tuple[Finding, bool]:
    """The finding, locked, and whether this step is a new one."""
    row = rows.get(session, Finding, actor.site_id, finding_id, "finding", lock=True)
    taken = session.get(FindingStep, uuid5(row.id, key)) if key else None
    if taken is not None:
        if (taken.step, taken.by) != (step.value, actor.name):
            raise KeyReusedError("another step was sent under this key: reload the page")
        return row, False
    if step not in NEXT[Step(row.state)]:
        raise WrongStepError(f"this finding is {row.state}: it cannot be {step.value} now")
    return row, True


def _add_step(
    session: Session, actor: Acting, row: Finding, step: Step, *, photo: str = "", note: str = "",
    key: str = "",
) -> Finding:  # fmt: skip
    before = None if step is Step.FOUND else row.state
    if len(note) > 200:
        raise BadInputError("say it in at most 200 characters")
    number = 1 + len(steps(session, actor.site_id, row.id))
    row.state = step.value
    session.add(
        FindingStep(
            id=uuid5(row.id, key) if key else new_id(),
            site_id=actor.site_id,
            finding_id=row.id,
            number=number,
            step=step.value,
            by=actor.name,
            at=actor.at,
            worker_id=row.worker_id,
            photo=photo,
            note=note,
        )
    )
    session.flush()
    actor.record(session, f"finding.{step.value}", str(row.id), before, {"note": note})
    return row
