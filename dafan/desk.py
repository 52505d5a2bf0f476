"""What a till reports and receives beside sales: voids, shifts, who works at it, evidence."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from dafan.money import MAX_FEN, Fen
from dafan.wire import Balance, Binary, Code, Count, Name, Price, Record, Utc

# --- up: bodies of journal entries --------------------------------------------------------------


class TerminalNotice(Record):
    """Something about the terminal that a manager should see, such as a printer without paper."""

    code: Code
    detail: Annotated[str, Field(max_length=400)] = ""


class ErasureReceipt(Record):
    """The terminal has erased a face template."""

    template_id: UUID
    diner_id: UUID
    erased_at: Utc


class Void(Record):
    """A whole sale of this till taken back on its own business date (当日撤销)."""

    id: UUID
    sale_id: UUID
    business_date: date
    """The sale's; a later refund is made on the server, with a second person's approval."""
    total: Price
    """The sale's, as a check: a void that names another amount is parked."""
    reason: Annotated[str, Field(min_length=1, max_length=200)]
    staff_id: UUID
    """The :class:`TillStaff` who did it."""
    at: Utc


class Shift(Record):
    """The end of a shift at a till (交班): what it sold by itself, and what lay in the drawer."""

    id: UUID
    business_date: date
    """Of the shift's last sale; of the day it is closed on, where it sold nothing."""
    opened_at: Utc
    closed_at: Utc
    first_seq: Count
    """The journal entries that this shift covers: from here …"""
    last_seq: Count
    """… to here, the shift's own entry not counted."""
    sales: Count
    voids: Count
    subsidy: Balance
    """Fen paid from subsidy wallets, voids taken off (below zero where only sales of the shift
    before were voided); and likewise:"""
    cash: Balance
    drawer: Balance
    counted: Annotated[Fen, Field(strict=True, ge=0, le=MAX_FEN)] | None = None
    """Fen counted in the drawer; ``None`` on a till without one."""
    staff_id: UUID
    note: Annotated[str, Field(max_length=200)] = ""


# --- down: bodies of feed items -----------------------------------------------------------------


class TillStaff(Record):
    """A member of the staff who may void and close shifts at tills; the key is the id."""

    id: UUID
    """Of the account that signs in on the pages."""
    number: Annotated[str, Field(pattern=r"^[0-9]{3,8}$")]
    """Typed at the till."""
    name: Name
    pin_hash: str
    """Argon2 of the six digits that are typed with it."""


class SiteKey(Record):
    """The site's key sealed for one terminal; the key of the item is the terminal's id."""

    epoch: Annotated[int, Field(strict=True, ge=1, le=10_000)]
    """Counts rotations; templates name the epoch of the key that seals them."""
    sealed: Binary


class EvidenceRequest(Record):
    """A diner disputes a face payment: the till sends the picture it keeps; key: the sale's id."""

    sale_id: UUID
    terminal_id: UUID


class EvidencePicture(Record):
    """The answer: the frame that paid, a JPEG sealed with the site's key, or why there is none."""

    sale_id: UUID
    epoch: Annotated[int, Field(strict=True, ge=1, le=10_000)]
    sealed: Annotated[Binary, Field(max_length=400_000)] | None
    """Sealed for the context ``evidence:<sale id>``."""
    missing: Code | None = None
    """``erased`` (kept no longer), ``none_taken``, ``unreadable``."""
