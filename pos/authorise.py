"""May this diner pay this, and from which wallets? Pure.

A meal is subsidised when the diner's group has a rule for the period and he has not used up its
number of subsidised meals today. Then the group's discount applies and the subsidy wallet pays
first, up to the rule's cap; the cash wallet pays the rest. Any other meal, and a sale outside the
meal periods, is paid at full price from the cash wallet alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from dafan.money import Fen
from dafan.records import DinerStatus, MealRule, Payment, Policy, Source
from pos.pricing import discount_of
from pos.snapshot import Account, period_of, trading_day
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
    rule = account.group.meals.get(period)
    entitled = rule is not None and account.subsidised.get(period, 0) < rule.subsidised_per_day
    discount = discount_of(list_total, account.group.discount_percent) if entitled else Fen(0)
    total = Fen(list_total - discount)
    payments = _split(account, total, rule if entitled else None)
    used = discount > 0 or any(p.source is Source.SUBSIDY for p in payments)
    return _over_limit(account, policy, total, payments) or Authorised(
        list_total=list_total,
        discount=discount,
        total=total,
        payments=payments,
        subsidised=used,
        period=period,
        business_date=trading_day(policy, now),
        full_price=rule is not None and rule.subsidised_per_day > 0 and not entitled,
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


def _split(account: Account, total: Fen, rule: MealRule | None) -> tuple[Payment, ...]:
    """Subsidy first, cash after. What both lack is left out; :func:`_over_limit` refuses it."""
    subsidy = 0
    if rule is not None:
        cap = total if rule.subsidy_cap is None else rule.subsidy_cap
        subsidy = max(0, min(account.subsidy, cap, total))
    cash = max(0, total - subsidy)
    parts = ((Source.SUBSIDY, subsidy), (Source.CASH, cash))
    return tuple(Payment(source=s, amount=Fen(amount)) for s, amount in parts if amount > 0)


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
