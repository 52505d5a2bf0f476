"""更多: everything of the kitchen that has no place of its own in the bottom bar."""

from dataclasses import dataclass

from flask import render_template
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

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
"""Each page adds its own line here."""
SECTIONS: tuple[tuple[LazyString, tuple[str, ...]], ...] = (
    (_l("今天的事"), ("morning_list", "attendance_list", "production", "line", "waste",
                  "collectors", "cabinets", "pick_ups", "stock_counts", "trace")),
    (_l("台账和检查"), ("ledger", "additive_list", "control", "meter_list")),
    (_l("问题和设备"), ("findings", "incident_list", "repair_list", "equipment_list")),
    (_l("人员和设置"), ("people_list", "area_list", "courses", "template")),
)  # fmt: skip
"""Headings, and the pages under them in the order of the kitchen's day; others come last."""


@kitchen.get("/more")
@needs("see_kitchen")
def more() -> str:
    """All doors that the signed-in person may open."""
    mine = {tile.endpoint.removeprefix("kitchen."): tile for tile in TILES if may(tile.right)}
    shown = [
        (heading, [mine.pop(name) for name in names if name in mine]) for heading, names in SECTIONS
    ]
    heading, tiles = shown[-1]
    shown[-1] = heading, [*tiles, *mine.values()]
    return render_template("kitchen/more.html", sections=shown)
