"""Food additives (食品添加剂): what may be used, the dose against its limit, two signatures."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator
from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import rows, supervision
from kitchen.ledgers import LedgerRow, write
from kitchen.rows import SiteRow, Values

BANNED = ("亚硝酸", "nitrite")
"""Catering may neither buy, keep nor use nitrite (confirm the clause)."""


class DoseError(BadInputError):
    """More of an additive than its limit allows."""

    code = "dose_too_high"


class Additive(SiteRow):
    """An additive that a site keeps."""

    __tablename__ = "additive"
    __table_args__ = (UniqueConstraint("site_id", "name"),)

    name: Mapped[str] = mapped_column(String(80))
    purpose: Mapped[str] = mapped_column(String(80))
    foods: Mapped[str] = mapped_column(String(200))
    limit_mg_per_kg: Mapped[int | None]
    limit_from: Mapped[str] = mapped_column(String(80))
    keeper: Mapped[str] = mapped_column(String(80))
    place: Mapped[str] = mapped_column(String(80))
    active: Mapped[bool]


class AdditiveUse(LedgerRow):
    """An additive was weighed into a food; it counts when a second person has signed."""

    __tablename__ = "additive_use"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        UniqueConstraint("site_id", "corrects"),
        Index("ix_additive_use_day", "site_id", "business_date"),
    )

    additive_id: Mapped[UUID] = mapped_column(ForeignKey("additive.id"))
    dish: Mapped[str] = mapped_column(String(80))
    weighed_mg: Mapped[int]
    food_g: Mapped[int]
    limit_mg_per_kg: Mapped[int | None]
    signed_by: Mapped[str | None] = mapped_column(String(80))
    signed_at: Mapped[datetime | None]


class AdditiveValues(Values):
    """What is decided about an additive."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    purpose: Annotated[str, Field(min_length=1, max_length=80)]
    """膨松剂, 着色剂 …"""
    foods: Annotated[str, Field(min_length=1, max_length=200)]
    """For which foods the limit is."""
    limit_mg_per_kg: Annotated[int, Field(gt=0, le=1_000_000)] | None
    """GB 2760 in mg per kg of food; none: as much as is needed (按生产需要适量使用)."""
    limit_from: Annotated[str, Field(min_length=1, max_length=80)]
    """Where the limit stands: table and food category of GB 2760."""
    keeper: Annotated[str, Field(max_length=80)] = ""
    """专人: who keeps it."""
    place: Annotated[str, Field(max_length=80)] = ""
    """专柜: where it is locked in."""
    active: bool = True

    @model_validator(mode="after")
    def _is_allowed(self) -> Self:
        if any(word in self.name.lower() for word in BANNED):
            raise ValueError("nitrite may not be bought, kept or used in catering")
        return self


class UseValues(Values):
    """What was weighed into which food."""

    additive_id: UUID
    dish: Annotated[str, Field(min_length=1, max_length=80)]
    weighed_mg: Annotated[int, Field(gt=0, le=100_000_000)]
    """Milligrams of the additive."""
    food_g: Annotated[int, Field(gt=0, le=10_000_000)]
    """Grams of the food it goes into."""


def dose(weighed_mg: int, food_g: int) -> int:
    """Milligrams of additive a kilogram of food, rounded up."""
    return -(-1000 * weighed_mg // food_g)


def within_limit(weighed_mg: int, food_g: int, limit_mg_per_kg: int | None) -> bool:
    """Whether a dose keeps its limit, without rounding; the limit itself is allowed."""
    return limit_mg_per_kg is None or 1000 * weighed_mg <= limit_mg_per_kg * food_g


def most(food_g: int, limit_mg_per_kg: int) -> int:
    """The most milligrams that a food may take."""
    return limit_mg_per_kg * food_g // 1000


def create(session: Session, actor: Acting, values: AdditiveValues) -> Additive:
    """Add an additive.

    Raises:
        BadInputError: there is one of this name; the transaction is then lost.
    """
    row = Additive(id=new_id(), site_id=actor.site_id, **values.model_dump())
    session.add(row)
    rows.flush(session, _taken(values.name))
    actor.record(session, "additive.create", str(row.id), None, values.model_dump())
    return row


def update(session: Session, actor: Acting, additive_id: UUID, values: AdditiveValues) -> Additive:
    """Change an additive; doses that were written keep the limit of their day.

    Raises:
        UnknownRowError: not one of this site.
        BadInputError: another one has the name; the transaction is then lost.
    """
    row = rows.get(session, Additive, actor.site_id, additive_id, "additive", lock=True)
    rows.change(session, actor, row, values, "additive.update", _taken(values.name))
    return row


def listed(session: Session, site_id: UUID) -> Sequence[Additive]:
    """The additives in use, by name; a kitchen keeps few."""
    query = select(Additive).where(Additive.site_id == site_id, Additive.active.is_(True))
    return session.scalars(query.order_by(Additive.name)).all()


def use(
    session: Session, actor: Acting, key: str, day: date, values: UseValues,
    *, corrects: UUID | None = None, reason: str = "",
) -> AdditiveUse:  # fmt: skip
    """Write a dose before it goes into the food; a second person signs with :func:`countersign`.

    Raises:
        DoseError: more than the limit; nothing is written.
        UnknownRowError: no such additive here, or no such row to correct.
        BadInputError: it is not in use any more, or a correction has no reason.
        KeyReusedError: something different was sent under this key.
        CorrectedError: the row was corrected already.
    """
    additive = rows.get(session, Additive, actor.site_id, values.additive_id, "additive")
    if not additive.active:
        raise BadInputError(f"{additive.name} is not in use any more: ask its keeper")
    limit = additive.limit_mg_per_kg
    if not within_limit(values.weighed_mg, values.food_g, limit):
        allowed = most(values.food_g, limit or 0)
        raise DoseError(
            f"{dose(values.weighed_mg, values.food_g)} mg/kg of {additive.name} is over the limit "
            f"of {limit} mg/kg: weigh at most {allowed} mg for {values.food_g} g"
        )
    if corrects is not None:
        reason = rows.say(reason, "why the entry is corrected")
    row = AdditiveUse(
        id=new_id(), site_id=actor.site_id, key=key, business_date=day, at=actor.at, by=actor.name,
        corrects=corrects, reason=reason, limit_mg_per_kg=limit, **values.model_dump(),
    )  # fmt: skip
    return write(session, actor, row, "additive_use", ("additive_id", "weighed_mg", "food_g"))


def countersign(session: Session, actor: Acting, use_id: UUID) -> AdditiveUse:
    """The second signature; the same person again changes nothing.

    Raises:
        UnknownRowError: not a row of this site.
        SamePersonError: he weighed it himself.
        BadInputError: another one signed already.
    """
    row = rows.get(session, AdditiveUse, actor.site_id, use_id, "entry", lock=True)
    rows.require_other(actor.name, row.by, "sign twice for what he weighed")
    if row.signed_by == actor.name:
        return row
    if row.signed_by is not None:
        raise BadInputError(f"{row.signed_by} signed this already")
    row.signed_by, row.signed_at = actor.name, actor.at
    session.flush()
    actor.record(session, "additive_use.sign", str(row.id), None, {"dish": row.dish})
    supervision.fulfil(session, actor, "additives.meal", str(row.id), day=row.business_date)
    return row


def unsigned(session: Session, site_id: UUID, day: date) -> Sequence[AdditiveUse]:
    """Doses of a day that wait for their second signature; corrected ones do not."""
    newer = select(AdditiveUse.corrects).where(
        AdditiveUse.site_id == site_id, AdditiveUse.corrects.is_not(None)
    )
    query = select(AdditiveUse).where(
        AdditiveUse.site_id == site_id,
        AdditiveUse.business_date == day,
        AdditiveUse.signed_by.is_(None),
        AdditiveUse.id.not_in(newer),
    )
    return session.scalars(query.order_by(AdditiveUse.id)).all()


def _taken(name: str) -> str:
    return f"there is an additive named {name} already"
