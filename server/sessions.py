"""Sessions of people: kept at the server, so that each can be seen and ended.

The browser's signed cookie holds the id of the row and nothing else about the person. A session
ends by itself :data:`LONGEST` after the sign-in, and :data:`IDLE_STRONG` after the last request of
a person who may move money or rights.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from flask import request
from flask import session as browser_session
from flask_login import login_user, logout_user
from sqlalchemy import ForeignKey, Index, String, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base, reading, writing
from dafan.errors import BadInputError
from dafan.ids import new_id
from server import audit
from server.access import SECOND_FACTOR_ROLES
from server.actor import Actor
from server.auth import User
from server.services import services

LONGEST = timedelta(hours=12)
IDLE_STRONG = timedelta(hours=1)
SEEN_EVERY = timedelta(minutes=1)
"""How often a request is written down: looking at pages must not write at every turn."""
BY_ITSELF = "X-Dafan-Live"
"""A page that refreshes itself says so: that is no sign of a person."""


class UnknownSessionError(BadInputError):
    """The person has no such session."""

    code = "unknown_session"


class UserSession(Base):
    """A browser in which a person has signed in."""

    __tablename__ = "user_session"
    __table_args__ = (Index("ix_user_session_user_id_began_at", "user_id", "began_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    method: Mapped[str] = mapped_column(String(20))
    """``password``, ``totp``, ``recovery`` or ``sso``: by what the person proved himself."""
    began_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ip: Mapped[str] = mapped_column(String(64), default="")
    agent: Mapped[str] = mapped_column(String(200), default="")
    mark: Mapped[str] = mapped_column(String(16))
    """Of the password at the sign-in: another password ends the session."""


def enter(user: User, method: str) -> None:
    """Sign the person in with this browser, in a fresh session, and write it to the audit log."""
    parts = services()
    now, ip = parts.clock.now(), request.remote_addr or ""
    with writing(parts.engine) as session:
        row = _begin(session, user, method, now)
        audit.record(
            session, user.login, "login", user.login, None, {"by": method}, ip,
            site_id=user.at_site, at=now,
        )  # fmt: skip
    browser_session.clear()  # what was there before the sign-in is worth nothing after it
    user.opened_by(row.id, method)
    login_user(user)


def renew(user: User, old: UUID | None, method: str) -> None:
    """Go on in a fresh session after the password was changed; the old one ends."""
    parts = services()
    now = parts.clock.now()
    with writing(parts.engine) as session:
        if row := session.get(UserSession, old):
            row.ended_at = now
        fresh = _begin(session, user, method, now)
    user.opened_by(fresh.id, method)
    login_user(user)


def leave(user: User) -> None:
    """Sign out: the session ends at the server as well."""
    parts = services()
    with writing(parts.engine) as session:
        if row := session.get(UserSession, user.session_id):
            row.ended_at = parts.clock.now()
    logout_user()
    browser_session.clear()


def _begin(session: Session, user: User, method: str, now: datetime) -> UserSession:
    row = UserSession(
        id=new_id(), user_id=user.id, method=method, began_at=now, seen_at=now,
        ip=(request.remote_addr or "")[:64], agent=request.user_agent.string[:200],
        mark=user.mark,
    )  # fmt: skip
    session.add(row)
    return row


def person_of(remembered: str) -> User | None:
    """The person of the session that a browser remembers; nobody where it has ended."""
    try:
        session_id = UUID(remembered)
    except ValueError:
        return None
    parts = services()
    now = parts.clock.now()
    with reading(parts.engine) as session:
        row = session.get(UserSession, session_id)
        user = session.get(User, row.user_id) if row else None
    if row is None or user is None or not user.active or not _lives(row, user, now):
        return None
    if now - row.seen_at >= SEEN_EVERY and BY_ITSELF not in request.headers:
        with writing(parts.engine) as session:
            session.execute(
                update(UserSession)
                .where(UserSession.id == row.id)
                .values(seen_at=now, ip=(request.remote_addr or "")[:64])
            )
    user.opened_by(row.id, row.method)
    return user


def _lives(row: UserSession, user: User, now: datetime) -> bool:
    strong = any(grant.role in SECOND_FACTOR_ROLES for grant in user.grants)
    idle = IDLE_STRONG if strong else LONGEST
    if row.ended_at is not None or row.mark != user.mark:
        return False
    return now < row.began_at + LONGEST and now < row.seen_at + idle


def open_ones(session: Session, user: User, now: datetime) -> Sequence[UserSession]:
    """The person's sessions that live, the latest first."""
    query = select(UserSession).where(
        UserSession.user_id == user.id,
        UserSession.ended_at.is_(None),
        UserSession.began_at > now - LONGEST,
    )
    rows = session.scalars(query.order_by(UserSession.began_at.desc(), UserSession.id))
    return [row for row in rows if _lives(row, user, now)]


def end(session: Session, actor: Actor, user: User, session_id: UUID) -> None:
    """End one session of the person, from its next request on.

    Raises:
        UnknownSessionError: not a session of this person.
    """
    row = session.get(UserSession, session_id)
    if row is None or row.user_id != user.id:
        raise UnknownSessionError("the account has no such session")
    if row.ended_at is None:
        row.ended_at = actor.at
        actor.record(session, "session.end", user.login, None, {"ip": row.ip})


def end_all(session: Session, user_id: UUID, now: datetime, *, but: UUID | None = None) -> int:
    """End every session of the person but one, from the next request on; how many there were."""
    query = select(UserSession).where(
        UserSession.user_id == user_id, UserSession.ended_at.is_(None)
    )
    rows = [row for row in session.scalars(query.with_for_update()) if row.id != but]
    for row in rows:
        row.ended_at = now
    return len(rows)
