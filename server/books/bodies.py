"""Bodies (核算主体) of a site: whose income a venue's sales are, who owes a group its balances.

Moving a venue or a group to another body counts for what is booked from then on; what was booked
stays with the bodies of its time.
"""

from uuid import UUID

from sqlalchemy.orm import Session

from dafan.errors import BadInputError
from dafan.ids import new_id
from server import groups, sites
from server.actor import Actor
from server.sites import Body
from server.values import flush_unique

MAX_NAME = 80


class BodyError(BadInputError):
    """This body cannot be made, or does not exist."""

    code = "bad_body"


def add(session: Session, actor: Actor, name: str) -> Body:
    """Add a body.

    Raises:
        BadInputError: no name, or one that another body has; the transaction is then lost.
    """
    body = Body(id=new_id(), site_id=actor.site_id, name=_name(name))
    session.add(body)
    flush_unique(session, f"there is a body named {body.name} already: choose another name")
    actor.record(session, "body.create", str(body.id), None, body.name)
    return body


def rename(session: Session, actor: Actor, body_id: UUID, name: str) -> Body:
    """Give a body another name.

    Raises:
        BadInputError: not a body of this site, no name, or one that another body has; the
            transaction is then lost.
    """
    body = get(session, actor.site_id, body_id)
    before, body.name = body.name, _name(name)
    if body.name != before:
        flush_unique(session, f"there is a body named {body.name} already: choose another name")
        actor.record(session, "body.update", str(body_id), before, body.name)
    return body


def get(session: Session, site_id: UUID, body_id: UUID) -> Body:
    """A body of the site.

    Raises:
        BodyError: not a body of this site.
    """
    body = session.get(Body, body_id)
    if body is None or body.site_id != site_id:
        raise BodyError("the site has no such body: reload the page", code="unknown_body")
    return body


def assign_venue(session: Session, actor: Actor, venue_id: UUID, body_id: UUID) -> None:
    """Let a body run a venue.

    Raises:
        BadInputError: not a venue, or not a body, of this site.
    """
    venue = sites.get_venue(session, actor.site_id, venue_id)
    before = venue.body_id
    venue.body_id = get(session, actor.site_id, body_id).id
    _note(session, actor, "venue.body", venue_id, before, body_id)


def assign_group(session: Session, actor: Actor, group_id: UUID, body_id: UUID) -> None:
    """Let a body owe the diners of a group their balances.

    Raises:
        BadInputError: not a group, or not a body, of this site.
    """
    group = groups.get(session, actor.site_id, group_id)
    before = group.body_id
    group.body_id = get(session, actor.site_id, body_id).id
    _note(session, actor, "group.body", group_id, before, body_id)


def _note(
    session: Session, actor: Actor, action: str, subject: UUID, before: UUID | None, after: UUID
) -> None:
    if before != after:
        old = None if before is None else str(before)
        actor.record(session, action, str(subject), old, str(after))


def _name(text: str) -> str:
    text = text.strip()
    if not 1 <= len(text) <= MAX_NAME:
        raise BodyError(f"give the body a name of at most {MAX_NAME} characters")
    return text
