"""进价: what the ingredients that left the store cost, beside the earlier days."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from uuid import UUID

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dafan.quantity import Measure
from kitchen.ingredients import Ingredient
from kitchen.lots import Lot
from kitchen.production import Batch
from kitchen.stock_book import StockEntry
from server.reports import readings
from server.reports.basis import Basis
from server.reports.cost_rows import for_the_kitchen
from server.reports.frame import PERCENT, YUAN, Cell, Chart, Column, Part, Series, Table, per
from server.reports.scope import Dimension, Scope

ENTRIES = "manage.report_stock_entries"
MOST = 10
_PRICED: Mapping[str, LazyString] = {
    Measure.MASS: _l("公斤"), Measure.VOLUME: _l("升"), Measure.COUNT: _l("个"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Used:
    """What was issued of an ingredient: in its measure, and fen; what came back is taken off."""

    quantity: int
    fen: int

    def price(self, measure: Measure) -> int | None:
        """Fen per kilogram, litre or piece, half up."""
        return per(self.fen * measure.priced_by, self.quantity)


def dearer(now: Used, then: Used) -> int:
    """Fen that what was issued now cost more than at the mean price of the earlier days."""
    return int((2 * (now.fen - now.quantity * Fraction(then.fen, then.quantity)) + 1) // 2)


def part(basis: Basis) -> Part:
    """Ingredients by what their prices did to the cost, the dearest change first."""
    now, then = used(basis), used(basis, then=True)
    query = select(Ingredient.id, Ingredient.name, Ingredient.measure)
    known = {
        row.id: (row.name, Measure(row.measure))
        for row in basis.session.execute(query.where(Ingredient.site_id == basis.site_id))
    }
    moved = {one: dearer(now[one], then[one]) for one in now if one in then}
    order = sorted(now, key=lambda one: (-abs(moved.get(one, 0)), -now[one].fen, str(one)))
    asked, rows = basis.asked, []
    for one in order:
        name, measure = known[one]
        price = now[one].price(measure)
        before = then[one].price(measure) if one in then else None
        change = per(1000 * (price - before), before) if price is not None and before else None
        link = asked.link(ENTRIES, asked.since, asked.until, ingredient=str(one))
        rows.append([
            Cell(name), Cell(str(_PRICED[measure])), Cell(price), Cell(before), Cell(change),
            Cell(now[one].fen, link), Cell(moved.get(one)),
        ])  # fmt: skip
    columns = [
        Column(_("食材")), Column(_("单位")), Column(_("进价"), YUAN), Column(_("上期进价"), YUAN),
        Column(_("涨跌"), PERCENT), Column(_("领用金额"), YUAN), Column(_("因涨跌多花"), YUAN),
    ]  # fmt: skip
    top = [one for one in order if moved.get(one)][:MOST]
    series = Series(_("因涨跌多花"), "price", [moved[one] for one in top])
    labels = [known[one][0] for one in top]
    chart = Chart(_("进价涨跌多花的钱"), YUAN, labels, [series], across=True)
    total = sum(moved.values())
    answer = ""
    if moved:
        fen = YUAN.told(abs(total))
        more = _("比上期的价格多花 %(fen)s。", fen=fen)
        answer = more if total >= 0 else _("比上期的价格少花 %(fen)s。", fen=fen)
    return Part("prices", _("哪些食材涨价了？"), Table(columns, rows), chart, answer)


def used(basis: Basis, *, then: bool = False) -> dict[UUID, Used]:
    """What was issued of each ingredient; of nothing left over there is no row."""
    scope = basis.scope(then=then)
    days = basis.site_id, scope.since, scope.until
    if scope.only:
        found = _used_for(basis.session, scope, *days)
    else:
        found = readings.used(basis.session, *days)
    return {one: Used(*sums) for one, sums in found.items() if sums[0] > 0}


def _used_for(
    session: Session, scope: Scope, site_id: UUID, since: date, until: date
) -> dict[UUID, tuple[int, int]]:
    """What was issued for the batches of one meal or venue."""
    batch = (StockEntry.ref_kind == "batch") & (StockEntry.ref_id == Batch.id)
    query = (
        select(Lot.ingredient_id, func.sum(-StockEntry.quantity), func.sum(-StockEntry.cost))
        .join(Lot, Lot.id == StockEntry.lot_id)
        .join(Batch, batch)
        .where(*for_the_kitchen(site_id, since, until))
        .group_by(Lot.ingredient_id)
    )
    if venue := scope.only.get(Dimension.VENUE):
        query = query.where(Batch.venue_id == venue)
    if period := scope.only.get(Dimension.MEAL):
        query = query.where(Batch.period == period)
    return {one: (int(much), int(fen)) for one, much, fen in session.execute(query)}
