"""Menus (食谱): which dishes a meal has, how many portions are planned, who cooks them.

:mod:`kitchen.menu_checks` says what to look at in a menu.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field
from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen.dishes import Dish, UnknownDishError
from kitchen.meals import Meal
from kitchen.rows import SiteRow, Values

MAX_ITEMS = 100
PERIODS = ("breakfast", "lunch", "dinner", "supper")
"""Order of a day's meals, where a site has no other one."""


class UnknownMenuError(BadInputError):
    """Nothing is planned for the meal."""

    code = "unknown_menu"


class State(StrEnum):
    """Of a menu."""

    DRAFT = "draft"
    PUBLISHED = "published"
    """Diners see it."""


class MenuDay(SiteRow):
    """The menu of one meal."""

    __tablename__ = "menu_day"
    __table_args__ = (UniqueConstraint("site_id", "venue_id", "business_date", "period"),)

    venue_id: Mapped[UUID]
    business_date: Mapped[date]
    period: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(12), default=State.DRAFT.value)


class MenuItem(SiteRow):
    """A dish of a menu."""

    __tablename__ = "menu_item"
    __table_args__ = (
        UniqueConstraint("menu_id", "dish_id"),
        Index("ix_menu_item_dish", "site_id", "dish_id"),
    )

    menu_id: Mapped[UUID] = mapped_column(ForeignKey("menu_day.id"))
    dish_id: Mapped[UUID] = mapped_column(ForeignKey("dish.id"))
    portions: Mapped[int]
    cook: Mapped[str] = mapped_column(String(80), default="")
    place: Mapped[int]


class ItemValues(Values):
    """A dish of a menu as a person plans it."""

    dish_id: UUID
    portions: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Full portions that are planned; 0 until somebody knows."""
    cook: Annotated[str, Field(max_length=80)] = ""
    """掌勺: whose name diners see."""


@dataclass(frozen=True)
class Menu:
    """The menu of a meal; its dishes in the order in which they are shown."""

    meal: Meal
    state: State
    items: tuple[ItemValues, ...]


@dataclass(frozen=True)
class Copied:
    """What became of a copied week."""

    copied: tuple[Meal, ...]
    kept: tuple[Meal, ...]
    """Meals that had a menu already: nothing of them changed."""
    left_out: tuple[UUID, ...]
    """Dishes that are not served any more."""


def save(session: Session, actor: Acting, meal: Meal, items: Sequence[ItemValues]) -> Menu:
    """Plan a meal, or plan it anew; the same plan again changes nothing.

    A published menu stays published: diners see the change, the journal who made it.

    Raises:
        UnknownDishError: a dish that the site does not have.
        BadInputError: a dish stands twice, there are too many, or the period has no name.
    """
    _check(session, actor.site_id, meal, items)
    row = _locked(session, actor.site_id, meal)
    if row is None:
        row = _add(session, actor.site_id, meal)
        before = None
    else:
        before = _menu(session, [row])[0]
        if before.items == tuple(items):
            return before
    _write(session, row, items)
    menu = Menu(meal, State(row.state), tuple(items))
    told_before = None if before is None else _told(before)
    actor.record(session, "menu.save", str(row.id), told_before, _told(menu))
    return menu


def publish(session: Session, actor: Acting, meal: Meal) -> None:
    """Show a menu to the diners.

    Raises:
        UnknownMenuError: nothing is planned for the meal.
        BadInputError: the menu has no dish.
    """
    row = _required(session, actor.site_id, meal)
    if not _menu(session, [row])[0].items:
        raise BadInputError("a menu without a dish is not shown to anybody: add one")
    _set_state(session, actor, row, State.PUBLISHED)


def withdraw(session: Session, actor: Acting, meal: Meal) -> None:
    """Take a menu back from the diners; it is a draft again.

    Raises:
        UnknownMenuError: nothing is planned for the meal.
    """
    _set_state(session, actor, _required(session, actor.site_id, meal), State.DRAFT)


def copy_week(
    session: Session, actor: Acting, venue_id: UUID, source: date, target: date
) -> Copied:
    """Plan a week as another one was: drafts, with portions and cooks; done again it adds nothing.

    Args:
        session: Writing.
        actor: Who plans.
        venue_id: Of both weeks.
        source: A day of the week to copy.
        target: A day of the week to plan.

    Raises:
        BadInputError: both are one week.
    """
    first, other = monday(source), monday(target)
    if first == other:
        raise BadInputError("a week cannot be copied onto itself: choose another one")
    menus = week(session, actor.site_id, venue_id, first)
    retired = _retired(session, actor.site_id, {one.dish_id for had in menus for one in had.items})
    copied, kept = [], []
    for menu in menus:
        meal = Meal(menu.meal.day + (other - first), menu.meal.period, venue_id)
        if find(session, actor.site_id, meal) is not None:
            kept.append(meal)
            continue
        save(session, actor, meal, [one for one in menu.items if one.dish_id not in retired])
        copied.append(meal)
    return Copied(tuple(copied), tuple(kept), tuple(sorted(retired)))


def monday(day: date) -> date:
    """The first day of a day's week."""
    return day - timedelta(days=day.weekday())


def find(session: Session, site_id: UUID, meal: Meal) -> Menu | None:
    """The menu of a meal, planned or published."""
    row = session.scalar(_of_meal(site_id, meal))
    return None if row is None else _menu(session, [row])[0]


def week(
    session: Session,
    site_id: UUID,
    venue_id: UUID,
    day: date,
    periods: Sequence[str] = PERIODS,
) -> list[Menu]:
    """The menus of a day's week, in the order in which the meals are served.

    Args:
        session: Reading.
        site_id: Whose.
        venue_id: Where.
        day: Any day of the week.
        periods: Codes of the site's meal periods in their order; others come last.
    """
    first = monday(day)
    query = select(MenuDay).where(
        MenuDay.site_id == site_id,
        MenuDay.venue_id == venue_id,
        MenuDay.business_date >= first,
        MenuDay.business_date < first + timedelta(days=7),
    )
    places = {period: place for place, period in enumerate(periods)}
    found = sorted(
        session.scalars(query),
        key=lambda row: (row.business_date, places.get(row.period, len(places)), row.period),
    )
    return _menu(session, found)


def published(session: Session, site_id: UUID, day: date) -> list[Menu]:
    """The menus of a day that diners see, of every venue: what is cooked, sampled and shown."""
    query = select(MenuDay).where(
        MenuDay.site_id == site_id,
        MenuDay.business_date == day,
        MenuDay.state == State.PUBLISHED.value,
    )
    return _menu(session, session.scalars(query.order_by(MenuDay.venue_id, MenuDay.period)).all())


def _of_meal(site_id: UUID, meal: Meal) -> Any:
    return select(MenuDay).where(
        MenuDay.site_id == site_id,
        MenuDay.venue_id == meal.venue_id,
        MenuDay.business_date == meal.day,
        MenuDay.period == meal.period,
    )


def _locked(session: Session, site_id: UUID, meal: Meal) -> MenuDay | None:
    query = _of_meal(site_id, meal).with_for_update()
    found: MenuDay | None = session.scalar(query.execution_options(populate_existing=True))
    return found


def _required(session: Session, site_id: UUID, meal: Meal) -> MenuDay:
    row = _locked(session, site_id, meal)
    if row is None:
        raise UnknownMenuError(f"nothing is planned for {meal.day} {meal.period}: plan it first")
    return row


def _add(session: Session, site_id: UUID, meal: Meal) -> MenuDay:
    row = MenuDay(id=new_id(), site_id=site_id, state=State.DRAFT.value, **meal.columns)
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        raise BadInputError(
            "somebody else has just planned this meal: look at it first", code="planned_meanwhile"
        ) from error
    return row


def _menu(session: Session, rows: Sequence[MenuDay]) -> list[Menu]:
    items: dict[UUID, list[ItemValues]] = {row.id: [] for row in rows}
    query = select(MenuItem).where(MenuItem.menu_id.in_(items))
    for one in session.scalars(query.order_by(MenuItem.menu_id, MenuItem.place)):
        values = ItemValues(dish_id=one.dish_id, portions=one.portions, cook=one.cook)
        items[one.menu_id].append(values)
    return [
        Menu(
            Meal(row.business_date, row.period, row.venue_id),
            State(row.state),
            tuple(items[row.id]),
        )
        for row in rows
    ]


def _write(session: Session, row: MenuDay, items: Sequence[ItemValues]) -> None:
    for old in session.scalars(select(MenuItem).where(MenuItem.menu_id == row.id)):
        session.delete(old)
    session.flush()
    for place, one in enumerate(items):
        own = {"id": new_id(), "site_id": row.site_id, "menu_id": row.id, "place": place}
        session.add(MenuItem(**own, **one.model_dump()))
    session.flush()


def _check(session: Session, site_id: UUID, meal: Meal, items: Sequence[ItemValues]) -> None:
    if not 1 <= len(meal.period) <= 32:
        raise BadInputError("name the meal period, such as lunch")
    wanted = {one.dish_id for one in items}
    if len(wanted) < len(items):
        raise BadInputError("a dish stands twice on the menu: plan its portions in one line")
    if len(items) > MAX_ITEMS:
        raise BadInputError(f"a menu has at most {MAX_ITEMS} dishes")
    known = select(Dish.id).where(Dish.site_id == site_id, Dish.id.in_(wanted))
    if wanted - set(session.scalars(known)):
        raise UnknownDishError("there is no such dish here: take one from the list of dishes")


def _retired(session: Session, site_id: UUID, wanted: set[UUID]) -> set[UUID]:
    query = select(Dish.id).where(
        Dish.site_id == site_id, Dish.id.in_(wanted), Dish.active.is_(False)
    )
    return set(session.scalars(query))


def _set_state(session: Session, actor: Acting, row: MenuDay, state: State) -> None:
    if row.state != state:
        before, row.state = row.state, state.value
        session.flush()
        actor.record(session, f"menu.{_VERBS[state]}", str(row.id), before, state.value)


_VERBS = {State.PUBLISHED: "publish", State.DRAFT: "withdraw"}


def _told(menu: Menu) -> dict[str, Any]:
    return {
        "meal": str(menu.meal),
        "items": [one.model_dump(mode="json") for one in menu.items],
    }
