"""Shifts (交班): what a till says of itself at the end of a shift, beside what the books say."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from dafan.db import Base


class ShiftRow(Base):
    """A till's own figures of a shift, as :class:`dafan.desk.Shift` reports them."""

    __tablename__ = "shift"
    __table_args__ = (
        UniqueConstraint("id"),
        UniqueConstraint("terminal_id", "seq"),
        Index("ix_shift_terminal_id_last_seq", "terminal_id", "last_seq"),
    )

    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), primary_key=True)
    business_date: Mapped[date] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    terminal_id: Mapped[UUID]
    seq: Mapped[int]
    """Of the entry that reported it."""
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime]
    first_seq: Mapped[int]
    last_seq: Mapped[int]
    sales: Mapped[int]
    voids: Mapped[int]
    subsidy: Mapped[int]
    cash: Mapped[int]
    drawer: Mapped[int]
    counted: Mapped[int | None]
    staff_id: Mapped[UUID]
    note: Mapped[str] = mapped_column(String(200), default="")
    received_at: Mapped[datetime]
    transfer_id: Mapped[UUID | None]
    """The cash over or short, once a person has confirmed it."""
