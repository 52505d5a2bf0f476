"""The one gate: every request passes it before its view, and is refused unless the view lets it in.

What a view needs it has declared in the words of :mod:`server.access`. A view that declared nothing
is closed to everybody.
"""

import logging
from typing import Any
from uuid import UUID

from apiflask import APIFlask
from flask import Flask, Request, current_app, redirect, request, session, url_for
from flask_login import LoginManager, current_user
from werkzeug.datastructures import Authorization
from werkzeug.exceptions import Forbidden

from dafan.db import reading, writing
from server import access, api_tokens, audit, auth, phone_sessions, sessions, totp
from server.auth import LoginError, User
from server.services import services

log = logging.getLogger(__name__)

SITE_HEADER = "X-Dafan-Site"
"""At the API: the id of the site to work at, where it is not the account's own."""
SITE_KEY = "site"
"""In the session: the site that the person chose."""
OWN_PASSWORD = "session.password"  # noqa: S105 - the endpoint of a page
_OF_LIBRARIES = frozenset({"static", "bootstrap.static", "openapi.spec"})
"""Endpoints of Flask and its extensions: style sheets, scripts, the description of the API."""
ENROLMENT = "session.second_factor"
_ALWAYS = frozenset({"session.logout", "session.language"})
_DUTIES = {
    OWN_PASSWORD: frozenset({OWN_PASSWORD}),
    ENROLMENT: frozenset({ENROLMENT, "session.second_factor_qr"}),
}
"""What a person has to do before anything else, and the endpoints that serve to do it."""


def init_app(app: Flask) -> None:
    """Find out who asks, and hold every request to what its view declared."""
    manager = LoginManager()
    manager.init_app(app)
    manager.user_loader(sessions.person_of)
    manager.request_loader(_of_program)
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
    if need == access.DINER:
        return None if phone_sessions.signed_in() else _to_phone_login()
    if not current_user.is_authenticated:
        return _to_login()
    duty = first_duty()
    if duty and request.endpoint not in _ALWAYS | _DUTIES[duty]:
        return _to_duty(duty)
    _choose_site()
    if need != access.SIGNED_IN and not access.may(need):
        raise Forbidden
    return None


def first_duty() -> str:
    """The page on which the signed-in person has to do something first; empty: none.

    A first password is known to somebody else; a second factor that the role demands is missing.
    Who came by single sign-on proved himself to the provider as that one asks.
    """
    if current_user.method == "sso":
        return ""
    if current_user.must_change:
        return OWN_PASSWORD
    return ENROLMENT if totp.must_enrol(current_user, services().settings) else ""


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
        raise LoginError("sign in first: send login and password, or a token, by HTTP Basic")
    return redirect(url_for("session.login", next=request.full_path.rstrip("?")))


def _to_phone_login() -> Any:
    onward = request.full_path.rstrip("?") if request.method == "GET" else ""
    return redirect(url_for("me.login", next=onward))


def _to_duty(duty: str) -> Any:
    if not request.path.startswith("/api/"):
        return redirect(url_for(duty))
    if duty == OWN_PASSWORD:
        raise LoginError("sign in on the pages and choose your own password first")
    raise LoginError("sign in on the pages and set up the second factor first")


def authorization(asked: Request) -> Authorization | None:
    """What the request says of who asks; nothing where the header is not even ASCII."""
    try:
        return asked.authorization
    except ValueError:  # Werkzeug lets that of base64 through
        return None


def _of_program(asked: Request) -> User | None:
    """Who asks by HTTP Basic or by a token; only at the API.

    Raises:
        LoginError: wrong password or token, or the account needs more than a password.
        TooManyError: too many wrong passwords lately.
    """
    given = authorization(asked)
    if given is None or given.type not in {"basic", "bearer"} or not asked.path.startswith("/api/"):
        return None
    secret = (given.token if given.type == "bearer" else given.password) or ""
    if secret.startswith(api_tokens.PREFIX):
        return _of_token(secret, given.username if given.type == "basic" else None)
    return _of_password(given.username or "", secret) if given.type == "basic" else None


def _of_token(text: str, login: str | None) -> User:
    parts = services()
    now = parts.clock.now()
    with reading(parts.engine) as db:
        found = api_tokens.owner(db, text, now)
    if found is None or (login is not None and login.strip().lower() != found[0].login):
        raise LoginError("the token is unknown, expired or revoked: make another one")
    user, token = found
    if token.used_at is None or now - token.used_at >= api_tokens.USED_EVERY:
        with writing(parts.engine) as db:
            db.get_one(api_tokens.ApiToken, token.id).used_at = now
    return user


def _of_password(login: str, password: str) -> User:
    parts = services()
    now, ip = parts.clock.now(), request.remote_addr or ""
    user = auth.authenticate(parts.engine, login, password, ip, now)
    if user.second_factor_at is not None or totp.must_enrol(user, parts.settings):
        raise LoginError("a password alone is not enough for this account: send an API token")
    with writing(parts.engine) as db:
        audit.record(
            db, user.login, "login", user.login, None, {"by": "basic"}, ip,
            site_id=user.at_site, at=now,
        )  # fmt: skip
    return user
