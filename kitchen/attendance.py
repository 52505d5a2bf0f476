"""Sign-in (签到, 签退): who is in the kitchen, since when, and how he was known."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import rows, staff
from kitchen.rows import KeyedRow


class Direction(StrEnum):
    """Coming or going."""

    IN = "in"
    OUT = "out"


class SignedBy(StrEnum):
    """How a person was known at sign-in."""

    FACE = "face"
    PIN = "pin"
    HAND = "hand"
    """Written in by somebody in charge."""


class Sign(KeyedRow):
    """A worker came or went."""

    __tablename__ = "worker_sign"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        Index("ix_worker_sign_day", "site_id", "business_date", "worker_id"),
    )

    worker_id: Mapped[UUID] = mapped_column(ForeignKey("kitchen_worker.id"))
    business_date: Mapped[date]
    direction: Mapped[str] = mapped_column(String(4))
    how: Mapped[str] = mapped_column(String(8))
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(80))


def sign(
    session: Session,
    actor: Acting,
    key: str,
    worker_id: UUID,
    day: date,
    direction: Direction,
    how: SignedBy,
) -> Sign:
    """A worker comes or goes; the same key is the same act.

    Raises:
        UnknownRowError: no such worker here.
        BadInputError: he left the kitchen for good, came twice, or goes without having come.
    """
    row = Sign(
        id=new_id(), site_id=actor.site_id, key=key, worker_id=worker_id, business_date=day,
        direction=direction.value, how=how.value, at=actor.at, by=actor.name,
    )  # fmt: skip
    worker = staff.get_active(session, actor.site_id, worker_id)
    same = ("worker_id", "direction")
    found = rows.earlier(session, row, same)
    if found is not None:
        return found
    here = present(session, actor.site_id, day).get(worker_id) is not None
    if here is (direction is Direction.IN):
        word = "here already" if here else "not signed in today"
        code = "here_already" if here else "not_here"
        raise BadInputError(f"{worker.name} is {word}: nothing was written", code=code)
    row, fresh = rows.insert_once(session, row, same)
    if fresh:
        actor.record(session, f"worker.sign_{direction.value}", str(worker_id), None, how.value)
    return row


def present(
    session: Session, site_id: UUID, day: date, until: datetime | None = None
) -> dict[UUID, datetime]:
    """Who is in the kitchen on a day, and since when; ``until``: who was there at that moment."""
    query = select(Sign).where(Sign.site_id == site_id, Sign.business_date == day)
    if until is not None:
        query = query.where(Sign.at <= until)
    here: dict[UUID, datetime] = {}
    for row in session.scalars(query.order_by(Sign.at, Sign.id)):
        if row.direction == Direction.IN:
            here[row.worker_id] = row.at
        else:
            here.pop(row.worker_id, None)
    return here
