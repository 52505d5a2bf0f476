"""更多: everything of the kitchen that has no place of its own in the bottom bar."""

from dataclasses import dataclass

from flask import render_template
from flask_babel import LazyString

from server.access import may, needs
from server.pages.kitchen.blueprint import kitchen


@dataclass(frozen=True, slots=True)
class Tile:
    """A door to a page.

    Attributes:
        endpoint: Of the page.
        label: What it is called.
        hint: What is done there, in a few words.
        right: Who finds it.
    """

    endpoint: str
    label: LazyString
    hint: LazyString
    right: str = "see_kitchen"


TILES: list[Tile] = []
"""In the order of the kitchen's day; each page adds its own line here."""


@kitchen.get("/more")
@needs("see_kitchen")
def more() -> str:
    """All doors that the signed-in person may open."""
    return render_template("kitchen/more.html", tiles=[tile for tile in TILES if may(tile.right)])
