"""What the kitchen's catalogue writes as codes, in the words of the pages."""

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from dafan.money import Fen
from dafan.quantity import Measure
from kitchen.ingredients import Allergen, Keep
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


def priced(amount: int | None, measure: str) -> str:
    """``¥12.80/公斤``; nothing known → a dash."""
    if amount is None:
        return DASH
    return f"{yuan(Fen(amount))}/{_PRICED[measure]}"


def allergens(codes: list[str] | tuple[str, ...]) -> str:
    """``麸质、蛋``; none → empty."""
    return str(_l("、")).join(str(ALLERGENS[code]) for code in codes)
