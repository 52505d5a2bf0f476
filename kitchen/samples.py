"""Retained samples (食品留样): taking, reviewing, holding, disposing of them; one row a container.

:mod:`kitchen.sample_rules` decides, :mod:`kitchen.sample_alarms` watches.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Field
from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from dafan.clock import require_utc
from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import rows, sample_alarms, sample_rules
from kitchen.cabinet import Cabinet, CabinetKind
from kitchen.dishes import Dish, UnknownDishError
from kitchen.labels import Label
from kitchen.meals import MEAL, Meal
from kitchen.production import Batch
from kitchen.rows import KeyedRow, Values
from kitchen.sample_alarms import AlarmKind
from kitchen.sample_rules import Due, SampleRules

MAX_PAGE = 500


class SlotTakenError(BadInputError):
    """Another sample stands in this place of the cabinet."""

    code = "slot_taken"


class SampledAlreadyError(BadInputError):
    """There is a sample of this dish and meal."""

    code = "sampled_already"


class Result(StrEnum):
    """How a sample ended."""

    DESTROYED = "destroyed"
    """销毁."""
    HANDED_OVER = "handed_over"
    """送检: to the authority or a laboratory."""


class SampleValues(Values):
    """What is told when a sample is taken."""

    business_date: date
    period: Annotated[str, Field(min_length=1, max_length=40)]
    venue_id: UUID
    dish_id: UUID
    grams: Annotated[int, Field(gt=0)]
    """From the scale, without the container."""
    cabinet_id: UUID
    slot: Annotated[int, Field(gt=0)]
    container: Annotated[str, Field(max_length=40)] = ""
    """Number of the disinfected container."""
    batch_id: UUID | None = None
    cooked_at: datetime | None = None
    """When it was ready; left out where the batch says it."""
    photo: Annotated[str, Field(max_length=200)] = ""
    """Where the photograph lies."""

    @property
    def meal(self) -> Meal:
        """To which it belongs."""
        return Meal(self.business_date, self.period, self.venue_id)


_STILL_THERE: dict[str, Any] = {
    "sqlite_where": text("disposed_at IS NULL"),
    "postgresql_where": text("disposed_at IS NULL"),
}


class Sample(KeyedRow):
    """A container of food that is kept."""

    __tablename__ = "retained_sample"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        Index("ix_retained_sample_meal", "site_id", *MEAL, "dish_id"),
        Index("ix_retained_sample_due", "site_id", "disposed_at", "due_at"),
        Index("uq_retained_sample_slot", "cabinet_id", "slot", unique=True, **_STILL_THERE),
    )

    business_date: Mapped[date]
    period: Mapped[str] = mapped_column(String(40))
    venue_id: Mapped[UUID]
    dish_id: Mapped[UUID] = mapped_column(ForeignKey("dish.id"))
    batch_id: Mapped[UUID | None] = mapped_column(ForeignKey("production_batch.id"))
    dish: Mapped[str] = mapped_column(String(80))
    """Its name on that day."""
    grams: Mapped[int]
    container: Mapped[str] = mapped_column(String(40))
    cabinet_id: Mapped[UUID] = mapped_column(ForeignKey("cabinet.id"))
    slot: Mapped[int]
    photo: Mapped[str] = mapped_column(String(200))
    cooked_at: Mapped[datetime]
    sampled_at: Mapped[datetime]
    placed_at: Mapped[datetime]
    """From when on it stands in its place."""
    sampler: Mapped[str] = mapped_column(String(80))
    due_at: Mapped[datetime]
    reviewer: Mapped[str | None] = mapped_column(String(80))
    reviewed_at: Mapped[datetime | None]
    disposed_at: Mapped[datetime | None]
    disposer: Mapped[str | None] = mapped_column(String(80))
    result: Mapped[str | None] = mapped_column(String(12))

    @property
    def meal(self) -> Meal:
        """To which it belongs."""
        return Meal(self.business_date, self.period, self.venue_id)


class SampleHold(KeyedRow):
    """All samples of a meal are frozen, on suspicion."""

    __tablename__ = "sample_hold"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        Index("ix_sample_hold_meal", "site_id", *MEAL),
    )

    business_date: Mapped[date]
    period: Mapped[str] = mapped_column(String(40))
    venue_id: Mapped[UUID]
    reason: Mapped[str] = mapped_column(String(200))
    held_by: Mapped[str] = mapped_column(String(80))
    held_at: Mapped[datetime]
    lifted_by: Mapped[str | None] = mapped_column(String(80))
    lifted_at: Mapped[datetime | None]
    lift_reason: Mapped[str] = mapped_column(String(200), default="")


def take(
    session: Session,
    actor: Acting,
    values: SampleValues,
    *,
    key: str,
    rules: SampleRules | None = None,
) -> Sample:
    """Keep a sample; the actor is its sampler, now is its time. An alarm about it ends.

    Raises:
        SampleTooSmallError: less than the site's minimum.
        SampledAlreadyError: of this dish and meal, and not shown to be of another batch.
        SlotTakenError: another sample stands there.
        UnknownDishError, kitchen.rows.UnknownRowError: not of this site.
        BadInputError: the cabinet, the batch or a time does not fit.
        kitchen.rows.KeyReusedError: the key kept something else.
    """
    limits = rules or SampleRules()
    dish = _lock_dish(session, actor.site_id, values.dish_id)
    told = values.model_dump(exclude={"cooked_at"})
    row = Sample(
        id=new_id(), site_id=actor.site_id, key=key, dish=dish.name, sampler=actor.name,
        sampled_at=actor.at, placed_at=actor.at,
        due_at=actor.at + timedelta(hours=limits.hours), **told,
    )  # fmt: skip
    known = rows.earlier(session, row, tuple(told))
    if known is not None:
        return known
    sample_rules.check_grams(values.grams, limits)
    _check_place(session, actor.site_id, values.cabinet_id, values.slot)
    row.cooked_at = _cooked_at(session, actor, values, limits)
    _check_first(session, actor, values)
    try:
        row, new = rows.insert_once(session, row, tuple(told))
    except IntegrityError as error:
        raise SlotTakenError(f"place {values.slot} of the cabinet is taken: use another") from error
    if new:
        sample_alarms.done(session, actor, values.meal, AlarmKind.MISSING, values.dish_id)
        actor.record(session, "sample.take", str(row.id), None, values.model_dump(mode="json"))
    return row


def _lock_dish(session: Session, site_id: UUID, dish_id: UUID) -> Dish:
    """Two tablets that sample the same dish go one after the other."""
    query = select(Dish).where(Dish.site_id == site_id, Dish.id == dish_id)
    dish = session.scalar(query.with_for_update(key_share=True))
    if dish is None:
        raise UnknownDishError("there is no such dish here: take one from the list of dishes")
    return dish


def _check_place(session: Session, site_id: UUID, cabinet_id: UUID, slot: int) -> None:
    cabinet = rows.get(session, Cabinet, site_id, cabinet_id, "cabinet", lock=True)
    if not cabinet.active or cabinet.kind != CabinetKind.CHILLED.value:
        raise BadInputError(f"samples are chilled, not frozen: {cabinet.name} takes none")
    if not 1 <= slot <= cabinet.slots:
        raise BadInputError(f"{cabinet.name} has {cabinet.slots} places, no place {slot}")


def _cooked_at(
    session: Session, actor: Acting, values: SampleValues, rules: SampleRules
) -> datetime:
    cooked_at = values.cooked_at
    if values.batch_id is not None:
        batch = rows.get(session, Batch, actor.site_id, values.batch_id, "batch")
        if batch.dish_id != values.dish_id or batch.meal != values.meal:
            raise BadInputError("this batch is of another dish or meal")
        if batch.finished_at is None:
            raise BadInputError("this batch is not ready: take the sample when it is")
        cooked_at = batch.finished_at
    if cooked_at is None:
        raise BadInputError("say when the dish was ready, or name its batch")
    age = actor.at - require_utc(cooked_at)
    if not timedelta() <= age <= timedelta(hours=rules.cooked_hours):
        raise BadInputError("the time at which the dish was ready cannot be: look at the clock")
    return cooked_at


def _check_first(session: Session, actor: Acting, values: SampleValues) -> None:
    query = select(Sample.batch_id).where(
        Sample.site_id == actor.site_id,
        *values.meal.match(Sample),
        Sample.dish_id == values.dish_id,
    )
    batches = session.scalars(query).all()
    if batches and (values.batch_id is None or {None, values.batch_id} & set(batches)):
        raise SampledAlreadyError(
            "there is a sample of this dish and meal: only another batch gets its own"
        )


def move(session: Session, actor: Acting, sample_id: UUID, cabinet_id: UUID, slot: int) -> Sample:
    """Put a sample elsewhere, as when its cabinet fails; what it is and until when stays.

    Raises:
        SlotTakenError: another sample stands there.
        kitchen.rows.UnknownRowError: not of this site.
        BadInputError: it is gone, or the cabinet takes no samples.
    """
    row = rows.get(session, Sample, actor.site_id, sample_id, "sample", lock=True)
    before = f"{row.cabinet_id} {row.slot}"
    if (row.cabinet_id, row.slot) == (cabinet_id, slot):
        return row
    if row.disposed_at is not None:
        raise BadInputError("this sample is gone: it cannot be moved")
    _check_place(session, actor.site_id, cabinet_id, slot)
    try:
        with session.begin_nested():
            row.cabinet_id, row.slot, row.placed_at = cabinet_id, slot, actor.at
    except IntegrityError as error:
        raise SlotTakenError(f"place {slot} of the cabinet is taken: use another") from error
    actor.record(session, "sample.move", str(sample_id), before, f"{cabinet_id} {slot}")
    return row


def review(session: Session, actor: Acting, sample_id: UUID) -> Sample:
    """Sign that the sample is there as it is written; another person than the sampler does.

    Raises:
        kitchen.rows.UnknownRowError: not a sample of this site.
        kitchen.rows.SamePersonError: he took it himself.
        BadInputError: somebody else has signed.
    """
    row = rows.get(session, Sample, actor.site_id, sample_id, "sample", lock=True)
    rows.require_other(actor.name, row.sampler, "review the own sample")
    if row.reviewer == actor.name:
        return row
    if row.reviewer is not None:
        raise BadInputError(f"{row.reviewer} has signed for it already")
    row.reviewer, row.reviewed_at = actor.name, actor.at
    actor.record(session, "sample.review", str(sample_id), None, actor.name)
    return row


def hold(session: Session, actor: Acting, meal: Meal, reason: str, *, key: str) -> SampleHold:
    """Freeze all samples of a meal, those too that are taken later.

    Raises:
        BadInputError: no reason is given.
        kitchen.rows.KeyReusedError: the key held something else.
    """
    row = SampleHold(
        id=new_id(), site_id=actor.site_id, key=key, held_by=actor.name, held_at=actor.at,
        reason=rows.say(reason, "why the samples are held"), **meal.columns,
    )  # fmt: skip
    row, new = rows.insert_once(session, row, (*MEAL, "reason"))
    if new:
        of_meal(session, actor.site_id, meal, lock=True)  # whoever disposes of one ends first
        actor.record(session, "sample.hold", str(row.id), None, f"{meal}: {row.reason}")
    return row


def lift(session: Session, actor: Acting, hold_id: UUID, reason: str) -> SampleHold:
    """End a hold; another person than the one who set it does.

    Raises:
        kitchen.rows.UnknownRowError: not a hold of this site.
        kitchen.rows.SamePersonError: he set it himself.
        BadInputError: no reason is given, or somebody else has lifted it.
    """
    row = rows.get(session, SampleHold, actor.site_id, hold_id, "hold", lock=True)
    rows.require_other(actor.name, row.held_by, "lift the own hold")
    if row.lifted_by == actor.name:
        return row
    if row.lifted_by is not None:
        raise BadInputError(f"{row.lifted_by} has lifted it already")
    row.lift_reason = rows.say(reason, "why the samples are free")
    row.lifted_by, row.lifted_at = actor.name, actor.at
    actor.record(session, "sample.lift", str(hold_id), None, row.lift_reason)
    return row


def dispose(session: Session, actor: Acting, sample_id: UUID, result: Result) -> Sample:
    """Let a sample go; its place is free. Told again by the same person, nothing changes.

    Raises:
        kitchen.sample_rules.SampleTooEarlyError: its time is not over.
        kitchen.sample_rules.SampleHeldError: its meal is held.
        kitchen.rows.UnknownRowError: not a sample of this site.
        BadInputError: it is gone already.
    """
    row = rows.get(session, Sample, actor.site_id, sample_id, "sample", lock=True)
    if row.disposed_at is not None and (row.disposer, row.result) == (actor.name, result.value):
        return row
    held = is_held(session, actor.site_id, row.meal)
    sample_rules.check_disposal(row.sampled_at, row.due_at, row.disposed_at, held, actor.at)
    row.disposed_at, row.disposer, row.result = actor.at, actor.name, result.value
    sample_alarms.done(session, actor, row.meal, AlarmKind.OVERDUE, row.id)
    actor.record(session, "sample.dispose", str(sample_id), None, result.value)
    return row


def is_held(session: Session, site_id: UUID, meal: Meal) -> bool:
    """Whether a hold on the meal's samples is not lifted."""
    query = select(SampleHold.id).where(
        SampleHold.site_id == site_id, *meal.match(SampleHold), SampleHold.lifted_at.is_(None)
    )
    return session.scalar(query.limit(1)) is not None


def of_meal(session: Session, site_id: UUID, meal: Meal, *, lock: bool = False) -> Sequence[Sample]:
    """The samples of a meal, in the order in which they were taken."""
    query = select(Sample).where(Sample.site_id == site_id, *meal.match(Sample))
    query = query.order_by(Sample.id)
    return session.scalars(query.with_for_update() if lock else query).all()


def due_at_meal(
    session: Session,
    site_id: UUID,
    meal: Meal,
    dishes: Sequence[UUID],
    *,
    now: datetime,
    ends: datetime,
    rules: SampleRules | None = None,
) -> tuple[Due, ...]:
    """Which samples the menu of a meal needs; :func:`kitchen.sample_rules.due` says how."""
    taken = {sample.dish_id for sample in of_meal(session, site_id, meal)}
    return sample_rules.due(dishes, taken, now, ends, rules or SampleRules())


def kept(
    session: Session, site_id: UUID, *, after: UUID | None = None, limit: int = 100
) -> Sequence[Sample]:
    """Samples that are there, the oldest first, from behind the sample ``after``."""
    query = select(Sample).where(Sample.site_id == site_id, Sample.disposed_at.is_(None))
    if after is not None:
        query = query.where(Sample.id > after)
    return session.scalars(query.order_by(Sample.id).limit(max(1, min(limit, MAX_PAGE)))).all()


def label_of(
    session: Session, sample: Sample, meal_name: str, zone: ZoneInfo, sampler: str = ""
) -> Label:
    """The label of a sample, for the printer beside the scale; ``sampler``: as people call him."""
    cabinet = rows.get(session, Cabinet, sample.site_id, sample.cabinet_id, "cabinet")
    return sample_rules.label(
        sample.id, sample.dish, meal_name, sample.grams, sampler or sample.sampler,
        f"{cabinet.name} {sample.slot}", (sample.sampled_at, sample.due_at), zone,
    )  # fmt: skip
