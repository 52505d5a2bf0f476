"""Dishes reach the tills and the audit log in the transaction that changes them."""

from uuid import UUID

from sqlalchemy.orm import Session

from kitchen import dishes
from kitchen.dishes import Dish, DishValues
from server import feed
from server.actor import Actor


def create(session: Session, actor: Actor, values: DishValues) -> Dish:
    """Add a dish and publish it.

    Raises:
        BadInputError: the name is taken; the transaction is then lost.
    """
    dish = dishes.create(session, actor.site_id, values, by=actor.name, at=actor.at)
    actor.record(session, "dish.create", str(dish.id), None, values.model_dump(mode="json"))
    publish(session, dish)
    return dish


def update(session: Session, actor: Actor, dish_id: UUID, values: DishValues) -> Dish:
    """Change a dish and publish it; the tills have a new price at their next pull.

    Raises:
        UnknownDishError: not a dish of this site.
        BadInputError: the name is taken; the transaction is then lost.
    """
    before = dishes.values_of(dishes.get(session, actor.site_id, dish_id))
    if before == values:
        return dishes.get(session, actor.site_id, dish_id)
    dish = dishes.update(session, actor.site_id, dish_id, values, by=actor.name, at=actor.at)
    actor.record(
        session, "dish.update", str(dish.id),
        before.model_dump(mode="json"), values.model_dump(mode="json"),
    )  # fmt: skip
    publish(session, dish)
    return dish


def publish(session: Session, dish: Dish) -> None:
    """Send the dish as it is now to the tills."""
    feed.publish(session, dish.site_id, "dish", str(dish.id), dishes.to_record(dish))
