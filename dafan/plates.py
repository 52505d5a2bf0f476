"""Trays that come back (光盘): what a return station reports, and what the server answers it."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from dafan.wire import Code, Count, Record, Utc

MAX_GRAMS = 50_000
"""No tray weighs more."""


class PlateReturn(Record):
    """A diner put his tray on the station's scale; a body of a journal entry."""

    id: UUID
    diner_id: UUID
    by: Literal["card", "qr"]
    """How he said who he is."""
    grams: Annotated[int, Field(strict=True, ge=0, le=MAX_GRAMS)]
    """Of the tray with all that is on it, at rest."""
    at: Utc


class PlateAnswer(Record):
    """What the server made of a return."""

    verdict: Code
    """A value of ``kitchen.clean_plate.Verdict``."""
    left: Count
    """Grams on the tray; 0 where they were not judged."""
    points: Count
    """What it earned."""
    balance: Count
    """Points that the diner has now."""
