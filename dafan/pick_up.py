"""What was ordered ahead, as a till must know it: the code that a phone shows, and the dishes.

The order's id becomes the sale's: however often its code is shown, the books take it once, and a
second till that was cut off is told by what the server parks.
"""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from dafan.wire import Record

CODE_DIGITS = 8
"""Nobody guesses one of a hundred million; people read it out in two halves."""
MAX_DISHES = 30
_BEFORE = "dafan:pick:"


class PickDish(Record):
    """A dish of an order, in full portions."""

    dish_id: UUID
    quantity: Annotated[int, Field(strict=True, ge=1, le=20)]


class PickUp(Record):
    """An order that nobody has paid yet; the key of its feed item is its id."""

    code: Annotated[str, Field(pattern=r"^[0-9]{8}$")]
    venue_id: UUID
    dishes: Annotated[tuple[PickDish, ...], Field(min_length=1, max_length=MAX_DISHES)]


PICK_UP_BODIES: dict[str, type[Record]] = {"preorder": PickUp}
"""Kinds of the feed that a till of an earlier version passes over."""


def code_text(code: str) -> str:
    """What the QR code of an order says."""
    return f"{_BEFORE}{code}"


def read_code(text: str) -> str | None:
    """The code of such a QR code; ``None`` for any other text."""
    code = text.removeprefix(_BEFORE).strip()
    is_code = len(code) == CODE_DIGITS and code.isascii() and code.isdecimal()
    return code if text.startswith(_BEFORE) and is_code else None
