"""Terminals (结算台, 平板, 相机): enrolled by a one-time code, known by their keys, revocable."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from sqlalchemy import CursorResult, ForeignKey, LargeBinary, String, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan import crypto
from dafan.db import Base
from dafan.enrolment import EnrolAnswer, EnrolRequest
from dafan.errors import BadInputError, DafanError
from dafan.ids import new_id
from dafan.journal import GENESIS
from dafan.records import TerminalInfo
from kitchen import dishes
from server import audit, feed, keys, sites
from server.keys import KeyRing

CODE_MINUTES = 30
SEEN_EVERY_S = 10
"""How often a contact is written down: a long poll must not write at every turn."""
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without 0, 1, I, O: people read codes aloud."""


class EnrolError(DafanError):
    """The code opens nothing."""

    code = "bad_code"


class UnknownTerminalError(BadInputError):
    """The site has no such terminal."""

    code = "unknown_terminal"


class Terminal(Base):
    """A device that reports a journal; its mark says how far the server has applied it."""

    __tablename__ = "terminal"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), index=True)
    venue_id: Mapped[UUID] = mapped_column(ForeignKey("venue.id"))
    name: Mapped[str] = mapped_column(String(80))
    signing_key: Mapped[bytes] = mapped_column(LargeBinary(32))
    box_key: Mapped[bytes] = mapped_column(LargeBinary(32))
    weigh_dish_id: Mapped[UUID | None]
    enrolled_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    last_seen: Mapped[datetime | None]
    pulled_at: Mapped[datetime | None]
    """When its version was written down last; pushes do not count."""
    told_at: Mapped[datetime | None]
    """When it asked last while the server had all of its journal."""
    feed_version: Mapped[int] = mapped_column(default=0)
    """The version that it had when it last asked."""
    applied_seq: Mapped[int] = mapped_column(default=0)
    applied_hash: Mapped[str] = mapped_column(String(64), default=GENESIS)
    key_epoch: Mapped[int] = mapped_column(default=keys.FIRST)
    """The newest site key that was given to it."""
    software: Mapped[str] = mapped_column(String(40), default="")
    """What it says that it runs."""
    rescue_of: Mapped[UUID | None] = mapped_column(index=True)
    """Not a device: the journal into which a person took entries of this terminal's fork."""


class EnrolmentCode(Base):
    """A code that makes one terminal; only its hash is kept."""

    __tablename__ = "enrolment_code"

    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), index=True)
    venue_id: Mapped[UUID] = mapped_column(ForeignKey("venue.id"))
    name: Mapped[str] = mapped_column(String(80))
    made_by: Mapped[str] = mapped_column(String(80))
    expires_at: Mapped[datetime]
    terminal_id: Mapped[UUID | None]
    """The terminal that it made; a used code makes no other."""


def make_code(
    session: Session, site_id: UUID, venue_id: UUID, name: str, *, by: str, now: datetime
) -> str:
    """A fresh code such as ``7KQM-2XWD-PA`` (50 random bits), good for half an hour.

    Args:
        session: Writes.
        site_id: Where the terminal will belong.
        venue_id: A venue of that site.
        name: What the terminal will be called.
        by: Login of who makes it, for the audit log.
        now: Aware UTC.

    Raises:
        UnknownSiteError: not a venue of this site.
        BadInputError: the terminal has no name.
    """
    sites.get_venue(session, site_id, venue_id)
    if not 1 <= len(name.strip()) <= 80:
        raise BadInputError("give the terminal a name of at most 80 characters")
    raw = "".join(secrets.choice(_ALPHABET) for _ in range(10))
    code = f"{raw[:4]}-{raw[4:8]}-{raw[8:]}"
    row = EnrolmentCode(
        code_hash=_hash(code), site_id=site_id, venue_id=venue_id, name=name.strip(), made_by=by,
        expires_at=now + timedelta(minutes=CODE_MINUTES),
    )  # fmt: skip
    session.add(row)
    audit.record(session, by, "terminal.code", name.strip(), site_id=site_id, at=now)
    session.flush()
    return code


def enrol(
    session: Session, request: EnrolRequest, ring: KeyRing, now: datetime, ip: str = ""
) -> EnrolAnswer:
    """Make a terminal from a code. The same device may ask again if the answer was lost.

    Args:
        session: Writes.
        request: The code and the device's public keys.
        ring: Its newest key is sealed for the device alone.
        now: Aware UTC.
        ip: Of the device, for the audit log.

    Raises:
        EnrolError: the code is wrong, expired or used by another device.
        BadInputError: the keys are no keys.
    """
    if len(request.signing_key) != 32 or len(request.box_key) != 32:
        raise BadInputError("a terminal's public keys have 32 bytes each")
    key = keys.sealing(session, ring)
    code = session.get(EnrolmentCode, _hash(request.code))
    if code is None or code.expires_at < now:
        raise EnrolError("this code is wrong or has expired: ask the manager for a new one")
    new = new_id()
    claim = (
        update(EnrolmentCode)
        .where(EnrolmentCode.code_hash == code.code_hash, EnrolmentCode.terminal_id.is_(None))
        .values(terminal_id=new)
        .execution_options(synchronize_session=False)
    )
    if cast("CursorResult[None]", session.execute(claim)).rowcount == 1:
        terminal = _create(session, code, request, new, now)
        audit.record(
            session, code.made_by, "terminal.enrol", str(new), None, terminal.name, ip,
            site_id=code.site_id, at=now,
        )  # fmt: skip
    else:
        session.refresh(code)
        terminal = session.get_one(Terminal, code.terminal_id)
        if terminal.signing_key != request.signing_key or terminal.revoked_at:
            raise EnrolError("this code is used up: ask the manager for a new one")
    try:
        sealed = crypto.seal_to(terminal.box_key, key.secret, "site key")
    except ValueError as error:
        raise BadInputError("the terminal's box key is no X25519 key") from error
    terminal.key_epoch = key.epoch
    return EnrolAnswer(
        terminal=info(session, terminal), sealed_site_key=sealed, epoch=key.epoch, server_time=now
    )


def _create(
    session: Session, code: EnrolmentCode, request: EnrolRequest, new: UUID, now: datetime
) -> Terminal:
    terminal = Terminal(
        id=new, site_id=code.site_id, venue_id=code.venue_id, name=code.name,
        signing_key=request.signing_key, box_key=request.box_key, enrolled_at=now,
        feed_version=0, applied_seq=0, applied_hash=GENESIS,
        weigh_dish_id=dishes.only_weighed(session, code.site_id),
    )  # fmt: skip
    session.add(terminal)
    session.flush()
    publish(session, terminal)
    return terminal


def revoke(session: Session, site_id: UUID, terminal_id: UUID, *, by: str, now: datetime) -> None:
    """Refuse the terminal from its next request on; its books stay.

    Raises:
        UnknownTerminalError: not a terminal of this site.
    """
    terminal = get(session, site_id, terminal_id)
    if terminal.revoked_at is None:
        terminal.revoked_at = now
        audit.record(session, by, "terminal.revoke", str(terminal_id), site_id=site_id, at=now)
        feed.publish(session, site_id, "site_key", str(terminal_id), None)


def set_weigh_dish(
    session: Session, site_id: UUID, terminal_id: UUID, dish_id: UUID | None, *, by: str
) -> None:
    """Say which dish a bare weight on this terminal's scale means.

    Raises:
        UnknownTerminalError: not a terminal of this site.
    """
    terminal = get(session, site_id, terminal_id)
    before, terminal.weigh_dish_id = terminal.weigh_dish_id, dish_id
    audit.record(
        session, by, "terminal.dish", str(terminal_id), _text(before), _text(dish_id),
        site_id=site_id,
    )  # fmt: skip
    publish(session, terminal)


def get(session: Session, site_id: UUID, terminal_id: UUID) -> Terminal:
    """A terminal of the site.

    Raises:
        UnknownTerminalError: not a terminal of this site.
    """
    query = select(Terminal).where(Terminal.site_id == site_id, Terminal.id == terminal_id)
    terminal = session.scalar(query)
    if terminal is None:
        raise UnknownTerminalError("the site has no such terminal")
    return terminal


def of_site(session: Session, site_id: UUID) -> Sequence[Terminal]:
    """Every terminal of the site, revoked ones too, the oldest first."""
    query = select(Terminal).where(Terminal.site_id == site_id).order_by(Terminal.id)
    return session.scalars(query).all()


def active(session: Session, site_id: UUID) -> Sequence[Terminal]:
    """The site's terminals that are not revoked."""
    return [terminal for terminal in of_site(session, site_id) if terminal.revoked_at is None]


def seen(session: Session, terminal: Terminal, now: datetime) -> None:
    """Note a contact."""
    terminal.last_seen = now
    session.flush()


def pulled(
    session: Session, terminal: Terminal, now: datetime, feed_version: int, agent: str,
    *, told: bool = False,
) -> None:  # fmt: skip
    """Note how far the terminal has come and what it runs, every :data:`SEEN_EVERY_S` seconds.

    Args:
        session: Writes.
        terminal: Who asks.
        now: Aware UTC.
        feed_version: What it has.
        agent: Its ``User-Agent``, such as ``dafan/0.2.0``; of other programs nothing is noted.
        told: The server has all that it has written.
    """
    terminal.last_seen = terminal.pulled_at = now
    if told:
        terminal.told_at = now
    terminal.feed_version = feed_version
    name, _, version = agent.partition("/")
    terminal.software = version[:40] if name == "dafan" else ""
    session.flush()


def info(session: Session, terminal: Terminal) -> TerminalInfo:
    """The terminal as it is told about itself."""
    return TerminalInfo(
        id=terminal.id,
        name=terminal.name,
        site_id=terminal.site_id,
        site_name=sites.get_site(session, terminal.site_id).name,
        venue_id=terminal.venue_id,
        venue_name=sites.get_venue(session, terminal.site_id, terminal.venue_id).name,
        weigh_dish_id=terminal.weigh_dish_id,
    )


def publish(session: Session, terminal: Terminal) -> None:
    """Tell the terminal, through the feed, who it is."""
    body = info(session, terminal)
    feed.publish(session, terminal.site_id, "terminal", str(terminal.id), body)


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)


def _hash(code: str) -> str:
    plain = "".join(sign for sign in code.upper() if sign.isalnum())
    return hashlib.sha256(plain.encode()).hexdigest()
