"""What a till knows: catalogue and accounts, as plain values made by ``pos.store``. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from dafan.food import Food, Wish
from dafan.meals import period_of as period_of  # noqa: PLC0414 - part of what a till knows
from dafan.meals import trading_day as trading_day  # noqa: PLC0414 - part of what a till knows
from dafan.metrology import ScaleRecord, ScaleRules
from dafan.money import Fen
from dafan.records import Diner, Dish, Group, Policy, Sale, Source, TerminalInfo
from pos.shifts import paid_from

_NOTHING = Fen(0)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Who the till is, what it sells and by which rules.

    ``version`` is that of the feed; a till without terminal or policy is not ready to sell.
    """

    terminal: TerminalInfo | None = None
    policy: Policy | None = None
    dishes: Mapping[UUID, Dish] = field(default_factory=dict)
    version: int = 0
    foods: Mapping[UUID, Food] = field(default_factory=dict)
    """Dish → what it gives, where its recipe tells it."""
    staffed: bool = False
    """Somebody may sign in here to void and to close shifts."""
    orders: bool = False
    """Orders that were made ahead wait for their codes here."""
    scale: ScaleRecord | None = None
    """What is known of the till's own scale."""
    scale_rules: ScaleRules = field(default_factory=ScaleRules)

    @property
    def ready(self) -> bool:
        """Enough is known to sell."""
        return self.terminal is not None and self.policy is not None

    @property
    def weigh_dish(self) -> Dish | None:
        """The dish that a bare weight means; ``None``: this till does not weigh."""
        dish_id = self.terminal.weigh_dish_id if self.terminal else None
        return self.dishes.get(dish_id) if dish_id else None

    @property
    def weighs(self) -> bool:
        """A weight on the scale is food to be paid, even where its dish has vanished."""
        return self.terminal is not None and self.terminal.weigh_dish_id is not None


@dataclass(frozen=True, slots=True)
class Account:
    """A diner as he stands now: the server's word and this till's later sales together."""

    diner: Diner
    group: Group | None
    subsidy: Fen
    cash: Fen
    meals: Mapping[str, int] = field(default_factory=dict)
    """Meal period → meals paid today."""
    subsidised: Mapping[str, int] = field(default_factory=dict)
    """Meal period → subsidised meals used today."""
    spent: Fen = _NOTHING
    month_meals: int = 0
    month_spent: Fen = _NOTHING
    unconfirmed: Fen = _NOTHING
    """Spent at this till without the server having confirmed it yet."""
    has_face: bool = False
    """A template of the diner is in the gallery, by his consent."""
    wish: Wish | None = None
    """What he wants the till to show and to warn of; ``None``: he has said nothing."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """What was ordered ahead and waits to be paid.

    Attributes:
        id: Becomes the sale's.
        venue_id: Where it is handed out.
        dishes: Dish and full portions.
        sold: This till has sold it before.
    """

    id: UUID
    venue_id: UUID
    dishes: tuple[tuple[UUID, int], ...]
    sold: bool = False


@dataclass(frozen=True, slots=True)
class Clerk:
    """Who has signed in at the till's desk."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class Sold:
    """A sale of this till, as the desk sees it."""

    sale: Sale
    name: str
    """The diner's; empty for cash, and for a diner whom the till no longer knows."""
    voided: bool


def account_of(
    diner: Diner,
    group: Group | None,
    pending: Sequence[Sale],
    today: date,
    *,
    has_face: bool,
    taken_back: Sequence[Sale] = (),
    wish: Wish | None = None,
) -> Account:
    """Add to the server's word what this till has sold and taken back since.

    Args:
        diner: As last published.
        group: His group, where it is known.
        pending: His sales at this till behind ``diner.applied``, without those that were voided.
        today: The business date; a day use of another date counts nothing.
        has_face: Whether a template of his is here.
        taken_back: His sales up to ``diner.applied`` that were voided behind it: the server's word
            contains the sale and not yet the void.
        wish: His, where he has said something.
    """
    use = diner.today
    same_day = use.date == today
    same_month = _month(use.date) == _month(today)
    fresh = [sale for sale in pending if sale.business_date == today]
    month = [sale for sale in pending if _month(sale.business_date) == _month(today)]
    back = [sale for sale in taken_back if sale.business_date == use.date]
    back_month = [s for s in taken_back if _month(s.business_date) == _month(use.date)]
    meals = Counter(use.meals if same_day else {})
    subsidised = Counter(use.subsidised if same_day else {})
    spent = use.spent if same_day else 0
    if same_day:
        meals.subtract(sale.period for sale in back)
        subsidised.subtract(sale.period for sale in back if sale.subsidised)
        spent -= sum(sale.total for sale in back)
        meals, subsidised = +meals, +subsidised
    meals.update(sale.period for sale in fresh)
    subsidised.update(sale.period for sale in fresh if sale.subsidised)
    month_meals = use.month_meals - len(back_month) if same_month else 0
    month_spent = use.month_spent - sum(s.total for s in back_month) if same_month else 0
    return Account(
        diner=diner,
        group=group,
        subsidy=Fen(
            diner.subsidy
            - paid_from(pending, Source.SUBSIDY)
            + paid_from(taken_back, Source.SUBSIDY)
        ),
        cash=Fen(diner.cash - paid_from(pending, Source.CASH) + paid_from(taken_back, Source.CASH)),
        meals=meals,
        subsidised=subsidised,
        spent=Fen(spent + sum(sale.total for sale in fresh)),
        month_meals=month_meals + len(month),
        month_spent=Fen(month_spent + sum(sale.total for sale in month)),
        unconfirmed=Fen(sum(sale.total for sale in pending)),
        has_face=has_face,
        wish=wish,
    )


def after_sale(account: Account, sale: Sale) -> Account:
    """The account once the sale is paid."""
    return Account(
        diner=account.diner,
        group=account.group,
        subsidy=Fen(account.subsidy - paid_from([sale], Source.SUBSIDY)),
        cash=Fen(account.cash - paid_from([sale], Source.CASH)),
        meals=Counter(account.meals) + Counter([sale.period]),
        subsidised=Counter(account.subsidised) + Counter([sale.period] * sale.subsidised),
        spent=Fen(account.spent + sale.total),
        month_meals=account.month_meals + 1,
        month_spent=Fen(account.month_spent + sale.total),
        unconfirmed=Fen(account.unconfirmed + sale.total),
        has_face=account.has_face,
        wish=account.wish,
    )


def mask(name: str) -> str:
    """What those who stand behind may read: 张三丰 → 张**."""
    return name[:1] + "*" * max(1, len(name) - 1)


def _month(day: date) -> tuple[int, int]:
    return day.year, day.month
