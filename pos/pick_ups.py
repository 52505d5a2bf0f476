"""Orders made ahead, found by the code that a phone shows, also while the till is cut off."""

from uuid import UUID

from dafan.journal import Journal
from dafan.pick_up import PickUp
from pos.facts import Rows
from pos.snapshot import Ordered


class PickUps:
    """What the feed has brought and this till has not sold."""

    def __init__(self, journal: Journal, rows: Rows) -> None:
        self._journal = journal
        self._rows = rows

    def find(self, code: str) -> Ordered | None:
        """The order of a code; ``None`` where none waits.

        What this till has sold is told as such, though the feed has not withdrawn it yet.
        """
        rows = self._rows(
            "SELECT key, body FROM feed_item WHERE kind = 'preorder' "
            "AND json_extract(body, '$.code') = ?",
            code,
        )
        if len(rows) != 1:
            return None
        found, order_id = PickUp.model_validate_json(rows[0]["body"]), UUID(rows[0]["key"])
        dishes = tuple((one.dish_id, one.quantity) for one in found.dishes)
        return Ordered(order_id, found.venue_id, dishes, self._journal.contains(order_id))
