"""Rows of trays that came back, and of the points of a clean plate (光盘积分): entries only.

What a diner has is the sum of his entries; it is never set, and never below zero.
"""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base
from dafan.ids import new_id
from server.many import among


class PlateReturnRow(Base):
    """A tray that came back, as its station told it, and what became of it.

    Site and date stand in the key, so that the table can be partitioned.
    """

    __tablename__ = "plate_return"
    __table_args__ = (
        UniqueConstraint("id"),
        UniqueConstraint("terminal_id", "seq"),
        Index("ix_plate_return_diner_id_at", "diner_id", "at"),
    )

    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    business_date: Mapped[date] = mapped_column(primary_key=True)
    """Of the meal; of the moment, where there was none."""
    id: Mapped[UUID] = mapped_column(primary_key=True)
    terminal_id: Mapped[UUID]
    seq: Mapped[int]
    """Its place in the station's journal."""
    venue_id: Mapped[UUID]
    """Of the station."""
    period: Mapped[str] = mapped_column(String(40), default="")
    """Of the meal; empty where there was none."""
    diner_id: Mapped[UUID | None]
    """Forgotten when he leaves, and after a year."""
    sale_id: Mapped[UUID | None]
    by: Mapped[str] = mapped_column(String(8))
    """``card`` or ``qr``."""
    grams: Mapped[int]
    """Of the tray with what was on it."""
    verdict: Mapped[str] = mapped_column(String(12))
    """:class:`kitchen.clean_plate.Verdict`."""
    left_grams: Mapped[int]
    points: Mapped[int]
    at: Mapped[datetime]


class PointKind(StrEnum):
    """Why points came or went."""

    EARNED = "earned"
    SPENT = "spent"
    EXPIRED = "expired"
    CORRECTED = "corrected"


class PlatePoint(Base):
    """Points that came (above zero) or went (below zero). The key makes a repetition harmless."""

    __tablename__ = "plate_point"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        Index("ix_plate_point_diner_id_at", "diner_id", "at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID]
    diner_id: Mapped[UUID] = mapped_column(ForeignKey("diner.id"))
    kind: Mapped[str] = mapped_column(String(12))
    points: Mapped[int]
    key: Mapped[str] = mapped_column(String(160))
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(String(200), default="")
    return_id: Mapped[UUID | None]
    """The tray that earned them."""
    transfer_id: Mapped[UUID | None]
    """The subsidy that they were turned into."""


class PlateShown(Base):
    """A diner who agreed that the ranking shows his name, masked."""

    __tablename__ = "plate_shown"

    diner_id: Mapped[UUID] = mapped_column(ForeignKey("diner.id"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), index=True)
    agreed_at: Mapped[datetime]


def meal_key(diner_id: UUID, day: date, period: str) -> str:
    """The key of what a meal earned: each meal once."""
    return f"earned:{diner_id}:{day}:{period}"


def by_key(session: Session, site_id: UUID, key: str) -> PlatePoint | None:
    """The entry that was made under a key."""
    query = select(PlatePoint).where(PlatePoint.site_id == site_id, PlatePoint.key == key)
    return session.scalar(query)


def balance(session: Session, diner_id: UUID) -> int:
    """The points that a diner has."""
    return balances_of(session, [diner_id])[diner_id]


def balances_of(session: Session, diner_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Diner → his points; at most :data:`server.many.PORTION` diners."""
    query = (
        select(PlatePoint.diner_id, func.sum(PlatePoint.points))
        .where(among(session, PlatePoint.diner_id, diner_ids))
        .group_by(PlatePoint.diner_id)
    )
    found = dict.fromkeys(diner_ids, 0)
    found.update((diner_id, int(points)) for diner_id, points in session.execute(query))
    return found
