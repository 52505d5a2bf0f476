"""What lies in the store (库存一览): by ingredient and zone, with what a storekeeper should see."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from kitchen import stock_alerts
from kitchen.ingredients import Ingredient
from kitchen.lots import Lot, State
from kitchen.stock_alerts import Alert
from kitchen.stock_book import MAIN, SOMETHING_LEFT, StockEntry, StockLevel

MAX_PAGE = 200


@dataclass(frozen=True)
class StockRules:
    """What a site asks of its store."""

    maximum_times: int = 8
    """More than so many times the minimum is too much (小批量, 勤进快用): a habit, no law.

    It holds for an ingredient that has no maximum of its own.
    """

    def maximum_of(self, ingredient: Ingredient) -> int | None:
        """More than so much of it is too much; in its measure. None: nobody said."""
        if ingredient.maximum is not None:
            return ingredient.maximum
        return ingredient.minimum * self.maximum_times or None


@dataclass
class OnHand:
    """All of an ingredient that is there."""

    ingredient: Ingredient
    zone: str = ""
    quantity: int = 0
    """In the ingredient's measure, usable or not."""
    usable: int = 0
    fen: int = 0
    lots: int = 0
    expires_on: date | None = None
    """The nearest last day of its lots."""
    lights: set[Alert] = field(default_factory=set)

    @property
    def worst(self) -> Alert | None:
        """What is the matter first of all."""
        return next((alert for alert in Alert if alert in self.lights), None)


@dataclass(frozen=True)
class LeftOf:
    """What is left of a lot at a place."""

    lot: Lot
    place: str
    quantity: int
    fen: int
    alert: Alert | None


def on_hand(
    session: Session, site_id: UUID, day: date, rules: StockRules, *, name: str = ""
) -> list[OnHand]:
    """What is there, and what should be there and is not: by zone, then by name.

    Args:
        session: Reading.
        site_id: Whose store.
        day: Business date; what expired before it is not usable.
        rules: Of the site.
        name: A part of the ingredient's name; empty: all.
    """
    wanted = [Ingredient.name.contains(name.strip(), autoescape=True)] if name.strip() else []
    query = (
        select(Lot, StockLevel.quantity, StockLevel.cost, Ingredient)
        .join(StockLevel, (StockLevel.lot_id == Lot.id) & (StockLevel.site_id == Lot.site_id))
        .join(Ingredient, Ingredient.id == Lot.ingredient_id)
        .where(Lot.site_id == site_id, SOMETHING_LEFT, *wanted)
    )
    found: dict[UUID, OnHand] = {}
    seen: set[UUID] = set()
    for lot, quantity, fen, ingredient in session.execute(query):
        one = found.setdefault(ingredient.id, OnHand(ingredient))
        _add(one, lot, quantity, fen, day)
        one.lots += lot.id not in seen
        seen.add(lot.id)
    kept = select(Ingredient).where(
        Ingredient.site_id == site_id, Ingredient.active.is_(True), Ingredient.minimum > 0, *wanted
    )
    for ingredient in session.scalars(kept):
        found.setdefault(ingredient.id, OnHand(ingredient, ingredient.zone))
    for one in found.values():
        _judge(one, rules)
    return sorted(found.values(), key=lambda one: (one.zone, one.ingredient.name))


def _add(one: OnHand, lot: Lot, quantity: int, fen: int, day: date) -> None:
    one.zone = one.zone or lot.zone
    one.quantity += quantity
    one.fen += fen
    if lot.state != State.HELD.value and not lot.expired(day):
        one.usable += quantity
    if lot.expires_on is not None:
        one.expires_on = min(one.expires_on or lot.expires_on, lot.expires_on)
    alert = stock_alerts.of_lot(lot, day)
    if alert is not None:
        one.lights.add(alert)


def _judge(one: OnHand, rules: StockRules) -> None:
    minimum = one.ingredient.minimum
    if one.ingredient.active and one.usable < minimum:
        one.lights.add(Alert.BELOW_MINIMUM)
    maximum = rules.maximum_of(one.ingredient)
    if maximum is not None and one.quantity > maximum:
        one.lights.add(Alert.ABOVE_MAXIMUM)


def lots_of(
    session: Session, site_id: UUID, day: date, *, ingredient_id: UUID | None = None,
    lot_id: UUID | None = None,
) -> list[LeftOf]:  # fmt: skip
    """What is left of an ingredient's lots, or of one lot, by place; what goes first, first."""
    query = (
        select(Lot, StockLevel)
        .join(StockLevel, (StockLevel.lot_id == Lot.id) & (StockLevel.site_id == Lot.site_id))
        .where(Lot.site_id == site_id, SOMETHING_LEFT)
    )
    if ingredient_id is not None:
        query = query.where(Lot.ingredient_id == ingredient_id)
    if lot_id is not None:
        query = query.where(Lot.id == lot_id)
    left = [
        LeftOf(lot, level.place, level.quantity, level.cost, stock_alerts.of_lot(lot, day))
        for lot, level in session.execute(query)
    ]
    left.sort(key=lambda one: (one.lot.expires_on or date.max, one.lot.received_on, one.lot.number))
    return left


def moves(
    session: Session,
    site_id: UUID,
    *,
    ingredient_id: UUID | None = None,
    lot_id: UUID | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> Sequence[tuple[StockEntry, str]]:
    """Movements of an ingredient or of a lot with the lots' numbers, the newest first.

    Args:
        session: Reading.
        site_id: Whose book.
        ingredient_id: Of all its lots.
        lot_id: Of this lot alone.
        before: Go on behind this entry.
        limit: At most so many.
    """
    query = (
        select(StockEntry, Lot.number)
        .join(Lot, (Lot.id == StockEntry.lot_id) & (Lot.site_id == StockEntry.site_id))
        .where(StockEntry.site_id == site_id)
    )
    if ingredient_id is not None:
        query = query.where(Lot.ingredient_id == ingredient_id)
    if lot_id is not None:
        query = query.where(StockEntry.lot_id == lot_id)
    if before is not None:
        query = query.where(StockEntry.id < before)
    query = query.order_by(StockEntry.id.desc()).limit(max(1, min(limit, MAX_PAGE)))
    return [(entry, number) for entry, number in session.execute(query)]


def places(session: Session, site_id: UUID) -> list[str]:
    """Where something lies, the main store first."""
    query = select(StockLevel.place).where(StockLevel.site_id == site_id, SOMETHING_LEFT).distinct()
    return [MAIN, *sorted(place for place in session.scalars(query) if place != MAIN)]
