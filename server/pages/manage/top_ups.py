"""充值: the list of top-ups at the desk, their receipts, and what is taken back."""

from uuid import UUID

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse
from wtforms import StringField
from wtforms.validators import DataRequired, Length

from dafan import db
from dafan.money import Fen
from server import cashdesk, people
from server.access import needs
from server.books import receipts
from server.books.approvals import State
from server.books.receipts import Reversal, TopUpReceipt, UnknownReceiptError
from server.capitals import capitals
from server.pages.forms import Form
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, as_uuid, change, next_page, reading, site_id
from server.services import services

PAGE = 50


class ReversalForm(Form):
    """Why a top-up was a mistake."""

    reason = StringField(
        _l("原因"),
        [DataRequired(_l("请填写原因")), Length(max=80)],
        description=_l("例如 多按了一个零"),
    )


@manage.get("/top-ups", endpoint="top_ups")
@needs("top_up")
def top_up_list() -> str:
    """The latest first; above them what waits for a second person."""
    with reading() as session:
        before = as_uuid(request.args.get("before"))
        rows = receipts.page(session, site_id(), before=before, limit=PAGE)
        waiting = receipts.waiting(session, site_id())
        asked = {one.id: receipts.get(session, site_id(), one.receipt_id) for one in waiting}
        names = {row.diner_id for row in (*rows, *asked.values())}
        return render_template(
            "manage/top_ups.html",
            rows=rows,
            waiting=waiting,
            asked=asked,
            diners=people.get_diners(session, site_id(), names),
            reversals=receipts.reversals(session, [row.transfer_id for row in rows]),
            following=next_page(len(rows), PAGE, before=str(rows[-1].transfer_id) if rows else ""),
        )


@manage.get("/top-ups/<uuid:receipt_id>")
@needs("top_up")
def top_up_receipt(receipt_id: UUID) -> str:
    """One receipt on the screen; on paper it is a copy once it was printed."""
    with reading() as session:
        receipt = _receipt(session, receipt_id)
        return _page(session, receipt, copy=receipt.prints, printing=False)


@manage.post("/top-ups/<uuid:receipt_id>/print")
@needs("top_up")
def top_up_print(receipt_id: UUID) -> str:
    """Print it; from the second time on it is marked as a copy."""
    with db.writing(services().engine) as session:
        try:
            receipt = cashdesk.print_receipt(session, actor(), receipt_id)
        except UnknownReceiptError:
            abort(404)
        return _page(session, receipt, copy=receipt.prints - 1, printing=True)


@manage.post("/top-ups/<uuid:receipt_id>/reverse")
@needs("top_up")
def top_up_reverse(receipt_id: UUID) -> AnyResponse:
    """Say that it was a mistake."""
    reason = ReversalForm().reason.data or ""
    made: list[Reversal] = []

    def work(session: Session) -> None:
        made.append(cashdesk.ask_reversal(session, actor(), receipt_id, reason))

    if change(work, ""):
        if made[0].state == State.DONE.value:
            flash(_("已冲正，钱已从账户退出"), "ok")
        else:
            flash(_("已提交，等另一位有审批权限的人复核"), "ok")
    return redirect(url_for("manage.top_up_receipt", receipt_id=receipt_id))


@manage.post("/top-ups/reversals/<uuid:reversal_id>/<any(approve,refuse):verdict>")
@needs("approve_refunds")
def top_up_judge(reversal_id: UUID, verdict: str) -> AnyResponse:
    """Approve or refuse what another person asked for."""
    approve = verdict == "approve"
    change(
        lambda session: cashdesk.judge_reversal(session, actor(), reversal_id, approve=approve),
        _("已同意冲正，钱已从账户退出") if approve else _("已驳回，金额不变"),
    )
    return redirect(url_for("manage.top_ups"))


def _receipt(session: Session, receipt_id: UUID) -> TopUpReceipt:
    try:
        return receipts.get(session, site_id(), receipt_id)
    except UnknownReceiptError:
        abort(404)


def _page(session: Session, receipt: TopUpReceipt, *, copy: int, printing: bool) -> str:
    return render_template(
        "manage/top_up_receipt.html",
        active="manage.top_ups",
        receipt=receipt,
        diner=people.get_diner(session, site_id(), receipt.diner_id),
        words=capitals(Fen(receipt.amount)),
        copy=copy,
        printing=printing,
        reversal=receipts.reversals(session, [receipt.transfer_id]).get(receipt.transfer_id),
        form=ReversalForm(formdata=None),
    )
