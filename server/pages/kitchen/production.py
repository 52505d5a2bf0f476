"""烹饪: the batches of a meal, from the menu over the pot to what is left."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import BadInputError
from dafan.quantity import Measure
from kitchen import (
    cookbook,
    day_plan,
    dishes,
    labels,
    limits,
    menus,
    production,
    rows,
    stock_issues,
)
from kitchen.dishes import Dish
from kitchen.production import (
    Batch,
    BatchState,
    BatchStep,
    Cancel,
    Close,
    Event,
    Fate,
    Finish,
    ProductionRules,
    Serve,
    Settle,
    Start,
)
from kitchen.recipes import Book
from kitchen.stock_issues import Wish
from server import kitchen_sales
from server.access import needs
from server.actor import Actor
from server.pages.kitchen import at_meal, signing, trimmings
from server.pages.kitchen.blueprint import kitchen
from server.pages.kitchen.entry import celsius, grams, one_of, whole
from server.pages.kitchen.fields import day, key
from server.pages.kitchen.more import TILES, Tile
from server.pages.shared import change, reading, site_id

TILES.append(Tile("kitchen.production", _l("烹饪"), _l("按食谱排产、领料、出锅、剩余")))


@dataclass(frozen=True, slots=True)
class Wanted:
    """An ingredient that a batch still needs from the store."""

    name: str
    shown: str
    lots: Sequence[str]
    """What would be taken, first expiring first: number and quantity."""
    short: str
    """What is missing in the store; empty where nothing is."""
    second: bool
    """It costs more than one person may take alone."""


@kitchen.get("/production", endpoint="production")
@needs("see_kitchen")
def production_page() -> str:
    """The meal's batches, and dishes of its menu that nobody has planned."""
    at = at_meal.chosen()
    with reading() as session:
        batches = production.of_meal(session, site_id(), at.meal)
        menu = menus.find(session, site_id(), at.meal)
        planned = {row.dish_id for row in batches}
        items = [one for one in (menu.items if menu else ()) if one.dish_id not in planned]
        book = cookbook.load_book(session, site_id())
        sold = kitchen_sales.served_at(session, site_id(), at.meal, book)
        query = select(Dish).where(Dish.site_id == site_id()).order_by(Dish.sort, Dish.id)
        known = {row.id: row for row in session.scalars(query)}
        return render_template(
            "kitchen/production.html",
            at=at,
            batches=batches,
            items=items,
            dishes=known,
            sold=kitchen_sales.of_batches(batches, sold),
        )


@kitchen.post("/production/plan")
@needs("do_kitchen")
def production_planned() -> AnyResponse:
    """Every dish of the menu gets a batch of the portions that are planned for it."""

    def work(session: Session) -> None:
        day_plan.plan_menu(session, signing.acting(), at_meal.chosen().meal)

    change(work, _("已按食谱排产"))
    return at_meal.back_to("kitchen.production")


@kitchen.post("/production/add")
@needs("do_kitchen")
def production_added() -> AnyResponse:
    """One batch more, of any dish."""

    def work(session: Session) -> None:
        meal = at_meal.chosen().meal
        person = signing.acting()
        day_plan.plan_dish(session, person, meal, one_of("dish"), whole("portions"), key=key())

    change(work, _("已加一批"))
    return at_meal.back_to("kitchen.production")


@kitchen.get("/production/<uuid:batch_id>")
@needs("see_kitchen")
def batch_page(batch_id: UUID) -> str:
    """One batch: what it needs, and its next step."""
    with reading() as session:
        row = _batch(session, batch_id)
        book = cookbook.load_book(session, site_id())
        sold = kitchen_sales.served_at(session, site_id(), row.meal, book)
        at_tills = kitchen_sales.of_batches(
            production.of_meal(session, site_id(), row.meal), sold
        )  # fmt: skip
        steps = session.scalars(
            select(BatchStep)
            .where(BatchStep.site_id == site_id(), BatchStep.batch_id == batch_id)
            .order_by(BatchStep.id)
        ).all()
        return render_template(
            "kitchen/production_batch.html",
            row=row,
            dish=dishes.get(session, site_id(), row.dish_id),
            wanted=_wanted(session, row, book) if _open(row) else (),
            held=trimmings.held(session, row),
            handed=trimmings.handed(session, row),
            has_recipe=row.dish_id in book.recipes,
            sold=at_tills.get(row.id, 0),
            steps=steps,
            rules=limits.of(session, site_id(), ProductionRules),
            meal=at_meal.address_of(row.meal),
        )


@kitchen.post("/production/<uuid:batch_id>/issue")
@needs("do_kitchen")
def batch_issued(batch_id: UUID) -> AnyResponse:
    """Everything that the batch still needs leaves the store: all of it, or nothing."""

    def work(session: Session) -> None:
        person = signing.acting()
        second = signing.acting("second") if "second" in request.form else None
        row = rows.get(session, Batch, site_id(), batch_id, "batch", lock=True)
        asked_by = person.name if second else None
        for need in day_plan.needs_of(session, row, cookbook.load_book(session, site_id())):
            wish = Wish(need.ingredient_id, need.quantity, need.ref, need.key, day())
            stock_issues.take(session, second or person, wish, asked_by=asked_by)

    change(work, _("已领料"))
    return _to_batch(batch_id)


@kitchen.post("/production/<uuid:batch_id>/start")
@needs("do_kitchen")
def batch_started(batch_id: UUID) -> AnyResponse:
    """The cook begins."""
    return _tell(batch_id, lambda _person: Start(), _("开始烹饪"))


@kitchen.post("/production/<uuid:batch_id>/finish")
@needs("do_kitchen")
def batch_finished(batch_id: UUID) -> AnyResponse:
    """It is ready: weighed, counted, its core measured; who signs is its cook."""
    return _tell(
        batch_id,
        lambda person: Finish(
            grams("grams", "kg"), whole("portions"), person.name, celsius("core")
        ),
        _("已出锅"),
    )


@kitchen.post("/production/<uuid:batch_id>/serve")
@needs("do_kitchen")
def batch_served(batch_id: UUID) -> AnyResponse:
    """Serving is over; portions as the tills say, what is left as the scale says."""
    return _tell(
        batch_id,
        lambda _person: Serve(whole("portions"), grams("left", "kg")),
        _("已记录供餐"),
    )


@kitchen.post("/production/<uuid:batch_id>/settle")
@needs("do_kitchen")
def batch_settled(batch_id: UUID) -> AnyResponse:
    """A part of what is left goes its way."""

    def event(_person: Actor) -> Event:
        try:
            fate = Fate(request.form.get("fate", ""))
        except ValueError as error:
            raise BadInputError(_("请选择剩余食物的去向")) from error
        return Settle(fate, grams("grams", "kg"), celsius("held"))

    return _tell(batch_id, event, _("已登记去向"))


@kitchen.post("/production/<uuid:batch_id>/close")
@needs("do_kitchen")
def batch_closed(batch_id: UUID) -> AnyResponse:
    """All that was left has found its way."""
    return _tell(batch_id, lambda _person: Close(), _("批次已结束"))


@kitchen.post("/production/<uuid:batch_id>/cancel")
@needs("do_kitchen")
def batch_cancelled(batch_id: UUID) -> AnyResponse:
    """The dish is not cooked today."""
    return _tell(batch_id, lambda _person: Cancel(), _("已取消"))


def _tell(batch_id: UUID, event: Callable[[Actor], Event], done: str) -> AnyResponse:
    def work(session: Session) -> None:
        person = signing.acting()
        rules = limits.of(session, site_id(), ProductionRules)
        production.tell(session, person, batch_id, event(person), key=key(), rules=rules)

    change(work, done)
    return _to_batch(batch_id)


def _wanted(session: Session, row: Batch, book: Book) -> list[Wanted]:
    """What the batch would take, shown before it is taken."""
    found = []
    for need in day_plan.needs_of(session, row, book):
        seen = stock_issues.preview(
            session, site_id(), need.ingredient_id, need.quantity, day=day()
        )  # fmt: skip
        measure = Measure(seen.ingredient.measure)
        lots = [
            f"{seen.lots[take.lot_id].number} {labels.show(take.quantity, measure)}"
            for take in seen.picks.takes
        ]
        missing = labels.show(seen.picks.short, measure) if seen.picks.short else ""
        found.append(
            Wanted(
                seen.ingredient.name, labels.show(need.quantity, measure), lots, missing,
                seen.needs_second,
            )
        )  # fmt: skip
    return found


def _open(row: Batch) -> bool:
    return row.state in {BatchState.PLANNED, BatchState.COOKING}


def _batch(session: Session, batch_id: UUID) -> Batch:
    return rows.get(session, Batch, site_id(), batch_id, "batch")


def _to_batch(batch_id: UUID) -> AnyResponse:
    return redirect(url_for("kitchen.batch_page", batch_id=batch_id))
