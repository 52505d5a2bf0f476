"""What is done with stock at the tablet: take, put back, carry, throw away, send back, hold."""

from dataclasses import dataclass
from uuid import UUID, uuid5

from flask import flash, redirect, render_template, request, url_for
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from dafan.errors import BadInputError, DafanError
from kitchen import ingredients, lots, stock, stock_book, stock_issues, stock_requests, stock_view
from kitchen.dishes import Dish
from kitchen.ingredients import Ingredient
from kitchen.production import Batch, BatchState
from kitchen.stock import WasteReason
from kitchen.stock_book import MAIN, Ref
from kitchen.stock_issues import BATCH, Preview, Purpose, Wish
from kitchen.stock_requests import StockRequest
from server import uploads
from server.access import needs
from server.pages import messages, site_view
from server.pages.kitchen import fields, signing, stock_words
from server.pages.kitchen.blueprint import kitchen
from server.pages.kitchen.stock import fors, quantity_of
from server.pages.shared import as_uuid, change, reading, site_id

_OVER = (BatchState.CLOSED.value, BatchState.CANCELLED.value)


@dataclass(frozen=True, slots=True)
class Cooking:
    """A batch that food may be taken for."""

    id: UUID
    name: str
    meal: str


# --- taking -------------------------------------------------------------------------------------


@kitchen.get("/stock/ingredients/<uuid:ingredient_id>/issue")
@needs("do_kitchen")
def stock_issue(ingredient_id: UUID) -> str:
    """Say how much and what for; then see which lots it will be, before anything moves."""
    with reading() as session:
        ingredient = ingredients.get(session, site_id(), ingredient_id)
        seen = _preview(session, ingredient) if request.args.get("quantity") else None
        return render_template(
            "kitchen/stock_issue.html", ingredient=ingredient, seen=seen,
            unit=stock_words.unit(ingredient.measure), cooking=_cooking(session),
            purposes=stock_words.PURPOSES, places=stock_view.places(session, site_id()),
            asked=request.args, day=fields.day(),
        )  # fmt: skip


@kitchen.post("/stock/ingredients/<uuid:ingredient_id>/issue")
@needs("do_kitchen")
def stock_issue_now(ingredient_id: UUID) -> Response:
    """Take it, first expiring first; what costs more than one may take alone is asked for."""
    asked: list[StockRequest] = []

    def work(session: Session) -> None:
        ingredient = ingredients.get(session, site_id(), ingredient_id)
        wish = Wish(
            ingredient_id, quantity_of(ingredient), _ref(), fields.key(), fields.day(),
            _place(), fields.said("note"),
        )  # fmt: skip
        made = stock_requests.issue_or_ask(session, signing.acting(), wish)
        if isinstance(made, StockRequest):
            asked.append(made)

    if change(work, ""):
        flash(_("超过一人可领的金额，已提交审批") if asked else _("已领料"), "ok")
    return redirect(url_for("kitchen.stock_ingredient", ingredient_id=ingredient_id))


def _preview(session: Session, ingredient: Ingredient) -> Preview | None:
    try:
        return stock_issues.preview(
            session, site_id(), ingredient.id, quantity_of(ingredient), day=fields.day(),
            place=_place(),
        )  # fmt: skip
    except DafanError as error:
        flash(messages.say(error), "stop")
        return None


def _cooking(session: Session) -> list[Cooking]:
    """Today's batches that are not over, in the order in which they were planned."""
    query = (
        select(Batch, Dish.name)
        .join(Dish, Dish.id == Batch.dish_id)
        .where(
            Batch.site_id == site_id(), Batch.business_date == fields.day(),
            Batch.state.not_in(_OVER),
        )
        .order_by(Batch.id)
    )  # fmt: skip
    period = site_view.current().period_name
    return [
        Cooking(batch.id, f"{name} {batch.number}" if batch.number > 1 else name,
                period(batch.period))
        for batch, name in session.execute(query)
    ]  # fmt: skip


def _ref() -> Ref:
    """What the form takes it for: a batch, or a purpose of this one taking.

    Raises:
        BadInputError: nothing was chosen.
    """
    told = request.form.get("ref", "")
    batch_id = as_uuid(told)
    if batch_id is not None:
        return BATCH, batch_id
    if told in set(Purpose):
        return told, uuid5(site_id(), fields.key())
    raise BadInputError(_("请先选用途：哪道菜，或员工餐等"))


def _place(name: str = "place") -> str:
    return request.values.get(name, "").strip() or MAIN


# --- what is done with one lot ------------------------------------------------------------------

ACTS: dict[str, LazyString] = {
    "transfer": _l("调拨"), "waste": _l("报损"), "return": _l("退货给供应商"),
    "back": _l("退库"), "hold": _l("冻结"), "release": _l("解除冻结"),
}  # fmt: skip


@kitchen.get("/stock/lots/<uuid:lot_id>/<any(transfer, waste, return, back, hold, release):act>")
@needs("do_kitchen")
def stock_act(lot_id: UUID, act: str) -> str:
    """The form of an act."""
    with reading() as session:
        lot = lots.get(session, site_id(), lot_id)
        ingredient = ingredients.get(session, site_id(), lot.ingredient_id)
        out, what = 0, ""
        ref = _ref_back()
        if ref is not None:
            out, _fen = stock_issues.issued(session, site_id(), lot_id, ref)
            entries = stock_view.moves(session, site_id(), lot_id=lot_id)
            what = fors(session, [entry for entry, _number in entries]).get(ref, "")
        return render_template(
            "kitchen/stock_act.html", lot=lot, act=act, title=ACTS[act], ingredient=ingredient,
            left=stock_view.lots_of(session, site_id(), fields.day(), lot_id=lot_id),
            unit=stock_words.unit(ingredient.measure), ref=ref, out=out, what=what,
            reasons=stock_words.REASONS, places=stock_view.places(session, site_id()),
        )  # fmt: skip


@kitchen.post("/stock/lots/<uuid:lot_id>/<any(transfer, waste, return, back, hold, release):act>")
@needs("do_kitchen")
def stock_act_now(lot_id: UUID, act: str) -> Response:
    """Do it."""
    done = {
        "transfer": _("已调拨"), "waste": _("已报损"), "return": _("已退货"), "back": _("已退库"),
        "hold": _("已冻结：在解除之前不能领用"), "release": _("已解除冻结"),
    }[act]  # fmt: skip
    if act == "waste" and not request.form.get("second"):
        done = _("已提交报损，等另一人审批")
    if change(lambda session: _do(session, lot_id, act), done):
        return redirect(url_for("kitchen.stock_lot", lot_id=lot_id))
    kind, ref_id = request.form.get("ref_kind"), request.form.get("ref_id")
    return redirect(
        url_for("kitchen.stock_act", lot_id=lot_id, act=act, ref_kind=kind, ref_id=ref_id)
    )


def _do(session: Session, lot_id: UUID, act: str) -> None:
    by, key, day = signing.acting(), fields.key(), fields.day()
    if act == "hold":
        lots.hold(session, by, lot_id, fields.said())
        return
    if act == "release":
        stock_book.release(session, by, lot_id, fields.said())
        return
    lot = lots.get(session, site_id(), lot_id)
    quantity = quantity_of(ingredients.get(session, site_id(), lot.ingredient_id))
    if act == "transfer":
        stock.transfer(
            session, by, lot_id, quantity, source=_place(), target=fields.said("target"),
            key=key, day=day,
        )  # fmt: skip
    elif act == "return":
        stock.give_back(
            session, by, lot_id, quantity, why=fields.said(), key=key, day=day, place=_place()
        )
    elif act == "back":
        ref = _ref_back()
        if ref is None:
            raise BadInputError(_("请从领料记录里选要退库的那一条"))
        stock_issues.put_back(
            session, by, lot_id, quantity, ref=ref, key=key, day=day, place=_place()
        )
    else:
        _waste(session, lot_id, quantity)


def _waste(session: Session, lot_id: UUID, quantity: int) -> None:
    """Ask for it; a second person who signs on the spot says yes at once."""
    try:
        reason = WasteReason(request.form.get("why", ""))
    except ValueError as error:
        raise BadInputError(_("请选报损的原因")) from error
    file = request.files.get("photo")
    asked = stock_requests.ask_waste(
        session, signing.acting(), lot_id, quantity, reason=reason, key=fields.key(),
        day=fields.day(), note=fields.said("note"), place=_place(),
        photo=uploads.read_picture(file.stream) if file is not None and file.filename else None,
    )  # fmt: skip
    if request.form.get("second"):
        stock_requests.approve(session, signing.acting("second"), asked.id, day=fields.day())


def _ref_back() -> Ref | None:
    """Which issue something comes back of."""
    kind = request.values.get("ref_kind", "")
    ref_id = as_uuid(request.values.get("ref_id"))
    return (kind, ref_id) if kind and ref_id else None
