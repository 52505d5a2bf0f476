"""Browsers in which a person has signed in before: nobody can lock him out of these by guessing.

Wrong passwords are counted for the login, and too many close it for a while. Who wants to keep
somebody out could thus guess on purpose. A browser that proved itself once carries a signed cookie
for this login and is counted by itself (OWASP Authentication Cheat Sheet, "device cookies").
"""

from uuid import UUID

from flask import current_app, request
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.wrappers import Response

from dafan.ids import new_id
from server import headers
from server.auth import User

DAYS = 180
COOKIE = "dafan_device"


def device_for(login: str) -> UUID | None:
    """The id of this browser where it is known for the login."""
    given = request.cookies.get(cookie_name(), "")
    try:
        known, device = _signer().loads(given, max_age=DAYS * 86400)
        return UUID(device) if known == login.strip().lower() else None
    except (BadData, ValueError, TypeError):
        return None


def remember(answer: Response, user: User) -> None:
    """Know this browser again for the person who has just signed in."""
    device = device_for(user.login) or new_id()
    answer.set_cookie(
        cookie_name(), _signer().dumps([user.login, str(device)]), max_age=DAYS * 86400,
        httponly=True, samesite="Lax", secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
    )  # fmt: skip


def cookie_name() -> str:
    """The cookie's name, by whether TLS is in front."""
    return headers.cookie_name(COOKIE, https=current_app.config["SESSION_COOKIE_SECURE"])


def _signer() -> URLSafeTimedSerializer:
    key = current_app.secret_key
    if not isinstance(key, bytes):
        raise TypeError("the application has no secret key")
    return URLSafeTimedSerializer(key, salt="dafan known device")
