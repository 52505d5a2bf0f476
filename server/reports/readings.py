"""What a report reads of the kitchen: weighings, issues, what was served; each once, folded here.

A session that makes a report keeps what it read, so that a figure that is asked for by day, by meal
and by dish costs one reading.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from dafan.food import KNOWN_ENOUGH, Food
from dafan.money import divide_half_up
from dafan.records import Portion
from kitchen.nutrition import Nutrient
from kitchen.production import Batch
from kitchen.stock_book import Kind, StockEntry
from kitchen.waste import WasteRecord
from server.reports import food_cost
from server.reports.day_rows import known, total
from server.reports.scope import Dimension, Key, Scope, fold

Sum = dict[str, int]
"""Code of a base measure → its sum."""
Answer = dict[Key, Sum]
_PLAIN = (Dimension.DAY, Dimension.MEAL, Dimension.VENUE, Dimension.DISH, Dimension.CATEGORY)
"""What a row of waste, stock or served food begins with, in this order; its sums follow."""
Row = tuple[Any, ...]


def folded(
    rows: Iterable[Row], scope: Scope, by: Sequence[Dimension], codes: Sequence[str]
) -> Answer:
    """Sum rows up by the keys asked for; those that the scope leaves out do not count."""
    only = [(_PLAIN.index(one), value) for one, value in scope.only.items()]
    if only:
        rows = [row for row in rows if all(row[place] == value for place, value in only)]
    sums: dict[Key, list[int]] = {}
    first, count = len(_PLAIN), len(codes)
    cut = _keys(by)
    for row in rows:
        key = cut(row)
        into = sums.get(key)
        if into is None:
            into = sums[key] = [0] * count
        for place in range(count):
            into[place] += row[first + place]
    return {key: dict(zip(codes, values, strict=True)) for key, values in sums.items()}


def _keys(by: Sequence[Dimension]) -> Callable[[Row], Key]:
    """Makes the key of a row; of a date as fast as it can."""
    if not by:
        return lambda _row: ()
    parts: list[Callable[[Row], Any]] = [_part(one) for one in by]
    if len(parts) == 1:
        part = parts[0]
        return lambda row: (part(row),)
    return lambda row: tuple([part(row) for part in parts])


def _part(dimension: Dimension) -> Callable[[Row], Any]:
    if dimension in _PLAIN:
        return itemgetter(_PLAIN.index(dimension))
    day = _PLAIN.index(Dimension.DAY)
    return lambda row: _dated(dimension, row[day])


@lru_cache(maxsize=8192)
def _dated(dimension: Dimension, day: date) -> Any:
    return fold(dimension, day)


KEPT = "report_readings"
"""Where a session that reads a whole report keeps what it read: one state of the books."""


def keep(session: Session) -> None:
    """Let a session that makes a report read every source once; it must not write."""
    session.info[KEPT] = {}


def once(session: Session, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
    """What a session that keeps its readings knows by this key; else it is made."""
    kept = session.info.get(KEPT)
    if kept is None:
        return make()
    if key not in kept:
        kept[key] = make()
    return kept[key]


def costs(session: Session, site_id: UUID, since: date, until: date) -> food_cost.Costs:
    """What food cost in a range of days, read once by a session that keeps its readings."""

    def make() -> food_cost.Costs:
        kept = session.info.get(KEPT) or {}
        later = next(
            (
                made for key, made in kept.items()
                if key[0] == "costs" and key[1] == site_id and key[3] >= until
            ),
            None,
        )  # fmt: skip
        return food_cost.load(session, site_id, since, until, later)

    found: food_cost.Costs = once(session, ("costs", site_id, since, until), make)
    return found


def waste(
    session: Session, site_id: UUID, scope: Scope, by: Sequence[Dimension], codes: Collection[str]
) -> Answer:
    """Weighings are few: they are read as they are, and costed where that is asked for."""
    key = site_id, scope.since, scope.until
    if {"waste_fen", "waste_uncosted"} & {*codes}:
        rows = once(session, ("costed", *key), lambda: _costed(session, *key))
        return folded(rows, scope, by, ("waste_grams", "waste_fen", "waste_uncosted"))
    rows = once(session, ("weighed", *key), lambda: _weighed(session, *key))
    return folded(rows, scope, by, ("waste_grams",))


def _weighed(session: Session, site_id: UUID, since: date, until: date) -> list[Row]:
    """Rows as :data:`_PLAIN` says, grams, ingredient and lot."""
    cut = (
        WasteRecord.business_date, WasteRecord.period, WasteRecord.venue_id, WasteRecord.dish_id,
        WasteRecord.category,
    )  # fmt: skip
    named = (WasteRecord.ingredient_id, WasteRecord.lot_id)
    where = (WasteRecord.site_id == site_id, WasteRecord.business_date.between(since, until))
    query = (
        select(*map(known, cut), total(WasteRecord.grams), *map(known, named))
        .where(*where)
        .group_by(*cut, *named)
    )
    return [tuple(row) for row in session.execute(query)]


def _costed(session: Session, site_id: UUID, since: date, until: date) -> list[Row]:
    """Weighings with their grams, fen, and the grams that have no price."""
    key = site_id, since, until
    weighed: list[Row] = once(session, ("weighed", *key), lambda: _weighed(session, *key))
    cost = costs(session, *key)
    found: list[Row] = []
    for day, period, venue, dish, category, grams, ingredient, lot in weighed:
        fen = cost.of_waste(food_cost.Thrown(day, category, grams, dish, ingredient, lot))
        rest = (grams, 0, grams) if fen is None else (grams, fen, 0)
        found.append((day, period, venue, dish, category, *rest))
    return found


def stock(
    session: Session, site_id: UUID, scope: Scope, by: Sequence[Dimension], _codes: Collection[str]
) -> Answer:
    """What left the store for the kitchen, less what came back, at what each lot cost."""
    meant = bool({Dimension.MEAL, Dimension.VENUE, Dimension.DISH} & {*by, *scope.only})
    key = site_id, scope.since, scope.until
    if not meant and session.info.get(KEPT, {}).get(("meant", *key)):
        meant = True  # what is read already tells the days as well
    name = "meant" if meant else "issued"
    rows = once(session, (name, *key), lambda: _issued(session, *key, meant=meant))
    return folded(rows, scope, by, ("actual_cost",))


def _issued(session: Session, site_id: UUID, since: date, until: date, *, meant: bool) -> list[Row]:
    """What was issued on each day; what it was for is only asked where needed: it takes long."""
    cost = total(-StockEntry.cost)
    where: tuple[ColumnElement[bool], ...] = (
        StockEntry.site_id == site_id,
        StockEntry.business_date.between(since, until),
        StockEntry.kind.in_([Kind.OUT.value, Kind.BACK.value]),
    )
    day = StockEntry.business_date
    if not meant:
        plain = select(day, cost).where(*where).group_by(day)
        return [(on, "", None, None, "", fen) for on, fen in session.execute(plain)]
    batch = (StockEntry.ref_kind == "batch") & (StockEntry.ref_id == Batch.id)
    cut = (day, Batch.period, Batch.venue_id, Batch.dish_id)
    query: Select[Any] = (
        select(*map(known, cut), cost).outerjoin(Batch, batch).where(*where).group_by(*cut)
    )
    found: list[Row] = []
    for row in session.execute(query):
        on, period, venue, dish, fen = row
        found.append((on, period or "", venue, dish, "", fen))
    return found


def standard(
    session: Session, site_id: UUID, scope: Scope, by: Sequence[Dimension], _codes: Collection[str]
) -> Answer:
    """Portions of each dish at each meal, and what they cost by recipe and price of the day."""
    key = site_id, scope.since, scope.until
    rows = once(session, ("served", *key), lambda: _served(costs(session, *key)))
    return folded(rows, scope, by, ("portions", "standard_cost", "uncosted_portions"))


def _served(cost: food_cost.Costs) -> list[Row]:
    return [
        (one.meal.day, one.meal.period, one.meal.venue_id, one.dish_id, "", one.portions, one.fen,
         0 if one.complete else one.portions)
        for one in cost.costed()
    ]  # fmt: skip


NUTRIENTS: Mapping[str, Nutrient] = {
    "energy": Nutrient.ENERGY,
    "protein": Nutrient.PROTEIN,
    "fat": Nutrient.FAT,
    "carbohydrate": Nutrient.CARBOHYDRATE,
    "sodium": Nutrient.SODIUM,
}
"""Measure → what it sums up, in thousandths of the nutrient's unit."""


def nutrition(
    session: Session, site_id: UUID, scope: Scope, by: Sequence[Dimension], _codes: Collection[str]
) -> Answer:
    """What the portions of each dish gave by its recipe, and how many of them tell all of it."""
    key = site_id, scope.since, scope.until
    rows = once(session, ("fed", *key), lambda: _fed(costs(session, *key)))
    return folded(rows, scope, by, (*NUTRIENTS, "told_portions"))


def _fed(cost: food_cost.Costs) -> list[Row]:
    found: list[Row] = []
    for one in cost.costed():
        food = cost.food(one.meal.day, one.dish_id)
        gave = [_of_portions(food, nutrient, one.portions) for nutrient in NUTRIENTS.values()]
        told = one.portions if food is not None and _tells_all(food) else 0
        found.append(
            (one.meal.day, one.meal.period, one.meal.venue_id, one.dish_id, "", *gave, told)
        )
    return found


def _of_portions(food: Food | None, nutrient: Nutrient, portions: int) -> int:
    """Thousandths of the nutrient's unit, at least; nothing known counts nothing."""
    held = None if food is None else food.per_100g.get(nutrient.value)
    if food is None or held is None:
        return 0
    return divide_half_up(held.milli * food.portions[Portion.FULL.value] * portions, 100)


def _tells_all(food: Food) -> bool:
    held = [food.per_100g.get(one.value) for one in NUTRIENTS.values()]
    return all(one is not None and one.known >= KNOWN_ENOUGH for one in held)
