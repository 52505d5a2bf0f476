"""Tokens with which a program acts for an account at the API.

A token has all rights of its account and no more; it expires, and can be revoked. Only its digest
is kept: it has 256 random bits, so that a plain hash cannot be turned round.
"""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base
from dafan.errors import BadInputError
from dafan.ids import new_id
from server.actor import Actor
from server.auth import User

PREFIX = "dafan_"
"""By it a scanner for leaked secrets knows a token, and the server knows it from a password."""
LONGEST_DAYS = 365
MOST = 20
USED_EVERY = timedelta(minutes=10)


class UnknownTokenError(BadInputError):
    """The account has no such token."""

    code = "unknown_token"


class ApiToken(Base):
    """A program's way in."""

    __tablename__ = "api_token"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"), index=True)
    name: Mapped[str] = mapped_column(String(40))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


def make(session: Session, actor: Actor, user: User, name: str, days: int) -> str:
    """A fresh token, shown this once.

    Args:
        session: Writes.
        actor: For the audit log.
        user: For whom the program acts.
        name: What the program is called, 1 to 40 characters.
        days: How long it is good, 1 to :data:`LONGEST_DAYS`.

    Raises:
        BadInputError: no name, an impossible time, or too many tokens.
    """
    if not 1 <= len(name.strip()) <= 40:
        raise BadInputError("name the program, in 40 characters at most", code="bad_token_name")
    if not 1 <= days <= LONGEST_DAYS:
        raise BadInputError(f"a token is good for 1 to {LONGEST_DAYS} days", code="bad_token_days")
    if len(good_ones(session, user.id, actor.at)) >= MOST:
        raise BadInputError(f"revoke one first: {MOST} tokens at most", code="many_tokens")
    text = PREFIX + secrets.token_urlsafe(32)
    row = ApiToken(
        id=new_id(), user_id=user.id, name=name.strip(), token_hash=_hash(text), made_at=actor.at,
        expires_at=actor.at + timedelta(days=days),
    )  # fmt: skip
    session.add(row)
    after = {"name": row.name, "expires": row.expires_at.date().isoformat()}
    actor.record(session, "token.make", user.login, None, after)
    session.flush()
    return text


def revoke(session: Session, actor: Actor, user: User, token_id: UUID) -> None:
    """Refuse the token from its next request on.

    Raises:
        UnknownTokenError: not a token of this account.
    """
    row = session.get(ApiToken, token_id)
    if row is None or row.user_id != user.id:
        raise UnknownTokenError("the account has no such token")
    if row.revoked_at is None:
        row.revoked_at = actor.at
        actor.record(session, "token.revoke", user.login, {"name": row.name}, None)


def revoke_all(session: Session, actor: Actor, user: User) -> None:
    """Refuse every token of the account."""
    for row in good_ones(session, user.id, actor.at):
        revoke(session, actor, user, row.id)


def good_ones(session: Session, user_id: UUID, now: datetime) -> Sequence[ApiToken]:
    """The account's tokens that open something, the latest first."""
    query = select(ApiToken).where(
        ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None), ApiToken.expires_at > now
    )
    return session.scalars(query.order_by(ApiToken.id.desc())).all()


def owner(session: Session, text: str, now: datetime) -> tuple[User, ApiToken] | None:
    """Whose token it is; ``None`` where it is unknown, expired or revoked, or its owner is out."""
    row = session.scalar(select(ApiToken).where(ApiToken.token_hash == _hash(text)))
    if row is None or row.revoked_at is not None or row.expires_at <= now:
        return None
    user = session.get_one(User, row.user_id)
    return (user, row) if user.active else None


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
