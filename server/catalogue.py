"""A catalogue is taken over, and what it brings reaches the tills in the same transaction."""

from sqlalchemy.orm import Session

from kitchen import exchange, library
from kitchen.exchange import TakenOver
from kitchen.library import Seeded
from server import dishes, foods
from server.actor import Actor


def take_over(
    session: Session, actor: Actor, data: bytes, *, only_new: bool = False, prices: bool = True
) -> TakenOver:
    """Take a file of another canteen over and publish its dishes; see :func:`exchange.apply`.

    Raises:
        ExchangeError: no catalogue, or with faults. Nothing is written.
    """
    done = exchange.apply(session, actor, data, only_new=only_new, prices=prices)
    for dish in done.dishes:
        dishes.publish(session, dish)
    foods.publish(session, actor.site_id)
    return done


def seed(session: Session, actor: Actor) -> Seeded:
    """Add what the library has and the site has not, and publish the new dishes."""
    done = library.seed(session, actor)
    for dish in done.dishes:
        dishes.publish(session, dish)
    foods.publish(session, actor.site_id)
    return done
