"""How long personal data are kept (保存期限), and the job that erases what is due.

The table :data:`RULES` says what goes after how many days, and why. Erasing is safe to repeat and
to do from several workers at once. The books and the audit log are not in the table: accounting
records are kept as 会计档案管理办法 demands, and no job ever touches them.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Engine,
    Select,
    and_,
    delete,
    exists,
    false,
    func,
    or_,
    select,
)
from sqlalchemy.orm import Session

from dafan.db import Base, writing
from dafan.records import DinerStatus
from kitchen import incidents, limits
from kitchen.incidents import Incident, IncidentRules
from kitchen.teaching import TeachingExample
from server import evidence, faces, feed, plate_points, sites
from server.actor import Actor
from server.bookings import MealBooking
from server.consents import Consent
from server.drafts import ImportDraft
from server.evidence import Evidence
from server.faces import Erasure, Photo, Template
from server.notices import NoticeRead
from server.people import Diner
from server.plate_book import PlateReturnRow
from server.preorders import Preorder, PreorderLine
from server.terminals import EnrolmentCode
from server.throttle import FailedAttempt

WHO = "retention"
PORTION = 200
"""How many pictures, or diners' faces, of a site are erased in one transaction."""
YEAR = 365


@dataclass(frozen=True, slots=True)
class Rule:
    """What is erased after how long.

    Attributes:
        code: For programs and for the words of the pages.
        days: Days kept; ``None``: as many as the site decides (:func:`days_of`).
        source: Why so long and no longer.
    """

    code: str
    days: int | None
    source: str


RULES = (
    Rule("evidence", None, "PIPL art. 19; 人脸识别技术应用安全管理办法: the shortest time"),
    Rule("incidents", None, "DB53/T 1173-2023: a record of warnings; pictures no longer than that"),
    Rule("plates", None, "PIPL art. 19: whose a returned tray was; the tray itself is a figure"),
    Rule("faces", 0, "PIPL art. 47: at once when the purpose or the consent has ended"),
    Rule("consents", 3 * YEAR, "PIPL art. 56: records of processing are kept three years"),
    Rule("receipts", 3 * YEAR, "as the consents whose end they prove"),
    Rule("attempts", 30, "PIPL art. 19: failed sign-ins serve against guessing only"),
    Rule("drafts", 1, "PIPL art. 19: an uploaded table that nobody finished"),
    Rule("examples", YEAR, "PIPL art. 19: crops that taught a camera, while the kitchen looks so"),
    Rule("bookings", YEAR, "PIPL art. 19: who ordered what; a year is looked back on"),
    Rule("codes", 30, "PIPL art. 19: who made an enrolment code is in the audit log"),
)
_DAYS = {rule.code: rule.days for rule in RULES}


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did, or would do."""

    counts: Counter[str] = field(default_factory=Counter)
    """Code of a rule → how many things."""
    more: bool = False
    """One transaction was not enough: run again."""

    def __str__(self) -> str:
        said = ", ".join(f"{number} {code}" for code, number in sorted(self.counts.items()))
        return said or "nothing was due"


def due(session: Session, now: datetime, site_id: UUID | None = None) -> Report:
    """What a run would erase now.

    Args:
        session: Reads.
        now: Aware UTC.
        site_id: Only of this site; attempts to sign in belong to none. Left out: of all.
    """
    counts: Counter[str] = Counter()
    for site in sites.all_sites(session):
        if site_id not in {None, site.id}:
            continue
        counts["evidence"] += len(session.scalars(_old_evidence(session, site.id, now)).all())
        counts["faces"] += len(session.scalars(_faces_without_ground(site.id)).all())
        trays = plate_points.old_trays(site.id, _plates_before(session, site.id, now))
        counts["plates"] += (
            session.scalar(select(func.count()).select_from(PlateReturnRow).where(trays)) or 0
        )
        old = incidents.old(site.id, now - timedelta(days=days_of(session, site.id, "incidents")))
        counts["incidents"] += (
            session.scalar(select(func.count()).select_from(Incident).where(old)) or 0
        )
    for code, table, old in _rows(now):
        query = select(func.count()).select_from(table).where(old)
        if site_id is not None:
            here = table.__table__.c.get("site_id")
            query = query.where(false() if here is None else here == site_id)
        counts[code] += session.scalar(query) or 0
    return Report(+counts)


def run(session: Session, now: datetime) -> Report:
    """Erase what is due, in one transaction; what it erased of people is in the audit log.

    Args:
        session: Writes.
        now: Aware UTC.
    """
    counts: Counter[str] = Counter()
    more = False
    for site in sites.all_sites(session):
        feed.lock(session, site.id)  # one worker at a time, which then sees what is left
        actor = Actor(site.id, WHO, now)
        pictures = session.scalars(_old_evidence(session, site.id, now).limit(PORTION)).all()
        for sale_id in pictures:
            counts["evidence"] += evidence.erase(session, actor, sale_id)
        diners = session.scalars(_faces_without_ground(site.id).limit(PORTION)).all()
        for diner_id in diners:
            counts["faces"] += faces.withdraw(session, actor, diner_id, "left")
        before = now - timedelta(days=days_of(session, site.id, "incidents"))
        shown = incidents.erase_old(session, actor, before, PORTION)
        counts["incidents"] += shown
        before_day = _plates_before(session, site.id, now)
        counts["plates"] += plate_points.unlink(session, site.id, before_day)
        more = more or PORTION in {len(pictures), len(diners), shown}
    for code, table, old in _rows(now):
        gone = cast("CursorResult[Any]", session.execute(delete(table).where(old)))
        counts[code] += gone.rowcount
    return Report(+counts, more)


def run_all(engine: Engine, now: datetime) -> Report:
    """Run until nothing is due, then let the deleted leave SQLite's log as well."""
    counts: Counter[str] = Counter()
    more = True
    while more:
        with writing(engine) as session:
            report = run(session, now)
        counts += report.counts
        more = report.more
    if engine.dialect.name == "sqlite":
        with closing(engine.raw_connection()) as connection:  # outside of any transaction
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return Report(counts)


def days_of(session: Session, site_id: UUID, code: str) -> int:
    """How many days a site keeps what a rule is about."""
    if code == "evidence":
        return sites.policy(session, site_id).evidence_days
    if code == "incidents":
        return limits.of(session, site_id, IncidentRules).evidence_days
    if code == "plates":
        return plate_points.history_days(session, site_id)
    return _DAYS[code] or 0


def _plates_before(session: Session, site_id: UUID, now: datetime) -> date:
    return (now - timedelta(days=days_of(session, site_id, "plates"))).date()


def _old_evidence(session: Session, site_id: UUID, now: datetime) -> Select[UUID]:
    kept = days_of(session, site_id, "evidence")
    return (
        select(Evidence.sale_id)
        .where(Evidence.site_id == site_id, Evidence.sealed.is_not(None))
        .where(Evidence.received_at <= now - timedelta(days=kept))
        .order_by(Evidence.sale_id)
    )


def _faces_without_ground(site_id: UUID) -> Select[UUID]:
    """Diners whose face is here though they have left or have no consent that holds."""
    agreed = exists().where(Consent.diner_id == Diner.id, Consent.closed_at.is_(None))
    here = or_(
        exists().where(Photo.diner_id == Diner.id), exists().where(Template.diner_id == Diner.id)
    )
    return (
        select(Diner.id)
        .where(Diner.site_id == site_id, here)
        .where(or_(Diner.status == DinerStatus.LEFT.value, ~agreed))
        .order_by(Diner.id)
    )


def _rows(now: datetime) -> Iterator[tuple[str, type[Base], ColumnElement[bool]]]:
    """Rows that simply go: code of the rule, table, which."""

    def before(code: str) -> datetime:
        return now - timedelta(days=_DAYS[code] or 0)

    used = exists().where(Photo.consent_id == Consent.id)
    yield "consents", Consent, and_(Consent.closed_at <= before("consents"), ~used)
    yield "receipts", Erasure, Erasure.asked_at <= before("receipts")
    yield "attempts", FailedAttempt, FailedAttempt.at <= before("attempts")
    yield "drafts", ImportDraft, ImportDraft.kept_at <= before("drafts")
    yield "examples", TeachingExample, TeachingExample.at <= before("examples")
    yield "bookings", MealBooking, MealBooking.ends_at <= before("bookings")
    old = Preorder.ordered_at <= before("bookings")
    lines = PreorderLine.preorder_id.in_(select(Preorder.id).where(old))
    yield "bookings", PreorderLine, lines
    yield "bookings", Preorder, old
    yield "bookings", NoticeRead, NoticeRead.read_at <= before("bookings")
    yield "codes", EnrolmentCode, EnrolmentCode.expires_at <= before("codes")
