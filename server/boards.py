"""What the boards on the wall show: gathered from the records; what does not exist is left out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from dafan.records import MealPeriod, Policy
from kitchen import cameras, cookbook, incidents, menu_checks, menus, morning, nutrition
from kitchen.boards import Board
from kitchen.cameras import Camera
from kitchen.dishes import Dish
from kitchen.incidents import Stage
from kitchen.ingredients import Allergen
from kitchen.meals import Meal
from kitchen.menus import Menu
from kitchen.sample_rules import DueState
from kitchen.staff import Morning
from kitchen.supervision import day_score
from kitchen.supervision_score import DayScore, State
from kitchen.waste import Category
from server import kitchen_day, sites
from server.reports.measures import ask
from server.reports.scope import Dimension, Scope

MAX_CAMERAS = 4
"""More stills side by side cannot be seen from eight metres."""
RANKED, WEEK = 3, 7
OVER = {State.DONE, State.DONE_LATE, State.WAIVED}
_LATE = {State.LATE, State.ESCALATED}


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    done: int
    of: int


@dataclass(frozen=True, slots=True)
class Hour:
    """Where and when the board is."""

    site: str
    venue: str
    now: datetime
    """In the site's own time."""
    day: date
    period: MealPeriod | None
    """The meal that is served, or comes next today."""


@dataclass(frozen=True, slots=True)
class KitchenBoard:
    """阳光厨房."""

    hour: Hour
    cameras: Sequence[Camera]
    away: frozenset[UUID]
    score: DayScore
    acts: Share
    late: int
    samples: Share | None
    """Of the meal's dishes; none where nothing needs one."""
    checked: Share | None
    """People of the kitchen, passed this morning."""
    found: Share | None
    """Confirmed incidents of today: put right, and all."""


@dataclass(frozen=True, slots=True)
class DishLine:
    """A dish as diners read it."""

    name: str
    cook: str
    allergens: tuple[Allergen, ...]
    kcal: int | None


@dataclass(frozen=True, slots=True)
class Plate:
    """What diners left on their plates at a day's meals."""

    day: date
    grams: int
    covers: int

    @property
    def a_cover(self) -> int:
        """Grams, half up."""
        return int(Fraction(self.grams, self.covers) + Fraction(1, 2))


@dataclass(frozen=True, slots=True)
class CanteenBoard:
    """餐厅大屏."""

    hour: Hour
    dishes: tuple[DishLine, ...]
    days: Sequence[Plate | None]
    """Of the last seven, yesterday first; ``None`` where nobody weighed or nobody ate."""

    @property
    def plate(self) -> Plate | None:
        """Yesterday's."""
        return self.days[0]

    @property
    def before(self) -> Plate | None:
        """The day before that one, to compare."""
        return self.days[1]

    @property
    def ranking(self) -> Sequence[Plate]:
        """光盘榜, see :func:`rank`."""
        return rank([day for day in self.days if day is not None])


def kitchen_board(session: Session, board: Board, now: datetime) -> KitchenBoard:
    """What everybody may see of the kitchen."""
    policy = sites.policy(session, board.site_id)
    hour = _hour(session, board, policy, now)
    shown = [row for row in cameras.of_site(session, board.site_id) if row.on_board][:MAX_CAMERAS]
    score = day_score(session, board.site_id, hour.day, now)
    counted = {state: number for state, number in score.states.items() if number}
    return KitchenBoard(
        hour=hour,
        cameras=shown,
        away=frozenset(row.id for row in shown if cameras.is_away(row, now)),
        score=score,
        acts=Share(sum(counted.get(one, 0) for one in OVER), sum(counted.values())),
        late=sum(counted.get(one, 0) for one in _LATE),
        samples=_samples(session, board, policy, hour, now),
        checked=_checked(session, board.site_id, hour.day),
        found=_found(session, board.site_id, hour, now),
    )


def canteen_board(session: Session, board: Board, now: datetime) -> CanteenBoard:
    """What diners want to know."""
    policy = sites.policy(session, board.site_id)
    hour = _hour(session, board, policy, now)
    menu = None
    if hour.period is not None:
        meal = Meal(hour.day, hour.period.code, board.venue_id)
        menu = menus.find(session, board.site_id, meal)
    published = menu is not None and menu.state is menus.State.PUBLISHED
    return CanteenBoard(
        hour=hour,
        dishes=_dishes(session, board.site_id, menu) if menu is not None and published else (),
        days=_plates(session, board, hour.day - timedelta(days=1)),
    )


def rank(days: Sequence[Plate]) -> Sequence[Plate]:
    """The :data:`RANKED` days on which a diner left least; of no more than those none is ranked."""
    least_first = sorted(days, key=lambda day: Fraction(day.grams, day.covers))
    return least_first[:RANKED] if len(days) > RANKED else ()


def _hour(session: Session, board: Board, policy: Policy, now: datetime) -> Hour:
    local = now.astimezone(ZoneInfo(policy.time_zone))
    site = sites.get_site(session, board.site_id)
    venue = sites.get_venue(session, board.site_id, board.venue_id)
    day = kitchen_day.today(policy, now)
    edges = ((kitchen_day.window(policy, day, one.code), one) for one in policy.periods)
    coming = [(edge[0], one) for edge, one in edges if edge is not None and now < edge[1]]
    _, period = min(coming, key=lambda found: found[0], default=(None, None))
    return Hour(site.name, venue.name, local, day, period)


def _samples(
    session: Session, board: Board, policy: Policy, hour: Hour, now: datetime
) -> Share | None:
    if hour.period is None:
        return None
    meal = Meal(hour.day, hour.period.code, board.venue_id)
    due = kitchen_day.due(session, board.site_id, meal, policy, now)
    return Share(sum(one.state is DueState.TAKEN for one in due), len(due)) if due else None


def _checked(session: Session, site_id: UUID, day: date) -> Share | None:
    lines = morning.today(session, site_id, day)
    good = {Morning.PASSED, Morning.CLEARED}
    return Share(sum(line.state in good for line in lines), len(lines)) if lines else None


def _found(session: Session, site_id: UUID, hour: Hour, now: datetime) -> Share | None:
    """Without false alarms, and without faults of the cameras themselves."""
    if not cameras.of_site(session, site_id):
        return None
    midnight = hour.now.replace(hour=0, minute=0, second=0, microsecond=0)
    counted = incidents.counts(session, site_id, midnight, now + timedelta(minutes=5))
    ours = [by for kind, by in counted.items() if kind in cameras.RULES]
    false = sum(by[Stage.FALSE_ALARM.value] + by[Stage.FOUND.value] for by in ours)
    done = sum(by[Stage.VERIFIED.value] for by in ours)
    return Share(done, sum(sum(by.values()) for by in ours) - false)


def _dishes(session: Session, site_id: UUID, menu: Menu) -> tuple[DishLine, ...]:
    book = cookbook.load_book(session, site_id)
    lines = []
    for item in menu.items:
        dish = session.get_one(Dish, item.dish_id)
        facts = menu_checks.facts_of(book, dish.id, dish.name)
        energy = facts.nutrients.get(nutrition.Nutrient.ENERGY)
        kcal = None if energy is None else int(energy + Fraction(1, 2))
        lines.append(DishLine(dish.name, item.cook, facts.allergens, kcal))
    return tuple(lines)


def _plates(session: Session, board: Board, last: date) -> list[Plate | None]:
    """Of :data:`WEEK` days, the last one first."""
    days = [last - timedelta(days=back) for back in range(WEEK)]
    eaten = Scope(days[-1], last, {Dimension.VENUE: board.venue_id})
    left = replace(eaten, only={**eaten.only, Dimension.CATEGORY: Category.PLATE.value})
    grams = ask(session, board.site_id, ["waste_grams"], left, [Dimension.DAY])
    covers = ask(session, board.site_id, ["covers"], eaten, [Dimension.DAY])
    found: list[Plate | None] = []
    for day in days:
        ate = covers.get((day,), {}).get("covers")
        weighed = grams.get((day,), {}).get("waste_grams")
        found.append(Plate(day, weighed, ate) if weighed is not None and ate else None)
    return found
