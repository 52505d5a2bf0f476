"""Cleaning areas per person (分片包干): who keeps which place clean, and how it looked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from dafan.ids import new_id
from kitchen import rectification, rows, staff
from kitchen.rectification import FindingValues
from kitchen.rows import KeyedRow, SiteRow, Values

_TAKEN = "there is a place of this name already"


class Area(SiteRow):
    """A place that one person keeps clean."""

    __tablename__ = "cleaning_area"
    __table_args__ = (UniqueConstraint("site_id", "name"),)

    name: Mapped[str] = mapped_column(String(80))
    worker_id: Mapped[UUID] = mapped_column(ForeignKey("kitchen_worker.id"))
    every_days: Mapped[int]
    since: Mapped[date]
    active: Mapped[bool]


class AreaCheck(KeyedRow):
    """How a place looked when somebody else than its keeper came by."""

    __tablename__ = "cleaning_check"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        Index("ix_cleaning_check_area", "site_id", "area_id", "business_date"),
    )

    area_id: Mapped[UUID] = mapped_column(ForeignKey("cleaning_area.id"))
    business_date: Mapped[date]
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(80))
    clean: Mapped[bool]
    photo: Mapped[str] = mapped_column(String(120))
    note: Mapped[str] = mapped_column(String(200))


class AreaValues(Values):
    """What is decided about a place."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    worker_id: UUID
    every_days: Annotated[int, Field(ge=1, le=366)] = 1
    """It is looked at every so many days."""
    since: date
    active: bool = True


class AreaCheckValues(Values):
    """What the checker saw."""

    area_id: UUID
    clean: bool
    photo: Annotated[str, Field(max_length=120)] = ""
    note: Annotated[str, Field(max_length=200)] = ""


@dataclass(frozen=True, slots=True)
class AreaLine:
    """A place on the list of a day."""

    area_id: UUID
    name: str
    keeper: str
    checked: date | None
    overdue_days: int
    """Below zero: due in so many days."""


def create(session: Session, actor: Acting, values: AreaValues) -> Area:
    """Give a place to a person.

    Raises:
        UnknownRowError: no such worker here.
        BadInputError: he left, or the place is on the list; the transaction is then lost.
    """
    staff.get_active(session, actor.site_id, values.worker_id)
    row = Area(id=new_id(), site_id=actor.site_id, **values.model_dump())
    session.add(row)
    rows.flush(session, _TAKEN)
    actor.record(session, "area.create", str(row.id), None, values.model_dump(mode="json"))
    return row


def update(session: Session, actor: Acting, area_id: UUID, values: AreaValues) -> Area:
    """Change a place, or give it to somebody else.

    Raises:
        UnknownRowError: no such place or worker here.
        BadInputError: as :func:`create`.
    """
    row = rows.get(session, Area, actor.site_id, area_id, "place", lock=True)
    staff.get_active(session, actor.site_id, values.worker_id)
    rows.change(session, actor, row, values, "area.update", _TAKEN)
    return row


def check(
    session: Session, actor: Acting, key: str, day: date, values: AreaCheckValues
) -> AreaCheck:
    """Write how a place looked; what is not clean becomes a finding, given to its keeper.

    Raises:
        UnknownRowError: no such place here.
        BadInputError: it is not clean and nobody says what is wrong.
        SamePersonError: its keeper looks at his own place.
        KeyReusedError: something different was sent under this key.
    """
    area = rows.get(session, Area, actor.site_id, values.area_id, "place")
    keeper = staff.get(session, actor.site_id, area.worker_id)
    rows.require_other(actor.name, keeper.journal_name, "judge his own place")
    if not values.clean:
        rows.say(values.note, "what is not clean")
    row = AreaCheck(
        id=new_id(), site_id=actor.site_id, key=key, business_date=day, at=actor.at,
        by=actor.name, **values.model_dump(),
    )  # fmt: skip
    row, fresh = rows.insert_once(session, row, ("area_id", "clean", "note"))
    if fresh:
        after = {"clean": row.clean, "note": row.note}
        actor.record(session, "area.check", str(area.id), None, after)
        if not values.clean:
            found = FindingValues(
                what=f"{area.name}: {values.note}"[:200], due=day, photo=values.photo,
                source="area", source_ref=str(area.id),
            )  # fmt: skip
            finding = rectification.find(session, actor, f"area/{row.id}", day, found)
            if keeper.active:
                rectification.assign(session, actor, finding.id, keeper.id)
    return row


def due(session: Session, site_id: UUID, day: date) -> Sequence[AreaLine]:
    """All places, the most overdue first."""
    last = (
        select(AreaCheck.area_id, func.max(AreaCheck.business_date).label("day"))
        .where(AreaCheck.site_id == site_id, AreaCheck.business_date <= day)
        .group_by(AreaCheck.area_id)
        .subquery()
    )
    query = (
        select(Area, staff.Worker.name, last.c.day)
        .join(staff.Worker, staff.Worker.id == Area.worker_id)
        .outerjoin(last, last.c.area_id == Area.id)
        .where(Area.site_id == site_id, Area.active.is_(True), Area.since <= day)
    )
    lines = []
    for area, keeper, checked in session.execute(query):
        waited = (day - checked).days - area.every_days if checked else (day - area.since).days
        lines.append(AreaLine(area.id, area.name, keeper, checked, waited))
    return sorted(lines, key=lambda line: (-line.overdue_days, line.name))
