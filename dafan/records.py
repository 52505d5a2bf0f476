"""All that a terminal reports and receives: the contract between till and server.

Up go journal entries (:class:`Entry`): a :class:`Sale`, or a body of :mod:`dafan.desk`. Down comes
the feed (:class:`FeedPage`) with bodies of :data:`FEED_BODIES`. Numbers are all integers.
"""

from datetime import date, time
from enum import StrEnum
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from dafan.desk import (
    ErasureReceipt,
    EvidenceRequest,
    Shift,
    SiteKey,
    TerminalNotice,
    TillStaff,
    Void,
)
from dafan.diners import DayUse as DayUse  # noqa: PLC0414 - part of the contract
from dafan.diners import Diner as Diner  # noqa: PLC0414 - part of the contract
from dafan.diners import DinerStatus as DinerStatus  # noqa: PLC0414 - part of the contract
from dafan.diners import Group as Group  # noqa: PLC0414 - part of the contract
from dafan.diners import MealRule as MealRule  # noqa: PLC0414 - part of the contract
from dafan.food import FOOD_BODIES
from dafan.line import LINE_BODIES, LINE_ENTRIES
from dafan.metrology import METROLOGY_BODIES
from dafan.money import MAX_FEN, Fen
from dafan.pick_up import PICK_UP_BODIES
from dafan.plates import PlateReturn
from dafan.wire import Binary, Code, Count, Name, Permille, Price, Weight
from dafan.wire import Record as Record  # noqa: PLC0414 - part of the contract
from dafan.wire import Utc as Utc  # noqa: PLC0414 - part of the contract
from dafan.wire import Version as Version  # noqa: PLC0414 - part of the contract
from dafan.wire import canonical as canonical  # noqa: PLC0414 - part of the contract

# --- what a till reports ------------------------------------------------------------------------


class Unit(StrEnum):
    """How a dish is counted."""

    KG = "kg"
    PIECE = "piece"


class Portion(StrEnum):
    """Size of a counted portion: 整份, 半份, 小碗."""

    FULL = "full"
    HALF = "half"
    SMALL = "small"


class Tender(StrEnum):
    """How the diner identified himself, or that he paid coins: 刷脸, 刷卡, 扫码, 工号, 现金."""

    FACE = "face"
    CARD = "card"
    QR = "qr"
    PIN = "pin"
    CASH = "cash"


class Source(StrEnum):
    """Where a payment's money comes from; wallets are spent in this order."""

    SUBSIDY = "subsidy"
    CASH = "cash"
    DRAWER = "drawer"


class SaleLine(Record):
    """One weighed or counted dish."""

    dish_id: UUID
    name: Name
    unit: Unit
    portion: Portion = Portion.FULL
    grams: Weight | None = None
    quantity: Annotated[int, Field(strict=True, ge=1, le=99)] = 1
    unit_price: Price
    """Fen per kilogram, or per piece of this portion."""
    amount: Price
    """Fen before any discount."""

    @model_validator(mode="after")
    def _grams_belong_to_weighed_lines(self) -> Self:
        if (self.unit is Unit.KG) != (self.grams is not None):
            raise ValueError("a weighed line carries grams, a counted line does not")
        return self


class Payment(Record):
    """A part of the total, from one source."""

    source: Source
    amount: Annotated[Fen, Field(strict=True, gt=0, le=MAX_FEN)]


class FaceEvidence(Record):
    """Why the till believed the face."""

    pack: Name
    similarity: Permille
    margin: Permille
    liveness: Permille | None
    frames: Annotated[int, Field(strict=True, ge=1, le=1000)]


class Sale(Record):
    """A paid basket. What the diner saw is what he pays; the server never changes a total."""

    id: UUID
    site_id: UUID
    venue_id: UUID
    business_date: date
    period: Code
    diner_id: UUID | None
    group_id: UUID | None
    tender: Tender
    second_factor: Literal["pin", "card"] | None = None
    lines: Annotated[tuple[SaleLine, ...], Field(min_length=1, max_length=60, fail_fast=True)]
    list_total: Price
    discount: Price
    total: Price
    payments: Annotated[tuple[Payment, ...], Field(max_length=4, fail_fast=True)]
    subsidised: bool
    """The sale used one of the diner's subsidised meals of this period."""
    opened_at: Utc
    paid_at: Utc
    snapshot_version: Version
    face: FaceEvidence | None = None

    @model_validator(mode="after")
    def _sums_agree(self) -> Self:
        if self.list_total != sum(line.amount for line in self.lines):
            raise ValueError("list_total is not the sum of the lines")
        if self.total != self.list_total - self.discount:
            raise ValueError("total is not list_total less discount")
        if self.total != sum(payment.amount for payment in self.payments):
            raise ValueError("the payments do not add up to the total")
        by_drawer = any(payment.source is Source.DRAWER for payment in self.payments)
        if (self.tender is Tender.CASH) != (by_drawer or self.diner_id is None):
            raise ValueError("cash pays from the drawer without a diner; all else from a diner")
        return self


ENTRY_BODIES: dict[str, type[Record]] = {
    "sale": Sale, "notice": TerminalNotice, "erasure": ErasureReceipt, "void": Void,
    "shift": Shift, "plate": PlateReturn, **LINE_ENTRIES,
}  # fmt: skip


class Entry(Record):
    """One line of a terminal's journal."""

    terminal_id: UUID
    seq: Annotated[int, Field(strict=True, ge=1, le=2**62)]
    id: UUID
    at: Utc
    kind: Code
    body: dict[str, Any]
    prev_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


MAX_BATCH = 200


class JournalPush(Record):
    """A signed run of entries, in sequence."""

    entries: Annotated[tuple[Entry, ...], Field(min_length=1, max_length=MAX_BATCH, fail_fast=True)]
    signature: Binary


class Outcome(StrEnum):
    """What became of an entry: booked, known already, or kept for a manager to judge."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    PARKED = "parked"


class EntryOutcome(Record):
    """The server's word on one entry."""

    seq: int
    id: UUID
    outcome: Outcome
    reason: str = ""


class PushStatus(StrEnum):
    """Whether the batch continued where the server stands."""

    OK = "ok"
    GAP = "gap"
    FORK = "fork"


class PushAnswer(Record):
    """The server's mark for this terminal, and the outcome of every entry."""

    status: PushStatus
    applied_seq: Count
    applied_hash: str
    outcomes: tuple[EntryOutcome, ...] = ()
    server_time: Utc


# --- what a terminal receives -------------------------------------------------------------------


class MealPeriod(Record):
    """A meal of the day (餐次), local time; the end is not part of it."""

    code: Code
    name: Name
    starts: time
    ends: time


class Policy(Record):
    """The rules of a site that its tills follow."""

    time_zone: str = "Asia/Shanghai"
    day_starts_hour: Annotated[int, Field(ge=0, le=23)] = 4
    periods: tuple[MealPeriod, ...]
    confirm_ms: Annotated[int, Field(ge=0, le=10_000)] = 2000
    """How long the diner can cancel after being recognised."""
    min_grams: Annotated[int, Field(ge=1, le=1000)] = 20
    """Less than this on the scale is nothing to sell."""
    max_grams: Annotated[int, Field(ge=100, le=50_000)] = 5000
    tray_grams: Annotated[int, Field(ge=0, le=5000)] = 0
    """Weight of the empty tray, taken off where the scale is not tared."""
    offline_exposure: Price = Fen(10_000)
    """How much one diner may spend at one till before the server has confirmed any of it."""
    face_enabled: bool = True
    print_receipts: bool = True
    receipt_footer: Annotated[str, Field(max_length=200)] = ""
    evidence_days: Annotated[int, Field(ge=0, le=90)] = 30
    """How long a till keeps the sealed frame of a face payment for a dispute; 0: none is taken."""


class TerminalInfo(Record):
    """Who and where the terminal is."""

    id: UUID
    name: Name
    site_id: UUID
    site_name: Name
    venue_id: UUID
    venue_name: Name
    weigh_dish_id: UUID | None = None
    """The dish that a bare weight on the scale means (one price for meat and vegetables)."""


class Dish(Record):
    """A dish and its price."""

    id: UUID
    name: Name
    category: Annotated[str, Field(max_length=40)] = ""
    unit: Unit
    price: Price | None
    """Fen per kilogram or per full portion; a dish without a price cannot be sold."""
    half_price: Price | None = None
    small_price: Price | None = None
    active: bool = True
    sort: int = 0


class Template(Record):
    """A face template, sealed with the site's key."""

    id: UUID
    diner_id: UUID
    pack: Name
    consent_version: Name
    sealed: Binary
    epoch: Annotated[int, Field(strict=True, ge=1, le=10_000)] = 1
    """Which of the site's keys seals it (:class:`dafan.desk.SiteKey`)."""


class CardStatus(StrEnum):
    """A meal card in use, or reported lost."""

    ACTIVE = "active"
    LOST = "lost"


class Card(Record):
    """A meal card; the key of its feed item is the number."""

    number: Name
    diner_id: UUID
    status: CardStatus


FEED_BODIES: dict[str, type[Record]] = {
    "policy": Policy,
    "terminal": TerminalInfo,
    "dish": Dish,
    "group": Group,
    "diner": Diner,
    "template": Template,
    "card": Card,
    "staff": TillStaff,
    "site_key": SiteKey,
    "evidence": EvidenceRequest,
    **FOOD_BODIES,
    **PICK_UP_BODIES,
    **LINE_BODIES,
    **METROLOGY_BODIES,
}


FEED_LINE = 10**9
"""A server restored from a backup goes on in another billion of versions: a till starts anew."""


class FeedItem(Record):
    """The latest version of one published thing; without a body it is gone."""

    kind: Code
    key: Annotated[str, Field(min_length=1, max_length=120)]
    version: Version
    body: dict[str, Any] | None


class FeedPage(Record):
    """Everything published after ``since`` up to ``version``, in order of version."""

    since: Version
    version: Version
    items: tuple[FeedItem, ...]
    more: bool
    server_time: Utc
    applied_seq: Count | None = None
    """How far the server has this terminal's journal; less than before: it wants the rest again."""
