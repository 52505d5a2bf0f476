"""First expiring, first out (先到期先出): a rule of its arguments alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from dafan.money import divide_half_up


@dataclass(frozen=True)
class Stored:
    """What is left of a lot, as far as picking needs to know."""

    lot_id: UUID
    quantity: int
    cost: int
    received_on: date
    expires_on: date | None = None
    held: bool = False
    number: str = ""


@dataclass(frozen=True)
class Take:
    """So much of a lot, and what it costs in fen."""

    lot_id: UUID
    quantity: int
    cost: int


@dataclass(frozen=True)
class Picks:
    """What to take from which lots, in this order, and how much of the wish stays open."""

    takes: tuple[Take, ...]
    short: int

    @property
    def cost(self) -> int:
        """Fen of all of it."""
        return sum(take.cost for take in self.takes)


def pick(stored: Iterable[Stored], wanted: int, day: date) -> Picks:
    """First expiring, first out; of the same last day, first in; never expired, never held."""
    usable = [
        lot
        for lot in stored
        if not lot.held and lot.quantity > 0 and (lot.expires_on is None or lot.expires_on >= day)
    ]
    usable.sort(key=lambda lot: (lot.expires_on or date.max, lot.received_on, lot.number))
    takes = []
    for lot in usable:
        part = min(wanted, lot.quantity)
        if part <= 0:
            break
        takes.append(Take(lot.lot_id, part, share(lot.cost, lot.quantity, part)))
        wanted -= part
    return Picks(tuple(takes), max(wanted, 0))


def share(cost: int, quantity: int, part: int) -> int:
    """Fen of a part of a lot, half up; the last part takes what remains."""
    return cost if part == quantity else divide_half_up(cost * part, quantity)
