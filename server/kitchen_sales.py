"""What the tills sold, as the kitchen counts it: covers, portions of a dish, what a batch served.

Every figure is a sum over the sales of its days as :mod:`server.reports.day_sums` reads them, so
that a sale that comes late, or goes back whole, counts at once. Only a batch that is served keeps
its portions, and is told anew while it is not closed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from uuid import UUID

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from dafan.db import reading, writing
from dafan.money import divide_half_up
from dafan.records import Portion, Unit
from kitchen import cookbook, production, recipes
from kitchen.forecast import PortionRow
from kitchen.history import CoverRow
from kitchen.meals import Meal
from kitchen.production import Batch, BatchState, Serve
from kitchen.recipes import Book, RecipeValues
from server import kitchen_day, sites
from server.actor import Actor
from server.reports import day_sums
from server.reports.day_rows import EVERY, DayCovers, DayDishes

PROGRAM = "sales"
"""Who tells a batch what was sold of it, in the journal of changes."""
LATE_DAYS = 7
"""So long a batch that is not closed takes in the sales of a till that was cut off."""
_HALF = 500


@dataclass(frozen=True, slots=True)
class Sold:
    """What was sold of a dish at one meal: counted portions, or grams in so many lines."""

    meal: Meal
    dish_id: UUID
    counted: Mapping[Portion, int]
    grams: int
    weighed: int


def covers(
    session: Session, site_id: UUID, first: date, last: date, *, venue_id: UUID | None = None
) -> list[CoverRow]:
    """How many ate at each meal from the first day to the last, both included.

    A diner who pays twice at a meal ate once; a sale without a diner is one cover; a sale that
    went back whole is none.
    """
    found: dict[tuple[date, str], int] = {}
    for day, period, count in day_sums.rows(
        session, site_id, DayCovers, first, last, by=("business_date", "period"), sums=["covers"],
        where={"venue_id": venue_id or EVERY, "group_id": EVERY},
    ):  # fmt: skip
        found[day, period] = count
    return [CoverRow(*meal, count) for meal, count in sorted(found.items())]


def sold(
    session: Session, site_id: UUID, first: date, last: date, *, venue_id: UUID | None = None
) -> list[Sold]:
    """What was sold of each dish at each meal, both days included, in order of the meals."""
    counted: dict[_At, dict[Portion, int]] = {}
    weighed: dict[_At, tuple[int, int]] = {}
    for day, period, venue, dish, unit, portion, lines, quantity, grams in day_sums.rows(
        session, site_id, DayDishes, first, last, sums=("lines", "quantity", "grams"),
        by=("business_date", "period", "venue_id", "dish_id", "unit", "portion"),
        where={} if venue_id is None else {"venue_id": venue_id},
    ):  # fmt: skip
        if not lines:
            continue  # all of it went back whole
        at = day, period, venue.int, dish.int
        if unit == Unit.KG.value:
            known = weighed.get(at, (0, 0))
            weighed[at] = known[0] + grams, known[1] + lines
        else:
            counted.setdefault(at, {})[_PORTIONS[portion]] = quantity
    found = []
    for at in sorted(counted.keys() | weighed.keys()):
        meal = Meal(at[0], at[1], _id(at[2]))
        found.append(Sold(meal, _id(at[3]), counted.get(at, {}), *weighed.get(at, (0, 0))))
    return found


_At = tuple[date, str, int, int]
"""Day, period, and the numbers of venue and dish, which are compared fast."""
_PORTIONS = {one.value: one for one in Portion}


@lru_cache(maxsize=4096)
def _id(number: int) -> UUID:
    return UUID(int=number)


def portions_of(one: Sold, recipe: RecipeValues | None) -> int:
    """Full portions of what was sold, half up.

    Halves and grams count as the recipe says. Without one, two halves are a whole, and who weighed
    the dish took one portion of it.
    """
    full = one.counted.get(Portion.FULL)
    if full is not None and len(one.counted) == 1 and not one.weighed:
        return full
    if recipe is None:
        whole = one.counted.get(Portion.FULL, 0)
        parts = sum(count for portion, count in one.counted.items() if portion != Portion.FULL)
        return whole + one.weighed + divide_half_up(parts * _HALF, 1000)
    exact = recipes.full_portions(recipe, one.counted)
    if one.grams:
        exact += recipes.portions_of_grams(recipe, one.grams)
    return divide_half_up(exact.numerator, exact.denominator)


def portions(
    session: Session,
    site_id: UUID,
    first: date,
    last: date,
    *,
    book: Book,
    venue_id: UUID | None = None,
) -> list[PortionRow]:
    """What was served of each dish at each meal, in full portions, as the forecast expects it."""
    total: dict[tuple[date, str, UUID], int] = {}
    for one in sold(session, site_id, first, last, venue_id=venue_id):
        at = one.meal.day, one.meal.period, one.dish_id
        count = portions_of(one, book.recipes.get(one.dish_id))
        total[at] = total.get(at, 0) + count
    return [PortionRow(*at, count) for at, count in total.items()]


def served_at(session: Session, site_id: UUID, meal: Meal, book: Book) -> dict[UUID, int]:
    """Full portions that were sold of each dish at a meal, up to now."""
    found = sold(session, site_id, meal.day, meal.day, venue_id=meal.venue_id)
    return {
        one.dish_id: portions_of(one, book.recipes.get(one.dish_id))
        for one in found
        if one.meal == meal
    }


def share_out(count: int, batches: Sequence[int | None]) -> list[int]:
    """Portions that were sold, given to the batches of their dish: the first cooked goes first.

    Args:
        count: Portions sold.
        batches: What each batch cooked, in the order of the batches; ``None``: nothing yet.

    Returns:
        Portions of each batch; what is sold above all that was cooked belongs to the last one.
    """
    ready = [place for place, cooked in enumerate(batches) if cooked is not None]
    given = [0] * len(batches)
    for place in ready:
        part = count if place == ready[-1] else min(count, batches[place] or 0)
        given[place] = part
        count -= part
    return given


def of_batches(batches: Iterable[Batch], sold_at_meal: Mapping[UUID, int]) -> dict[UUID, int]:
    """Portions sold of each batch of one meal."""
    by_dish: dict[UUID, list[Batch]] = {}
    for batch in batches:
        by_dish.setdefault(batch.dish_id, []).append(batch)
    told: dict[UUID, int] = {}
    for dish, own in by_dish.items():
        own.sort(key=lambda batch: batch.number)
        parts = share_out(sold_at_meal.get(dish, 0), [batch.cooked_portions for batch in own])
        told |= dict(zip((batch.id for batch in own), parts, strict=True))
    return told


def drive(engine: Engine, now: datetime) -> str:
    """Tell every batch that is served and not closed what the tills sold of it meanwhile."""
    changed = 0
    for site_id in _with_open_batches(engine):
        with writing(engine) as session:
            changed += tell_served(session, Actor(site_id, PROGRAM, now))
    return f"{changed} batches told anew"


def tell_served(session: Session, actor: Actor) -> int:
    """Bring the served batches of a site's last days up to the sales; tells how many changed.

    Twice is as once. What is left stays as the scale said.
    """
    day = kitchen_day.today(sites.policy(session, actor.site_id), actor.at)
    query = select(Batch).where(
        Batch.site_id == actor.site_id,
        Batch.state == BatchState.SERVED.value,
        Batch.business_date >= day - timedelta(days=LATE_DAYS),
    )
    meals = sorted({row.meal for row in session.scalars(query)}, key=str)
    if not meals:
        return 0
    book = cookbook.load_book(session, actor.site_id)
    changed = 0
    for meal in meals:
        batches = production.of_meal(session, actor.site_id, meal)
        at_tills = served_at(session, actor.site_id, meal, book)
        told = of_batches(batches, at_tills)
        for row in batches:
            known = row.dish_id in at_tills  # of what no till sells, a person counts the portions
            if known and row.state == BatchState.SERVED and row.served_portions != told[row.id]:
                event = Serve(told[row.id], row.left_grams or 0)
                key = f"sales:{row.id}:{int(actor.at.timestamp())}"
                production.tell(session, actor, row.id, event, key=key)
                changed += 1
    return changed


def _with_open_batches(engine: Engine) -> Sequence[UUID]:
    with reading(engine) as session:
        query = select(Batch.site_id).where(Batch.state == BatchState.SERVED.value)
        return session.scalars(query.distinct()).all()
