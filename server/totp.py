"""The second factor: one-time codes of a telephone (TOTP, RFC 6238) and recovery codes on paper.

The secret is sealed with a key that is not in the database; recovery codes are kept as keyed
digests. A code opens once: the step that it belongs to is written down, and no step up to it is
taken again (RFC 6238, section 5.2).
"""

import hashlib
import hmac
import secrets
from datetime import datetime
from typing import cast
from uuid import UUID

import pyotp
from sqlalchemy import CursorResult, Engine, ForeignKey, LargeBinary, String, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan import crypto
from dafan.config import Settings
from dafan.db import Base, reading, writing
from dafan.errors import BadInputError
from server import throttle
from server.access import SECOND_FACTOR_ROLES
from server.actor import Actor
from server.auth import User

STEP_S = 30
DRIFT_STEPS = 1
"""A telephone's clock may be one step early or late."""
FAILURES = 5
RECOVERY_CODES = 8
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
"""Nothing that is mistaken for something else when read from paper."""


class WrongCodeError(BadInputError):
    """The code is not the telephone's, was used before, or is no recovery code."""

    code = "wrong_code"


class SecondFactor(Base):
    """The secret that a person's telephone holds as well."""

    __tablename__ = "second_factor"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    last_step: Mapped[int] = mapped_column(default=0)
    """The step of the last code that was taken, counted from 1970."""


class RecoveryCode(Base):
    """A code for the day on which the telephone is gone; good once."""

    __tablename__ = "recovery_code"

    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"), index=True)
    used_at: Mapped[datetime | None]


def key_of(secret_key: bytes) -> bytes:
    """The key of this module: 32 bytes from the server's ``secret.key``."""
    return hmac.new(secret_key, b"dafan second factor", hashlib.sha256).digest()


def must_enrol(user: User, settings: Settings) -> bool:
    """Whether the person needs a second factor and has none yet."""
    if user.second_factor_at is not None or settings.server.second_factor != "required":
        return False
    return any(one.role in SECOND_FACTOR_ROLES for one in user.grants)


def begin(session: Session, key: bytes, user: User) -> str:
    """The secret to type into the telephone; it opens nothing before :func:`confirm`.

    Raises:
        BadInputError: the person has a second factor already.
    """
    if user.second_factor_at is not None:
        raise BadInputError("there is a second factor already", code="second_factor_on")
    row = session.get(SecondFactor, user.id)
    if row is None:
        row = SecondFactor(
            user_id=user.id, sealed=crypto.seal(key, pyotp.random_base32().encode(), _name(user.id))
        )
        session.add(row)
        session.flush()
    return _secret(key, row)


def address(user: User, secret: str, site_name: str) -> str:
    """The ``otpauth:`` address that a telephone reads from the QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=user.login, issuer_name=f"Dafan {site_name}")


def confirm(session: Session, key: bytes, actor: Actor, user_id: UUID, code: str) -> list[str]:
    """Turn the second factor on, after a first code proved that the telephone has the secret.

    Returns:
        The recovery codes, which are shown once.

    Raises:
        WrongCodeError: not the telephone's code.
    """
    user = session.get_one(User, user_id, with_for_update=True)
    if not _take_step(session, key, user_id, code, actor.at):
        raise WrongCodeError("this is not the code that the telephone shows now")
    user.second_factor_at = actor.at
    actor.record(session, "second_factor.on", user.login)
    return _fresh_codes(session, key, user_id)


def renew_codes(session: Session, key: bytes, actor: Actor, user_id: UUID) -> list[str]:
    """Fresh recovery codes; the old ones open nothing any more."""
    actor.record(session, "second_factor.codes", session.get_one(User, user_id).login)
    return _fresh_codes(session, key, user_id)


def check(engine: Engine, key: bytes, user_id: UUID, code: str, now: datetime) -> str:
    """Take a code of the telephone or a recovery code, once.

    Failures are counted for the person; only who knows the password comes as far as this.

    Returns:
        ``totp`` or ``recovery``.

    Raises:
        WrongCodeError: neither, or used before.
        TooManyError: too many failures lately.
    """
    subject = str(user_id)
    with reading(engine) as session:
        throttle.require_calm(session, "code", subject, FAILURES, now)
    with writing(engine) as session:
        kind = _take(session, key, user_id, code, now)
        if kind:
            throttle.forget(session, "code", subject)
            return kind
        throttle.note(session, "code", subject, now)
    raise WrongCodeError("this is not the code that the telephone shows now, nor a recovery code")


def reset(session: Session, actor: Actor, user: User) -> None:
    """Forget a person's second factor, for the telephone is gone; he sets up another one."""
    had = user.second_factor_at is not None
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    session.execute(delete(SecondFactor).where(SecondFactor.user_id == user.id))
    user.second_factor_at = None
    actor.record(session, "second_factor.reset", user.login, {"on": had}, {"on": False})


def codes_left(session: Session, user_id: UUID) -> int:
    """How many recovery codes are unused."""
    query = select(RecoveryCode).where(
        RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None)
    )
    return len(session.scalars(query).all())


def _take(session: Session, key: bytes, user_id: UUID, code: str, now: datetime) -> str:
    if _take_step(session, key, user_id, code, now):
        return "totp"
    claim = (
        update(RecoveryCode)
        .where(
            RecoveryCode.code_hash == _digest(key, user_id, code),
            RecoveryCode.user_id == user_id,
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=now)
        .execution_options(synchronize_session=False)
    )
    used = cast("CursorResult[None]", session.execute(claim)).rowcount == 1
    return "recovery" if used else ""


def _take_step(session: Session, key: bytes, user_id: UUID, code: str, now: datetime) -> bool:
    """Whether the code is one of now, of a step that nobody used; it is used from here on."""
    row = session.get(SecondFactor, user_id)
    if row is None:
        return False
    totp = pyotp.TOTP(_secret(key, row), interval=STEP_S)
    given, current = "".join(code.split()), int(now.timestamp()) // STEP_S
    for step in range(current - DRIFT_STEPS, current + DRIFT_STEPS + 1):
        if not hmac.compare_digest(totp.at(step * STEP_S).encode(), given.encode()):
            continue
        claim = (
            update(SecondFactor)
            .where(SecondFactor.user_id == user_id, SecondFactor.last_step < step)
            .values(last_step=step)
            .execution_options(synchronize_session=False)
        )
        return cast("CursorResult[None]", session.execute(claim)).rowcount == 1
    return False


def _fresh_codes(session: Session, key: bytes, user_id: UUID) -> list[str]:
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    codes = [_make_code() for _ in range(RECOVERY_CODES)]
    for code in codes:
        session.add(RecoveryCode(code_hash=_digest(key, user_id, code), user_id=user_id))
    session.flush()
    return codes


def _make_code() -> str:
    """Such as ``k7mq-9tzp-r4wx`` (59 random bits)."""
    signs = "".join(secrets.choice(_ALPHABET) for _ in range(12))
    return "-".join(signs[start : start + 4] for start in (0, 4, 8))


def _digest(key: bytes, user_id: UUID, code: str) -> str:
    plain = "".join(sign for sign in code.lower() if sign.isalnum())
    return hmac.new(key, user_id.bytes + plain.encode(), hashlib.sha256).hexdigest()


def _secret(key: bytes, row: SecondFactor) -> str:
    return crypto.open_sealed(key, row.sealed, _name(row.user_id)).decode()


def _name(user_id: UUID) -> str:
    return f"second factor:{user_id}"
