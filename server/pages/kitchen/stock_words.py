"""Words of the store on its pages: movements, lights, purposes, units."""

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from dafan.quantity import Measure
from kitchen import labels
from kitchen.stock_alerts import Alert
from kitchen.stock_book import MAIN, Kind
from kitchen.stock_issues import Purpose
from kitchen.zones import Shape
from server.pages.kitchen.blueprint import kitchen

KINDS: dict[str, LazyString] = {
    Kind.IN: _l("入库"), Kind.OUT: _l("领料"), Kind.TRANSFER_IN: _l("调入"),
    Kind.TRANSFER_OUT: _l("调出"), Kind.COUNT: _l("盘点差异"), Kind.WASTE: _l("报损"),
    Kind.RETURN: _l("退货"), Kind.BACK: _l("退库"),
}  # fmt: skip
PURPOSES: dict[str, LazyString] = {
    Purpose.STAFF_MEAL: _l("员工餐"), Purpose.TASTING: _l("试菜"),
    Purpose.CLEANING: _l("清洁"), Purpose.OTHER: _l("其他用途"),
}  # fmt: skip
REASONS: dict[str, LazyString] = {
    "spoilage": _l("变质"), "expiry": _l("过期"), "damage": _l("破损"), "trim": _l("边角料"),
}  # fmt: skip
LIGHTS: dict[str, tuple[str, LazyString]] = {
    Alert.EXPIRED: ("stop", _l("已过期")), Alert.HELD: ("stop", _l("已冻结")),
    Alert.LAST_THIRD: ("warn", _l("临期")), Alert.BELOW_MINIMUM: ("warn", _l("低于下限")),
    Alert.ABOVE_MAXIMUM: ("warn", _l("高于上限")),
}  # fmt: skip
_UNITS = {Measure.MASS: "kg", Measure.VOLUME: "L", Measure.COUNT: "piece"}
_DRAWN = {
    Shape.CIRCLE: "M10 1a9 9 0 110 18 9 9 0 010-18z",
    Shape.DIAMOND: "M10 0l10 10-10 10L0 10z",
    Shape.SQUARE: "M1.5 1.5h17v17h-17z",
    Shape.TRIANGLE: "M10 1l10 18H0z",
    Shape.HEXAGON: "M5 1h10l5 9-5 9H5l-5-9z",
}


@kitchen.app_template_filter("measured")
def measured(quantity: int, measure: str) -> str:
    """``12500`` grams → ``12.5 kg``; what leaves keeps its sign."""
    text = labels.show(abs(quantity), Measure(measure))
    if measure == Measure.COUNT.value:
        text = _("%(n)s 个", n=abs(quantity))
    return f"−{text}" if quantity < 0 else str(text)


@kitchen.app_template_filter("place")
def place(name: str) -> str:
    """The place as people call it."""
    return str(_("主库")) if name == MAIN else name


@kitchen.app_template_filter("drawn")
def drawn(shape: Shape) -> str:
    """The outline of a zone's shape, in a square of 20."""
    return _DRAWN[shape]


def unit(measure: str) -> str:
    """In which a quantity of this measure is typed."""
    return _UNITS[Measure(measure)]


@kitchen.app_template_filter("movement")
def movement(kind: str) -> str:
    """Why something moved."""
    return str(KINDS.get(kind, kind))


@kitchen.app_template_filter("light")
def light(alert: str) -> tuple[str, LazyString]:
    """Sign and word of a light."""
    return LIGHTS[alert]


def purpose(kind: str) -> str:
    """What something was taken for, where no batch cooked it."""
    return str(PURPOSES.get(kind, kind))
