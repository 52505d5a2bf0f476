"""What diners read of a menu: price, energy, allergens, the cook, and how a dish was liked."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from dafan.food import ENERGY_OF_A_DAY
from dafan.money import Fen
from dafan.records import Policy
from kitchen import cookbook, menu_checks, menus, nutrition
from kitchen.dishes import Dish
from kitchen.ingredients import Allergen
from kitchen.menus import Menu
from kitchen.recipes import Book
from server import ratings, sites
from server.ratings import Liked

DAY_KCAL = int(ENERGY_OF_A_DAY)
"""Energy of a day by the reference values of GB 28050, to compare a dish with."""


@dataclass(frozen=True, slots=True)
class DishLine:
    """A dish of a meal.

    Attributes:
        unit: ``kg`` or ``piece``: for how much the price is.
        price: Fen; ``None`` where it has none yet.
        kcal: Of one full portion, estimated by the recipe; ``None`` where that is not known.
        told: Whether there is a recipe, so that the allergens are known.
        mine: Those of the allergens that the diner must not eat.
    """

    dish_id: UUID
    name: str
    unit: str
    price: Fen | None
    cook: str
    kcal: int | None
    told: bool
    allergens: tuple[Allergen, ...]
    mine: tuple[Allergen, ...]
    liked: Liked | None


@dataclass(frozen=True, slots=True)
class MealLines:
    """A published meal of one venue."""

    period: str
    venue: str
    dishes: tuple[DishLine, ...]


def of_day(
    session: Session, site_id: UUID, day: date, policy: Policy, avoid: Collection[Allergen],
    *, period: str | None = None,
) -> list[MealLines]:  # fmt: skip
    """The published meals of a day, in the order in which they are served.

    Args:
        session: Reads.
        site_id: Whose.
        day: Business date.
        policy: Of the site.
        avoid: What the diner must not eat.
        period: Only this one.
    """
    found = [
        menu
        for menu in menus.published(session, site_id, day)
        if period is None or menu.meal.period == period
    ]
    if not found:
        return []
    order = {one.code: place for place, one in enumerate(policy.periods)}
    names = {venue.id: venue.name for venue in sites.venues(session, site_id)}
    ids = sorted({item.dish_id for menu in found for item in menu.items})
    query = select(Dish).where(Dish.site_id == site_id, Dish.id.in_(ids))
    dishes = {dish.id: dish for dish in session.scalars(query)}
    liked = ratings.liked(session, site_id, ids, day)
    book = cookbook.load_book(session, site_id)
    found.sort(key=lambda menu: (order.get(menu.meal.period, len(order)), menu.meal.period))
    return [
        MealLines(
            menu.meal.period,
            names.get(menu.meal.venue_id, ""),
            _lines(menu, dishes, book, avoid, liked),
        )
        for menu in found
    ]


def _lines(
    menu: Menu, dishes: dict[UUID, Dish], book: Book, avoid: Collection[Allergen],
    liked: dict[UUID, Liked],
) -> tuple[DishLine, ...]:  # fmt: skip
    return tuple(
        _line(dishes[item.dish_id], item.cook, book, avoid, liked.get(item.dish_id))
        for item in menu.items
        if item.dish_id in dishes
    )


def _line(
    dish: Dish, cook: str, book: Book, avoid: Collection[Allergen], liked: Liked | None
) -> DishLine:
    facts = menu_checks.facts_of(book, dish.id, dish.name)
    energy = facts.nutrients.get(nutrition.Nutrient.ENERGY)
    return DishLine(
        dish.id, dish.name, dish.unit, None if dish.price is None else Fen(dish.price), cook,
        None if energy is None else int(energy + Fraction(1, 2)), facts.known, facts.allergens,
        tuple(one for one in facts.allergens if one in avoid), liked,
    )  # fmt: skip


def names(session: Session, site_id: UUID, day: date, venue_id: UUID) -> dict[str, list[str]]:
    """Period → names of the dishes on a venue's published menu of a day."""
    found = [one for one in menus.published(session, site_id, day) if one.meal.venue_id == venue_id]
    ids = {item.dish_id for menu in found for item in menu.items}
    query = select(Dish.id, Dish.name).where(Dish.site_id == site_id, Dish.id.in_(ids))
    known = dict(session.execute(query).all())
    return {
        menu.meal.period: [known[one.dish_id] for one in menu.items if one.dish_id in known]
        for menu in found
    }


def days_with_menu(session: Session, site_id: UUID, days: Sequence[date]) -> set[date]:
    """Those of the days of which diners see a menu."""
    query = select(menus.MenuDay.business_date).where(
        menus.MenuDay.site_id == site_id,
        menus.MenuDay.business_date.in_(days),
        menus.MenuDay.state == menus.State.PUBLISHED.value,
    )
    return set(session.scalars(query.distinct()))
