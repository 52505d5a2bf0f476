"""Where the record is made that closes an act of the day by itself (去晨检, 去检测, 去留样)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import url_for
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from kitchen.supervision import SupervisionItem


@dataclass(frozen=True, slots=True)
class Door:
    """The page on which a kind of record is made.

    Attributes:
        endpoint: Of the page.
        words: Of the button that leads there.
        at: What its address says besides.
        of_meal: The page shows one meal: that of the act.
    """

    endpoint: str
    words: LazyString
    at: Mapping[str, str] = field(default_factory=dict)
    of_meal: bool = False


DOORS: Mapping[str, Door] = {
    "morning.all": Door("kitchen.morning_list", _l("去晨检")),
    "fridge.reading": Door("kitchen.cabinets", _l("去记温度")),
    "freezer.reading": Door("kitchen.cabinets", _l("去记温度")),
    "sample_cabinet.reading": Door("kitchen.cabinets", _l("去记温度")),
    "receiving.day": Door("kitchen.receiving", _l("去收货")),
    "pesticide.day": Door("kitchen.receiving", _l("去检测")),
    "scales.day": Door("manage.scales_list", _l("去核查秤")),
    "additives.meal": Door("kitchen.additive_list", _l("去登记")),
    "disinfection.meal": Door("kitchen.ledger", _l("去登记"), {"book": "disinfection"}),
    "samples.meal": Door("kitchen.samples", _l("去留样"), of_meal=True),
    "samples.disposed": Door("kitchen.samples", _l("去销毁")),
    "oil.day": Door("kitchen.ledger", _l("去登记"), {"book": "oil"}),
    "pest.day": Door("kitchen.ledger", _l("去登记"), {"book": "pests"}),
    "waste.day": Door("kitchen.collectors", _l("去交接")),
    "meters.day": Door("kitchen.meter_list", _l("去抄表")),
}
"""Every kind of ``fulfilled_by`` that ships has its page here; a test holds it."""


@dataclass(frozen=True, slots=True)
class Way:
    """A button: where it leads, and its words."""

    address: str
    words: LazyString


def way(row: SupervisionItem) -> Way | None:
    """To the page where the record of an act is made; ``None`` for what no record closes."""
    door = DOORS.get(row.fulfilled_by or "")
    if door is None:
        return None
    at: dict[str, Any] = {**door.at}
    if door.of_meal and row.meal:
        at |= {"day": row.business_date.isoformat(), "period": row.meal}
    return Way(url_for(door.endpoint, **at), door.words)
