"""The one gate: every request passes it before its view, and is refused unless the view lets it in.

What a view needs it has declared in the words of :mod:`server.access`. A view that declared nothing
is closed to everybody.
"""

import logging
from typing import Any
from uuid import UUID

from apiflask import APIFlask
from flask import Flask, current_app, redirect, request, session, url_for
from flask_login import current_user
from werkzeug.exceptions import Forbidden

from server import access
from server.auth import LoginError

log = logging.getLogger(__name__)

SITE_HEADER = "X-Dafan-Site"
"""At the API: the id of the site to work at, where it is not the account's own."""
SITE_KEY = "site"
"""In the session: the site that the person chose."""
OWN_PASSWORD = "session.password"  # noqa: S105 - the endpoint of a page
_OF_LIBRARIES = frozenset({"static", "bootstrap.static", "openapi.spec"})
"""Endpoints of Flask and its extensions: style sheets, scripts, the description of the API."""
_ALWAYS = frozenset({OWN_PASSWORD, "session.logout", "session.language"})
"""Open to a signed-in person who has yet to choose a password of his own."""


def init_app(app: Flask) -> None:
    """Hold every request to what its view declared."""
    app.before_request(check)


def needed(app: Flask, endpoint: str) -> str | None:
    """What the view of an endpoint declared."""
    if endpoint in _OF_LIBRARIES:
        return access.PUBLIC
    return access.declared(app.view_functions.get(endpoint))


def check() -> Any:
    """Let the request on, lead the person to where he has to go first, or refuse.

    Raises:
        LoginError: a program is not signed in, or not completely.
        Forbidden: the person's roles at this site do not have the right.
    """
    if request.endpoint is None:  # there is no such address, which the router says
        return None
    need = needed(current_app, request.endpoint)
    if need is None:
        log.error("%s declares nothing in the words of server.access: refused", request.endpoint)
        raise Forbidden
    if need in {access.PUBLIC, access.MACHINE}:
        return None
    if not current_user.is_authenticated:
        return _to_login()
    if current_user.must_change and request.endpoint not in _ALWAYS:
        return _to_own_password()
    _choose_site()
    if need != access.SIGNED_IN and not access.may(need):
        raise Forbidden
    return None


def free_of_token(app: APIFlask) -> bool:
    """Whether this request needs no token of a form: no browser of a victim could send it."""
    if request.headers.get("Authorization"):
        return True
    return bool(request.endpoint) and needed(app, str(request.endpoint)) == access.MACHINE


def _choose_site() -> None:
    """Work at the site that was chosen, as long as the person has a role there."""
    asked = request.headers.get(SITE_HEADER) if request.path.startswith("/api/") else None
    if asked is not None:
        site_id = _as_uuid(asked)
        if site_id not in current_user.site_ids:
            raise Forbidden(f"you have no role at the site that {SITE_HEADER} names")
        current_user.work_at(site_id)
        return
    chosen = _as_uuid(session.get(SITE_KEY))
    if chosen in current_user.site_ids:
        current_user.work_at(chosen)


def _as_uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None


def _to_login() -> Any:
    if request.path.startswith("/api/"):
        raise LoginError("sign in first: send login and password by HTTP Basic")
    return redirect(url_for("session.login", next=request.full_path.rstrip("?")))


def _to_own_password() -> Any:
    if request.path.startswith("/api/"):
        raise LoginError("sign in on the pages and choose your own password first")
    return redirect(url_for(OWN_PASSWORD))
