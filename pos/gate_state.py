"""The words of a line's gate: what happens to it, what it does, what it remembers. Pure.

``pos.gate`` makes the one of the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from dafan.line import LineRules, OpenTray, TrayBound, TrayEnded, TrayState
from dafan.money import Fen
from pos.events import (
    AccountRead,
    CardSeen,
    CheckPin,
    FaceHint,
    FaceKnown,
    Health,
    HealthChanged,
    Moment,
    PinChecked,
    QrSeen,
    ReadAccount,
    SnapshotChanged,
    StartLooking,
    StopLooking,
    Tick,
)
from pos.snapshot import Catalogue
from pos.view import Device, NoticeCode

_NOTHING = Fen(0)
Role = Literal["entrance", "exit", "both"]
How = Literal["exit", "return"]
By = Literal["face", "card", "qr"]


@dataclass(frozen=True, slots=True)
class Timing:
    """How long the gate waits, in seconds of :attr:`pos.events.Moment.elapsed`."""

    who: float = 20.0
    """For the tray, after the diner; for the PIN."""
    told: float = 3.0
    """What is told stays so long ..."""
    told_longest: float = 9.0
    """... and no longer where the tray stays."""
    notice: float = 4.0
    foreign: float = 3.0
    """After the diner: a tag that is no tray here is told of when no tray has come by then."""
    pin_lock: float = 600.0
    """A diner whose PIN was wrong too often cannot use it for so long."""


# --- events and effects of its own --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TagsSeen:
    """What lies on the reader, staff cards left out."""

    at: Moment
    tags: frozenset[str]


@dataclass(frozen=True, slots=True)
class RulesChanged:
    """The feed brought the line's rules and the site's trays."""

    at: Moment
    rules: LineRules
    trays: Mapping[str, TrayState] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrayFound:
    """Who has a tray, and which other tray its diner has; as far as feed and journal know."""

    at: Moment
    tag: str
    diner_id: UUID | None
    held: OpenTray | None
    other: OpenTray | None


@dataclass(frozen=True, slots=True)
class Written:
    """The entry is on the disk."""

    at: Moment
    entry_id: UUID


@dataclass(frozen=True, slots=True)
class WriteFailed:
    """The entry is certainly not on the disk."""

    at: Moment
    entry_id: UUID


@dataclass(frozen=True, slots=True)
class Billed:
    """What the server says that an ended tray comes to."""

    at: Moment
    entry_id: UUID
    total: Fen


@dataclass(frozen=True, slots=True)
class Pressed:
    """A hand on the screen: ``cancel``, ``return`` (this tray comes back), ``pin``."""

    at: Moment
    action: str
    digits: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class FindTray:
    """Answer with :class:`TrayFound`."""

    tag: str
    diner_id: UUID | None


@dataclass(frozen=True, slots=True)
class Write:
    """Write it; answer with :class:`Written` or :class:`WriteFailed`."""

    entry: TrayBound | TrayEnded


@dataclass(frozen=True, slots=True)
class AskBill:
    """Answer with :class:`Billed`, if the server can tell soon."""

    entry: TrayEnded


Event = (
    CardSeen | QrSeen | FaceHint | FaceKnown | PinChecked | AccountRead | TagsSeen | RulesChanged
    | TrayFound | Written | WriteFailed | Billed | Pressed | SnapshotChanged | HealthChanged | Tick
)  # fmt: skip
Effect = StartLooking | StopLooking | ReadAccount | CheckPin | FindTray | Write | AskBill


# --- what it remembers --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Idle:
    """Nobody has said who he is."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Somebody has; not ``proved``: the PIN, or his card, is asked as well."""

    diner_id: UUID
    by: By
    since: float
    proved: bool
    name: str = ""
    """Masked, once his account was read."""
    lookalike: bool = False
    pin: bool = True
    """He has one."""


@dataclass(frozen=True, slots=True)
class Writing:
    """The entry is on its way to the disk."""

    entry: TrayBound | TrayEnded
    name: str


@dataclass(frozen=True, slots=True)
class Told:
    """What became of it; ``code`` stands in ``pos.kiosk.gate_texts``."""

    code: str
    since: float
    name: str = ""
    bound_at: datetime | None = None
    """Since when the tray in question is in somebody's hands."""
    total: Fen | None = None
    short: Fen = _NOTHING
    """So much is missing from the least balance."""
    entry_id: UUID | None = None
    found: str = ""
    """What came back was ``lost`` or ``retired``: it goes to the staff, not to the wash."""


Phase = Idle | Claim | Writing | Told


@dataclass(frozen=True, slots=True)
class State:
    """All that a gate knows between two events."""

    at: Moment
    role: Role = "both"
    how: How = "return"
    catalogue: Catalogue = field(default_factory=Catalogue)
    rules: LineRules = field(default_factory=LineRules)
    trays: Mapping[str, TrayState] = field(default_factory=dict)
    """The site's, by tag; where it has registered none, any tag is a tray."""
    health: Health = field(default_factory=Health)
    timing: Timing = field(default_factory=Timing)
    phase: Phase = field(default_factory=Idle)
    tags: frozenset[str] = frozenset()
    """The trays on the reader."""
    foreign: frozenset[str] = frozenset()
    """What else is there: shirts, bank cards, trays of another canteen."""
    done: frozenset[str] = frozenset()
    """Of these, those that were dealt with and have not been taken away since."""
    waits: str = ""
    """The tray that waits for its diner."""
    looking_since: float | None = None
    hint: NoticeCode | None = None
    progress: int = 0
    pins: Mapping[UUID, tuple[int, float]] = field(default_factory=dict)
    notice: str = ""
    notice_until: float = 0.0

    @property
    def elapsed(self) -> float:
        """Seconds that never run backwards."""
        return self.at.elapsed

    def gone(self, tag: str) -> str:
        """``lost`` or ``retired``, where nobody should have this tray; else empty."""
        known = self.trays.get(tag, TrayState.ACTIVE)
        return "" if known is TrayState.ACTIVE else known.value

    @property
    def open(self) -> bool:
        """It may begin something."""
        return self.catalogue.ready and not self.health.revoked

    @property
    def faces(self) -> bool:
        """A face can be told here."""
        policy, health = self.catalogue.policy, self.health
        camera = health.camera is not Device.OFF and health.models
        return camera and policy is not None and policy.face_enabled
