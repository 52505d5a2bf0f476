"""What becomes of a diner's points: turned into subsidy, corrected, expired, forgotten; his rank.

Whoever takes points away holds the diner's subsidy account, so that two never take the same ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, CursorResult, and_, delete, func, select, update
from sqlalchemy.orm import Session

from dafan.errors import BadInputError
from dafan.money import Fen
from kitchen import clean_plate, limits
from kitchen.clean_plate import PointRules, Verdict
from server import cashdesk, people, plate_book, sites
from server.actor import Actor
from server.books import accounts, subsidies, wallets
from server.books.accounts import AccountKind
from server.plate_book import PlatePoint, PlateReturnRow, PlateShown, PointKind

JOB = "plates"
RUNS = "points"
"""The kind of the weeks' runs of subsidies."""
MOST = 100
"""No correction gives or takes more points at once, and no exchange more lots: they are money."""


class NotEnoughPointsError(BadInputError):
    """The diner has fewer points."""

    code = "few_points"


@dataclass(frozen=True, slots=True)
class Rank:
    """A line of the ranking: whoever did not agree has no name."""

    place: int
    diner_id: UUID
    plates: int
    name: str
    """As the diner's row says it; empty where he did not agree to be named."""


def spend(session: Session, actor: Actor, diner_id: UUID, lots: int, *, key: str) -> Fen:
    """Turn points into subsidy; the same key again does nothing more. Publishes the diner.

    A week's exchanges are one run of subsidies, which each diner takes part in once.

    Args:
        session: Writes.
        actor: The diner himself.
        diner_id: Whose points.
        lots: How many times the site's least number of points.
        key: Made when the form was opened.

    Returns:
        Fen that came.

    Raises:
        NotEnoughPointsError: he has fewer.
        BadInputError: the site has no such exchange, he has left, or did it this week.
    """
    rules = limits.of(session, actor.site_id, PointRules)
    diner = people.get_diner(session, actor.site_id, diner_id)
    cashdesk.require_here(diner)
    if not rules.lot_fen or lots < 1 or lots > MOST:
        raise BadInputError("points cannot be turned into money here", code="no_exchange")
    amount, points = Fen(lots * rules.lot_fen), lots * rules.lot_points
    wallets.check_amount(amount)
    entry_key = f"spent:{diner_id}:{key}"[:160]
    if plate_book.by_key(session, actor.site_id, entry_key) is not None:
        return amount
    run = subsidies.week_run(
        session, actor.site_id, RUNS, "光盘积分", by=JOB, at=actor.at, weeks=rules.credit_weeks
    )
    _hold(session, actor.site_id, [diner_id])
    if plate_book.by_key(session, actor.site_id, entry_key) is not None:
        return amount
    _require(session, diner_id, points)
    (transfer,) = subsidies.join(session, run, [diner_id], amount, by=actor.name, at=actor.at)
    _add(
        session, actor, diner_id, PointKind.SPENT, -points, entry_key,
        reason=run.name, transfer_id=transfer.id,
    )  # fmt: skip
    actor.record(session, "plate.spend", str(diner_id), None, {"points": points, "fen": amount})
    people.publish_diner(session, diner_id)
    return amount


def spent_this_week(session: Session, site_id: UUID, diner_id: UUID, now: datetime) -> bool:
    """Whether the diner has had this week's exchange."""
    return subsidies.has_joined(session, site_id, RUNS, diner_id, now)


def correct(
    session: Session, actor: Actor, diner_id: UUID, points: int, reason: str, *, key: str
) -> None:
    """Give or take points by hand, with a reason; the same key again does nothing more.

    Raises:
        UnknownDinerError: not a diner of this site.
        NotEnoughPointsError: he has fewer than are to be taken.
        BadInputError: no reason, no number, or he has left.
    """
    if not reason.strip():
        raise BadInputError("write down why: the auditor reads it", code="no_reason")
    if not points or abs(points) > MOST:
        raise BadInputError("enter how many points come (+) or go (-)", code="bad_points")
    cashdesk.require_here(people.get_diner(session, actor.site_id, diner_id))
    entry_key = f"corrected:{key}"[:160]
    _hold(session, actor.site_id, [diner_id])
    if plate_book.by_key(session, actor.site_id, entry_key) is not None:
        return
    before = plate_book.balance(session, diner_id)
    if points < 0:
        _require(session, diner_id, -points)
    _add(
        session, actor, diner_id, PointKind.CORRECTED, points, entry_key,
        reason=reason.strip()[:200],
    )  # fmt: skip
    actor.record(
        session, "plate.correct", str(diner_id), before,
        {"points": before + points, "reason": reason.strip()[:200]},
    )  # fmt: skip
    people.publish_diner(session, diner_id)


def expire_due(session: Session, now: datetime) -> int:
    """Let points go that nobody has used for the site's term; how many went.

    Doing so again changes nothing.

    Args:
        session: Writes.
        now: Aware UTC.
    """
    gone = 0
    for site in sites.all_sites(session):
        rules = limits.of(session, site.id, PointRules)
        actor = Actor(site.id, JOB, now)
        until = now - timedelta(days=rules.keep_days)
        old = select(PlatePoint.diner_id).where(
            PlatePoint.site_id == site.id, PlatePoint.points > 0, PlatePoint.at <= until
        )
        holders = sorted(set(session.scalars(old)))
        _hold(session, site.id, holders)
        lost = {one: _expire(session, actor, one, until) for one in holders}
        changed = [one for one, points in lost.items() if points]
        people.publish_diners(session, site.id, changed)
        gone += sum(lost.values())
    return gone


def _expire(session: Session, actor: Actor, diner_id: UUID, until: datetime) -> int:
    query = select(PlatePoint.at, PlatePoint.points).where(PlatePoint.diner_id == diner_id)
    points = clean_plate.expiring([(at, n) for at, n in session.execute(query)], until)
    if points:
        key = f"expired:{diner_id}:{until:%Y%m%dT%H%M%S%f}"
        _add(session, actor, diner_id, PointKind.EXPIRED, -points, key)
    return points


def history_days(session: Session, site_id: UUID) -> int:
    """How many days a site keeps whose a tray was."""
    return limits.of(session, site_id, PointRules).history_days


def old_trays(site_id: UUID, before: date) -> ColumnElement[bool]:
    """Trays of which it is still known whose they were, from before a day."""
    row = PlateReturnRow
    return and_(row.site_id == site_id, row.business_date < before, row.diner_id.is_not(None))


def unlink(session: Session, site_id: UUID, before: date) -> int:
    """Forget whose trays were that came back before a day; how many."""
    gone = update(PlateReturnRow).where(old_trays(site_id, before))
    done = session.execute(gone.values(diner_id=None, sale_id=None))
    return cast("CursorResult[Any]", done).rowcount


def forget(session: Session, actor: Actor, diner_id: UUID) -> None:
    """He leaves: his points and his place in the ranking go; trays stay without him."""
    _hold(session, actor.site_id, [diner_id])
    had = plate_book.balance(session, diner_id)
    session.execute(delete(PlatePoint).where(PlatePoint.diner_id == diner_id))
    session.execute(delete(PlateShown).where(PlateShown.diner_id == diner_id))
    session.execute(
        update(PlateReturnRow)
        .where(PlateReturnRow.diner_id == diner_id)
        .values(diner_id=None, sale_id=None)
    )
    if had:
        actor.record(session, "plate.forget", str(diner_id), had, 0)


def entries_of(session: Session, diner_id: UUID, limit: int = 30) -> Sequence[PlatePoint]:
    """A diner's entries, the latest first."""
    query = select(PlatePoint).where(PlatePoint.diner_id == diner_id)
    query = query.order_by(PlatePoint.at.desc(), PlatePoint.id.desc()).limit(limit)
    return session.scalars(query).all()


# --- the ranking --------------------------------------------------------------------------------


def is_shown(session: Session, diner_id: UUID) -> bool:
    """Whether the diner agreed that the ranking names him."""
    return session.get(PlateShown, diner_id) is not None


def show(session: Session, actor: Actor, diner_id: UUID, *, shown: bool) -> None:
    """Name the diner in the ranking, or no longer."""
    row = session.get(PlateShown, diner_id)
    if shown == (row is not None):
        return
    if row is None:
        session.add(PlateShown(diner_id=diner_id, site_id=actor.site_id, agreed_at=actor.at))
    else:
        session.delete(row)
    session.flush()
    actor.record(session, "plate.show", str(diner_id), not shown, shown)


def ranking(session: Session, site_id: UUID, since: date, until: date) -> Sequence[Rank]:
    """Diners by their clean plates of some days; who has as many shares the place."""
    count = func.count().label("plates")
    query = (
        select(people.Diner.id, count, people.Diner.name, PlateShown.diner_id)
        .select_from(PlateReturnRow)
        .join(people.Diner, people.Diner.id == PlateReturnRow.diner_id)
        .outerjoin(PlateShown, PlateShown.diner_id == PlateReturnRow.diner_id)
        .where(
            PlateReturnRow.site_id == site_id,
            PlateReturnRow.business_date.between(since, until),
            PlateReturnRow.verdict == Verdict.CLEAN.value,
        )
        .group_by(people.Diner.id, people.Diner.name, PlateShown.diner_id)
        .order_by(count.desc(), people.Diner.id)
    )  # fmt: skip
    found: list[Rank] = []
    for number, (diner_id, plates, name, agreed) in enumerate(session.execute(query), start=1):
        same = found and found[-1].plates == plates
        place = found[-1].place if same else number
        found.append(Rank(place, diner_id, int(plates), name if agreed else ""))
    return found


# --- parts --------------------------------------------------------------------------------------


def _hold(session: Session, site_id: UUID, diner_ids: Sequence[UUID]) -> None:
    wallets_of = {(AccountKind.SUBSIDY, one) for one in diner_ids}
    accounts.ensure_all(session, site_id, wallets_of | {(AccountKind.SUBSIDY_FUND, site_id)})


def _require(session: Session, diner_id: UUID, points: int) -> None:
    has = plate_book.balance(session, diner_id)
    if has < points:
        raise NotEnoughPointsError(f"there are {has} points, {points} are wanted: look again")


def _add(
    session: Session,
    actor: Actor,
    diner_id: UUID,
    kind: PointKind,
    points: int,
    key: str,
    *,
    reason: str = "",
    transfer_id: UUID | None = None,
) -> None:
    session.add(
        PlatePoint(
            site_id=actor.site_id, diner_id=diner_id, kind=kind.value, points=points, key=key,
            at=actor.at, by=actor.name, reason=reason, return_id=None, transfer_id=transfer_id,
        )
    )  # fmt: skip
    session.flush()
