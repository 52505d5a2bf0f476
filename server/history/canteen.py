"""The canteen whose past is made up: two venues, twenty tills, three groups, a kitchen."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from uuid import UUID

from sqlalchemy import Engine, select

from dafan.crypto import Identity
from dafan.db import writing
from dafan.ids import new_id
from dafan.journal import GENESIS
from dafan.money import Fen
from dafan.records import MealRule
from kitchen import cookbook, library, recipes, suppliers
from kitchen.dishes import Dish
from kitchen.ingredients import Ingredient
from kitchen.recipes import Book, RecipeError
from kitchen.suppliers import SupplierValues
from server import groups, people, sites
from server.actor import Actor
from server.books import accounts, wallets
from server.books.accounts import Account, AccountKind, Owner
from server.groups import GroupValues
from server.history.plan import PERIODS
from server.terminals import Terminal

BY = "history"
"""Who did it, in every book."""
SITE = "示范单位"
_VENUES = (("一楼餐厅", 14), ("二楼餐厅", 6))
"""Name, and how many tills."""
_ONE_A_MEAL = {period.code: MealRule(subsidised_per_day=1) for period in PERIODS}
_GROUPS = (
    (GroupValues(name="干部职工", meals=_ONE_A_MEAL), 60, 300_00),
    (GroupValues(name="人才", meals=_ONE_A_MEAL, discount_percent=10), 10, 400_00),
    (GroupValues(name="外单位人员"), 30, 0),
)
"""Values, percent of the diners, fen of subsidy a month."""
_CASH = Fen(10**8)
_NAMES = "甲乙丙丁戊己庚辛壬癸"


@dataclass
class Till:
    """A till that sells, and its journal."""

    id: UUID
    venue_id: UUID
    identity: Identity
    drawer: UUID
    """Its account."""
    seq: int = 0
    hash: str = GENESIS


@dataclass(frozen=True)
class Eater:
    """A diner, his wallets, and what is taken off for him."""

    id: UUID
    group_id: UUID
    percent: int
    monthly: int
    """Fen of subsidy a month."""
    cash: UUID
    subsidy: UUID


@dataclass(frozen=True)
class Served:
    """A dish with a recipe, and what a full portion of it needs."""

    id: UUID
    name: str
    category: str
    price: int
    grams: int
    """Of a full portion, cooked."""
    needs: dict[UUID, float]


@dataclass(frozen=True)
class Canteen:
    """Who sells what to whom."""

    site_id: UUID
    tills: list[Till]
    eaters: list[Eater]
    dishes: list[Served]
    ingredients: list[Ingredient]
    supplier_id: UUID
    revenue: dict[UUID, UUID]
    """Venue → its account."""
    budgets: dict[UUID, Fen] = field(default_factory=dict)
    """Group → fen of subsidy a head and month."""


def open_canteen(engine: Engine, at: datetime, diners: int, rng: Random) -> Canteen:
    """Make the canteen in an empty database, at the beginning of its history."""
    with writing(engine) as session:
        site = sites.ensure_site(session, SITE)
        actor = Actor(site.id, BY, at)
        library.seed(session, actor)
        supplier = suppliers.create(session, actor, SupplierValues(name="示范商行"))
        made = [groups.create(session, actor, values) for values, _, _ in _GROUPS]
        choices = rng.choices(range(len(made)), [share for _, share, _ in _GROUPS], k=diners)
        kept = people.create_diners(
            session,
            actor,
            [
                people.DinerValues(
                    staff_no=str(100_000 + number), group_id=made[choice].id,
                    name=_NAMES[number % 10] + _NAMES[number // 10 % 10],
                )
                for number, choice in enumerate(choices)
            ],
        )  # fmt: skip
        venues = [sites.ensure_venue(session, site.id, name) for name, _ in _VENUES]
    with writing(engine) as session:  # accounts are locked before anything is published
        paid = [wallets.TopUp(diner.id, _CASH, f"history:{diner.id}") for diner in kept]
        wallets.top_up_all(session, site.id, paid, by=BY, at=at)
    with writing(engine) as session:
        tills = [
            (new_id(), venue.id)
            for venue, (_, count) in zip(venues, _VENUES, strict=True)
            for _ in range(count)
        ]
        owners: set[Owner] = {(AccountKind.REVENUE, venue.id) for venue in venues}
        owners |= {(AccountKind.DRAWER, till) for till, _ in tills}
        for diner in kept:
            owners |= {(AccountKind.CASH, diner.id), (AccountKind.SUBSIDY, diner.id)}
        found = accounts.ensure_all(session, site.id, owners)
        sold = [_till(found, *till) for till in tills]
        session.add_all(_terminal(site.id, till, no, at) for no, till in enumerate(sold, start=1))
        session.flush()
        return Canteen(
            site.id, sold,
            [_eater(found, diner.id, made, choice)
             for diner, choice in zip(kept, choices, strict=True)],
            _dishes(session.scalars(select(Dish).where(Dish.active)).all(),
                    cookbook.load_book(session, site.id)),
            list(session.scalars(select(Ingredient).order_by(Ingredient.name))), supplier.id,
            {venue.id: found[AccountKind.REVENUE, venue.id].id for venue in venues},
            {group.id: Fen(fen) for group, (_, _, fen) in zip(made, _GROUPS, strict=True) if fen},
        )  # fmt: skip


def _till(found: dict[Owner, Account], till_id: UUID, venue_id: UUID) -> Till:
    return Till(till_id, venue_id, Identity.create(), found[AccountKind.DRAWER, till_id].id)


def _terminal(site_id: UUID, till: Till, number: int, at: datetime) -> Terminal:
    return Terminal(
        id=till.id, site_id=site_id, venue_id=till.venue_id, name=f"{number} 号台",
        signing_key=till.identity.signing_public, box_key=till.identity.box_public,
        enrolled_at=at, feed_version=0,
    )  # fmt: skip


def _eater(
    found: dict[Owner, Account], diner_id: UUID, made: list[groups.DinerGroup], choice: int
) -> Eater:
    values, _, monthly = _GROUPS[choice]
    return Eater(
        diner_id, made[choice].id, values.discount_percent, monthly,
        found[AccountKind.CASH, diner_id].id, found[AccountKind.SUBSIDY, diner_id].id,
    )  # fmt: skip


def _dishes(kept: Sequence[Dish], book: Book) -> list[Served]:
    found = []
    for dish in sorted(kept, key=lambda one: one.name):
        try:
            needs = recipes.explode(book, dish.id, 1)
        except RecipeError:
            continue
        recipe = book.recipe(dish.id)
        found.append(
            Served(
                dish.id, dish.name, dish.category, dish.price or 100,
                recipe.yield_grams // recipe.portions,
                {ingredient_id: float(quantity) for ingredient_id, quantity in needs.items()},
            )
        )  # fmt: skip
    return found
