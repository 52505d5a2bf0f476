"""What the resources of people and dishes share: who asks, pages by key, 404 and 409."""

from typing import Annotated, TypeVar

from apiflask import APIBlueprint
from flask import Response, request
from flask_login import current_user
from pydantic import BaseModel, Field

from dafan.errors import DafanError
from kitchen.dishes import UnknownDishError
from server.actor import Actor
from server.cards import UnknownCardError
from server.groups import UnknownGroupError
from server.people import UnknownDinerError
from server.problems import problem
from server.services import services

NOT_SIGNED_IN = {401: "Sign in by HTTP Basic", 403: "Your role may not do this"}

_UNKNOWN = (UnknownDinerError, UnknownGroupError, UnknownDishError, UnknownCardError)
_Blueprint = TypeVar("_Blueprint", bound=APIBlueprint)


class Limit(BaseModel):
    """How long a page may be."""

    limit: Annotated[int, Field(ge=1, le=500)] = 100


def actor() -> Actor:
    """Who asks, at the one site that he works at now."""
    return Actor(
        current_user.at_site, current_user.login, services().clock.now(), request.remote_addr or ""
    )


def answers_unknown(blueprint: _Blueprint) -> _Blueprint:
    """Let a blueprint answer 404 for what the site does not have."""
    for error in _UNKNOWN:
        blueprint.register_error_handler(error, _not_found)
    return blueprint


def _not_found(error: DafanError) -> Response:
    return problem(404, error.code, str(error))
