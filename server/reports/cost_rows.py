"""What food cost on a day: small tables of what was served, thrown away and issued, with its fen.

They are no authority: what each holds is told once, by the functions below, which make them,
compare them (``dafan verify``) and answer for every day whose sums are missing or old.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base
from dafan.food import KNOWN_ENOUGH, Food
from dafan.money import divide_half_up
from dafan.records import Portion
from kitchen.lots import Lot
from kitchen.nutrition import Nutrient
from kitchen.production import Batch
from kitchen.stock_book import Kind, StockEntry
from kitchen.waste import WasteRecord
from server.many import rows_of
from server.reports.day_rows import OfMeal, known, total
from server.reports.food_cost import Costs, Thrown

Row = tuple[Any, ...]
"""Day, meal, venue, dish and category of waste, each ``None`` or empty where there is none; then
the sums of its table."""


class DayCosts(OfMeal):
    """What was sold of a dish at a meal, as the kitchen counts it, and what its recipe says."""

    __tablename__ = "day_costs"

    dish_id: Mapped[UUID] = mapped_column(primary_key=True)
    portions: Mapped[int]
    """Full ones."""
    standard_cost: Mapped[int]
    """Fen."""
    uncosted_portions: Mapped[int]
    energy: Mapped[int]
    """As the other nutrients: of all portions, in thousandths of the nutrient's unit."""
    protein: Mapped[int]
    fat: Mapped[int]
    carbohydrate: Mapped[int]
    sodium: Mapped[int]
    told_portions: Mapped[int]
    """Of which all five are known."""


class DayWaste(OfMeal):
    """What was thrown away; without a dish it is of :data:`server.reports.day_rows.NOBODY`."""

    __tablename__ = "day_waste"

    dish_id: Mapped[UUID] = mapped_column(primary_key=True)
    category: Mapped[str] = mapped_column(String(16), primary_key=True)
    waste_grams: Mapped[int]
    waste_fen: Mapped[int]
    waste_uncosted: Mapped[int]
    """Grams that have no price."""


class DayIssues(OfMeal):
    """What left the store for a dish at a meal, less what came back."""

    __tablename__ = "day_issues"

    dish_id: Mapped[UUID] = mapped_column(primary_key=True)
    actual_cost: Mapped[int]
    """Fen."""


class DayUsed(Base):
    """What was issued of an ingredient, less what came back."""

    __tablename__ = "day_used"

    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    business_date: Mapped[date] = mapped_column(primary_key=True)
    ingredient_id: Mapped[UUID] = mapped_column(primary_key=True)
    quantity: Mapped[int]
    """In its measure."""
    cost: Mapped[int]
    """Fen."""


class DayCosted(Base):
    """The costs of a day, made at so many changes of all that they follow from."""

    __tablename__ = "day_costed"

    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    business_date: Mapped[date] = mapped_column(primary_key=True)
    changes: Mapped[int]
    late: Mapped[bool]
    """A dish of the day had no recipe yet, and stands there by its newest one, or by none."""
    made_at: Mapped[datetime]


Costed = type[DayCosts] | type[DayWaste] | type[DayIssues] | type[DayUsed]
COSTED: tuple[Costed, ...] = (DayCosts, DayWaste, DayIssues, DayUsed)

NUTRIENTS = {
    "energy": Nutrient.ENERGY,
    "protein": Nutrient.PROTEIN,
    "fat": Nutrient.FAT,
    "carbohydrate": Nutrient.CARBOHYDRATE,
    "sodium": Nutrient.SODIUM,
}
"""Measure → what it sums up, in thousandths of the nutrient's unit."""
SUMS: dict[Costed, tuple[str, ...]] = {
    DayCosts: (
        "portions", "standard_cost", "uncosted_portions", *NUTRIENTS, "told_portions",
    ),
    DayWaste: ("waste_grams", "waste_fen", "waste_uncosted"),
    DayIssues: ("actual_cost",),
    DayUsed: ("quantity", "cost"),
}  # fmt: skip
"""Table → its sums, in the order in which they follow in a :data:`Row`."""


def served(cost: Costs) -> list[Row]:
    """Portions of each dish at each meal, what they cost, and what they gave by the recipe."""
    found: list[Row] = []
    for one in cost.costed():
        food = cost.food(one.meal.day, one.dish_id)
        gave = [_of_portions(food, nutrient, one.portions) for nutrient in NUTRIENTS.values()]
        told = one.portions if food is not None and _tells_all(food) else 0
        uncosted = 0 if one.complete else one.portions
        meal = one.meal.day, one.meal.period, one.meal.venue_id
        found.append((*meal, one.dish_id, "", one.portions, one.fen, uncosted, *gave, told))
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


def weighed(session: Session, site_id: UUID, since: date, until: date) -> list[Row]:
    """Weighings of a range of days: their grams, then ingredient and lot."""
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
    return rows_of(session, query)


def thrown(weighings: list[Row], cost: Costs) -> list[Row]:
    """Weighings with their grams, fen, and the grams that have no price."""
    found: list[Row] = []
    for day, period, venue, dish, category, grams, ingredient, lot in weighings:
        fen = cost.of_waste(Thrown(day, category, grams, dish, ingredient, lot))
        rest = (grams, 0, grams) if fen is None else (grams, fen, 0)
        found.append((day, period, venue, dish, category, *rest))
    return found


def issued(session: Session, site_id: UUID, since: date, until: date) -> list[Row]:
    """What was issued on each day, at what each lot cost, and for what."""
    batch = (StockEntry.ref_kind == "batch") & (StockEntry.ref_id == Batch.id)
    cut = (StockEntry.business_date, Batch.period, Batch.venue_id, Batch.dish_id)
    query: Select[Any] = select(*map(known, cut), total(-StockEntry.cost)).outerjoin(Batch, batch)
    query = query.where(*for_the_kitchen(site_id, since, until)).group_by(*cut)
    return [
        (on, period or "", venue, dish, "", fen)
        for on, period, venue, dish, fen in rows_of(session, query)
    ]


def used(session: Session, site_id: UUID, since: date, until: date) -> list[tuple[Any, ...]]:
    """What was issued on each day of each ingredient: in its measure, and fen."""
    cut = (StockEntry.business_date, Lot.ingredient_id)
    sums = total(-StockEntry.quantity), total(-StockEntry.cost)
    query = select(*map(known, cut), *sums).join(Lot, Lot.id == StockEntry.lot_id)
    where = for_the_kitchen(site_id, since, until)
    return rows_of(session, query.where(*where).group_by(*cut))


def for_the_kitchen(site_id: UUID, since: date, until: date) -> tuple[ColumnElement[bool], ...]:
    """The stock entries of a range of days by which something was issued or came back."""
    return (
        StockEntry.site_id == site_id,
        StockEntry.business_date.between(since, until),
        StockEntry.kind.in_([Kind.OUT.value, Kind.BACK.value]),
    )
