"""Zones of the store (分区): what may lie beside what, each with a colour and a shape.

Colours by custom: red for animal, blue for aquatic, green for plant, yellow for ready-to-eat food.
教育部令45 art 39 asks only that they can be told apart by shape, material, colour or mark, so every
site may have its own table. Raw and ready-to-eat food never lie together (GB 31654-2021).
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from sqlalchemy import JSON, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from dafan.db import Base
from dafan.errors import BadInputError
from kitchen import categories
from kitchen.categories import READY_TO_EAT


class WrongZoneError(BadInputError):
    """This food may not lie there."""

    code = "wrong_zone"


class Shape(StrEnum):
    """Told apart also by those who do not tell colours apart."""

    CIRCLE = "circle"
    DIAMOND = "diamond"
    SQUARE = "square"
    TRIANGLE = "triangle"
    HEXAGON = "hexagon"


class Zone(BaseModel):
    """A zone as a person decides it."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", str_strip_whitespace=True, use_attribute_docstrings=True
    )

    name: Annotated[str, Field(min_length=1, max_length=40)]
    colour: Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$")]
    shape: Shape
    categories: tuple[Annotated[str, Field(min_length=1, max_length=40)], ...]
    """Of the ingredients that may lie here."""

    @model_validator(mode="after")
    def _raw_and_ready_apart(self) -> Self:
        ready = READY_TO_EAT.intersection(self.categories)
        if ready and not ready.issuperset(self.categories):
            raise ValueError("raw and ready-to-eat food never lie in the same zone")
        return self


DEFAULTS = (
    Zone(
        name="动物性食品",
        colour="#c62828",
        shape=Shape.SQUARE,
        categories=(categories.MEAT, categories.POULTRY, categories.EGG),
    ),
    Zone(name="水产品", colour="#1565c0", shape=Shape.DIAMOND, categories=(categories.AQUATIC,)),
    Zone(
        name="植物性食品",
        colour="#2e7d32",
        shape=Shape.CIRCLE,
        categories=(
            categories.VEGETABLE,
            categories.FUNGUS,
            categories.FRUIT,
            categories.SOY,
            categories.TUBER,
        ),
    ),
    Zone(
        name="即食食品",
        colour="#f9a825",
        shape=Shape.TRIANGLE,
        categories=tuple(sorted(READY_TO_EAT)),
    ),
    Zone(
        name="干货调料",
        colour="#616161",
        shape=Shape.HEXAGON,
        categories=(
            categories.CEREAL,
            categories.NUT,
            categories.SEASONING,
            categories.OIL,
            categories.MILK,
        ),
    ),
)
"""For a site that has not made its own table; the last one is a habit of stores, not a rule."""


class StoreZone(Base):
    """A zone of a site."""

    __tablename__ = "store_zone"

    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    colour: Mapped[str] = mapped_column(String(7))
    shape: Mapped[str] = mapped_column(String(10))
    categories: Mapped[list[str]] = mapped_column(JSON)
    sort: Mapped[int] = mapped_column(default=0)


def read_zone(values: dict[str, object]) -> Zone:
    """Check what a form says.

    Raises:
        BadInputError: naming what does not fit.
    """
    try:
        return Zone.model_validate(values)
    except ValidationError as error:
        faults = "; ".join(fault["msg"] for fault in error.errors())
        raise BadInputError(f"this zone cannot be kept: {faults}") from error


def of_site(session: Session, site_id: UUID) -> tuple[Zone, ...]:
    """The site's own table, or the usual one."""
    query = select(StoreZone).where(StoreZone.site_id == site_id)
    rows = session.scalars(query.order_by(StoreZone.sort, StoreZone.name)).all()
    return tuple(
        Zone(
            name=row.name, colour=row.colour, shape=Shape(row.shape),
            categories=tuple(row.categories),
        )
        for row in rows
    ) or DEFAULTS  # fmt: skip


def replace(session: Session, actor: Acting, zones: Iterable[Zone]) -> tuple[Zone, ...]:
    """Give the site its own table, whole.

    Raises:
        BadInputError: two zones have one name, or there is none.
    """
    wanted = tuple(zones)
    if not wanted or len({zone.name for zone in wanted}) != len(wanted):
        raise BadInputError("every zone has a name of its own, and there is at least one")
    before = of_site(session, actor.site_id)
    for row in session.scalars(select(StoreZone).where(StoreZone.site_id == actor.site_id)):
        session.delete(row)
    session.flush()
    for sort, zone in enumerate(wanted):
        session.add(StoreZone(site_id=actor.site_id, sort=sort, **zone.model_dump(mode="json")))
    session.flush()
    actor.record(
        session, "zones.replace", str(actor.site_id),
        [zone.model_dump(mode="json") for zone in before],
        [zone.model_dump(mode="json") for zone in wanted],
    )  # fmt: skip
    return wanted


def place(zones: Iterable[Zone], category: str, *, asked: str = "", usual: str = "") -> str:
    """Where something of a category lies.

    Args:
        zones: Of the site.
        category: Of the ingredient.
        asked: The zone that a person names now; it must be right.
        usual: The zone that the ingredient names; taken where it is right.

    Returns:
        A name; empty where no zone is for this category and none was asked for.

    Raises:
        WrongZoneError: the zone that was asked for is unknown, or not for this category.
    """
    known = {zone.name: zone for zone in zones}
    if asked:
        zone = known.get(asked)
        if zone is None:
            raise WrongZoneError(f"there is no zone {asked}: use one of {', '.join(known)}")
        if category not in zone.categories:
            raise WrongZoneError(
                f"{category or 'this'} does not lie in {asked}, which is for "
                f"{', '.join(zone.categories)}: raw, aquatic, plant and ready-to-eat food lie apart"
            )
        return asked
    fitting = [zone.name for zone in known.values() if category in zone.categories]
    return usual if usual in fitting else next(iter(fitting), "")
