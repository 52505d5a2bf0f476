"""May this diner pay this? Pure; what it costs him, and from which wallets: :mod:`dafan.meals`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from dafan.meals import bill, period_of, trading_day
from dafan.money import Fen
from dafan.records import DinerStatus, Payment, Policy, Source
from pos.snapshot import Account
from pos.view import NoticeCode


@dataclass(frozen=True, slots=True)
class Authorised:
    """What the diner is shown, and then pays."""

    list_total: Fen
    discount: Fen
    total: Fen
    payments: tuple[Payment, ...]
    subsidised: bool
    period: str
    business_date: date
    full_price: bool = False
    """The subsidised meals of this period are used up: say so before he pays."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why not, as a notice of the screen."""

    code: NoticeCode
    params: Mapping[str, int | str] = field(default_factory=dict)


def authorise(
    account: Account, policy: Policy, list_total: Fen, now: datetime
) -> Authorised | Refused:
    """Decide on a sale to a diner.

    Args:
        account: The diner, this till's unconfirmed sales included.
        policy: The site's rules.
        list_total: The priced basket before any discount.
        now: Aware time; gives meal period and business date.
    """
    if account.diner.status is not DinerStatus.ACTIVE:
        frozen = account.diner.status is DinerStatus.FROZEN
        return Refused(NoticeCode.FROZEN if frozen else NoticeCode.LEFT)
    if account.group is None:
        return Refused(NoticeCode.NOT_KNOWN_HERE)
    period = period_of(policy, now)
    due = bill(
        account.group, period, account.subsidised.get(period, 0), account.subsidy, list_total
    )
    return _over_limit(account, policy, due.total, due.payments) or Authorised(
        list_total=list_total,
        discount=due.discount,
        total=due.total,
        payments=due.payments,
        subsidised=due.subsidised,
        period=period,
        business_date=trading_day(policy, now),
        full_price=due.full_price,
    )


def authorise_cash(policy: Policy, list_total: Fen, now: datetime) -> Authorised:
    """A sale for coins and notes: full price, no diner."""
    paid = (Payment(source=Source.DRAWER, amount=list_total),) if list_total else ()
    return Authorised(
        list_total=list_total,
        discount=Fen(0),
        total=list_total,
        payments=paid,
        subsidised=False,
        period=period_of(policy, now),
        business_date=trading_day(policy, now),
    )


def _over_limit(
    account: Account, policy: Policy, total: Fen, payments: tuple[Payment, ...]
) -> Refused | None:
    group = account.group
    if group and group.meal_limit is not None and total > group.meal_limit:
        return Refused(NoticeCode.MEAL_LIMIT, {"limit_fen": group.meal_limit})
    if group and group.daily_limit is not None and account.spent + total > group.daily_limit:
        return Refused(NoticeCode.DAILY_LIMIT, {"limit_fen": group.daily_limit})
    cash_due = sum(p.amount for p in payments if p.source is Source.CASH)
    if cash_due and cash_due > account.cash:
        return Refused(NoticeCode.INSUFFICIENT, {"short_fen": cash_due - account.cash})
    if total and account.unconfirmed + total > policy.offline_exposure:
        return Refused(NoticeCode.OFFLINE_LIMIT)
    return None
