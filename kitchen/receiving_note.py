"""The paper that goes with a delivery (验收单, 退货单): what came, what went back and why."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from dafan.money import Fen, divide_half_up, format_yuan
from dafan.quantity import Measure
from kitchen import labels
from kitchen.deliveries import Disposal, Receiving, ReceivingLine, Role, State
from kitchen.ingredients import Ingredient

_ROLES = {Role.CHEF.value: "厨师", Role.STOREKEEPER.value: "仓管", Role.SUPPLIER.value: "送货人"}
_DISPOSALS = {Disposal.RETURN.value: "退货", Disposal.DESTROY.value: "销毁"}


def note(
    delivery: Receiving,
    rows: Sequence[ReceivingLine],
    known: Mapping[UUID, Ingredient],
    signed: Sequence[tuple[str, str]],
    supplier: str,
) -> dict[str, object]:
    """The JSON of a receipt document, as every printer of the house takes it.

    Args:
        delivery: It.
        rows: Its lines.
        known: Their ingredients.
        signed: Role and name of each who signed, as people call him.
        supplier: Whose it is.
    """
    back = delivery.state == State.REJECTED.value
    paper: list[dict[str, object]] = [
        {"kind": "text", "text": "退货单" if back else "验收单", "bold": True, "size": 2},
        _pair("供应商", supplier),
        _pair("日期", f"{delivery.business_date:%Y-%m-%d}"),
        {"kind": "rule"},
    ]
    total = 0
    for row in rows:
        ingredient = known[row.ingredient_id]
        measure = Measure(ingredient.measure)
        amount = divide_half_up(row.accepted * row.values.unit_price, measure.priced_by)
        total += amount
        paper.append({"kind": "text", "text": ingredient.name, "bold": True})
        if row.accepted:
            paper.append(_pair("实收", labels.show(row.accepted, measure)))
            paper.append(_pair("金额", f"¥{format_yuan(Fen(amount))}"))
        if row.rejected:
            paper.append(_pair("拒收", labels.show(row.rejected, measure)))
            paper.append(_pair(_DISPOSALS.get(row.disposal, row.disposal), row.reject_reason))
    paper += [{"kind": "rule"}, _pair("合计", f"¥{format_yuan(Fen(total))}")]
    paper += [_pair(_ROLES[role], name) for role, name in signed]
    return {"lines": [*paper, {"kind": "cut"}]}


def _pair(left: str, right: str) -> dict[str, object]:
    return {"kind": "columns", "left": left, "right": right}
