"""What the modules of all pages share: who acts, where, and one transaction for what he does."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from flask import Response, abort, flash, request, url_for
from flask_login import current_user
from sqlalchemy.orm import Session

from dafan import db
from dafan.errors import DafanError
from server.actor import Actor
from server.gateway import Gateway, open_gateway
from server.pages import messages
from server.services import services


def site_id() -> UUID:
    """The site that the person works at now: the only one whose rows he sees."""
    found: UUID = current_user.at_site
    return found


def actor() -> Actor:
    """The signed-in person, for the audit log."""
    return Actor(
        site_id=site_id(),
        name=current_user.login,
        at=services().clock.now(),
        ip=request.remote_addr or "",
    )


@contextmanager
def reading() -> Iterator[Session]:
    """A session that changes nothing."""
    with db.reading(services().engine) as session:
        yield session


def the_gateway() -> Gateway:
    """The payment gateway; a canteen without one has no such page."""
    found = open_gateway(services().settings.gateway)
    if found is None:
        abort(404)
    return found


def change(work: Callable[[Session], Any], done: str) -> bool:
    """Do work in one transaction and tell the person how it went.

    Args:
        work: Changes the database, or raises a :class:`DafanError`, which leaves it as it was.
        done: What to say when all is well; empty: nothing.

    Returns:
        Whether it was done.
    """
    try:
        with db.writing(services().engine) as session:
            work(session)
    except DafanError as error:
        flash(messages.say(error), "stop")
        return False
    if done:
        flash(done, "ok")
    return True


def next_page(rows: int, limit: int, **after: str) -> str:
    """The address of the next page with the same filters; empty on the last page."""
    if rows < limit:
        return ""
    values = {**request.args.to_dict(), **(request.view_args or {}), **after}
    return url_for(str(request.endpoint), **values)


def as_uuid(text: str | None) -> UUID | None:
    """An identifier of the address line; ``None`` for anything else."""
    try:
        return UUID(text or "")
    except ValueError:
        return None


def svg(text: str) -> Response:
    """A drawing as a response of its own."""
    return Response(text, mimetype="image/svg+xml")
