"""The kitchen's day as the server drives it: its list, its alarms, and what other records prove."""

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from dafan.clock import business_date
from dafan.db import reading, writing
from dafan.records import Policy
from kitchen import (
    cabinet,
    limits,
    menus,
    meters,
    morning,
    production,
    receiving_posting,
    sample_watch,
    samples,
    staff,
    supervision,
    supervision_templates,
)
from kitchen import dishes as kitchen_dishes
from kitchen.cabinet import Cabinet, CabinetAlarm, CabinetKind, CabinetReading, CabinetRules
from kitchen.dishes import Dish
from kitchen.meals import Meal
from kitchen.menus import MenuDay
from kitchen.production import Batch, BatchState
from kitchen.sample_rules import Due, DueState, KeptState, SampleRules, kept_state
from kitchen.samples import Sample
from kitchen.staff import CertificateKind, StaffRules
from kitchen.supervision import SupervisionItem
from kitchen.supervision_score import State, state_of
from kitchen.supervision_templates import Edge, Hours, Moment
from server import exceptions, scales, sites
from server.actor import Actor
from server.books.sales import Sale, SaleLine

PROGRAM = "supervision"
"""Who makes the list and tells on it, in the journal of changes."""
CERTIFICATE_ENDS = "certificate_ends"
"""Code of the exception that says so."""
WATCHED_DAYS = 2
"""Cabinets are judged over the present business date and the one before."""


def make_list(session: Session, actor: Actor, policy: Policy) -> None:
    """Make the list of the site's present day, or bring it up to a changed template."""
    nothing_for = _idle(session, actor.site_id, policy, actor.at)
    supervision.generate(session, actor, today(policy, actor.at), hours(policy), nothing_for)


def _idle(session: Session, site_id: UUID, policy: Policy, now: datetime) -> frozenset[str]:
    """Kinds of proof that nothing waits for at this site: their acts are not on its list."""
    wanted = scales.wants_check(session, site_id, policy, now)
    return frozenset() if wanted else frozenset({scales.CHECKED})


def today(policy: Policy, now: datetime) -> date:
    """The site's business date."""
    return business_date(now, ZoneInfo(policy.time_zone), policy.day_starts_hour)


def hours(policy: Policy) -> Hours:
    """The time of a site, as the kitchen's list needs it."""
    return Hours(ZoneInfo(policy.time_zone), policy.periods, policy.day_starts_hour)


def window(policy: Policy, day: date, period: str) -> tuple[datetime, datetime] | None:
    """When a meal begins and ends, aware UTC; ``None`` where the site has no such period."""
    for one in policy.periods:
        if one.code == period:
            edges = (Moment(meal=edge) for edge in (Edge.STARTS, Edge.ENDS))
            starts, ends = (
                supervision_templates.moment(edge, day, one, hours(policy)) for edge in edges
            )
            return starts, ends
    return None


def drive(engine: Engine, now: datetime) -> str:
    """Keep the list of every site whose kitchen has looked at its list before."""
    told = 0
    for site_id in _kitchens(engine):
        with reading(engine) as session:
            policy = sites.policy(session, site_id)
            stands = _stands(session, site_id, policy, now)
        with writing(engine) as session:
            actor = Actor(site_id, PROGRAM, now)
            if not stands:
                make_list(session, actor, policy)
            catch_up(session, actor, today(policy, now))
            told += len(supervision.escalate(session, actor))
    return f"{told} late acts told on"


def catch_up(session: Session, actor: Actor, day: date) -> None:
    """Close what waits although its records are whole: the last two of them were made at once.

    On PostgreSQL two transactions that overlap do not see each other, so that none of them closed
    it. It counts as done when the last record was made, and is told on no more.
    """
    query = select(SupervisionItem.fulfilled_by).where(
        SupervisionItem.site_id == actor.site_id,
        SupervisionItem.business_date == day,
        SupervisionItem.fulfilled_by.in_(_CATCH_UP),
        SupervisionItem.done_at.is_(None),
        SupervisionItem.waived_at.is_(None),
        SupervisionItem.withdrawn_at.is_(None),
    )
    for kind in sorted(one for one in session.scalars(query.distinct()) if one):
        _CATCH_UP[kind](session, actor, day)


def _catch_up_samples(session: Session, actor: Actor, day: date) -> None:
    policy = sites.policy(session, actor.site_id)
    for meal in meals_of(session, actor.site_id, day):
        taken = [one.sampled_at for one in samples.of_meal(session, actor.site_id, meal)]
        if taken:
            sampled(session, actor, meal, policy, when=max(taken))


def _catch_up_disposal(session: Session, actor: Actor, day: date) -> None:
    query = select(func.max(Sample.disposed_at)).where(Sample.site_id == actor.site_id)
    last = session.scalar(query)
    if last is not None:
        disposed(session, actor, day, when=last)


_CATCH_UP: dict[str, Callable[[Session, Actor, date], None]] = {
    "morning.all": morning.catch_up,
    "meters.day": meters.catch_up,
    "receiving.day": receiving_posting.catch_up,
    "samples.meal": _catch_up_samples,
    "samples.disposed": _catch_up_disposal,
    scales.CHECKED: scales.catch_up,
}
"""Kinds that wait for the last of several records. Those of a temperature are looked at by
:func:`watch`; every other kind is proved by one record alone."""


def _stands(session: Session, site_id: UUID, policy: Policy, now: datetime) -> bool:
    """Whether the day's list is as the template wants it; asked without a lock."""
    day = today(policy, now)
    rows = {row.code: row for row in supervision.day_list(session, site_id, day)}
    idle = _idle(session, site_id, policy, now)
    template = supervision_templates.in_force(session, site_id)
    acts = [one for one in template.acts if one.fulfilled_by not in idle]
    planned = {one.code: one for one in supervision_templates.plan(acts, day, hours(policy))}
    open_rows = {code for code, row in rows.items() if state_of(row, now) is State.OPEN}
    if planned.keys() - rows.keys() or open_rows - planned.keys():
        return False
    return not any(supervision.differs(rows[code], planned[code]) for code in open_rows)


def watch(engine: Engine, now: datetime) -> str:
    """Raise the alarms of every kitchen: samples that are missing or stay, cabinets that fail."""
    new = 0
    for site_id in _keepers(engine):
        with writing(engine) as session:
            new += watch_site(session, Actor(site_id, PROGRAM, now))
    return f"{new} new alarms"


def watch_site(session: Session, actor: Actor) -> int:
    """As :func:`watch`, of one site; tells how many alarms are new."""
    policy = sites.policy(session, actor.site_id)
    rules = limits.of(session, actor.site_id, SampleRules)
    day, new = today(policy, actor.at), 0
    for meal in meals_of(session, actor.site_id, day):
        edges = window(policy, day, meal.period)
        if edges is not None:
            dishes = dishes_of(session, actor.site_id, meal)
            new += sample_watch.watch_meal(
                session, actor, meal, dishes, ends=edges[1], rules=rules
            )  # fmt: skip
    new += sample_watch.watch_kept(session, actor, rules)
    for row, alarms in troubles(session, actor.site_id, day, actor.at):
        new += sample_watch.watch_cabinet(session, actor, row.id, alarms)
    readings_done(session, actor, day)
    return new


def meals_of(session: Session, site_id: UUID, day: date) -> list[Meal]:
    """The meals of a day that have a published menu, a batch, or a sale."""
    found: set[Meal] = set()
    for table, more in (
        (MenuDay, MenuDay.state == menus.State.PUBLISHED.value),
        (Batch, Batch.state != BatchState.CANCELLED.value),
        (Sale, Sale.cancelled.is_(False)),
    ):
        columns = (table.business_date, table.period, table.venue_id)
        query = select(*columns).where(table.site_id == site_id, table.business_date == day, more)
        found |= {Meal(*row) for row in session.execute(query.distinct())}
    return sorted(found, key=str)


def dishes_of(session: Session, site_id: UUID, meal: Meal) -> list[UUID]:
    """Dishes of a meal that need a sample: of its published menu, its batches, its sales.

    A dish whose batches were all cancelled is not served, unless a till sold it.
    """
    menu = menus.find(session, site_id, meal)
    published = menu is not None and menu.state is menus.State.PUBLISHED
    wanted = [item.dish_id for item in menu.items] if menu is not None and published else []
    batches = production.of_meal(session, site_id, meal)
    cooked = [row.dish_id for row in batches if row.state != BatchState.CANCELLED.value]
    dropped = {row.dish_id for row in batches} - set(cooked)
    query = select(SaleLine.dish_id).join(Sale, SaleLine.sale_id == Sale.id)
    query = query.join(Dish, Dish.id == SaleLine.dish_id)
    query = query.where(
        Sale.site_id == site_id, *meal.match(Sale), Sale.cancelled.is_(False),
        SaleLine.site_id == site_id, SaleLine.business_date == meal.day, Dish.site_id == site_id,
    ).distinct()  # fmt: skip
    sold = sorted(session.scalars(query))
    served = dict.fromkeys([*(one for one in wanted + cooked if one not in dropped), *sold])
    kept = kitchen_dishes.sampled(session, site_id, served)
    return [one for one in served if one in kept]


def due(
    session: Session, site_id: UUID, meal: Meal, policy: Policy, now: datetime
) -> tuple[Due, ...]:
    """What the samples of a meal have come to."""
    edges = window(policy, meal.day, meal.period)
    return samples.due_at_meal(
        session, site_id, meal, dishes_of(session, site_id, meal), now=now,
        ends=edges[1] if edges else now + timedelta(days=1),
        rules=limits.of(session, site_id, SampleRules),
    )  # fmt: skip


def sampled(
    session: Session, actor: Actor, meal: Meal, policy: Policy, *, when: datetime | None = None
) -> None:
    """Close the act of a meal's samples, where none is left to take."""
    found = due(session, actor.site_id, meal, policy, actor.at)
    if found and all(one.state is DueState.TAKEN for one in found):
        supervision.fulfil(
            session, actor, "samples.meal", str(meal)[:80], day=meal.day, meal=meal.period,
            when=when,
        )  # fmt: skip


def disposed(session: Session, actor: Actor, day: date, *, when: datetime | None = None) -> None:
    """Close the act of throwing samples away, where none is left that may go."""
    query = select(Sample).where(
        Sample.site_id == actor.site_id, Sample.disposed_at.is_(None), Sample.due_at <= actor.at
    )
    rules = limits.of(session, actor.site_id, SampleRules)
    for row in session.scalars(query):
        held = samples.is_held(session, actor.site_id, row.meal)
        state = kept_state(row.due_at, row.disposed_at, held, actor.at, rules)
        if state is not KeptState.HELD:
            return
    supervision.fulfil(session, actor, "samples.disposed", "samples", day=day, when=when)


def collected(session: Session, actor: Actor, day: date, ref: str) -> None:
    """Close the act of the day's food waste (日产日清): the collector has signed.

    It counts within the window of the act, and as soon as the last meal that the day has is over:
    a canteen of lunches need not wait for the evening.
    """
    policy = sites.policy(session, actor.site_id)
    edges = [window(policy, day, meal.period) for meal in meals_of(session, actor.site_id, day)]
    ends = [one[1] for one in edges if one is not None]
    over = bool(ends) and max(ends) <= actor.at
    supervision.fulfil(session, actor, "waste.day", ref, day=day, early=over)


def troubles(
    session: Session, site_id: UUID, day: date, now: datetime
) -> list[tuple[Cabinet, tuple[CabinetAlarm, ...]]]:
    """Every cabinet in use, and what was wrong with it yesterday and today."""
    found = []
    for row in cabinet.in_use(session, site_id):
        series = cabinet.series(session, site_id, row.id, day - timedelta(WATCHED_DAYS - 1), day)
        found.append((row, cabinet.judge(series, cabinet.rules_of(session, row), now)))
    return found


_SORTS: dict[str, Callable[[Cabinet], bool]] = {
    "sample_cabinet.reading": lambda row: row.kind == CabinetKind.CHILLED and row.slots > 0,
    "fridge.reading": lambda row: row.kind == CabinetKind.CHILLED and row.slots == 0,
    "freezer.reading": lambda row: row.kind == CabinetKind.FROZEN,
}


def readings_done(session: Session, actor: Actor, day: date) -> None:
    """Close the acts of reading temperatures once every cabinet of their sort was read in time.

    The number of the act is that of the cabinet that is furthest off.
    """
    waiting = session.scalars(
        select(SupervisionItem).where(
            SupervisionItem.site_id == actor.site_id,
            SupervisionItem.business_date == day,
            SupervisionItem.fulfilled_by.in_(_SORTS),
            SupervisionItem.done_at.is_(None),
            SupervisionItem.waived_at.is_(None),
            SupervisionItem.withdrawn_at.is_(None),
            SupervisionItem.opens_at <= actor.at,
        )
    ).all()
    if not waiting:
        return
    cabinets = cabinet.in_use(session, actor.site_id)
    for kind in sorted({row.fulfilled_by for row in waiting if row.fulfilled_by}):
        latest = max(row.opens_at for row in waiting if row.fulfilled_by == kind)
        own = [row for row in cabinets if _SORTS[kind](row)]
        read = [_last_since(session, row, day, latest) for row in own]
        numbers = [one for one in read if one is not None]
        if own and len(numbers) == len(own):
            supervision.fulfil(
                session, actor, kind, str(own[0].id), day=day,
                number=_furthest(numbers, cabinet.rules_of(session, own[0])),
            )  # fmt: skip


def _last_since(session: Session, row: Cabinet, day: date, since: datetime) -> int | None:
    query = select(CabinetReading.tenths).where(
        CabinetReading.site_id == row.site_id,
        CabinetReading.business_date == day,
        CabinetReading.cabinet_id == row.id,
        CabinetReading.at >= since,
    )
    return session.scalar(query.order_by(CabinetReading.at.desc()).limit(1))


def _furthest(numbers: Iterable[int], rules: CabinetRules) -> int:
    if rules.lowest is None:
        return max(numbers)
    middle = (rules.lowest + rules.highest) / 2
    return max(numbers, key=lambda number: abs(number - middle))


def _kitchens(engine: Engine) -> list[UUID]:
    with reading(engine) as session:
        return [
            site.id
            for site in sites.all_sites(session)
            if session.scalar(
                select(SupervisionItem.id).where(SupervisionItem.site_id == site.id).limit(1)
            )
        ]


def _keepers(engine: Engine) -> list[UUID]:
    """Sites that keep samples, or have a cabinet to keep them in."""
    with reading(engine) as session:
        return list(session.scalars(select(Cabinet.site_id).distinct().order_by(Cabinet.site_id)))


def warn_of_certificates(engine: Engine, now: datetime) -> str:
    """Put every health certificate that ended or ends soon on the list of exceptions, once."""
    warned = 0
    with reading(engine) as session:
        site_ids = [site.id for site in sites.all_sites(session)]
    for site_id in site_ids:
        with writing(engine) as session:
            warn_days = limits.of(session, site_id, StaffRules).warn_days
            last = sites.business_date(session, site_id, now) + timedelta(days=warn_days)
            for worker, kind, expires in staff.ending(session, site_id, last):
                detail = f"{worker.name} · {worker.post} · {expires}"
                told = exceptions.is_told(session, site_id, CERTIFICATE_ENDS, detail)
                if kind is CertificateKind.HEALTH and not told:
                    exceptions.add(session, site_id, CERTIFICATE_ENDS, now, detail=detail)
                    warned += 1
    return f"{warned} health certificates end"
