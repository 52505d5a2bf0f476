"""Deliveries (到货): what the tables of receiving keep of each, for as long as the law wants it.

Name, specification, quantity, day of production or batch, last day, day of purchase, supplier and
papers (食品安全法 art 50, 53): half a year after the shelf life, two years where there is none.
"""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base
from dafan.errors import BadInputError
from kitchen.receiving_rules import LineValues, PesticideTest
from kitchen.rows import KeyedRow


class UnknownReceivingError(BadInputError):
    """The site has no such delivery, or the delivery no such line."""

    code = "unknown_receiving"


class ReceivingError(BadInputError):
    """The delivery cannot be changed or posted like this."""

    code = "receiving"


class State(StrEnum):
    """How far a delivery has come."""

    OPEN = "open"
    POSTED = "posted"
    REJECTED = "rejected"
    """All of it went back."""
    GIVEN_UP = "given_up"
    """Opened by mistake; nothing of it was weighed."""


class Role(StrEnum):
    """Who signs."""

    CHEF = "chef"
    STOREKEEPER = "storekeeper"
    SUPPLIER = "supplier"


class Disposal(StrEnum):
    """What becomes of the rejected part."""

    RETURN = "return"
    DESTROY = "destroy"


class Receiving(KeyedRow):
    """One delivery of one supplier."""

    __tablename__ = "receiving"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        Index("ix_receiving_day", "site_id", "business_date", "id"),
    )

    business_date: Mapped[date]
    supplier_id: Mapped[UUID]
    order_id: Mapped[UUID | None]
    place: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(8), default=State.OPEN.value)
    opened_by: Mapped[str] = mapped_column(String(80))
    opened_at: Mapped[datetime]
    posted_by: Mapped[str | None] = mapped_column(String(80))
    posted_at: Mapped[datetime | None]


class ReceivingLine(Base):
    """One ingredient of a delivery."""

    __tablename__ = "receiving_line"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    """Made on the tablet: sent again, it is the same line."""
    receiving_id: Mapped[UUID] = mapped_column(ForeignKey("receiving.id"), index=True)
    site_id: Mapped[UUID]
    ingredient_id: Mapped[UUID] = mapped_column(ForeignKey("ingredient.id"))
    details: Mapped[dict[str, Any]] = mapped_column(JSON)
    """A :class:`kitchen.receiving_rules.LineValues`."""
    tests: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    rejected: Mapped[int] = mapped_column(default=0)
    reject_reason: Mapped[str] = mapped_column(String(200), default="")
    disposal: Mapped[str] = mapped_column(String(8), default="")
    lot_id: Mapped[UUID | None] = mapped_column(ForeignKey("lot.id"), index=True)

    @property
    def values(self) -> LineValues:
        """As it was seen and weighed."""
        return LineValues.model_validate(self.details)

    @property
    def pesticide_tests(self) -> tuple[PesticideTest, ...]:
        """In the order in which they were made."""
        return tuple(PesticideTest.model_validate(test) for test in self.tests)

    @property
    def accepted(self) -> int:
        """What comes into stock."""
        return self.values.quantity - self.rejected


class ReceivingSignature(Base):
    """One of the three parties stands for it."""

    __tablename__ = "receiving_signature"

    receiving_id: Mapped[UUID] = mapped_column(ForeignKey("receiving.id"), primary_key=True)
    role: Mapped[str] = mapped_column(String(12), primary_key=True)
    site_id: Mapped[UUID]
    name: Mapped[str] = mapped_column(String(80))
    """Of our own people as the journal of changes knows him, of the driver as he wrote it."""
    picture: Mapped[str] = mapped_column(String(200), default="")
    """Where the drawn signature is kept."""
    at: Mapped[datetime]


def get(session: Session, site_id: UUID, receiving_id: UUID, *, lock: bool = False) -> Receiving:
    """A delivery of the site.

    Raises:
        UnknownReceivingError: not one of this site.
    """
    query = select(Receiving).where(Receiving.site_id == site_id, Receiving.id == receiving_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    row = session.scalar(query)
    if row is None:
        raise UnknownReceivingError("there is no such delivery here: take one from the list")
    return row


def lines(session: Session, site_id: UUID, receiving_id: UUID) -> Sequence[ReceivingLine]:
    """The lines of a delivery, in the order in which they were made."""
    query = select(ReceivingLine).where(
        ReceivingLine.site_id == site_id, ReceivingLine.receiving_id == receiving_id
    )
    return session.scalars(query.order_by(ReceivingLine.id)).all()


def signatures(session: Session, site_id: UUID, receiving_id: UUID) -> Sequence[ReceivingSignature]:
    """Who has signed."""
    query = select(ReceivingSignature).where(
        ReceivingSignature.site_id == site_id, ReceivingSignature.receiving_id == receiving_id
    )
    return session.scalars(query.order_by(ReceivingSignature.role)).all()
