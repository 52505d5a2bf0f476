"""What every request needs: settings, database, keys, clock."""

from dataclasses import dataclass
from threading import Semaphore
from typing import cast

from flask import current_app
from sqlalchemy import Engine

from dafan.clock import Clock
from dafan.config import Settings
from server.keys import KeyRing


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of one server process; nothing in it is remembered between requests.

    Attributes:
        settings: As read at the start.
        engine: The database.
        ring: The site keys; templates, photographs and evidence are sealed with them.
        clock: Where the time comes from.
        waiters: As many terminals may wait for news at once; the other threads stay free to work.
    """

    settings: Settings
    engine: Engine
    ring: KeyRing
    clock: Clock
    waiters: Semaphore


def services() -> Services:
    """The parts of the application that handles this request."""
    return cast("Services", current_app.extensions["dafan"])
