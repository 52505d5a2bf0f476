"""What a diner wishes of the tills: whether they show what a meal gives, and warn him.

It leaves the server in the transaction that changes it, and only what he asked for: without his
word no till knows what he must not eat. The usual wish is no item of the feed at all.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from uuid import UUID

from sqlalchemy import ForeignKey, false, true
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan import food
from dafan.db import Base
from dafan.errors import BadInputError
from kitchen.ingredients import Allergen
from server import allergies, feed
from server.actor import Actor


class GoalError(BadInputError):
    """Nobody eats so little or so much at a meal."""

    code = "energy_goal"


class DinerWish(Base):
    """The wish of one diner; none: the usual one."""

    __tablename__ = "diner_wish"

    diner_id: Mapped[UUID] = mapped_column(ForeignKey("diner.id"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), index=True)
    nutrition: Mapped[bool] = mapped_column(default=True, server_default=true())
    warn_at_till: Mapped[bool] = mapped_column(default=False, server_default=false())
    goal_kcal: Mapped[int | None]


@dataclass(frozen=True, slots=True)
class Wish:
    """What he chose; without a word of his, the usual."""

    nutrition: bool = True
    """What a meal gives is shown to him: on the till, and in his diary."""
    warn_at_till: bool = False
    """The tills know what he must not eat, and say so to whoever stands beside him."""
    goal_kcal: int | None = None
    """No more than this of a meal, in kcal."""

    def __post_init__(self) -> None:
        """Look whether the goal is one.

        Raises:
            GoalError: it is none for a meal.
        """
        if self.goal_kcal is not None and not food.GOAL_LEAST <= self.goal_kcal <= food.GOAL_MOST:
            raise GoalError(f"a meal's goal is between {food.GOAL_LEAST} and {food.GOAL_MOST} kcal")


def read_goal(typed: str) -> int | None:
    """The kcal that somebody typed as a meal's goal; nothing typed: none.

    Raises:
        GoalError: this is no number.
    """
    if not typed:
        return None
    if not (typed.isascii() and typed.isdigit()):
        raise GoalError("a meal's goal is a number of kcal")
    return int(typed)


def of(session: Session, diner_id: UUID) -> Wish:
    """What the diner wishes."""
    row = session.get(DinerWish, diner_id)
    return Wish() if row is None else Wish(row.nutrition, row.warn_at_till, row.goal_kcal)


def choose(session: Session, actor: Actor, diner_id: UUID, wish: Wish) -> None:
    """Keep what he wishes from now on, and tell the tills."""
    feed.lock(session, actor.site_id)
    before = of(session, diner_id)
    if wish == before:
        return
    row = session.get(DinerWish, diner_id)
    if row is None:
        session.add(DinerWish(diner_id=diner_id, site_id=actor.site_id, **asdict(wish)))
    elif wish == Wish():
        session.delete(row)
    else:
        row.nutrition, row.warn_at_till = wish.nutrition, wish.warn_at_till
        row.goal_kcal = wish.goal_kcal
    session.flush()
    actor.record(session, "diner.wish", str(diner_id), asdict(before), asdict(wish))
    _publish(session, actor.site_id, diner_id)


def tell_allergies(session: Session, actor: Actor, diner_id: UUID, told: Iterable[str]) -> None:
    """Keep them as :func:`server.allergies.tell`; the tills learn it where he wants their warning.

    Raises:
        BadInputError: there is no such allergen.
    """
    feed.lock(session, actor.site_id)
    allergies.tell(session, actor, diner_id, told)
    _publish(session, actor.site_id, diner_id)


def forget(session: Session, actor: Actor, diner_id: UUID) -> None:
    """He leaves: neither here nor at a till does anything stay of it."""
    choose(session, actor, diner_id, Wish())
    tell_allergies(session, actor, diner_id, ())


def _publish(session: Session, site_id: UUID, diner_id: UUID) -> None:
    wish = of(session, diner_id)
    avoid = allergies.of(session, diner_id) if wish.warn_at_till else frozenset()
    told = food.Wish(
        diner_id=diner_id,
        nutrition=wish.nutrition,
        allergens=tuple(one.value for one in Allergen if one in avoid),
        goal_kcal=wish.goal_kcal if wish.nutrition else None,
    )
    usual = told == food.Wish(diner_id=diner_id)
    feed.publish(session, site_id, "wish", str(diner_id), None if usual else told)
