"""The weigh line (自选称重): what its boxes report, what they receive, and what a tray owes.

A box drives stations; at each a pan stands on a scale, and a reader sees which tray (托盘) is
there. Food is charged by what the pan lost. A box works alone: it knows trays by their tags, and
whose they are only where the feed has told it; the server joins scoops to the tray's session.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from dafan.money import MAX_FEN, Fen, price_of_weight
from dafan.units import Grams
from dafan.wire import Code, Name, Price, Record, Utc

MAX_PAN_GRAMS = 100_000
MAX_STATIONS = 32
"""Of one box."""

Tag = Annotated[str, Field(pattern=r"^[0-9A-Z]{4,32}$")]
"""What a tray's or a staff card's chip says, in the one spelling of ``devices.tags``."""
Station = Annotated[int, Field(strict=True, ge=1, le=MAX_STATIONS)]
PanGrams = Annotated[Grams, Field(strict=True, ge=-MAX_PAN_GRAMS, le=MAX_PAN_GRAMS)]
Charge = Annotated[Fen, Field(strict=True, ge=-MAX_FEN, le=MAX_FEN)]


# --- up: bodies of journal entries --------------------------------------------------------------


class ScoopTaken(Record):
    """Food left a pan for one tray, or came back from it."""

    id: UUID
    station: Station
    pan_id: UUID
    """The :class:`LineStation` ``pan_id``: this dish in this place."""
    tray: Tag
    session_id: UUID | None
    """Whose it is, as far as the station knew."""
    dish_id: UUID
    name: Name
    unit_price: Price
    """Fen per kilogram, as the display showed it."""
    grams: PanGrams
    """Above zero: taken; below: put back. Always ``before`` less ``after``."""
    amount: Charge
    """What :class:`Tab` says: with the sign of ``grams``, or nothing."""
    before: PanGrams
    after: PanGrams
    steady: bool = True
    """Both weights were at rest; else the last one that was, after a time-out."""
    at: Utc

    @model_validator(mode="after")
    def _weights_agree(self) -> Self:
        if self.grams == 0 or self.grams != self.before - self.after:
            raise ValueError("grams is what the pan lost: before less after, and not zero")
        if self.amount and (self.amount > 0) != (self.grams > 0):
            raise ValueError("what is taken costs, what is put back is given back")
        return self


class PanChange(StrEnum):
    """Why a pan's weight changed, or may have, without a charge."""

    PLACED = "placed"
    """A pan was put on, or its station was set up: weighing begins here."""
    FILLED = "filled"
    """Staff filled it up or took from it, by a staff card."""
    LIFTED = "lifted"
    """Lifted, changed or leaned on: a step that no spoon makes."""
    UNPAID = "unpaid"
    """It lost weight while no tray was there: somebody took food unseen."""
    TWO_TRAYS = "two_trays"
    """It lost weight while two trays were there: nobody can tell whose."""
    BROUGHT = "brought"
    """It gained what no tray that stood there had taken from it in its session."""
    DRIFTED = "drifted"
    """Less than a spoon, while nobody was there: evaporation, or the scale."""
    OUTAGE = "outage"
    """It changed while the box was off or the scale was silent."""
    CLEARED = "cleared"
    """Taken off the line."""


ALARMS = frozenset(
    {PanChange.LIFTED, PanChange.UNPAID, PanChange.TWO_TRAYS, PanChange.BROUGHT, PanChange.OUTAGE}
)
"""What a manager is told."""


class PanChanged(Record):
    """The weight from which a pan is counted moved without a charge: no gram is unaccounted for."""

    id: UUID
    station: Station
    pan_id: UUID
    kind: PanChange
    before: PanGrams
    after: PanGrams
    trays: Annotated[tuple[Tag, ...], Field(max_length=8)] = ()
    """That stood there, or did last."""
    staff: Tag | None = None
    """The staff card."""
    at: Utc

    @property
    def grams(self) -> Grams:
        """What the pan lost."""
        return Grams(self.before - self.after)


class TrayBound(Record):
    """A diner took a tray at the entrance: its session begins."""

    id: UUID
    """The session."""
    tray: Tag
    diner_id: UUID
    by: Literal["face", "card", "qr"]
    at: Utc


class TrayEnded(Record):
    """A tray left the line: its session is to be settled."""

    id: UUID
    tray: Tag
    session_id: UUID | None
    how: Literal["exit", "return"]
    at: Utc


LINE_ENTRIES: dict[str, type[Record]] = {
    "scoop": ScoopTaken, "pan": PanChanged, "tray_bound": TrayBound, "tray_ended": TrayEnded,
}  # fmt: skip


# --- down: bodies of feed items -----------------------------------------------------------------


class SmallScoop(StrEnum):
    """What becomes of a scoop below the minimum capacity of its scale."""

    CHARGE = "charge"
    FREE = "free"


class LineRules(Record):
    """The rules of a site's line; key ``line``."""

    least_grams: Annotated[int, Field(strict=True, ge=1, le=100)] = 5
    """Less is no scoop: noise of the pan."""
    small: SmallScoop = SmallScoop.CHARGE
    """Of a scoop below the scale's minimum (20 e)."""
    step_grams: Annotated[int, Field(strict=True, ge=100, le=20_000)] = 800
    """More at once is no spoon: the pan was lifted, filled or changed."""
    quiet_ms: Annotated[int, Field(strict=True, ge=500, le=10_000)] = 3000
    """A tray that stays: at rest for so long, what it took is charged."""
    settle_ms: Annotated[int, Field(strict=True, ge=300, le=2000)] = 500
    """A weight rests when it keeps within one division for so long."""
    patience_ms: Annotated[int, Field(strict=True, ge=1000, le=20_000)] = 5000
    """After the tray has gone and nothing rests: the last weight at rest counts, and says so."""
    refill_s: Annotated[int, Field(strict=True, ge=10, le=600)] = 60
    """A staff card opens a pan for so long."""
    cap: Price = Fen(10_000)
    """What one tray may owe before stations tell it to go and pay."""
    open_minutes: Annotated[int, Field(strict=True, ge=10, le=720)] = 90
    """A tray that is not settled by then is settled by itself."""
    least_balance: Price = Fen(0)
    """What a diner must have to take a tray."""
    price_unit: Literal[50, 100, 500, 1000] = 100
    """Grams of which the displays tell the price."""


class LineStation(Record):
    """What stands on a station; key ``<terminal>:<station>``. Without a dish it is closed."""

    terminal_id: UUID
    station: Station
    label: Name
    dish_id: UUID | None = None
    pan_id: UUID | None = None
    """A new one whenever another dish or another pan is set."""


class LineCard(Record):
    """A card that opens pans for filling; key: its tag."""

    name: Name


class TrayState(StrEnum):
    """What a tray is good for."""

    ACTIVE = "active"
    LOST = "lost"
    RETIRED = "retired"


class SiteTray(Record):
    """A tray that belongs to the site; key: its tag. Where there is none, any tag is a tray."""

    state: TrayState


class OpenTray(Record):
    """A tray in somebody's hands; key: its tag."""

    session_id: UUID
    diner_id: UUID
    name: Name
    """Masked."""
    bound_at: Utc
    until: Utc
    """Then it is settled by itself."""
    spent: Price = Fen(0)
    """As far as the server knows."""
    warns: Annotated[tuple[Code, ...], Field(max_length=40)] = ()
    """Allergens that the diner wants to be warned of."""


LINE_BODIES: dict[str, type[Record]] = {
    "line_rules": LineRules, "line_station": LineStation, "line_card": LineCard,
    "line_tray": SiteTray, "open_tray": OpenTray,
}  # fmt: skip
"""Kinds of the feed that a till of an earlier version passes over."""


# --- what a tray owes ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Scoop:
    """One scoop that is still on the tray."""

    grams: Grams
    unit_price: Fen
    free: bool = False

    @property
    def amount(self) -> Fen:
        """Fen, half up, once a scoop."""
        return Fen(0) if self.free else price_of_weight(self.grams, self.unit_price)


@dataclass(frozen=True, slots=True)
class Tab:
    """What one tray has taken from one pan in its session, scoop by scoop.

    What is put back comes off the newest scoops, so that each line of the sale is grams times
    price, rounded once, and a tray that gave all back owes nothing.
    """

    scoops: tuple[Scoop, ...] = ()

    @property
    def grams(self) -> Grams:
        """On the tray now."""
        return Grams(sum(scoop.grams for scoop in self.scoops))

    @property
    def amount(self) -> Fen:
        """Owed for it."""
        return Fen(sum(scoop.amount for scoop in self.scoops))

    def take(self, grams: Grams, unit_price: Fen, *, free: bool = False) -> "Tab":
        """One more scoop."""
        return Tab((*self.scoops, Scoop(grams, unit_price, free)))

    def put_back(self, grams: Grams) -> "Tab":
        """Give grams back, at most :attr:`grams`.

        Raises:
            ValueError: that is more than was taken.
        """
        if grams > self.grams:
            raise ValueError(f"{grams} g cannot come back: {self.grams} g were taken")
        scoops, rest = list(self.scoops), grams
        while rest:
            last = scoops.pop()
            if last.grams > rest:
                scoops.append(Scoop(Grams(last.grams - rest), last.unit_price, last.free))
            rest = Grams(max(0, rest - last.grams))
        return Tab(tuple(scoops))


def tab_of(scoops: Iterable[ScoopTaken]) -> Tab:
    """What the scoops of one tray's session at one pan, in sequence, come to.

    Raises:
        ValueError: more came back than was taken.
    """
    tab = Tab()
    for one in scoops:
        if one.grams > 0:
            tab = tab.take(one.grams, one.unit_price, free=not one.amount)
        else:
            tab = tab.put_back(Grams(-one.grams))
    return tab
