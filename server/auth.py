"""Accounts of people: who may sign in, and with which roles at which sites."""

import hashlib
import re
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask_login import UserMixin
from sqlalchemy import Engine, ForeignKey, Index, String, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from dafan.db import Base, reading, writing
from dafan.errors import BadInputError, DafanError
from dafan.ids import new_id
from server import audit, throttle
from server.access import ROLES

MIN_PASSWORD = 10
LOGIN_FAILURES = 5
ADDRESS_FAILURES = 30
DEVICE_FAILURES = 10
_LOGIN = re.compile(r"[\w.@-]{2,40}")
_hasher = PasswordHasher()


class LoginError(DafanError):
    """Not signed in, or wrong name or password."""

    code = "login"


class RoleGrant(Base):
    """A role that a person has at a site; what it allows says :data:`server.access.TABLE`."""

    __tablename__ = "role_grant"
    __table_args__ = (Index("ix_role_grant_site_id_role", "site_id", "role"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), primary_key=True)
    role: Mapped[str] = mapped_column(String(20), primary_key=True)


class User(UserMixin, Base):  # type: ignore[misc]  # flask_login publishes no types
    """A person who works with the pages."""

    __tablename__ = "user_account"
    __allow_unmapped__ = True  # session_id, method, _at are of the request, not of the table

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), index=True)
    """Whose administrators look after the account."""
    login: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(80), default="")
    password_hash: Mapped[str] = mapped_column(String(200))
    active: Mapped[bool] = mapped_column(default=True)
    must_change: Mapped[bool] = mapped_column(default=False)
    """Somebody else knows the password: it only serves to choose another one."""
    second_factor_at: Mapped[datetime | None]
    """Since when a one-time code is asked for as well; see :mod:`server.totp`."""
    grants: Mapped[list[RoleGrant]] = relationship(lazy="selectin", cascade="all, delete-orphan")

    session_id: UUID | None = None
    """The session of this request; none for a program."""
    method: str = ""
    """By what the person proved himself in this session; see :mod:`server.sessions`."""
    _at: UUID | None = None

    @property
    def at_site(self) -> UUID:
        """The site that the person works at now: the chosen one, else his own, else any."""
        if self._at is not None:
            return self._at
        there = self.site_ids
        return self.site_id if not there or self.site_id in there else min(there)

    @property
    def site_ids(self) -> frozenset[UUID]:
        """Where the person has any role."""
        return frozenset(grant.site_id for grant in self.grants)

    @property
    def roles(self) -> list[str]:
        """The roles at the site that he works at now, in the order of the table."""
        return self.roles_at(self.at_site)

    def roles_at(self, site_id: UUID) -> list[str]:
        """The roles at a site, in the order of the table."""
        held = {grant.role for grant in self.grants if grant.site_id == site_id}
        return [role for role in ROLES if role in held]

    def work_at(self, site_id: UUID) -> None:
        """Look at another site until the end of the request."""
        self._at = site_id

    @property
    def is_active(self) -> bool:
        """Whether the account may be used."""
        return self.active

    @property
    def mark(self) -> str:
        """Sixteen signs that change with the password; a session of another mark has ended."""
        return hashlib.sha256(self.password_hash.encode()).hexdigest()[:16]

    def opened_by(self, session_id: UUID, method: str) -> None:
        """Name the session in which the person is at work."""
        self.session_id, self.method = session_id, method

    def get_id(self) -> str:
        """What the browser's cookie remembers: the session."""
        return str(self.session_id)


def hash_password(password: str) -> str:
    """Argon2id of a password.

    Raises:
        BadInputError: it is too short.
    """
    if not MIN_PASSWORD <= len(password) <= 200:
        raise BadInputError(
            f"a password has at least {MIN_PASSWORD} characters", code="bad_password"
        )
    return _hasher.hash(password)


def create_user(
    session: Session, site_id: UUID, login: str, password: str, roles: Iterable[str],
    *, name: str = "", by: str = "cli", ip: str = "", must_change: bool = False,
) -> User:  # fmt: skip
    """Add a staff account.

    Args:
        session: Writes.
        site_id: Where the person works.
        login: 2 to 40 letters, digits or ``. _ @ -``; capitals do not count.
        password: See :func:`hash_password`.
        roles: Of :data:`ROLES`.
        name: As colleagues know the person.
        by: Who adds it, for the audit log.
        ip: Address of the request.
        must_change: The password only serves to choose another one.

    Raises:
        BadInputError: the login is taken or unfit, a role unknown, the password too short.
    """
    login, chosen = login.strip().lower(), check_roles(roles)
    if not _LOGIN.fullmatch(login):
        raise BadInputError(
            "a login has 2 to 40 letters, digits or . _ @ -: choose another one", code="bad_login"
        )
    if find_user(session, login):
        raise BadInputError(f"the login '{login}' is taken: choose another one", code="login_taken")
    user = User(
        id=new_id(), site_id=site_id, login=login, name=name.strip()[:80] or login, active=True,
        password_hash=hash_password(password), must_change=must_change, grants=[],
    )  # fmt: skip
    session.add(user)
    grant(user, site_id, chosen)
    after = {"name": user.name, "roles": chosen}
    audit.record(session, by, "user.create", login, None, after, ip, site_id=site_id)
    session.flush()
    return user


def grant(user: User, site_id: UUID, roles: Iterable[str]) -> None:
    """Give the person exactly these roles at a site; the session writes it at its next flush."""
    wanted = set(roles)
    gone = [one for one in user.grants if one.site_id == site_id and one.role not in wanted]
    for one in gone:
        user.grants.remove(one)
    for role in sorted(wanted - set(user.roles_at(site_id))):
        user.grants.append(RoleGrant(user_id=user.id, site_id=site_id, role=role))


def check_roles(roles: Iterable[str]) -> list[str]:
    """The roles in order, each once.

    Raises:
        BadInputError: none, or one that there is not.
    """
    chosen = set(roles)
    if not chosen or not chosen <= set(ROLES):
        raise BadInputError(f"choose at least one role of {', '.join(ROLES)}", code="bad_roles")
    return [role for role in ROLES if role in chosen]


def find_user(session: Session, login: str) -> User | None:
    """The account of this login."""
    return session.scalar(select(User).where(User.login == login.strip().lower()))


def users(session: Session, site_id: UUID) -> Sequence[User]:
    """The accounts that belong to the site or have a role there, by login."""
    here = User.grants.any(RoleGrant.site_id == site_id)
    query = select(User).where(or_(User.site_id == site_id, here))
    return session.scalars(query.order_by(User.login)).all()


def set_password(session: Session, user_id: UUID, old: str, new: str, *, ip: str = "") -> User:
    """Change one's own password; all other sessions end.

    Raises:
        LoginError: the old password is wrong.
        BadInputError: the new one is too short, or the old one again.
    """
    user = session.get_one(User, user_id)
    if not _fits(user.password_hash, old):
        raise LoginError("the old password is wrong", code="wrong_password")
    if new == old:
        raise BadInputError("choose a password other than the old one", code="same_password")
    user.password_hash, user.must_change = hash_password(new), False
    audit.record(session, user.login, "user.password", user.login, ip=ip, site_id=user.site_id)
    return user


def authenticate(
    engine: Engine, login: str, password: str, ip: str, now: datetime, device: UUID | None = None
) -> User:
    """Find the account of a login and its password.

    Failures are counted in the database: for the login and for the address, or, from a browser in
    which the person has signed in before, for that browser alone, so that nobody can lock him out.

    Args:
        engine: The database.
        login: Capitals and blanks around it do not count.
        password: As it was typed.
        ip: Address of the request.
        now: Aware UTC.
        device: The browser, where it is known for this login (:mod:`server.known_devices`).

    Raises:
        LoginError: wrong login or password, or the account is closed; it is not said which.
        TooManyError: too many failures lately.
    """
    login = login.strip().lower()
    counted = {"login": (login, LOGIN_FAILURES), "address": (ip, ADDRESS_FAILURES)}
    if device is not None:
        counted = {"device": (str(device), DEVICE_FAILURES)}
    with reading(engine) as session:
        for scope, (subject, limit) in counted.items():
            throttle.require_calm(session, scope, subject, limit, now)
        user = find_user(session, login)
    known = user is not None and user.active
    fits = _fits(user.password_hash if user and known else _nobody(), password)
    with writing(engine) as session:
        if user is None or not known or not fits:
            for scope, (subject, _limit) in counted.items():
                throttle.note(session, scope, subject, now)
        else:
            throttle.forget(session, "login", login)
            return user
    raise LoginError("wrong login or password")


@cache
def _nobody() -> str:
    """Compared where there is no such login, so that the time taken does not tell."""
    return _hasher.hash(secrets.token_urlsafe())


def _fits(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
