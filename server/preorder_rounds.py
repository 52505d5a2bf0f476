"""Rounds of advance orders (预订): which dishes are offered, how many portions, until when.

A dish of a round is sold by the piece at its own price, so that the till takes what was shown.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.pick_up import MAX_DISHES
from dafan.records import Unit
from kitchen.dishes import Dish
from server import sites
from server.actor import Actor
from server.values import Values


class RoundKind(StrEnum):
    """What is ordered."""

    ADVANCE = "advance"
    """预订: dishes of a meal."""
    TAKE_AWAY = "take_away"
    """外带."""
    NET = "net"
    """净菜: washed and cut, to be cooked at home."""


class PreorderError(BadInputError):
    """This cannot be ordered, or not any more."""

    code = "bad_preorder"


class UnknownPreorderError(BadInputError):
    """There is no such round or order here."""

    code = "unknown_preorder"


class PreorderRound(Base):
    """What is offered for one pick-up."""

    __tablename__ = "preorder_round"
    __table_args__ = (Index("ix_preorder_round_site_id_pick_until", "site_id", "pick_until"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    venue_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(String(12))
    title: Mapped[str] = mapped_column(String(60))
    place: Mapped[str] = mapped_column(String(60))
    """Where it is handed out."""
    closes_at: Mapped[datetime]
    pick_from: Mapped[datetime]
    pick_until: Mapped[datetime]
    withdrawn: Mapped[bool] = mapped_column(default=False)
    """Nothing more is ordered; orders that stand are kept."""
    made_by: Mapped[str] = mapped_column(String(80))
    made_at: Mapped[datetime]

    def open_at(self, now: datetime) -> bool:
        """Whether it can be ordered, changed and cancelled."""
        return not self.withdrawn and now < self.closes_at


class PreorderItem(Base):
    """A dish of a round; by the piece, at the dish's own price."""

    __tablename__ = "preorder_item"
    __table_args__ = (
        UniqueConstraint("round_id", "dish_id"),
        CheckConstraint("taken BETWEEN 0 AND portions", name="taken"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID]
    round_id: Mapped[UUID] = mapped_column(ForeignKey("preorder_round.id"))
    dish_id: Mapped[UUID] = mapped_column(ForeignKey("dish.id"))
    portions: Mapped[int]
    taken: Mapped[int] = mapped_column(default=0)
    most_each: Mapped[int]
    """For one diner, over all his orders of the round."""
    place: Mapped[int]

    @property
    def left(self) -> int:
        """Portions that nobody has ordered."""
        return self.portions - self.taken


class ItemValues(Values):
    """A dish that a round offers."""

    dish_id: UUID
    portions: Annotated[int, Field(ge=1, le=100_000)]
    most_each: Annotated[int, Field(ge=1, le=20)] = 2


class RoundValues(Values):
    """What a person decides about a round."""

    venue_id: UUID
    kind: RoundKind
    title: Annotated[str, Field(min_length=1, max_length=60)]
    place: Annotated[str, Field(min_length=1, max_length=60)]
    closes_at: datetime
    pick_from: datetime
    pick_until: datetime
    items: Annotated[tuple[ItemValues, ...], Field(min_length=1, max_length=MAX_DISHES)]


def offer(session: Session, actor: Actor, round_id: UUID, values: RoundValues) -> PreorderRound:
    """Offer dishes; the same form again offers them once.

    Raises:
        PreorderError: times in the wrong order, a dish twice, or one that has no price by piece.
        UnknownSiteError: not a venue of this site.
    """
    known = session.get(PreorderRound, round_id)
    if known is not None:
        if (known.site_id, known.title) != (actor.site_id, values.title):
            raise PreorderError("this form was used before: reload the page", code="key_reused")
        return known
    sites.get_venue(session, actor.site_id, values.venue_id)
    if not actor.at < values.closes_at <= values.pick_from < values.pick_until:
        raise PreorderError("the cut-off comes before the pick-up", code="preorder_times")
    _check_dishes(session, actor.site_id, values.items)
    own = values.model_dump(exclude={"items", "kind"})
    row = PreorderRound(
        id=round_id, site_id=actor.site_id, kind=values.kind.value, made_by=actor.name[:80],
        made_at=actor.at, **own,
    )  # fmt: skip
    session.add(row)
    session.flush()
    for place, item in enumerate(values.items):
        session.add(
            PreorderItem(site_id=actor.site_id, round_id=row.id, place=place, **item.model_dump())
        )
    session.flush()
    actor.record(session, "preorder.offer", str(row.id), None, values.model_dump(mode="json"))
    return row


def _check_dishes(session: Session, site_id: UUID, items: Sequence[ItemValues]) -> None:
    wanted = {item.dish_id for item in items}
    if len(wanted) < len(items):
        raise PreorderError("a dish stands twice in it", code="preorder_twice")
    query = select(Dish.id).where(
        Dish.site_id == site_id, Dish.id.in_(wanted), Dish.active.is_(True),
        Dish.unit == Unit.PIECE.value, Dish.price.is_not(None),
    )  # fmt: skip
    if wanted - set(session.scalars(query)):
        raise PreorderError(
            "only dishes that are sold by the piece, at a price, can be ordered",
            code="preorder_dish",
        )


def withdraw(session: Session, actor: Actor, round_id: UUID) -> None:
    """Let nothing more be ordered of a round.

    Raises:
        UnknownPreorderError: not one of this site.
    """
    row = get_round(session, actor.site_id, round_id, lock=True)
    if not row.withdrawn:
        row.withdrawn = True
        session.flush()
        actor.record(session, "preorder.withdraw", str(row.id), None, row.title)


def get_round(
    session: Session, site_id: UUID, round_id: UUID, *, lock: bool = False
) -> PreorderRound:
    """A round of the site.

    Raises:
        UnknownPreorderError: there is none.
    """
    query = select(PreorderRound).where(
        PreorderRound.site_id == site_id, PreorderRound.id == round_id
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    row = session.scalar(query)
    if row is None:
        raise UnknownPreorderError("there is no such round of orders: look at the list")
    return row


def open_rounds(session: Session, site_id: UUID, now: datetime) -> Sequence[PreorderRound]:
    """What can be ordered now, the first to close first."""
    query = select(PreorderRound).where(
        PreorderRound.site_id == site_id, PreorderRound.closes_at > now,
        PreorderRound.withdrawn.is_(False),
    )  # fmt: skip
    return session.scalars(query.order_by(PreorderRound.closes_at, PreorderRound.id)).all()


def page_rounds(
    session: Session, site_id: UUID, *, after: UUID | None = None, limit: int = 50
) -> Sequence[PreorderRound]:
    """All rounds, the latest first."""
    query = select(PreorderRound).where(PreorderRound.site_id == site_id)
    if after is not None:
        query = query.where(PreorderRound.id < after)
    return session.scalars(query.order_by(PreorderRound.id.desc()).limit(limit)).all()


def items_of(session: Session, rounds: Iterable[UUID]) -> dict[UUID, list[PreorderItem]]:
    """Round → its dishes in their order."""
    query = select(PreorderItem).where(PreorderItem.round_id.in_(list(rounds)))
    found: dict[UUID, list[PreorderItem]] = {}
    for item in session.scalars(query.order_by(PreorderItem.round_id, PreorderItem.place)):
        found.setdefault(item.round_id, []).append(item)
    return found
