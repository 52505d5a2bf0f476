"""Lots (批次): what came in at one time, of one day of production, with its number on a label."""

from collections.abc import Sequence
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from dafan.db import Base
from dafan.errors import BadInputError
from dafan.ids import new_id


class UnknownLotError(BadInputError):
    """The site has no such lot."""

    code = "unknown_lot"


class HeldError(BadInputError):
    """The lot is held, or is not, or the wrong person would let it go."""

    code = "lot_held"


class State(StrEnum):
    """What may happen to a lot."""

    OK = "ok"
    HELD = "held"
    """Nothing is cooked from it: it goes back, is thrown away, or somebody else lets it go."""
    GONE = "gone"
    """Nothing is left."""


class Lot(Base):
    """A lot; what is left of it stands in :mod:`kitchen.stock`."""

    __tablename__ = "lot"
    __table_args__ = (
        UniqueConstraint("site_id", "number"),
        Index("ix_lot_ingredient", "site_id", "ingredient_id", "state"),
        Index("ix_lot_state", "site_id", "state"),
        Index("ix_lot_receiving", "site_id", "receiving_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID]
    ingredient_id: Mapped[UUID] = mapped_column(ForeignKey("ingredient.id"))
    supplier_id: Mapped[UUID | None]
    receiving_id: Mapped[UUID | None]
    number: Mapped[str] = mapped_column(String(40))
    """Short and readable: ``20260302-007`` is the seventh of that day."""
    batch: Mapped[str] = mapped_column(String(60), default="")
    """The producer's own batch number."""
    quantity: Mapped[int]
    """Received, in the ingredient's measure."""
    cost: Mapped[int]
    """Fen for all of it."""
    produced_on: Mapped[date | None]
    expires_on: Mapped[date | None]
    """The last day on which it may be used; none for what does not spoil."""
    received_on: Mapped[date]
    zone: Mapped[str] = mapped_column(String(40), default="")
    state: Mapped[str] = mapped_column(String(8), default=State.OK.value)
    held_by: Mapped[str | None] = mapped_column(String(80))
    held_why: Mapped[str] = mapped_column(String(200), default="")

    def expired(self, day: date) -> bool:
        """Whether its last day is over on that day."""
        return self.expires_on is not None and self.expires_on < day


class LotCounter(Base):
    """The last number of a day; its row lets one delivery after the other take numbers."""

    __tablename__ = "lot_counter"

    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    business_date: Mapped[date] = mapped_column(primary_key=True)
    last: Mapped[int] = mapped_column(default=0)


def lock_counter(session: Session, site_id: UUID, day: date) -> LotCounter:
    """The day's counter; others wait for it until the transaction ends."""
    query = (
        select(LotCounter)
        .where(LotCounter.site_id == site_id, LotCounter.business_date == day)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    counter = session.scalar(query)
    if counter is not None:
        return counter
    try:
        with session.begin_nested():
            session.add(LotCounter(site_id=site_id, business_date=day, last=0))
    except IntegrityError:  # another delivery was the first of the day
        pass
    return session.scalars(query).one()


def next_number(counter: LotCounter) -> str:
    """The next lot number of a locked counter."""
    counter.last += 1
    return f"{counter.business_date:%Y%m%d}-{counter.last:03d}"


def last_day(produced_on: date | None, expires_on: date | None, shelf: int | None) -> date | None:
    """What the label says, or else the day of production and the usual days of shelf life."""
    if expires_on is None and produced_on is not None and shelf is not None:
        return produced_on + timedelta(days=shelf)
    return expires_on


def get(session: Session, site_id: UUID, lot_id: UUID, *, lock: bool = False) -> Lot:
    """A lot of the site; locked, nobody else moves anything of it until the transaction ends.

    Raises:
        UnknownLotError: not one of this site.
    """
    query = select(Lot).where(Lot.site_id == site_id, Lot.id == lot_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    row = session.scalar(query)
    if row is None:
        raise UnknownLotError("there is no such lot here: scan its label again")
    return row


def find_by_number(session: Session, site_id: UUID, number: str) -> Lot | None:
    """The site's lot with this number on its label."""
    return session.scalar(select(Lot).where(Lot.site_id == site_id, Lot.number == number.strip()))


def by_ids(session: Session, site_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Lot]:
    """Those of the lots that the site has."""
    query = select(Lot).where(Lot.site_id == site_id, Lot.id.in_(ids))
    return {row.id: row for row in session.scalars(query)}


def hold(session: Session, actor: Acting, lot_id: UUID, why: str) -> Lot:
    """Let nothing more be cooked from a lot: a suspicion, a recall, a wrong temperature.

    Raises:
        UnknownLotError: not one of this site.
        BadInputError: no reason is given.
    """
    if not why.strip():
        raise BadInputError("write down why this lot is held", code="no_reason")
    lot = get(session, actor.site_id, lot_id, lock=True)
    if lot.state == State.HELD.value:
        return lot
    before = lot.state
    lot.state, lot.held_by, lot.held_why = State.HELD.value, actor.name[:80], why.strip()[:200]
    actor.record(
        session, "lot.hold", str(lot.id), {"state": before},
        {"state": lot.state, "number": lot.number, "why": lot.held_why},
    )  # fmt: skip
    return lot
