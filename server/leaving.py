"""A diner leaves for good: cards, PIN and face go, the books stay."""

from uuid import UUID

from sqlalchemy.orm import Session

from dafan.records import DinerStatus
from server import cards, faces, people
from server.actor import Actor


def leave(session: Session, actor: Actor, diner_id: UUID) -> None:
    """Take back his cards, erase his face, forget his PIN, and take him off every till.

    Personal data are kept for the shortest time only (PIPL art. 19); the account stays, because
    its balance is still owed.

    Raises:
        UnknownDinerError: not a diner of this site.
    """
    people.get_diner(session, actor.site_id, diner_id)
    for card in cards.cards_of(session, diner_id):
        cards.take_back(session, actor, card.number)
    faces.withdraw(session, actor, diner_id, "left")
    people.set_pin(session, actor, diner_id, None)
    people.set_status(session, actor, diner_id, DinerStatus.LEFT)
