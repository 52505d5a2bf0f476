"""The application: one factory, called once in every worker."""

import os
from datetime import timedelta
from threading import Semaphore

from apiflask import APIFlask
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from dafan import __version__, crypto
from dafan.clock import Clock, SystemClock
from dafan.config import Settings, load_settings
from dafan.db import make_engine
from server import gate, headers, observe, problems, schema
from server.api import register_api
from server.keys import KeyRing
from server.pages import register_pages
from server.services import Services

MAX_REQUEST = 16 * 2**20
"""Bytes; a photograph or a table of people is the largest thing that anybody sends."""
SESSION_HOURS = 12


def create_app(settings: Settings | None = None, *, clock: Clock | None = None) -> APIFlask:
    """Build the application on a database that is up to date.

    Args:
        settings: Left out, they are read from file and environment.
        clock: For tests.
    """
    settings = settings or load_settings()
    schema.load()
    app = APIFlask(__name__, title="Dafan", version=__version__, docs_path=None, json_errors=False)
    app.config.update(
        SECRET_KEY=session_key(settings),
        SESSION_COOKIE_NAME=headers.cookie_name("dafan", https=settings.server.https),
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.server.https,
        PERMANENT_SESSION_LIFETIME=timedelta(hours=SESSION_HOURS),
        MAX_CONTENT_LENGTH=MAX_REQUEST,
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,
        VALIDATION_ERROR_STATUS_CODE=400,
        DESCRIPTION="Canteen server: sync of terminals, people, dishes.",
    )
    app.extensions["dafan"] = Services(
        settings=settings,
        engine=make_engine(settings.database),
        ring=KeyRing.open(settings.data_dir),
        clock=clock or SystemClock(),
        waiters=Semaphore(settings.server.threads * 3 // 4),
    )
    if settings.server.https:  # the proxy in front says who really asks; nobody else is believed
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)  # type: ignore[method-assign]
    observe.init_app(app)
    gate.init_app(app)
    _protect_forms(app)
    problems.init_app(app)
    register_api(app)
    register_pages(app)
    headers.init_app(app)
    return app


def session_key(settings: Settings) -> bytes:
    """What signs the cookies of this server; all its processes share it."""
    return crypto.load_or_create_secret(settings.data_dir / "secret.key", os.urandom(32))


def _protect_forms(app: APIFlask) -> None:
    """Forms carry a token. A request with an Authorization header needs none.

    A page of another site can make a browser send its cookies, but never that header.
    """
    csrf = CSRFProtect(app)

    @app.before_request
    def check_token() -> None:
        if app.config["WTF_CSRF_ENABLED"] and not gate.free_of_token(app):
            csrf.protect()
