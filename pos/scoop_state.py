"""What a scoop station is told, what it asks for, and what it remembers. See ``pos.scoop``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from dafan.food import Food
from dafan.line import (
    LineCard,
    LineRules,
    LineStation,
    OpenTray,
    PanChange,
    PanChanged,
    ScoopTaken,
    Tab,
    TrayState,
)
from dafan.metrology import ScaleRecord
from dafan.money import Fen
from dafan.records import Dish
from dafan.units import Grams
from pos.events import Health, HealthChanged, Moment, Tick, Weighed
from pos.scoop_weight import PanWeight

TAG_S = 0.7
"""A tag that was not seen for so long is gone."""
STAY_S = 0.8
"""A tray that was seen for less has slid by: nothing is charged to it."""
STALE_S = 1.5
"""A scale that says nothing for so long is silent: what happens then is seen by nobody."""
LIFT_S = 10.0
"""So long a pan that was lifted or leaned on may come back to its weight; then it counts anew."""
FILL_G = 200
"""A pan that gains so much while it is open for filling is filled: it closes by itself."""
RETRY_S = 2.0
"""So often an entry is tried again that the disk did not take."""
TOLD_S = 4.0
"""So long the display tells what was charged, or what is wrong."""
BAR_S = 30.0
"""So often it is asked whether the scale may still bill."""
_NO_GRAMS, _NO_FEN = Grams(0), Fen(0)
NAMELESS_S = 600.0
"""So long a tray whose diner is not known here is taken for the same diner's."""
MAX_TABS = 256
"""Trays whose takings a station remembers."""


# --- events and effects of its own --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TagsSeen:
    """All tags that the reader sees, trays and staff cards alike; also when it sees none.

    To be told a few times a second while there are some: a tag that was not told for
    :data:`TAG_S` is gone. A reader that is broken is told by ``Health.reader``.
    """

    at: Moment
    tags: frozenset[str]


@dataclass(frozen=True, slots=True)
class Written:
    """The entry is on the disk."""

    at: Moment
    entry_id: UUID


@dataclass(frozen=True, slots=True)
class WriteFailed:
    """The entry is certainly not on the disk; the station asks again by itself."""

    at: Moment
    entry_id: UUID


@dataclass(frozen=True, slots=True)
class Line:
    """What the feed says about one station.

    Without ``station``, dish or price it is closed; without ``scale`` that scale was never
    verified. All by tag: ``trays`` are in somebody's hands, ``cards`` open pans, ``trays_of_site``
    are what the site has registered; where that is nothing, any tag is a tray.
    """

    rules: LineRules = field(default_factory=LineRules)
    station: LineStation | None = None
    dish: Dish | None = None
    food: Food | None = None
    scale: ScaleRecord | None = None
    trays: Mapping[str, OpenTray] = field(default_factory=dict)
    cards: Mapping[str, LineCard] = field(default_factory=dict)
    trays_of_site: Mapping[str, TrayState] = field(default_factory=dict)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Shanghai"))
    """Of the site: by its date certificates end."""

    @property
    def pan_id(self) -> UUID | None:
        """The pan that stands here by the manager's word."""
        return self.station.pan_id if self.station is not None else None


@dataclass(frozen=True, slots=True)
class LineChanged:
    """The feed brought news for this station."""

    at: Moment
    line: Line


@dataclass(frozen=True, slots=True)
class Write:
    """Append it to the journal; answer with :class:`Written` or :class:`WriteFailed`.

    Asked again with the same id after a failure: where the entry is in the journal already, that
    is :class:`Written`.
    """

    entry: ScoopTaken | PanChanged


Event = Weighed | TagsSeen | Written | WriteFailed | LineChanged | HealthChanged | Tick
Effect = Write


# --- what it remembers --------------------------------------------------------------------------

Shut = Literal[
    "", "revoked", "setup", "no_dish", "no_price", "reader",
    "unverified", "expired", "failed", "check_due",
]  # fmt: skip
"""Why a station is closed; the last four are :class:`dafan.metrology.Barred`."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The dish as the display shows it: held while a tray stands there."""

    dish_id: UUID
    name: str
    price: Fen
    """Per kilogram."""


@dataclass(frozen=True, slots=True)
class Refill:
    """Staff has opened the pan by a card."""

    card: str
    until: float
    base: Grams | None = None
    """The first weight at rest since: the pan is filled when it has gained on it."""
    ends: bool = False
    """The card was shown again: enough."""


@dataclass(frozen=True, slots=True)
class TrayTab:
    """What a tray has taken here; its session, as far as it was known."""

    session_id: UUID | None
    tab: Tab
    at: datetime


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry that is still to be written; it takes its id when it is.

    ``what`` is the dish of a scoop, or why the weight changed without a charge.
    """

    what: Offer | PanChange
    pan_id: UUID
    before: Grams
    after: Grams
    at: datetime
    trays: tuple[str, ...] = ()
    staff: str | None = None
    session_id: UUID | None = None
    amount: Fen = _NO_FEN
    steady: bool = True


@dataclass(frozen=True, slots=True)
class Told:
    """What the display tells for a moment: an entry that is on the disk."""

    entry: ScoopTaken | PanChanged
    until: float


@dataclass(frozen=True)
class State:
    """All that a station knows between two events.

    The one thing that must survive a power cut is ``latch``: the weight up to which every gram is
    accounted for. It is ``after`` of the station's last entry (see ``pos.scoop.begin``), and each
    entry begins where the one before it ended.
    """

    at: Moment
    no: int
    """Its number on its box."""
    line: Line = field(default_factory=Line)
    health: Health = field(default_factory=Health)
    shut: Shut = "setup"
    bar: Shut = ""
    bar_at: datetime | None = None
    offer: Offer | None = None
    pan: PanWeight = field(default_factory=PanWeight)

    pan_id: UUID | None = None
    """The pan that is counted; ``None``: none is yet."""
    latch: Grams = _NO_GRAMS
    rest: Grams = _NO_GRAMS
    """The last weight at rest that was looked at."""
    moved: bool = False
    """It has moved since."""
    blind: bool = True
    """Nobody watched since: no power, a silent scale, a closed station."""
    lifted: float | None = None
    """Since when the pan is off, or changed."""
    brought: frozenset[str] | None = None
    """While it is: who had been seen when it first rested above its weight."""

    tags: Mapping[str, float] = field(default_factory=dict)
    """Tag → when it was seen last."""
    owner: frozenset[str] = frozenset()
    """Who stood here when ``rest`` was looked at: to them belongs what changed since ``latch``."""
    seen: frozenset[str] = frozenset()
    """Who was here at any time since ``rest`` was looked at."""
    stays: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Of owner and seen: when each was seen first and last."""
    last: tuple[str, ...] = ()
    """Who stood here last, as evidence."""
    away: float | None = None
    """Since when the owner is gone while the weight does not rest."""
    left: frozenset[str] = frozenset()
    """Who left and was not waited for any longer: his last scoop may still be in the swing."""
    refill: Refill | None = None

    tabs: Mapping[str, TrayTab] = field(default_factory=dict)
    queue: tuple[Draft, ...] = ()
    """To be written, one after the other; the first may have been sent."""
    sent: ScoopTaken | PanChanged | None = None
    failed: float | None = None
    """When the disk last refused the entry that was sent."""
    told: Told | None = None

    @property
    def elapsed(self) -> float:
        """Seconds that never run backwards."""
        return self.at.elapsed

    @property
    def here(self) -> frozenset[str]:
        """The trays that are there, and the staff card that has opened the pan."""
        if not self.tags and self.refill is None:
            return frozenset()
        cards = self.line.cards
        trays = frozenset(tag for tag in self.tags if tag not in cards)
        return trays if self.refill is None else trays | {self.refill.card}

    @property
    def awaited(self) -> frozenset[str]:
        """To whom belongs what changes now; once they are gone, it has to rest soon."""
        return self.owner or self.seen

    @property
    def unsure(self) -> bool:
        """There may be news of trays that have not been heard."""
        return self.health.offline or self.health.stale

    @property
    def silent(self) -> bool:
        """The scale says nothing."""
        return self.at.elapsed - self.pan.arrived > STALE_S

    @property
    def e_grams(self) -> int:
        """One division of the scale."""
        return self.line.scale.e_grams if self.line.scale is not None else 1

    @property
    def least(self) -> int:
        """Less is no scoop: the site's rule, and always more than a scale flickers."""
        return max(self.line.rules.least_grams, 3 * self.e_grams)


def but(state: State, **changes: Any) -> State:
    """The state with some fields changed: ``dataclasses.replace`` at a twentieth of its time.

    Frames are many: ten a second and a station.
    """
    made = object.__new__(State)
    made.__dict__.update(state.__dict__, **changes)
    return made


Step = tuple[State, tuple[Effect, ...]]


def seen_by(state: State, tags: frozenset[str]) -> frozenset[str]:
    """What counts of what the reader sees: the site's trays and its staff cards, no shirt's chip.

    A box that is cut off may not have heard of the newest trays: there, what is seen without any
    tray that it knows is taken for one.
    """
    trays = state.line.trays_of_site
    if not trays:
        return tags
    known = frozenset(tag for tag in tags if tag in trays or tag in state.line.cards)
    if known or not state.unsure or any(tag in trays for tag in state.tags):
        return known
    return tags


def session_of(state: State, tag: str) -> UUID | None:
    """Whose tray it is, where the station can be sure: the feed is fresh and tells it."""
    tray = state.line.trays.get(tag)
    if tray is None or state.unsure or state.at.now >= tray.until:
        return None
    return tray.session_id
