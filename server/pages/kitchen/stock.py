"""库存: what lies where, by zone; an ingredient with its lots; a lot and what became of it."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from flask import jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from dafan.errors import BadInputError
from dafan.quantity import Measure, read_quantity
from kitchen import ingredients, labels, limits, lots, stock_requests, stock_view, zones
from kitchen.dishes import Dish
from kitchen.ingredients import Ingredient
from kitchen.production import Batch
from kitchen.stock_alerts import Alert
from kitchen.stock_book import Kind, Ref, StockEntry
from kitchen.stock_issues import BATCH
from kitchen.stock_view import OnHand, StockRules
from kitchen.suppliers import Supplier
from kitchen.zones import Zone
from server.access import needs
from server.pages import site_view
from server.pages.kitchen import fields, stock_words
from server.pages.kitchen.blueprint import kitchen
from server.pages.shared import actor, as_uuid, change, next_page, reading, site_id

PAGE = 60
MOVES = 30


@kitchen.get("/stock")
@needs("see_kitchen")
def stock() -> str:
    """What lies in the store, and what somebody should see to."""
    name, zone = request.args.get("q", ""), request.args.get("zone", "")
    light = request.args.get("light", "")
    with reading() as session:
        table = zones.of_site(session, site_id())
        rules = limits.of(session, site_id(), StockRules)
        found = stock_view.on_hand(session, site_id(), fields.day(), rules, name=name)
        asked = stock_requests.count_waiting(session, site_id())
    places = {one.name: place for place, one in enumerate(table)}
    found.sort(key=lambda one: (places.get(one.zone, len(places)), one.ingredient.name))
    shown = [one for one in found if zone in {"", one.zone} and (not light or light in one.lights)]
    after = as_uuid(request.args.get("after"))
    start = next((at + 1 for at, one in enumerate(shown) if one.ingredient.id == after), 0)
    page = shown[start : start + PAGE]
    more = next_page(len(page), PAGE, after=str(page[-1].ingredient.id)) if page else ""
    return render_template(
        "kitchen/stock.html", found=page, more=more, zones=table, zone=zone, q=name, light=light,
        by_zone=Counter(one.zone for one in found), by_light=_lights(found), asked=asked,
        marks=_marks(table), fen=sum(one.fen for one in shown), today=fields.day(),
    )  # fmt: skip


def _lights(found: Sequence[OnHand]) -> dict[Alert, int]:
    counted = Counter(light for one in found for light in one.lights)
    return {alert: counted[alert] for alert in Alert if counted[alert]}


def _marks(table: Sequence[Zone]) -> dict[str, Zone]:
    return {zone.name: zone for zone in table}


@kitchen.get("/stock/ingredients/<uuid:ingredient_id>")
@needs("see_kitchen")
def stock_ingredient(ingredient_id: UUID) -> str:
    """An ingredient: its lots in the order in which they go out, and its movements."""
    before = as_uuid(request.args.get("before"))
    day = fields.day()
    with reading() as session:
        ingredient = ingredients.get(session, site_id(), ingredient_id)
        left = stock_view.lots_of(session, site_id(), day, ingredient_id=ingredient_id)
        moves = stock_view.moves(
            session, site_id(), ingredient_id=ingredient_id, before=before, limit=MOVES
        )
        rules = limits.of(session, site_id(), StockRules)
        return render_template(
            "kitchen/stock_ingredient.html", ingredient=ingredient, left=left, moves=moves,
            fors=fors(session, [entry for entry, _number in moves]),
            more=_older(moves), day=day, marks=_marks(zones.of_site(session, site_id())),
            maximum=rules.maximum_of(ingredient),
            unit=stock_words.unit(ingredient.measure),
        )  # fmt: skip


@kitchen.post("/stock/ingredients/<uuid:ingredient_id>/minimum")
@needs("run_kitchen")
def stock_minimum(ingredient_id: UUID) -> Response:
    """Decide below which quantity it is bought again."""

    def work(session: Session) -> None:
        row = ingredients.get(session, site_id(), ingredient_id)
        least = quantity_of(row, "minimum")
        if row.maximum is not None and least > row.maximum:
            raise BadInputError(_("下限不能高于上限；上限请在食材页上改"))
        values = ingredients.values_of(row).model_copy(update={"minimum": least})
        ingredients.update(session, actor(), ingredient_id, values)

    change(work, _("已保存"))
    return redirect(url_for("kitchen.stock_ingredient", ingredient_id=ingredient_id))


@kitchen.get("/stock/lots/<uuid:lot_id>")
@needs("see_kitchen")
def stock_lot(lot_id: UUID) -> str:
    """A lot: where it comes from, what is left of it, and what may be done with it."""
    day = fields.day()
    before = as_uuid(request.args.get("before"))
    with reading() as session:
        lot = lots.get(session, site_id(), lot_id)
        moves = stock_view.moves(session, site_id(), lot_id=lot_id, before=before, limit=MOVES)
        entries = [entry for entry, _number in moves]
        return render_template(
            "kitchen/stock_lot.html", lot=lot, day=day, moves=moves, more=_older(moves),
            ingredient=ingredients.get(session, site_id(), lot.ingredient_id),
            left=stock_view.lots_of(session, site_id(), day, lot_id=lot_id),
            fors=fors(session, entries), supplier=supplier_of(session, lot),
            marks=_marks(zones.of_site(session, site_id())), days=labels.days_left(lot, day),
            back=[entry for entry in entries if entry.kind == Kind.OUT.value and entry.ref_id],
        )  # fmt: skip


@kitchen.get("/stock/lots/<uuid:lot_id>/label")
@needs("see_kitchen")
def stock_label(lot_id: UUID) -> Response:
    """The lot's label, for the printer beside the tablet."""
    with reading() as session:
        lot = lots.get(session, site_id(), lot_id)
        label = labels.lot_label(
            lot,
            ingredients.get(session, site_id(), lot.ingredient_id),
            supplier=supplier_of(session, lot),
            zone=_marks(zones.of_site(session, site_id())).get(lot.zone),
        )
    return jsonify(label.as_receipt())


def supplier_of(session: Session, lot: lots.Lot) -> str:
    """The name of who sold it; empty where nobody knows."""
    query = select(Supplier.name).where(
        Supplier.site_id == lot.site_id, Supplier.id == lot.supplier_id
    )
    return session.scalar(query) or ""


def fors(session: Session, entries: Sequence[StockEntry]) -> dict[Ref, str]:
    """What movements were for, in words: the dish of a batch, or a purpose."""
    refs = {(entry.ref_kind, entry.ref_id) for entry in entries if entry.ref_kind and entry.ref_id}
    ids = [ref_id for kind, ref_id in refs if kind == BATCH]
    query = (
        select(Batch.id, Dish.name, Batch.business_date, Batch.period)
        .join(Dish, Dish.id == Batch.dish_id)
        .where(Batch.site_id == site_id(), Batch.id.in_(ids))
    )
    period = site_view.current().period_name
    named: dict[Ref, str] = {
        (BATCH, batch_id): f"{name} · {when:%m-%d} {period(meal)}"
        for batch_id, name, when, meal in session.execute(query)
    }
    for kind, ref_id in refs:
        if kind in stock_words.PURPOSES and kind and ref_id:
            named[kind, ref_id] = stock_words.purpose(kind)
    return named


def quantity_of(ingredient: Ingredient, name: str = "quantity") -> int:
    """A quantity as it was typed or weighed, in the ingredient's measure.

    Raises:
        MeasureError: a unit of another measure.
        BadInputError: no number, below zero, or absurdly much.
    """
    typed = request.values.get(name, "").strip().replace(",", ".")
    unit = request.values.get(f"{name}_unit", "") or stock_words.unit(ingredient.measure)
    return read_quantity(typed, unit, Measure(ingredient.measure))


def _older(moves: Sequence[tuple[StockEntry, str]]) -> str:
    return next_page(len(moves), MOVES, before=str(moves[-1][0].id)) if moves else ""
