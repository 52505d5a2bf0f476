"""Trays that come back (光盘): what stations report is judged by the kitchen's rules, once.

A return is an entry of its station's journal. It is judged by what the server knows then; one
that found no meal is judged again for two days, because a till may have been cut off.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Engine, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from dafan.db import writing
from dafan.plates import PlateReturn
from dafan.records import DinerStatus, Entry
from kitchen import limits
from kitchen.clean_plate import Eaten, Judged, PlateRules, Verdict, judge
from server import people, plate_book, sites
from server.books.sales import Sale, SaleLine
from server.plate_book import PlatePoint, PlateReturnRow, PointKind
from server.terminals import Terminal

LATE = timedelta(days=2)
"""So long a tray without a meal waits for the sale of a till that was cut off."""
FUTURE, PAST = timedelta(days=1), timedelta(days=366)
"""Outside of these the station's clock is wrong."""
MAX_PAGE = 200
JOB = "plates"


@dataclass(frozen=True, slots=True)
class Told:
    """A return, and the journal entry that carries it."""

    entry: Entry
    plate: PlateReturn


@dataclass(frozen=True, slots=True)
class _Site:
    """By what a site's trays are judged."""

    id: UUID
    rules: PlateRules
    tray: int

    @classmethod
    def load(cls, session: Session, site_id: UUID) -> "_Site":
        rules = limits.of(session, site_id, PlateRules)
        return cls(site_id, rules, rules.tray_grams or sites.policy(session, site_id).tray_grams)


def take(
    session: Session, terminal: Terminal, told: Sequence[Told], now: datetime
) -> dict[int, tuple[str, UUID | None]]:
    """Take in what a station reports.

    Args:
        session: A savepoint of :func:`server.ingest.push`, which publishes the diners.
        terminal: The station.
        told: In sequence.
        now: Aware UTC.

    Returns:
        Sequence → why it is parked (empty: it is not), and whose points changed.
    """
    if not told:
        return {}
    site = _Site.load(session, terminal.site_id)
    known = people.get_diners(session, site.id, {each.plate.diner_id for each in told})
    done: dict[int, tuple[str, UUID | None]] = {}
    for each in told:
        why = _unfit(session, each, known, now)
        if why:
            done[each.entry.seq] = (why, None)
            continue
        left = known[each.plate.diner_id].status == DinerStatus.LEFT.value
        done[each.entry.seq] = ("", _keep(session, site, terminal, each, left=left))
    return done


def _unfit(session: Session, told: Told, known: Container[UUID], now: datetime) -> str:
    if told.plate.diner_id not in known:
        return "unknown_diner: the site has no such diner"
    if not now - PAST < told.plate.at < now + FUTURE:
        return "wrong_date: this tray comes back tomorrow, or a year ago; set the station's clock"
    if get(session, told.plate.id) is not None:
        return "posted_before: a tray of this id is here under another entry"
    return ""


def _keep(
    session: Session, site: _Site, terminal: Terminal, told: Told, *, left: bool
) -> UUID | None:
    """Judge a tray and write it down, without its diner where he has left; whose points changed."""
    plate = told.plate
    row = PlateReturnRow(
        site_id=site.id, id=plate.id, terminal_id=terminal.id, seq=told.entry.seq,
        venue_id=terminal.venue_id, diner_id=plate.diner_id, by=plate.by, grams=plate.grams,
        at=plate.at,
    )  # fmt: skip
    if left:
        row.diner_id, row.verdict, row.left_grams, row.points = None, Verdict.NO_MEAL.value, 0, 0
        row.business_date = sites.business_date(session, site.id, row.at)
    earned = not left and _judge(session, site, row)
    session.add(row)
    session.flush()
    return plate.diner_id if earned else None


def _judge(session: Session, site: _Site, row: PlateReturnRow) -> bool:
    """Fill in what a tray deserves; whether points came."""
    sale = _meal(session, row)
    day = sale.business_date if sale else sites.business_date(session, site.id, row.at)
    key = plate_book.meal_key(row.diner_id, sale.business_date, sale.period) if sale else ""  # type: ignore[arg-type]  # a tray without a diner is not judged
    found = _judged(session, site, row, sale, key)
    if found.points and not _earn(session, row, key, found.points):
        found = Judged(Verdict.AGAIN)
    row.business_date, row.period = day, sale.period if sale else ""
    row.sale_id = sale.id if sale else None
    row.verdict, row.left_grams, row.points = found.verdict.value, found.left, found.points
    return found.points > 0


def _judged(
    session: Session, site: _Site, row: PlateReturnRow, sale: Sale | None, key: str
) -> Judged:
    if not site.tray:
        return Judged(Verdict.NO_TRAY)
    eaten = None
    if sale is not None:
        rewarded = plate_book.by_key(session, site.id, key) is not None
        eaten = Eaten(sale.paid_at, _weighed(session, sale), rewarded)
    return judge(row.grams, site.tray, eaten, row.at, site.rules)


def _meal(session: Session, row: PlateReturnRow) -> Sale | None:
    """The diner's last sale at the station's venue before the tray came back."""
    near = row.at.date()
    query = (
        select(Sale)
        .where(
            Sale.site_id == row.site_id, Sale.diner_id == row.diner_id,
            Sale.business_date.between(near - timedelta(days=2), near + timedelta(days=1)),
            Sale.venue_id == row.venue_id, Sale.paid_at <= row.at, Sale.cancelled.is_(False),
        )
        .order_by(Sale.paid_at.desc(), Sale.id.desc())
        .limit(1)
    )  # fmt: skip
    return session.scalar(query)


def _weighed(session: Session, sale: Sale) -> int | None:
    """Grams that were weighed for the meal, in however many baskets; ``None``: all was counted."""
    query = (
        select(func.sum(SaleLine.grams))
        .join(
            Sale,
            (Sale.site_id == SaleLine.site_id)
            & (Sale.business_date == SaleLine.business_date)
            & (Sale.id == SaleLine.sale_id),
        )
        .where(
            Sale.site_id == sale.site_id, Sale.business_date == sale.business_date,
            Sale.diner_id == sale.diner_id, Sale.period == sale.period,
            Sale.venue_id == sale.venue_id, Sale.cancelled.is_(False),
            Sale.paid_at <= sale.paid_at,
        )
    )  # fmt: skip
    found = session.scalar(query)
    return None if found is None else int(found)


def _earn(session: Session, row: PlateReturnRow, key: str, points: int) -> bool:
    """Write the points down; two stations at once find by the key that one of them is second."""
    point = PlatePoint(
        site_id=row.site_id, diner_id=row.diner_id, kind=PointKind.EARNED.value, points=points,
        key=key, at=row.at, by=str(row.terminal_id), reason="", return_id=row.id, transfer_id=None,
    )  # fmt: skip
    try:
        with session.begin_nested():
            session.add(point)
    except IntegrityError:
        return False
    return True


def judge_again(session: Session, now: datetime) -> int:
    """Judge trays anew that found no meal; how many points that brought.

    Args:
        session: Writes.
        now: Aware UTC.
    """
    found = 0
    for site in sites.all_sites(session):
        since = sites.business_date(session, site.id, now) - LATE
        query = (
            select(PlateReturnRow)
            .where(
                PlateReturnRow.site_id == site.id, PlateReturnRow.business_date >= since,
                PlateReturnRow.verdict == Verdict.NO_MEAL.value,
                PlateReturnRow.diner_id.is_not(None),
            )
            .order_by(PlateReturnRow.at, PlateReturnRow.id)
        )  # fmt: skip
        rows = session.scalars(query).all()
        by = _Site.load(session, site.id) if rows else None
        changed = {row.diner_id for row in rows if by and _judge(session, by, row)}
        session.flush()
        people.publish_diners(session, site.id, sorted(one for one in changed if one))
        found += len(changed)
    return found


def drive(engine: Engine, now: datetime) -> str:
    """The job of every few minutes."""
    with writing(engine) as session:
        return f"{judge_again(session, now)} trays earned their points late"


# --- looking ------------------------------------------------------------------------------------


def get(session: Session, return_id: UUID) -> PlateReturnRow | None:
    """A tray by the id that its station gave it."""
    return session.scalar(select(PlateReturnRow).where(PlateReturnRow.id == return_id))


def page(
    session: Session, site_id: UUID, *, before: UUID | None = None, limit: int = 50
) -> Sequence[PlateReturnRow]:
    """The site's trays, the latest first, from behind ``before``."""
    query = select(PlateReturnRow).where(PlateReturnRow.site_id == site_id)
    if before is not None:
        query = query.where(PlateReturnRow.id < before)
    query = query.order_by(PlateReturnRow.id.desc()).limit(max(1, min(limit, MAX_PAGE)))
    return session.scalars(query).all()


def of_diner(session: Session, diner_id: UUID, limit: int = 30) -> Sequence[PlateReturnRow]:
    """A diner's trays, the latest first."""
    query = select(PlateReturnRow).where(PlateReturnRow.diner_id == diner_id)
    return session.scalars(query.order_by(PlateReturnRow.at.desc()).limit(limit)).all()
