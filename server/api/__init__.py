"""``/api/v1``: what terminals and programs ask; documented at ``/docs``."""

from importlib import import_module
from importlib.util import find_spec

from apiflask import APIFlask
from flask import request

from server.api import description, docs, evidence, health, sync, terminals

MAX_JSON = 2**17
"""Bytes of a body at the API, where a resource names no other limit: whatever is wrong with it, to
find and tell it takes no longer than a good one does."""
_RESOURCES = ("people", "faces", "dishes", "payments", "incidents", "kitchen", "plates", "line")


def register_api(app: APIFlask) -> None:
    """Add every resource to the application."""
    description.init_app(app)
    app.before_request(_limit_size)
    for module in (sync, evidence, terminals, health, docs):
        app.register_blueprint(module.blueprint)
    for name in _RESOURCES:
        if find_spec(f"server.api.{name}"):
            app.register_blueprint(import_module(f"server.api.{name}").blueprint)


def _limit_size() -> None:
    if request.path.startswith("/api/"):
        request.max_content_length = MAX_JSON
