"""What the kitchen's catalogue writes as codes, in the words of the pages."""

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from dafan.money import Fen
from dafan.quantity import Measure
from kitchen.ingredients import Allergen, Keep
from kitchen.menu_checks import Fault, Finding
from kitchen.nutrition import Nutrient
from server.pages.formats import DASH, yuan

NUTRIENTS: dict[str, LazyString] = {
    Nutrient.ENERGY: _l("能量"),
    Nutrient.PROTEIN: _l("蛋白质"),
    Nutrient.FAT: _l("脂肪"),
    Nutrient.SATURATED_FAT: _l("饱和脂肪"),
    Nutrient.CARBOHYDRATE: _l("碳水化合物"),
    Nutrient.FIBRE: _l("膳食纤维"),
    Nutrient.SUGAR: _l("糖"),
    Nutrient.CHOLESTEROL: _l("胆固醇"),
    Nutrient.SODIUM: _l("钠"),
    Nutrient.POTASSIUM: _l("钾"),
    Nutrient.CALCIUM: _l("钙"),
    Nutrient.IRON: _l("铁"),
    Nutrient.VITAMIN_A: _l("维生素 A"),
    Nutrient.VITAMIN_C: _l("维生素 C"),
}
MAIN = (
    Nutrient.ENERGY, Nutrient.PROTEIN, Nutrient.FAT, Nutrient.CARBOHYDRATE, Nutrient.SODIUM,
)  # fmt: skip
"""Without these a dish's label says too little (GB 28050: 1+4)."""

ALLERGENS: dict[str, LazyString] = {
    Allergen.GLUTEN: _l("麸质"),
    Allergen.CRUSTACEANS: _l("甲壳类"),
    Allergen.FISH: _l("鱼"),
    Allergen.EGG: _l("蛋"),
    Allergen.PEANUT: _l("花生"),
    Allergen.SOY: _l("大豆"),
    Allergen.MILK: _l("乳"),
    Allergen.NUTS: _l("坚果"),
}
KEEPS: dict[str, LazyString] = {
    Keep.AMBIENT: _l("常温"), Keep.CHILLED: _l("冷藏"), Keep.FROZEN: _l("冷冻"),
}  # fmt: skip
MEASURES: dict[str, LazyString] = {
    Measure.MASS: _l("克"), Measure.VOLUME: _l("毫升"), Measure.COUNT: _l("个"),
}  # fmt: skip
_PRICED: dict[str, LazyString] = {
    Measure.MASS: _l("公斤"), Measure.VOLUME: _l("升"), Measure.COUNT: _l("个"),
}  # fmt: skip
_FINDINGS: dict[Fault, LazyString] = {
    Fault.REPEATED_MAIN: _l("主料重复：%(about)s（%(dishes)s）"),
    Fault.FORBIDDEN: _l("搭配禁忌：%(dishes)s %(about)s"),
    Fault.TOO_DEAR: _l("人均成本 %(fen)s，目标 %(wanted)s"),
    Fault.NO_PRICE: _l("有食材没有单价，成本偏低：%(dishes)s"),
    Fault.NO_RECIPE: _l("没有配方，成本和营养都不知道：%(dishes)s"),
    Fault.FEW_VEGETABLES: _l("人均蔬菜 %(amount)s 克，至少 %(bound)s 克"),
    Fault.NUTRIENT_UNKNOWN: _l("%(nutrient)s不全：%(dishes)s"),
    Fault.NUTRIENT_HIGH: _l("人均%(nutrient)s %(amount)s %(unit)s，最多 %(bound)s"),
    Fault.NUTRIENT_LOW: _l("人均%(nutrient)s %(amount)s %(unit)s，至少 %(bound)s"),
    Fault.ALLERGEN: _l("%(dishes)s含%(allergen)s"),
}

_AGAIN = _l("%(dishes)s前几餐刚上过")


def finding(found: Finding) -> str:
    """What is to be looked at in a menu, in the person's language."""
    nutrient = Nutrient(found.about) if found.fault in _OF_NUTRIENTS else None
    again = found.fault is Fault.REPEATED_MAIN and len(found.dishes) == 1
    return str(_AGAIN if again else _FINDINGS[found.fault]) % {
        "about": found.about,
        "dishes": str(_l("、")).join(found.dishes),
        "fen": yuan(Fen(found.amount)),
        "wanted": yuan(Fen(found.bound)),
        "amount": found.amount,
        "bound": found.bound,
        "nutrient": "" if nutrient is None else NUTRIENTS[nutrient],
        "unit": "" if nutrient is None else nutrient.unit,
        "allergen": ALLERGENS.get(found.about, ""),
    }


_OF_NUTRIENTS = {Fault.NUTRIENT_UNKNOWN, Fault.NUTRIENT_HIGH, Fault.NUTRIENT_LOW}


def priced(amount: int | None, measure: str) -> str:
    """``¥12.80/公斤``; nothing known → a dash."""
    if amount is None:
        return DASH
    return f"{yuan(Fen(amount))}/{_PRICED[measure]}"


def allergens(codes: list[str] | tuple[str, ...]) -> str:
    """``麸质、蛋``; none → empty."""
    return str(_l("、")).join(str(ALLERGENS[code]) for code in codes)
