"""What the file of a till says that the server has published: its catalogue."""

from typing import TypeVar
from uuid import UUID

from dafan.food import Food
from dafan.metrology import TILL, ScaleRecord, ScaleRules
from dafan.records import Dish, Policy, Record, TerminalInfo
from pos.facts import Rows
from pos.snapshot import Catalogue

_R = TypeVar("_R", bound=Record)


def read_catalogue(rows: Rows, terminal_id: UUID, version: int) -> Catalogue:
    """Terminal, rules, dishes and the till's own scale, as last published.

    Args:
        rows: Reads what is committed.
        terminal_id: Whose catalogue.
        version: Of the feed.
    """
    terminal = _first(rows, TerminalInfo, "terminal", str(terminal_id))
    dishes = _all(rows, Dish, "dish")
    foods = _all(rows, Food, "food")
    return Catalogue(
        terminal,
        _first(rows, Policy, "policy"),
        {dish.id: dish for dish in dishes},
        version,
        {food.dish_id: food for food in foods},
        staffed=bool(rows("SELECT 1 FROM feed_item WHERE kind = 'staff' LIMIT 1")),
        orders=terminal is not None and _has_orders(rows, terminal.venue_id),
        scale=_first(rows, ScaleRecord, "scale", f"{terminal_id}:{TILL}"),
        scale_rules=_first(rows, ScaleRules, "scale_rules") or ScaleRules(),
    )


def _has_orders(rows: Rows, venue_id: UUID) -> bool:
    query = (
        "SELECT 1 FROM feed_item WHERE kind = 'preorder' "
        "AND json_extract(body, '$.venue_id') = ? LIMIT 1"
    )
    return bool(rows(query, str(venue_id)))


def _all(rows: Rows, record: type[_R], kind: str) -> list[_R]:
    found = rows("SELECT body FROM feed_item WHERE kind = ?", kind)
    return [record.model_validate_json(row["body"]) for row in found]


def _first(rows: Rows, record: type[_R], kind: str, key: str = "") -> _R | None:
    """The item of a key; of a kind that has one item for the whole site, whatever its key."""
    query = "SELECT body FROM feed_item WHERE kind = ? AND (key = ? OR ? = '') LIMIT 1"
    found = rows(query, kind, key, key)
    return record.model_validate_json(found[0]["body"]) if found else None
