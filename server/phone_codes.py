"""One-time codes by which a diner signs in on his phone (登录码): six digits, for a few minutes.

Only a keyed digest is stored: whoever has the database alone cannot try a million codes on it. A
code opens once, survives a few wrong guesses, and the latest one of a diner is the only one.
Whether a staff number exists is never told: asking is counted and answered alike for all.
"""

import hmac
import secrets
from datetime import datetime, timedelta
from uuid import UUID

from flask import current_app
from sqlalchemy import ForeignKey, Index, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.records import DinerStatus
from server import people, throttle
from server.actor import Actor
from server.people import Diner

MINUTES = 10
"""How long a code opens."""
LASTS = timedelta(minutes=MINUTES)
TRIES = 5
ASKED_MOST = 5
"""Codes that may be asked for one staff number within :data:`server.throttle.WINDOW`."""
ADDRESS_MOST = 100
"""The same for one address; a whole canteen may stand behind one."""
DIGITS = 6
_ASKED, _ASKED_FROM, _WRONG_FROM = "phone-ask", "phone-ask-ip", "phone-wrong-ip"


class WrongCodeError(BadInputError):
    """Not the code, or it is used, too old, or was guessed at too often; it is not said which."""

    code = "wrong_phone_code"


class PhoneCode(Base):
    """A code that was made for a diner."""

    __tablename__ = "phone_code"
    __table_args__ = (Index("ix_phone_code_diner_id_made_at", "diner_id", "made_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    diner_id: Mapped[UUID] = mapped_column(ForeignKey("diner.id"))
    digest: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None]


def ask(
    session: Session, secret: bytes, site_id: UUID, staff_no: str, ip: str, now: datetime
) -> tuple[Diner, str] | None:
    """A code for the diner of a number, to be sent to him; nothing where there is none.

    Args:
        session: Writes.
        secret: The server's own key.
        site_id: Where he eats.
        staff_no: As it was typed.
        ip: Address of the request.
        now: Aware UTC.

    Raises:
        TooManyError: too many codes were asked for this number, or from this address.
    """
    number = f"{site_id}:{staff_no.strip()}"
    throttle.require_calm(session, _ASKED, number, ASKED_MOST, now)
    throttle.require_calm(session, _ASKED_FROM, ip, ADDRESS_MOST, now)
    throttle.note(session, _ASKED, number, now)
    throttle.note(session, _ASKED_FROM, ip, now)
    diner = _here(session, site_id, staff_no)
    return None if diner is None else (diner, _make(session, secret, diner, now))


def hand_out(session: Session, actor: Actor, secret: bytes, diner_id: UUID) -> str:
    """A code that the desk gives to the diner, who stands there; written to the audit log.

    Raises:
        UnknownDinerError: not a diner of this site.
        BadInputError: he has left.
    """
    diner = people.get_diner(session, actor.site_id, diner_id)
    if diner.status == DinerStatus.LEFT.value:
        raise BadInputError("he has left: he has no page any more", code="diner_left")
    actor.record(session, "phone.code", str(diner_id))
    return _make(session, secret, diner, actor.at)


def redeem(
    session: Session, secret: bytes, site_id: UUID, staff_no: str, code: str, ip: str, now: datetime
) -> Diner | None:
    """The diner whose code this is; a wrong guess counts and gives nothing.

    It answers instead of raising, so that the transaction which counts is kept.

    Raises:
        TooManyError: too many wrong codes came from this address.
    """
    throttle.require_calm(session, _WRONG_FROM, ip, ADDRESS_MOST, now)
    diner = _here(session, site_id, staff_no)
    row = None if diner is None else _latest(session, diner.id)
    if row is not None and row.used_at is None and now < row.expires_at and row.tries < TRIES:
        row.tries += 1
        if hmac.compare_digest(row.digest, _digest(secret, row.id, code.strip())):
            row.used_at = now
            return diner
    throttle.note(session, _WRONG_FROM, ip, now)
    return None


def _here(session: Session, site_id: UUID, staff_no: str) -> Diner | None:
    diner = people.find_diner(session, site_id, staff_no)
    return None if diner is None or diner.status == DinerStatus.LEFT.value else diner


def _latest(session: Session, diner_id: UUID) -> PhoneCode | None:
    query = select(PhoneCode).where(PhoneCode.diner_id == diner_id)
    query = query.order_by(PhoneCode.made_at.desc(), PhoneCode.id.desc()).limit(1)
    return session.scalar(query.with_for_update())


def _make(session: Session, secret: bytes, diner: Diner, now: datetime) -> str:
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
    session.execute(delete(PhoneCode).where(PhoneCode.diner_id == diner.id))
    row_id = new_id()
    session.add(
        PhoneCode(
            id=row_id, site_id=diner.site_id, diner_id=diner.id, made_at=now, tries=0,
            expires_at=now + LASTS, digest=_digest(secret, row_id, code),
        )
    )  # fmt: skip
    session.flush()
    return code


def _digest(secret: bytes, row_id: UUID, code: str) -> str:
    return hmac.new(secret, f"phone code {row_id} {code}".encode(), "sha256").hexdigest()


def secret() -> bytes:
    """The server's own key, to which the digests of codes are bound."""
    key = current_app.secret_key
    if not isinstance(key, bytes):
        raise TypeError("the application has no secret key")
    return key
