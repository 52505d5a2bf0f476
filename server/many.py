"""Many rows at once: lists in portions that every database takes in one statement."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

PORTION = 1000
"""Well below SQLite's and PostgreSQL's limits of bound values (32,766 and 65,535)."""


def portions(items: Iterable[T], size: int = PORTION) -> Iterator[list[T]]:
    """The items in order, in lists of at most ``size``."""
    rest = iter(items)
    while portion := list(islice(rest, size)):
        yield portion
