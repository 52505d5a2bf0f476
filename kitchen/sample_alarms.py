"""Alarms about samples: each stays until what it asks for is done, or two persons judged it."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, String, UniqueConstraint, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import rows
from kitchen.meals import MEAL, Meal
from kitchen.rows import SiteRow

MAX_PAGE = 500


class AlarmKind(StrEnum):
    """What an alarm is about."""

    MISSING = "missing"
    """Red: a dish has no sample although its meal ends soon, or has ended."""
    OVERDUE = "overdue"
    """Amber: a sample should have been thrown away."""
    TEMPERATURE = "temperature"
    """The cabinet of a sample was too warm or too cold."""


class SampleAlarm(SiteRow):
    """One alarm; ``subject`` is the dish whose sample is missing, otherwise the sample."""

    __tablename__ = "sample_alarm"
    __table_args__ = (
        UniqueConstraint("site_id", *MEAL, "kind", "subject", "since", name="uq_sample_alarm_once"),
        Index("ix_sample_alarm_open", "site_id", "closed_at", "raised_at"),
    )

    business_date: Mapped[date]
    period: Mapped[str] = mapped_column(String(40))
    venue_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(String(12))
    subject: Mapped[UUID]
    since: Mapped[datetime]
    """From when on it was wrong."""
    raised_at: Mapped[datetime]
    detail: Mapped[str] = mapped_column(String(200))
    answered_by: Mapped[str | None] = mapped_column(String(80))
    answered_at: Mapped[datetime | None]
    answer: Mapped[str] = mapped_column(String(200), default="")
    closed_by: Mapped[str | None] = mapped_column(String(80))
    closed_at: Mapped[datetime | None]
    done: Mapped[bool] = mapped_column(default=False)
    """What it asked for was done: the sample was taken, or thrown away."""


def sound(
    session: Session,
    actor: Acting,
    meal: Meal,
    kind: AlarmKind,
    subject: UUID,
    *,
    since: datetime,
    detail: str = "",
) -> bool:
    """Raise an alarm, unless it was raised before; tells whether it is new."""
    row = SampleAlarm(
        id=new_id(), site_id=actor.site_id, kind=kind.value, subject=subject, since=since,
        raised_at=actor.at, detail=detail[:200], **meal.columns,
    )  # fmt: skip
    query = select(SampleAlarm.id).where(
        SampleAlarm.site_id == actor.site_id,
        *meal.match(SampleAlarm),
        SampleAlarm.kind == kind.value,
        SampleAlarm.subject == subject,
        SampleAlarm.since == since,
    )
    if session.scalar(query) is not None:
        return False
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:  # another watch was faster
        return False
    after = {"kind": kind.value, "subject": str(subject), "meal": str(meal), "detail": detail}
    actor.record(session, "sample.alarm", str(row.id), None, after)
    return True


def done(session: Session, actor: Acting, meal: Meal, kind: AlarmKind, subject: UUID) -> None:
    """Close the alarms whose cause is gone."""
    query = select(SampleAlarm).where(
        SampleAlarm.site_id == actor.site_id,
        *meal.match(SampleAlarm),
        SampleAlarm.kind == kind.value,
        SampleAlarm.subject == subject,
        SampleAlarm.closed_at.is_(None),
    )
    for row in session.scalars(query.with_for_update()).all():
        row.closed_by, row.closed_at, row.done = actor.name, actor.at, True
        actor.record(session, "sample.alarm_done", str(row.id), None, {"kind": kind.value})


def answer(session: Session, actor: Acting, alarm_id: UUID, text: str) -> SampleAlarm:
    """Say what happened; the alarm stays open until another person closes it.

    Raises:
        kitchen.rows.UnknownRowError: not an alarm of this site.
        BadInputError: nothing is said, or the alarm is closed.
    """
    row = _open(session, actor, alarm_id)
    said = rows.say(text, "what happened")
    before, row.answer = row.answer, said
    row.answered_by, row.answered_at = actor.name, actor.at
    actor.record(session, "sample.alarm_answer", str(alarm_id), before, said)
    return row


def close(session: Session, actor: Acting, alarm_id: UUID) -> SampleAlarm:
    """Accept the answer. A dish that was served without a sample stays a fault for ever.

    Raises:
        kitchen.rows.UnknownRowError: not an alarm of this site.
        kitchen.rows.SamePersonError: he gave the answer himself.
        BadInputError: there is no answer, or the alarm is closed.
    """
    row = _open(session, actor, alarm_id)
    if row.answered_by is None:
        raise BadInputError("nobody has said what happened: answer the alarm first")
    rows.require_other(actor.name, row.answered_by, "accept the own answer")
    row.closed_by, row.closed_at = actor.name, actor.at
    actor.record(session, "sample.alarm_close", str(alarm_id), None, {"answer": row.answer})
    return row


def still_open(
    session: Session, site_id: UUID, *, after: UUID | None = None, limit: int = 100
) -> Sequence[SampleAlarm]:
    """Open alarms, the oldest first, from behind the alarm ``after``."""
    query = select(SampleAlarm).where(
        SampleAlarm.site_id == site_id, SampleAlarm.closed_at.is_(None)
    )
    if after is not None:
        query = query.where(SampleAlarm.id > after)
    return session.scalars(query.order_by(SampleAlarm.id).limit(max(1, min(limit, MAX_PAGE)))).all()


def _open(session: Session, actor: Acting, alarm_id: UUID) -> SampleAlarm:
    row = rows.get(session, SampleAlarm, actor.site_id, alarm_id, "alarm", lock=True)
    if row.closed_at is not None:
        raise BadInputError("this alarm is closed already: look at its record")
    return row
