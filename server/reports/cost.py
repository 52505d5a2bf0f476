"""成本: what a meal costs by its recipes and by what left the store, and what drove the difference.

Standard is recipe times price of the day; actual is what was issued, at what each lot cost. Against
the earlier days the standard cost is taken apart into number, mix and price (:func:`drivers`), what
is left of the actual cost is use: more or less than the recipes say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from uuid import UUID

from flask_babel import gettext as _

from server.reports import prices
from server.reports.basis import Basis, beside, change
from server.reports.frame import (
    COVERS,
    PERCENT,
    PORTIONS,
    YUAN,
    Cell,
    Chart,
    Column,
    Link,
    Part,
    Report,
    Series,
    Table,
    per,
    permille,
)
from server.reports.measures import Values
from server.reports.scope import Dimension

_WHOLE = (
    "net", "covers", "portions", "standard_cost", "actual_cost", "cost_difference", "margin",
    "margin_permille", "cost_per_cover", "actual_per_cover", "uncosted_portions", "waste_fen",
)  # fmt: skip
_DISH = ("net", "portions", "standard_cost", "margin", "margin_permille", "uncosted_portions")
ENTRIES = "manage.report_stock_entries"
MOST_DISHES = 12
_NEITHER = 2
"""Half a fen more or less is no difference."""


@dataclass(frozen=True, slots=True)
class Drivers:
    """What made a standard cost another one, in fen; together they are the whole difference."""

    number: int
    """More or fewer portions of the same dishes."""
    mix: int
    """Dearer or cheaper dishes among them."""
    price: int
    """The same dishes at other prices, or by other recipes."""


def drivers(now: Mapping[UUID, tuple[int, int]], then: Mapping[UUID, tuple[int, int]]) -> Drivers:
    """Take the difference of two standard costs apart.

    A dish that was not sold in the earlier days has no earlier price: its cost counts as mix.

    Args:
        now: Dish → full portions and their standard cost in fen.
        then: The same of the earlier days.
    """
    ate, before = (sum(one[0] for one in side.values()) for side in (now, then))
    cost, cost_before = (sum(one[1] for one in side.values()) for side in (now, then))
    if not before or not ate:
        return Drivers(cost - cost_before, 0, 0)
    mean = Fraction(cost_before, before)
    number = _half_up((ate - before) * mean)
    price = Fraction(0)
    for dish, (portions, fen) in now.items():
        earlier = then.get(dish)
        if earlier and earlier[0]:
            price += fen - portions * Fraction(earlier[1], earlier[0])
    moved = _half_up(price)
    return Drivers(number, cost - cost_before - number - moved, moved)


def _half_up(value: Fraction) -> int:
    return int((2 * value + 1) // 2)


def build(basis: Basis) -> Report:
    """The report."""
    question = _("一份饭的成本是多少，差在哪里？")
    by_meal = _by_meal(basis)  # first: what issues were for tells the days as well
    now, then = basis.whole(*_WHOLE), basis.whole(*_WHOLE, then=True)
    if not now["portions"] and not now["actual_cost"]:
        return Report(question, _("这段时间没有卖出菜品，也没有领料。"), notes=_notes(now))
    dishes = {
        key[0]: value
        for key, value in basis.ask(_DISH, Dimension.DISH).items()
        if key[0] is not None and value["portions"]
    }
    before = {
        key[0]: value
        for key, value in basis.ask(
            ["portions", "standard_cost"], Dimension.DISH, then=True
        ).items()
        if key[0] is not None and value["portions"]
    }
    moved = drivers(_pairs(dishes), _pairs(before))
    compared = then if then["portions"] or then["actual_cost"] else None
    entries = _entries(basis)
    facts = [
        basis.fact("actual_per_cover", YUAN, now, compared, entries),
        basis.fact("cost_per_cover", YUAN, now, compared),
        basis.fact("cost_difference", YUAN, now, compared, entries),
        basis.fact("margin_permille", PERCENT, now, compared),
    ]
    bridge = [_bridge(basis, now, compared, moved)] if compared else []
    parts = [
        _over_time(basis), *bridge, by_meal, _by_dish(basis, dishes, before),
        prices.part(basis),
    ]  # fmt: skip
    return Report(
        question, _answer(now, compared, moved), facts,
        [part for part in parts if part.table.rows], _notes(now),
    )  # fmt: skip


def _pairs(values: Mapping[UUID, Values]) -> dict[UUID, tuple[int, int]]:
    return {dish: (one["portions"] or 0, one["standard_cost"] or 0) for dish, one in values.items()}


def _entries(basis: Basis, **more: str) -> Link:
    asked = basis.asked
    return asked.link(ENTRIES, asked.since, asked.until, **more)


def _answer(now: Values, then: Values | None, moved: Drivers) -> str:
    told = [
        _("每人次实际 %(actual)s，按配方应是 %(standard)s",
          actual=YUAN.told(now["actual_per_cover"]), standard=YUAN.told(now["cost_per_cover"])),
    ]  # fmt: skip
    extra, standard = now["cost_difference"] or 0, now["standard_cost"] or 0
    share = permille(abs(extra), standard)
    if share is not None and abs(extra) >= _NEITHER:
        told_as = {"fen": YUAN.told(abs(extra)), "share": PERCENT.told(share)}
        more = _("比配方多用 %(fen)s（%(share)s）", **told_as)
        told.append(more if extra > 0 else _("比配方少用 %(fen)s（%(share)s）", **told_as))
    if then and (against := change(now["cost_per_cover"], then["cost_per_cover"])):
        told.append(_("配方成本%(change)s", change=against))
        named = {_("进价"): moved.price, _("菜品结构"): moved.mix}
        most = max(named, key=lambda name: abs(named[name]))
        told.append(_("影响最大的是%(name)s（%(fen)s）", name=most, fen=_signed(named[most])))
    return str(_("；").join(told) + _("。"))


def _signed(fen: int) -> str:
    return f"{'+' if fen > 0 else ''}{YUAN.told(fen)}"


# --- when ---------------------------------------------------------------------------------------


def _columns(first: str) -> list[Column]:
    return [
        Column(first), Column(_("就餐人次"), COVERS), Column(_("净销售额"), YUAN),
        Column(_("标准成本"), YUAN), Column(_("实际成本"), YUAN), Column(_("多用"), YUAN),
        Column(_("人均实际"), YUAN), Column(_("毛利率"), PERCENT),
    ]  # fmt: skip


def _row(name: str, values: Values, sales: Link, entries: Link) -> list[Cell]:
    return [
        Cell(name), Cell(values["covers"], sales), Cell(values["net"], sales),
        Cell(values["standard_cost"]), Cell(values["actual_cost"], entries),
        Cell(values["cost_difference"]), Cell(values["actual_per_cover"]),
        Cell(values["margin_permille"]),
    ]  # fmt: skip


def _over_time(basis: Basis) -> Part:
    """Actual cost of each who ate, beside what the recipes say."""
    found = basis.ask(_WHOLE, basis.dimension)
    earlier = basis.ask(["actual_per_cover"], basis.dimension, then=True)
    asked, rows = basis.asked, []
    labels: list[str] = []
    actual: list[int | None] = []
    standard: list[int | None] = []
    links: list[Link | None] = []
    for one in basis.steps():
        values = found.get((one.key,))
        entries = asked.link(ENTRIES, one.since, one.until)
        labels.append(one.label)
        actual.append(values["actual_per_cover"] if values else None)
        standard.append(values["cost_per_cover"] if values else None)
        links.append(entries)
        if values:
            rows.append(_row(one.label, values, asked.sales(one.since, one.until), entries))
    then = [earlier.get((one.key,), {}).get("actual_per_cover") for one in basis.steps(then=True)]
    chart = Chart(
        _("每人次成本"), YUAN, labels,
        [
            Series(_("实际"), "actual", actual, links),
            Series(_("按配方"), "standard", standard, links),
        ],
        beside(then, len(labels)), grouped=True,
    )  # fmt: skip
    total = basis.whole(*_WHOLE)
    sums = _row(_("合计"), total, asked.sales(), _entries(basis))
    return Part(
        "time", _("每人次成本怎么变？"), Table(_columns(basis.step_name), rows, sums), chart
    )


def _by_meal(basis: Basis) -> Part:
    found = {key[0]: value for key, value in basis.ask(_WHOLE, Dimension.MEAL).items()}
    order = [*(code for code in basis.meals if code in found)]
    order += [code for code in found if code not in basis.meals]
    rows = []
    for code in order:
        sales, entries = basis.asked.sales(period=code), _entries(basis, period=code)
        rows.append(_row(basis.meal(code), found[code], sales, entries))
    return Part("meal", _("哪一餐成本高？"), Table(_columns(_("餐次")), rows))


# --- why ----------------------------------------------------------------------------------------


def _bridge(basis: Basis, now: Values, then: Values, moved: Drivers) -> Part:
    """From the actual cost of the earlier days to that of these, in steps that add up."""
    use = (now["cost_difference"] or 0) - (then["cost_difference"] or 0)
    steps = [
        (_("份数：多卖或少卖"), moved.number, _("同样的菜，份数不同")),
        (_("结构：菜贵或便宜"), moved.mix, _("贵的菜或便宜的菜卖得更多，包括新菜")),
        (_("进价：食材涨或跌"), moved.price, _("同样的菜，进价或配方不同")),
        (_("用量：比配方多或少"), use, _("领出的比配方多或少，包括浪费和余料")),
    ]
    rows = [[Cell(name), Cell(fen), Cell(why)] for name, fen, why in steps]
    rows = [
        [Cell(_("上期实际成本")), Cell(then["actual_cost"]), Cell(basis.asked.then_span)],
        *rows,
    ]
    sums = [Cell(_("本期实际成本")), Cell(now["actual_cost"], _entries(basis)), Cell("")]
    series = Series(_("变化"), "actual", [fen for _name, fen, _why in steps])
    chart = Chart(
        _("实际成本变化的原因"), YUAN, [name for name, _fen, _why in steps], [series], across=True
    )
    columns = [Column(_("原因")), Column(_("金额"), YUAN), Column(_("含义"))]
    return Part("why", _("成本为什么变？"), Table(columns, rows, sums), chart)


def _by_dish(basis: Basis, now: Mapping[UUID, Values], then: Mapping[UUID, Values]) -> Part:
    names = basis.dish_names()
    order = sorted(now, key=lambda one: (-(now[one]["standard_cost"] or 0), str(one)))
    rows = []
    for one in order:
        values, early = now[one], then.get(one)
        portions = values["portions"] or 0
        cost = per(values["standard_cost"] or 0, portions)
        before = per(early["standard_cost"] or 0, early["portions"] or 0) if early else None
        sales = basis.asked.sales(dish=str(one))
        unknown = values["uncosted_portions"] == portions
        rows.append([
            Cell(names.get(one, "")), Cell(portions, sales), Cell(values["net"], sales),
            Cell(None if unknown else cost), Cell(before), Cell(values["standard_cost"]),
            Cell(None if unknown else values["margin"]),
            Cell(None if unknown else values["margin_permille"]),
        ])  # fmt: skip
    columns = [
        Column(_("菜品")), Column(_("卖出"), PORTIONS), Column(_("净销售额"), YUAN),
        Column(_("一份成本"), YUAN), Column(_("上期一份"), YUAN), Column(_("标准成本"), YUAN),
        Column(_("毛利"), YUAN), Column(_("毛利率"), PERCENT),
    ]  # fmt: skip
    top = order[:MOST_DISHES]
    links = [basis.asked.sales(dish=str(one)) for one in top]
    series = Series(_("标准成本"), "standard", [now[one]["standard_cost"] for one in top], links)
    labels = [names.get(one, "") for one in top]
    chart = Chart(_("成本最多的菜"), YUAN, labels, [series], across=True)
    return Part("dish", _("成本花在哪些菜上？"), Table(columns, rows), chart)


def _notes(now: Values) -> list[str]:
    notes = [
        _("标准成本是估算：折合整份 × 配方用量 × 当天进价，不含人工和水电。"),
        _("实际成本按领料当天计：领出的料不一定当天用完，看一周或一月更准。"),
        _("毛利按标准成本计算。"),
    ]
    if unknown := now["uncosted_portions"]:
        notes.insert(0, _("有 %(n)s 份没有配方或缺进价，标准成本少计。", n=PORTIONS.text(unknown)))
    return notes
