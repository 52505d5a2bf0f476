"""争议: somebody says that it was not he whose face paid."""

from base64 import b64encode
from uuid import UUID

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan import db
from dafan.errors import BadInputError, DafanError
from dafan.ids import new_id
from server import disputes, evidence, refunds
from server.access import may, needs
from server.books import refunds as rules
from server.disputes import Pictures
from server.pages import messages
from server.pages.manage.blueprint import manage
from server.pages.manage.refunds import items
from server.pages.shared import actor, as_uuid, change, next_page, reading, site_id
from server.reports import sales as report
from server.services import services

PAGE = 50


@manage.get("/disputes")
@needs("see_disputes")
def disputes_list() -> str:
    """Open ones, or those that ended."""
    ended = request.args.get("ended") == "1"
    with reading() as session:
        found = disputes.page(
            session, site_id(), opened=not ended, limit=PAGE,
            before=as_uuid(request.args.get("before")),
        )  # fmt: skip
        return render_template(
            "manage/disputes.html",
            active="manage.refunds_list",
            disputes=found,
            rows=report.some(session, site_id(), {each.sale_id for each in found}),
            evidence={each.id: evidence.find(session, site_id(), each.sale_id) for each in found},
            ended=ended,
            tab="ended" if ended else "disputes",
            following=next_page(len(found), PAGE, before=str(found[-1].id) if found else ""),
        )


@manage.route("/sales/<uuid:sale_id>/dispute", methods=["GET", "POST"])
@needs("ask_refunds")
def sale_dispute(sale_id: UUID) -> str | AnyResponse:
    """The diner disputes this payment."""
    reason = request.form.get("reason", "")

    def work(session: Session) -> None:
        disputes.begin(session, actor(), sale_id, reason)

    if request.method == "POST" and change(work, _("已登记争议，结算台联网后会上传付款时的照片")):
        return redirect(url_for("manage.sale", sale_id=sale_id))
    with reading() as session:
        row = report.one(session, site_id(), sale_id)
        if row is None:
            abort(404)
        return render_template(
            "manage/sale_dispute.html", active="manage.sales", row=row, sale=row.sale,
            reason=reason,
        )  # fmt: skip


@manage.get("/disputes/<uuid:dispute_id>")
@needs("see_disputes")
def dispute(dispute_id: UUID) -> str:
    """What is known about it, and how it ends."""
    return _page(dispute_id)


@manage.post("/disputes/<uuid:dispute_id>/look")
@needs("see_evidence")
def dispute_look(dispute_id: UUID) -> str | AnyResponse:
    """Both pictures side by side; that somebody looked is written down, hence no plain link."""
    try:
        with db.writing(services().engine) as session:
            seen = disputes.look(session, actor(), services(), dispute_id)
    except DafanError as error:
        flash(messages.say(error), "stop")
        return redirect(url_for("manage.disputes_list"))
    return _page(dispute_id, seen)


@manage.post("/disputes/<uuid:dispute_id>/<any(stands,wrong):verdict>")
@needs("judge_disputes")
def dispute_judge(dispute_id: UUID, verdict: str) -> AnyResponse:
    """It was the diner, or it was somebody else."""
    why = request.form.get("conclusion", "")
    key = as_uuid(request.form.get("key")) or new_id()

    def stands(session: Session) -> None:
        disputes.let_stand(session, actor(), dispute_id, why)

    def wrong(session: Session) -> None:
        refunds.refund_wrong_person(session, actor(), dispute_id, why, key=key)

    if verdict == "stands":
        change(stands, _("付款成立，照片已删除"))
    else:
        change(wrong, _("已申请整单退款，等另一位有权限的同事审批"))
    return redirect(url_for("manage.dispute", dispute_id=dispute_id))


def _page(dispute_id: UUID, seen: Pictures | None = None) -> str:
    with reading() as session:
        try:
            found = disputes.get(session, site_id(), dispute_id)
        except BadInputError:
            abort(404)
        row = report.one(session, site_id(), found.sale_id)
        if row is None:
            abort(404)
        return render_template(
            "manage/dispute.html",
            active="manage.refunds_list",
            dispute=found,
            row=row,
            sale=row.sale,
            evidence=evidence.find(session, site_id(), found.sale_id),
            refunds=items(session, rules.of_sale(session, site_id(), found.sale_id)),
            paid=_data(seen.paid) if seen else None,
            enrolled=_data(seen.enrolled) if seen else None,
            looked=seen is not None,
            judges=may("judge_disputes") and found.state == disputes.State.OPEN.value,
            key=new_id(),
        )


def _data(jpeg: bytes | None) -> str | None:
    return None if jpeg is None else f"data:image/jpeg;base64,{b64encode(jpeg).decode()}"
