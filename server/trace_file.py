"""What stands in the food-safety file: a dish of a day, or a lot, with all that belongs to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from kitchen.stock_trace import LotTrace, Used

MealKey = tuple[date, str, UUID]
"""Business date, period, venue."""


@dataclass(frozen=True)
class Signed:
    """A party that stands for a delivery."""

    role: str
    name: str
    at: datetime


@dataclass(frozen=True)
class Delivered:
    """A delivery, and who signed for it."""

    id: UUID
    day: date
    opened_by: str
    signed: tuple[Signed, ...]


@dataclass(frozen=True)
class KeptSample:
    """A retained sample, where it stood and how warm that was."""

    id: UUID
    grams: int
    cabinet: str
    slot: int
    sampled_at: datetime
    due_at: datetime
    sampler: str
    reviewer: str | None
    disposed_at: datetime | None
    disposer: str | None
    result: str | None
    coldest: int | None
    """Tenths of a degree between taking and disposal; none where nobody measured."""
    warmest: int | None
    readings: int


@dataclass(frozen=True)
class Sold:
    """What the tills sold of a dish at a meal; cancelled sales do not count."""

    covers: int
    """Sales with the dish on them."""
    portions: int
    grams: int
    fen: int


@dataclass(frozen=True)
class Cooked:
    """A batch of the dish."""

    id: UUID
    number: int
    state: str
    cook: str | None
    started_at: datetime | None
    finished_at: datetime | None
    core_tenths: int | None
    cooked_grams: int | None
    cooked_portions: int | None
    served_portions: int | None
    left_grams: int | None


@dataclass(frozen=True)
class MealTrace:
    """The dish at one meal."""

    day: date
    period: str
    venue_id: UUID
    planned: int | None
    """Portions on the menu; none where it was not on it."""
    cook: str
    """As the menu names him."""
    held: bool
    """Its samples are frozen on suspicion."""
    batches: tuple[Cooked, ...]
    samples: tuple[KeptSample, ...]
    sold: Sold


@dataclass(frozen=True)
class DishTrace:
    """A dish of a day."""

    dish_id: UUID
    dish: str
    day: date
    meals: tuple[MealTrace, ...]
    used: tuple[Used, ...]
    """Lots that its batches took, trimmings of other dishes included."""
    deliveries: Mapping[UUID, Delivered]


@dataclass(frozen=True)
class WentInto:
    """A batch that a lot went into."""

    batch_id: UUID
    dish_id: UUID
    dish: str
    day: date
    period: str
    venue_id: UUID
    number: int
    quantity: int
    """Of the lot, in the ingredient's measure; nothing where it came with trimmings."""
    sold: Sold


@dataclass(frozen=True)
class LotFile:
    """A lot, from its delivery to every dish and meal."""

    trace: LotTrace
    delivered: Delivered | None
    went: tuple[WentInto, ...]

    @property
    def covers(self) -> int:
        """Sales with a dish of it."""
        meals = {(one.dish_id, one.day, one.period, one.venue_id): one for one in self.went}
        return sum(one.sold.covers for one in meals.values())
