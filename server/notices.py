"""Notices (通知): what the canteen tells its diners on their phones, and who has read it.

What concerns one diner alone (an answer, an order that waits, a subsidy that ends) is never
written down here: it is read where it stands.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy import JSON, ForeignKey, Index, String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base
from dafan.errors import BadInputError
from server import groups
from server.actor import Actor
from server.many import insert_missing
from server.values import Values

SHOWN_MOST = 20
"""So many notices a phone shows at the same time."""


class UnknownNoticeError(BadInputError):
    """There is no such notice here."""

    code = "unknown_notice"


class Notice(Base):
    """Something that the canteen tells."""

    __tablename__ = "notice"
    __table_args__ = (Index("ix_notice_site_id_shown_until", "site_id", "shown_until"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    title: Mapped[str] = mapped_column(String(60))
    text: Mapped[str] = mapped_column(String(2000))
    shown_from: Mapped[date]
    shown_until: Mapped[date]
    """The last day."""
    group_ids: Mapped[list[str]] = mapped_column(JSON)
    """For whom; empty: for everybody."""
    withdrawn: Mapped[bool] = mapped_column(default=False)
    made_by: Mapped[str] = mapped_column(String(80))
    made_at: Mapped[datetime]


class NoticeRead(Base):
    """A diner has opened a notice."""

    __tablename__ = "notice_read"

    notice_id: Mapped[UUID] = mapped_column(ForeignKey("notice.id"), primary_key=True)
    diner_id: Mapped[UUID] = mapped_column(primary_key=True)
    read_at: Mapped[datetime]


class NoticeValues(Values):
    """What a person writes."""

    title: Annotated[str, Field(min_length=1, max_length=60)]
    text: Annotated[str, Field(min_length=1, max_length=2000)]
    shown_from: date
    shown_until: date
    groups: tuple[UUID, ...] = ()


def write(session: Session, actor: Actor, notice_id: UUID, values: NoticeValues) -> Notice:
    """Tell the diners something; the same form again tells it once.

    Raises:
        BadInputError: the last day is before the first, or there is no such group.
    """
    known = session.get(Notice, notice_id)
    if known is not None:
        if (known.site_id, known.title) != (actor.site_id, values.title):
            raise BadInputError("this form was used before: reload the page", code="key_reused")
        return known
    if values.shown_until < values.shown_from:
        raise BadInputError("the last day is before the first one", code="bad_days")
    for group_id in values.groups:
        groups.get(session, actor.site_id, group_id)
    row = Notice(
        id=notice_id, site_id=actor.site_id, title=values.title, text=values.text,
        shown_from=values.shown_from, shown_until=values.shown_until,
        group_ids=[str(one) for one in values.groups], made_by=actor.name[:80], made_at=actor.at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    actor.record(session, "notice.write", str(row.id), None, values.model_dump(mode="json"))
    return row


def withdraw(session: Session, actor: Actor, notice_id: UUID) -> None:
    """Take a notice off the phones; again changes nothing.

    Raises:
        UnknownNoticeError: not one of this site.
    """
    row = get(session, actor.site_id, notice_id)
    if not row.withdrawn:
        row.withdrawn = True
        session.flush()
        actor.record(session, "notice.withdraw", str(row.id), None, row.title)


def read(session: Session, notice: Notice, diner_id: UUID, now: datetime) -> None:
    """A diner has opened a notice; only the first time is kept."""
    row = {"notice_id": notice.id, "diner_id": diner_id, "read_at": now}
    insert_missing(session, NoticeRead.metadata.tables["notice_read"], [row])


def get(session: Session, site_id: UUID, notice_id: UUID) -> Notice:
    """A notice of the site.

    Raises:
        UnknownNoticeError: there is none.
    """
    row = session.scalar(select(Notice).where(Notice.site_id == site_id, Notice.id == notice_id))
    if row is None:
        raise UnknownNoticeError("there is no such notice: look at the list")
    return row


def shown(session: Session, site_id: UUID, group_id: UUID, today: date) -> list[Notice]:
    """What a diner of a group finds on his phone today, the latest first."""
    query = select(Notice).where(
        Notice.site_id == site_id, Notice.shown_from <= today, Notice.shown_until >= today,
        Notice.withdrawn.is_(False),
    )  # fmt: skip
    found = session.scalars(query.order_by(Notice.shown_from.desc(), Notice.id.desc()))
    mine = [one for one in found if not one.group_ids or str(group_id) in one.group_ids]
    return mine[:SHOWN_MOST]


def read_by(session: Session, diner_id: UUID, notices: Iterable[Notice]) -> set[UUID]:
    """Those of the notices that a diner has opened."""
    query = select(NoticeRead.notice_id).where(
        NoticeRead.diner_id == diner_id, NoticeRead.notice_id.in_([one.id for one in notices])
    )
    return set(session.scalars(query))


def page(
    session: Session, site_id: UUID, *, after: UUID | None = None, limit: int = 50
) -> Sequence[Notice]:
    """All notices, the latest first."""
    query = select(Notice).where(Notice.site_id == site_id)
    if after is not None:
        query = query.where(Notice.id < after)
    return session.scalars(query.order_by(Notice.id.desc()).limit(limit)).all()


def readers(session: Session, notices: Iterable[Notice]) -> dict[UUID, int]:
    """Notice → how many have opened it."""
    query = select(NoticeRead.notice_id, func.count()).where(
        NoticeRead.notice_id.in_([one.id for one in notices])
    )
    return dict(session.execute(query.group_by(NoticeRead.notice_id)).all())
