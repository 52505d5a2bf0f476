"""The purchase plan: menu × recipe × forecast − usable stock − on order, small and frequent.

勤进快用: what spoils is bought for as many days as it keeps and no more; what keeps is bought for
as many days as the site allows. Pure: quantities are whole, in each ingredient's own measure
(grams, millilitres or pieces); a need is what the recipes, exploded for the forecast portions, say
that must be taken from the store, untrimmed (毛重).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

from dafan.errors import BadInputError

FOREVER = date.max


@dataclass(frozen=True)
class MealNeed:
    """What the dishes of one meal take from the store, over all dishes."""

    on: date
    ingredients: Mapping[UUID, int]


@dataclass(frozen=True)
class Item:
    """How an ingredient is bought."""

    ingredient: UUID
    pack: int = 1
    """Sold in multiples of so much."""
    shelf_days: int | None = None
    """Bought on a Monday with 2, it is good on Monday and Tuesday; none: it keeps."""
    maximum: int | None = None
    """No purchase brings more into the store, unless one day or one pack needs it."""

    def __post_init__(self) -> None:
        if self.pack < 1 or (self.shelf_days is not None and self.shelf_days < 1):
            raise BadInputError(
                f"ingredient {self.ingredient} needs a pack and a shelf life above zero"
            )


@dataclass(frozen=True)
class Stock:
    """A lot in the store that may be used."""

    ingredient: UUID
    quantity: int
    last_day: date | None = None
    """The last day on which it may be used; none: it keeps."""


@dataclass(frozen=True)
class Rules:
    """How a site buys."""

    safety_permille: int = 50
    """So much more than the forecast says, for guests that nobody expected."""
    ahead_days: int = 7
    """Nothing is bought for more days at once, however long it keeps."""

    def __post_init__(self) -> None:
        if not 0 <= self.safety_permille <= 1000 or self.ahead_days < 1:
            raise BadInputError(
                "the safety share is 0 to 1000 per mille, and a purchase is for a day at least"
            )


@dataclass(frozen=True)
class Line:
    """What to buy of one ingredient for the days ``first`` to ``until``.

    ``need`` is ``from_stock + from_order + carried + fresh``; ``buy`` is ``fresh`` rounded up to
    packs, and what is over is carried on while it is good.
    """

    ingredient: UUID
    first: date
    until: date
    """First and last day whose needs are counted here."""
    deliver_on: date | None
    """The first day that lacks something; none where nothing has to be bought."""
    need: int
    safety: int
    """Part of ``need`` that is there for safety."""
    from_stock: int
    from_order: int
    carried: int
    """Out of the packs of an earlier line."""
    fresh: int
    buy: int
    pack: int
    limited_by: str
    """What ended the days of this line: ``shelf_life``, ``ahead_days``, ``maximum`` or ``menu``."""

    @property
    def packs(self) -> int:
        """How many packs are bought."""
        return self.buy // self.pack

    @property
    def why(self) -> str:
        """One line for the buyer, in the ingredient's measure."""
        parts = [f"{self.first} to {self.until} need {self.need} ({self.safety} for safety)"]
        takes = ("stock", self.from_stock), ("on order", self.from_order), ("packs", self.carried)
        parts += [f"{amount} from {name}" for name, amount in takes if amount]
        if not self.buy:
            return "; ".join([*parts, "nothing to buy"])
        over = f", {self.buy - self.fresh} over" if self.buy > self.fresh else ""
        parts.append(f"{self.packs} packs of {self.pack} on {self.deliver_on}{over}")
        end = {
            "shelf_life": "not longer, for it spoils",
            "ahead_days": "not longer, for small and frequent purchases",
            "maximum": "not longer, for the store holds no more",
        }
        return "; ".join([*parts, *filter(None, [end.get(self.limited_by)])])


@dataclass
class _Source:
    kind: str
    left: int
    last_day: date


@dataclass
class _Draft:
    """A line that is being filled, day by day."""

    first: date
    until: date
    need: int = 0
    safety: int = 0
    deliver_on: date | None = None
    fresh: int = 0
    limited_by: str = "menu"
    taken: dict[str, int] = field(default_factory=lambda: {"stock": 0, "order": 0, "carried": 0})


def purchase_plan(
    meals: Iterable[MealNeed],
    items: Iterable[Item],
    stock: Iterable[Stock] = (),
    on_order: Mapping[UUID, int] | None = None,
    rules: Rules | None = None,
) -> tuple[Line, ...]:
    """What to buy for these meals, by day of delivery.

    Stock that ends first is used first, then what is on order (taken to be here before the first
    meal), then what is left of packs. An ingredient that spoils has a line for each few days.

    Raises:
        BadInputError: a negative quantity, or a meal needs an ingredient that ``items`` does not
            tell about.
    """
    rules = rules or Rules()
    known = {item.ingredient: item for item in items}
    needs = _by_day(meals, known)
    start = min((on for days in needs.values() for on in days), default=date.min)
    sources = _sources(stock, on_order or {}, known, start)
    lines = [
        line
        for ingredient, days in needs.items()
        for line in _lines(known[ingredient], days, sources.get(ingredient, []), rules)
    ]
    return tuple(sorted(lines, key=lambda line: (line.deliver_on or FOREVER, line.first)))


def _by_day(meals: Iterable[MealNeed], known: Mapping[UUID, Item]) -> dict[UUID, dict[date, int]]:
    needs: dict[UUID, dict[date, int]] = {}
    for meal in meals:
        for ingredient, quantity in meal.ingredients.items():
            if quantity < 0:
                raise BadInputError(f"the meal of {meal.on} needs a negative quantity")
            if ingredient not in known:
                raise BadInputError(f"nobody says how ingredient {ingredient} is bought")
            if quantity:
                days = needs.setdefault(ingredient, {})
                days[meal.on] = days.get(meal.on, 0) + quantity
    return needs


def _sources(
    stock: Iterable[Stock], on_order: Mapping[UUID, int], known: Mapping[UUID, Item], start: date
) -> dict[UUID, list[_Source]]:
    """What is there already, the first that ends first."""
    found: dict[UUID, list[_Source]] = {}
    for lot in stock:
        if lot.quantity < 0:
            raise BadInputError(f"the stock of ingredient {lot.ingredient} is below zero")
        source = _Source("stock", lot.quantity, lot.last_day or FOREVER)
        found.setdefault(lot.ingredient, []).append(source)
    for ingredient, quantity in on_order.items():
        if quantity < 0:
            raise BadInputError(f"on order of ingredient {ingredient} is below zero")
        item = known.get(ingredient)
        if item is not None:
            source = _Source("order", quantity, _last_day(item, start))
            found.setdefault(ingredient, []).append(source)
    for sources in found.values():
        sources.sort(key=lambda source: (source.last_day, source.kind == "order"))
    return found


def _last_day(item: Item, bought: date) -> date:
    if item.shelf_days is None:
        return FOREVER
    return bought + timedelta(days=item.shelf_days - 1)


def _lines(
    item: Item, needs: Mapping[date, int], sources: list[_Source], rules: Rules
) -> Sequence[Line]:
    lines: list[Line] = []
    days = sorted(needs)
    draft = _Draft(days[0], days[0])
    last = FOREVER
    for on in days:
        if on > last:
            lines.append(_finish(item, draft, sources))
            draft, last = _Draft(on, on), FOREVER
        wanted = _ceil(needs[on] * (1000 + rules.safety_permille), 1000)
        if draft.deliver_on is not None and _too_much(item, draft, wanted - _left(sources, on)):
            draft.limited_by = "maximum"
            lines.append(_finish(item, draft, sources))
            draft, last = _Draft(on, on), FOREVER
        draft.until, draft.need = on, draft.need + wanted
        draft.safety += wanted - needs[on]
        lacking = _take(wanted, on, sources, draft)
        if lacking and draft.deliver_on is None:
            draft.deliver_on = on
            last = on + timedelta(days=_window(item, rules) - 1)
            shelf = item.shelf_days is not None and item.shelf_days <= rules.ahead_days
            draft.limited_by = "shelf_life" if shelf else "ahead_days"
        draft.fresh += lacking
    draft.limited_by = "menu"
    return [*lines, _finish(item, draft, sources)]


def _window(item: Item, rules: Rules) -> int:
    """Days that one purchase is for, its own included."""
    return min(item.shelf_days or rules.ahead_days, rules.ahead_days)


def _left(sources: list[_Source], on: date) -> int:
    """What is there and still good."""
    return sum(source.left for source in sources if source.last_day >= on)


def _too_much(item: Item, draft: _Draft, lacking: int) -> bool:
    """Whether one more day makes a purchase larger than the store may hold."""
    if item.maximum is None or lacking <= 0:
        return False
    before, after = (_packed(item, fresh) for fresh in (draft.fresh, draft.fresh + lacking))
    return after > max(item.maximum, before)


def _take(wanted: int, on: date, sources: list[_Source], draft: _Draft) -> int:
    """Use what is there and still good; what is lacking comes back."""
    for source in sources:
        if wanted and source.left and source.last_day >= on:
            amount = min(wanted, source.left)
            source.left -= amount
            wanted -= amount
            draft.taken[source.kind] += amount
    return wanted


def _finish(item: Item, draft: _Draft, sources: list[_Source]) -> Line:
    buy = _packed(item, draft.fresh)
    if draft.deliver_on is not None and buy > draft.fresh:
        last_day = _last_day(item, draft.deliver_on)
        sources.append(_Source("carried", buy - draft.fresh, last_day))
        sources.sort(key=lambda source: source.last_day)
    return Line(
        item.ingredient, draft.first, draft.until, draft.deliver_on, draft.need, draft.safety,
        draft.taken["stock"], draft.taken["order"], draft.taken["carried"],
        draft.fresh, buy, item.pack, draft.limited_by,
    )  # fmt: skip


def _packed(item: Item, fresh: int) -> int:
    """In whole packs."""
    return _ceil(fresh, item.pack) * item.pack


def _ceil(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)
