"""Food waste (餐厨垃圾): what was thrown away, weighed by category; rows are added, never changed.

A slip is put right by a second row that takes the first one off, so that a sum is a sum.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field, model_validator
from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.money import divide_half_up
from kitchen import dishes, ingredients, rows
from kitchen.rows import KeyedRow, Values

MAX_GRAMS = 500_000
"""Half a tonne in one weighing is a slip of the finger."""
MAX_PAGE = 500


class Stream(StrEnum):
    """What a collector takes away separately."""

    FOOD = "food"
    OIL = "oil"


class Category(StrEnum):
    """Why it is thrown away: ingredient, finished product or plate, as Leanpath divides it."""

    TRIM = "trim"
    """粗加工: peel, bones, outer leaves."""
    SPOILAGE = "spoilage"
    """变质过期."""
    OVERPRODUCTION = "overproduction"
    """多做: cooked, not served."""
    PLATE = "plate"
    """餐盘: served, not eaten."""
    OIL = "oil"
    """废弃油脂: frying oil, what the grease trap holds."""

    @property
    def stream(self) -> Stream:
        """Where it goes."""
        return Stream.OIL if self is Category.OIL else Stream.FOOD


@dataclass(frozen=True, slots=True)
class Benchmark:
    """What others throw away, grams a person and meal."""

    name: str
    grams: int


BENCHMARKS = (
    Benchmark("city restaurants", 93),
    Benchmark("city restaurants, lunch", 89),
    Benchmark("city restaurants, dinner", 104),
    Benchmark("school boxed meals", 216),
)
"""What diners leave on the plate, about 12 % of the food: compare it with :attr:`Category.PLATE`.

As reported at happytify.cc 16013 and hzpanshi 7831.
"""


class WasteValues(Values):
    """What stood on the scale."""

    venue_id: UUID
    category: Category
    grams: Annotated[int, Field(gt=0, le=MAX_GRAMS)]
    period: Annotated[str, Field(max_length=40)] = ""
    """Code of the meal period; empty where it belongs to no meal."""
    dish_id: UUID | None = None
    batch_id: UUID | None = None
    ingredient_id: UUID | None = None
    lot_id: UUID | None = None
    reason: Annotated[str, Field(max_length=200)] = ""
    photo: Annotated[str, Field(max_length=200)] = ""
    """Where the photograph lies."""

    @model_validator(mode="after")
    def _spoilage_says_why(self) -> Self:
        if self.category is Category.SPOILAGE and not self.reason:
            raise ValueError("food that spoiled needs a reason")
        return self


class WasteRecord(KeyedRow):
    """One weighing, or one taken off again (then its grams are below zero)."""

    __tablename__ = "waste_record"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        Index("ix_waste_record_site_id_business_date", "site_id", "business_date"),
    )

    business_date: Mapped[date]
    period: Mapped[str] = mapped_column(String(40))
    venue_id: Mapped[UUID]
    category: Mapped[str] = mapped_column(String(16))
    grams: Mapped[int]
    dish_id: Mapped[UUID | None]
    batch_id: Mapped[UUID | None]
    ingredient_id: Mapped[UUID | None]
    lot_id: Mapped[UUID | None]
    reason: Mapped[str] = mapped_column(String(200))
    photo: Mapped[str] = mapped_column(String(200))
    by: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime]
    voids: Mapped[UUID | None] = mapped_column(ForeignKey("waste_record.id"), unique=True)


_TOLD = ("business_date", *WasteValues.model_fields)


def record(
    session: Session, actor: Acting, values: WasteValues, *, day: date, key: str
) -> WasteRecord:
    """Keep a weighing.

    Args:
        session: Writing.
        actor: Who weighed.
        values: Checked by its model.
        day: Business date.
        key: The same through every retry.

    Raises:
        BadInputError: a dish or an ingredient that the site does not have.
        kitchen.rows.KeyReusedError: the key kept something else.
    """
    if values.dish_id is not None:
        dishes.get(session, actor.site_id, values.dish_id)
    if values.ingredient_id is not None:
        ingredients.get(session, actor.site_id, values.ingredient_id)
    told = {**values.model_dump(), "category": values.category.value, "business_date": day}
    return _keep(session, actor, told, key, "waste.record")


def void(session: Session, actor: Acting, record_id: UUID, *, reason: str, key: str) -> WasteRecord:
    """Take a weighing off by a second row of the same day.

    Raises:
        kitchen.rows.UnknownRowError: not one of this site.
        BadInputError: it was taken off already, it is itself such a row, or no reason is given.
        kitchen.rows.KeyReusedError: the key kept something else.
    """
    row = rows.get(session, WasteRecord, actor.site_id, record_id, "record of waste")
    if row.voids is not None:
        raise BadInputError("this row takes another one off: weigh again instead")
    told = {name: getattr(row, name) for name in _TOLD}
    told |= {"grams": -row.grams, "reason": rows.say(reason, "why it is wrong"), "photo": ""}
    return _keep(session, actor, {**told, "voids": row.id}, key, "waste.void")


def _keep(
    session: Session, actor: Acting, told: dict[str, Any], key: str, action: str
) -> WasteRecord:
    row = WasteRecord(
        id=new_id(), site_id=actor.site_id, key=key, by=actor.name, at=actor.at, **told
    )
    try:
        row, new = rows.insert_once(session, row, tuple(told))
    except IntegrityError as error:
        raise BadInputError("this record was taken off already") from error
    if new:
        after = {name: str(value) for name, value in told.items() if value not in {None, ""}}
        actor.record(session, action, str(row.id), None, after)
    return row


def page(
    session: Session, site_id: UUID, day: date, *, after: UUID | None = None, limit: int = 100
) -> Sequence[WasteRecord]:
    """The ledger of a day in the order of its writing, from behind the row ``after``."""
    query = select(WasteRecord).where(
        WasteRecord.site_id == site_id, WasteRecord.business_date == day
    )
    if after is not None:
        query = query.where(WasteRecord.id > after)
    return session.scalars(query.order_by(WasteRecord.id).limit(max(1, min(limit, MAX_PAGE)))).all()


def totals(
    session: Session,
    site_id: UUID,
    first: date,
    last: date,
    *,
    venue_id: UUID | None = None,
    period: str | None = None,
) -> dict[Category, int]:
    """Grams by category from the first day to the last, both included."""
    query = select(WasteRecord.category, func.sum(WasteRecord.grams)).where(
        WasteRecord.site_id == site_id, WasteRecord.business_date.between(first, last)
    )
    if venue_id is not None:
        query = query.where(WasteRecord.venue_id == venue_id)
    if period is not None:
        query = query.where(WasteRecord.period == period)
    found = session.execute(query.group_by(WasteRecord.category))
    return {Category(category): int(grams) for category, grams in found}


def by_dish(session: Session, site_id: UUID, first: date, last: date) -> dict[UUID, int]:
    """Grams thrown away of each dish, cooked or served, both days included."""
    query = (
        select(WasteRecord.dish_id, func.sum(WasteRecord.grams))
        .where(
            WasteRecord.site_id == site_id,
            WasteRecord.business_date.between(first, last),
            WasteRecord.dish_id.is_not(None),
        )
        .group_by(WasteRecord.dish_id)
    )
    return {dish: int(grams) for dish, grams in session.execute(query) if dish is not None}


@dataclass(frozen=True, slots=True)
class PerCover:
    """Waste of one category for each person who ate."""

    category: Category
    grams: int
    tenths: int
    """Tenths of a gram a cover, half up."""


def per_cover(grams: Mapping[Category, int], covers: int) -> tuple[PerCover, ...]:
    """What each cover threw away, by category, in the order of the categories.

    Raises:
        BadInputError: nobody ate: there is nothing to divide by.
    """
    if covers <= 0:
        raise BadInputError("nobody ate: there is no waste for each cover")
    return tuple(
        PerCover(category, amount, divide_half_up(10 * amount, covers))
        for category in Category
        if (amount := grams.get(category, 0))
    )


def against(plate_grams: int, covers: int, benchmark: Benchmark = BENCHMARKS[0]) -> int:
    """Plate waste a cover, in percent of a benchmark, half up; 100 is as much as the others.

    Raises:
        BadInputError: nobody ate.
    """
    if covers <= 0:
        raise BadInputError("nobody ate: there is nothing to compare")
    return divide_half_up(100 * plate_grams, covers * benchmark.grams)
