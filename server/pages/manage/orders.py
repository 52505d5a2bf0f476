"""采购单: what is ordered of whom, from the draft to the settled delivery."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from flask import Response, abort, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.money import Fen
from kitchen import approvals, ingredients, inquiries, purchase_book, purchasing, suppliers
from kitchen.ingredients import Ingredient
from kitchen.purchase_book import PurchaseLine, PurchaseOrder
from kitchen.purchase_rules import MAX_LINES, STEPS, Act, LineValues, OrderValues, State
from kitchen.rows import UnknownRowError
from server.access import RIGHTS, needs
from server.pages import buying, site_view
from server.pages.forms import read_amount
from server.pages.manage.blueprint import manage
from server.pages.manage.closing import download
from server.pages.shared import actor, as_uuid, change, next_page, reading, site_id
from server.reports import purchases as report
from server.reports import sheets

PAGE = 50
_BLANK = 6
"""Empty rows below the last one, for what is added."""
TABS: dict[str, tuple[State, ...]] = {
    "open": (State.DRAFT, State.ASKED, State.REFUSED, State.APPROVED),
    "coming": (State.SENT, State.PARTLY),
    "arrived": (State.RECEIVED,),
    "over": (State.CLOSED, State.CANCELLED),
}
Work = Callable[[Session], Any]


@dataclass(frozen=True, slots=True)
class TypedLine:
    """A row of the form as it was typed."""

    name: str = ""
    quantity: str = ""
    price: str = ""
    unit: str = ""


@manage.get("/orders", endpoint="orders_list")
@needs("see_buying")
def page() -> str:
    """Orders by how far they have come."""
    shown = request.args.get("show", "open")
    if shown not in TABS:
        shown = "open"
    with reading() as session:
        found = purchase_book.page(
            session, site_id(), states=TABS[shown], limit=PAGE,
            after=as_uuid(request.args.get("after")),
        )  # fmt: skip
        return render_template(
            "manage/orders.html",
            found=found,
            shown=shown,
            names=buying.supplier_names(session, [row.supplier_id for row in found]),
            today=buying.today(),
            words=buying,
            following=next_page(len(found), PAGE, after=str(found[-1].id) if found else ""),
        )


@manage.route("/orders/new", methods=["GET", "POST"])
@needs("buy")
def order_new() -> str | AnyResponse:
    """Write an order."""
    key = str(as_uuid(request.form.get("key")) or new_id())
    made: list[UUID] = []

    def work(session: Session) -> None:
        values = _read(session)
        made.append(purchasing.draft(session, actor(), values, buying.today(), key=key).id)

    if request.method == "POST" and change(work, _("已存为草稿，检查后提交审批")):
        return redirect(url_for("manage.order", order_id=made[0]))
    return _form(None, (), key)


@manage.route("/orders/<uuid:order_id>/edit", methods=["GET", "POST"])
@needs("buy")
def order_edit(order_id: UUID) -> str | AnyResponse:
    """Write an order anew; what was asked for is taken back."""
    with reading() as session:
        row = _or_404(session, order_id)
        lines = purchase_book.lines_of(session, order_id)

    def work(session: Session) -> None:
        purchasing.revise(session, actor(), order_id, _read(session), buying.today())

    if request.method == "POST" and change(work, _("已改写，要重新提交审批")):
        return redirect(url_for("manage.order", order_id=order_id))
    if Act.REVISE not in STEPS[State(row.state)]:
        return redirect(url_for("manage.order", order_id=order_id))
    return _form(row, lines, "")


@manage.get("/orders/<uuid:order_id>")
@needs("see_buying")
def order(order_id: UUID) -> str:
    """One order: lines, what arrived, what was done, and what can be done now."""
    with reading() as session:
        row = _or_404(session, order_id)
        lines = purchase_book.lines_of(session, order_id)
        rules = approvals.rules_of(session, site_id())
        wanted = [line.ingredient_id for line in lines]
        return render_template(
            "manage/order.html",
            active="manage.orders_list",
            row=row,
            lines=lines,
            food=ingredients.by_ids(session, site_id(), wanted),
            last=inquiries.last_prices(session, site_id(), wanted, before=order_id),
            steps=purchase_book.steps_of(session, order_id),
            approval=approvals.find(session, site_id(), row.approval_id),
            deciders=buying.role_names(
                approvals.who_may(rules, purchasing.SUBJECT, row.total)
                & frozenset(RIGHTS["approve_buying"])
            ),
            possible=set(STEPS[State(row.state)]),
            supplier=suppliers.get(session, site_id(), row.supplier_id),
            words=buying,
        )


@manage.get("/orders/<uuid:order_id>.xlsx")
@needs("see_buying")
def order_sheet(order_id: UUID) -> Response:
    """The order as an Excel file, for the supplier and the accountant."""
    with reading() as session:
        row = _or_404(session, order_id)
        lines = purchase_book.lines_of(session, order_id)
        food = ingredients.by_ids(session, site_id(), [line.ingredient_id for line in lines])
        seller = suppliers.get(session, site_id(), row.supplier_id)
        told = report.order_sheet(row, lines, food, seller.name, site_view.current().name)
    return download(sheets.write([told]), f"dafan-order-{row.deliver_on}-{row.id.hex[-6:]}.xlsx")


@manage.post("/orders/<uuid:order_id>/ask")
@needs("buy")
def order_ask(order_id: UUID) -> AnyResponse:
    """Ask another person to approve it."""
    return _step(
        order_id,
        lambda session: purchasing.ask(session, actor(), order_id),
        _("已提交，等另一位有权限的同事审批"),
    )


@manage.post("/orders/<uuid:order_id>/send")
@needs("buy")
def order_send(order_id: UUID) -> AnyResponse:
    """It goes to the supplier."""
    return _step(
        order_id,
        lambda session: purchasing.send(session, actor(), order_id, buying.today()),
        _("已下达：请打印或导出后发给供应商"),
    )


@manage.post("/orders/<uuid:order_id>/cancel")
@needs("buy")
def order_cancel(order_id: UUID) -> AnyResponse:
    """Give it up before anything arrived."""
    reason = request.form.get("reason", "")
    return _step(
        order_id,
        lambda session: purchasing.cancel(session, actor(), order_id, reason),
        _("已取消"),
    )


@manage.post("/orders/<uuid:order_id>/close")
@needs("approve_buying")
def order_close(order_id: UUID) -> AnyResponse:
    """Settle it; what is missing is not waited for any more."""
    reason = request.form.get("reason", "")
    return _step(
        order_id,
        lambda session: purchasing.close(session, actor(), order_id, reason),
        _("已结清"),
    )


def _step(order_id: UUID, work: Work, done: str) -> AnyResponse:
    change(work, done)
    return redirect(url_for("manage.order", order_id=order_id))


def _or_404(session: Session, order_id: UUID) -> PurchaseOrder:
    try:
        return purchase_book.get(session, site_id(), order_id)
    except UnknownRowError:
        abort(404)


def _typed() -> list[TypedLine]:
    """The rows of the form that was sent."""
    given = request.form
    rows = zip(
        given.getlist("name"), given.getlist("quantity"), given.getlist("price"), strict=False
    )
    return [TypedLine(*map(str.strip, row)) for row in list(rows)[:MAX_LINES] if any(row)]


def _read(session: Session) -> OrderValues:
    """The order that the form says.

    Raises:
        BadInputError: something is missing or written wrongly; the text is for the person.
    """
    supplier_id = as_uuid(request.form.get("supplier"))
    if supplier_id is None:
        raise BadInputError(_("请选择供应商"))
    lines = [_line(buying.named(session, row.name), row) for row in _typed()]
    if not lines:
        raise BadInputError(_("请至少写一种食材"))
    if len({line.ingredient_id for line in lines}) < len(lines):
        raise BadInputError(_("同一种食材写了两行：请合成一行"))
    return OrderValues(
        supplier_id=supplier_id,
        deliver_on=read_day(request.form.get("deliver_on", "")),
        note=request.form.get("note", "").strip()[:200],
        lines=tuple(lines),
    )


def _line(one: Ingredient, row: TypedLine) -> LineValues:
    quantity, price = buying.read(row.quantity, one), read_amount(row.price)
    if price < 0:
        raise BadInputError(_("%(name)s 的单价不能小于零", name=one.name))
    return LineValues(ingredient_id=one.id, quantity=quantity, price=Fen(price))


def read_day(text: str) -> date:
    """A day of delivery.

    Raises:
        BadInputError: no date; the text is for the person.
    """
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadInputError(_("请选择到货日期")) from error


def _form(row: PurchaseOrder | None, lines: Sequence[PurchaseLine], key: str) -> str:
    day = buying.today()
    with reading() as session:
        food = ingredients.by_ids(session, site_id(), [line.ingredient_id for line in lines])
        known = [
            TypedLine(
                food[line.ingredient_id].name,
                buying.typed(line.quantity, food[line.ingredient_id].measure),
                f"{line.price / 100:.2f}",
                buying.unit(food[line.ingredient_id].measure),
            )
            for line in lines
        ]
        rows = _typed() if request.method == "POST" else known
        everything = ingredients.page(session, site_id(), limit=ingredients.MAX_PAGE)
        return render_template(
            "manage/order_edit.html",
            active="manage.orders_list",
            row=row,
            rows=rows + [TypedLine()] * _BLANK,
            food=[one for one in everything if one.active],
            choices=buying.supplier_choices(session, day),
            chosen=request.form.get("supplier") or str(row.supplier_id if row else ""),
            asked=request.args.get("supplier", ""),
            deliver_on=request.form.get("deliver_on") or (row.deliver_on if row else day),
            note=request.form.get("note", row.note if row else ""),
            today=day,
            key=key,
            words=buying,
        )
