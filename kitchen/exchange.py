"""Canteens share ingredients, dishes and recipes: a file is looked at first, then taken over.

A catalogue names things by their names, never by the ids of one site. It is planned first (new,
changed, the same, or a fault with its sheet and row; :mod:`kitchen.exchange_plan`) and then taken
over as a whole or not at all. As JSON it is read here; :mod:`kitchen.workbook` does so with Excel.
"""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from dafan import workbooks
from dafan.acting import Acting
from kitchen import cookbook, dishes, ingredients, workbook
from kitchen.catalogue import (
    DISHES,
    INGREDIENTS,
    MAX_ROWS,
    RECIPES,
    Catalogue,
    Draft,
    ExchangeError,
    NamedLine,
    NamedRecipe,
    RawRow,
)
from kitchen.dishes import Dish, DishValues
from kitchen.exchange_plan import Known, Plan, State, make_plan
from kitchen.ingredients import Ingredient, IngredientValues
from kitchen.recipes import RecipeValues

MAX_BYTES = 10 * 2**20


@dataclass(frozen=True, slots=True)
class TakenOver:
    """What was done.

    Attributes:
        plan: As it was.
        dishes: New and changed ones; the caller publishes them to the tills.
    """

    plan: Plan
    dishes: tuple[Dish, ...]


# --- Giving -------------------------------------------------------------------------------------


def export(session: Session, site_id: UUID) -> Catalogue:
    """Everything that a site has, retired things too; :func:`to_json` or a workbook carries it."""
    known = _known(session, site_id)
    parts = dict(known.ingredients.values())
    names = {key: name for name, (key, _) in known.dishes.items()}
    return Catalogue(
        ingredients=tuple(values for _, values in known.ingredients.values()),
        dishes=tuple(values for _, values in known.dishes.values()),
        recipes=tuple(
            _named(name, known.recipes[key], parts, names)
            for name, (key, _) in known.dishes.items()
            if key in known.recipes
        ),
    )


def _named(
    dish: str, recipe: RecipeValues, parts: dict[UUID, IngredientValues], names: dict[UUID, str]
) -> NamedRecipe:
    lines = []
    for line in recipe.lines:
        if line.ingredient_id is not None:
            part = parts[line.ingredient_id]
            lines.append(
                NamedLine(ingredient=part.name, quantity=line.quantity, unit=part.measure.value)
            )
        elif line.component_id is not None:
            name = names[line.component_id]
            lines.append(NamedLine(component=name, quantity=line.quantity, unit="g"))
    return NamedRecipe(dish=dish, lines=tuple(lines), **recipe.model_dump(exclude={"lines"}))


def to_json(catalogue: Catalogue) -> bytes:
    """The catalogue as a file; :func:`read` takes it back."""
    whole = catalogue.model_dump(mode="json")
    return json.dumps(whole, ensure_ascii=False, indent=1).encode()


def to_excel(catalogue: Catalogue) -> bytes:
    """The catalogue as a workbook with three sheets; :func:`read` takes it back."""
    return workbook.write(catalogue.ingredients, catalogue.dishes, catalogue.recipes)


# --- Taking -------------------------------------------------------------------------------------


def read(data: bytes) -> Draft:
    """The rows of a file: JSON or .xlsx.

    Raises:
        ExchangeError: too large, damaged, or no catalogue.
    """
    if len(data) > MAX_BYTES:
        raise ExchangeError(
            f"the file has {len(data) / 2**20:.0f} MB: split it, {MAX_BYTES // 2**20} MB at most"
        )
    if data.startswith(workbooks.SIGNATURE):
        return workbook.read(data)
    return _read_json(data)


def _read_json(data: bytes) -> Draft:
    try:
        whole = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ExchangeError("this is neither a catalogue in JSON nor an .xlsx workbook") from error
    if not isinstance(whole, dict) or whole.get("format") != "dafan-catalogue":
        raise ExchangeError("this JSON is no catalogue: its format is not 'dafan-catalogue'")
    if whole.get("version") != 1:
        raise ExchangeError("this catalogue is of a newer version: update this program first")
    draft = Draft()
    for key, sheet, rows in (
        ("ingredients", INGREDIENTS, draft.ingredients),
        ("dishes", DISHES, draft.dishes),
        ("recipes", RECIPES, draft.recipes),
    ):
        listed: Any = whole.get(key, [])
        if not isinstance(listed, list) or len(listed) > MAX_ROWS:
            raise ExchangeError(f"'{key}' is not a list of {MAX_ROWS} at most: split the file")
        for number, values in enumerate(listed, start=1):
            if isinstance(values, dict):
                rows.append(RawRow(number, values))
            else:
                draft.faults.add(
                    sheet, number, "this is not an object with names and values", "not_object"
                )
    return draft


def plan(
    session: Session, site_id: UUID, draft: Draft, *, only_new: bool = False, prices: bool = True
) -> Plan:
    """What the file would change here; writes nothing. See :func:`exchange_plan.make_plan`."""
    return make_plan(draft, _known(session, site_id), only_new=only_new, prices=prices)


def apply(
    session: Session, actor: Acting, data: bytes, *, only_new: bool = False, prices: bool = True
) -> TakenOver:
    """Take a file over, in the transaction of the session; doing so again changes nothing.

    Raises:
        ExchangeError: no catalogue, or with faults; :func:`plan` lists them. Nothing is written.
    """
    cookbook.lock(session, actor.site_id)
    found = plan(session, actor.site_id, read(data), only_new=only_new, prices=prices)
    if found.fault_count:
        first = found.faults[0]
        raise ExchangeError(
            f"the file has {found.fault_count} faults, the first in '{first.sheet}' row "
            f"{first.row}: {first.advice}",
            code="faulty_table",
        )
    return carry_out(session, actor, found)


def carry_out(session: Session, actor: Acting, found: Plan) -> TakenOver:
    """Do what a plan says; the caller holds :func:`cookbook.lock` since before it was made."""
    made: dict[UUID, UUID] = {}
    for part in found.ingredients:
        key = found.ingredient_ids[part.name]
        if part.state is State.NEW:
            made[key] = ingredients.create(session, actor, part.values).id
        elif part.state is State.CHANGED:
            ingredients.update(session, actor, key, part.values)
    touched = {}
    for served in found.dishes:
        key = found.dish_ids[served.name]
        if served.state is not State.SAME:
            touched[key] = _write_dish(session, actor, key, served.state, served.values)
            made[key] = touched[key].id
    for row in found.recipes:
        if row.state is not State.SAME:
            key = found.dish_ids[row.name]
            dish = touched.get(key) or dishes.get(session, actor.site_id, made.get(key, key))
            cookbook.add_version(session, actor, dish, _with_made(row.values, made))
    counts = found.counts()
    if any(count["new"] or count["changed"] for count in counts.values()):
        actor.record(session, "catalogue.import", "catalogue", None, counts)
    return TakenOver(found, tuple(touched.values()))


def _write_dish(
    session: Session, actor: Acting, dish_id: UUID, state: State, values: DishValues
) -> Dish:
    after = values.model_dump(mode="json")
    if state is State.NEW:
        dish = dishes.create(session, actor.site_id, values, by=actor.name, at=actor.at)
        actor.record(session, "dish.create", str(dish.id), None, after)
        return dish
    before = dishes.values_of(dishes.get(session, actor.site_id, dish_id)).model_dump(mode="json")
    dish = dishes.update(session, actor.site_id, dish_id, values, by=actor.name, at=actor.at)
    actor.record(session, "dish.update", str(dish.id), before, after)
    return dish


def _with_made(values: RecipeValues, made: dict[UUID, UUID]) -> RecipeValues:
    lines = tuple(
        line.model_copy(
            update={
                name: made.get(key, key)
                for name in ("ingredient_id", "component_id")
                if (key := getattr(line, name)) is not None
            }
        )
        for line in values.lines
    )
    return values.model_copy(update={"lines": lines})


def _known(session: Session, site_id: UUID) -> Known:
    parts = session.scalars(
        select(Ingredient)
        .where(Ingredient.site_id == site_id)
        .order_by(Ingredient.category, Ingredient.name)
    )
    served = session.scalars(
        select(Dish).where(Dish.site_id == site_id).order_by(Dish.sort, Dish.id)
    )
    return Known(
        {row.name: (row.id, ingredients.values_of(row)) for row in parts},
        {row.name: (row.id, dishes.values_of(row)) for row in served},
        cookbook.load_book(session, site_id).recipes,
    )
