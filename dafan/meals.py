"""What a meal costs its diner, and from which wallets: one rule for tills and for the server. Pure.

A meal is subsidised when the diner's group has a rule for the period and he has not used up its
number of subsidised meals today. Then the group's discount applies and the subsidy wallet pays
first, up to the rule's cap; the cash wallet pays the rest. Any other meal, and a sale outside the
meal periods, is paid at full price from the cash wallet alone.
"""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from dafan.clock import business_date
from dafan.money import Fen, divide_half_up
from dafan.records import Group, MealRule, Payment, Policy, Source

OTHER_PERIOD = "other"
"""The period of a sale outside every meal: allowed, at full price, never subsidised."""


@dataclass(frozen=True, slots=True)
class Bill:
    """What is due for a meal."""

    discount: Fen
    total: Fen
    payments: tuple[Payment, ...]
    subsidised: bool
    """It uses one of the diner's subsidised meals of the period."""
    full_price: bool
    """The subsidised meals of this period are used up."""


def bill(group: Group, period: str, used: int, subsidy: Fen, list_total: Fen) -> Bill:
    """The bill of a meal; what both wallets lack is asked of the cash wallet all the same.

    Args:
        group: The diner's.
        period: Code of the meal period, or :data:`OTHER_PERIOD`.
        used: His subsidised meals of this period today.
        subsidy: What his subsidy wallet holds, in fen.
        list_total: The price of all lines before any discount, in fen.
    """
    rule = group.meals.get(period)
    entitled = rule is not None and used < rule.subsidised_per_day
    discount = discount_of(list_total, group.discount_percent) if entitled else Fen(0)
    total = Fen(list_total - discount)
    payments = _split(total, subsidy, rule if entitled else None)
    return Bill(
        discount=discount,
        total=total,
        payments=payments,
        subsidised=discount > 0 or any(part.source is Source.SUBSIDY for part in payments),
        full_price=rule is not None and rule.subsidised_per_day > 0 and not entitled,
    )


def discount_of(list_total: Fen, percent: int) -> Fen:
    """A group's discount, half up, once a sale."""
    return Fen(divide_half_up(list_total * percent, 100))


def _split(total: Fen, subsidy: Fen, rule: MealRule | None) -> tuple[Payment, ...]:
    """Subsidy first, cash after."""
    first = 0
    if rule is not None:
        cap = total if rule.subsidy_cap is None else rule.subsidy_cap
        first = max(0, min(subsidy, cap, total))
    parts = ((Source.SUBSIDY, first), (Source.CASH, total - first))
    return tuple(Payment(source=source, amount=Fen(fen)) for source, fen in parts if fen > 0)


def period_of(policy: Policy, now: datetime) -> str:
    """Code of the meal period of a moment; :data:`OTHER_PERIOD` outside all of them.

    A period whose end is not after its start runs over midnight.
    """
    local = now.astimezone(ZoneInfo(policy.time_zone)).time()
    for period in policy.periods:
        if period.starts < period.ends:
            inside = period.starts <= local < period.ends
        else:
            inside = local >= period.starts or local < period.ends
        if inside:
            return period.code
    return OTHER_PERIOD


def trading_day(policy: Policy, now: datetime) -> date:
    """The site's business date of a moment."""
    return business_date(now, ZoneInfo(policy.time_zone), policy.day_starts_hour)
