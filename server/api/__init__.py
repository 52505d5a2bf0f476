"""``/api/v1``: what terminals and programs ask; documented at ``/docs``."""

from importlib import import_module
from importlib.util import find_spec

from apiflask import APIFlask

from server.api import description, docs, evidence, health, sync, terminals

_RESOURCES = ("people", "faces", "dishes", "payments")


def register_api(app: APIFlask) -> None:
    """Add every resource to the application."""
    description.init_app(app)
    for module in (sync, evidence, terminals, health, docs):
        app.register_blueprint(module.blueprint)
    for name in _RESOURCES:
        if find_spec(f"server.api.{name}"):
            app.register_blueprint(import_module(f"server.api.{name}").blueprint)
