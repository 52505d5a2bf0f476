"""Reconciliation (日结): a day's figures a till and a venue, what differs, and closing the day."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from dafan.db import Base
from dafan.ids import new_id


class ClosingNote(Base):
    """A person explains a difference of a day; rows are added, never changed."""

    __tablename__ = "closing_note"
    __table_args__ = (Index("ix_closing_note_site_id_business_date", "site_id", "business_date"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    business_date: Mapped[date]
    difference: Mapped[str] = mapped_column(String(120))
    """Key of the difference, such as ``cash:<shift>``."""
    text: Mapped[str] = mapped_column(String(400))
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(80))
