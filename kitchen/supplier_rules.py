"""Which supplier may supply, and how well he does: rules that know no database.

食品安全法 article 53: who buys food checks the licence of its supplier and its proof of conformity.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from kitchen.categories import AQUATIC, EGG, FRUIT, FUNGUS, MEAT, POULTRY, TUBER, VEGETABLE
from kitchen.rows import Values

SOON = timedelta(days=30)
"""So long before its end a licence is warned about."""


class LicenceKind(StrEnum):
    """What a licence is; their Chinese names are on the paper."""

    BUSINESS = "business"
    """营业执照."""
    FOOD_TRADE = "food_trade"
    """食品经营许可证, or the record of one who sells only prepacked food."""
    FOOD_PRODUCTION = "food_production"
    """食品生产许可证."""
    ANIMAL = "animal"
    """动物防疫条件合格证."""
    SLAUGHTER = "slaughter"
    """生猪定点屠宰证."""
    SALT = "salt"
    """食盐定点批发企业证书."""
    WASTE = "waste"
    """餐厨垃圾收运 of one who takes waste away."""
    OTHER = "other"


class Standing(StrEnum):
    """How the site stands to a supplier."""

    ACTIVE = "active"
    PAUSED = "paused"
    BLACKLISTED = "blacklisted"


class LicenceValues(Values):
    """What a licence says."""

    kind: LicenceKind
    number: Annotated[str, Field(min_length=1, max_length=60)]
    valid_from: date
    valid_to: date | None = None
    """The last day on which it is good; none: 长期."""
    file: Annotated[str, Field(max_length=120)] = ""
    """Where its picture is kept."""

    @model_validator(mode="after")
    def _ends_behind_its_beginning(self) -> Self:
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError("a licence cannot end before it begins")
        return self


Needs = tuple[frozenset[LicenceKind], ...]
"""Of each group at least one licence is due."""

_FOOD = frozenset({LicenceKind.FOOD_TRADE, LicenceKind.FOOD_PRODUCTION})
EVERYBODY: Needs = (frozenset({LicenceKind.BUSINESS}),)
BY_CATEGORY: Mapping[str, Needs] = {
    **dict.fromkeys((VEGETABLE, FRUIT, FUNGUS, TUBER, AQUATIC, EGG), ()),
    MEAT: (frozenset({LicenceKind.ANIMAL, LicenceKind.SLAUGHTER, *_FOOD}),),
    POULTRY: (frozenset({LicenceKind.ANIMAL, *_FOOD}),),
}
"""Beside the business licence. Who sells edible farm products needs no food licence
(食品安全法 article 35); a category that is not named here needs one. A site may hand in its own."""


def needs_of(categories: Iterable[str], table: Mapping[str, Needs] = BY_CATEGORY) -> Needs:
    """The licences that somebody needs who sells these categories of ingredients."""
    groups = [*EVERYBODY]
    for category in categories:
        groups += table.get(category, (_FOOD,))
    return tuple(dict.fromkeys(groups))


class Fault(StrEnum):
    """What stands against a supplier."""

    PAUSED = "paused"
    BLACKLISTED = "blacklisted"
    LICENCE_MISSING = "licence_missing"
    LICENCE_EXPIRED = "licence_expired"
    LICENCE_ENDS_SOON = "licence_ends_soon"


@dataclass(frozen=True)
class Finding:
    """One thing that blocks a supplier, or that somebody should see to."""

    fault: Fault
    text: str
    blocks: bool = True
    kinds: tuple[LicenceKind, ...] = ()
    """One of these licences is due."""
    until: date | None = None
    """The last good day of the licence that ended or ends."""


def may_supply(
    standing: Standing, reason: str, licences: Sequence[LicenceValues], day: date, needs: Needs
) -> tuple[Finding, ...]:
    """What stands against buying from a supplier on a day; nothing that ``blocks``: he may supply.

    Args:
        standing: Of the supplier; ``reason`` says why, where he is paused or blacklisted.
        reason: As somebody wrote it.
        licences: All that are not withdrawn, old and new ones.
        day: Business date of the order or the receiving.
        needs: From :func:`needs_of`.
    """
    found = []
    if standing is not Standing.ACTIVE:
        fault = Fault.PAUSED if standing is Standing.PAUSED else Fault.BLACKLISTED
        found.append(Finding(fault, f"{standing.value}: {reason}"))
    for group in needs:
        fault_found = _licence_fault(group, licences, day)
        if fault_found is not None:
            found.append(fault_found)
    return tuple(found)


def _licence_fault(
    group: frozenset[LicenceKind], licences: Sequence[LicenceValues], day: date
) -> Finding | None:
    kinds = tuple(sorted(group))
    name = " or ".join(kinds)
    own = [one for one in licences if one.kind in group]
    good = [one for one in own if one.valid_from <= day and (one.valid_to or date.max) >= day]
    if not good:
        ended = [one.valid_to for one in own if one.valid_to is not None and one.valid_to < day]
        if not ended:
            return Finding(Fault.LICENCE_MISSING, f"no {name} licence", kinds=kinds)
        until = max(ended)
        text = f"the {name} licence ended on {until}: ask for the new one"
        return Finding(Fault.LICENCE_EXPIRED, text, kinds=kinds, until=until)
    soon = day + SOON
    if any((one.valid_to or date.max) > soon for one in own if one.valid_from <= soon):
        return None
    until = max(one.valid_to for one in good if one.valid_to is not None)
    text = f"the {name} licence ends on {until}: ask for the new one"
    return Finding(Fault.LICENCE_ENDS_SOON, text, blocks=False, kinds=kinds, until=until)


@dataclass(frozen=True)
class Delivery:
    """One delivery, as orders and receiving know it."""

    due: date
    arrived: date
    arrived_quantity: int
    rejected_quantity: int


@dataclass(frozen=True)
class Appraisal:
    """How well somebody supplied (供应商考核)."""

    deliveries: int
    on_time_permille: int | None
    rejected_permille: int | None
    """Mean over deliveries of the share that was sent back; shares of grams and pieces mix."""
    score: int | None
    """0 to 100: 60 for being on time, 40 for goods that stay; 5 % sent back leave nothing of 40."""


_REJECTED_ALL_LOST = 50
"""Per mille."""


def appraise(deliveries: Sequence[Delivery]) -> Appraisal:
    """Score the deliveries of one supplier; nothing is said where there are none."""
    if not deliveries:
        return Appraisal(0, None, None, None)
    count = len(deliveries)
    on_time = 1000 * sum(one.arrived <= one.due for one in deliveries) // count
    shares = [
        1000 * one.rejected_quantity // one.arrived_quantity
        for one in deliveries
        if one.arrived_quantity > 0
    ]
    rejected = sum(shares) // len(shares) if shares else 0
    kept = max(0, _REJECTED_ALL_LOST - rejected) * 40 / _REJECTED_ALL_LOST
    return Appraisal(count, on_time, rejected, round(on_time * 60 / 1000 + kept))
