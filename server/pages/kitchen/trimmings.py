"""边角料 (一料多菜): what one batch does not need goes to another dish of the day."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from flask import redirect, render_template, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from kitchen import byproducts, dishes, ingredients, rows
from kitchen.dishes import Dish
from kitchen.production import Batch, BatchState
from server.access import needs
from server.pages import site_view
from server.pages.kitchen import signing, stock_words
from server.pages.kitchen.blueprint import kitchen
from server.pages.kitchen.entry import one_of
from server.pages.kitchen.fields import key
from server.pages.kitchen.stock import quantity_of
from server.pages.shared import change, reading, site_id

_COOKING = (BatchState.PLANNED.value, BatchState.COOKING.value)


@dataclass(frozen=True, slots=True)
class Held:
    """What a batch has of an ingredient."""

    ingredient_id: UUID
    name: str
    shown: str


@dataclass(frozen=True, slots=True)
class Handed:
    """Trimmings that came from another batch, or went to one."""

    name: str
    shown: str
    dish: str
    came: bool
    by: str


@kitchen.get("/production/<uuid:batch_id>/trimmings/<uuid:ingredient_id>")
@needs("do_kitchen")
def trimmings(batch_id: UUID, ingredient_id: UUID) -> str:
    """How much of it, and to which dish."""
    with reading() as session:
        row = rows.get(session, Batch, site_id(), batch_id, "batch")
        ingredient = ingredients.get(session, site_id(), ingredient_id)
        has = byproducts.used(session, site_id(), batch_id).get(ingredient_id, 0)
        return render_template(
            "kitchen/production_trimmings.html",
            row=row, ingredient=ingredient, has=stock_words.measured(has, ingredient.measure),
            unit=stock_words.unit(ingredient.measure), others=_others(session, row),
            dish=dishes.get(session, site_id(), row.dish_id),
            period=site_view.current().period_name,
        )  # fmt: skip


@kitchen.post("/production/<uuid:batch_id>/trimmings/<uuid:ingredient_id>")
@needs("do_kitchen")
def trimmings_given(batch_id: UUID, ingredient_id: UUID) -> Response:
    """They go to the other dish, which takes so much less from the store."""

    def work(session: Session) -> None:
        ingredient = ingredients.get(session, site_id(), ingredient_id)
        byproducts.hand_on(
            session, signing.acting(), batch_id, one_of("to"), ingredient_id,
            quantity_of(ingredient), key=key(),
        )  # fmt: skip

    if change(work, _("已转给另一道菜")):
        return redirect(url_for("kitchen.batch_page", batch_id=batch_id))
    return redirect(
        url_for("kitchen.trimmings", batch_id=batch_id, ingredient_id=ingredient_id)
    )  # fmt: skip


def held(session: Session, row: Batch) -> list[Held]:
    """What a batch has been given and has still, by name."""
    used = byproducts.used(session, site_id(), row.id)
    known = ingredients.by_ids(session, site_id(), list(used))
    found = [
        Held(one, known[one].name, stock_words.measured(quantity, known[one].measure))
        for one, quantity in used.items()
    ]
    return sorted(found, key=lambda one: one.name)


def handed(session: Session, row: Batch) -> list[Handed]:
    """What came from other batches and what went to them, in order of time."""
    moves = byproducts.moves(session, site_id(), row.id)
    known = ingredients.by_ids(session, site_id(), [one.ingredient_id for one in moves])
    ends = [end for one in moves for end in (one.batch_id, one.to_batch_id)]
    query = select(Batch.id, Dish.name).join(Dish, Dish.id == Batch.dish_id)
    here = query.where(Batch.site_id == site_id(), Batch.id.in_(ends))
    names: dict[UUID, str] = {one.id: one.name for one in session.execute(here)}
    found = []
    for one in moves:
        came, food = one.to_batch_id == row.id, known[one.ingredient_id]
        other = names[one.batch_id if came else one.to_batch_id]
        shown = stock_words.measured(one.quantity, food.measure)
        found.append(Handed(food.name, shown, other, came, one.by))
    return found


def _others(session: Session, row: Batch) -> Sequence[tuple[Batch, str]]:
    """Batches of the day that are cooked yet, and their dishes."""
    query = (
        select(Batch, Dish.name)
        .join(Dish, Dish.id == Batch.dish_id)
        .where(
            Batch.site_id == site_id(), Batch.business_date == row.business_date,
            Batch.state.in_(_COOKING), Batch.id != row.id,
        )
        .order_by(Batch.id)
    )  # fmt: skip
    return [(batch, name) for batch, name in session.execute(query)]
