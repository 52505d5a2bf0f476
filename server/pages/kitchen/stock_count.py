"""盘点: counting on the tablet, zone by zone, while the kitchen goes on taking.

A count belongs to its moment, so its form is never kept for later: it carries no key, and the time
of the count that the page showed tells a form sent twice from a second count.
"""

from dataclasses import dataclass
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from kitchen import ingredients, lots, stock_view, stocktake, zones
from kitchen.ingredients import Ingredient
from kitchen.lots import Lot
from kitchen.stock_book import MAIN
from kitchen.stocktake import StocktakeLine
from server.access import needs
from server.pages.kitchen import fields, signing, stock_words
from server.pages.kitchen.blueprint import kitchen
from server.pages.kitchen.more import TILES, Tile
from server.pages.kitchen.stock import quantity_of
from server.pages.shared import as_uuid, change, reading, site_id

TILES.append(Tile("kitchen.stock_counts", _l("盘点"), _l("一批一批数，边用边盘"), "do_kitchen"))


@dataclass(frozen=True, slots=True)
class Counted:
    """A lot on the list, counted or not yet."""

    lot: Lot
    ingredient: Ingredient
    line: StocktakeLine | None


@kitchen.get("/stock/counts")
@needs("do_kitchen")
def stock_counts() -> str:
    """Stocktakes of the last time, and the means to begin one."""
    before = as_uuid(request.args.get("before"))
    with reading() as session:
        return render_template(
            "kitchen/stock_counts.html",
            takes=stocktake.latest(session, site_id(), before=before),
            places=stock_view.places(session, site_id()),
        )


@kitchen.post("/stock/counts")
@needs("do_kitchen")
def stock_count_begin() -> Response:
    """Begin to count a place."""
    made: list[UUID] = []

    def work(session: Session) -> None:
        place = request.form.get("place", "").strip() or MAIN
        row = stocktake.begin(
            session, signing.acting(), key=fields.key(), day=fields.day(), place=place
        )
        made.append(row.id)

    if change(work, ""):
        return redirect(url_for("kitchen.stock_count", stocktake_id=made[0]))
    return redirect(url_for("kitchen.stock_counts"))


@kitchen.get("/stock/counts/<uuid:stocktake_id>")
@needs("see_kitchen")
def stock_count(stocktake_id: UUID) -> str:
    """The list of a stocktake: what is still to count, by zone, and what is counted."""
    with reading() as session:
        row = stocktake.get(session, site_id(), stocktake_id)
        found = _list(session, stocktake_id)
        marks = {zone.name: zone for zone in zones.of_site(session, site_id())}
        return render_template(
            "kitchen/stock_count.html", take=row, marks=marks,
            open=[one for one in found if one.line is None],
            counted=[one for one in found if one.line is not None],
            fen=stocktake.worth(session, row),
        )  # fmt: skip


@kitchen.get("/stock/counts/<uuid:stocktake_id>/lots/<uuid:lot_id>")
@needs("do_kitchen")
def stock_count_lot(stocktake_id: UUID, lot_id: UUID) -> str:
    """Count one lot; what the book says is not shown, so that nobody writes it down unseen."""
    with reading() as session:
        lot = lots.get(session, site_id(), lot_id)
        ingredient = ingredients.get(session, site_id(), lot.ingredient_id)
        line = stocktake.line(session, site_id(), stocktake_id, lot_id)
        return render_template(
            "kitchen/stock_count_lot.html", lot=lot, ingredient=ingredient, line=line,
            take=stocktake.get(session, site_id(), stocktake_id),
            unit=stock_words.unit(ingredient.measure), seen=_moment(line),
        )  # fmt: skip


@kitchen.post("/stock/counts/<uuid:stocktake_id>/lots/<uuid:lot_id>")
@needs("do_kitchen")
def stock_count_now(stocktake_id: UUID, lot_id: UUID) -> Response:
    """Write down what lies there."""

    def work(session: Session) -> None:
        lot = lots.get(session, site_id(), lot_id)
        counted = quantity_of(ingredients.get(session, site_id(), lot.ingredient_id))
        stocktake.count(
            session, signing.acting(), stocktake_id, lot_id, counted, seen=fields.said("seen")
        )

    if change(work, _("已记录")):
        return redirect(url_for("kitchen.stock_count", stocktake_id=stocktake_id))
    return redirect(url_for("kitchen.stock_count_lot", stocktake_id=stocktake_id, lot_id=lot_id))


@kitchen.post("/stock/counts/<uuid:stocktake_id>/done")
@needs("do_kitchen")
def stock_count_done(stocktake_id: UUID) -> Response:
    """End the counting; another person looks at the differences."""
    change(
        lambda session: stocktake.ask(session, signing.acting(), stocktake_id),
        _("已提交，等另一人审批差异"),
    )
    return redirect(url_for("kitchen.stock_count", stocktake_id=stocktake_id))


def _list(session: Session, stocktake_id: UUID) -> list[Counted]:
    done = {line.lot_id: line for line in stocktake.lines(session, site_id(), stocktake_id)}
    left = stocktake.uncounted(session, site_id(), stocktake_id)
    found = [*left, *lots.by_ids(session, site_id(), list(done)).values()]
    names = ingredients.by_ids(session, site_id(), [lot.ingredient_id for lot in found])
    rows = [Counted(lot, names[lot.ingredient_id], done.get(lot.id)) for lot in found]
    return sorted(rows, key=lambda one: (one.lot.zone, one.ingredient.name, one.lot.number))


def _moment(line: StocktakeLine | None) -> str:
    return line.at.isoformat() if line else ""
