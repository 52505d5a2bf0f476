"""Who may void and close shifts at the tills (结算台人员): a number and a PIN of their own."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan import desk
from dafan.db import Base
from dafan.errors import BadInputError
from server import feed, people, staff
from server.actor import Actor
from server.auth import User
from server.values import flush_unique

KIND = "staff"


class TillStaff(Base):
    """An account that may also sign in at the site's tills."""

    __tablename__ = "till_staff"
    __table_args__ = (UniqueConstraint("site_id", "number"),)

    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    number: Mapped[str] = mapped_column(String(8))
    """Three to eight digits, typed at the till."""
    pin_hash: Mapped[str] = mapped_column(String(200))
    """Argon2."""
    active: Mapped[bool] = mapped_column(default=True)
    changed_at: Mapped[datetime]
