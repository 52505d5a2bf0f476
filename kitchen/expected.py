"""What a person knows better than the forecast (人工修正): a visit, a closed building, a holiday.

It stands in the place of :mod:`kitchen.forecast` for one meal, with its reason and its author.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, TypeAdapter
from sqlalchemy.orm import Session

from dafan.acting import Acting
from dafan.errors import BadInputError
from kitchen import limits, rows
from kitchen.limits import KitchenLimits
from kitchen.meals import Meal

_SUBJECT = "expected.Expected"
"""As :mod:`kitchen.limits` calls it."""
MOST = 100_000
KEPT = timedelta(days=60)
"""So long behind its meal it is kept, to be looked at beside what came."""


@dataclass(frozen=True)
class Told:
    """The covers of a meal as a person expects them."""

    day: date
    period: Annotated[str, Field(min_length=1, max_length=32)]
    venue_id: UUID
    covers: Annotated[int, Field(ge=0, le=MOST)]
    reason: str
    by: str

    @property
    def meal(self) -> Meal:
        """Which meal."""
        return Meal(self.day, self.period, self.venue_id)


@dataclass(frozen=True)
class Expected:
    """What a site told of its meals; kept beside its other decisions."""

    meals: tuple[Told, ...] = ()


def of_site(session: Session, site_id: UUID) -> Mapping[Meal, Told]:
    """What was told, by meal."""
    return {told.meal: told for told in limits.of(session, site_id, Expected).meals}


def tell(session: Session, actor: Acting, meal: Meal, covers: int, reason: str, day: date) -> None:
    """Put a person's figure in the place of the forecast's.

    Args:
        session: Writing.
        actor: Who knows better.
        meal: Which meal.
        covers: How many will come.
        reason: Why he thinks so.
        day: Business date of today.

    Raises:
        BadInputError: the meal is over, no reason, or an absurd number.
    """
    if meal.day < day:
        raise BadInputError("the meal is over: what came is known", code="meal_over")
    if not 0 <= covers <= MOST:
        raise BadInputError(f"covers are 0 to {MOST}")
    said = rows.say(reason, "why you expect so many")
    told = Told(meal.day, meal.period, meal.venue_id, covers, said, actor.name)
    _keep(session, actor, meal, told, day)


def forget(session: Session, actor: Acting, meal: Meal, day: date) -> None:
    """The forecast counts again; where nothing was told nothing changes."""
    _keep(session, actor, meal, None, day)


def _keep(session: Session, actor: Acting, meal: Meal, told: Told | None, day: date) -> None:
    session.get(
        KitchenLimits, (actor.site_id, _SUBJECT), with_for_update=True,
        populate_existing=True,
    )  # fmt: skip
    known = dict(of_site(session, actor.site_id))
    if told is None:
        known.pop(meal, None)
    else:
        known[meal] = told
    left = [one for one in known.values() if one.day >= day - KEPT]
    limits.decide(session, actor, Expected, {"meals": _plain.dump_python(left, mode="json")})


_plain: TypeAdapter[list[Any]] = TypeAdapter(list[Told])
