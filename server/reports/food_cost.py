"""What food costs (标准成本): the recipe of the month at the purchase prices of the day.

The price of a day is that of the last lot received on or before it (of all lots of that day
together); before the first lot, and where a lot told no price, the ingredient's standard price.
The recipe is the one valid at the end of the day's month, so that a report of a month and one of
the year tell the same; a dish whose recipe was written later is costed by its newest one. A figure
is rounded to whole fen once for a dish at a meal, and once for what was thrown away of one thing.
"""

from bisect import bisect_right
from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from math import lcm
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dafan.food import Food
from dafan.money import Fen, divide_half_up
from dafan.quantity import Measure
from kitchen import cookbook, recipes
from kitchen.cookbook import Recipe
from kitchen.foods import food_of
from kitchen.ingredients import Ingredient
from kitchen.lots import Lot
from kitchen.meals import Meal
from kitchen.nutrition import NutritionError
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

    def gram(self, day: date) -> tuple[int, int] | None:
        """Fen of a gram, as so many over so many."""
        price, grams = self.price(day), self.grams
        return None if price is None or not grams else (price, grams)

    @property
    def grams(self) -> int | None:
        """What a kilogram, a litre or a piece weighs, where anybody told."""
        return 1000 if self.measure is Measure.MASS else self.weighs


@dataclass(frozen=True, slots=True)
class _Needs:
    """What a full portion of a dish needs, as integers over one denominator.

    Attributes:
        yield_grams: What so many full portions (``portions``) weigh.
    """

    parts: Sequence[tuple[_Goods, int]]
    over: int
    yield_grams: int
    portions: int


@dataclass(frozen=True, slots=True)
class _Unit:
    """What a full portion costs on a day: so many fen, over so many."""

    fen: int
    over: int
    complete: bool


@dataclass(frozen=True, slots=True)
class Served:
    """What was sold of a dish at a meal, as it counts in the books of the kitchen.

    Attributes:
        portions: Full ones.
        fen: Their standard cost.
        complete: All of it could be costed.
    """

    meal: Meal
    dish_id: UUID
    portions: int
    fen: Fen
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
    _foods: dict[tuple[int, UUID], Food | None] = field(default_factory=dict)
    _told: list[Served] = field(default_factory=list)
    _book_of: dict[date, int] = field(default_factory=dict)
    _days: dict[date, tuple[int, Fraction]] = field(default_factory=dict)

    def costed(self) -> Sequence[Served]:
        """All that was served."""
        if not self._told:
            self._told = [self.of_served(one) for one in self.served]
        return self._told

    def of_served(self, one: Sold) -> Served:
        """Full portions of what was sold, and their standard cost."""
        day, dish_id = one.meal.day, one.dish_id
        portions = kitchen_sales.portions_of(one, self._recipe(day, dish_id))
        unit = self._unit(day, dish_id)
        if unit is None:
            return Served(one.meal, dish_id, portions, Fen(0), complete=False)
        fen = Fen(divide_half_up(unit.fen * portions, unit.over))
        return Served(one.meal, dish_id, portions, fen, unit.complete)

    def _unit(self, day: date, dish_id: UUID) -> _Unit | None:
        key = day, dish_id
        if key not in self._units:
            needs = self._needs_of(day, dish_id)
            self._units[key] = None if needs is None else self._priced(day, needs)
        return self._units[key]

    def food(self, day: date, dish_id: UUID) -> Food | None:
        """What a dish gave by its recipe of a day; ``None``: nobody can tell."""
        no = self._book(day)
        if dish_id not in self.books[no][1].recipes:
            no = len(self.books) - 1
        if (no, dish_id) not in self._foods:
            try:
                self._foods[no, dish_id] = food_of(self.books[no][1], dish_id)
            except (RecipeError, NutritionError):
                self._foods[no, dish_id] = None
        return self._foods[no, dish_id]

    def late(self, day: date, dish_id: UUID) -> bool:
        """Whether a dish had no recipe in a day's month, so that a later one, or none, counts."""
        return dish_id not in self.books[self._book(day)][1].recipes

    def of_waste(self, one: Thrown) -> Fen | None:
        """Fen of what was thrown away; ``None`` where nobody can tell.

        A lot costs what was paid for it, an ingredient its price of the day, a dish its standard
        cost; cooked food without a name, what a gram of the day's dishes cost in the mean.
        """
        gram = self._gram_of(one)
        return None if gram is None else Fen(divide_half_up(gram[0] * one.grams, gram[1]))

    def _gram_of(self, one: Thrown) -> tuple[int, int] | None:
        """Fen of a gram, as so many over so many."""
        if one.lot_id is not None and one.lot_id in self.lots:
            ingredient_id, fen, quantity = self.lots[one.lot_id]
            goods = self.goods[ingredient_id]
            weighs = goods.grams
            return (fen * goods.measure.priced_by, quantity * weighs) if weighs else None
        if one.ingredient_id is not None:
            return self.goods[one.ingredient_id].gram(one.day)
        if one.dish_id is not None:
            unit, needs = self._unit(one.day, one.dish_id), self._needs_of(one.day, one.dish_id)
            if needs is None or unit is None:
                return None
            return unit.fen * needs.portions, unit.over * needs.yield_grams
        return self._mean_gram(one.day) if one.category in _UNNAMED else None

    def _mean_gram(self, day: date) -> tuple[int, int] | None:
        """Fen of a gram of all that was sold on a day and could be costed, as it was cooked."""
        if not self._days:
            self._days = self._weigh_days()
        paid, grams = self._days.get(day, (0, Fraction(0)))
        return (paid * grams.denominator, grams.numerator) if grams else None

    def _weigh_days(self) -> dict[date, tuple[int, Fraction]]:
        """Day → fen and cooked grams of what could be costed."""
        paid: dict[date, int] = {}
        cooked: dict[date, dict[int, int]] = {}
        for one in self.costed():
            needs = self._needs_of(one.meal.day, one.dish_id)
            if needs is not None:
                paid[one.meal.day] = paid.get(one.meal.day, 0) + one.fen
                by = cooked.setdefault(one.meal.day, {})
                more = needs.yield_grams * one.portions
                by[needs.portions] = by.get(needs.portions, 0) + more
        grams = {
            day: sum((Fraction(more, over) for over, more in by.items()), Fraction(0))
            for day, by in cooked.items()
        }
        return {day: (fen, grams[day]) for day, fen in paid.items()}

    def _book(self, day: date) -> int:
        """Which of the books is that of a day's month."""
        if day not in self._book_of:
            found = (no for no, (last, _) in enumerate(self.books) if day <= last)
            self._book_of[day] = next(found, len(self.books) - 1)
        return self._book_of[day]

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

    @staticmethod
    def _priced(day: date, needs: _Needs) -> _Unit:
        total, complete = 0, True
        for goods, number in needs.parts:
            price = goods.price(day)
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
        [
            (goods[key], value.numerator * (over // value.denominator))
            for key, value in shares.items()
        ],
        over,
        recipe.yield_grams,
        recipe.portions,
    )


def load(
    session: Session, site_id: UUID, since: date, until: date, later: Costs | None = None
) -> Costs:
    """What was served from the first day to the last, both included, and how to cost it.

    Args:
        session: Reads.
        site_id: Whose.
        since: The first day.
        until: The last day.
        later: Costs of days that end no earlier, read by the same session: what it knows of
            prices and newest recipes is not read again.
    """
    served = kitchen_sales.sold(session, site_id, since, until)
    thrown = select(WasteRecord.lot_id).where(
        WasteRecord.site_id == site_id, WasteRecord.business_date.between(since, until),
        WasteRecord.lot_id.is_not(None),
    )  # fmt: skip
    wasted = select(WasteRecord.dish_id).where(
        WasteRecord.site_id == site_id, WasteRecord.business_date.between(since, until),
        WasteRecord.dish_id.is_not(None),
    )  # fmt: skip
    dish_ids = {one.dish_id for one in served}
    dish_ids.update(one for one in session.scalars(wasted.distinct()) if one is not None)
    lots = session.execute(
        select(Lot.id, Lot.ingredient_id, Lot.cost, Lot.quantity).where(
            Lot.site_id == site_id, Lot.quantity > 0, Lot.id.in_(thrown)
        )
    )
    newest = cookbook.load_book(session, site_id) if later is None else later.books[-1][1]
    return Costs(
        served,
        _goods(session, site_id, until) if later is None else later.goods,
        {lot: (ingredient, cost, quantity) for lot, ingredient, cost, quantity in lots},
        _books(session, site_id, dish_ids, since, until, newest),
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
    session: Session, site_id: UUID, dish_ids: set[UUID], since: date, until: date, newest: Book
) -> list[tuple[date, Book]]:
    """The recipes of each month before the last one was written, and the newest ones."""
    query = select(Recipe.set_at).where(Recipe.site_id == site_id)
    written = sorted(at.date() for at in session.scalars(query))
    found: list[tuple[date, Book]] = []
    last, known = month_end(since), -1
    while written and last < written[-1] and last < month_end(until) + timedelta(days=1):
        count = bisect_right(written, last)
        if count != known:  # else the month has the recipes of the one before
            found.append((last, cookbook.book_of(session, site_id, dish_ids, valid_at(last))))
        else:
            found[-1] = last, found[-1][1]
        known, last = count, month_end(last + timedelta(days=1))
    found.append((date.max, newest))
    return found


def valid_at(day: date) -> datetime:
    """Versions of recipes up to this moment, aware UTC, are those of a day's month."""
    return datetime.combine(month_end(day), time.max, UTC)


def month_end(day: date) -> date:
    """The last day of a day's month."""
    return day.replace(day=monthrange(day.year, day.month)[1])
