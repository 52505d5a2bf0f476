"""What looks after the samples by itself, every few minutes: it raises alarms, each one once."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from dafan.acting import Acting
from kitchen import cabinet, sample_alarms, sample_rules, samples
from kitchen.cabinet import CabinetAlarm
from kitchen.meals import Meal
from kitchen.sample_alarms import AlarmKind
from kitchen.sample_rules import DueState, KeptState, SampleRules
from kitchen.samples import Sample


def watch_meal(
    session: Session,
    actor: Acting,
    meal: Meal,
    dishes: Sequence[UUID],
    *,
    ends: datetime,
    rules: SampleRules | None = None,
) -> int:
    """Raise an alarm for every dish whose sample is missing; tells how many are new.

    Args:
        session: Writing.
        actor: The program; now is its moment.
        meal: Whose samples.
        dishes: Its menu, or what was served.
        ends: When the meal ends.
        rules: Of the site.
    """
    limits = rules or SampleRules()
    due = samples.due_at_meal(
        session, actor.site_id, meal, dishes, now=actor.at, ends=ends, rules=limits
    )
    since = sample_rules.red_from(ends, limits)
    new = 0
    for one in due:
        if one.state is DueState.MISSING:
            new += sample_alarms.sound(
                session, actor, meal, AlarmKind.MISSING, one.dish_id, since=since
            )
        elif one.state is DueState.TAKEN:  # taken in the very moment in which the alarm was raised
            sample_alarms.done(session, actor, meal, AlarmKind.MISSING, one.dish_id)
    return new


def watch_kept(session: Session, actor: Acting, rules: SampleRules | None = None) -> int:
    """Raise an alarm for every sample that should have gone long ago; tells how many are new."""
    limits = rules or SampleRules()
    query = select(Sample).where(
        Sample.site_id == actor.site_id,
        Sample.disposed_at.is_(None),
        Sample.due_at <= actor.at - timedelta(hours=limits.overdue_hours),
    )
    new = 0
    for sample in session.scalars(query.order_by(Sample.id)).all():
        held = samples.is_held(session, actor.site_id, sample.meal)
        state = sample_rules.kept_state(sample.due_at, sample.disposed_at, held, actor.at, limits)
        if state is KeptState.OVERDUE:
            new += sample_alarms.sound(
                session, actor, sample.meal, AlarmKind.OVERDUE, sample.id, since=sample.due_at
            )
    return new


def watch_cabinet(
    session: Session, actor: Acting, cabinet_id: UUID, alarms: Sequence[CabinetAlarm]
) -> int:
    """Raise an alarm for every sample that lay in a cabinet while its temperature was wrong.

    Args:
        session: Writing.
        actor: The program.
        cabinet_id: Of the site.
        alarms: What :func:`kitchen.cabinet.judge` found.
    """
    if not alarms:
        return 0
    query = select(Sample).where(
        Sample.site_id == actor.site_id,
        Sample.cabinet_id == cabinet_id,
        or_(
            Sample.disposed_at.is_(None),
            Sample.disposed_at > min(alarm.since for alarm in alarms),
        ),
    )
    new = 0
    for sample in session.scalars(query.order_by(Sample.id)).all():
        for alarm in sample_rules.touching(alarms, sample.placed_at, sample.disposed_at):
            new += sample_alarms.sound(
                session, actor, sample.meal, AlarmKind.TEMPERATURE, sample.id,
                since=alarm.since, detail=cabinet.describe(alarm),
            )  # fmt: skip
    return new
