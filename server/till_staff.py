"""Who may void and close shifts at the tills (结算台人员): a number and a PIN of their own."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy import ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan import desk
from dafan.db import Base
from dafan.errors import BadInputError
from server import feed, people
from server.access import RIGHTS
from server.actor import Actor
from server.auth import User
from server.values import Values, flush_unique

KIND = "staff"


class TillStaff(Base):
    """An account that may also sign in at the site's tills."""

    __tablename__ = "till_staff"
    __table_args__ = (UniqueConstraint("site_id", "number"),)

    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    number: Mapped[str] = mapped_column(String(8))
    """Three to eight digits, typed at the till."""
    pin_hash: Mapped[str] = mapped_column(String(200))
    """Argon2."""
    active: Mapped[bool] = mapped_column(default=True)


class NoTillRightError(BadInputError):
    """The account may not do at the site what a till lets its staff do."""

    code = "no_till_right"


class TillStaffValues(Values):
    """What an administrator decides."""

    number: Annotated[str, Field(pattern=r"^[0-9]{3,8}$")]
    """Three to eight digits, typed at the till."""


def staff_of(session: Session, site_id: UUID) -> Sequence[tuple[TillStaff, User]]:
    """Who may work at the site's tills, and who could until he was taken off, by number."""
    query = (
        select(TillStaff, User)
        .join(User, User.id == TillStaff.user_id)
        .where(TillStaff.site_id == site_id)
        .order_by(TillStaff.number)
    )
    return [(row, user) for row, user in session.execute(query)]


def may_void(user: User, site_id: UUID) -> bool:
    """Whether the account's roles at the site allow what can be done at a till."""
    return user.active and not set(user.roles_at(site_id)).isdisjoint(RIGHTS["void_sales"])


def put(
    session: Session, actor: Actor, user_id: UUID, values: TillStaffValues, pin: str | None
) -> TillStaff:
    """Let an account of the site sign in at its tills, or change number and PIN.

    Args:
        session: Writes.
        actor: Who decides.
        user_id: An account of the site.
        values: The number.
        pin: Six digits; ``None`` leaves it as it is.

    Raises:
        NoTillRightError: the account may not void sales at this site, or is closed.
        BadInputError: the number is taken, the PIN is missing or too easy.
    """
    user = session.get(User, user_id)
    if user is None or not may_void(user, actor.site_id):
        raise NoTillRightError("only an open account that may void sales here works at tills")
    row = session.get(TillStaff, (actor.site_id, user_id))
    if row is None and pin is None:
        raise BadInputError("choose a PIN of six digits", code="bad_pin")
    before = _told(row)
    if row is None:
        row = TillStaff(site_id=actor.site_id, user_id=user_id, pin_hash="")
        session.add(row)
    row.number, row.active = values.number, True
    if pin is not None:
        row.pin_hash = people.hash_pin(pin)
    flush_unique(session, f"the number {values.number} is another person's: choose another one")
    told = _told(row) | ({"pin": "set"} if pin is not None else {})
    actor.record(session, "till_staff.update", user.login, before or None, told)
    publish(session, actor.site_id, user)
    return row


def take_off(session: Session, actor: Actor, user_id: UUID) -> bool:
    """Let somebody sign in at the tills no longer; says whether he could."""
    row = session.get(TillStaff, (actor.site_id, user_id))
    if row is None or not row.active:
        return False
    user = session.get_one(User, user_id)
    row.active = False
    actor.record(session, "till_staff.off", user.login, _told(row) | {"active": True}, _told(row))
    publish(session, actor.site_id, user)
    return True


def publish(session: Session, site_id: UUID, user: User) -> None:
    """Tell the tills of a site, as it is now; who may not void there disappears from them."""
    session.flush()
    row = session.get(TillStaff, (site_id, user.id))
    body = None
    if row is not None and row.active and may_void(user, site_id):
        body = desk.TillStaff(id=user.id, number=row.number, name=user.name, pin_hash=row.pin_hash)
    feed.publish(session, site_id, KIND, str(user.id), body)


def follow(session: Session, user: User) -> None:
    """Tell the tills that an account was renamed, closed, opened, or has other roles."""
    session.flush()
    query = select(TillStaff.site_id).where(TillStaff.user_id == user.id)
    for site_id in session.scalars(query.order_by(TillStaff.site_id)).all():
        publish(session, site_id, user)


def _told(row: TillStaff | None) -> dict[str, object]:
    return {} if row is None else {"number": row.number, "active": row.active}
