"""The contractor's scorecard (外包考核): what the books know of a month, weighed by the site.

Every indicator is summed up from rows that a page shows; nothing is typed in. The manager signs a
month once it is over: from then on it stands as it was signed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, String
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base
from dafan.errors import BadInputError
from kitchen import limits
from server.actor import Actor
from server.reports.frame import per
from server.sites import Body, Venue

FULL = 1000
"""Points are thousandths."""
FEWEST_RATINGS = 5
"""Fewer ratings say nothing; as in :mod:`server.ratings`."""
WHOLE = 100
HALF = 50
"""Of the weights: where less is known there is no score."""


class Indicator(StrEnum):
    """What is looked at, in the order of the card."""

    SUPERVISION = "supervision"
    FINDINGS = "findings"
    INCIDENTS = "incidents"
    SATISFACTION = "satisfaction"
    COMPLAINTS = "complaints"
    WASTE = "waste"
    INSPECTION = "inspection"


SITE_WIDE = frozenset({Indicator.SUPERVISION, Indicator.INCIDENTS, Indicator.COMPLAINTS})
"""Their rows belong to no venue: every contractor of the site has the same."""


@dataclass(frozen=True, slots=True)
class ScoreRules:
    """Weights, which make 100 together, and what costs how much."""

    supervision: int = 20
    findings: int = 15
    incidents: int = 15
    satisfaction: int = 15
    complaints: int = 10
    waste: int = 10
    inspection: int = 15
    incident_points: int = 5
    """So many of 100 points an incident costs."""
    plate_grams: int = 40
    """Left on the plate of a cover, so much costs nothing; twice as much costs all."""

    def weight(self, indicator: Indicator) -> int:
        """Of 100."""
        return int(getattr(self, indicator.value))


@dataclass(frozen=True, slots=True)
class Row:
    """Something that happened, and what it counts.

    Attributes:
        day: When.
        what: In the words of the record.
        value: What it adds to the indicator.
        of: Out of how much.
        ref: Id of the record; ``None``: a day's sum.
    """

    day: date
    what: str
    value: int
    of: int
    ref: UUID | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One indicator of a card.

    Attributes:
        value: Sum of its rows.
        of: Out of how much.
        points: Thousandths; ``None`` where nothing is known, so that it does not count.
    """

    indicator: Indicator
    weight: int
    value: int
    of: int
    points: int | None


@dataclass(frozen=True, slots=True)
class Card:
    """A contractor's month; ``score`` in thousandths, ``None`` where too little is known."""

    lines: tuple[Line, ...]
    score: int | None


class Scorecard(Base):
    """A month that was signed; written once, never changed."""

    __tablename__ = "scorecard"

    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    body_id: Mapped[UUID] = mapped_column(primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    """Its first day."""
    score: Mapped[int]
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    note: Mapped[str] = mapped_column(String(500))
    signed_by: Mapped[str] = mapped_column(String(80))
    signed_at: Mapped[datetime]

    @property
    def card(self) -> Card:
        """As it was signed."""
        told = (Line(**{**each, "indicator": Indicator(each["indicator"])}) for each in self.lines)
        return Card(tuple(told), self.score)


def points(indicator: Indicator, value: int, of: int, rules: ScoreRules) -> int | None:
    """Thousandths that an indicator is worth; ``None``: nothing is known."""
    if of <= 0:
        return None
    if indicator is Indicator.INCIDENTS:
        return max(FULL - 10 * rules.incident_points * value, 0)
    if indicator is Indicator.SATISFACTION:
        return per(FULL * (value - of), 4 * of) if of >= FEWEST_RATINGS else None
    if indicator is Indicator.WASTE:
        allowed = rules.plate_grams * of
        found = per(FULL * (2 * allowed - value), allowed) if allowed else None
        return None if found is None else min(max(found, 0), FULL)
    if indicator is Indicator.INSPECTION:
        return per(value, of)
    return per(FULL * value, of)


def make(behind: Mapping[Indicator, Iterable[Row]], rules: ScoreRules) -> Card:
    """The card of what happened; what is not known does not count, and its weight neither."""
    lines = []
    for indicator in Indicator:
        rows = list(behind.get(indicator, ()))
        value, of = sum(row.value for row in rows), sum(row.of for row in rows)
        got = points(indicator, value, of, rules)
        lines.append(Line(indicator, rules.weight(indicator), value, of, got))
    known = [line for line in lines if line.points is not None]
    whole = sum(line.weight for line in known)
    total = sum(line.weight * (line.points or 0) for line in known)
    return Card(tuple(lines), per(total, whole) if whole >= HALF else None)


def months(month: date) -> tuple[date, date]:
    """First and last day of a month."""
    first = month.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def rules_of(session: Session, site_id: UUID) -> ScoreRules:
    """What the site decided."""
    return limits.of(session, site_id, ScoreRules)


def decide(session: Session, actor: Actor, rules: ScoreRules) -> ScoreRules:
    """Weigh otherwise; signed months stay.

    Raises:
        BadInputError: a weight is below zero, or they do not make 100.
    """
    weights = [rules.weight(one) for one in Indicator]
    if min(weights) < 0 or sum(weights) != WHOLE:
        raise BadInputError("the weights make 100 together", code="bad_weights")
    if not (0 <= rules.incident_points <= WHOLE and 1 <= rules.plate_grams <= WHOLE * 10):
        raise BadInputError("these limits do not make sense", code="bad_weights")
    usual = asdict(ScoreRules())
    told = {name: value for name, value in asdict(rules).items() if value != usual[name]}
    return limits.decide(session, actor, ScoreRules, told)


def signed(session: Session, site_id: UUID, body_id: UUID, month: date) -> Scorecard | None:
    """The signed card of a month; none: nobody has signed it."""
    return session.get(Scorecard, (site_id, body_id, month.replace(day=1)))


def sign(
    session: Session, actor: Actor, body_id: UUID, month: date, card: Card, today: date, note: str
) -> Scorecard:
    """Sign a month that is over, once; signed again, the first one stands.

    Raises:
        BadInputError: the month still runs, or nothing is known of it.
    """
    first, last = months(month)
    known = signed(session, actor.site_id, body_id, first)
    if known is not None:
        return known
    if today <= last:
        raise BadInputError("the month is not over: sign it when it is", code="month_runs")
    if card.score is None:
        raise BadInputError("too little is known of this month: there is no score", code="no_score")
    row = Scorecard(
        site_id=actor.site_id, body_id=body_id, month=first, score=card.score,
        lines=[asdict(line) for line in card.lines], note=note.strip()[:500],
        signed_by=actor.name[:80], signed_at=actor.at,
    )  # fmt: skip
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return session.get_one(Scorecard, (actor.site_id, body_id, first), populate_existing=True)
    after = {"month": first.isoformat(), "body": str(body_id), "score": card.score}
    actor.record(session, "scorecard.sign", f"{body_id} {first:%Y-%m}", None, after)
    return row


def venues_of(bodies: Sequence[Body], venues: Sequence[Venue], body_id: UUID) -> list[Venue]:
    """What a contractor runs; a venue without a body belongs to the first one."""
    first = bodies[0].id if bodies else None
    return [venue for venue in venues if (venue.body_id or first) == body_id]
