"""Proof of the retained samples, for ``dafan verify``.

Invariant 5: every dish that was served at a meal has a retained sample or an open alarm. And what
the rules promise of every sample is true of its row, however it got there.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from dafan.journal import Fault
from kitchen.meals import MEAL, Meal
from kitchen.sample_alarms import AlarmKind, SampleAlarm
from kitchen.sample_rules import LEAST_HOURS
from kitchen.samples import Sample, SampleHold


@dataclass(frozen=True, slots=True)
class Served:
    """A dish that was served at a meal, as the sales say."""

    site_id: UUID
    meal: Meal
    dish_id: UUID


def faults(session: Session, served: Iterable[Served]) -> Iterator[Fault]:
    """Dishes that were served without a sample while no alarm is open, one fault each.

    An alarm that two persons closed because the dish was not served is no excuse once it was.

    Args:
        session: Reading.
        served: Best in order of their meals: each meal is looked up once in a row.
    """
    last: tuple[UUID, Meal] | None = None
    sampled: set[UUID] = set()
    alarmed: set[UUID] = set()
    for one in served:
        if (one.site_id, one.meal) != last:
            last = one.site_id, one.meal
            sampled, alarmed = _known(session, one.site_id, one.meal)
        if one.dish_id not in sampled | alarmed:
            yield Fault(
                f"dish {one.dish_id}, {one.meal}",
                "it was served, there is neither a sample nor an open alarm",
                code="sample_missing",
            )


def _known(session: Session, site_id: UUID, meal: Meal) -> tuple[set[UUID], set[UUID]]:
    samples = select(Sample.dish_id).where(Sample.site_id == site_id, *meal.match(Sample))
    alarms = select(SampleAlarm.subject).where(
        SampleAlarm.site_id == site_id,
        *meal.match(SampleAlarm),
        SampleAlarm.kind == AlarmKind.MISSING.value,
        SampleAlarm.closed_at.is_(None),
    )
    return set(session.scalars(samples)), set(session.scalars(alarms))


def row_faults(session: Session) -> Iterator[Fault]:
    """Samples that went too early or while held, were reviewed by their sampler, shared a place."""
    query = select(Sample).order_by(Sample.cabinet_id, Sample.slot, Sample.placed_at, Sample.id)
    before: Sample | None = None
    for row in session.scalars(query.execution_options(yield_per=500)):
        where = f"sample {row.id}"
        least = row.sampled_at + timedelta(hours=LEAST_HOURS)
        if row.disposed_at is not None and row.disposed_at < max(least, row.due_at):
            yield Fault(where, "it was thrown away before its time", code="sample_early")
        if row.reviewer == row.sampler:
            yield Fault(where, "its sampler has reviewed it", code="sample_review")
        if before is not None and _share(before, row):
            yield Fault(where, f"it shared its place with {before.id}", code="sample_slot")
        before = row
    yield from _gone_while_held(session)


def _share(before: Sample, after: Sample) -> bool:
    same = (before.cabinet_id, before.slot) == (after.cabinet_id, after.slot)
    return same and (before.disposed_at is None or before.disposed_at > after.placed_at)


def _gone_while_held(session: Session) -> Iterator[Fault]:
    query = (
        select(Sample.id)
        .join(
            SampleHold,
            and_(
                SampleHold.site_id == Sample.site_id,
                *(getattr(SampleHold, name) == getattr(Sample, name) for name in MEAL),
            ),
        )
        .where(
            Sample.disposed_at > SampleHold.held_at,
            or_(SampleHold.lifted_at.is_(None), Sample.disposed_at < SampleHold.lifted_at),
        )
        .distinct()
        .order_by(Sample.id)
    )
    for sample in session.scalars(query.execution_options(yield_per=500)):
        yield Fault(f"sample {sample}", "it was thrown away while it was held", code="sample_held")
