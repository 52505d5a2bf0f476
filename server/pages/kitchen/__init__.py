"""The kitchen's pages on the tablet; importing this package fills the blueprint ``kitchen``."""

from server.pages.kitchen import (
    additives,
    findings,
    ledgers,
    more,
    morning,
    names,
    people,
    queue,
    receiving,
    receiving_line,
    samples,
    stock,
    today,
    who,
)
from server.pages.kitchen.blueprint import kitchen

__all__ = [
    "additives",
    "findings",
    "kitchen",
    "ledgers",
    "more",
    "morning",
    "names",
    "people",
    "queue",
    "receiving",
    "receiving_line",
    "samples",
    "stock",
    "today",
    "who",
]
