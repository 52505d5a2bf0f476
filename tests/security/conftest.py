"""The server's fixtures serve here as well."""

from tests.server.conftest import *  # noqa: F403 - fixtures are found by their names
from tests.server.conftest import _nothing_waits_for_the_disk, _passwords_are_hashed_cheaply

__all__ = ["_nothing_waits_for_the_disk", "_passwords_are_hashed_cheaply"]
