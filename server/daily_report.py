"""The daily report (日报): made once for each site and day, sent to whom the site names.

A row says for whom, and how it stands. Who sends it claims the row first; a way that fails is tried
again. Where a process dies between sending and writing it down, the message goes out once more with
the same id, by which a mail server or a chat knows it again.
"""

import logging
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, Index, String, Text, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.config import Settings
from dafan.db import Base, reading, writing
from dafan.errors import BadInputError, DafanError
from dafan.records import Policy
from kitchen import limits
from server import auth, daily_text, delivery, kitchen_day, sites
from server.actor import Actor
from server.delivery import Message, Way
from server.jobs import Daily
from server.people import Diner

PERSONS = 20
STALE = timedelta(minutes=15)
"""A claim so old belongs to a process that died."""
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=5), timedelta(hours=1)
GIVEN_UP_AFTER = timedelta(hours=24)
_AT = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
log = logging.getLogger(__name__)


class State(StrEnum):
    """Of a report to one person."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    """Tried for a day: nobody tries any more."""


class DailyReport(Base):
    """What was said about one day."""

    __tablename__ = "daily_report"

    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    business_date: Mapped[date] = mapped_column(primary_key=True)
    made_at: Mapped[datetime]
    title: Mapped[str] = mapped_column(String(120))
    text: Mapped[str] = mapped_column(Text)


class DailyReportTo(Base):
    """One person to whom it goes."""

    __tablename__ = "daily_report_to"
    __table_args__ = (Index("ix_daily_report_to_state_next_at", "state", "next_at"),)

    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    business_date: Mapped[date] = mapped_column(primary_key=True)
    person: Mapped[str] = mapped_column(String(80), primary_key=True)
    state: Mapped[str] = mapped_column(String(8))
    tries: Mapped[int]
    next_at: Mapped[datetime]
    """When it is tried next; of a claim: when another one may take it over."""
    sent_at: Mapped[datetime | None]
    said: Mapped[str] = mapped_column(String(200))
    """Why it did not go out the last time."""


@dataclass(frozen=True, slots=True)
class DailyRules:
    """What a site wants.

    Attributes:
        at: Local time, ``20:30``; empty: no report is sent.
        to: Logins or staff numbers.
        address: Of the pages, for the link; empty: no link.
        since: Moment of the decision, ISO 8601: no report is made up for what was before it.
    """

    at: str = ""
    to: tuple[str, ...] = ()
    address: str = ""
    since: str = ""


def rules_of(session: Session, site_id: UUID) -> DailyRules:
    """What the site decided."""
    return limits.of(session, site_id, DailyRules)


def decide(session: Session, actor: Actor, at: str, to: Sequence[str], address: str) -> DailyRules:
    """Say when the report goes to whom.

    Raises:
        BadInputError: no such time, nobody or too many are named, one is not known here, or the
            address is none.
    """
    people = list(dict.fromkeys(name.strip() for name in to if name.strip()))
    at, address = at.strip(), address.strip()
    if at and not _AT.fullmatch(at):
        raise BadInputError("write the time as 20:30", code="bad_time")
    if bool(at) != bool(people):
        raise BadInputError("name a time and at least one person, or neither", code="bad_daily")
    if len(people) > PERSONS:
        raise BadInputError(f"name at most {PERSONS} people", code="bad_daily")
    if unknown := set(people) - _known(session, actor.site_id, people):
        raise BadInputError(f"nobody here is called {min(unknown)}", code="unknown_person")
    if address and not re.fullmatch(r"https?://[^\s<>\"]{1,200}", address):
        raise BadInputError("the address begins with https://", code="bad_address")
    rules = DailyRules(at, tuple(people), address, actor.at.isoformat())
    limits.decide(session, actor, DailyRules, asdict(rules))
    return rules


def _known(session: Session, site_id: UUID, names: Sequence[str]) -> set[str]:
    """Those of the names that are a login or a staff number of the site."""
    logins = {user.login for user in auth.users(session, site_id) if user.active}
    diners = session.scalars(
        select(Diner.staff_no).where(Diner.site_id == site_id, Diner.staff_no.in_(names))
    )
    return (logins & set(names)) | set(diners)


def day_over(policy: Policy, at: datetime) -> date:
    """The last business date whose meals were all over at a moment."""
    day = kitchen_day.today(policy, at)
    edges = [kitchen_day.window(policy, day, period.code) for period in policy.periods]
    ends = [edge[1] for edge in edges if edge is not None]
    return day if ends and max(ends) <= at else day - timedelta(days=1)


def drive(engine: Engine, settings: Settings, now: datetime) -> str:
    """Make what is due, and send what waits; any number of workers may do so at once."""
    with reading(engine) as session:
        site_ids = [site.id for site in sites.all_sites(session)]
    made = sum(_made(engine, site_id, now) for site_id in site_ids)
    sent = failed = 0
    ways = delivery.ways(settings)
    for row in _waiting(engine, now):
        if _claim(engine, row, now):
            ok = _send(engine, row, ways, now)
            sent, failed = sent + ok, failed + (not ok)
    return f"{made} reports made, {sent} sent, {failed} not"


def _made(engine: Engine, site_id: UUID, now: datetime) -> bool:
    """As :func:`_make`; a site whose figures cannot be read keeps no other from its report."""
    try:
        return _make(engine, site_id, now)
    except Exception:
        log.exception("the daily report of site %s could not be made", site_id)
        return False


def _make(engine: Engine, site_id: UUID, now: datetime) -> bool:
    """Write the report of the day that is due, unless it is there."""
    with reading(engine) as session:
        rules, policy = rules_of(session, site_id), sites.policy(session, site_id)
        if not rules.at:
            return False
        due = Daily(time.fromisoformat(rules.at), ZoneInfo(policy.time_zone)).due(now)
        day = day_over(policy, due)
        known = session.get(DailyReport, (site_id, day)) is not None
        if known or due < datetime.fromisoformat(rules.since):
            return False
        title, text = daily_text.compose(session, site_id, policy, day, now, rules.address)
    try:
        with writing(engine) as session:
            session.add(
                DailyReport(site_id=site_id, business_date=day, made_at=now, title=title, text=text)
            )
            session.flush()
            session.add_all(
                DailyReportTo(
                    site_id=site_id, business_date=day, person=person, tries=0, next_at=now,
                    state=State.WAITING.value, said="",
                )
                for person in rules.to
            )  # fmt: skip
    except IntegrityError:  # another worker was quicker
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Waits:
    site_id: UUID
    day: date
    person: str
    state: str
    tries: int
    next_at: datetime


def _waiting(engine: Engine, now: datetime) -> list[_Waits]:
    open_ = or_(
        DailyReportTo.state == State.WAITING.value, DailyReportTo.state == State.SENDING.value
    )
    query = select(DailyReportTo).where(open_, DailyReportTo.next_at <= now)
    with reading(engine) as session:
        rows = session.scalars(query.order_by(DailyReportTo.next_at).limit(200)).all()
        return [
            _Waits(row.site_id, row.business_date, row.person, row.state, row.tries, row.next_at)
            for row in rows
        ]


def _claim(engine: Engine, row: _Waits, now: datetime) -> bool:
    """Whether this worker sends it: exactly one of them finds the row as it was."""
    mine = update(DailyReportTo).where(
        DailyReportTo.site_id == row.site_id, DailyReportTo.business_date == row.day,
        DailyReportTo.person == row.person, DailyReportTo.state == row.state,
        DailyReportTo.tries == row.tries, DailyReportTo.next_at == row.next_at,
    )  # fmt: skip
    with writing(engine) as session:
        done = session.execute(
            mine.values(state=State.SENDING.value, tries=row.tries + 1, next_at=now + STALE)
        )
        return bool(done.rowcount == 1)  # type: ignore[attr-defined]  # of an UPDATE


def _send(engine: Engine, row: _Waits, ways: Sequence[Way], now: datetime) -> bool:
    with reading(engine) as session:
        report = session.get_one(DailyReport, (row.site_id, row.day))
        ref = uuid5(row.site_id, f"daily report {row.day} {row.person}")
        message = Message(row.person, report.title, report.text, str(ref))
        made_at = report.made_at
    why = try_ways(ways, message)
    with writing(engine) as session:
        kept = session.get_one(
            DailyReportTo, (row.site_id, row.day, row.person), with_for_update=True
        )
        kept.said = why[:200]
        if not why:
            kept.state, kept.sent_at = State.SENT.value, now
        elif now - made_at >= GIVEN_UP_AFTER:
            kept.state = State.FAILED.value
        else:
            kept.state = State.WAITING.value
            kept.next_at = now + min(FIRST_WAIT * 2 ** min(row.tries, 8), LONGEST_WAIT)
    return not why


def try_ways(ways: Sequence[Way], message: Message) -> str:
    """Send a message by every way; empty where one of them took it, else why none did."""
    if not ways:
        return "no mail server and no webhook is set up in dafan.toml"
    failed, taken = [], False
    for way in ways:
        try:
            way.send(message)
            taken = True
        except DafanError as error:
            failed.append(f"{type(way).__name__}: {error}")
            log.warning("the daily report: %s", error)
    return "" if taken else "; ".join(failed)


def send_now(engine: Engine, settings: Settings, actor: Actor) -> str:
    """Send the report of the last day that is over to the actor himself, outside of the day's one.

    Returns:
        Empty, or why it did not go out.
    """
    with reading(engine) as session:
        policy = sites.policy(session, actor.site_id)
        rules, day = rules_of(session, actor.site_id), day_over(policy, actor.at)
        title, text = daily_text.compose(
            session, actor.site_id, policy, day, actor.at, rules.address
        )
    why = try_ways(delivery.ways(settings), Message(actor.name, title, text))
    with writing(engine) as session:
        after = {"day": day.isoformat(), "failed": why[:200]}
        actor.record(session, "daily_report.send", actor.name, None, after)
    return why


def latest(
    session: Session, site_id: UUID, *, before: date | None = None, limit: int = 20
) -> list[tuple[DailyReport, list[DailyReportTo]]]:
    """The last reports and to whom they went, from before a day on."""
    query = select(DailyReport).where(DailyReport.site_id == site_id)
    if before is not None:
        query = query.where(DailyReport.business_date < before)
    reports = session.scalars(query.order_by(DailyReport.business_date.desc()).limit(limit)).all()
    found: dict[date, list[DailyReportTo]] = {row.business_date: [] for row in reports}
    people = select(DailyReportTo).where(
        DailyReportTo.site_id == site_id, DailyReportTo.business_date.in_(list(found))
    )
    for row in session.scalars(people.order_by(DailyReportTo.person)):
        found[row.business_date].append(row)
    return [(report, found[report.business_date]) for report in reports]
