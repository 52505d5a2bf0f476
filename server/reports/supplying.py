"""供应商: who delivered on time, what went back, and whose prices are above those of others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import median
from uuid import UUID

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from dafan.quantity import Measure
from kitchen import appraisals
from kitchen.appraisals import Came
from kitchen.ingredients import Ingredient
from kitchen.inquiries import Inquiry, Quote
from kitchen.lots import Lot
from kitchen.supplier_rules import Appraisal, Delivery, appraise
from kitchen.suppliers import Supplier
from server.reports.basis import Basis
from server.reports.frame import (
    PERCENT,
    TIMES,
    YUAN,
    Cell,
    Chart,
    Column,
    Fact,
    Link,
    Part,
    Report,
    Series,
    Table,
    Unit,
    permille,
)

LOTS = "manage.report_lots"
DAYS = Unit(_l("天"))
POINTS = Unit(_l("分"))
MOST = 12
MOST_FAULTY = 50
_NOTED = 30
"""Per mille above others from which the sentence names somebody."""

Bought = Mapping[UUID, Mapping[UUID, tuple[int, int]]]
"""Ingredient → supplier → quantity and fen."""


@dataclass(frozen=True, slots=True)
class Against:
    """What was paid, and what the same goods would have cost elsewhere, in fen."""

    paid: Fraction = Fraction(0)
    elsewhere: Fraction = Fraction(0)

    @property
    def permille(self) -> int | None:
        """Dearer by so much; below zero: cheaper; ``None``: nothing compares."""
        return None if not self.elsewhere else _half_up(1000 * (self.paid / self.elsewhere - 1))


@dataclass(frozen=True, slots=True)
class _Side:
    """Everything that is known of a range of days."""

    came: Sequence[Came]
    bought: Bought

    def of(self, supplier_id: UUID) -> Appraisal:
        """How well one delivered."""
        return appraise([one.delivery for one in self.came if one.supplier_id == supplier_id])

    def value(self, supplier_id: UUID) -> int:
        """Fen of what one supplied."""
        return sum(by.get(supplier_id, (0, 0))[1] for by in self.bought.values())

    @property
    def whole(self) -> int:
        """Fen of all."""
        return sum(fen for by in self.bought.values() for _quantity, fen in by.values())

    @property
    def suppliers(self) -> set[UUID]:
        """Who delivered anything."""
        return {one for by in self.bought.values() for one in by} | {
            one.supplier_id for one in self.came
        }


def others(bought: Bought, supplier_id: UUID) -> Against:
    """A supplier's goods at the mean price that all others took for the same in these days."""
    found = Against()
    for by in bought.values():
        own = by.get(supplier_id)
        quantity = sum(each for who, (each, _fen) in by.items() if who != supplier_id)
        fen = sum(each for who, (_quantity, each) in by.items() if who != supplier_id)
        if own and quantity:
            found = Against(found.paid + own[1], found.elsewhere + own[0] * Fraction(fen, quantity))
    return found


def quoted(bought: Bought, offers: Mapping[UUID, Fraction], supplier_id: UUID) -> Against:
    """A supplier's goods at the middle of what all suppliers offered for the same."""
    found = Against()
    for ingredient, by in bought.items():
        own = by.get(supplier_id)
        if own and ingredient in offers:
            found = Against(found.paid + own[1], found.elsewhere + own[0] * offers[ingredient])
    return found


def _half_up(value: Fraction) -> int:
    return int((2 * value + 1) // 2)


def build(basis: Basis) -> Report:
    """The report."""
    question = _("哪家供应商送得好，价钱公道？")
    now, then = _side(basis), _side(basis, then=True)
    if not now.suppliers:
        return Report(question, _("这段时间没有到货。"), notes=_notes())
    query = select(Supplier.id, Supplier.name).where(Supplier.site_id == basis.site_id)
    names = {row.id: row.name for row in basis.session.execute(query)}
    offers = _offers(basis)
    order = sorted(now.suppliers, key=lambda one: (-now.value(one), str(one)))
    whole, before = appraise(_of(now.came)), appraise(_of(then.came))
    link = _link(basis)
    facts = [
        Fact(_("供货金额"), now.whole, YUAN, then.whole or None, link),
        Fact(_("准时"), whole.on_time_permille, PERCENT, before.on_time_permille),
        Fact(_("退回占比"), whole.rejected_permille, PERCENT, before.rejected_permille),
        Fact(_("到货"), whole.deliveries, TIMES, before.deliveries or None),
    ]
    parts = [
        _each(basis, now, then, names, order, offers), _prices(basis, now, names),
        _faulty(now, names),
    ]  # fmt: skip
    return Report(
        question, _answer(now, names, order), facts,
        [part for part in parts if part.table.rows], _notes(),
    )  # fmt: skip


def _of(came: Sequence[Came]) -> list[Delivery]:
    return [one.delivery for one in came]


def _link(basis: Basis, **more: str) -> Link:
    since, until = basis.asked.since.isoformat(), basis.asked.until.isoformat()
    return Link(LOTS, {"since": since, "until": until, **more})


def _side(basis: Basis, *, then: bool = False) -> _Side:
    scope = basis.scope(then=then)
    query = (
        select(Lot.ingredient_id, Lot.supplier_id, func.sum(Lot.quantity), func.sum(Lot.cost))
        .where(
            Lot.site_id == basis.site_id,
            Lot.supplier_id.is_not(None),
            Lot.received_on.between(scope.since, scope.until),
            Lot.quantity > 0,
        )
        .group_by(Lot.ingredient_id, Lot.supplier_id)
    )
    bought: dict[UUID, dict[UUID, tuple[int, int]]] = {}
    for ingredient, supplier, quantity, fen in basis.session.execute(query):
        if supplier is not None:
            bought.setdefault(ingredient, {})[supplier] = int(quantity), int(fen)
    came = appraisals.came(basis.session, basis.site_id, scope.since, scope.until)
    return _Side(came, bought)


def _offers(basis: Basis) -> dict[UUID, Fraction]:
    """Ingredient → the middle of what suppliers offered in these days, fen of its smallest unit."""
    query = (
        select(Quote.ingredient_id, Quote.price, Ingredient.measure)
        .join(Inquiry, Inquiry.id == Quote.inquiry_id)
        .join(Ingredient, Ingredient.id == Quote.ingredient_id)
        .where(
            Quote.site_id == basis.site_id,
            Inquiry.business_date.between(basis.asked.since, basis.asked.until),
        )
    )
    told: dict[UUID, list[Fraction]] = {}
    for ingredient, price, measure in basis.session.execute(query):
        told.setdefault(ingredient, []).append(Fraction(price, Measure(measure).priced_by))
    return {ingredient: Fraction(median(prices)) for ingredient, prices in told.items()}


def _answer(now: _Side, names: Mapping[UUID, str], order: Sequence[UUID]) -> str:
    told = [_("%(n)s 家供应商供货 %(fen)s", n=len(order), fen=YUAN.told(now.whole))]
    scored = [(now.of(one).score, one) for one in order]
    known = [(score, names.get(one, "")) for score, one in scored if score is not None]
    if len(known) > 1:
        best, worst = max(known), min(known)
        told.append(_("得分最高的是%(name)s（%(score)s 分）", name=best[1], score=best[0]))
        if worst[0] < best[0]:
            told.append(_("最低的是%(name)s（%(score)s 分）", name=worst[1], score=worst[0]))
    dear = [(others(now.bought, one).permille or 0, names.get(one, "")) for one in order]
    if dear and max(dear)[0] >= _NOTED:
        share, name = max(dear)
        told.append(_("%(name)s比其他家贵 %(share)s", name=name, share=PERCENT.told(share)))
    return str(_("；").join(told) + _("。"))


def _each(
    basis: Basis, now: _Side, then: _Side, names: Mapping[UUID, str], order: Sequence[UUID],
    offers: Mapping[UUID, Fraction],
) -> Part:  # fmt: skip
    rows = []
    for one in order:
        told, before, link = now.of(one), then.of(one), _link(basis, supplier=str(one))
        rows.append([
            Cell(names.get(one, "")), Cell(now.value(one), link),
            Cell(permille(now.value(one), now.whole)), Cell(told.deliveries),
            Cell(told.on_time_permille), Cell(told.rejected_permille),
            Cell(others(now.bought, one).permille), Cell(quoted(now.bought, offers, one).permille),
            Cell(told.score), Cell(before.score),
        ])  # fmt: skip
    columns = [
        Column(_("供应商")), Column(_("供货金额"), YUAN), Column(_("占比"), PERCENT),
        Column(_("到货"), TIMES), Column(_("准时"), PERCENT), Column(_("退回占比"), PERCENT),
        Column(_("比其他家贵"), PERCENT), Column(_("比询价贵"), PERCENT),
        Column(_("得分"), POINTS), Column(_("上期得分"), POINTS),
    ]  # fmt: skip
    whole = appraise(_of(now.came))
    sums = [
        Cell(_("合计")), Cell(now.whole, _link(basis)), Cell(1000 if now.whole else None),
        Cell(whole.deliveries), Cell(whole.on_time_permille), Cell(whole.rejected_permille),
        Cell(None), Cell(None), Cell(whole.score), Cell(appraise(_of(then.came)).score),
    ]  # fmt: skip
    scored = [(one, now.of(one).score) for one in order]
    top = sorted((each for each in scored if each[1] is not None), key=lambda each: -(each[1] or 0))
    labels = [names.get(one, "") for one, _score in top[:MOST]]
    series = Series(_("得分"), "score", [score for _one, score in top[:MOST]])
    chart = Chart(_("供应商得分"), POINTS, labels, [series], across=True)
    return Part("each", _("各家怎么样？"), Table(columns, rows, sums), chart)


def _prices(basis: Basis, now: _Side, names: Mapping[UUID, str]) -> Part:
    """Ingredients that several sold: who was the cheapest, and what the dearer ones cost more."""
    query = select(Ingredient.id, Ingredient.name, Ingredient.measure)
    goods = {
        row.id: (row.name, Measure(row.measure))
        for row in basis.session.execute(query.where(Ingredient.site_id == basis.site_id))
    }
    rows: list[tuple[int, list[Cell]]] = []
    for ingredient, by in now.bought.items():
        name, measure = goods[ingredient]
        each = {who: Fraction(fen, quantity) for who, (quantity, fen) in by.items() if fen}
        if len(each) < 2:
            continue
        low = min(each, key=lambda who: (each[who], str(who)))
        high = max(each, key=lambda who: (each[who], str(who)))
        more = sum(by[who][1] - _half_up(by[who][0] * each[low]) for who in each)
        link = _link(basis, ingredient=str(ingredient))
        rows.append((more, [
            Cell(name), Cell(names.get(low, "")), Cell(_half_up(each[low] * measure.priced_by)),
            Cell(names.get(high, "")), Cell(_half_up(each[high] * measure.priced_by)),
            Cell(sum(fen for _quantity, fen in by.values()), link), Cell(more),
        ]))  # fmt: skip
    rows.sort(key=lambda one: (-one[0], str(one[1][0].value)))
    columns = [
        Column(_("食材")), Column(_("最便宜")), Column(_("单价"), YUAN), Column(_("最贵")),
        Column(_("最贵单价"), YUAN), Column(_("供货金额"), YUAN), Column(_("比最便宜多花"), YUAN),
    ]  # fmt: skip
    top = [one for one in rows if one[0] > 0][:MOST]
    labels = [str(cells[0].value) for _more, cells in top]
    series = Series(_("比最便宜多花"), "price", [more for more, _cells in top])
    chart = Chart(_("比最便宜多花"), YUAN, labels, [series], across=True)
    table = Table(columns, [cells for _more, cells in rows])
    return Part(
        "prices", _("同样的食材，谁贵谁便宜？"), table, chart, _("买贵的比买最便宜的多花：")
    )


def _faulty(now: _Side, names: Mapping[UUID, str]) -> Part:
    """Deliveries that came late, or of which something went back; the last ones first."""
    rows = []
    for one in sorted(now.came, key=lambda each: each.delivery.arrived, reverse=True):
        told = one.delivery
        if told.arrived <= told.due and not told.rejected_quantity:
            continue
        share = permille(told.rejected_quantity, told.arrived_quantity)
        late = max((told.arrived - told.due).days, 0)
        rows.append([
            Cell(told.arrived), Cell(names.get(one.supplier_id, "")), Cell(told.due),
            Cell(late), Cell(share),
        ])  # fmt: skip
    columns = [
        Column(_("到货日")), Column(_("供应商")), Column(_("约定日")),
        Column(_("晚到"), DAYS), Column(_("退回占比"), PERCENT),
    ]  # fmt: skip
    return Part("faulty", _("哪些到货有问题？"), Table(columns, rows[:MOST_FAULTY]))


def _notes() -> list[str]:
    return [
        _("得分：准时占 60 分，不退货占 40 分，退回百分之五，这 40 分就没有了。"),
        _(
            "比其他家贵：同样的食材，按其他供应商这段时间的平均单价算；比询价贵：按各家报价的中位数算。"
        ),
        _("按场所或餐次筛选在这里不起作用。"),
    ]
