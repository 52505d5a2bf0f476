"""The kitchen's pages on the tablet; importing this package fills the blueprint ``kitchen``."""

from server.pages.kitchen import (
    more,
    morning,
    names,
    people,
    queue,
    receiving,
    samples,
    stock,
    today,
    who,
)
from server.pages.kitchen.blueprint import kitchen

__all__ = [
    "kitchen",
    "more",
    "morning",
    "names",
    "people",
    "queue",
    "receiving",
    "samples",
    "stock",
    "today",
    "who",
]
