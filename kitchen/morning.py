"""The morning check (晨检): temperature, symptoms, hands, dress; who fails is off duty."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum, StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import attendance, rows, staff, supervision
from kitchen.rows import KeyedRow, Values
from kitchen.staff import Fitness, Morning, StaffRules, Worker

FEVER = 373
"""Tenths of a degree Celsius. No national number: 37.3 °C is usual, some places take 38."""


class Symptom(IntEnum):
    """Codes 1 to 12 of the usual form of a morning check."""

    FEVER = 1
    NAUSEA = 2
    VOMITING = 3
    DIARRHOEA = 4
    BELLYACHE = 5
    WOUND = 6
    BURN = 7
    ECZEMA = 8
    JAUNDICE = 9
    SORE_THROAT = 10
    COUGH = 11
    OTHER = 12


class Trouble(StrEnum):
    """Why a check failed."""

    TEMPERATURE = "temperature"
    SYMPTOMS = "symptoms"
    HANDS = "hands"
    NAILS = "nails"
    JEWELLERY = "jewellery"
    UNIFORM = "uniform"


class MorningCheck(KeyedRow):
    """One check of one worker; a check is never changed, only cleared once."""

    __tablename__ = "morning_check"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        Index("ix_morning_check_day", "site_id", "business_date", "worker_id"),
        Index("ix_morning_check_worker", "site_id", "worker_id", "passed"),
    )

    worker_id: Mapped[UUID] = mapped_column(ForeignKey("kitchen_worker.id"))
    checker_id: Mapped[UUID] = mapped_column(ForeignKey("kitchen_worker.id"))
    business_date: Mapped[date]
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(80))
    temperature: Mapped[int]
    symptoms: Mapped[list[int]] = mapped_column(JSON)
    hands: Mapped[bool]
    nails: Mapped[bool]
    jewellery: Mapped[bool]
    uniform: Mapped[bool]
    photo: Mapped[str] = mapped_column(String(120))
    face_verified: Mapped[bool]
    note: Mapped[str] = mapped_column(String(200))
    fever_limit: Mapped[int]
    passed: Mapped[bool]
    troubles: Mapped[list[str]] = mapped_column(JSON)
    cleared_at: Mapped[datetime | None]
    cleared_by: Mapped[str | None] = mapped_column(String(80))
    cleared_reason: Mapped[str | None] = mapped_column(String(200))


class CheckValues(Values):
    """What the checker saw."""

    worker_id: UUID
    checker_id: UUID
    temperature: Annotated[int, Field(ge=340, le=430)]
    """Tenths of a degree Celsius; outside 34.0 to 43.0 the thermometer is wrong, not the person."""
    symptoms: tuple[Symptom, ...] = ()
    hands: bool = True
    """Clean, without a wound."""
    nails: bool = True
    """Short and clean."""
    jewellery: bool = True
    """None is worn."""
    uniform: bool = True
    """Clean work clothes, hat and mask."""
    photo: Annotated[str, Field(max_length=120)] = ""
    """Where the picture of the hands is kept."""
    face_verified: bool = False
    """The tablet knew the checked person by his face."""
    note: Annotated[str, Field(max_length=200)] = ""


@dataclass(frozen=True, slots=True)
class TodayLine:
    """A worker on today's list."""

    worker_id: UUID
    name: str
    post: str
    state: Morning
    fitness: Fitness
    at: datetime | None
    """Of his last check today."""
    temperature: int | None
    troubles: tuple[Trouble, ...]
    open_check: UUID | None
    """The failed check that waits to be cleared; it may be of an earlier day."""


def judge(values: CheckValues, fever: int = FEVER) -> tuple[Trouble, ...]:
    """What is wrong with a person this morning; nothing is an empty tuple.

    Args:
        values: What the checker saw.
        fever: From so many tenths of a degree on, a person has fever.
    """
    found = {
        Trouble.TEMPERATURE: values.temperature >= fever,
        Trouble.SYMPTOMS: bool(values.symptoms),
        Trouble.HANDS: not values.hands,
        Trouble.NAILS: not values.nails,
        Trouble.JEWELLERY: not values.jewellery,
        Trouble.UNIFORM: not values.uniform,
    }
    return tuple(trouble for trouble, wrong in found.items() if wrong)


def state_of(checks: Sequence[MorningCheck], day: date) -> Morning:
    """How the morning check of one worker stands on a day.

    A failed check stays failed, also on later days and behind later good ones, until it is
    cleared by a person who may do so.

    Args:
        checks: His checks of this day, and the failed ones of earlier days.
        day: The business date.
    """
    if any(not one.passed and one.cleared_at is None for one in checks):
        return Morning.FAILED
    today = sorted(
        (one for one in checks if one.business_date == day), key=lambda one: (one.at, one.id)
    )
    if not today:
        return Morning.MISSING
    return Morning.PASSED if today[-1].passed else Morning.CLEARED


def check(
    session: Session,
    actor: Acting,
    key: str,
    day: date,
    values: CheckValues,
    *,
    fever: int = FEVER,
) -> MorningCheck:
    """Write a morning check; the same key is the same check.

    When everybody who signed in is checked, the act of the supervision list closes by itself.

    Raises:
        UnknownRowError: no such worker here.
        BadInputError: one of the two left.
        SamePersonError: a person checks himself although somebody else works here.
        KeyReusedError: something different was sent under this key.
    """
    troubles = judge(values, fever)
    row = MorningCheck(
        id=new_id(), site_id=actor.site_id, key=key, business_date=day, at=actor.at, by=actor.name,
        fever_limit=fever, passed=not troubles, troubles=[one.value for one in troubles],
        **{**values.model_dump(), "symptoms": sorted({int(one) for one in values.symptoms})},
    )  # fmt: skip
    same = ("worker_id", "checker_id", "temperature", "symptoms")
    found = rows.earlier(session, row, same)
    if found is not None:
        return found
    worker = staff.get_active(session, actor.site_id, values.worker_id)
    if values.checker_id != values.worker_id:
        if not staff.get(session, actor.site_id, values.checker_id).active:
            raise BadInputError("the checker does not work here any more: let another one check")
    elif _working(session, actor.site_id) > 1:
        rows.require_other(worker.name, worker.name, "check himself in the morning")
    row, fresh = rows.insert_once(session, row, same)
    if fresh:
        after = {"passed": row.passed, "temperature": row.temperature, "troubles": row.troubles}
        actor.record(session, "morning.check", str(worker.id), None, after)
        _close_act(session, actor, day)
    return row


def catch_up(session: Session, actor: Acting, day: date) -> None:
    """Close the act of the day where its last two checks were written at once.

    Neither saw the other. Who came or left behind the last check changes nothing.
    """
    query = select(func.max(MorningCheck.at)).where(
        MorningCheck.site_id == actor.site_id, MorningCheck.business_date == day
    )
    last = session.scalar(query)
    if last is not None:
        _close_act(session, actor, day, last)


def _close_act(session: Session, actor: Acting, day: date, when: datetime | None = None) -> None:
    here = attendance.present(session, actor.site_id, day, until=when)
    if here and Morning.MISSING not in states(session, actor.site_id, [*here], day).values():
        supervision.fulfil(session, actor, "morning.all", day.isoformat(), day=day, when=when)


def clear(session: Session, actor: Acting, check_id: UUID, reason: str) -> MorningCheck:
    """Let a person work although his check failed; once, by somebody who may, not by himself.

    Raises:
        UnknownRowError: not a check of this site.
        BadInputError: no reason, or there is nothing to clear.
        SamePersonError: he would clear himself.
    """
    reason = rows.say(reason, "why he may work: a doctor's word, a wound covered, dress put right")
    row = rows.get(session, MorningCheck, actor.site_id, check_id, "morning check", lock=True)
    if row.passed:
        raise BadInputError("this check was passed: there is nothing to clear")
    if row.cleared_at is not None:
        raise BadInputError(
            f"this check was cleared by {row.cleared_by} already", code="cleared_already"
        )
    worker = staff.get(session, actor.site_id, row.worker_id)
    rows.require_other(actor.name, worker.journal_name, "clear himself")
    row.cleared_at, row.cleared_by, row.cleared_reason = actor.at, actor.name, reason
    session.flush()
    actor.record(
        session, "morning.clear", str(worker.id), {"troubles": row.troubles}, {"reason": reason}
    )
    return row


def states(
    session: Session, site_id: UUID, worker_ids: Sequence[UUID], day: date
) -> dict[UUID, Morning]:
    """How the morning check of several workers stands."""
    found = _checks(session, site_id, worker_ids, day)
    return {worker: state_of(checks, day) for worker, checks in found.items()}


def today(
    session: Session, site_id: UUID, day: date, rules: StaffRules | None = None
) -> list[TodayLine]:
    """Everybody who works here: first who is missing, then who failed, then the others."""
    query = select(Worker).where(Worker.site_id == site_id, Worker.active.is_(True))
    workers = session.scalars(query.order_by(Worker.post, Worker.name, Worker.id)).all()
    ids = [worker.id for worker in workers]
    checks = _checks(session, site_id, ids, day)
    papers = staff.certificates(session, site_id, ids)
    lines = []
    for worker in workers:
        state = state_of(checks[worker.id], day)
        ours = [one for one in checks[worker.id] if one.business_date == day]
        last = ours[-1] if ours else None
        waiting = [one for one in checks[worker.id] if not one.passed and one.cleared_at is None]
        line = TodayLine(
            worker.id, worker.name, worker.post, state,
            staff.may_work(worker.active, papers[worker.id], state, day, rules),
            last.at if last else None,
            last.temperature if last else None,
            tuple(Trouble(one) for one in (waiting[-1].troubles if waiting else ())),
            waiting[-1].id if waiting else None,
        )  # fmt: skip
        lines.append(line)
    first = {Morning.MISSING: 0, Morning.FAILED: 1}
    return sorted(lines, key=lambda line: first.get(line.state, 2))


def history(
    session: Session, site_id: UUID, worker_id: UUID, *, before: date, limit: int = 60
) -> Sequence[MorningCheck]:
    """A worker's checks before a day, the newest first."""
    query = select(MorningCheck).where(
        MorningCheck.site_id == site_id,
        MorningCheck.worker_id == worker_id,
        MorningCheck.business_date < before,
    )
    query = query.order_by(MorningCheck.at.desc(), MorningCheck.id.desc())
    return session.scalars(query.limit(max(1, min(limit, staff.MAX_PAGE)))).all()


def _checks(
    session: Session, site_id: UUID, worker_ids: Sequence[UUID], day: date
) -> Mapping[UUID, list[MorningCheck]]:
    waiting = MorningCheck.passed.is_(False) & MorningCheck.cleared_at.is_(None)
    query = select(MorningCheck).where(
        MorningCheck.site_id == site_id,
        MorningCheck.worker_id.in_(worker_ids),
        (MorningCheck.business_date == day) | (waiting & (MorningCheck.business_date < day)),
    )
    found: dict[UUID, list[MorningCheck]] = {worker: [] for worker in worker_ids}
    for row in session.scalars(query.order_by(MorningCheck.at, MorningCheck.id)):
        found[row.worker_id].append(row)
    return found


def _working(session: Session, site_id: UUID) -> int:
    query = select(func.count()).select_from(Worker)
    query = query.where(Worker.site_id == site_id, Worker.active.is_(True))
    return session.scalar(query) or 0
