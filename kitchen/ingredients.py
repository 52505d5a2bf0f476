"""Ingredients (食材): what is bought and cooked, how it is counted, kept and checked."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from sqlalchemy import JSON, String, UniqueConstraint, select, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from dafan.db import Base
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.money import MAX_FEN, Fen
from dafan.quantity import LARGEST, Measure
from kitchen import rows

MAX_PAGE = 500


class UnknownIngredientError(BadInputError):
    """The site has no such ingredient."""

    code = "unknown_ingredient"


class Keep(StrEnum):
    """How it is kept: GB 31654-2021 and 餐饮服务食品安全操作规范 (2018), definitions."""

    AMBIENT = "ambient"
    CHILLED = "chilled"
    """0 to 8 °C."""
    FROZEN = "frozen"
    """Below −12 °C."""


class Allergen(StrEnum):
    """The eight groups of GB 7718, appendix D."""

    GLUTEN = "gluten"
    CRUSTACEANS = "crustaceans"
    FISH = "fish"
    EGG = "egg"
    PEANUT = "peanut"
    SOY = "soy"
    MILK = "milk"
    NUTS = "nuts"


class Ingredient(Base):
    """An ingredient of a site."""

    __tablename__ = "ingredient"
    __table_args__ = (UniqueConstraint("site_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(index=True)
    name: Mapped[str] = mapped_column(String(80))
    category: Mapped[str] = mapped_column(String(40), default="")
    measure: Mapped[str] = mapped_column(String(8))
    weighs: Mapped[int | None]
    edible_permille: Mapped[int] = mapped_column(default=1000)
    keep: Mapped[str] = mapped_column(String(8), default=Keep.AMBIENT.value)
    zone: Mapped[str] = mapped_column(String(40), default="")
    shelf_days: Mapped[int | None]
    minimum: Mapped[int] = mapped_column(default=0)
    maximum: Mapped[int | None]
    pack: Mapped[int] = mapped_column(default=1)
    price: Mapped[int | None]
    pesticide_test: Mapped[bool] = mapped_column(default=False)
    quarantine: Mapped[bool] = mapped_column(default=False)
    allergens: Mapped[list[str]] = mapped_column(JSON, default=list)
    nutrients: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    nutrients_from: Mapped[str] = mapped_column(String(40), default="")
    active: Mapped[bool] = mapped_column(default=True)
    changes: Mapped[int] = mapped_column(default=0, server_default="0")
    """How often anything was changed that the cost or the nutrition of a dish follows from."""


_COSTED = ("price", "weighs", "edible_permille", "nutrients")


class IngredientValues(BaseModel):
    """What a person decides about an ingredient."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", str_strip_whitespace=True, use_attribute_docstrings=True
    )

    name: Annotated[str, Field(min_length=1, max_length=80)]
    category: Annotated[str, Field(max_length=40)] = ""
    """Of :data:`kitchen.categories.CATEGORIES`, or a word of the site: the checks count by it."""
    measure: Measure = Measure.MASS
    weighs: Annotated[int, Field(gt=0, le=100_000)] | None = None
    """Grams of one piece, or of one litre; none for what is counted in grams."""
    edible_permille: Annotated[int, Field(gt=0, le=1000)] = 1000
    """Share that is left after trimming (可食部)."""
    keep: Keep = Keep.AMBIENT
    zone: Annotated[str, Field(max_length=40)] = ""
    """Where it lies in the store; the site's list of zones gives its colour."""
    shelf_days: Annotated[int, Field(gt=0, le=3650)] | None = None
    """From the day of production, where the label does not say."""
    minimum: Annotated[int, Field(ge=0, le=LARGEST)] = 0
    """Below so much it is bought again; in the measure."""
    maximum: Annotated[int, Field(gt=0, le=LARGEST)] | None = None
    """More than so much is too much; in the measure. None: the site's multiple of the minimum."""
    pack: Annotated[int, Field(gt=0, le=LARGEST)] = 1
    """It is sold in multiples of so much; in the measure."""
    price: Annotated[Fen, Field(ge=0, le=MAX_FEN)] | None = None
    """Standard price in fen: per kilogram, litre or piece."""
    pesticide_test: bool = False
    """A rapid pesticide test is due at receiving (农残检测)."""
    quarantine: bool = False
    """Animal quarantine and meat inspection certificates are due (动物检疫, 肉品检验)."""
    allergens: tuple[Allergen, ...] = ()
    nutrients: dict[str, Annotated[float, Field(ge=0, le=10**6)]] = {}
    """Per 100 g of the edible part; the names are those of :mod:`kitchen.nutrition`."""
    nutrients_from: Annotated[str, Field(max_length=40)] = ""
    """Source of the values, such as ``USDA SR28 11116``."""
    active: bool = True

    @field_validator("allergens")
    @classmethod
    def _in_one_order(cls, told: tuple[Allergen, ...]) -> tuple[Allergen, ...]:
        return tuple(allergen for allergen in Allergen if allergen in told)

    @model_validator(mode="after")
    def _weight_is_known_once(self) -> Self:
        if self.measure is Measure.MASS and self.weighs is not None:
            raise ValueError("what is counted in grams needs no weight of a piece or a litre")
        return self

    @model_validator(mode="after")
    def _maximum_is_above_the_minimum(self) -> Self:
        if self.maximum is not None and self.maximum < self.minimum:
            raise ValueError("the maximum is below the minimum: raise it, or leave it empty")
        return self


def read_values(values: dict[str, object]) -> IngredientValues:
    """Check what a form or a file says.

    Raises:
        BadInputError: naming every field that does not fit.
    """
    return rows.read(IngredientValues, values, "ingredient")


def create(session: Session, actor: Acting, values: IngredientValues) -> Ingredient:
    """Add an ingredient.

    Raises:
        BadInputError: the site has one of this name; the transaction is then lost.
    """
    row = Ingredient(id=new_id(), site_id=actor.site_id, **values.model_dump(mode="json"))
    session.add(row)
    _flush(session, values.name)
    actor.record(session, "ingredient.create", str(row.id), None, values.model_dump(mode="json"))
    return row


def update(
    session: Session, actor: Acting, ingredient_id: UUID, values: IngredientValues
) -> Ingredient:
    """Change an ingredient; its measure stays, for lots and recipes count in it.

    Raises:
        UnknownIngredientError: not one of this site.
        BadInputError: another one has the name (the transaction is then lost), or the measure
            would change.
    """
    row = get(session, actor.site_id, ingredient_id)
    before = values_of(row)
    if before == values:
        return row
    if before.measure is not values.measure:
        raise BadInputError(
            "the measure of an ingredient cannot change: add another ingredient and retire this one"
        )
    for name, value in values.model_dump(mode="json").items():
        setattr(row, name, value)
    if any(getattr(before, name) != getattr(values, name) for name in _COSTED):
        row.changes = Ingredient.changes + 1  # by the database: two may do so at once
    _flush(session, values.name)
    actor.record(
        session, "ingredient.update", str(row.id),
        before.model_dump(mode="json"), values.model_dump(mode="json"),
    )  # fmt: skip
    return row


def get(session: Session, site_id: UUID, ingredient_id: UUID) -> Ingredient:
    """An ingredient of the site.

    Raises:
        UnknownIngredientError: not one of this site.
    """
    query = select(Ingredient).where(Ingredient.site_id == site_id, Ingredient.id == ingredient_id)
    row = session.scalar(query)
    if row is None:
        raise UnknownIngredientError("there is no such ingredient here: take one from the list")
    return row


def by_ids(session: Session, site_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Ingredient]:
    """Those of the ingredients that the site has."""
    query = select(Ingredient).where(Ingredient.site_id == site_id, Ingredient.id.in_(ids))
    return {row.id: row for row in session.scalars(query)}


def find_by_name(session: Session, site_id: UUID, name: str) -> Ingredient | None:
    """The site's ingredient of this name."""
    return session.scalar(
        select(Ingredient).where(Ingredient.site_id == site_id, Ingredient.name == name.strip())
    )


def page(
    session: Session,
    site_id: UUID,
    *,
    after: UUID | None = None,
    limit: int = 100,
    search: str = "",
    category: str = "",
    active: bool | None = None,
) -> Sequence[Ingredient]:
    """Ingredients by category and name, from behind the ingredient ``after``.

    Args:
        session: Reading.
        site_id: Whose.
        after: The last one of the page before.
        limit: So many at most.
        search: A part of the name.
        category: Only of this one.
        active: Only those that are in use, or only those that are not.
    """
    query = select(Ingredient).where(Ingredient.site_id == site_id)
    if search:
        query = query.where(Ingredient.name.contains(search, autoescape=True))
    if category:
        query = query.where(Ingredient.category == category)
    if active is not None:
        query = query.where(Ingredient.active.is_(active))
    if after is not None:
        last = get(session, site_id, after)
        place = tuple_(Ingredient.category, Ingredient.name)
        query = query.where(place > tuple_(last.category, last.name))
    query = query.order_by(Ingredient.category, Ingredient.name)
    return session.scalars(query.limit(max(1, min(limit, MAX_PAGE)))).all()


def categories(session: Session, site_id: UUID) -> Sequence[str]:
    """The categories that the site's ingredients have, in alphabetical order."""
    query = select(Ingredient.category).where(Ingredient.site_id == site_id).distinct()
    return [name for name in session.scalars(query.order_by(Ingredient.category)) if name]


def values_of(row: Ingredient) -> IngredientValues:
    """The ingredient as a person decided it."""
    return IngredientValues.model_validate(
        {name: getattr(row, name) for name in IngredientValues.model_fields}
    )


def _flush(session: Session, name: str) -> None:
    try:
        session.flush()
    except IntegrityError as error:
        raise BadInputError(f"there is an ingredient named {name} already") from error
