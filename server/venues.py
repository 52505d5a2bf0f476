"""What a manager does with venues (场所); tills learn their venue's name through the feed."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from dafan.errors import BadInputError
from server import sites, terminals
from server.actor import Actor
from server.sites import Venue

MAX_NAME = 80


def add(session: Session, actor: Actor, name: str) -> Venue:
    """Open a venue.

    Raises:
        BadInputError: no name, or one that another venue has.
    """
    venue = sites.ensure_venue(session, actor.site_id, _fresh_name(session, actor, name))
    actor.record(session, "venue.create", venue.name)
    return venue


def rename(session: Session, actor: Actor, venue_id: UUID, name: str) -> Venue:
    """Give a venue another name, also on its tills.

    Raises:
        UnknownSiteError: not a venue of this site.
        BadInputError: no name, or one that another venue has.
    """
    venue = sites.get_venue(session, actor.site_id, venue_id)
    before = venue.name
    if name.strip() == before:
        return venue
    venue.name = _fresh_name(session, actor, name)
    session.flush()
    actor.record(session, "venue.update", str(venue_id), before, venue.name)
    for terminal in terminals.active(session, actor.site_id):
        if terminal.venue_id == venue_id:
            terminals.publish(session, terminal)
    return venue


def _fresh_name(session: Session, actor: Actor, name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= MAX_NAME:
        raise BadInputError(
            f"give the venue a name of at most {MAX_NAME} characters", code="bad_venue"
        )
    taken = select(Venue.id).where(Venue.site_id == actor.site_id, Venue.name == name)
    if session.scalar(taken) is not None:
        raise BadInputError("another venue has this name: choose another one", code="venue_taken")
    return name
