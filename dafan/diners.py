"""Diners and their groups, as a till must know them: bodies of the feed."""

from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from dafan.money import Fen
from dafan.wire import Balance, Name, Price, Record


class MealRule(Record):
    """What a group gets at a meal."""

    subsidised_per_day: Annotated[int, Field(ge=0, le=20)] = 1
    subsidy_cap: Price | None = None
    """At most this much of a meal comes from the subsidy wallet."""


class Group(Record):
    """Diners who share prices and rules: staff, cadres, visitors."""

    id: UUID
    name: Name
    discount_percent: Annotated[int, Field(ge=0, le=100)] = 0
    """Taken off a subsidised meal; beyond the allowed number of meals the full price is due."""
    meals: dict[str, MealRule] = Field(default_factory=dict)
    meal_limit: Price | None = None
    daily_limit: Price | None = None


class DinerStatus(StrEnum):
    """Whether a diner may pay."""

    ACTIVE = "active"
    FROZEN = "frozen"
    LEFT = "left"


class DayUse(Record):
    """What the server knows of a diner's day."""

    date: date
    meals: dict[str, int] = Field(default_factory=dict)
    """Meal period → meals paid."""
    subsidised: dict[str, int] = Field(default_factory=dict)
    """Meal period → subsidised meals used."""
    spent: Balance = Fen(0)
    month_meals: int = 0
    month_spent: Balance = Fen(0)


class Diner(Record):
    """A diner as a till must know him.

    ``applied`` names, for each terminal, the last journal entry that these balances and uses
    contain; a till adds its own later sales to them.
    """

    id: UUID
    staff_no: Name
    name: Name
    department: Annotated[str, Field(max_length=80)] = ""
    group_id: UUID
    status: DinerStatus
    pin_hash: str | None = None
    subsidy: Balance = Fen(0)
    cash: Balance = Fen(0)
    points: int = 0
    today: DayUse
    applied: dict[UUID, int] = Field(default_factory=dict)
    lookalikes: tuple[UUID, ...] = ()
    """Diners whose face is too near to this one: a second factor is asked."""
