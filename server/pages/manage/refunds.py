"""撤销 and 退款: asked at a sale, judged in the inbox."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from flask import abort, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.ids import new_id
from server import refunds
from server.access import needs
from server.books import refunds as rules
from server.books.refunds import Refund, RefundLine
from server.pages import site_view
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, as_uuid, change, next_page, reading, site_id
from server.reports import sales as report
from server.services import services

PAGE = 50


@dataclass(frozen=True, slots=True)
class Item:
    """A refund as lists show it."""

    refund: Refund
    row: report.Row
    dishes: str
    """What goes back; empty where it is the whole sale."""


def items(session: Session, found: Sequence[Refund]) -> list[Item]:
    """Refunds with their sales and dishes, in a few queries however many there are."""
    rows = report.some(session, site_id(), {each.sale_id for each in found})
    lines = rules.lines_of(session, [each.id for each in found])
    return [
        Item(each, row, _dishes(lines[each.id], row))
        for each in found
        if (row := rows.get(each.sale_id))
    ]


def _dishes(lines: Sequence[RefundLine], row: report.Row) -> str:
    sold = {line.no: line for line in row.lines}
    if {line.no: line.quantity for line in lines} == {no: sold[no].quantity for no in sold}:
        return ""
    return "、".join(
        sold[line.no].name + (f" ×{line.quantity}" if sold[line.no].quantity > 1 else "")
        for line in lines
    )


@manage.get("/refunds")
@needs("see_sales")
def refunds_list() -> str:
    """Refunds that wait for a judgement, or those that were judged, and voids."""
    done = request.args.get("done") == "1"
    with reading() as session:
        found = rules.page(
            session, site_id(), opened=not done, limit=PAGE,
            before=as_uuid(request.args.get("before")),
        )  # fmt: skip
        return render_template(
            "manage/refunds.html",
            items=items(session, found),
            done=done,
            tab="done" if done else "open",
            following=next_page(len(found), PAGE, before=str(found[-1].id) if found else ""),
        )


@manage.post("/refunds/<uuid:refund_id>/approve")
@needs("approve_refunds")
def refund_approve(refund_id: UUID) -> AnyResponse:
    """A second person agrees."""
    change(lambda session: refunds.approve(session, actor(), refund_id), _("已批准，钱已退回"))
    return redirect(url_for("manage.refunds_list"))


@manage.post("/refunds/<uuid:refund_id>/refuse")
@needs("approve_refunds")
def refund_refuse(refund_id: UUID) -> AnyResponse:
    """A second person does not agree."""
    reason = request.form.get("reason", "")
    change(
        lambda session: refunds.refuse(session, actor(), refund_id, reason),
        _("已拒绝，没有资金变动"),
    )
    return redirect(url_for("manage.refunds_list"))


@manage.route("/sales/<uuid:sale_id>/void", methods=["GET", "POST"])
@needs("void_sales")
def sale_void(sale_id: UUID) -> str | AnyResponse:
    """Take a whole sale back today."""
    key = as_uuid(request.form.get("key")) or new_id()
    reason = request.form.get("reason", "")

    def work(session: Session) -> None:
        refunds.void(session, actor(), sale_id, reason, key=key)

    if request.method == "POST" and change(work, _("已撤销，钱已全部退回")):
        return redirect(url_for("manage.sale", sale_id=sale_id))
    return _form("manage/sale_void.html", sale_id, key)


@manage.route("/sales/<uuid:sale_id>/refund", methods=["GET", "POST"])
@needs("ask_refunds")
def sale_refund(sale_id: UUID) -> str | AnyResponse:
    """Ask for a refund of the sale, or of some of its dishes."""
    key = as_uuid(request.form.get("key")) or new_id()
    reason = request.form.get("reason", "")
    wanted = None if "whole" in request.form else _wanted(request.form)

    def work(session: Session) -> None:
        refunds.ask(session, actor(), sale_id, wanted, reason, key=key)

    if request.method == "POST" and change(work, _("已申请，等另一位有权限的同事审批")):
        return redirect(url_for("manage.sale", sale_id=sale_id))
    return _form("manage/sale_refund.html", sale_id, key)


def _wanted(form: Mapping[str, str]) -> dict[int, int]:
    """Number of a line → pieces, of the lines that were chosen; nonsense chooses nothing."""
    return {
        int(name.removeprefix("line_")): int(pieces)
        for name, pieces in form.items()
        if name.removeprefix("line_").isdecimal() and pieces.isdecimal() and int(pieces)
    }


def _form(template: str, sale_id: UUID, key: UUID) -> str:
    with reading() as session:
        row = report.one(session, site_id(), sale_id)
        if row is None:
            abort(404)
        today = site_view.current().today(services().clock.now())
        return render_template(
            template,
            active="manage.sales",
            row=row,
            sale=row.sale,
            lines={line.no: line for line in row.lines},
            offer=refunds.offer(session, row.sale, today),
            key=key,
            reason=request.form.get("reason", ""),
        )
