"""Booked meals (订餐): who will come to which meal, told until its cut-off.

A booking costs nothing: who stays away is counted and shown (:func:`missed`), never charged. The
forecast never falls below what is booked. An overtime meal (加班餐) is served outside the site's
meals: it is asked for with a reason, and approved where the site wants that.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    Index,
    String,
    UniqueConstraint,
    and_,
    func,
    or_,
    select,
    tuple_,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.records import DinerStatus
from kitchen import limits, rows
from kitchen.meals import Meal
from server import kitchen_day, people, sites
from server.actor import Actor
from server.booking_rules import OVERTIME, BookingRules, Slot, slot_of
from server.books.sales import Sale

_NO_MEAL = "other"
"""The period of a sale outside every meal, as tills write it."""


class BookingState(StrEnum):
    """How far a booking has come."""

    BOOKED = "booked"
    ASKED = "asked"
    """An overtime meal that waits for approval."""
    REFUSED = "refused"
    CANCELLED = "cancelled"


class BookingError(BadInputError):
    """This meal cannot be booked, or not any more."""

    code = "bad_booking"


class UnknownBookingError(BadInputError):
    """There is no such booking here."""

    code = "unknown_booking"


class MealBooking(Base):
    """What one diner booked of one meal; booked again it is the same row."""

    __tablename__ = "meal_booking"
    __table_args__ = (
        UniqueConstraint("diner_id", "business_date", "period"),
        CheckConstraint("covers BETWEEN 1 AND 20", name="covers"),
        Index("ix_meal_booking_site_id_business_date", "site_id", "business_date", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID]
    diner_id: Mapped[UUID]
    venue_id: Mapped[UUID]
    business_date: Mapped[date]
    period: Mapped[str] = mapped_column(String(32))
    covers: Mapped[int]
    reason: Mapped[str] = mapped_column(String(200), default="")
    """Why an overtime meal is needed."""
    state: Mapped[str] = mapped_column(String(12))
    closes_at: Mapped[datetime]
    """The cut-off as it was shown."""
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    booked_at: Mapped[datetime]
    judged_by: Mapped[str | None] = mapped_column(String(80))
    judged_at: Mapped[datetime | None]

    @property
    def stands(self) -> bool:
        """It counts, or waits to count."""
        return self.state in {BookingState.BOOKED, BookingState.ASKED}


def venues(session: Session, site_id: UUID, rules: BookingRules) -> list[sites.Venue]:
    """Where meals are booked."""
    found = sites.venues(session, site_id)
    return [one for one in found if not rules.venues or one.id in rules.venues]


def book(
    session: Session, actor: Actor, diner_id: UUID, meal: Meal, covers: int, reason: str = ""
) -> MealBooking:
    """Book a meal, or change what was booked of it; told again nothing changes.

    Args:
        session: Writing.
        actor: The diner.
        diner_id: The same.
        meal: Its period is one of the site's, or :data:`OVERTIME`.
        covers: How many will eat.
        reason: Of an overtime meal.

    Raises:
        BookingError: not offered, past its cut-off, too many covers, or his account is frozen.
        BadInputError: an overtime meal without a reason, or an unknown venue.
    """
    rules = limits.of(session, actor.site_id, BookingRules)
    slot = _open_slot(session, actor, diner_id, meal, covers, rules)
    overtime = meal.period == OVERTIME
    told = rows.say(reason, "why an overtime meal is needed") if overtime else ""
    row = _locked(session, diner_id, meal) or _begin(session, actor, diner_id, meal, slot)
    before = _told(row) if row.stands else None
    asks = overtime and rules.overtime_approved
    state = BookingState.ASKED if asks else BookingState.BOOKED
    same = (row.venue_id, row.covers, row.reason) == (meal.venue_id, covers, told)
    if before is not None and same:
        return row
    row.venue_id, row.covers, row.reason, row.state = meal.venue_id, covers, told, state.value
    row.closes_at, row.starts_at, row.ends_at = slot.closes, slot.starts, slot.ends
    row.booked_at, row.judged_by, row.judged_at = actor.at, None, None
    session.flush()
    actor.record(session, "booking.book", str(row.id), before, _told(row))
    return row


def _open_slot(
    session: Session, actor: Actor, diner_id: UUID, meal: Meal, covers: int, rules: BookingRules
) -> Slot:
    policy = sites.policy(session, actor.site_id)
    offered = rules.overtime if meal.period == OVERTIME else rules.offered
    slot = slot_of(rules, policy, meal.day, meal.period)
    today = kitchen_day.today(policy, actor.at)
    near = today <= meal.day < today + timedelta(days=rules.ahead_days)
    if slot is None or not offered or not near or meal.period in rules.closed:
        raise BookingError("this meal cannot be booked: take one from the list")
    if actor.at >= slot.closes:
        raise BookingError("it is too late to book this meal", code="booking_closed")
    if not 1 <= covers <= rules.most_covers:
        raise BookingError(f"1 to {rules.most_covers} covers can be booked", code="too_many_covers")
    if meal.venue_id not in {one.id for one in venues(session, actor.site_id, rules)}:
        raise BookingError("meals are not booked at this venue: choose another one")
    require_active(session, actor.site_id, diner_id)
    return slot


def require_active(session: Session, site_id: UUID, diner_id: UUID) -> None:
    """Refuse orders of a diner who could not pay.

    Raises:
        BookingError: his account is frozen.
    """
    if people.get_diner(session, site_id, diner_id).status != DinerStatus.ACTIVE.value:
        raise BookingError("the account is frozen: ask at the desk", code="diner_frozen")


def cancel(session: Session, actor: Actor, diner_id: UUID, booking_id: UUID) -> None:
    """Take back a booking, until its cut-off; again changes nothing.

    Raises:
        UnknownBookingError: not one of his.
        BookingError: it is too late.
    """
    row = _get(session, actor.site_id, booking_id)
    if row.diner_id != diner_id:
        raise UnknownBookingError("there is no such booking: look at the list")
    if not row.stands:
        return
    if actor.at >= row.closes_at:
        raise BookingError("it is too late to cancel this meal", code="booking_closed")
    before, row.state = _told(row), BookingState.CANCELLED.value
    session.flush()
    actor.record(session, "booking.cancel", str(row.id), before, None)


def forget(session: Session, actor: Actor, diner_id: UUID) -> None:
    """He leaves: nobody cooks for him any more, whatever the cut-off."""
    query = select(MealBooking).where(
        MealBooking.site_id == actor.site_id, MealBooking.diner_id == diner_id,
        MealBooking.starts_at > actor.at,
        MealBooking.state.in_((BookingState.BOOKED.value, BookingState.ASKED.value)),
    )  # fmt: skip
    for row in session.scalars(query.order_by(MealBooking.id).with_for_update()):
        before, row.state = _told(row), BookingState.CANCELLED.value
        actor.record(session, "booking.cancel", str(row.id), before, None)
    session.flush()


def judge(session: Session, actor: Actor, booking_id: UUID, *, approve: bool) -> None:
    """Approve or refuse an overtime meal; the same word again changes nothing.

    Raises:
        UnknownBookingError: not one of this site.
        BookingError: it does not wait for anybody.
    """
    row = _get(session, actor.site_id, booking_id)
    state = BookingState.BOOKED if approve else BookingState.REFUSED
    if row.state == state.value and row.judged_at is not None:
        return
    if row.state != BookingState.ASKED.value:
        raise BookingError("this meal does not wait for approval any more", code="booking_judged")
    row.state, row.judged_by, row.judged_at = state.value, actor.name[:80], actor.at
    session.flush()
    verb = "booking.approve" if approve else "booking.refuse"
    actor.record(session, verb, str(row.id), BookingState.ASKED.value, state.value)


# --- what is booked -----------------------------------------------------------------------------


def of_diner(session: Session, site_id: UUID, diner_id: UUID, since: date) -> list[MealBooking]:
    """A diner's bookings from a day on, without those that he cancelled."""
    query = select(MealBooking).where(
        MealBooking.site_id == site_id, MealBooking.diner_id == diner_id,
        MealBooking.business_date >= since, MealBooking.state != BookingState.CANCELLED.value,
    )  # fmt: skip
    return list(session.scalars(query.order_by(MealBooking.starts_at, MealBooking.id)))


def counts(
    session: Session, site_id: UUID, first: date, last: date, *, venue_id: UUID | None = None
) -> dict[tuple[date, str], int]:
    """Covers that are booked, by business date and period, both days included."""
    query = select(MealBooking.business_date, MealBooking.period, func.sum(MealBooking.covers))
    query = query.where(
        MealBooking.site_id == site_id, MealBooking.business_date.between(first, last),
        MealBooking.state == BookingState.BOOKED.value,
    )  # fmt: skip
    if venue_id is not None:
        query = query.where(MealBooking.venue_id == venue_id)
    found = session.execute(query.group_by(MealBooking.business_date, MealBooking.period))
    return {(day, period): int(covers) for day, period, covers in found}


def page(
    session: Session, site_id: UUID, day: date, *, after: UUID | None = None, limit: int = 100
) -> Sequence[MealBooking]:
    """The bookings of a day that stand, in the order of the meals."""
    query = select(MealBooking).where(
        MealBooking.site_id == site_id, MealBooking.business_date == day,
        MealBooking.state.in_((BookingState.BOOKED.value, BookingState.ASKED.value)),
    )  # fmt: skip
    last = None if after is None else session.get(MealBooking, after)
    if last is not None:
        own = tuple_(MealBooking.starts_at, MealBooking.id)
        query = query.where(own > (last.starts_at, last.id))
    return session.scalars(query.order_by(MealBooking.starts_at, MealBooking.id).limit(limit)).all()


def waiting(session: Session, site_id: UUID, now: datetime) -> Sequence[MealBooking]:
    """Overtime meals that wait for approval, the next one first."""
    query = select(MealBooking).where(
        MealBooking.site_id == site_id, MealBooking.state == BookingState.ASKED.value,
        MealBooking.ends_at > now,
    )  # fmt: skip
    return session.scalars(query.order_by(MealBooking.starts_at, MealBooking.id).limit(200)).all()


def missed(session: Session, bookings: Iterable[UUID], now: datetime) -> set[UUID]:
    """Those of the bookings whose meal is over and to which nobody came."""
    query = select(MealBooking.id).where(MealBooking.id.in_(list(bookings)), _missed(now))
    return set(session.scalars(query))


def missed_by(
    session: Session, site_id: UUID, diners: Iterable[UUID], since: date, now: datetime
) -> dict[UUID, int]:
    """Diner → meals that he booked since a day and stayed away from; nobody with none."""
    query = select(MealBooking.diner_id, func.count()).where(
        MealBooking.site_id == site_id, MealBooking.diner_id.in_(list(diners)),
        MealBooking.business_date >= since, _missed(now),
    )  # fmt: skip
    return dict(session.execute(query.group_by(MealBooking.diner_id)).all())


def _missed(now: datetime) -> ColumnElement[bool]:
    """A sale of the diner at the meal, whatever the venue, shows that he came."""
    outside = or_(Sale.period == _NO_MEAL, Sale.paid_at >= MealBooking.starts_at)
    at_meal = or_(
        Sale.period == MealBooking.period,
        and_(MealBooking.period == OVERTIME, outside),
    )
    came = select(Sale.id).where(
        Sale.site_id == MealBooking.site_id, Sale.diner_id == MealBooking.diner_id,
        Sale.business_date == MealBooking.business_date, Sale.cancelled.is_(False), at_meal,
    )  # fmt: skip
    over = MealBooking.ends_at <= now, MealBooking.state == BookingState.BOOKED.value
    return and_(*over, ~came.exists())


def _get(session: Session, site_id: UUID, booking_id: UUID) -> MealBooking:
    query = select(MealBooking).where(MealBooking.site_id == site_id, MealBooking.id == booking_id)
    row = session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if row is None:
        raise UnknownBookingError("there is no such booking: look at the list")
    return row


def _locked(session: Session, diner_id: UUID, meal: Meal) -> MealBooking | None:
    query = select(MealBooking).where(
        MealBooking.diner_id == diner_id, MealBooking.business_date == meal.day,
        MealBooking.period == meal.period,
    )  # fmt: skip
    return session.scalar(query.with_for_update().execution_options(populate_existing=True))


def _begin(session: Session, actor: Actor, diner_id: UUID, meal: Meal, slot: Slot) -> MealBooking:
    """The row of a meal of which the diner has booked nothing yet."""
    row = MealBooking(
        id=new_id(), site_id=actor.site_id, diner_id=diner_id, covers=1,
        state=BookingState.CANCELLED.value, closes_at=slot.closes, starts_at=slot.starts,
        ends_at=slot.ends, booked_at=actor.at, **meal.columns,
    )  # fmt: skip
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:  # the same diner on another phone was quicker
        found = _locked(session, diner_id, meal)
        if found is None:
            raise
        return found
    return row


def _told(row: MealBooking) -> dict[str, object]:
    return {
        "meal": f"{row.business_date} {row.period}", "covers": row.covers, "state": row.state,
        "venue": str(row.venue_id), "reason": row.reason,
    }  # fmt: skip
