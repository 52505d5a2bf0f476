"""A catalogue as a file says it: ingredients, dishes and recipes by name, not checked yet."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dafan.errors import BadInputError
from kitchen.dishes import DishValues
from kitchen.ingredients import IngredientValues
from kitchen.recipes import MAX_LINES

MAX_ROWS = 20_000
"""Of one sheet, or of one list."""

MAX_ADVICE = 400
SHOWN_FAULTS = 200
"""So many faults are told one by one; the others are counted."""

INGREDIENTS, DISHES, RECIPES = "食材", "菜品", "配方"
"""The sheets of a workbook; in JSON the lists of the same things."""


class ExchangeError(BadInputError):
    """A file that is no catalogue, or a catalogue with faults."""

    code = "bad_catalogue"


class NamedLine(BaseModel):
    """A line of a recipe, by name."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    ingredient: Annotated[str, Field(max_length=80)] = ""
    component: Annotated[str, Field(max_length=80)] = ""
    quantity: Annotated[int, Field(ge=0)] | Annotated[str, Field(max_length=40)]
    unit: Annotated[str, Field(max_length=8)]

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if bool(self.ingredient) == bool(self.component):
            raise ValueError("a line names either an ingredient or a component")
        return self


class NamedRecipe(BaseModel):
    """A recipe, by names; see :class:`kitchen.recipes.RecipeValues`."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    dish: Annotated[str, Field(min_length=1, max_length=80)]
    portions: int
    yield_grams: int
    half_permille: int = 500
    small_permille: int = 500
    lines: Annotated[tuple[NamedLine, ...], Field(min_length=1, max_length=MAX_LINES)]
    steps: str = ""
    hints: str = ""


@dataclass(frozen=True, slots=True)
class RawRow:
    """What a file says of one thing, not checked yet.

    Attributes:
        row: As the person sees it: the row of the sheet, the place in the list from 1.
        values: Only what the file says; the rest stays as it is here.
    """

    row: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that a person has to put right in the file.

    Attributes:
        advice: In English; ``code`` and ``about`` say the same for other languages.
        about: The field, heading or name that it is about.
    """

    sheet: str
    row: int
    advice: str
    code: str = "bad_value"
    about: str = ""


@dataclass
class Faults:
    """The first faults, and how many there are."""

    shown: list[Fault] = field(default_factory=list)
    count: int = 0

    def add(self, sheet: str, row: int, advice: str, code: str, about: str = "") -> None:
        """Take note of one; what the file said in it is made fit to be shown."""
        self.count += 1
        if len(self.shown) < SHOWN_FAULTS:
            shown, short = (
                text[:MAX_ADVICE].encode("utf-8", "replace").decode() for text in (advice, about)
            )
            self.shown.append(Fault(sheet, row, shown, code, short))


@dataclass
class Draft:
    """The rows of a file, and what could not be read at all."""

    ingredients: list[RawRow] = field(default_factory=list)
    dishes: list[RawRow] = field(default_factory=list)
    recipes: list[RawRow] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)


class Catalogue(BaseModel):
    """What one canteen gives to another; version 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["dafan-catalogue"] = "dafan-catalogue"
    version: Literal[1] = 1
    ingredients: tuple[IngredientValues, ...]
    dishes: tuple[DishValues, ...]
    recipes: tuple[NamedRecipe, ...]
