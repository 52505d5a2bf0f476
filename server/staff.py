"""What an administrator does with staff accounts: add, change, close, hand out a password."""

import secrets
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from dafan.errors import BadInputError
from server import api_tokens, auth, sessions, till_staff, totp
from server.actor import Actor
from server.auth import RoleGrant, User

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Nothing that is mistaken for something else when read from paper."""


class UnknownUserError(BadInputError):
    """The site has no such account."""

    code = "unknown_user"


class ProtectedError(BadInputError):
    """Nobody may lock himself out, nor leave the site without an administrator."""

    code = "protected_account"


def get(session: Session, site_id: UUID, user_id: UUID) -> User:
    """An account that belongs to the site or has a role there.

    Raises:
        UnknownUserError: the account has nothing to do with this site.
    """
    here = User.grants.any(RoleGrant.site_id == site_id)
    query = select(User).where(User.id == user_id, or_(User.site_id == site_id, here))
    user: User | None = session.scalar(query)
    if user is None:
        raise UnknownUserError("the site has no such account")
    return user


def get_own(session: Session, site_id: UUID, user_id: UUID) -> User:
    """An account that belongs to the site: only its administrators close it or set its password.

    Raises:
        UnknownUserError: not an account of this site.
    """
    user = get(session, site_id, user_id)
    if user.site_id != site_id:
        raise UnknownUserError("the account belongs to another site, which looks after it")
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
    """Change name and roles at this site; they hold from the person's next request on.

    The name changes only where the account belongs to the site.

    Raises:
        UnknownUserError: the account has nothing to do with this site.
        BadInputError: no role, or an unknown one.
        ProtectedError: it would take the role of administrator from oneself or from the last one.
    """
    user, chosen = get(session, actor.site_id, user_id), auth.check_roles(roles)
    name = name.strip()[:80] or user.login
    return _set(session, actor, user, name if user.site_id == actor.site_id else user.name, chosen)


def invite(session: Session, actor: Actor, login: str, roles: Iterable[str]) -> User:
    """Give an account of another site roles at this one.

    Raises:
        UnknownUserError: there is no such account.
        BadInputError: no role, or an unknown one.
    """
    user, chosen = auth.find_user(session, login), auth.check_roles(roles)
    if user is None:
        raise UnknownUserError("there is no such account")
    return _set(session, actor, user, user.name, chosen)


def dismiss(session: Session, actor: Actor, user_id: UUID) -> User:
    """Take all roles at this site from an account of another site.

    Raises:
        UnknownUserError: the account has nothing to do with this site.
        ProtectedError: the account belongs to this site, or is its last administrator.
    """
    user = get(session, actor.site_id, user_id)
    if user.site_id == actor.site_id:
        raise ProtectedError("the account belongs to this site: close it instead")
    return _set(session, actor, user, user.name, [])


def _set(session: Session, actor: Actor, user: User, name: str, roles: list[str]) -> User:
    before = _told(user, actor.site_id)
    if "admin" in user.roles_at(actor.site_id) and "admin" not in roles:
        _protect(session, actor, user)
    user.name = name
    auth.grant(user, actor.site_id, roles)
    after = _told(user, actor.site_id)
    if after != before:
        actor.record(session, "user.update", user.login, before, after)
    till_staff.follow(session, user)
    return user


def set_active(session: Session, actor: Actor, user_id: UUID, *, active: bool) -> User:
    """Close an account, which ends its sessions at once, or open it again.

    Raises:
        UnknownUserError: not an account of this site.
        ProtectedError: it is one's own, or that of the last administrator.
    """
    user = get_own(session, actor.site_id, user_id)
    if user.active == active:
        return user
    if not active:
        _protect(session, actor, user)
    user.active = active
    actor.record(session, "user.active", user.login, {"active": not active}, {"active": active})
    till_staff.follow(session, user)
    return user


def reset_password(session: Session, actor: Actor, user_id: UUID) -> tuple[User, str]:
    """Hand out a new first password; every session of the old one and every token ends.

    Raises:
        UnknownUserError: not an account of this site.
        ProtectedError: it is one's own, which is changed with the old one.
    """
    user = get_own(session, actor.site_id, user_id)
    if user.login == actor.name:
        raise ProtectedError("change your own password with the old one")
    password = make_password()
    user.password_hash, user.must_change = auth.hash_password(password), True
    api_tokens.revoke_all(session, actor, user)
    actor.record(session, "user.reset", user.login)
    return user, password


def reset_second_factor(session: Session, actor: Actor, user_id: UUID) -> User:
    """Forget the second factor of a person whose telephone is gone; his sessions end.

    Raises:
        UnknownUserError: not an account of this site.
        ProtectedError: it is one's own, which is changed with a code of it.
    """
    user = get_own(session, actor.site_id, user_id)
    if user.login == actor.name:
        raise ProtectedError("change your own second factor with a code of it")
    totp.reset(session, actor, user)
    sessions.end_all(session, user.id, actor.at)
    return user


def end_sessions(session: Session, actor: Actor, user_id: UUID) -> int:
    """End every session of a person, from the next request on; how many there were.

    Raises:
        UnknownUserError: not an account of this site.
    """
    user = get_own(session, actor.site_id, user_id)
    count = sessions.end_all(session, user.id, actor.at)
    if count:
        actor.record(session, "session.end", user.login, None, {"count": count})
    return count


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
    admin = User.grants.any(and_(RoleGrant.site_id == actor.site_id, RoleGrant.role == "admin"))
    query = select(User.id).where(User.active.is_(True), admin).order_by(User.id)
    if all(other == user.id for other in session.scalars(query.with_for_update())):
        raise ProtectedError("the site needs at least one administrator")


def _told(user: User, site_id: UUID) -> dict[str, object]:
    return {"name": user.name, "roles": user.roles_at(site_id)}
