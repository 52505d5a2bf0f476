"""反食品浪费自评: the indicators of each stage, as a canteen reports them every quarter.

Its stages (采购, 储存, 加工, 消费, 餐厨垃圾) and contents (制度建设, 措施落实, 监督管理, 宣传教育,
浪费监测统计) are those of 国管节能〔2023〕211号, by which organs at county level and above evaluate
their canteens since 2024. What only people can tell is left to be written on the printed sheet.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import func, select

from dafan.records import Portion, Unit
from kitchen.production import Batch, BatchState
from kitchen.rectification import Finding, Step
from kitchen.waste import BENCHMARKS, Category
from server.reports import day_sums
from server.reports.basis import Basis
from server.reports.day_rows import DayDishes
from server.reports.frame import (
    GRAMS_A_COVER,
    KILOGRAMS,
    PERCENT,
    TIMES,
    YUAN,
    Cell,
    Column,
    Fact,
    Link,
    Part,
    Report,
    Table,
    per,
    permille,
)
from server.reports.frame import Unit as Shown
from server.reports.measures import Values
from server.reports.scope import Dimension
from server.reports.waste import RECORDS

_NOTHING: Values = {"waste_grams": 0, "waste_fen": 0}


@dataclass(frozen=True, slots=True)
class _Line:
    """An indicator of a stage."""

    stage: str
    name: str
    now: int | None
    then: int | None
    unit: Shown
    basis: str
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class _Side:
    """Everything that is counted of a range of days."""

    covers: int
    cost: int
    causes: dict[str, Values]
    meals: dict[str, tuple[int, int]]
    """Meal period → grams left on plates, covers."""
    cooked: int
    left: int
    small: int
    counted: int
    found: int
    verified: int
    open_days: int
    weighed_days: int

    def grams(self, code: Category) -> int:
        """Thrown away for a cause."""
        return self.causes.get(code.value, _NOTHING)["waste_grams"] or 0

    @property
    def food(self) -> int:
        """Grams of all food, without oil."""
        return sum(self.grams(code) for code in Category if code is not Category.OIL)


def build(basis: Basis) -> Report:
    """The report."""
    question = _("反食品浪费做得怎么样？")
    now, then = _side(basis), _side(basis, then=True)
    if not now.covers and not now.food:
        return Report(question, _("这段时间没有就餐，也没有称过餐厨垃圾。"))
    lines = [*_stages(basis, now, then), *_people(now, then)]
    columns = [
        Column(_("环节")), Column(_("指标")), Column(_("本期"), mixed=True),
        Column(_("上期"), mixed=True), Column(_("单位")), Column(_("依据")),
    ]  # fmt: skip
    rows = [
        [
            Cell(one.stage), Cell(one.name), Cell(one.now, one.link, one.unit),
            Cell(one.then, None, one.unit), Cell(str(one.unit.word)), Cell(one.basis),
        ]
        for one in lines
    ]  # fmt: skip
    written = [
        [Cell(_("制度建设")), Cell(_("反食品浪费制度和责任人")), Cell("")],
        [Cell(_("措施落实")), Cell(_("小份菜、按需取餐、净菜采购、余料再用")), Cell("")],
        [Cell(_("宣传教育")), Cell(_("标识、提醒、培训和活动的次数")), Cell("")],
        [Cell(_("监督管理")), Cell(_("检查、通报和整改")), Cell("")],
        [Cell(_("自评结论")), Cell(_("负责人签字、日期")), Cell("")],
    ]
    sheet = [Column(_("内容")), Column(_("要点")), Column(_("由单位填写"))]
    facts = _facts(now, then)
    return Report(
        question, _answer(now, then), facts,
        [
            Part("indicators", _("各环节指标"), Table(columns, rows)),
            Part("written", _("要由人来写的"), Table(sheet, written)),
        ],
        [
            _("环节和内容依据国管节能〔2023〕211 号；分值由各地标准规定，这里只给指标。"),
            _("标准成本和浪费金额是估算。"),
        ],
    )  # fmt: skip


def _side(basis: Basis, *, then: bool = False) -> _Side:
    whole = basis.whole("covers", "actual_cost", then=then)
    causes = basis.ask(["waste_grams", "waste_fen"], Dimension.CATEGORY, then=then)
    plate = basis.ask(["waste_grams"], Dimension.MEAL, then=then, category=Category.PLATE.value)
    ate = basis.ask(["covers"], Dimension.MEAL, then=then)
    days = basis.ask(["covers"], Dimension.DAY, then=then)
    weighed = basis.ask(["waste_grams"], Dimension.DAY, then=then)
    open_days = {key for key, value in days.items() if value["covers"]}
    return _Side(
        whole["covers"] or 0, whole["actual_cost"] or 0,
        {key[0]: value for key, value in causes.items()},
        {
            key[0]: (value["waste_grams"] or 0, ate.get(key, {}).get("covers") or 0)
            for key, value in plate.items()
        },
        *_cooked(basis, then=then), *_portions(basis, then=then), *_findings(basis, then=then),
        len(open_days), len(open_days & {*weighed}),
    )  # fmt: skip


def _cooked(basis: Basis, *, then: bool) -> tuple[int, int]:
    """Grams cooked, and grams of them that nobody took."""
    scope = basis.scope(then=then)
    query = select(func.sum(Batch.cooked_grams), func.sum(Batch.left_grams)).where(
        Batch.site_id == basis.site_id,
        Batch.business_date.between(scope.since, scope.until),
        Batch.state.in_([BatchState.SERVED.value, BatchState.CLOSED.value]),
    )
    if venue := scope.only.get(Dimension.VENUE):
        query = query.where(Batch.venue_id == venue)
    if period := scope.only.get(Dimension.MEAL):
        query = query.where(Batch.period == period)
    cooked, left = basis.session.execute(query).one()
    return int(cooked or 0), int(left or 0)


def _portions(basis: Basis, *, then: bool) -> tuple[int, int]:
    """Half and small portions, and all that were counted."""
    scope = basis.scope(then=then)
    where = {
        {Dimension.VENUE: "venue_id", Dimension.MEAL: "period"}[one]: key
        for one, key in scope.only.items()
    }
    found = day_sums.rows(
        basis.session, basis.site_id, DayDishes, scope.since, scope.until,
        by=["portion"], sums=["quantity"], where={**where, "unit": Unit.PIECE.value},
    )  # fmt: skip
    sums: Counter[str] = Counter()
    for portion, count in found:
        sums[portion] += int(count)
    whole = sums.total()
    return whole - sums[Portion.FULL.value], whole


def _findings(basis: Basis, *, then: bool) -> tuple[int, int]:
    """What was found wrong in the kitchen, and how much of it is verified as put right."""
    scope = basis.scope(then=then)
    query = select(Finding.state, func.count()).where(
        Finding.site_id == basis.site_id, Finding.business_date.between(scope.since, scope.until)
    )
    counted = basis.session.execute(query.group_by(Finding.state))
    found: dict[str, int] = {state: count for state, count in counted}  # noqa: C416 - rows, not pairs
    return sum(found.values()), found.get(Step.VERIFIED.value, 0)


def _facts(now: _Side, then: _Side) -> list[Fact]:
    return [
        Fact(_("人均浪费"), per(10 * now.food, now.covers), GRAMS_A_COVER,
             per(10 * then.food, then.covers)),
        Fact(_("人均盘中剩余"), per(10 * now.grams(Category.PLATE), now.covers), GRAMS_A_COVER,
             per(10 * then.grams(Category.PLATE), then.covers)),
        Fact(_("剩菜率"), permille(now.left, now.cooked), PERCENT,
             permille(then.left, then.cooked)),
        Fact(_("称重天数占比"), permille(now.weighed_days, now.open_days), PERCENT,
             permille(then.weighed_days, then.open_days)),
    ]  # fmt: skip


def _answer(now: _Side, then: _Side) -> str:
    each = per(10 * now.food, now.covers)
    before = per(10 * then.food, then.covers)
    told = [_("餐厨垃圾 %(much)s", much=KILOGRAMS.told(now.food))]
    if each is not None:
        told.append(_("平均每人次 %(each)s 克", each=GRAMS_A_COVER.text(each)))
    if each is not None and before:
        percent = round(100 * abs(each - before) / before)
        down = _("人均比上期少 %(n)s%%", n=percent)
        told.append(down if each <= before else _("人均比上期多 %(n)s%%", n=percent))
    plate = per(100 * now.grams(Category.PLATE), now.covers * BENCHMARKS[0].grams)
    if plate is not None:
        told.append(_("盘中剩余是城市餐饮业平均的 %(n)s%%", n=plate))
    return str(_("，").join(told) + _("。"))


def _stages(basis: Basis, now: _Side, then: _Side) -> list[_Line]:
    def weighed(code: Category) -> Link:
        asked = basis.asked
        return asked.link(RECORDS, asked.since, asked.until, category=code.value)

    def cause(stage: str, name: str, code: Category) -> list[_Line]:
        told = _("厨余称重")
        return [
            _Line(stage, name, now.grams(code), then.grams(code), KILOGRAMS, told, weighed(code)),
            _Line(stage, _("%(name)s，人均", name=name), per(10 * now.grams(code), now.covers),
                  per(10 * then.grams(code), then.covers), GRAMS_A_COVER, told),
        ]  # fmt: skip

    def fen(side: _Side, code: Category) -> int | None:
        return side.causes.get(code.value, _NOTHING)["waste_fen"]

    spoiled, stores, kitchen = Category.SPOILAGE, _("储存"), _("加工")
    lines = [
        _Line(_("采购"), _("领用食材金额"), now.cost, then.cost, YUAN, _("出入库台账")),
        *cause(stores, _("变质过期"), spoiled),
        _Line(stores, _("变质过期，金额"), fen(now, spoiled), fen(then, spoiled), YUAN, _("估算")),
        *cause(kitchen, _("边角料"), Category.TRIM),
        _Line(kitchen, _("出餐重量"), now.cooked, then.cooked, KILOGRAMS, _("生产批次")),
        _Line(kitchen, _("剩菜重量"), now.left, then.left, KILOGRAMS, _("生产批次")),
        _Line(kitchen, _("剩菜率"), permille(now.left, now.cooked),
              permille(then.left, then.cooked), PERCENT, _("剩菜 ÷ 出餐")),
        *cause(_("消费"), _("盘中剩余"), Category.PLATE),
    ]  # fmt: skip
    for code in basis.meals:
        if code in now.meals:
            side = [one.meals.get(code, (0, 0)) for one in (now, then)]
            this, last = (per(10 * grams, covers) for grams, covers in side)
            name = _("盘中剩余，%(meal)s人均", meal=basis.meal(code))
            lines.append(_Line(_("消费"), name, this, last, GRAMS_A_COVER, _("厨余称重")))
    total = Category.PLATE, Category.OVERPRODUCTION, Category.TRIM, Category.SPOILAGE
    lines += [
        _Line(_("消费"), _("半份、小份占比"), permille(now.small, now.counted),
              permille(then.small, then.counted), PERCENT, _("结算台")),
        _Line(_("餐厨垃圾"), _("食物类总量"), _sum(now, total), _sum(then, total), KILOGRAMS,
              _("厨余称重")),
        _Line(_("餐厨垃圾"), _("食物类，人均"), per(10 * now.food, now.covers),
              per(10 * then.food, then.covers), GRAMS_A_COVER, _("厨余称重")),
        _Line(_("餐厨垃圾"), _("废弃油脂"), now.grams(Category.OIL), then.grams(Category.OIL),
              KILOGRAMS, _("厨余称重")),
    ]  # fmt: skip
    return lines


def _sum(side: _Side, codes: Sequence[Category]) -> int:
    return sum(side.grams(code) for code in codes)


def _people(now: _Side, then: _Side) -> list[_Line]:
    watched, measured = _("监督管理"), _("浪费监测统计")
    return [
        _Line(watched, _("后厨检查发现的问题"), now.found, then.found, TIMES, _("整改台账")),
        _Line(watched, _("已复核整改"), permille(now.verified, now.found),
              permille(then.verified, then.found), PERCENT, _("整改台账")),
        _Line(measured, _("开餐天数"), now.open_days, then.open_days, TIMES, _("结算台")),
        _Line(measured, _("称重天数占比"), permille(now.weighed_days, now.open_days),
              permille(then.weighed_days, then.open_days), PERCENT, _("厨余称重")),
    ]  # fmt: skip
