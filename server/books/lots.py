"""What is left of subsidies that expire: spending uses what expires soonest first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from dafan.money import Fen


@dataclass(frozen=True, slots=True)
class Lot:
    """A dated credit.

    Attributes:
        run_id: Which subsidy run paid it.
        received: The trading day on which it came.
        expires_on: The last trading day on which it can be spent.
        amount: Fen.
    """

    run_id: UUID
    received: date
    expires_on: date
    amount: Fen


def unspent(lots: Sequence[Lot], spent: Mapping[date, int], until: date) -> dict[UUID, Fen]:
    """What each lot of one diner still holds at the end of a day.

    Each day's spending uses, of the lots that the diner has on that day, the one that expires
    soonest; of two that expire together, the one that came first. What the lots do not cover was
    paid from money that never expires. A day on which more came back than was spent, by refunds,
    fills no lot again: what was refunded does not expire.

    Args:
        lots: Of one diner; each run once.
        spent: Trading day → fen that left the wallet, less what came back by refunds.
        until: The last day that counts; later spending used no lot.

    Returns:
        Run → fen, from zero to the lot's amount. A lot that has expired keeps what was left on
        its last day.
    """
    left = {lot.run_id: lot.amount for lot in lots}
    order = sorted(lots, key=lambda lot: (lot.expires_on, lot.received, lot.run_id))
    for day in sorted(day for day in spent if day <= until):
        wanted = spent[day]
        for lot in order:
            if wanted <= 0:
                break
            if lot.received <= day <= lot.expires_on:
                used = min(wanted, left[lot.run_id])
                left[lot.run_id] = Fen(left[lot.run_id] - used)
                wanted -= used
    return left
