"""What a till sold in a shift (交班), from its own journal. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from dafan.desk import Shift
from dafan.money import Fen
from dafan.records import Sale, Source


@dataclass(frozen=True, slots=True)
class Figures:
    """The journal since the last shift, in figures.

    Attributes:
        first_seq: The first entry behind the last shift.
        last_seq: The last entry that is written; ``first_seq - 1`` where there is none.
        opened_at: When the last shift was closed; else when the first entry was written.
        day: Business date of the last sale; ``None`` where nothing was sold.
        sales: Sales, those that were voided later too.
        voids: Sales taken back, those of the shift before too.
        subsidy: Fen from subsidy wallets less what was given back; likewise the other two.
    """

    first_seq: int
    last_seq: int
    opened_at: datetime | None
    day: date | None
    sales: int
    voids: int
    subsidy: Fen
    cash: Fen
    drawer: Fen


def figures_of(
    first_seq: int,
    last_seq: int,
    opened_at: datetime | None,
    sold: Sequence[Sale],
    taken_back: Sequence[Sale],
) -> Figures:
    """Add up a shift.

    Args:
        first_seq: Its first journal entry.
        last_seq: Its last one.
        opened_at: When it began.
        sold: Its sales in order.
        taken_back: The sales that its voids took back, of this shift or an earlier one.
    """

    def net(source: Source) -> Fen:
        return Fen(paid_from(sold, source) - paid_from(taken_back, source))

    return Figures(
        first_seq,
        last_seq,
        opened_at,
        sold[-1].business_date if sold else None,
        len(sold),
        len(taken_back),
        net(Source.SUBSIDY),
        net(Source.CASH),
        net(Source.DRAWER),
    )


def make_shift(
    figures: Figures,
    shift_id: UUID,
    now: datetime,
    today: date,
    staff_id: UUID,
    counted: Fen | None,
) -> Shift:
    """The journal's word on a shift that ends now.

    Args:
        figures: What was sold.
        shift_id: Fresh.
        now: Aware UTC.
        today: The business date, for a shift without a sale.
        staff_id: Who closes it.
        counted: Fen in the drawer; ``None`` on a till without one.
    """
    return Shift(
        id=shift_id,
        business_date=figures.day or today,
        opened_at=min(figures.opened_at or now, now),
        closed_at=now,
        first_seq=figures.first_seq,
        last_seq=figures.last_seq,
        sales=figures.sales,
        voids=figures.voids,
        subsidy=figures.subsidy,
        cash=figures.cash,
        drawer=figures.drawer,
        counted=counted,
        staff_id=staff_id,
    )


def paid_from(sales: Sequence[Sale], source: Source) -> int:
    """Fen that these sales took from one source."""
    return sum(p.amount for sale in sales for p in sale.payments if p.source is source)
