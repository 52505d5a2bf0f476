"""What a storekeeper should see to: too little, expired, soon to expire, held; what it is worth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kitchen import stock
from kitchen.ingredients import Ingredient
from kitchen.lots import Lot, State
from kitchen.stock_book import SOMETHING_LEFT, StockLevel


class Alert(StrEnum):
    """Why."""

    EXPIRED = "expired"
    HELD = "held"
    LAST_THIRD = "last_third"
    """Less than a third of its life is left: a habit of stores, no rule of law."""
    BELOW_MINIMUM = "below_minimum"
    ABOVE_MAXIMUM = "above_maximum"
    """Of all that is there: :meth:`kitchen.stock_view.StockRules.maximum_of`."""


@dataclass(frozen=True)
class Warned:
    """An ingredient, or a lot of it, that somebody should see to."""

    alert: Alert
    ingredient_id: UUID
    name: str
    left: int
    """In the ingredient's measure."""
    minimum: int = 0
    lot_id: UUID | None = None
    number: str = ""
    expires_on: date | None = None


def of_lot(lot: Lot, day: date) -> Alert | None:
    """What is the matter with a lot of which something is left."""
    if lot.expired(day):
        return Alert.EXPIRED
    if lot.state == State.HELD.value:
        return Alert.HELD
    if lot.expires_on is None:
        return None
    life = (lot.expires_on - (lot.produced_on or lot.received_on)).days
    return Alert.LAST_THIRD if (lot.expires_on - day).days * 3 < life else None


def below_minimum(kept: Sequence[Ingredient], usable: Mapping[UUID, int]) -> list[Warned]:
    """Ingredients of which less may be used than should be there."""
    return [
        Warned(Alert.BELOW_MINIMUM, one.id, one.name, usable.get(one.id, 0), one.minimum)
        for one in kept
        if one.active and usable.get(one.id, 0) < one.minimum
    ]


def alerts(session: Session, site_id: UUID, day: date) -> list[Warned]:
    """All of them, the worst first, then what expires first."""
    left = func.sum(StockLevel.quantity)
    query = (
        select(Lot, Ingredient.name, left)
        .join(StockLevel, (StockLevel.lot_id == Lot.id) & (StockLevel.site_id == Lot.site_id))
        .join(Ingredient, Ingredient.id == Lot.ingredient_id)
        .where(
            Lot.site_id == site_id, Lot.state != State.GONE.value, SOMETHING_LEFT
        )
        .group_by(Lot.id, Ingredient.name)
    )  # fmt: skip
    found = [
        Warned(alert, lot.ingredient_id, name, int(rest), 0, lot.id, lot.number, lot.expires_on)
        for lot, name, rest in session.execute(query)
        if (alert := of_lot(lot, day)) is not None
    ]
    wanted = select(Ingredient).where(
        Ingredient.site_id == site_id, Ingredient.active.is_(True), Ingredient.minimum > 0
    )
    found += below_minimum(session.scalars(wanted).all(), stock.usable(session, site_id, day))
    order = list(Alert)
    found.sort(key=lambda one: (order.index(one.alert), one.expires_on or date.max, one.name))
    return found


@dataclass(frozen=True)
class Held:
    """What is there of an ingredient, usable or not, and what it has cost."""

    quantity: int
    fen: int


def valuation(session: Session, site_id: UUID) -> dict[UUID, Held]:
    """By ingredient, what is in stock at all places, at the cost of its own lots."""
    query = (
        select(Lot.ingredient_id, func.sum(StockLevel.quantity), func.sum(StockLevel.cost))
        .join(StockLevel, (StockLevel.lot_id == Lot.id) & (StockLevel.site_id == Lot.site_id))
        .where(Lot.site_id == site_id, SOMETHING_LEFT)
        .group_by(Lot.ingredient_id)
    )
    return {
        ingredient_id: Held(int(quantity), int(fen))
        for ingredient_id, quantity, fen in session.execute(query)
    }
