"""What a basket costs: whole fen, rounded half up once a line. Pure."""

from dataclasses import dataclass
from uuid import UUID

from dafan.money import MAX_FEN, Fen, price_of_weight
from dafan.records import Dish, Portion, SaleLine, Unit
from dafan.units import Grams
from pos.basket import Basket
from pos.snapshot import Catalogue


@dataclass(frozen=True, slots=True)
class Priced:
    """A basket with prices.

    Attributes:
        lines: What can be sold.
        unpriced: Names of dishes without a price (or no longer sold): the basket cannot be paid.
    """

    lines: tuple[SaleLine, ...]
    unpriced: tuple[str, ...] = ()

    @property
    def list_total(self) -> Fen:
        """Before any discount."""
        return Fen(sum(line.amount for line in self.lines))

    @property
    def payable(self) -> bool:
        """There is something to pay and its price is certain."""
        return bool(self.lines) and not self.unpriced and self.list_total <= MAX_FEN


def price_basket(basket: Basket, catalogue: Catalogue) -> Priced:
    """Price every line of a basket."""
    lines: list[SaleLine] = []
    unpriced: list[str] = []
    if basket.grams is not None:
        _sort_in(_weighed(catalogue.weigh_dish, basket.grams), lines, unpriced)
    for item in basket.items:
        line = _counted(catalogue.dishes.get(item.dish_id), item.portion, item.quantity)
        _sort_in(line, lines, unpriced)
    return Priced(tuple(lines), tuple(unpriced))


def portion_price(dish: Dish, portion: Portion) -> Fen | None:
    """Price of one counted portion; ``None`` where that portion is not sold."""
    prices = {
        Portion.FULL: dish.price,
        Portion.HALF: dish.half_price,
        Portion.SMALL: dish.small_price,
    }
    return prices[portion] if dish.active and dish.unit is Unit.PIECE else None


def dish_id_of(text: str) -> UUID | None:
    """A dish id as a page sent it; ``None`` for anything else."""
    try:
        return UUID(text)
    except ValueError:
        return None


def _sort_in(line: SaleLine | str, lines: list[SaleLine], unpriced: list[str]) -> None:
    if isinstance(line, SaleLine):
        lines.append(line)
    else:
        unpriced.append(line)


def _weighed(dish: Dish | None, grams: Grams) -> SaleLine | str:
    """The line, or the name of what has no price; a price beyond all reason is none."""
    price = dish.price if dish and dish.active and dish.unit is Unit.KG else None
    if dish is None or price is None or price_of_weight(grams, price) > MAX_FEN:
        return dish.name if dish else ""
    return SaleLine(
        dish_id=dish.id, name=dish.name, unit=Unit.KG, grams=grams,
        unit_price=price, amount=price_of_weight(grams, price),
    )  # fmt: skip


def _counted(dish: Dish | None, portion: Portion, quantity: int) -> SaleLine | str:
    price = portion_price(dish, portion) if dish else None
    if dish is None or price is None or price * quantity > MAX_FEN:
        return dish.name if dish else ""
    return SaleLine(
        dish_id=dish.id, name=dish.name, unit=Unit.PIECE, portion=portion, quantity=quantity,
        unit_price=price, amount=Fen(price * quantity),
    )  # fmt: skip
