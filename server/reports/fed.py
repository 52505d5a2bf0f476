"""营养: what those who ate here got from a meal, by the recipes, beside the Dietary Guidelines."""

from collections.abc import Mapping
from fractions import Fraction

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from kitchen import menu_checks
from kitchen.nutrition import DAY, ENERGY_SHARES, Amount, Content, Nutrient, Range, energy_shares
from server.reports.basis import Basis, beside, change
from server.reports.cost_rows import NUTRIENTS
from server.reports.frame import (
    COVERS,
    PERCENT,
    PORTIONS,
    Cell,
    Chart,
    Column,
    Fact,
    Part,
    Report,
    Series,
    Table,
    Unit,
    per,
    permille,
)
from server.reports.measures import Values
from server.reports.scope import Dimension

KCAL = Unit(_l("千卡"), 1000)
GRAMS = Unit(_l("克"), 1000, 1)
MILLIGRAMS = Unit(_l("毫克"), 1000)
_UNITS = {
    "energy": KCAL, "protein": GRAMS, "fat": GRAMS, "carbohydrate": GRAMS, "sodium": MILLIGRAMS,
}  # fmt: skip
_NAMES: Mapping[str, LazyString] = {
    "energy": _l("能量"), "protein": _l("蛋白质"), "fat": _l("脂肪"),
    "carbohydrate": _l("碳水化合物"), "sodium": _l("钠"),
}  # fmt: skip
_GIVES = ("protein", "fat", "carbohydrate")
"""What energy comes from."""
_EACH = tuple(f"{code}_per_cover" for code in NUTRIENTS)
_WHOLE = (*NUTRIENTS, *_EACH, "covers", "portions", "told_portions", "told_permille")
MOST_DISHES = 12
_ENOUGH = 950
"""Of thousand portions so many must tell all, or the report says that its figures are too low."""


def build(basis: Basis) -> Report:
    """The report."""
    question = _("吃得够不够，油盐多不多？")
    now, then = basis.whole(*_WHOLE), basis.whole(*_WHOLE, then=True)
    if not now["told_portions"]:
        return Report(question, _("这段时间没有卖出能算出营养的菜。"), notes=_notes(now))
    compared = then if then["told_portions"] else None
    facts = [
        basis.fact("energy_per_cover", KCAL, now, compared),
        basis.fact("sodium_per_cover", MILLIGRAMS, now, compared),
        Fact(
            _("脂肪供能占比"), _shares(now).get("fat"), PERCENT, _shares(then).get("fat"),
            foot=_advised(ENERGY_SHARES[Nutrient.FAT], PERCENT),
        ),
        basis.fact("told_permille", PERCENT, now, compared),
    ]  # fmt: skip
    parts = [_by_meal(basis), _shares_by_meal(basis), _over_time(basis), _by_dish(basis)]
    return Report(
        question, _answer(basis, now, compared), facts,
        [part for part in parts if part.table.rows], _notes(now),
    )  # fmt: skip


def _shares(values: Values) -> dict[str, int]:
    """Which thousandths of the energy protein, fat and carbohydrate give; empty: none is known."""
    amounts = {NUTRIENTS[code]: Amount(Fraction(values[code] or 0), 1000) for code in _GIVES}
    found = energy_shares(Content(amounts, {}, ()))
    return {code: found[NUTRIENTS[code]] for code in _GIVES} if found else {}


def _advised(wanted: Range | None, unit: Unit, scale: int = 1) -> str:
    """What is well, as people read it; empty where nothing is laid down."""
    if wanted is None:
        return ""
    low, high = (
        None if one is None else unit.text(one * scale) for one in (wanted.low, wanted.high)
    )
    word = "%" if str(unit.word) == "%" else f" {unit.word}"
    if low is None:
        return str(_("建议不超过 %(high)s", high=f"{high}{word}"))
    return str(_("建议 %(range)s", range=f"{low}–{high}{word}"))


def _answer(basis: Basis, now: Values, then: Values | None) -> str:
    told = [
        _("平均每人次 %(energy)s，钠 %(sodium)s", energy=KCAL.told(now["energy_per_cover"]),
          sodium=MILLIGRAMS.told(now["sodium_per_cover"])),
    ]  # fmt: skip
    if then and (against := change(now["sodium_per_cover"], then["sodium_per_cover"])):
        told.append(_("钠%(change)s", change=against))
    found = {key[0]: value for key, value in basis.ask(_WHOLE, Dimension.MEAL).items()}
    salty = [basis.meal(code) for code in basis.meals if _judged(code, "sodium", found.get(code))]
    if salty:
        told.append(_("%(meals)s的钠超过建议", meals=_("、").join(salty)))
    fat = _shares(now).get("fat")
    if fat is not None and ENERGY_SHARES[Nutrient.FAT].judge(Fraction(fat)) > 0:
        told.append(_("脂肪供能 %(share)s，偏高", share=PERCENT.told(fat)))
    return str(_("；").join(told) + _("。"))


def _judged(period: str, code: str, values: Values | None) -> bool:
    """Whether a meal gives more than it should of what is known."""
    wanted = menu_checks.norm_of(period).get(NUTRIENTS[code])
    each = values[f"{code}_per_cover"] if values else None
    return wanted is not None and each is not None and wanted.judge(Fraction(each, 1000)) > 0


# --- by meal ------------------------------------------------------------------------------------


def _columns(first: str) -> list[Column]:
    return [
        Column(first), Column(_("就餐人次"), COVERS),
        *(Column(str(_NAMES[code]), _UNITS[code]) for code in NUTRIENTS),
        Column(_("营养已知"), PERCENT),
    ]  # fmt: skip


def _cells(values: Values) -> list[Cell]:
    return [*(Cell(values[code]) for code in _EACH), Cell(values["told_permille"])]


def _meals(basis: Basis) -> list[tuple[str, Values]]:
    found = {
        key[0]: value for key, value in basis.ask(_WHOLE, Dimension.MEAL).items()
        if value["portions"]
    }  # fmt: skip
    order = [*(code for code in basis.meals if code in found)]
    order += [code for code in found if code not in basis.meals]
    return [(code, found[code]) for code in order]


def _by_meal(basis: Basis) -> Part:
    """What one who ate got, with what the Guidelines say of such a meal beside it."""
    meals = _meals(basis)
    rows = []
    for code, values in meals:
        sales = basis.asked.sales(period=code)
        norm = menu_checks.norm_of(code)
        rows.append([
            Cell(basis.meal(code)), Cell(values["covers"], sales), *_cells(values),
            Cell(_advised(norm.get(Nutrient.ENERGY), KCAL, 1000) or None),
            Cell(_advised(norm.get(Nutrient.SODIUM), MILLIGRAMS, 1000) or None),
        ])  # fmt: skip
    columns = [*_columns(_("餐次")), Column(_("能量建议")), Column(_("钠建议"))]
    salt = [values["sodium_per_cover"] for _code, values in meals]
    bounds = [menu_checks.norm_of(code).get(Nutrient.SODIUM) for code, _values in meals]
    advised = [one.high * 1000 if one and one.high else None for one in bounds]
    chart = Chart(
        _("每人次的钠"), MILLIGRAMS, [basis.meal(code) for code, _values in meals],
        [Series(_("卖出的钠"), "sodium", salt), Series(_("钠，建议不超过"), "advised", advised)],
        grouped=True,
    )  # fmt: skip
    return Part("meal", _("每餐给了多少？"), Table(columns, rows), chart)


def _shares_by_meal(basis: Basis) -> Part:
    """Which part of the energy protein, fat and carbohydrate give."""
    meals = [(basis.meal(code), _shares(values)) for code, values in _meals(basis)]
    meals = [one for one in meals if one[1]]
    rows = [[Cell(name), *(Cell(shares[code]) for code in _GIVES)] for name, shares in meals]
    wanted = [ENERGY_SHARES[NUTRIENTS[code]] for code in _GIVES]
    if rows:
        rows.append([Cell(_("膳食指南")), *(Cell(_advised(one, PERCENT)) for one in wanted)])
    columns = [Column(_("餐次")), *(Column(str(_NAMES[code]), PERCENT) for code in _GIVES)]
    series = [Series(str(_NAMES[code]), code, [one[1][code] for one in meals]) for code in _GIVES]
    chart = Chart(_("能量从哪里来"), PERCENT, [one[0] for one in meals], series)
    return Part("shares", _("能量从哪里来？"), Table(columns, rows), chart)


def _over_time(basis: Basis) -> Part:
    steps = basis.steps()
    found = basis.ask(_WHOLE, basis.dimension)
    earlier = basis.ask(["energy_per_cover"], basis.dimension, then=True)
    rows, values = [], []
    for one in steps:
        here = found.get((one.key,))
        values.append(here["energy_per_cover"] if here else None)
        if here and here["portions"]:
            sales = basis.asked.sales(one.since, one.until)
            rows.append([Cell(one.label), Cell(here["covers"], sales), *_cells(here)])
    whole = basis.whole(*_WHOLE)
    sums = [Cell(_("平均")), Cell(whole["covers"], basis.asked.sales()), *_cells(whole)]
    then = [earlier.get((one.key,), {}).get("energy_per_cover") for one in basis.steps(then=True)]
    chart = Chart(
        _("每人次的能量"), KCAL, [one.label for one in steps],
        [Series(_("能量"), "energy", values)], beside(then, len(steps)),
    )  # fmt: skip
    return Part(
        "time",
        _("和前些天比怎么样？"),
        Table(_columns(basis.step_name), rows, sums),
        chart,
        _("每人次的能量"),
    )


def _by_dish(basis: Basis) -> Part:
    """Which dishes bring the salt."""
    found = {
        key[0]: value for key, value in basis.ask(_DISH, Dimension.DISH).items()
        if key[0] is not None and value["portions"]
    }  # fmt: skip
    names = basis.dish_names()
    order = sorted(found, key=lambda one: (-(found[one]["sodium"] or 0), str(one)))
    salt = sum(value["sodium"] or 0 for value in found.values())
    rows = []
    for one in order:
        values = found[one]
        portions, told = values["portions"] or 0, bool(values["told_portions"])
        each = [per(values[code] or 0, portions) if told else None for code in NUTRIENTS]
        rows.append([
            Cell(names.get(one, "")), Cell(portions, basis.asked.sales(dish=str(one))),
            *(Cell(value) for value in each),
            Cell(permille(values["sodium"] or 0, salt) if told else None),
        ])  # fmt: skip
    columns = [
        Column(_("菜品")), Column(_("卖出"), PORTIONS),
        *(Column(_("一份%(what)s", what=_NAMES[code]), _UNITS[code]) for code in NUTRIENTS),
        Column(_("占全部钠"), PERCENT),
    ]  # fmt: skip
    top = [one for one in order if found[one]["sodium"]][:MOST_DISHES]
    series = Series(_("钠"), "sodium", [permille(found[one]["sodium"] or 0, salt) for one in top])
    labels = [names.get(one, "") for one in top]
    chart = Chart(_("钠最多的菜，占全部"), PERCENT, labels, [series], across=True)
    return Part("dish", _("盐从哪些菜来？"), Table(columns, rows), chart, _("钠最多的菜，占全部"))


_DISH = (*NUTRIENTS, "portions", "told_portions")


def _notes(now: Values) -> list[str]:
    notes = [
        _("营养是估算：卖出的整份 × 配方里可食部分的营养，不含烹调损失，也不减盘中剩余。"),
        _("建议来自《中国居民膳食指南（2022）》：一天 %(low)s–%(high)s 千卡、"
          "钠不超过 %(salt)s 毫克，按早、午、晚餐分。",
          low=DAY[Nutrient.ENERGY].low, high=DAY[Nutrient.ENERGY].high,
          salt=DAY[Nutrient.SODIUM].high),
        _("人次里有人只买一样，所以平均低于一份整餐。"),
    ]  # fmt: skip
    if (known := now["told_permille"]) is not None and known < _ENOUGH:
        share = PERCENT.told(known)
        notes.insert(0, _("只有 %(share)s 的份数营养已知，其余没算进去，实际更高。", share=share))
    return notes
