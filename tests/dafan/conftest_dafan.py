"""A sale to write into journals; also imported by the process that a test kills."""

from datetime import UTC, date, datetime
from uuid import UUID

from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import Payment, Sale, SaleLine, Source, Tender, Unit
from dafan.units import Grams

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


def make_sale(fen: int = 1154, sale_id: UUID | None = None) -> Sale:
    line = SaleLine(
        dish_id=UUID(int=1),
        name="自选称重",
        unit=Unit.KG,
        grams=Grams(412),
        unit_price=Fen(2800),
        amount=Fen(fen),
    )
    return Sale(
        id=sale_id or new_id(),
        site_id=UUID(int=2),
        venue_id=UUID(int=3),
        business_date=date(2026, 3, 2),
        period="lunch",
        diner_id=UUID(int=4),
        group_id=UUID(int=5),
        tender=Tender.FACE,
        lines=(line,),
        list_total=Fen(fen),
        discount=Fen(0),
        total=Fen(fen),
        payments=(Payment(source=Source.CASH, amount=Fen(fen)),) if fen else (),
        subsidised=False,
        opened_at=NOON,
        paid_at=NOON,
        snapshot_version=7,
    )
