"""Faces grow older: whose photograph should be taken anew. It reminds; it enrols nobody.

Two signs, both by the site's rules: the photograph is old, or payments that were accepted since
then have become less similar to it. The till's own word is used (``similarity`` of
:class:`dafan.records.FaceEvidence`), so nothing is computed from faces here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, and_, case, func, or_, select
from sqlalchemy.orm import Session

from dafan.records import DinerStatus, Tender
from kitchen import limits
from server.books.sales import Sale
from server.faces import Photo, Template
from server.people import Diner

DAYS_OF_A_MONTH = 30.44


@dataclass(frozen=True, slots=True)
class FaceCareRules:
    """When a site reminds.

    Attributes:
        months: Age of a photograph; children's faces change faster than this default assumes.
        fall: Permille of similarity that payments have lost since they began.
        recent_days: Payments of so many days are compared with those before.
        payments: So many there must be on either side: one bad day is no age.
    """

    months: int = 36
    fall: int = 60
    recent_days: int = 30
    payments: int = 8


@dataclass(frozen=True, slots=True)
class Due:
    """A diner whose photograph should be taken anew.

    Attributes:
        taken_at: When the kept one was taken.
        old: It is older than the site allows.
        before: Mean similarity of payments up to the recent days, permille; ``None``: too few.
        recent: ... and of the recent days.
        fallen: It fell by more than the site allows.
    """

    diner_id: UUID
    staff_no: str
    name: str
    taken_at: datetime
    old: bool
    before: int | None
    recent: int | None
    fallen: bool


def page(
    session: Session, site_id: UUID, now: datetime, *, after: str = "", limit: int = 50
) -> Sequence[Due]:
    """Diners of the site who should be asked for a new photograph, by staff number.

    Args:
        session: Reading.
        site_id: The site.
        now: Aware UTC.
        after: The last staff number of the page before.
        limit: At most so many.
    """
    rules = limits.of(session, site_id, FaceCareRules)
    query = _query(site_id, now, rules).where(Diner.staff_no > after)
    rows = session.execute(query.order_by(Diner.staff_no).limit(limit))
    return [_due(row, now, rules) for row in rows]


def count(session: Session, site_id: UUID, now: datetime) -> int:
    """How many diners of the site should be asked."""
    rules = limits.of(session, site_id, FaceCareRules)
    found = _query(site_id, now, rules).subquery()
    return session.scalar(select(func.count()).select_from(found)) or 0


def of_diner(session: Session, site_id: UUID, diner_id: UUID, now: datetime) -> Due | None:
    """What a diner's phone says: ``None`` where his photograph is good."""
    rules = limits.of(session, site_id, FaceCareRules)
    row = session.execute(_query(site_id, now, rules, diner_id)).first()
    return None if row is None else _due(row, now, rules)


def _query(
    site_id: UUID, now: datetime, rules: FaceCareRules, diner_id: UUID | None = None
) -> Select[UUID, str, str, datetime, float | None, float | None]:
    """Active diners with a face whose photograph is old, or whose payments fell."""
    border = now - timedelta(days=rules.recent_days)
    similarity = Sale.face["similarity"].as_integer()
    recent, before = Sale.paid_at >= border, Sale.paid_at < border
    paid = (
        select(
            Sale.diner_id.label("diner_id"),
            func.avg(case((before, similarity))).label("before"),
            func.avg(case((recent, similarity))).label("recent"),
            func.count(case((before, 1))).label("n_before"),
            func.count(case((recent, 1))).label("n_recent"),
        )
        .join(Photo, Photo.diner_id == Sale.diner_id)
        .join(Template, Template.diner_id == Sale.diner_id)
        .where(Sale.site_id == site_id, Sale.tender == Tender.FACE.value)
        .where(Sale.paid_at >= Photo.taken_at)
        .where(Sale.face["pack"].as_string() == Template.pack)
        .group_by(Sale.diner_id)
    )
    if diner_id is not None:
        paid = paid.where(Sale.diner_id == diner_id)
    seen = paid.subquery()
    enough = and_(seen.c.n_before >= rules.payments, seen.c.n_recent >= rules.payments)
    query = (
        select(
            Diner.id, Diner.staff_no, Diner.name, Photo.taken_at,
            case((enough, seen.c.before)), case((enough, seen.c.recent)),
        )
        .join(Photo, Photo.diner_id == Diner.id)
        .outerjoin(seen, seen.c.diner_id == Diner.id)
        .where(Diner.site_id == site_id, Diner.status == DinerStatus.ACTIVE.value)
        .where(
            or_(
                Photo.taken_at <= _oldest(now, rules),
                and_(enough, seen.c.before - seen.c.recent >= rules.fall),
            )
        )
    )  # fmt: skip
    return query if diner_id is None else query.where(Diner.id == diner_id)


def _due(
    row: tuple[UUID, str, str, datetime, float | None, float | None],
    now: datetime,
    rules: FaceCareRules,
) -> Due:
    diner_id, staff_no, name, taken_at, before, recent = row
    fallen = before is not None and recent is not None and float(before - recent) >= rules.fall
    return Due(
        diner_id=diner_id,
        staff_no=staff_no,
        name=name,
        taken_at=taken_at,
        old=taken_at <= _oldest(now, rules),
        before=None if before is None else round(before),
        recent=None if recent is None else round(recent),
        fallen=fallen,
    )


def _oldest(now: datetime, rules: FaceCareRules) -> datetime:
    return now - timedelta(days=rules.months * DAYS_OF_A_MONTH)
