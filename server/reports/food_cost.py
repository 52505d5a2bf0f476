"""What food costs (标准成本): the recipe of the month at the purchase prices of the day.

The price of a day is that of the last lot received on or before it (of all lots of that day
together); before the first lot, and where a lot told no price, the ingredient's standard price.
The recipe is the one valid at the end of the day's month, so that a report of a month and one of
the year tell the same; a dish whose recipe was written later is costed by its newest one. A figure
is rounded to whole fen once for a dish at a meal, and once for what was thrown away of one thing.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from math import lcm
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dafan.money import Fen, divide_half_up
from dafan.quantity import Measure
from kitchen import cookbook, recipes
from kitchen.cookbook import Recipe
from kitchen.ingredients import Ingredient
from kitchen.lots import Lot
from kitchen.recipes import Book, RecipeError
from kitchen.waste import Category, WasteRecord
from server import kitchen_sales
from server.kitchen_sales import Sold

_UNNAMED = frozenset({Category.OVERPRODUCTION.value, Category.PLATE.value})
"""Cooked food of which nobody said what it was."""


@dataclass(frozen=True, slots=True)
class Thrown:
    """Grams thrown away of one thing on a day."""

    day: date
    category: str
    grams: int
    dish_id: UUID | None = None
    ingredient_id: UUID | None = None
    lot_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class _Goods:
    """An ingredient as it is priced."""

    measure: Measure
    weighs: int | None
    standard: int | None
    days: Sequence[date]
    """On which lots of it came in."""
    paid: Sequence[int]
    """Fen per kilogram, litre or piece on each of these days, half up."""

    def price(self, day: date) -> int | None:
        """Fen per kilogram, litre or piece."""
        place = bisect_right(self.days, day)
        return self.paid[place - 1] if place else self.standard

    def gram(self, day: date) -> Fraction | None:
        """Fen of a gram."""
        price = self.price(day)
        return None if price is None or not self.grams else Fraction(price, self.grams)

    @property
    def grams(self) -> int | None:
        """What a kilogram, a litre or a piece weighs, where anybody told."""
        return 1000 if self.measure is Measure.MASS else self.weighs


@dataclass(frozen=True, slots=True)
class _Needs:
    """What a full portion of a dish needs, as integers over one denominator."""

    parts: Sequence[tuple[UUID, int]]
    over: int
    portion_grams: Fraction


@dataclass(frozen=True, slots=True)
class _Unit:
    """What a full portion costs on a day: so many fen, over so many."""

    fen: int
    over: int
    complete: bool


@dataclass(slots=True)
class Costs:
    """What was served in a range of days, and what it cost.

    Attributes:
        served: What was sold of each dish at each meal.
    """

    served: Sequence[Sold]
    goods: Mapping[UUID, _Goods]
    lots: Mapping[UUID, tuple[UUID, int, int]]
    """Lot of which something was thrown away → its ingredient, fen and quantity."""
    books: Sequence[tuple[date, Book]]
    """The last day of a month → the recipes that were valid then; the newest ones last."""
    _needs: dict[tuple[int, UUID], _Needs | None] = field(default_factory=dict)
    _units: dict[tuple[date, UUID], _Unit | None] = field(default_factory=dict)
    _told: list[tuple[Sold, int, Fen, bool]] = field(default_factory=list)
    _days: dict[date, tuple[int, Fraction]] = field(default_factory=dict)

    def costed(self) -> Sequence[tuple[Sold, int, Fen, bool]]:
        """All that was served, full portions of it, fen, and whether all of it could be costed."""
        if not self._told:
            self._told = [(one, *self.of_served(one)) for one in self.served]
        return self._told

    def portion(self, day: date, dish_id: UUID) -> tuple[Fraction, bool] | None:
        """Fen of a full portion, and whether every ingredient has a price; ``None``: no recipe."""
        unit = self._unit(day, dish_id)
        return None if unit is None else (Fraction(unit.fen, unit.over), unit.complete)

    def of_served(self, one: Sold) -> tuple[int, Fen, bool]:
        """Full portions, their standard cost in fen, and whether all of it could be costed."""
        portions = kitchen_sales.portions_of(one, self._recipe(one.meal.day, one.dish_id))
        unit = self._unit(one.meal.day, one.dish_id)
        if unit is None:
            return portions, Fen(0), False
        return portions, Fen(divide_half_up(unit.fen * portions, unit.over)), unit.complete

    def _unit(self, day: date, dish_id: UUID) -> _Unit | None:
        key = day, dish_id
        if key not in self._units:
            needs = self._needs_of(day, dish_id)
            self._units[key] = None if needs is None else self._priced(day, needs)
        return self._units[key]

    def of_waste(self, one: Thrown) -> Fen | None:
        """Fen of what was thrown away; ``None`` where nobody can tell.

        A lot costs what was paid for it, an ingredient its price of the day, a dish its standard
        cost; cooked food without a name, what a gram of the day's dishes cost in the mean.
        """
        gram = self._gram_of(one)
        if gram is None:
            return None
        cost = gram * one.grams
        return Fen(divide_half_up(cost.numerator, cost.denominator))

    def _gram_of(self, one: Thrown) -> Fraction | None:
        if one.lot_id is not None and one.lot_id in self.lots:
            ingredient_id, fen, quantity = self.lots[one.lot_id]
            goods = self.goods[ingredient_id]
            weighs = goods.grams
            return Fraction(fen * goods.measure.priced_by, quantity * weighs) if weighs else None
        if one.ingredient_id is not None:
            return self.goods[one.ingredient_id].gram(one.day)
        if one.dish_id is not None:
            unit, needs = self.portion(one.day, one.dish_id), self._needs_of(one.day, one.dish_id)
            return None if needs is None or unit is None else unit[0] / needs.portion_grams
        return self._mean_gram(one.day) if one.category in _UNNAMED else None

    def _mean_gram(self, day: date) -> Fraction | None:
        """Fen of a gram of all that was sold on a day and could be costed, as it was cooked."""
        if not self._days:
            for one, portions, fen, _ in self.costed():
                needs = self._needs_of(one.meal.day, one.dish_id)
                if needs is not None:
                    paid, grams = self._days.get(one.meal.day, (0, Fraction(0)))
                    grams += needs.portion_grams * portions
                    self._days[one.meal.day] = paid + fen, grams
        paid, grams = self._days.get(day, (0, Fraction(0)))
        return paid / grams if grams else None

    def _book(self, day: date) -> int:
        """Which of the books is that of a day's month."""
        return next(
            (no for no, (last, _) in enumerate(self.books) if day <= last), len(self.books) - 1
        )

    def _recipe(self, day: date, dish_id: UUID) -> recipes.RecipeValues | None:
        own = self.books[self._book(day)][1].recipes.get(dish_id)
        return own or self.books[-1][1].recipes.get(dish_id)

    def _needs_of(self, day: date, dish_id: UUID) -> _Needs | None:
        no = self._book(day)
        if dish_id not in self.books[no][1].recipes:
            no = len(self.books) - 1
        if (no, dish_id) not in self._needs:
            self._needs[no, dish_id] = _needs(self.books[no][1], dish_id, self.goods)
        return self._needs[no, dish_id]

    def _priced(self, day: date, needs: _Needs) -> _Unit:
        total, complete = 0, True
        for ingredient_id, number in needs.parts:
            price = self.goods[ingredient_id].price(day)
            if price is None:
                complete = False
            else:
                total += number * price
        return _Unit(total, needs.over, complete)


def _needs(book: Book, dish_id: UUID, goods: Mapping[UUID, _Goods]) -> _Needs | None:
    try:
        exact = recipes.explode(book, dish_id, 1)
    except RecipeError:
        return None
    shares = {key: value / goods[key].measure.priced_by for key, value in exact.items()}
    over = lcm(*(value.denominator for value in shares.values()))
    recipe = book.recipe(dish_id)
    return _Needs(
        [(key, value.numerator * (over // value.denominator)) for key, value in shares.items()],
        over,
        Fraction(recipe.yield_grams, recipe.portions),
    )


def load(session: Session, site_id: UUID, since: date, until: date) -> Costs:
    """What was served from the first day to the last, both included, and how to cost it."""
    served = kitchen_sales.sold(session, site_id, since, until)
    thrown = select(WasteRecord.lot_id).where(
        WasteRecord.site_id == site_id, WasteRecord.business_date.between(since, until),
        WasteRecord.lot_id.is_not(None),
    )  # fmt: skip
    lots = session.execute(
        select(Lot.id, Lot.ingredient_id, Lot.cost, Lot.quantity).where(
            Lot.site_id == site_id, Lot.quantity > 0, Lot.id.in_(thrown)
        )
    )
    return Costs(
        served,
        _goods(session, site_id, until),
        {lot: (ingredient, cost, quantity) for lot, ingredient, cost, quantity in lots},
        _books(session, site_id, {one.dish_id for one in served}, since, until),
    )


def _goods(session: Session, site_id: UUID, until: date) -> dict[UUID, _Goods]:
    bought = (
        select(Lot.ingredient_id, Lot.received_on, func.sum(Lot.cost), func.sum(Lot.quantity))
        .where(Lot.site_id == site_id, Lot.received_on <= until, Lot.cost > 0, Lot.quantity > 0)
        .group_by(Lot.ingredient_id, Lot.received_on)
        .order_by(Lot.ingredient_id, Lot.received_on)
    )
    paid: dict[UUID, tuple[list[date], list[tuple[int, int]]]] = {}
    for ingredient_id, day, cost, quantity in session.execute(bought):
        days, sums = paid.setdefault(ingredient_id, ([], []))
        days.append(day)
        sums.append((int(cost), int(quantity)))
    kept = select(Ingredient.id, Ingredient.measure, Ingredient.weighs, Ingredient.price)
    found = {}
    for row in session.execute(kept.where(Ingredient.site_id == site_id)):
        measure = Measure(row.measure)
        days, sums = paid.get(row.id, ([], []))
        prices = [divide_half_up(cost * measure.priced_by, number) for cost, number in sums]
        found[row.id] = _Goods(measure, row.weighs, row.price, days, prices)
    return found


def _books(
    session: Session, site_id: UUID, dish_ids: set[UUID], since: date, until: date
) -> list[tuple[date, Book]]:
    """The recipes of each month in which one was written, and the newest ones."""
    query = select(Recipe.set_at).where(Recipe.site_id == site_id)
    written = sorted(at.date() for at in session.scalars(query))
    newest = cookbook.load_book(session, site_id)
    found: list[tuple[date, Book]] = []
    last = _month_end(since)
    while written and last < written[-1] and last < _month_end(until) + timedelta(days=1):
        until_then = datetime.combine(last + timedelta(days=1), time(0), UTC)
        found.append((last, cookbook.book_of(session, site_id, dish_ids, until_then)))
        last = _month_end(last + timedelta(days=1))
    found.append((date.max, newest))
    return found


def _month_end(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
