"""配方: what goes into a dish, and what that costs and gives, while it is being written."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any
from uuid import UUID

from flask import abort, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import BadInputError, DafanError
from dafan.money import Fen
from dafan.quantity import OFFERED, Measure, read_quantity
from dafan.records import Unit
from kitchen import cookbook, dishes, nutrition, recipes
from kitchen.dishes import Dish
from kitchen.ingredients import Ingredient
from kitchen.nutrition import Content, Nutrient
from kitchen.recipes import Cost, RecipeCycleError, RecipeValues
from server import foods
from server.access import needs
from server.pages import food_words, messages
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, change, reading, site_id

BLANK_LINES = 3


@dataclass(frozen=True, slots=True)
class Parts:
    """What a line may name, by the text that a person chooses."""

    ingredients: dict[str, Ingredient]
    components: dict[str, UUID]

    @property
    def names(self) -> list[str]:
        """All of them, ingredients first."""
        return [*self.ingredients, *self.components]


@dataclass(frozen=True, slots=True)
class TypedLine:
    """A line of the form."""

    part: str = ""
    quantity: str = ""
    unit: str = Measure.MASS.value


@dataclass(frozen=True, slots=True)
class Look:
    """What one full portion costs, weighs and gives.

    Attributes:
        cost_permille: The cost as a share of the price; ``None`` where there is no price.
    """

    cost: Cost
    grams: int
    content: Content
    shares: dict[Nutrient, int]
    energy: dict[Nutrient, int] | None
    allergens: str
    price: Fen | None
    cost_permille: int | None


@manage.get("/dishes/<uuid:dish_id>/recipe")
@needs("see_dishes")
def recipe(dish_id: UUID) -> str:
    """The valid recipe, its cost and what it gives."""
    with reading() as session:
        dish = _dish(session, dish_id)
        parts = _parts(session, dish_id)
        versions = cookbook.history(session, site_id(), dish_id, limit=20)
        known = cookbook.values_of(session, versions[0]) if versions else None
        lines = [] if known is None else _shown_lines(session, known)
        shown = _look_or_none(session, dish, known)
    return render_template(
        "manage/recipe.html", active="manage.dishes_list", dish=dish, recipe=known,
        lines=lines, blank=BLANK_LINES if lines else 2 * BLANK_LINES, units=OFFERED,
        parts=parts.names, look=shown, versions=versions, words=food_words,
        nutrients=list(Nutrient),
    )  # fmt: skip


@manage.post("/dishes/<uuid:dish_id>/recipe/save")
@needs("edit_catalogue")
def recipe_save(dish_id: UUID) -> str | AnyResponse:
    """Keep what was written as a new version; a refused one is shown again as it was typed."""
    with reading() as session:
        dish = _dish(session, dish_id)
        parts = _parts(session, dish_id)
        versions = cookbook.history(session, site_id(), dish_id, limit=20)

    def work(session: Session) -> None:
        try:
            foods.save_recipe(session, actor(), dish_id, _typed(parts))
        except RecipeCycleError as error:
            raise _cycle(error) from error

    if change(work, _("已保存为新的版本")):
        return redirect(url_for("manage.recipe", dish_id=dish_id))
    return render_template(
        "manage/recipe.html", active="manage.dishes_list", dish=dish, recipe=request.form,
        lines=_typed_lines(), blank=1, units=OFFERED, parts=parts.names, look=None,
        versions=versions, words=food_words, nutrients=list(Nutrient), typed=True,
    )  # fmt: skip


@manage.post("/dishes/<uuid:dish_id>/recipe/look")
@needs("edit_catalogue")
def recipe_look(dish_id: UUID) -> str:
    """Cost and nutrition of what is typed, as a part of the page; writes nothing."""
    refused = ""
    found = None
    with reading() as session:
        dish = _dish(session, dish_id)
        try:
            found = _look(session, dish, _typed(_parts(session, dish_id)))
        except RecipeCycleError as error:
            refused = str(_cycle(error))
        except DafanError as error:
            refused = messages.say(error)
    return render_template(
        "manage/_recipe_look.html", look=found, refused=refused, dish=dish, words=food_words,
        nutrients=list(Nutrient),
    )  # fmt: skip


def _dish(session: Session, dish_id: UUID) -> Dish:
    try:
        return dishes.get(session, site_id(), dish_id)
    except dishes.UnknownDishError:
        abort(404)


def _parts(session: Session, dish_id: UUID) -> Parts:
    """The site's ingredients in use, and its components under a name that tells them apart."""
    found = session.scalars(
        select(Ingredient).where(Ingredient.site_id == site_id(), Ingredient.active.is_(True))
    )
    own = {row.name: row for row in found}
    book = cookbook.load_book(session, site_id())
    served = session.scalars(
        select(Dish.id).where(Dish.site_id == site_id(), Dish.active.is_(False))
    )
    used = {line.component_id for one in book.recipes.values() for line in one.lines}
    ids = ({*served} & set(book.recipes)) | {one for one in used if one}
    made = {_component(book.dish_names[one]): one for one in ids - {dish_id}}
    return Parts(own, dict(sorted(made.items())))


def _component(name: str) -> str:
    return str(_("%(name)s（半成品）", name=name))


def _shown_lines(session: Session, values: RecipeValues) -> list[TypedLine]:
    ids = [line.ingredient_id for line in values.lines if line.ingredient_id]
    rows = session.scalars(
        select(Ingredient).where(Ingredient.site_id == site_id(), Ingredient.id.in_(ids))
    )
    known = {row.id: row for row in rows}
    shown = []
    for line in values.lines:
        if line.ingredient_id is not None:
            row = known[line.ingredient_id]
            unit = OFFERED[-1] if row.measure == Measure.COUNT else row.measure
            shown.append(TypedLine(row.name, str(line.quantity), unit))
        elif line.component_id is not None:
            name = dishes.get(session, site_id(), line.component_id).name
            shown.append(TypedLine(_component(name), str(line.quantity), "g"))
    return shown


def _typed_lines() -> list[TypedLine]:
    columns = (request.form.getlist(name) for name in ("part", "quantity", "unit"))
    lines = [TypedLine(*(cell.strip() for cell in cells)) for cells in zip(*columns, strict=False)]
    return [line for line in lines if line.part or line.quantity]


def _typed(parts: Parts) -> RecipeValues:
    """What the form says.

    Raises:
        BadInputError: something in it does not fit; told in the person's language.
    """
    lines = [_line(line, parts) for line in _typed_lines()]
    if not lines:
        raise BadInputError(_("请至少写一种食材和它的用量"))
    told: dict[str, Any] = {
        "portions": _whole("portions", _("份数")),
        "yield_grams": _whole("yield_grams", _("出成")),
        "half_permille": 10 * _whole("half", _("半份")),
        "small_permille": 10 * _whole("small", _("小碗")),
        "lines": lines,
        "steps": request.form.get("steps", ""),
        "hints": request.form.get("hints", ""),
    }
    return recipes.read_values(told)


def _whole(name: str, label: str) -> int:
    text = request.form.get(name, "").strip()
    try:
        value = Decimal(text)
        if value == value.to_integral_value() and 0 < value <= 10**9:
            return int(value)
    except InvalidOperation:
        pass
    raise BadInputError(_("%(label)s要填大于零的整数", label=label))


def _line(line: TypedLine, parts: Parts) -> dict[str, Any]:
    row, component = parts.ingredients.get(line.part), parts.components.get(line.part)
    if row is None and component is None:
        message = _("没有叫“%(name)s”的食材或半成品：请从列表中选择", name=line.part)
        raise BadInputError(message)
    measure = Measure.MASS if row is None else Measure(row.measure)
    try:
        quantity = read_quantity(line.quantity, line.unit, measure)
    except BadInputError as error:
        counted = food_words.MEASURES[measure]
        message = _(
            "%(name)s按%(measure)s计：用量要写数字，单位要能换成%(measure)s",
            name=line.part, measure=counted,
        )  # fmt: skip
        raise BadInputError(message) from error
    if row is not None:
        return {"ingredient_id": row.id, "quantity": quantity}
    return {"component_id": component, "quantity": quantity}


def _cycle(error: RecipeCycleError) -> BadInputError:
    return BadInputError(_("一道菜不能成为自己的一部分：%(chain)s", chain=error.chain))


def _look_or_none(session: Session, dish: Dish, values: RecipeValues | None) -> Look | None:
    try:
        return None if values is None else _look(session, dish, values)
    except BadInputError:
        return None


def _look(session: Session, dish: Dish, values: RecipeValues) -> Look:
    book = cookbook.look_at(session, site_id(), dish.id, values)
    used = recipes.explode(book, dish.id, 1)
    content = nutrition.content(nutrition.used_of(used, book.ingredients))
    cost = recipes.cost(book, used)
    grams = Fraction(values.yield_grams, values.portions)
    price = dish.price
    if price is not None and dish.unit == Unit.KG.value:
        price = int(price * grams / 1000 + Fraction(1, 2))
    return Look(
        cost, round(grams), content, nutrition.reference_permille(content),
        nutrition.energy_shares(content), _allergens(recipes.allergens(book, dish.id)),
        None if price is None else Fen(price),
        round(Fraction(cost.fen * 1000, price)) if price else None,
    )  # fmt: skip


def _allergens(found: Sequence[str]) -> str:
    return food_words.allergens(tuple(found))
