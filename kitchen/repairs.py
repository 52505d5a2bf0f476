"""Repairs (设备报修): asked for, assigned, repaired, accepted by the one who asked."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import equipment, rows
from kitchen.equipment import MAX_PAGE
from kitchen.rows import KeyedRow, SamePersonError, Values
from kitchen.staff import Worker


class Stage(StrEnum):
    """Where a repair stands."""

    ASKED = "asked"
    ASSIGNED = "assigned"
    REPAIRED = "repaired"
    ACCEPTED = "accepted"


class WrongStageError(BadInputError):
    """A repair is not where this step begins."""

    code = "wrong_stage"


class Repair(KeyedRow):
    """A request for a repair (报修)."""

    __tablename__ = "repair"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        Index("ix_repair_stage", "site_id", "stage", "asked_at"),
        Index("ix_repair_equipment", "site_id", "equipment_id", "asked_at"),
    )

    equipment_id: Mapped[UUID] = mapped_column(ForeignKey("equipment.id"))
    business_date: Mapped[date]
    what: Mapped[str] = mapped_column(String(200))
    photo: Mapped[str] = mapped_column(String(120))
    down: Mapped[bool]
    stage: Mapped[str] = mapped_column(String(12))
    asked_by: Mapped[str] = mapped_column(String(80))
    asked_at: Mapped[datetime]
    assigned_to: Mapped[str | None] = mapped_column(String(80))
    repaired_by: Mapped[str | None] = mapped_column(String(80))
    repaired_at: Mapped[datetime | None]
    repaired_note: Mapped[str] = mapped_column(String(200), default="")
    repaired_photo: Mapped[str] = mapped_column(String(120), default="")
    refused: Mapped[int] = mapped_column(default=0)
    accepted_at: Mapped[datetime | None]


class RepairValues(Values):
    """What is broken."""

    equipment_id: UUID
    what: Annotated[str, Field(min_length=1, max_length=200)]
    photo: Annotated[str, Field(max_length=120)] = ""
    down: bool = True
    """It cannot be used until it is repaired."""


def minutes_down(
    intervals: Iterable[tuple[datetime, datetime]], first: datetime, last: datetime
) -> int:
    """Whole minutes that a device could not be used; two faults at once count once."""
    total = timedelta()
    reached = first
    for begin, end in sorted(intervals):
        begin, end = max(begin, reached), min(end, last)  # noqa: PLW2901 - cut to what is asked
        if begin < end:
            total += end - begin
            reached = end
    return total // timedelta(minutes=1)


def ask(session: Session, actor: Acting, key: str, day: date, values: RepairValues) -> Repair:
    """Ask for a repair; the same key is the same request.

    Raises:
        UnknownRowError: no such device here.
        KeyReusedError: something different was sent under this key.
    """
    device = equipment.get(session, actor.site_id, values.equipment_id)
    row = Repair(
        id=new_id(), site_id=actor.site_id, key=key, business_date=day, stage=Stage.ASKED.value,
        asked_by=actor.name, asked_at=actor.at, **values.model_dump(),
    )  # fmt: skip
    row, fresh = rows.insert_once(session, row, ("equipment_id", "what", "down"))
    if fresh:
        after = {"what": row.what, "down": row.down}
        actor.record(session, "repair.ask", str(row.id), device.name, after)
    return row


def assign(session: Session, actor: Acting, repair_id: UUID, to: str) -> Repair:
    """Give a repair to a person or a company; given to the same again, nothing changes.

    Raises:
        UnknownRowError: not one of this site.
        BadInputError: nobody is named.
        WrongStageError: it is repaired already.
    """
    to = rows.say(to, "who repairs it", 80)
    row = _locked(session, actor, repair_id)
    if row.assigned_to == to:
        return row
    _require(row, Stage.ASKED, Stage.ASSIGNED)
    before = row.assigned_to
    row.assigned_to, row.stage = to, Stage.ASSIGNED.value
    return _step(session, actor, row, "assign", before, to)


def repaired(
    session: Session, actor: Acting, repair_id: UUID, note: str, photo: str = "",
    *, seen: int | None = None,
) -> Repair:  # fmt: skip
    """It was repaired; who asked for it looks and accepts.

    Args:
        session: Writing.
        actor: Who says so.
        repair_id: Of the site.
        note: What was done.
        photo: Of it; empty: none.
        seen: How often it had been refused when he said so: sent again later, it changes nothing.

    Raises:
        UnknownRowError: not one of this site.
        BadInputError: nothing is said of what was done.
        WrongStageError: it was not assigned, or is repaired already.
    """
    note = rows.say(note, "what was repaired")
    photo = photo and rows.say(photo, "where the photograph is", 120)
    row = _locked(session, actor, repair_id)
    waits = row.repaired_at is not None
    if waits and (row.repaired_by, row.repaired_note) == (actor.name, note):
        return row
    if seen is not None and row.refused > seen:
        return row
    _require(row, Stage.ASSIGNED)
    row.repaired_by, row.repaired_at, row.stage = actor.name, actor.at, Stage.REPAIRED.value
    row.repaired_note, row.repaired_photo = note, photo
    return _step(session, actor, row, "done", None, note)


def accept(session: Session, actor: Acting, repair_id: UUID) -> Repair:
    """The one who asked is content; the device is in use again. He says so once.

    Raises:
        UnknownRowError: not one of this site.
        WrongStageError: it is not repaired.
        SamePersonError: somebody else than the asker tries, while the asker works here.
    """
    row = _locked(session, actor, repair_id)
    _require_asker(session, actor, row)
    if row.stage == Stage.ACCEPTED.value:
        return row
    _require(row, Stage.REPAIRED)
    row.accepted_at, row.stage = actor.at, Stage.ACCEPTED.value
    return _step(session, actor, row, "accept", None, None)


def refuse(
    session: Session, actor: Acting, repair_id: UUID, reason: str, *, seen: int | None = None
) -> Repair:
    """The one who asked is not content: the same person repairs it again.

    Args:
        session: Writing.
        actor: Who asked.
        repair_id: Of the site.
        reason: What does not work yet.
        seen: How often it had been refused when he looked: sent again, it is refused once.

    Raises:
        UnknownRowError: not one of this site.
        BadInputError: no reason.
        WrongStageError: it is not repaired.
        SamePersonError: somebody else than the asker tries, while the asker works here.
    """
    reason = rows.say(reason, "what does not work yet")
    row = _locked(session, actor, repair_id)
    _require_asker(session, actor, row)
    if seen is not None and row.refused > seen:
        return row
    _require(row, Stage.REPAIRED)
    row.stage, row.repaired_at = Stage.ASSIGNED.value, None
    row.refused += 1
    return _step(session, actor, row, "refuse", row.repaired_note, reason)


def open_repairs(session: Session, site_id: UUID, *, limit: int = 200) -> Sequence[Repair]:
    """Repairs that are not accepted yet, the oldest first."""
    query = select(Repair).where(Repair.site_id == site_id, Repair.stage != Stage.ACCEPTED.value)
    return session.scalars(
        query.order_by(Repair.asked_at, Repair.id).limit(max(1, min(limit, MAX_PAGE)))
    ).all()


def downtime(
    session: Session, site_id: UUID, equipment_id: UUID, first: datetime, last: datetime
) -> int:
    """Minutes that a device could not be used, from the asking to the accepting.

    Args:
        session: Reads.
        site_id: Of the device.
        equipment_id: Which device.
        first: The beginning, aware UTC.
        last: The end; an open repair lasts until then.
    """
    query = select(Repair).where(
        Repair.site_id == site_id,
        Repair.equipment_id == equipment_id,
        Repair.down.is_(True),
        Repair.asked_at < last,
    )
    spans = [(row.asked_at, row.accepted_at or last) for row in session.scalars(query)]
    return minutes_down(spans, first, last)


def _require_asker(session: Session, actor: Acting, row: Repair) -> None:
    if actor.name == row.asked_by:
        return
    query = select(Worker).where(Worker.site_id == row.site_id, Worker.active.is_(False))
    if all(one.journal_name != row.asked_by for one in session.scalars(query)):
        raise SamePersonError(f"{row.asked_by} asked for this repair: he looks at it")


def _locked(session: Session, actor: Acting, repair_id: UUID) -> Repair:
    return rows.get(session, Repair, actor.site_id, repair_id, "repair", lock=True)


def _require(row: Repair, *stages: Stage) -> None:
    if Stage(row.stage) not in stages:
        raise WrongStageError(f"this repair is {row.stage}: look at it again")


def _step(
    session: Session, actor: Acting, row: Repair, verb: str, before: str | None, after: str | None
) -> Repair:
    session.flush()
    actor.record(session, f"repair.{verb}", str(row.id), before, after)
    return row
