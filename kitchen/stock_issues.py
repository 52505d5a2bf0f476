"""Issues (领料) and what comes back of them unused (退库), with what a batch then has.

:func:`kitchen.stock.issue` takes from the store; where it is for a batch, the batch notes it in the
same transaction. What was not used goes back to the lot that it came from, at the cost at which it
left, so that dish, lot and books agree.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dafan.acting import Acting
from dafan.errors import BadInputError
from kitchen import byproducts, ingredients, lots, stock, stock_book
from kitchen.ingredients import Ingredient
from kitchen.lots import Lot, State
from kitchen.picking import Picks, pick, share
from kitchen.stock_book import (
    MAIN,
    SOMETHING_LEFT,
    Act,
    Kind,
    Move,
    Ref,
    StockEntry,
    StockLevel,
    amount,
)

BATCH = "batch"


class NotIssuedError(BadInputError):
    """More would come back than went out."""

    code = "not_issued"


class Purpose(StrEnum):
    """What food is taken for that no batch cooks."""

    STAFF_MEAL = "staff_meal"
    TASTING = "tasting"
    CLEANING = "cleaning"
    OTHER = "other"


@dataclass(frozen=True)
class Wish:
    """What somebody wants to take."""

    ingredient_id: UUID
    quantity: int
    """In the ingredient's measure."""
    ref: Ref
    """What it is for: ``("batch", id)``, or a :class:`Purpose` and an id of this taking."""
    key: str
    """Made on the tablet: sent again, nothing more moves."""
    day: date
    place: str = MAIN
    note: str = ""


def take(
    session: Session, actor: Acting, wish: Wish, *, asked_by: str | None = None
) -> Sequence[StockEntry]:
    """Take food out, first expiring first; a batch notes what it was given.

    Raises:
        What :func:`kitchen.stock.issue` and :func:`kitchen.byproducts.note_issue` raise; nothing is
        taken then.
    """
    entries = stock.issue(
        session, actor, wish.ingredient_id, wish.quantity, ref=wish.ref, key=wish.key,
        day=wish.day, place=wish.place, asked_by=asked_by, note=wish.note,
    )  # fmt: skip
    _tell_batch(session, actor, wish.ref, wish.ingredient_id, wish.quantity, entries)
    return entries


def put_back(
    session: Session,
    actor: Acting,
    lot_id: UUID,
    quantity: int,
    *,
    ref: Ref,
    key: str,
    day: date,
    place: str = MAIN,
) -> Sequence[StockEntry]:
    """Put what was issued for something and not used back into its lot; the same key moves once.

    Raises:
        UnknownLotError: not one of this site.
        NotIssuedError: less of this lot was issued for it.
        BatchStepError: it was for a batch that is over.
        KeyReusedError: the key moved something else before.
        BadInputError: no quantity.
    """
    amount(quantity)
    lot = lots.get(session, actor.site_id, lot_id, lock=True)
    act = Act(key, day, Kind.BACK, ref)
    told = {"lot": str(lot_id), "quantity": quantity, "place": place}
    known = stock_book.known(session, actor.site_id, act, told)
    if known is not None:
        return known
    out, fen = issued(session, actor.site_id, lot_id, ref)
    if quantity > out:
        raise NotIssuedError(f"{out} of lot {lot.number} were issued for it: no more comes back")
    moves = [Move(lot, place, quantity, share(fen, out, quantity))]
    entries = stock_book.write(session, actor, act, moves, told)
    _tell_batch(session, actor, ref, lot.ingredient_id, -quantity, entries)
    return entries


def issued(session: Session, site_id: UUID, lot_id: UUID, ref: Ref) -> tuple[int, int]:
    """How much of a lot was issued for something and did not come back, and its fen."""
    query = select(
        func.coalesce(func.sum(-StockEntry.quantity), 0),
        func.coalesce(func.sum(-StockEntry.cost), 0),
    ).where(
        StockEntry.site_id == site_id,
        StockEntry.ref_kind == ref[0],
        StockEntry.ref_id == ref[1],
        StockEntry.lot_id == lot_id,
        StockEntry.kind.in_((Kind.OUT.value, Kind.BACK.value)),
    )
    quantity, fen = session.execute(query).one()
    return int(quantity), int(fen)


@dataclass(frozen=True)
class Preview:
    """What an issue would take now, before anybody takes it."""

    ingredient: Ingredient
    picks: Picks
    lots: dict[UUID, Lot]
    barred: tuple[Lot, ...]
    """Lots of it with something left that are not taken: expired or held."""
    needs_second: bool
    """It costs more than one person may take alone."""


def preview(
    session: Session,
    site_id: UUID,
    ingredient_id: UUID,
    quantity: int,
    *,
    day: date,
    place: str = MAIN,
) -> Preview:
    """Show what :func:`take` would pick; it locks nothing, so another may be faster.

    Raises:
        UnknownIngredientError: not one of this site.
        BadInputError: no quantity.
    """
    amount(quantity)
    ingredient = ingredients.get(session, site_id, ingredient_id)
    query = (
        select(Lot, StockLevel)
        .join(StockLevel, (StockLevel.lot_id == Lot.id) & (StockLevel.site_id == Lot.site_id))
        .where(
            Lot.site_id == site_id, Lot.ingredient_id == ingredient_id, SOMETHING_LEFT,
            StockLevel.place == place,
        )
    )  # fmt: skip
    found = [(lot, level) for lot, level in session.execute(query)]
    picks = pick([stock.as_stored(lot, level) for lot, level in found], quantity, day)
    limit = stock.limit_of(session, site_id)
    return Preview(
        ingredient, picks, {lot.id: lot for lot, _ in found},
        tuple(lot for lot, _ in found if lot.expired(day) or lot.state == State.HELD.value),
        needs_second=limit is not None and picks.cost > limit,
    )  # fmt: skip


def _tell_batch(
    session: Session,
    actor: Acting,
    ref: Ref,
    ingredient_id: UUID,
    quantity: int,
    entries: Sequence[StockEntry],
) -> None:
    if ref[0] == BATCH:
        byproducts.note_issue(
            session, actor, ref[1], ingredient_id, quantity,
            entries=[entry.id for entry in entries], key=entries[0].key,
        )  # fmt: skip
