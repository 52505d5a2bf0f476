"""What a batch takes from the store, and what it hands to another dish (一料多菜).

The store itself issues (:mod:`kitchen.stock`, with the reference ``("batch", id)``); here stands
what a batch still needs, what it was given, and the trimmings that went on to another batch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid5

from sqlalchemy import JSON, ForeignKey, String, UniqueConstraint, func, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.quantity import LARGEST
from kitchen import ingredients, rows
from kitchen.production import Batch, BatchState, BatchStepError
from kitchen.rows import KeyedRow

_OVER = (BatchState.CLOSED, BatchState.CANCELLED)
_ISSUE = ("batch_id", "ingredient_id", "quantity", "entries")
_GIVEN = ("batch_id", "to_batch_id", "ingredient_id", "quantity")


class BatchIssue(KeyedRow):
    """What the store gave a batch; below zero: what came back."""

    __tablename__ = "production_issue"
    __table_args__ = (UniqueConstraint("site_id", "key"),)

    business_date: Mapped[date]
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("production_batch.id"), index=True)
    ingredient_id: Mapped[UUID] = mapped_column(ForeignKey("ingredient.id"))
    quantity: Mapped[int]
    entries: Mapped[list[str]] = mapped_column(JSON)
    """Ids of the stock entries: they name the lots."""
    by: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime]


class Byproduct(KeyedRow):
    """Trimmings of one batch that another one cooks."""

    __tablename__ = "production_byproduct"
    __table_args__ = (UniqueConstraint("site_id", "key"),)

    business_date: Mapped[date]
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("production_batch.id"), index=True)
    to_batch_id: Mapped[UUID] = mapped_column(ForeignKey("production_batch.id"), index=True)
    ingredient_id: Mapped[UUID] = mapped_column(ForeignKey("ingredient.id"))
    quantity: Mapped[int]
    by: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Need:
    """One call of the store: its quantity in the ingredient's measure, its reference, its key."""

    ingredient_id: UUID
    quantity: int
    ref: tuple[str, UUID]
    key: str


def needs(
    batch_id: UUID, exploded: Mapping[UUID, int], has: Mapping[UUID, int]
) -> tuple[Need, ...]:
    """What a batch still needs from the store. The same state gives the same keys.

    Args:
        batch_id: Names the reference.
        exploded: The recipe for the planned portions: quantity by ingredient.
        has: What the batch has by now, as :func:`used` tells.
    """
    return tuple(
        Need(
            ingredient,
            quantity - has.get(ingredient, 0),
            ("batch", batch_id),
            str(uuid5(batch_id, f"{ingredient} from {has.get(ingredient, 0)}")),
        )
        for ingredient, quantity in sorted(exploded.items())
        if quantity > has.get(ingredient, 0)
    )


def note_issue(
    session: Session,
    actor: Acting,
    batch_id: UUID,
    ingredient_id: UUID,
    quantity: int,
    *,
    entries: Sequence[UUID],
    key: str,
) -> BatchIssue:
    """Keep what the store gave (or, below zero, took back), in the transaction of its entries.

    Raises:
        kitchen.rows.UnknownRowError, UnknownIngredientError: not of this site.
        BatchStepError: the batch is over.
        BadInputError: no entries, an absurd quantity, or more comes back than the batch has.
        kitchen.rows.KeyReusedError: the key kept something else.
    """
    row = rows.get(session, Batch, actor.site_id, batch_id, "batch", lock=True)
    issue = BatchIssue(
        id=new_id(), site_id=actor.site_id, business_date=row.business_date, key=key,
        batch_id=batch_id, ingredient_id=ingredient_id, quantity=quantity,
        entries=[str(entry) for entry in entries], by=actor.name, at=actor.at,
    )  # fmt: skip
    known = rows.earlier(session, issue, _ISSUE)
    if known is not None:
        return known
    _must_go_on(row)
    ingredients.get(session, actor.site_id, ingredient_id)
    if not entries:
        raise BadInputError("an issue names its stock entries: what has none was not issued")
    if quantity == 0 or abs(quantity) > LARGEST:
        raise BadInputError(f"{quantity} cannot be issued: weigh again")
    has = used(session, actor.site_id, batch_id).get(ingredient_id, 0)
    if has + quantity < 0:
        raise BadInputError(f"the batch has {has} of it: more cannot come back")
    issue, new = rows.insert_once(session, issue, _ISSUE)
    if new:
        after = {"ingredient": str(ingredient_id), "quantity": quantity}
        actor.record(session, "batch.issue", str(batch_id), None, after)
    return issue


def hand_on(
    session: Session,
    actor: Acting,
    batch_id: UUID,
    to_batch_id: UUID,
    ingredient_id: UUID,
    quantity: int,
    *,
    key: str,
) -> Byproduct:
    """Give trimmings of a batch to another one, which then needs so much less from the store.

    Raises:
        kitchen.rows.UnknownRowError: one of the two is not of this site.
        BatchStepError: one of the two is over.
        BadInputError: the same batch, no quantity, or more than the batch has.
        kitchen.rows.KeyReusedError: the key kept something else.
    """
    if batch_id == to_batch_id:
        raise BadInputError("trimmings go to another batch, not to their own", code="own_trimmings")
    both = [
        rows.get(session, Batch, actor.site_id, one, "batch", lock=True)
        for one in sorted((batch_id, to_batch_id))
    ]
    given = Byproduct(
        id=new_id(), site_id=actor.site_id, business_date=both[0].business_date, key=key,
        batch_id=batch_id, to_batch_id=to_batch_id, ingredient_id=ingredient_id,
        quantity=quantity, by=actor.name, at=actor.at,
    )  # fmt: skip
    known = rows.earlier(session, given, _GIVEN)
    if known is not None:
        return known
    for row in both:
        _must_go_on(row)
    has = used(session, actor.site_id, batch_id).get(ingredient_id, 0)
    if not 0 < quantity <= has:
        raise BadInputError(
            f"the batch has {has} of it: {quantity} cannot go to another dish",
            code="trims_too_much",
        )
    given, new = rows.insert_once(session, given, _GIVEN)
    if new:
        after = {"to": str(to_batch_id), "ingredient": str(ingredient_id), "quantity": quantity}
        actor.record(session, "batch.hand_on", str(batch_id), None, after)
    return given


def moves(session: Session, site_id: UUID, batch_id: UUID) -> Sequence[Byproduct]:
    """Trimmings that came to a batch or went from it, in order of time."""
    query = select(Byproduct).where(
        Byproduct.site_id == site_id,
        or_(Byproduct.batch_id == batch_id, Byproduct.to_batch_id == batch_id),
    )
    return session.scalars(query.order_by(Byproduct.id)).all()


def used(session: Session, site_id: UUID, batch_id: UUID) -> dict[UUID, int]:
    """What a batch has of each ingredient: issued, plus handed to it, less handed on."""
    total: dict[UUID, int] = {}
    for table, column, sign in (
        (BatchIssue, BatchIssue.batch_id, 1),
        (Byproduct, Byproduct.to_batch_id, 1),
        (Byproduct, Byproduct.batch_id, -1),
    ):
        query = (
            select(table.ingredient_id, func.sum(table.quantity))
            .where(table.site_id == site_id, column == batch_id)
            .group_by(table.ingredient_id)
        )
        for ingredient, quantity in session.execute(query):
            total[ingredient] = total.get(ingredient, 0) + sign * int(quantity)
    return {ingredient: quantity for ingredient, quantity in total.items() if quantity}


def _must_go_on(row: Batch) -> None:
    if BatchState(row.state) in _OVER:
        raise BatchStepError(f"the batch is {row.state}: nothing goes into it or out of it")
