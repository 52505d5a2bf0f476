"""Subsidy runs (发放补贴): each diner of a group is credited once, to keep or to use in time.

A week's run grows: diners join it one by one, each at most once, and it expires as a whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import JSON, Index, String, UniqueConstraint, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.money import MAX_FEN, Fen
from server.books import accounts, wallets
from server.books.accounts import AccountKind
from server.books.transfers import KeyUsedError, Leg, Move, Transfer, move_all
from server.many import among


class SubsidyRun(Base):
    """One run: when, by whom, how much in all."""

    __tablename__ = "subsidy_run"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        Index("ix_subsidy_run_site_id_id", "site_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID]
    key: Mapped[str] = mapped_column(String(120))
    name: Mapped[str] = mapped_column(String(80))
    """Such as ``2026-03 补贴``."""
    amounts: Mapped[dict[str, int]] = mapped_column(JSON)
    """Group → fen a head."""
    diners: Mapped[int]
    total: Mapped[int]
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(80))
    business_date: Mapped[date | None]
    """The trading day of the credits; unknown of runs before there were expiries."""
    expires_on: Mapped[date | None]
    """The last trading day on which it can be spent; ``None``: it never expires."""
    expired_at: Mapped[datetime | None]
    """When what was left was taken back."""
    expired_total: Mapped[int] = mapped_column(default=0)
    """Fen that were taken back."""


@dataclass(frozen=True, slots=True)
class Member:
    """A diner who receives."""

    diner_id: UUID
    group_id: UUID


def run(
    session: Session,
    site_id: UUID,
    name: str,
    amounts: Mapping[UUID, Fen],
    members: Sequence[Member],
    *,
    key: str,
    by: str,
    at: datetime,
    expires_on: date | None = None,
) -> SubsidyRun:
    """Credit every member, once for each key. The caller publishes the diners.

    Args:
        session: Writes.
        site_id: Of all the members.
        name: For people.
        amounts: Group → fen a head.
        members: Who receives; those of other groups receive nothing.
        key: Made when the form was opened, so that pressing twice pays once.
        by: Login.
        at: Aware UTC.
        expires_on: The last trading day on which it can be spent; ``None``: it never expires.

    Raises:
        BadInputError: an amount is no subsidy, nobody receives, the last day has passed, or the
            key was another run.
    """
    if not amounts or not all(0 < amount <= MAX_FEN for amount in amounts.values()):
        raise BadInputError("enter an amount above zero for at least one group")
    paid = {str(group): int(amount) for group, amount in amounts.items()}
    query = select(SubsidyRun).where(SubsidyRun.site_id == site_id, SubsidyRun.key == key)
    known = session.scalar(query)
    if known is not None:
        if known.amounts != paid or known.expires_on != expires_on:
            raise KeyUsedError("this run was made with other amounts: reload the page")
        return known
    chosen = [member for member in members if member.group_id in amounts]
    if not chosen:
        raise BadInputError("nobody belongs to these groups: nothing was paid out")
    day = wallets.booking_day(session, site_id, at)
    if expires_on is not None and expires_on < day:
        raise BadInputError(
            f"the last day {expires_on} has passed: choose {day} or a later one", code="past_day"
        )
    result = SubsidyRun(
        id=new_id(), site_id=site_id, key=key, name=name.strip()[:80], amounts=paid,
        diners=len(chosen), total=sum(amounts[member.group_id] for member in chosen), at=at, by=by,
        business_date=day, expires_on=expires_on, expired_at=None, expired_total=0,
    )  # fmt: skip
    session.add(result)
    _credit(session, result, chosen, amounts, day)
    return result


def _credit(
    session: Session,
    run: SubsidyRun,
    members: Sequence[Member],
    amounts: Mapping[UUID, Fen],
    day: date,
) -> None:
    site_id = run.site_id
    fund = AccountKind.SUBSIDY_FUND, site_id
    wallets = {(AccountKind.SUBSIDY, member.diner_id) for member in members}
    found = accounts.ensure_all(session, site_id, wallets | {fund})
    moves = []
    for member in members:
        amount = amounts[member.group_id]
        legs = [
            Leg(found[fund], Fen(-amount)),
            Leg(found[AccountKind.SUBSIDY, member.diner_id], amount),
        ]
        key = f"{credit_key(run.id)}{member.diner_id}"
        moves.append(
            Move("subsidy", key, legs, at=run.at, business_date=day, by=run.by, memo=run.name)
        )
    move_all(session, site_id, moves)


GROWS_DAYS = 6
"""A week's run takes diners on its first day and so many more."""


class JoinedError(BadInputError):
    """The diner has had this week's credit."""

    code = "joined"


def _week_of(session: Session, site_id: UUID, at: datetime) -> date:
    """The Monday of the week to which a credit of this moment belongs; it names the week's run."""
    day = wallets.booking_day(session, site_id, at)
    return day - timedelta(days=day.weekday())


def week_run(
    session: Session, site_id: UUID, kind: str, name: str, *, by: str, at: datetime, weeks: int
) -> SubsidyRun:
    """The run that diners of this week join; made by the first of them, and locked.

    Args:
        session: Writes.
        site_id: Of the diners.
        kind: What its runs are for; their keys begin with it.
        name: For people; the week is put behind it.
        by: Login of the one who began it.
        at: Aware UTC.
        weeks: Its credits last to the end of the week so many weeks on; the last day of a run
            which is there stays.
    """
    week = _week_of(session, site_id, at)
    key = f"{kind}:{week}"
    query = select(SubsidyRun).where(SubsidyRun.site_id == site_id, SubsidyRun.key == key)
    found = session.scalar(query.with_for_update())
    if found is None:
        found = SubsidyRun(
            id=new_id(), site_id=site_id, key=key, name=f"{name} {week:%G-W%V}", amounts={},
            diners=0, total=0, at=at, by=by,
            business_date=wallets.booking_day(session, site_id, at),
            expires_on=week + timedelta(weeks=weeks, days=6), expired_at=None, expired_total=0,
        )  # fmt: skip
        try:
            with session.begin_nested():
                session.add(found)
        except IntegrityError:  # another diner began the week just now
            found = session.scalars(query.with_for_update()).one()
    return found


def join(
    session: Session,
    run: SubsidyRun,
    diner_ids: Sequence[UUID],
    amount: Fen,
    *,
    by: str,
    at: datetime,
) -> list[Transfer]:
    """Credit diners within a week's run, all at once. The caller publishes them.

    Returns:
        The transfer of each, in the order of the diners.

    Raises:
        JoinedError: one of them has had his credit of this run.
        BadInputError: the amount is none.
    """
    wallets.check_amount(amount)
    keys = [f"{credit_key(run.id)}{diner_id}" for diner_id in diner_ids]
    paid = select(Transfer.id).where(
        Transfer.site_id == run.site_id, among(session, Transfer.key, keys)
    )
    if session.scalar(paid.limit(1)) is not None:
        raise JoinedError("this was done this week already: again from Monday on")
    fund = AccountKind.SUBSIDY_FUND, run.site_id
    owners = {(AccountKind.SUBSIDY, diner_id) for diner_id in diner_ids}
    found = accounts.ensure_all(session, run.site_id, owners | {fund})
    day = wallets.booking_day(session, run.site_id, at)
    moves = []
    for diner_id, key in zip(diner_ids, keys, strict=True):
        own = found[AccountKind.SUBSIDY, diner_id]
        legs = [Leg(found[fund], Fen(-amount)), Leg(own, amount)]
        moves.append(Move("subsidy", key, legs, at=at, business_date=day, by=by, memo=run.name))
    run.diners, run.total = run.diners + len(moves), run.total + len(moves) * amount
    return move_all(session, run.site_id, moves)


def has_joined(session: Session, site_id: UUID, kind: str, diner_id: UUID, at: datetime) -> bool:
    """Whether a diner has had his credit of this week's run of a kind."""
    key = f"{kind}:{_week_of(session, site_id, at)}"
    query = select(SubsidyRun.id).where(SubsidyRun.site_id == site_id, SubsidyRun.key == key)
    run_id = session.scalar(query)
    if run_id is None:
        return False
    found = select(Transfer.id).where(
        Transfer.site_id == site_id, Transfer.key == f"{credit_key(run_id)}{diner_id}"
    )
    return session.scalar(found) is not None


def last_credit_day(run: SubsidyRun) -> date:
    """The last trading day on which a credit of a run can be."""
    first = run.business_date or run.at.date()
    return first if run.amounts else first + timedelta(days=GROWS_DAYS)


def credit_key(run_id: UUID) -> str:
    """How the keys of a run's transfers begin; the diner follows."""
    return f"subsidy:{run_id}:"


def runs(session: Session, site_id: UUID, limit: int = 50) -> Sequence[SubsidyRun]:
    """The site's runs, the latest first."""
    query = select(SubsidyRun).where(SubsidyRun.site_id == site_id)
    return session.scalars(query.order_by(SubsidyRun.id.desc()).limit(limit)).all()
