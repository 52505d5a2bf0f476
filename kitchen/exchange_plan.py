"""What a catalogue from another canteen would change here: looked at row by row; writes nothing."""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError

from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.quantity import Measure, read_quantity
from kitchen.catalogue import (
    DISHES,
    INGREDIENTS,
    RECIPES,
    Draft,
    ExchangeError,
    Fault,
    Faults,
    NamedLine,
    NamedRecipe,
    RawRow,
)
from kitchen.dishes import DishValues
from kitchen.ingredients import IngredientValues
from kitchen.nutrition import Nutrient
from kitchen.recipes import Line, RecipeCycleError, RecipeValues, order_of

SHOWN_CYCLES = 5
"""After so many recipes that are a part of themselves the rest is not looked through."""


class State(StrEnum):
    """What a row does."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"


V = TypeVar("V", IngredientValues, DishValues, RecipeValues)
N = TypeVar("N", IngredientValues, DishValues)


@dataclass(frozen=True, slots=True)
class Planned(Generic[V]):
    """One thing as it would be afterwards.

    Attributes:
        name: Of the ingredient or dish.
        values: Of a recipe: with the ids of :attr:`Plan.ids`.
    """

    row: int
    name: str
    state: State
    values: V


@dataclass(frozen=True, slots=True)
class Plan:
    """What would happen; nothing is taken over while there is a fault.

    Attributes:
        ingredient_ids: Name → the site's id; a new one's stands for it until it is made.
        dish_ids: The same of dishes.
    """

    ingredients: tuple[Planned[IngredientValues], ...]
    dishes: tuple[Planned[DishValues], ...]
    recipes: tuple[Planned[RecipeValues], ...]
    ingredient_ids: Mapping[str, UUID]
    dish_ids: Mapping[str, UUID]
    faults: Sequence[Fault]
    fault_count: int

    def counts(self) -> dict[str, dict[str, int]]:
        """Sheet → state → how many."""
        states = {
            INGREDIENTS: [row.state for row in self.ingredients],
            DISHES: [row.state for row in self.dishes],
            RECIPES: [row.state for row in self.recipes],
        }
        return {
            sheet: {state.value: found.count(state) for state in State}
            for sheet, found in states.items()
        }


@dataclass(frozen=True)
class Known:
    """What the site has, read once for the whole file."""

    ingredients: Mapping[str, tuple[UUID, IngredientValues]]
    dishes: Mapping[str, tuple[UUID, DishValues]]
    recipes: Mapping[UUID, RecipeValues]


def make_plan(draft: Draft, known: Known, *, only_new: bool = False, prices: bool = True) -> Plan:
    """Compare a file with what a site has.

    Args:
        draft: The rows.
        known: The site.
        only_new: What the site has stays as it is, whatever the file says.
        prices: Whether things that the site has take the file's prices too.
    """
    faults = Faults([*draft.faults.shown], draft.faults.count)
    parts = [
        _compare(row, values, known.ingredients, only_new)
        for row, values in _checked(
            draft.ingredients, INGREDIENTS, IngredientValues, known.ingredients, faults,
            () if prices else ("price",),
        )
        if _fits(row, values, known, faults, only_new)
    ]  # fmt: skip
    served = [
        _compare(row, values, known.dishes, only_new)
        for row, values in _checked(
            draft.dishes, DISHES, DishValues, known.dishes, faults,
            () if prices else ("price", "half_price", "small_price"),
        )
    ]  # fmt: skip
    names = _Names(
        {name: made[0] for name, made in known.ingredients.items()},
        {name: made[0] for name, made in known.dishes.items()},
        {name: made[1].measure for name, made in known.ingredients.items()},
    )
    names.add(parts, served)
    recipes = _recipes(draft, known, names, faults, only_new)
    return Plan(
        tuple(parts), tuple(served), tuple(recipes), names.ingredients, names.dishes,
        tuple(faults.shown), faults.count,
    )  # fmt: skip


def _checked(
    rows: Sequence[RawRow],
    sheet: str,
    model: type[N],
    known: Mapping[str, tuple[UUID, N]],
    faults: Faults,
    kept: Sequence[str],
) -> Iterator[tuple[int, N]]:
    """Rows without a fault of their own, over what the site has of the name."""
    seen: dict[str, int] = {}
    for raw in rows:
        name = raw.values.get("name")
        name = name.strip() if isinstance(name, str) else ""
        if name in seen:
            faults.add(
                sheet, raw.row, f"row {seen[name]} has this name: leave one of them out",
                "repeated", str(seen[name]),
            )  # fmt: skip
            continue
        told = dict(raw.values)
        if name in known:
            before = known[name][1].model_dump()
            told = before | told | {key: before[key] for key in kept}
            if isinstance(told.get("nutrients"), dict):
                told["nutrients"] = before["nutrients"] | told["nutrients"]
        if isinstance(told.get("nutrients"), dict):
            told["nutrients"] = _filled(told["nutrients"])
        values = _validate(model, told, sheet, raw.row, faults)
        if values is not None:
            seen[name] = raw.row
            yield raw.row, values


def _filled(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


M = TypeVar("M", bound=BaseModel)


def _validate(
    model: type[M], told: Mapping[str, Any], sheet: str, row: int, faults: Faults
) -> M | None:
    strange = [key for key, value in told.items() if isinstance(value, str) and _strange(value)]
    if strange:
        advice = f"{strange[0]}: type it again, it holds a character nobody can see"
        faults.add(sheet, row, advice, "hidden_sign", strange[0])
        return None
    try:
        return model.model_validate(told)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"]))
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        advice = ": ".join(filter(None, [where, fault["msg"]])) + more
        faults.add(sheet, row, advice, "bad_value", where)
        return None


def _strange(text: str) -> bool:
    return any(unicodedata.category(sign) in {"Cc", "Cs"} and sign not in "\n\t" for sign in text)


def _fits(row: int, values: IngredientValues, known: Known, faults: Faults, only_new: bool) -> bool:
    strange = values.nutrients.keys() - set(Nutrient)
    if strange:
        advice = f"{min(strange)} is no nutrient: use {', '.join(Nutrient)}"
        faults.add(INGREDIENTS, row, advice, "no_nutrient", min(strange))
        return False
    before = known.ingredients.get(values.name)
    if only_new or before is None or before[1].measure is values.measure:
        return True
    here = before[1].measure.value
    advice = f"{values.name} is counted in {here} here: give it another name"
    faults.add(INGREDIENTS, row, advice, "other_measure", values.name)
    return False


def _compare(
    row: int, values: N, known: Mapping[str, tuple[UUID, N]], only_new: bool
) -> Planned[N]:
    before = known.get(values.name)
    if before is None:
        return Planned(row, values.name, State.NEW, values)
    if only_new or before[1] == values:
        return Planned(row, values.name, State.SAME, before[1])
    return Planned(row, values.name, State.CHANGED, values)


# --- Recipes ------------------------------------------------------------------------------------


@dataclass
class _Names:
    """What a recipe may name: what the site has, and what the file brings."""

    ingredients: dict[str, UUID]
    dishes: dict[str, UUID]
    measures: dict[str, Measure]

    def add(
        self, parts: Sequence[Planned[IngredientValues]], served: Sequence[Planned[DishValues]]
    ) -> None:
        for part in parts:
            self.ingredients.setdefault(part.name, new_id())
            self.measures.setdefault(part.name, part.values.measure)
        for dish in served:
            self.dishes.setdefault(dish.name, new_id())

    def line(self, line: NamedLine) -> Line:
        """The line with ids.

        Raises:
            BadInputError: an unknown name, or a quantity that does not fit.
        """
        if line.component:
            if line.component not in self.dishes:
                raise ExchangeError(f"there is no dish {line.component}: add it to '{DISHES}'")
            quantity = read_quantity(str(line.quantity), line.unit, Measure.MASS)
            return Line(component_id=self.dishes[line.component], quantity=quantity)
        if line.ingredient not in self.ingredients:
            raise ExchangeError(
                f"there is no ingredient {line.ingredient}: add it to '{INGREDIENTS}'"
            )
        measure = self.measures[line.ingredient]
        quantity = read_quantity(str(line.quantity), line.unit, measure)
        return Line(ingredient_id=self.ingredients[line.ingredient], quantity=quantity)


def _recipes(
    draft: Draft, known: Known, names: _Names, faults: Faults, only_new: bool
) -> list[Planned[RecipeValues]]:
    found: dict[UUID, Planned[RecipeValues]] = {}
    for raw in draft.recipes:
        told = _validate(NamedRecipe, raw.values, RECIPES, raw.row, faults)
        values = None if told is None else _with_ids(told, raw.row, names, faults)
        if told is None or values is None:
            continue
        dish_id = names.dishes[told.dish]
        before = known.recipes.get(dish_id)
        if dish_id in found:
            first = found[dish_id].row
            advice = f"row {first} is of {told.dish} as well"
            faults.add(RECIPES, raw.row, advice, "repeated", str(first))
        elif before is None:
            found[dish_id] = Planned(raw.row, told.dish, State.NEW, values)
        elif only_new or before == values:
            found[dish_id] = Planned(raw.row, told.dish, State.SAME, before)
        else:
            found[dish_id] = Planned(raw.row, told.dish, State.CHANGED, values)
    return list(_without_holes(found, known, names, faults).values())


def _with_ids(told: NamedRecipe, row: int, names: _Names, faults: Faults) -> RecipeValues | None:
    if told.dish not in names.dishes:
        advice = f"there is no dish {told.dish}: add it to '{DISHES}'"
        faults.add(RECIPES, row, advice, "no_dish", told.dish)
        return None
    lines = []
    for line in told.lines:
        try:
            lines.append(names.line(line))
        except (BadInputError, ValidationError) as error:
            said = error if isinstance(error, BadInputError) else error.errors()[0]["msg"]
            part = line.ingredient or line.component
            code = "unknown_part" if isinstance(error, ExchangeError) else "bad_quantity"
            faults.add(RECIPES, row, f"{told.dish}, {part}: {said}", code, part)
            return None
    values = told.model_dump(exclude={"dish", "lines"}) | {"lines": tuple(lines)}
    return _validate(RecipeValues, values, RECIPES, row, faults)


def _without_holes(
    found: dict[UUID, Planned[RecipeValues]], known: Known, names: _Names, faults: Faults
) -> dict[UUID, Planned[RecipeValues]]:
    """Leave out recipes that are a part of themselves or whose components have no recipe."""
    spoken = {dish_id: name for name, dish_id in names.dishes.items()}
    for _ in range(SHOWN_CYCLES):
        merged = {**known.recipes, **{key: row.values for key, row in found.items()}}
        try:
            order = order_of(merged, tuple(found), spoken)
            break
        except RecipeCycleError as error:
            at = next(key for key in error.way if key in found)
            faults.add(RECIPES, found.pop(at).row, str(error), "cycle", error.chain)
    else:
        return {}
    for dish_id in reversed(order):
        row = found.get(dish_id)
        lines = () if row is None else row.values.lines
        for line in lines:
            if row and line.component_id is not None and line.component_id not in merged:
                part = spoken[line.component_id]
                advice = f"{row.name}: its part {part} has no recipe"
                faults.add(RECIPES, row.row, advice, "part_without_recipe", part)
                del found[dish_id], merged[dish_id]
                break
    return found
