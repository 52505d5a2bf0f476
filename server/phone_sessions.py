"""Sessions of diners on their phones: kept at the server, so that each can be seen and ended.

They are no accounts of :mod:`server.auth`: a diner has no right on any other page. The phone holds
a random token in a cookie of its own, the server its digest.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from flask import current_app, g, request
from sqlalchemy import ForeignKey, Index, String, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column
from werkzeug.wrappers import Response

from dafan.db import Base, reading, writing
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.records import DinerStatus
from server import headers
from server.actor import Actor
from server.people import Diner
from server.services import services

LONGEST = timedelta(days=90)
IDLE = timedelta(days=30)
SEEN_EVERY = timedelta(minutes=10)
"""How often a request is written down."""
COOKIE = "dafan_diner"
_KEPT = "dafan_signed_diner"


class UnknownPhoneError(BadInputError):
    """The diner is signed in on no such phone."""

    code = "unknown_phone"


class PhoneSession(Base):
    """A phone on which a diner has signed in."""

    __tablename__ = "phone_session"
    __table_args__ = (Index("ix_phone_session_diner_id_began_at", "diner_id", "began_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    diner_id: Mapped[UUID] = mapped_column(ForeignKey("diner.id"))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    method: Mapped[str] = mapped_column(String(8))
    """``code`` or ``sso``: by what he proved himself."""
    began_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ip: Mapped[str] = mapped_column(String(64))
    agent: Mapped[str] = mapped_column(String(200))


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The diner of this request; nobody else's rows are shown."""

    session_id: UUID
    site_id: UUID
    diner_id: UUID
    staff_no: str
    name: str
    department: str

    @property
    def login(self) -> str:
        """What the audit log calls him."""
        return f"diner:{self.staff_no}"


def enter(diner: Diner, method: str) -> str:
    """Sign a diner in on this phone and write it to the audit log; the token for its cookie."""
    parts = services()
    now, token = parts.clock.now(), secrets.token_urlsafe(32)
    ip = (request.remote_addr or "")[:64]
    row = PhoneSession(
        id=new_id(), site_id=diner.site_id, diner_id=diner.id, digest=_digest(token),
        method=method, began_at=now, seen_at=now, ip=ip,
        agent=request.user_agent.string[:200],
    )  # fmt: skip
    actor = Actor(diner.site_id, f"diner:{diner.staff_no}", now, ip)
    with writing(parts.engine) as session:
        session.add(row)
        actor.record(session, "phone.login", str(diner.id), None, {"by": method})
    return token


def remember(answer: Response, token: str) -> None:
    """Let the phone keep its token."""
    answer.set_cookie(
        cookie_name(), token, max_age=int(LONGEST.total_seconds()), httponly=True, samesite="Lax",
        secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
    )  # fmt: skip


def forget(answer: Response) -> None:
    """Take the token off the phone."""
    answer.delete_cookie(
        cookie_name(), httponly=True, samesite="Lax",
        secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
    )  # fmt: skip


def cookie_name() -> str:
    """The cookie's name, by whether TLS is in front."""
    return headers.cookie_name(COOKIE, https=current_app.config["SESSION_COOKIE_SECURE"])


def signed_in() -> SignedIn | None:
    """The diner who asks; nobody where his session has ended or he has left."""
    if _KEPT not in g:
        setattr(g, _KEPT, _find(request.cookies.get(cookie_name(), "")))
    found: SignedIn | None = g.get(_KEPT)
    return found


def _find(token: str) -> SignedIn | None:
    if not token:
        return None
    parts = services()
    now = parts.clock.now()
    with reading(parts.engine) as session:
        row = session.scalar(select(PhoneSession).where(PhoneSession.digest == _digest(token)))
        diner = session.get(Diner, row.diner_id) if row else None
    if row is None or diner is None or not _lives(row, now):
        return None
    if diner.status == DinerStatus.LEFT.value:
        return None
    if now - row.seen_at >= SEEN_EVERY:
        seen = {"seen_at": now, "ip": (request.remote_addr or "")[:64]}
        with writing(parts.engine) as session:
            session.execute(update(PhoneSession).where(PhoneSession.id == row.id).values(seen))
    return SignedIn(row.id, diner.site_id, diner.id, diner.staff_no, diner.name, diner.department)


def _lives(row: PhoneSession, now: datetime) -> bool:
    return row.ended_at is None and now < row.began_at + LONGEST and now < row.seen_at + IDLE


def open_ones(session: Session, diner_id: UUID, now: datetime) -> Sequence[PhoneSession]:
    """Where the diner is signed in, the latest first."""
    query = select(PhoneSession).where(
        PhoneSession.diner_id == diner_id,
        PhoneSession.ended_at.is_(None),
        PhoneSession.began_at > now - LONGEST,
    )
    rows = session.scalars(query.order_by(PhoneSession.began_at.desc(), PhoneSession.id))
    return [row for row in rows if _lives(row, now)]


def end(session: Session, actor: Actor, diner_id: UUID, session_id: UUID) -> None:
    """End one session of the diner, from its next request on. Twice is once.

    Raises:
        UnknownPhoneError: not a session of this diner.
    """
    row = session.get(PhoneSession, session_id)
    if row is None or row.diner_id != diner_id:
        raise UnknownPhoneError("you are signed in on no such phone")
    if row.ended_at is None:
        row.ended_at = actor.at
        actor.record(session, "phone.logout", str(diner_id), {"ip": row.ip})


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
