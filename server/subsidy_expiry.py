"""Subsidies that expire (补贴到期): what is left of a run after its last day goes back to the fund.

Only runs with a last day matter: money that never expires is spent last. A sale that a till
reports after its subsidy was taken back is booked as the diner saw it; the wallet is then in debt,
which stands on the list of exceptions.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dafan.money import Fen
from server import people, sites
from server.actor import Actor
from server.books import accounts, wallets
from server.books.accounts import Account, AccountKind
from server.books.lots import Lot, unspent
from server.books.subsidies import SubsidyRun, credit_key, last_credit_day
from server.books.transfers import Leg, Move, Posting, Transfer, move_all
from server.many import portions

JOB = "nightly job"
SOON = timedelta(days=7)
"""So long before its end a diner is told of what he has not spent."""
_NOT_SPENDING = ("subsidy", "expiry")


@dataclass(frozen=True, slots=True)
class Expired:
    """What one run gave back.

    Attributes:
        run_id: Which.
        name: For people.
        diners: Who lost something.
        total: Fen.
    """

    run_id: UUID
    name: str
    diners: int
    total: Fen


def expire_due(session: Session, now: datetime, *, by: str = JOB) -> list[Expired]:
    """Take back what is left of every run whose last day is over, at every site.

    Doing so again changes nothing.

    Args:
        session: Writes; commit it at the end.
        now: Aware UTC.
        by: Who does it, for books and audit log.
    """
    done = []
    for site in sites.all_sites(session):
        actor = Actor(site.id, by, now)
        today = sites.business_date(session, site.id, now)
        query = (
            select(SubsidyRun)
            .where(
                SubsidyRun.site_id == site.id, SubsidyRun.expires_on < today,
                SubsidyRun.expired_at.is_(None),
            )
            .order_by(SubsidyRun.expires_on, SubsidyRun.id)
            .with_for_update()
        )  # fmt: skip
        done += [_expire(session, actor, run) for run in session.scalars(query).all()]
    return done


def left_of(
    session: Session, run: SubsidyRun, until: date, *, only: UUID | None = None
) -> dict[UUID, Fen]:
    """Diner → fen that he has not spent of a run up to the end of a day; nobody with nothing.

    Args:
        session: Reads.
        run: One that expires.
        until: Trading day.
        only: This diner; else all of them.

    Raises:
        ValueError: the run never expires.
    """
    if run.expires_on is None:
        raise ValueError("this run never expires")
    others = _together(session, run)
    lots: dict[UUID, list[Lot]] = defaultdict(list)
    for each in others:
        for diner_id, (day, amount) in _credits(session, each, only).items():
            lots[diner_id].append(Lot(each.id, day, each.expires_on or date.max, amount))
    mine = [diner_id for diner_id, found in lots.items() if any(x.run_id == run.id for x in found)]
    since = min(_received(each) for each in others)
    left = {}
    for ids in portions(sorted(mine)):
        spent = _spent(session, run.site_id, ids, since, until)
        for diner_id in ids:
            rest = unspent(lots[diner_id], spent[diner_id], until)[run.id]
            if rest:
                left[diner_id] = rest
    return left


def _expire(session: Session, actor: Actor, run: SubsidyRun) -> Expired:
    if run.expires_on is None:
        raise ValueError("this run never expires")
    owners = {(AccountKind.SUBSIDY, diner_id) for diner_id in _credits(session, run)}
    fund = AccountKind.SUBSIDY_FUND, run.site_id
    found = accounts.ensure_all(session, run.site_id, owners | {fund})
    day = wallets.booking_day(session, run.site_id, actor.at)
    moves = []
    lost: dict[UUID, Fen] = {}
    for diner_id, rest in left_of(session, run, run.expires_on).items():
        wallet = found[AccountKind.SUBSIDY, diner_id]
        amount = Fen(min(rest, wallet.balance))  # what was spent in the meantime stays spent
        if amount <= 0:
            continue
        lost[diner_id] = amount
        legs = [Leg(wallet, Fen(-amount)), Leg(found[fund], amount)]
        moves.append(
            Move("expiry", f"expiry:{run.id}:{diner_id}", legs, at=actor.at, business_date=day,
                 by=actor.name, memo=run.name)
        )  # fmt: skip
    move_all(session, run.site_id, moves)
    run.expired_at, run.expired_total = actor.at, sum(lost.values())
    after = {"fen": run.expired_total, "diners": len(lost)}
    actor.record(session, "subsidy.expire", str(run.id), None, after)
    people.publish_diners(session, run.site_id, sorted(lost))
    return Expired(run.id, run.name, len(lost), Fen(run.expired_total))


def _together(session: Session, run: SubsidyRun) -> list[SubsidyRun]:
    """The run and all others whose time touches its own, or that of one of them."""
    query = select(SubsidyRun).where(
        SubsidyRun.site_id == run.site_id, SubsidyRun.expires_on.is_not(None)
    )
    every = session.scalars(query).all()
    since = _received(run)
    while True:
        earliest = min(_received(each) for each in every if _lasts(each, since))
        if earliest >= since:
            return [each for each in every if _lasts(each, since)]
        since = earliest


def _lasts(run: SubsidyRun, day: date) -> bool:
    return run.expires_on is not None and run.expires_on >= day


def _received(run: SubsidyRun) -> date:
    return run.business_date or run.at.date()


def _credits(
    session: Session, run: SubsidyRun, only: UUID | None = None
) -> dict[UUID, tuple[date, Fen]]:
    """Diner → on which trading day, and what, the run paid him."""
    days = _received(run), last_credit_day(run)
    query = (
        select(Account.owner_id, Posting.business_date, Posting.amount)
        .join(Posting, Posting.account_id == Account.id)
        .join(Transfer, Transfer.id == Posting.transfer_id)
        .where(
            Transfer.site_id == run.site_id, Transfer.business_date.between(*days),
            Posting.site_id == run.site_id, Posting.business_date == Transfer.business_date,
            Transfer.key.startswith(credit_key(run.id), autoescape=True),
            Account.kind == AccountKind.SUBSIDY.value,
        )
    )  # fmt: skip
    if only is not None:
        query = query.where(Account.owner_id == only)
    return {diner_id: (day, Fen(amount)) for diner_id, day, amount in session.execute(query)}


def _spent(
    session: Session, site_id: UUID, diner_ids: Sequence[UUID], since: date, until: date
) -> Mapping[UUID, dict[date, int]]:
    """Diner → trading day → fen that left his subsidy wallet, less what came back."""
    query = (
        select(Account.owner_id, Posting.business_date, -func.sum(Posting.amount))
        .join(Posting, Posting.account_id == Account.id)
        .join(Transfer, Transfer.id == Posting.transfer_id)
        .where(
            Account.site_id == site_id, Account.kind == AccountKind.SUBSIDY.value,
            Account.owner_id.in_(diner_ids), Posting.business_date.between(since, until),
            Transfer.kind.not_in(_NOT_SPENDING),
        )
        .group_by(Account.owner_id, Posting.business_date)
    )  # fmt: skip
    found: dict[UUID, dict[date, int]] = {diner_id: {} for diner_id in diner_ids}
    for diner_id, day, amount in session.execute(query):
        found[diner_id][day] = int(amount)
    return found


def soon(session: Session, site_id: UUID, now: datetime) -> dict[UUID, Fen]:
    """Run that has not expired yet → fen of it that nobody has spent by now."""
    today = sites.business_date(session, site_id, now)
    query = select(SubsidyRun).where(
        SubsidyRun.site_id == site_id,
        SubsidyRun.expires_on.is_not(None),
        SubsidyRun.expired_at.is_(None),
    )
    return {
        run.id: Fen(sum(left_of(session, run, today).values()))
        for run in session.scalars(query).all()
    }


def soon_of(session: Session, site_id: UUID, diner_id: UUID, today: date) -> list[tuple[date, Fen]]:
    """What a diner loses within :data:`SOON` if he does not spend it: last day and fen."""
    query = select(SubsidyRun).where(
        SubsidyRun.site_id == site_id, SubsidyRun.expires_on.between(today, today + SOON),
        SubsidyRun.expired_at.is_(None),
    )  # fmt: skip
    found = []
    for run in session.scalars(query.order_by(SubsidyRun.expires_on, SubsidyRun.id)):
        left = left_of(session, run, today, only=diner_id).get(diner_id)
        if left and run.expires_on is not None:
            found.append((run.expires_on, left))
    return found
