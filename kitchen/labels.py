"""The label of a lot (批次标签): what stands on it, free of any printer's commands."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from dafan.errors import BadInputError
from dafan.quantity import Measure
from kitchen.ingredients import Ingredient
from kitchen.lots import Lot
from kitchen.zones import Zone

_PREFIX = "DAFAN:LOT"
_SITE_DIGITS = 8


@dataclass(frozen=True)
class Label:
    """A title, named figures, and what a scanner reads."""

    title: str
    lines: tuple[tuple[str, str], ...]
    qr: str

    def as_receipt(self) -> dict[str, object]:
        """The label in the JSON of a receipt document, as every printer of the house takes it."""
        return {
            "lines": [
                {"kind": "text", "text": self.title, "bold": True, "size": 2},
                *({"kind": "columns", "left": name, "right": text} for name, text in self.lines),
                {"kind": "qr", "data": self.qr},
                {"kind": "cut"},
            ]
        }


def lot_label(
    lot: Lot, ingredient: Ingredient, *, supplier: str = "", zone: Zone | None = None
) -> Label:
    """The label of a lot: name, number, amount, dates, where it lies, from whom."""
    lines = [("批次", lot.number), ("数量", show(lot.quantity, Measure(ingredient.measure)))]
    dates = (("生产日期", lot.produced_on), ("保质期至", lot.expires_on), ("入库", lot.received_on))
    lines += [(name, f"{day:%Y-%m-%d}") for name, day in dates if day is not None]
    if lot.zone:
        lines.append(("存放", f"{lot.zone} {_SHAPES[zone.shape.value]}" if zone else lot.zone))
    if lot.batch:
        lines.append(("厂家批号", lot.batch))
    if supplier:
        lines.append(("供应商", supplier))
    return Label(ingredient.name, tuple(lines), qr_text(lot.site_id, lot.number))


def qr_text(site_id: UUID, number: str) -> str:
    """``DAFAN:LOT:<last digits of the site>:<number>``; short, so that a small code reads well."""
    return f"{_PREFIX}:{_short(site_id)}:{number}"


def read_qr(text: str, site_id: UUID) -> str:
    """The lot number of a scanned label.

    Raises:
        BadInputError: no label of a lot, or one of another site.
    """
    prefix, _, rest = text.strip().rpartition(":")
    if not rest or prefix != f"{_PREFIX}:{_short(site_id)}":
        raise BadInputError("this is no label of a lot of this site: scan the lot's own label")
    return rest


def show(quantity: int, measure: Measure) -> str:
    """``12500`` grams as ``12.5 kg``; pieces as they are."""
    if measure is Measure.COUNT:
        return f"{quantity} 个"
    whole, part = divmod(quantity, 1000)
    unit = "kg" if measure is Measure.MASS else "L"
    return f"{whole}.{part:03d}".rstrip("0").rstrip(".") + f" {unit}"


def days_left(lot: Lot, day: date) -> int | None:
    """Days until its last one, that one counted; none for what does not spoil."""
    return None if lot.expires_on is None else (lot.expires_on - day).days + 1


def _short(site_id: UUID) -> str:
    """The last digits: the first ones of UUIDv7 are the time, alike in sites made together."""
    return site_id.hex[-_SITE_DIGITS:]


_SHAPES = {"circle": "●", "diamond": "◆", "square": "■", "triangle": "▲", "hexagon": "⬢"}
