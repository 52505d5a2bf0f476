"""Rows of the weigh line (自选称重): its stations and trays, and what its boxes told of them.

What a box told is kept as it told it; the server's own word (whose it is, when by the server's
clock, by which sale it is paid) stands beside it.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from dafan.db import Base


class SessionState(StrEnum):
    """How far the session of a tray has come."""

    OPEN = "open"
    ENDED = "ended"
    """The tray has left the line; it is settled as soon as every box has told all of it."""
    SETTLED = "settled"


class LineTray(Base):
    """A tray that belongs to the site."""

    __tablename__ = "line_tray"

    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), primary_key=True)
    tag: Mapped[str] = mapped_column(String(32), primary_key=True)
    number: Mapped[str] = mapped_column(String(20), default="")
    """As printed on it."""
    state: Mapped[str] = mapped_column(String(8))
    """:class:`dafan.line.TrayState`."""
    added_at: Mapped[datetime]


class TraySession(Base):
    """A diner with a tray. Site and date stand in the key, so that the table can be partitioned."""

    __tablename__ = "tray_session"
    __table_args__ = (
        UniqueConstraint("id"),
        Index("ix_tray_session_site_id_tray_begins", "site_id", "tray", "begins"),
        Index("ix_tray_session_site_id_state", "site_id", "state"),
        Index("ix_tray_session_diner_id_begins", "diner_id", "begins"),
    )

    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    business_date: Mapped[date] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    """As the entrance gave it."""
    venue_id: Mapped[UUID]
    tray: Mapped[str] = mapped_column(String(32))
    diner_id: Mapped[UUID]
    by: Mapped[str] = mapped_column(String(8))
    """``face``, ``card`` or ``qr``."""
    terminal_id: Mapped[UUID]
    """The entrance."""
    seq: Mapped[int]
    begins: Mapped[datetime]
    """In the server's time."""
    until: Mapped[datetime]
    """Then it times out."""
    ended_at: Mapped[datetime | None]
    """When the tray left the line, in the server's time."""
    told_at: Mapped[datetime | None]
    """When the server heard that it ended."""
    how: Mapped[str] = mapped_column(String(8), default="")
    """``exit``, ``return``, ``again`` (the tray was bound anew) or ``time``."""
    state: Mapped[str] = mapped_column(String(8))


class LineEnding(Base):
    """A tray that left the line, as a terminal told it; it may come before its binding."""

    __tablename__ = "line_ending"
    __table_args__ = (
        UniqueConstraint("terminal_id", "seq"),
        Index("ix_line_ending_site_id_tray_ended_at", "site_id", "tray", "ended_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    terminal_id: Mapped[UUID]
    seq: Mapped[int]
    tray: Mapped[str] = mapped_column(String(32))
    session_id: Mapped[UUID | None]
    """As the terminal named it."""
    how: Mapped[str] = mapped_column(String(8))
    ended_at: Mapped[datetime]
    """In the server's time."""
    received_at: Mapped[datetime]


class LineScoop(Base):
    """A scoop as its station told it, and whose it is."""

    __tablename__ = "line_scoop"
    __table_args__ = (
        UniqueConstraint("id"),
        UniqueConstraint("terminal_id", "seq"),
        Index("ix_line_scoop_session_id", "session_id"),
        Index("ix_line_scoop_settlement_id", "settlement_id"),
        Index("ix_line_scoop_site_id_tray_taken_at", "site_id", "tray", "taken_at"),
        Index("ix_line_scoop_site_id_state", "site_id", "state"),
    )

    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    business_date: Mapped[date] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    terminal_id: Mapped[UUID]
    seq: Mapped[int]
    tray: Mapped[str] = mapped_column(String(32))
    told: Mapped[dict[str, Any]] = mapped_column(JSON)
    """:class:`dafan.line.ScoopTaken` as JSON."""
    taken_at: Mapped[datetime]
    """In the server's time."""
    received_at: Mapped[datetime]
    session_id: Mapped[UUID | None]
    why: Mapped[str] = mapped_column(String(12))
    """:class:`server.line_join.Why`, ``person`` or ``excess``."""
    state: Mapped[str] = mapped_column(String(12))
    """:class:`ScoopState`."""
    settlement_id: Mapped[UUID | None]
    decided_by: Mapped[str] = mapped_column(String(80), default="")
    reason: Mapped[str] = mapped_column(String(200), default="")


class ScoopState(StrEnum):
    """What became of a scoop; each is in exactly one of these."""

    WAITING = "waiting"
    """Nobody is known to have the tray; the word of the entrance may be on its way."""
    OWED = "owed"
    """Its session will be settled."""
    SETTLED = "settled"
    UNASSIGNED = "unassigned"
    """Nobody knows whose it is: a person says it, or writes it off."""
    WRITTEN_OFF = "written_off"


class LineSettlement(Base):
    """What of a session was settled at once: the first time, or later for what came late (补收)."""

    __tablename__ = "line_settlement"
    __table_args__ = (UniqueConstraint("session_id", "no"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    """The sale's, where something was to pay or to tell."""
    site_id: Mapped[UUID] = mapped_column(index=True)
    session_id: Mapped[UUID]
    no: Mapped[int]
    """1, then 2, … for what came late."""
    amount: Mapped[int]
    """Fen before any discount."""
    grams: Mapped[int]
    sold: Mapped[bool]
    """There is a sale; nothing is sold where all was put back."""
    at: Mapped[datetime]


class LinePanChange(Base):
    """A pan whose weight moved without a charge, as its box told it."""

    __tablename__ = "line_pan_change"
    __table_args__ = (
        UniqueConstraint("id"),
        UniqueConstraint("terminal_id", "seq"),
        Index("ix_line_pan_change_site_id_alarm_id", "site_id", "alarm", "id"),
    )

    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    business_date: Mapped[date] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    terminal_id: Mapped[UUID]
    seq: Mapped[int]
    station: Mapped[int]
    pan_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(String(12))
    """:class:`dafan.line.PanChange`."""
    alarm: Mapped[bool]
    """Of :data:`dafan.line.ALARMS`."""
    before: Mapped[int]
    after: Mapped[int]
    trays: Mapped[list[str]] = mapped_column(JSON)
    staff: Mapped[str | None] = mapped_column(String(32))
    changed_at: Mapped[datetime]
    """In the server's time."""


class LineStationRow(Base):
    """What stands on a station, and what its pan weighed last."""

    __tablename__ = "line_station"

    terminal_id: Mapped[UUID] = mapped_column(ForeignKey("terminal.id"), primary_key=True)
    station: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), index=True)
    label: Mapped[str] = mapped_column(String(80))
    dish_id: Mapped[UUID | None]
    pan_id: Mapped[UUID | None]
    last_grams: Mapped[int | None]
    last_at: Mapped[datetime | None]


class LineCardRow(Base):
    """A card that opens pans for filling."""

    __tablename__ = "line_card"

    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), primary_key=True)
    tag: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))


class LineRulesRow(Base):
    """What a site decided about its line."""

    __tablename__ = "line_rules"

    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), primary_key=True)
    rules: Mapped[dict[str, Any]] = mapped_column(JSON)
    """:class:`dafan.line.LineRules` as JSON."""


class LineJournal(Base):
    """The server's own journal of a venue's settlements: a terminal without a device.

    The signing key is sealed by the site key; where that was destroyed, another journal begins.
    """

    __tablename__ = "line_journal"

    terminal_id: Mapped[UUID] = mapped_column(ForeignKey("terminal.id"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    venue_id: Mapped[UUID] = mapped_column(ForeignKey("venue.id"), index=True)
    epoch: Mapped[int]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
