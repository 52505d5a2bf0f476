"""Between the subjects of buying: what was picked in a plan or an inquiry becomes orders."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy.orm import Session

from dafan.acting import Acting
from dafan.errors import BadInputError
from dafan.money import Fen
from kitchen import purchasing
from kitchen.purchase_book import PurchaseOrder
from kitchen.purchase_rules import LineValues, OrderValues


@dataclass(frozen=True, slots=True)
class Pick:
    """What is to be ordered of whom."""

    supplier_id: UUID
    deliver_on: date
    ingredient_id: UUID
    quantity: int
    """In its measure."""
    price: Fen
    """Per kilogram, litre or piece."""


def draft_orders(
    session: Session, actor: Acting, picks: Sequence[Pick], day: date, *, key: str, note: str = ""
) -> list[PurchaseOrder]:
    """Write an order for each supplier and day of delivery; told again they are written once.

    Args:
        session: Writing.
        actor: Who writes them.
        picks: Lines of all orders; of an ingredient picked twice for one order, the sum is
            ordered at the first price.
        day: Business date.
        key: Of this act, 36 characters at most; each order has its own made of it.
        note: Stands on every order.

    Raises:
        BadInputError: nothing was picked, or as :func:`kitchen.purchasing.draft`: then none of
            them is written.
    """
    if not picks:
        raise BadInputError("nothing was picked to be ordered", code="nothing_picked")
    orders: dict[tuple[UUID, date], dict[UUID, LineValues]] = {}
    for pick in picks:
        lines = orders.setdefault((pick.supplier_id, pick.deliver_on), {})
        first = lines.get(pick.ingredient_id)
        lines[pick.ingredient_id] = LineValues(
            ingredient_id=pick.ingredient_id,
            quantity=pick.quantity + (first.quantity if first else 0),
            price=first.price if first else pick.price,
        )
    return [
        purchasing.draft(
            session,
            actor,
            OrderValues(
                supplier_id=supplier, deliver_on=deliver_on, note=note, lines=tuple(lines.values())
            ),
            day,
            key=f"{key}:{supplier.hex}:{deliver_on}",
        )
        for (supplier, deliver_on), lines in orders.items()
    ]
