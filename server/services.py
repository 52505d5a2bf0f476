"""What every request needs: settings, database, key of the site, clock."""

from dataclasses import dataclass
from typing import cast

from flask import current_app
from sqlalchemy import Engine

from dafan.clock import Clock
from dafan.config import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of one server process; nothing in it is remembered between requests.

    Attributes:
        settings: As read at the start.
        engine: The database.
        site_key: 32 bytes; templates and photographs are sealed with it.
        clock: Where the time comes from.
    """

    settings: Settings
    engine: Engine
    site_key: bytes
    clock: Clock


def services() -> Services:
    """The parts of the application that handles this request."""
    return cast("Services", current_app.extensions["dafan"])
