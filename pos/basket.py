"""The basket: what stands on the scale and what was chosen beside it. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from dafan.records import Policy, Portion
from dafan.units import Grams

MAX_ITEMS = 30
"""Different dishes and portions in a basket, beside the weighed line."""
MAX_QUANTITY = 20
"""Of one dish and portion: more is a slip of the finger."""


@dataclass(frozen=True, slots=True)
class Item:
    """A counted dish."""

    dish_id: UUID
    portion: Portion
    quantity: int = 1

    @property
    def key(self) -> str:
        """Names the line on the screen."""
        return f"{self.dish_id}-{self.portion}"


@dataclass(frozen=True, slots=True)
class Basket:
    """One diner's choice. ``id`` becomes the sale's id and never changes."""

    id: UUID
    opened_at: datetime
    grams: Grams | None = None
    """Net weight of the food on the scale, without the tray."""
    items: tuple[Item, ...] = ()

    @property
    def empty(self) -> bool:
        """Nothing to pay."""
        return self.grams is None and not self.items

    def weigh(self, grams: Grams | None) -> "Basket":
        """The same basket with another weight."""
        return replace(self, grams=grams)

    def add(self, dish_id: UUID, portion: Portion) -> "Basket | None":
        """One more of a dish; ``None`` when the basket is full."""
        for item in self.items:
            if (item.dish_id, item.portion) == (dish_id, portion):
                if item.quantity >= MAX_QUANTITY:
                    return None
                more = replace(item, quantity=item.quantity + 1)
                return replace(self, items=tuple(more if i is item else i for i in self.items))
        if len(self.items) >= MAX_ITEMS:
            return None
        return replace(self, items=(*self.items, Item(dish_id, portion)))

    def remove(self, key: str) -> "Basket":
        """One less of a line; a line without any is gone."""
        fewer = (replace(i, quantity=i.quantity - (i.key == key)) for i in self.items)
        return replace(self, items=tuple(item for item in fewer if item.quantity > 0))


def net_grams(gross: Grams, policy: Policy) -> Grams | None:
    """The food in a steady reading: less the tray; ``None`` where that is nothing to sell."""
    net = gross - policy.tray_grams
    return Grams(net) if net >= policy.min_grams else None


def is_empty(gross: Grams, policy: Policy) -> bool:
    """Whether nothing stands on the scale, not even a tray."""
    return gross < max(policy.min_grams, policy.tray_grams // 2)
