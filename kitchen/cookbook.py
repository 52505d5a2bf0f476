"""The cookbook keeps recipes: versions are added, never changed; the newest is the valid one."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, String, UniqueConstraint, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from dafan.db import Base
from dafan.ids import new_id
from kitchen import dishes, ingredients
from kitchen.dishes import Dish
from kitchen.ingredients import Ingredient
from kitchen.recipes import MAX_HINTS, MAX_STEPS, Book, Line, RecipeError, RecipeValues, order_of


class Recipe(Base):
    """One version of a dish's recipe; rows are added, never changed."""

    __tablename__ = "recipe"
    __table_args__ = (UniqueConstraint("site_id", "dish_id", "version"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(index=True)
    dish_id: Mapped[UUID] = mapped_column(ForeignKey("dish.id"), index=True)
    version: Mapped[int]
    portions: Mapped[int]
    yield_grams: Mapped[int]
    half_permille: Mapped[int]
    small_permille: Mapped[int]
    steps: Mapped[str] = mapped_column(String(MAX_STEPS), default="")
    hints: Mapped[str] = mapped_column(String(MAX_HINTS), default="")
    set_by: Mapped[str] = mapped_column(String(80))
    set_at: Mapped[datetime]


class RecipeLine(Base):
    """An ingredient, or a component, of one version of a recipe."""

    __tablename__ = "recipe_line"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(index=True)
    recipe_id: Mapped[UUID] = mapped_column(ForeignKey("recipe.id"), index=True)
    position: Mapped[int]
    ingredient_id: Mapped[UUID | None] = mapped_column(ForeignKey("ingredient.id"))
    component_id: Mapped[UUID | None] = mapped_column(ForeignKey("dish.id"))
    quantity: Mapped[int]


def save(session: Session, actor: Acting, dish_id: UUID, values: RecipeValues) -> Recipe:
    """Add a version to the recipe of a dish; the version before stays as it was.

    The same values once more add nothing.

    Raises:
        UnknownDishError, UnknownIngredientError: not of this site.
        RecipeCycleError: the dish would be a part of itself; the text names the whole way.
        NoRecipeError: a component has no recipe.
        RecipeError: two people saved it at the same moment; the transaction is then lost.
    """
    lock(session, actor.site_id)
    dish = dishes.get(session, actor.site_id, dish_id)
    _check_parts(session, actor.site_id, values)
    if any(line.component_id for line in values.lines):
        check_components(load_book(session, actor.site_id), dish_id, values)
    return add_version(session, actor, dish, values)


def look_at(session: Session, site_id: UUID, dish_id: UUID, values: RecipeValues) -> Book:
    """The site's recipes as they would be with this one, for its cost and nutrition.

    Raises:
        UnknownIngredientError, RecipeCycleError, NoRecipeError: as :func:`save`.
    """
    _check_parts(session, site_id, values)
    book = load_book(session, site_id)
    check_components(book, dish_id, values)
    wanted = [line.ingredient_id for line in values.lines if line.ingredient_id]
    new = ingredients.by_ids(session, site_id, wanted)
    return Book(
        {**book.recipes, dish_id: values},
        book.dish_names,
        {**book.ingredients, **{key: ingredients.values_of(row) for key, row in new.items()}},
    )


def check_components(book: Book, dish_id: UUID, values: RecipeValues) -> None:
    """Look whether a recipe would fit among the others.

    Raises:
        RecipeCycleError: the dish would be a part of itself; the text names the whole way.
        NoRecipeError: a component has no recipe.
    """
    merged = Book({**book.recipes, dish_id: values}, book.dish_names, book.ingredients)
    for step in order_of(merged.recipes, [dish_id], book.dish_names):
        merged.recipe(step)


def add_version(session: Session, actor: Acting, dish: Dish, values: RecipeValues) -> Recipe:
    """Add a version that was checked, while the caller holds :func:`lock`; see :func:`save`."""
    newest = newest_of(session, actor.site_id, dish.id)
    before = None if newest is None else values_of(session, newest)
    if newest is not None and before == values:
        return newest
    row = Recipe(
        id=new_id(), site_id=actor.site_id, dish_id=dish.id,
        version=1 if newest is None else newest.version + 1,
        set_by=actor.name, set_at=actor.at, **values.model_dump(exclude={"lines"}),
    )  # fmt: skip
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        raise RecipeError(
            f"somebody else saved the recipe of {dish.name} just now: look at it and try again",
            code="conflict",
        ) from error
    session.add_all(
        RecipeLine(site_id=actor.site_id, recipe_id=row.id, position=place, **line.model_dump())
        for place, line in enumerate(values.lines)
    )
    session.flush()
    actor.record(
        session, "recipe.save", str(dish.id),
        None if before is None else before.model_dump(mode="json"),
        {"version": row.version, **values.model_dump(mode="json")},
    )  # fmt: skip
    return row


def lock(session: Session, site_id: UUID) -> None:
    """One recipe of a site is saved at a time: two together could make a cycle that neither sees.

    On SQLite there is one writer anyway; on PostgreSQL the site's first dish is the lock.
    """
    first = select(Dish.id).where(Dish.site_id == site_id).order_by(Dish.id).limit(1)
    session.execute(first.with_for_update())


def newest_of(session: Session, site_id: UUID, dish_id: UUID) -> Recipe | None:
    """The valid version of a dish's recipe."""
    return next(iter(history(session, site_id, dish_id, limit=1)), None)


def history(
    session: Session, site_id: UUID, dish_id: UUID, *, limit: int = 100
) -> Sequence[Recipe]:
    """Versions of a dish's recipe, the newest first."""
    query = select(Recipe).where(Recipe.site_id == site_id, Recipe.dish_id == dish_id)
    return session.scalars(query.order_by(Recipe.version.desc()).limit(limit)).all()


def values_of(session: Session, row: Recipe) -> RecipeValues:
    """The version as a person decided it."""
    return _read_versions(session, [row])[row.dish_id]


def changes(session: Session, site_id: UUID, after: datetime, until: datetime) -> list[datetime]:
    """When recipes of a site were saved behind a moment and up to another one, in order."""
    query = select(Recipe.set_at).where(
        Recipe.site_id == site_id, Recipe.set_at > after, Recipe.set_at <= until
    )
    return list(session.scalars(query.order_by(Recipe.set_at)))


def dishes_with_recipe(session: Session, site_id: UUID) -> set[UUID]:
    """Every dish of the site that has a recipe."""
    return set(session.scalars(select(Recipe.dish_id).where(Recipe.site_id == site_id)))


def load_book(session: Session, site_id: UUID) -> Book:
    """All valid recipes of a site, in a few queries."""
    newest = (
        select(Recipe.dish_id, func.max(Recipe.version).label("version"))
        .where(Recipe.site_id == site_id)
        .group_by(Recipe.dish_id)
        .subquery()
    )
    here = (Recipe.dish_id == newest.c.dish_id) & (Recipe.version == newest.c.version)
    rows = session.scalars(select(Recipe).join(newest, here).where(Recipe.site_id == site_id)).all()
    recipes = _read_versions(session, rows)
    names = session.execute(select(Dish.id, Dish.name).where(Dish.site_id == site_id))
    query = select(Ingredient).where(Ingredient.site_id == site_id)
    parts = session.scalars(query.execution_options(populate_existing=True))
    used = {line.ingredient_id for values in recipes.values() for line in values.lines}
    return Book(
        recipes,
        {row.id: row.name for row in names},
        {row.id: ingredients.values_of(row) for row in parts if row.id in used},
    )


def book_of(session: Session, site_id: UUID, dish_ids: Collection[UUID], until: datetime) -> Book:
    """The recipes of some dishes and of all their components, as they were valid at a moment.

    Args:
        session: Reading.
        site_id: Whose.
        dish_ids: Those without a recipe at that moment are left out.
        until: Aware UTC; a version that was set later does not count.
    """
    valid: dict[UUID, RecipeValues] = {}
    wanted = set(dish_ids)
    while wanted:
        newest = (
            select(Recipe.dish_id, func.max(Recipe.version).label("version"))
            .where(Recipe.site_id == site_id, Recipe.dish_id.in_(wanted), Recipe.set_at <= until)
            .group_by(Recipe.dish_id)
            .subquery()
        )
        here = (Recipe.dish_id == newest.c.dish_id) & (Recipe.version == newest.c.version)
        query = select(Recipe).join(newest, here).where(Recipe.site_id == site_id)
        found = _read_versions(session, session.scalars(query).all())
        valid |= found
        lines = [line for values in found.values() for line in values.lines]
        wanted = {line.component_id for line in lines if line.component_id} - valid.keys() - wanted
    used = {line.ingredient_id for values in valid.values() for line in values.lines}
    parts = ingredients.by_ids(session, site_id, [key for key in used if key])
    return Book(valid, {}, {key: ingredients.values_of(row) for key, row in parts.items()})


def _read_versions(session: Session, rows: Sequence[Recipe]) -> dict[UUID, RecipeValues]:
    lines: dict[UUID, list[Line]] = {row.id: [] for row in rows}
    ids = list(lines)
    for start in range(0, len(ids), 500):
        query = select(RecipeLine).where(RecipeLine.recipe_id.in_(ids[start : start + 500]))
        for line in session.scalars(query.order_by(RecipeLine.recipe_id, RecipeLine.position)):
            lines[line.recipe_id].append(
                Line(
                    ingredient_id=line.ingredient_id, component_id=line.component_id,
                    quantity=line.quantity,
                )
            )  # fmt: skip
    names = [name for name in RecipeValues.model_fields if name != "lines"]
    return {
        row.dish_id: RecipeValues(
            lines=tuple(lines[row.id]), **{name: getattr(row, name) for name in names}
        )
        for row in rows
    }


def _check_parts(session: Session, site_id: UUID, values: RecipeValues) -> None:
    wanted = [line.ingredient_id for line in values.lines if line.ingredient_id]
    if len(ingredients.by_ids(session, site_id, wanted)) < len(wanted):
        raise ingredients.UnknownIngredientError(
            "there is no such ingredient here: take one from the list"
        )
    for line in values.lines:
        if line.component_id is not None:
            dishes.get(session, site_id, line.component_id)
