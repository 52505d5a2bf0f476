"""The canteen at a moment (一屏通览): every figure read as cheaply as its own page knows it."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from uuid import UUID

from sqlalchemy import and_, case, func, select
from sqlalchemy.orm import Session

from dafan.records import MealPeriod, Policy
from kitchen import limits, stock_alerts, supervision
from kitchen.incidents import Incident
from kitchen.incidents import State as Judged
from kitchen.meals import Meal
from kitchen.rectification import Finding, Step
from kitchen.sample_alarms import AlarmKind, SampleAlarm
from kitchen.sample_rules import DueState, KeptState, SampleRules, kept_state
from kitchen.samples import Sample, is_held
from kitchen.stock_alerts import Alert, Warned
from kitchen.supervision import SupervisionItem
from kitchen.supervision_score import State, state_of
from server import buying, exceptions, kitchen_day, sites, till_states
from server.books.sales import Sale
from server.feedback import Feedback
from server.glance_rules import (
    Acts,
    Complaints,
    Gauge,
    Glance,
    GlanceRules,
    Incidents,
    MealNow,
    Money,
    Paying,
    Queue,
    Samples,
    Stock,
    Tills,
    Verdict,
    Waste,
    judge,
)
from server.reports import measures
from server.reports.day_rows import seconds_between
from server.reports.kept import keep
from server.reports.scope import Dimension, Scope
from server.scale_rules import Watch

LATELY = timedelta(minutes=10)
"""So far back the queue is looked at."""
CLOSE = timedelta(seconds=10)
"""Who begins so soon after the one before stood behind him."""
WEEK = timedelta(days=7)
KEPT_MOST = 500
"""Samples past their time that are looked at."""
_DONE = {State.DONE, State.DONE_LATE, State.WAIVED}
_LATE = {State.LATE, State.ESCALATED}


@dataclass(frozen=True, slots=True)
class Seen:
    """What the one screen shows, its lights, and the rows that a person should see to."""

    glance: Glance
    lights: Mapping[Gauge, Verdict]
    tills: Sequence[till_states.State]
    late_acts: Sequence[SupervisionItem]
    warned: Sequence[Warned]
    weighing: Watch


def look_at(
    session: Session, site_id: UUID, policy: Policy, day: date, now: datetime, weighing: Watch
) -> Seen:
    """A business date of a site, as it stands at this moment.

    Args:
        session: Reads, and nothing else: what was read once is kept.
        site_id: Whose.
        policy: Of the site.
        day: The present one, or one that is over.
        now: Aware UTC.
        weighing: How its scales stand.
    """
    keep(session)
    sold = _sold(session, site_id, day)
    meal = _meal(session, site_id, policy, day, now, sold["covers"])
    tills = till_states.states(session, site_id, now)
    items = supervision.day_list(session, site_id, day)
    warned = stock_alerts.alerts(session, site_id, day)
    glance = Glance(
        at=now,
        day=day,
        covers=sold["covers"].total(),
        meal=meal,
        paying=_paying(session, site_id, day, meal.period if meal else ""),
        queue=_queue(session, site_id, now),
        tills=_tills(tills, weighing),
        money=Money(*(sold[code].total() for code in ("net", "income", "subsidy"))),
        waste=_waste(session, site_id, day),
        samples=_samples(session, site_id, policy, meal, day, now),
        acts=_acts(items, now),
        incidents=_incidents(session, site_id, day),
        stock=_stock(warned),
        complaints=_complaints(session, site_id, now),
        exceptions=exceptions.count_open(session, site_id),
    )  # fmt: skip
    late = [item for item in items if state_of(item, now) in _LATE]
    rules = limits.of(session, site_id, GlanceRules)
    return Seen(glance, judge(glance, rules), tills, late, warned, weighing)


def meal_at(
    policy: Policy, day: date, now: datetime
) -> tuple[MealPeriod, datetime, datetime] | None:
    """The meal that is served; else the last one that began; else the first one of the day."""
    found = []
    for period in policy.periods:
        edges = kitchen_day.window(policy, day, period.code)
        if edges is not None:
            found.append((period, *edges))
    found.sort(key=lambda one: one[1])
    begun = [one for one in found if one[1] <= now]
    return begun[-1] if begun else next(iter(found), None)


def _sold(session: Session, site_id: UUID, day: date) -> dict[str, Counter[str]]:
    """Measure → meal period → value; a cover belongs to one meal, so that meals add up."""
    codes = ["covers", "net", "income", "subsidy"]
    found: dict[str, Counter[str]] = {code: Counter() for code in codes}
    by_meal = measures.ask(session, site_id, codes, Scope(day, day), [Dimension.MEAL])
    for (period,), values in by_meal.items():
        for code in codes:
            found[code][period or ""] += values[code] or 0
    return found


def _meal(
    session: Session,
    site_id: UUID,
    policy: Policy,
    day: date,
    now: datetime,
    covers: Mapping[str, int],
) -> MealNow | None:
    at = meal_at(policy, day, now)
    if at is None:
        return None
    period, starts, ends = at
    expected = 0
    for venue in sites.venues(session, site_id):
        for one in buying.coming(session, site_id, venue.id, [period.code], day, day, day):
            expected += one.covers
    return MealNow(period.code, starts, ends, covers.get(period.code, 0), expected or None)


def _paying(session: Session, site_id: UUID, day: date, period: str) -> Paying:
    """Of the meal's sales; the places of the median and of 95 % are read, not the rows."""
    where = (Sale.site_id == site_id, Sale.business_date == day, Sale.period == period)
    count = session.scalar(select(func.count()).where(*where)) or 0
    if not count:
        return Paying()
    took = seconds_between(Sale.opened_at, Sale.paid_at)
    query = select(took).where(*where).order_by(took)

    def at(share: float) -> float:
        place = max(math.ceil(count * share) - 1, 0)
        return float(session.scalar(query.offset(place).limit(1)) or 0)

    return Paying(count, at(0.5), at(0.95))


def _queue(session: Session, site_id: UUID, now: datetime) -> Queue:
    query = (
        select(Sale.terminal_id, Sale.opened_at, Sale.paid_at)
        .where(Sale.site_id == site_id, Sale.paid_at.between(now - LATELY, now))
        .order_by(Sale.terminal_id, Sale.paid_at)
    )
    rows = session.execute(query).all()
    close = pairs = 0
    for before, after in pairwise(rows):
        if before.terminal_id == after.terminal_id:
            pairs += 1
            close += after.opened_at - before.paid_at <= CLOSE
    return Queue(len(rows), len({row.terminal_id for row in rows}), close, pairs)


def _tills(tills: Sequence[till_states.State], weighing: Watch) -> Tills:
    return Tills(
        sum(one.online for one in tills), len(tills),
        max((one.behind for one in tills if one.online), default=0),
        sum(one.forked for one in tills),
        weighing.barred, weighing.soon, weighing.loose,
    )  # fmt: skip


def _waste(session: Session, site_id: UUID, day: date) -> Waste:
    codes = ["waste_grams", "waste_per_cover"]
    days = measures.ask(session, site_id, codes, Scope(day - WEEK, day), [Dimension.DAY])
    now, then = (days.get((one,), {}) for one in (day, day - WEEK))
    before = then.get("waste_per_cover") if then.get("waste_grams") else None
    return Waste(now.get("waste_grams") or 0, now.get("waste_per_cover"), before)


def _samples(
    session: Session, site_id: UUID, policy: Policy, meal: MealNow | None, day: date, now: datetime
) -> Samples:
    """The meal now dish by dish; what is wrong besides, as the alarms say."""
    states: Counter[DueState] = Counter()
    missing: set[tuple[Meal, UUID]] = set()
    if meal is not None:
        for one in kitchen_day.meals_of(session, site_id, day):
            if one.period == meal.period:
                found = kitchen_day.due(session, site_id, one, policy, now)
                states.update(each.state for each in found)
                red = (each for each in found if each.state is DueState.MISSING)
                missing |= {(one, each.dish_id) for each in red}
    query = select(SampleAlarm).where(
        SampleAlarm.site_id == site_id, SampleAlarm.business_date == day,
        SampleAlarm.kind == AlarmKind.MISSING.value, SampleAlarm.done.is_(False),
        SampleAlarm.closed_at.is_(None),
    )  # fmt: skip
    missing |= {
        (Meal(row.business_date, row.period, row.venue_id), row.subject)
        for row in session.scalars(query)
    }
    return Samples(
        states[DueState.TAKEN], states.total(), len(missing), _uncollected(session, site_id, now)
    )


def _uncollected(session: Session, site_id: UUID, now: datetime) -> int:
    """Samples that should have been thrown away."""
    rules = limits.of(session, site_id, SampleRules)
    query = select(Sample).where(
        Sample.site_id == site_id, Sample.disposed_at.is_(None),
        Sample.due_at <= now - timedelta(hours=rules.overdue_hours),
    )  # fmt: skip
    late = session.scalars(query.limit(KEPT_MOST)).all()
    held = {meal: is_held(session, site_id, meal) for meal in {row.meal for row in late}}
    return sum(
        kept_state(row.due_at, row.disposed_at, held[row.meal], now, rules) is not KeptState.HELD
        for row in late
    )


def _acts(items: Sequence[SupervisionItem], now: datetime) -> Acts:
    states = Counter(state_of(item, now) for item in items)
    waiting = [item.due_at for item in items if state_of(item, now) is State.OPEN]
    return Acts(
        sum(states[one] for one in _DONE), len(items), sum(states[one] for one in _LATE),
        states[State.DONE_LATE], min(waiting, default=None),
    )  # fmt: skip


def _incidents(session: Session, site_id: UUID, day: date) -> Incidents:
    found = Incident.state == Judged.FOUND.value
    confirmed = and_(Incident.state == Judged.CONFIRMED.value, Finding.state != Step.VERIFIED.value)
    row = session.execute(
        select(
            func.coalesce(func.sum(case((found, 1), else_=0)), 0),
            func.coalesce(func.sum(case((confirmed, 1), else_=0)), 0),
            func.min(case((found, Incident.at))),
        )
        .outerjoin(
            Finding, (Finding.id == Incident.finding_id) & (Finding.site_id == Incident.site_id)
        )
        .where(Incident.site_id == site_id, found | confirmed)
    ).one()
    late = select(func.count()).where(
        Finding.site_id == site_id, Finding.state != Step.VERIFIED.value, Finding.due < day
    )
    return Incidents(int(row[0]) + int(row[1]), int(row[0]), row[2], session.scalar(late) or 0)


def _stock(warned: Sequence[Warned]) -> Stock:
    count = Counter(one.alert for one in warned)
    return Stock(
        count[Alert.EXPIRED], count[Alert.HELD], count[Alert.LAST_THIRD],
        count[Alert.BELOW_MINIMUM],
    )  # fmt: skip


def _complaints(session: Session, site_id: UUID, now: datetime) -> Complaints:
    late = Feedback.due_at < now
    row = session.execute(
        select(
            func.count(),
            func.coalesce(func.sum(case((late, 1), else_=0)), 0),
            func.min(case((~late, Feedback.due_at))),
        ).where(Feedback.site_id == site_id, Feedback.answered_at.is_(None))
    ).one()
    return Complaints(int(row[0]), int(row[1]), row[2])
