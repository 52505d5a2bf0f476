"""What an administrator does with staff accounts: add, change, close, hand out a password."""

import secrets
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from dafan.errors import BadInputError
from server import auth
from server.actor import Actor
from server.auth import User

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Nothing that is mistaken for something else when read from paper."""


class UnknownUserError(BadInputError):
    """The site has no such account."""

    code = "unknown_user"


class ProtectedError(BadInputError):
    """Nobody may lock himself out, nor leave the site without an administrator."""

    code = "protected_account"


def get(session: Session, site_id: UUID, user_id: UUID) -> User:
    """An account of the site.

    Raises:
        UnknownUserError: not an account of this site.
    """
    query = select(User).where(User.site_id == site_id, User.id == user_id)
    user: User | None = session.scalar(query)
    if user is None:
        raise UnknownUserError("the site has no such account")
    return user


def create(
    session: Session, actor: Actor, login: str, name: str, roles: Iterable[str]
) -> tuple[User, str]:
    """Add an account; the password it begins with is good for choosing another one only.

    Returns:
        The account and its password, which is kept nowhere in clear.

    Raises:
        BadInputError: the login is taken or unfit, or no role or an unknown one was named.
    """
    password = make_password()
    user = auth.create_user(
        session, actor.site_id, login, password, roles,
        name=name, by=actor.name, ip=actor.ip, must_change=True,
    )  # fmt: skip
    return user, password


def update(session: Session, actor: Actor, user_id: UUID, name: str, roles: Iterable[str]) -> User:
    """Change name and roles; they hold from the person's next request on.

    Raises:
        UnknownUserError: not an account of this site.
        BadInputError: no role, or an unknown one.
        ProtectedError: it would take the role of administrator from oneself or from the last one.
    """
    user, chosen = get(session, actor.site_id, user_id), auth.check_roles(roles)
    before = _told(user)
    if "admin" in user.roles and "admin" not in chosen:
        _protect(session, actor, user)
    user.name, user.roles = name.strip()[:80] or user.login, chosen
    if _told(user) != before:
        actor.record(session, "user.update", user.login, before, _told(user))
    return user


def set_active(session: Session, actor: Actor, user_id: UUID, *, active: bool) -> User:
    """Close an account, which ends its sessions at once, or open it again.

    Raises:
        UnknownUserError: not an account of this site.
        ProtectedError: it is one's own, or that of the last administrator.
    """
    user = get(session, actor.site_id, user_id)
    if user.active == active:
        return user
    if not active:
        _protect(session, actor, user)
    user.active = active
    actor.record(session, "user.active", user.login, {"active": not active}, {"active": active})
    return user


def reset_password(session: Session, actor: Actor, user_id: UUID) -> tuple[User, str]:
    """Hand out a new first password; every session of the old one ends.

    Raises:
        UnknownUserError: not an account of this site.
        ProtectedError: it is one's own, which is changed with the old one.
    """
    user = get(session, actor.site_id, user_id)
    if user.login == actor.name:
        raise ProtectedError("change your own password with the old one")
    password = make_password()
    user.password_hash, user.must_change = auth.hash_password(password), True
    actor.record(session, "user.reset", user.login)
    return user, password


def make_password() -> str:
    """Such as ``k7mq-9tzp-r4wx`` (59 random bits)."""
    signs = "".join(secrets.choice(_ALPHABET) for _ in range(12))
    return "-".join(signs[start : start + 4] for start in (0, 4, 8))


def _protect(session: Session, actor: Actor, user: User) -> None:
    """Refuse what would lock out the actor or leave no administrator.

    The rows are locked, so that two administrators cannot close each other at the same moment.
    """
    if user.login == actor.name:
        raise ProtectedError("you cannot take the account of an administrator from yourself")
    query = select(User).where(User.site_id == actor.site_id, User.active.is_(True))
    able = session.scalars(query.order_by(User.id).with_for_update()).all()
    if not any("admin" in other.roles for other in able if other.id != user.id):
        raise ProtectedError("the site needs at least one administrator")


def _told(user: User) -> dict[str, object]:
    return {"name": user.name, "roles": list(user.roles)}
