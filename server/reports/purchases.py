"""采购单 as an Excel file."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from flask_babel import gettext as _

from dafan.money import Fen
from dafan.quantity import Measure
from kitchen.ingredients import Ingredient
from kitchen.labels import show
from kitchen.purchase_book import PurchaseLine, PurchaseOrder
from server.reports.sheets import Sheet, Value, Yuan


def order_sheet(
    row: PurchaseOrder,
    lines: Sequence[PurchaseLine],
    food: Mapping[UUID, Ingredient],
    supplier: str,
    site: str,
) -> Sheet:
    """An order as one sheet.

    Args:
        row: The order.
        lines: Its lines.
        food: Their ingredients.
        supplier: His name.
        site: Who orders.
    """
    heading = f"{site} · {_('采购单')} · {supplier} · {row.deliver_on}"
    columns = [_("食材"), _("数量"), _("单价"), _("金额"), _("已到")]
    rows: list[list[Value]] = []
    for line in lines:
        one = food[line.ingredient_id]
        measure = Measure(one.measure)
        rows.append([
            one.name, show(line.quantity, measure), Yuan(Fen(line.price)),
            Yuan(Fen(line.amount)), show(line.received, measure),
        ])  # fmt: skip
    return Sheet(
        _("采购单"), heading, columns, rows, [_("合计"), None, None, Yuan(Fen(row.total)), None]
    )
