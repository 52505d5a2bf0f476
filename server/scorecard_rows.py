"""The rows behind a contractor's scorecard, as the records of the month tell them."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dafan.records import Policy
from kitchen import cameras, inspections
from kitchen.incidents import Incident
from kitchen.incidents import State as Judged
from kitchen.inspections import SOURCE, Inspection
from kitchen.rectification import Finding, FindingStep, Step
from kitchen.supervision import SupervisionItem
from kitchen.waste import Category
from server.books.sales import Sale
from server.feedback import Feedback, Kind
from server.ratings import DishRating
from server.reports.measures import ask
from server.reports.scope import Dimension, Scope
from server.scorecards import Indicator, Row

Rows = dict[Indicator, list[Row]]


def read(
    session: Session, site_id: UUID, policy: Policy, venues: Sequence[UUID], since: date,
    until: date, now: datetime,
) -> Rows:  # fmt: skip
    """What happened at a contractor's venues in some days, both included.

    Args:
        session: Reads.
        site_id: Whose.
        policy: Of the site.
        venues: That the contractor runs.
        since: First business date.
        until: Last one.
        now: Aware UTC; what is not due yet does not count.
    """
    zone = ZoneInfo(policy.time_zone)
    begins, ends = (datetime.combine(day, time(policy.day_starts_hour), zone)
                    for day in (since, until + timedelta(days=1)))  # fmt: skip
    return {
        Indicator.SUPERVISION: _supervision(session, site_id, since, until, now),
        Indicator.FINDINGS: _findings(session, site_id, venues, (since, until), now, zone),
        Indicator.INCIDENTS: _incidents(session, site_id, begins, ends, zone),
        Indicator.SATISFACTION: _satisfaction(session, site_id, venues, since, until),
        Indicator.COMPLAINTS: _complaints(session, site_id, begins, ends, now),
        Indicator.WASTE: _waste(session, site_id, venues, since, until),
        Indicator.INSPECTION: [
            Row(one.business_date, "", one.score or 0, 1, one.id)
            for one in inspections.ended(session, site_id, since, until, venues)
        ],
    }


def _supervision(
    session: Session, site_id: UUID, since: date, until: date, now: datetime
) -> list[Row]:
    """Acts that were due; done in time is one."""
    item = SupervisionItem
    query = select(item.business_date, item.title, item.done_at, item.due_at, item.id).where(
        item.site_id == site_id, item.business_date.between(since, until), item.due_at < now,
        item.withdrawn_at.is_(None), item.waived_at.is_(None),
    )  # fmt: skip
    return [
        Row(day, title, int(done is not None and done <= due), 1, ident)
        for day, title, done, due, ident in session.execute(query.order_by(item.due_at, item.id))
    ]


def _findings(
    session: Session, site_id: UUID, venues: Sequence[UUID], days: tuple[date, date],
    now: datetime, zone: ZoneInfo,
) -> list[Row]:  # fmt: skip
    """Findings that are due; put right by their day is one. Those of other venues are left out."""
    put = (
        select(FindingStep.finding_id, func.max(FindingStep.at).label("at"))
        .where(FindingStep.site_id == site_id, FindingStep.step == Step.PUT_RIGHT.value)
        .group_by(FindingStep.finding_id)
        .subquery()
    )
    query = (
        select(Finding, put.c.at)
        .outerjoin(put, put.c.finding_id == Finding.id)
        .where(Finding.site_id == site_id, Finding.business_date.between(*days))
        .order_by(Finding.business_date, Finding.id)
    )
    away = _walks_elsewhere(session, site_id, venues, days)
    today = now.astimezone(zone).date()
    found = []
    for row, at in session.execute(query):
        if row.source == SOURCE and row.source_ref in away:
            continue
        right = row.state in {Step.VERIFIED.value, Step.PUT_RIGHT.value} and at is not None
        if right or row.due < today:
            done = right and at.astimezone(zone).date() <= row.due
            found.append(Row(row.business_date, row.what, int(done), 1, row.id))
    return found


def _walks_elsewhere(
    session: Session, site_id: UUID, venues: Sequence[UUID], days: tuple[date, date]
) -> set[str]:
    query = select(Inspection.id).where(
        Inspection.site_id == site_id, Inspection.business_date.between(*days),
        Inspection.venue_id.not_in(list(venues)),
    )  # fmt: skip
    return {str(ident) for ident in session.scalars(query)}


def _incidents(
    session: Session, site_id: UUID, begins: datetime, ends: datetime, zone: ZoneInfo
) -> list[Row]:
    """Each confirmed breach; without a camera nothing is known. The cameras are the first row."""
    watching = sum(one.active for one in cameras.of_site(session, site_id))
    if not watching:
        return []
    query = select(Incident.at, Incident.kind, Incident.id).where(
        Incident.site_id == site_id, Incident.at >= begins, Incident.at < ends,
        Incident.state == Judged.CONFIRMED.value, Incident.kind.in_(cameras.RULES),
    )  # fmt: skip
    rows = session.execute(query.order_by(Incident.at, Incident.id))
    first = Row(begins.astimezone(zone).date(), "", 0, watching)
    return [first, *(Row(at.astimezone(zone).date(), kind, 1, 0, one) for at, kind, one in rows)]


def _satisfaction(
    session: Session, site_id: UUID, venues: Sequence[UUID], since: date, until: date
) -> list[Row]:
    """Stars of each day, and how many gave them."""
    query = (
        select(DishRating.given_on, func.sum(DishRating.stars), func.count())
        .join(Sale, (Sale.id == DishRating.sale_id) & (Sale.site_id == DishRating.site_id))
        .where(
            DishRating.site_id == site_id, DishRating.given_on.between(since, until),
            Sale.venue_id.in_(list(venues)),
        )
        .group_by(DishRating.given_on)
        .order_by(DishRating.given_on)
    )  # fmt: skip
    return [Row(day, "", int(stars), many) for day, stars, many in session.execute(query)]


def _complaints(
    session: Session, site_id: UUID, begins: datetime, ends: datetime, now: datetime
) -> list[Row]:
    """Complaints that were answered, or should have been; answered in time is one."""
    query = select(Feedback).where(
        Feedback.site_id == site_id, Feedback.kind == Kind.COMPLAINT.value,
        Feedback.said_at >= begins, Feedback.said_at < ends,
    )  # fmt: skip
    found = []
    for row in session.scalars(query.order_by(Feedback.said_at, Feedback.id)):
        if row.answered_at is not None or row.due_at < now:
            done = row.answered_at is not None and row.answered_at <= row.due_at
            day = row.said_at.astimezone(begins.tzinfo).date()
            found.append(Row(day, row.text[:60], int(done), 1, row.id))
    return found


def _waste(
    session: Session, site_id: UUID, venues: Sequence[UUID], since: date, until: date
) -> list[Row]:
    """Grams left on plates of each day on which it was weighed, and the covers of that day."""
    grams: dict[date, int] = {}
    covers: dict[date, int] = {}
    for venue in venues:
        at = {Dimension.VENUE: venue}
        plate = Scope(since, until, {**at, Dimension.CATEGORY: Category.PLATE.value})
        left = ask(session, site_id, ["waste_grams"], plate, [Dimension.DAY])
        ate = ask(session, site_id, ["covers"], Scope(since, until, at), [Dimension.DAY])
        for (day,), values in left.items():
            grams[day] = grams.get(day, 0) + (values["waste_grams"] or 0)
        for (day,), values in ate.items():
            covers[day] = covers.get(day, 0) + (values["covers"] or 0)
    return [Row(day, "", grams[day], covers.get(day, 0)) for day in sorted(grams)]
