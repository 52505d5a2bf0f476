"""A meal (餐次): a period of a day at a venue."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement

MEAL = ("business_date", "period", "venue_id")
"""The columns that name a meal in every table of the kitchen."""


@dataclass(frozen=True, slots=True)
class Meal:
    """One meal.

    Attributes:
        day: Business date of the site.
        period: Code of the meal period, such as ``lunch``.
        venue_id: Where it is served.
    """

    day: date
    period: str
    venue_id: UUID

    @property
    def columns(self) -> dict[str, Any]:
        """As :data:`MEAL` names them."""
        return dict(zip(MEAL, (self.day, self.period, self.venue_id), strict=True))

    def match(self, table: Any) -> tuple[ColumnElement[bool], ...]:
        """The conditions that a row of a table belongs to this meal."""
        return tuple(getattr(table, name) == value for name, value in self.columns.items())

    def __str__(self) -> str:
        return f"{self.day} {self.period} {self.venue_id}"
