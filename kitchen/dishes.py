"""Dishes (菜品): what is sold, counted how, at what price; every price ever asked is kept."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import ForeignKey, String, UniqueConstraint, select, true, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan import records
from dafan.db import Base
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.money import MAX_FEN, Fen
from dafan.records import Unit
from kitchen import rows

MAX_PAGE = 500


class UnknownDishError(BadInputError):
    """The site has no such dish."""

    code = "unknown_dish"


class Dish(Base):
    """A dish of a site."""

    __tablename__ = "dish"
    __table_args__ = (UniqueConstraint("site_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(index=True)
    name: Mapped[str] = mapped_column(String(80))
    category: Mapped[str] = mapped_column(String(40), default="")
    unit: Mapped[str] = mapped_column(String(8))
    price: Mapped[int | None]
    half_price: Mapped[int | None]
    small_price: Mapped[int | None]
    active: Mapped[bool] = mapped_column(default=True)
    sort: Mapped[int] = mapped_column(default=0)
    sampled: Mapped[bool] = mapped_column(default=True, server_default=true())


class DishPrice(Base):
    """The prices of a dish from a moment on; rows are added, never changed."""

    __tablename__ = "dish_price"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(index=True)
    dish_id: Mapped[UUID] = mapped_column(ForeignKey("dish.id"), index=True)
    price: Mapped[int | None]
    half_price: Mapped[int | None]
    small_price: Mapped[int | None]
    set_by: Mapped[str] = mapped_column(String(80))
    set_at: Mapped[datetime]


Price = Annotated[Fen, Field(ge=0, le=MAX_FEN)]


class DishValues(BaseModel):
    """What a person decides about a dish."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", str_strip_whitespace=True, use_attribute_docstrings=True
    )

    name: Annotated[str, Field(min_length=1, max_length=80)]
    category: Annotated[str, Field(max_length=40)] = ""
    unit: Unit
    price: Price | None = None
    """Fen per kilogram or per full portion; a dish without a price cannot be sold."""
    half_price: Price | None = None
    """Fen of a half portion (半份)."""
    small_price: Price | None = None
    """Fen of a small bowl (小碗)."""
    active: bool = True
    sort: Annotated[int, Field(ge=0, le=100_000)] = 0
    sampled: bool = True
    """A sample is kept of it (留样); not of packaged food, nor of a price that is no dish."""

    @model_validator(mode="after")
    def _portions_fit(self) -> Self:
        parts = [part for part in (self.half_price, self.small_price) if part is not None]
        if self.unit is Unit.KG and parts:
            raise ValueError("a dish sold by weight has no half or small portion")
        if parts and (self.price is None or max(parts) > self.price):
            raise ValueError("a half or small portion cannot cost more than the full one")
        return self

    @property
    def prices(self) -> tuple[int | None, int | None, int | None]:
        """Full, half and small."""
        return self.price, self.half_price, self.small_price


def read_values(values: dict[str, object]) -> DishValues:
    """Check what a form or a file says.

    Raises:
        BadInputError: naming every field that does not fit.
    """
    return rows.read(DishValues, values, "dish")


def create(session: Session, site_id: UUID, values: DishValues, *, by: str, at: datetime) -> Dish:
    """Add a dish with its first prices.

    Raises:
        BadInputError: the site has a dish of this name; the transaction is then lost.
    """
    dish = Dish(id=new_id(), site_id=site_id, **values.model_dump(mode="json"))
    session.add(dish)
    _flush(session, values.name)
    _remember_prices(session, dish, by, at)
    return dish


def update(
    session: Session, site_id: UUID, dish_id: UUID, values: DishValues, *, by: str, at: datetime
) -> Dish:
    """Change a dish; other prices become a new line of its price history.

    Raises:
        UnknownDishError: not a dish of this site.
        BadInputError: another dish has the name; the transaction is then lost.
    """
    dish = get(session, site_id, dish_id)
    prices_change = values.prices != (dish.price, dish.half_price, dish.small_price)
    for name, value in values.model_dump(mode="json").items():
        setattr(dish, name, value)
    _flush(session, values.name)
    if prices_change:
        _remember_prices(session, dish, by, at)
    return dish


def get(session: Session, site_id: UUID, dish_id: UUID) -> Dish:
    """A dish of the site.

    Raises:
        UnknownDishError: not a dish of this site.
    """
    dish = session.scalar(select(Dish).where(Dish.site_id == site_id, Dish.id == dish_id))
    if dish is None:
        raise UnknownDishError("there is no such dish here: take one from the list of dishes")
    return dish


def find_by_name(session: Session, site_id: UUID, name: str) -> Dish | None:
    """The site's dish of this name."""
    return session.scalar(select(Dish).where(Dish.site_id == site_id, Dish.name == name.strip()))


def sampled(session: Session, site_id: UUID, dish_ids: Iterable[UUID]) -> set[UUID]:
    """Those of the dishes of which a sample is kept."""
    query = select(Dish.id).where(
        Dish.site_id == site_id, Dish.id.in_(list(dish_ids)), Dish.sampled.is_(True)
    )
    return set(session.scalars(query))


def only_weighed(session: Session, site_id: UUID) -> UUID | None:
    """The dish of a site that sells one thing by weight (荤素同价); ``None`` where that is open."""
    query = select(Dish.id).where(
        Dish.site_id == site_id, Dish.unit == Unit.KG.value, Dish.active.is_(True)
    )
    found = session.scalars(query.limit(2)).all()
    return found[0] if len(found) == 1 else None


def page(
    session: Session, site_id: UUID, *, after: UUID | None = None, limit: int = 100
) -> Sequence[Dish]:
    """Dishes in order of their place on the menu, from behind the dish ``after``."""
    query = select(Dish).where(Dish.site_id == site_id)
    if after is not None:
        last = get(session, site_id, after)
        query = query.where(tuple_(Dish.sort, Dish.id) > tuple_(last.sort, last.id))
    query = query.order_by(Dish.sort, Dish.id).limit(max(1, min(limit, MAX_PAGE)))
    return session.scalars(query).all()


def price_history(session: Session, site_id: UUID, dish_id: UUID) -> Sequence[DishPrice]:
    """Every price of a dish, the newest first."""
    query = select(DishPrice).where(DishPrice.site_id == site_id, DishPrice.dish_id == dish_id)
    return session.scalars(query.order_by(DishPrice.set_at.desc(), DishPrice.id.desc())).all()


def values_of(dish: Dish) -> DishValues:
    """The dish as a person decided it."""
    return DishValues.model_validate(
        {name: getattr(dish, name) for name in DishValues.model_fields}
    )


def to_record(dish: Dish) -> records.Dish:
    """The dish as a till knows it."""
    return records.Dish(id=dish.id, **values_of(dish).model_dump(exclude={"sampled"}))


def _flush(session: Session, name: str) -> None:
    try:
        session.flush()
    except IntegrityError as error:
        raise BadInputError(
            f"there is a dish named {name} already: change that one, or choose another name",
            code="name_taken",
        ) from error


def _remember_prices(session: Session, dish: Dish, by: str, at: datetime) -> None:
    session.add(
        DishPrice(
            site_id=dish.site_id,
            dish_id=dish.id,
            price=dish.price,
            half_price=dish.half_price,
            small_price=dish.small_price,
            set_by=by,
            set_at=at,
        )
    )
