"""What happens to a till, and what it does about it: the words of ``pos.station``. Pure.

Every event carries its :class:`Moment`; the station has no clock of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from dafan.desk import Shift, Void
from dafan.records import FaceEvidence, Sale
from dafan.units import Grams
from pos.shifts import Figures
from pos.snapshot import Account, Catalogue, Clerk, Ordered, Sold
from pos.view import Device, NoticeCode


@dataclass(frozen=True, slots=True)
class Moment:
    """When an event is taken in.

    Attributes:
        elapsed: Seconds that never run backwards; all waiting is measured by it.
        now: Aware UTC, for the books alone: a clock that jumps shortens and prolongs nothing.
        new_id: An id that nobody has used; a basket that opens takes it.
    """

    elapsed: float
    now: datetime
    new_id: UUID


@dataclass(frozen=True, slots=True)
class Weighed:
    """A frame of the scale. ``arrived`` is on the scale of :attr:`Moment.elapsed`."""

    at: Moment
    arrived: float
    grams: Grams | None
    stable: bool
    over: bool = False
    negative: bool = False
    """Below zero, or under range."""
    garbled: bool = False


@dataclass(frozen=True, slots=True)
class FaceHint:
    """No decision yet: what the diner may do better, and how many permille of it are there."""

    at: Moment
    code: NoticeCode | None
    progress: int = 0


@dataclass(frozen=True, slots=True)
class FaceKnown:
    """The frames since ``since`` agree on a person.

    ``doubt`` says why the face alone does not pay (``second_factor`` or ``lookalike``);
    ``picture`` is the JPEG of the frame that decided, where one is kept.
    """

    at: Moment
    since: float
    diner_id: UUID
    evidence: FaceEvidence
    doubt: NoticeCode | None = None
    picture: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class FaceChanged:
    """Somebody else stands before the camera than ``diner_id``, whose payment runs."""

    at: Moment
    diner_id: UUID


@dataclass(frozen=True, slots=True)
class CardSeen:
    """A card was read; ``diner_id`` is ``None`` for a card of nobody, ``lost`` of a lost one."""

    at: Moment
    diner_id: UUID | None
    lost: bool = False


@dataclass(frozen=True, slots=True)
class QrSeen:
    """A QR code was read; ``diner_id`` is ``None`` where this site did not make it."""

    at: Moment
    diner_id: UUID | None


@dataclass(frozen=True, slots=True)
class PickUpSeen:
    """The code of an order was read; ``None``: none that waits has it."""

    at: Moment
    order: Ordered | None


@dataclass(frozen=True, slots=True)
class StaffFound:
    """Whose staff number was typed; ``None``: nobody's."""

    at: Moment
    staff_no: str
    diner_id: UUID | None


@dataclass(frozen=True, slots=True)
class PinChecked:
    """Whether the PIN was the diner's."""

    at: Moment
    diner_id: UUID
    right: bool


@dataclass(frozen=True, slots=True)
class AccountRead:
    """How a diner stands at this moment; ``None``: nobody whom this till knows."""

    at: Moment
    diner_id: UUID
    account: Account | None


@dataclass(frozen=True, slots=True)
class Pressed:
    """A person touched the screen; the actions stand in ``pos.view``."""

    at: Moment
    action: str
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SaleWritten:
    """The sale is on the disk: now it is paid."""

    at: Moment
    sale_id: UUID


@dataclass(frozen=True, slots=True)
class WriteFailed:
    """The sale is certainly not on the disk."""

    at: Moment
    sale_id: UUID
    code: NoticeCode = NoticeCode.WRITE_FAILED


@dataclass(frozen=True, slots=True)
class SnapshotChanged:
    """The feed brought news."""

    at: Moment
    catalogue: Catalogue


@dataclass(frozen=True, slots=True)
class ClerkChecked:
    """Who of the staff typed number and PIN; ``None``: nobody did."""

    at: Moment
    clerk: Clerk | None
    tries: int = 0
    """How often it may be tried again; 0: signing in is locked for ``minutes``."""
    minutes: int = 0


@dataclass(frozen=True, slots=True)
class SoldRead:
    """This till's last sales of the business date, the newest first."""

    at: Moment
    sold: tuple[Sold, ...]


@dataclass(frozen=True, slots=True)
class FiguresRead:
    """What was sold since the last shift."""

    at: Moment
    figures: Figures


@dataclass(frozen=True, slots=True)
class DeskWritten:
    """The void or shift is on the disk."""

    at: Moment
    entry_id: UUID


@dataclass(frozen=True, slots=True)
class DeskFailed:
    """The void or shift is certainly not on the disk."""

    at: Moment
    entry_id: UUID
    code: NoticeCode = NoticeCode.DESK_FAILED


@dataclass(frozen=True, slots=True)
class Health:
    """How the devices and the line to the server are."""

    scale: Device = Device.OFF
    camera: Device = Device.OFF
    printer: Device = Device.OFF
    reader: Device = Device.OFF
    offline: bool = False
    stale: bool = False
    """What the feed told is of before the line was lost: there may be news."""
    waiting: int = 0
    paper_out: bool = False
    """With the printer at ``warn``: it wants paper, not something else."""
    camera_lost: bool = False
    """With the camera at ``off``: there should be one."""
    models: bool = True
    """The models are loaded: a face can be recognised."""
    revoked: bool = False
    """The server has closed this till: what is open may be paid, nothing new begins."""

    @property
    def has_camera(self) -> bool:
        """There is a camera, or there should be one."""
        return self.camera is not Device.OFF or self.camera_lost


@dataclass(frozen=True, slots=True)
class HealthChanged:
    """A device was plugged in or out, or the server came or went."""

    at: Moment
    health: Health


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passed."""

    at: Moment


DeskEvent = ClerkChecked | SoldRead | FiguresRead | DeskWritten | DeskFailed
"""Answers to what the staff's desk asks for."""

Event = (
    Weighed | FaceHint | FaceKnown | FaceChanged | CardSeen | QrSeen | PickUpSeen | StaffFound
    | PinChecked | AccountRead | Pressed | SaleWritten | WriteFailed | SnapshotChanged
    | HealthChanged | Tick | DeskEvent
)  # fmt: skip


# --- effects ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StartLooking:
    """Look for a face, forgetting all that was seen before."""


@dataclass(frozen=True, slots=True)
class StopLooking:
    """Identify nobody."""


@dataclass(frozen=True, slots=True)
class GuardFace:
    """Watch that nobody else takes this diner's place; answer with :class:`FaceChanged`."""

    diner_id: UUID


@dataclass(frozen=True, slots=True)
class StopGuarding:
    """The payment is over, or no longer by face alone."""


@dataclass(frozen=True, slots=True)
class ReadAccount:
    """Answer with :class:`AccountRead`."""

    diner_id: UUID


@dataclass(frozen=True, slots=True)
class FindStaff:
    """Answer with :class:`StaffFound`."""

    staff_no: str


@dataclass(frozen=True, slots=True)
class CheckPin:
    """Answer with :class:`PinChecked`."""

    diner_id: UUID
    pin: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class WriteSale:
    """Write it with its receipt; answer with :class:`SaleWritten` or :class:`WriteFailed`."""

    sale: Sale
    account: Account | None
    """The diner once it is paid, for the receipt; ``None`` for cash."""
    picture: bytes | None = field(default=None, repr=False)
    """The frame that decided a face payment: written with it, if it can be."""


@dataclass(frozen=True, slots=True)
class Reprint:
    """Print the receipt of this sale again, marked as a copy."""

    sale_id: UUID


@dataclass(frozen=True, slots=True)
class CheckClerk:
    """Answer with :class:`ClerkChecked`."""

    number: str
    pin: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReadSold:
    """Answer with :class:`SoldRead`."""


@dataclass(frozen=True, slots=True)
class ReadFigures:
    """Answer with :class:`FiguresRead`."""


@dataclass(frozen=True, slots=True)
class WriteVoid:
    """Write it with its receipt; answer with :class:`DeskWritten` or :class:`DeskFailed`."""

    void: Void
    sold: Sold
    clerk: Clerk


@dataclass(frozen=True, slots=True)
class WriteShift:
    """Write it with its slip; answer with :class:`DeskWritten` or :class:`DeskFailed`."""

    shift: Shift
    clerk: Clerk


DeskEffect = CheckClerk | ReadSold | ReadFigures | WriteVoid | WriteShift
"""What the staff's desk asks for."""

FaceEffect = StartLooking | StopLooking | GuardFace | StopGuarding
"""What the camera has to do."""

Effect = (
    FaceEffect | ReadAccount | FindStaff | CheckPin | WriteSale | Reprint | DeskEffect
)  # fmt: skip
