"""离开结清: what one who has left gets back, who approves it, and the receipt."""

from uuid import UUID

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse
from wtforms import HiddenField, IntegerField, RadioField, SelectChoice, StringField
from wtforms.validators import DataRequired, InputRequired, Length

from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import Source
from server import leaving, people
from server.access import needs
from server.books import accounts, pay_outs
from server.books.approvals import State
from server.books.pay_outs import PayOut, Settled
from server.capitals import capitals
from server.pages.forms import Form
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, as_uuid, change, next_page, reading, site_id

PAGE = 50


class PayOutForm(Form):
    """How he is paid, and the balances that the person saw."""

    key = HiddenField(validators=[DataRequired(), Length(max=40)])
    cash = IntegerField(validators=[InputRequired()])
    subsidy = IntegerField(validators=[InputRequired()])
    way = RadioField(
        _l("方式"),
        choices=[SelectChoice("cash", _l("现金")), SelectChoice("bank", _l("银行转账"))],
        default="cash",
    )
    reason = StringField(_l("备注"), [Length(max=80)], description=_l("例如 转账流水号"))


@manage.route("/people/<uuid:diner_id>/pay-out", methods=["GET", "POST"])
@needs("pay_out")
def pay_out_ask(diner_id: UUID) -> str | AnyResponse:
    """Show what the accounts hold; bring them to zero."""
    form = PayOutForm()
    if form.validate_on_submit():
        made: list[PayOut] = []

        def work(session: Session) -> None:
            done = leaving.ask_pay_out(
                session, actor(), diner_id, key=form.key.data, way=form.way.data,
                seen=(form.cash.data, form.subsidy.data), reason=form.reason.data or "",
            )  # fmt: skip
            made.append(done)

        if change(work, ""):
            if made[0].state == State.DONE.value:
                flash(_("已结清，账户为零"), "ok")
            else:
                flash(_("已提交，等另一位有结清权限的人复核"), "ok")
            return redirect(url_for("manage.pay_out", pay_out_id=made[0].id))
    with reading() as session:
        try:
            diner = people.get_diner(session, site_id(), diner_id)
        except people.UnknownDinerError:
            abort(404)
        held = accounts.balances(session, diner_id)
        form.cash.data, form.subsidy.data = held[Source.CASH], held[Source.SUBSIDY]
        if request.method == "GET":
            form.key.data = str(new_id())
        settled = pay_outs.settle(held)
        return render_template(
            "manage/pay_out_ask.html",
            active="manage.people_list",
            form=form,
            diner=diner,
            held=held,
            settled=settled,
            second=pay_outs.needs_second(settled),
            alone=pay_outs.ALONE,
            waiting=pay_outs.waiting_of(session, diner_id),
        )


@manage.get("/pay-outs", endpoint="pay_outs")
@needs("pay_out")
def pay_out_list() -> str:
    """All of them, the latest first."""
    with reading() as session:
        before = as_uuid(request.args.get("before"))
        rows = pay_outs.page(session, site_id(), before=before, limit=PAGE)
        return render_template(
            "manage/pay_outs.html",
            active="manage.top_ups",
            rows=rows,
            diners=people.get_diners(session, site_id(), {row.diner_id for row in rows}),
            settled={row.id: _settled(row) for row in rows},
            following=next_page(len(rows), PAGE, before=str(rows[-1].id) if rows else ""),
        )


@manage.get("/pay-outs/<uuid:pay_out_id>")
@needs("pay_out")
def pay_out(pay_out_id: UUID) -> str:
    """One pay-out, with a receipt for him to sign once it is done."""
    with reading() as session:
        try:
            row = pay_outs.get(session, site_id(), pay_out_id)
        except pay_outs.UnknownPayOutError:
            abort(404)
        settled = _settled(row)
        return render_template(
            "manage/pay_out.html",
            active="manage.top_ups",
            row=row,
            settled=settled,
            words=capitals(Fen(abs(settled.paid))),
            diner=people.get_diner(session, site_id(), row.diner_id),
        )


@manage.post("/pay-outs/<uuid:pay_out_id>/<any(approve,refuse):verdict>")
@needs("pay_out")
def pay_out_judge(pay_out_id: UUID, verdict: str) -> AnyResponse:
    """Approve or refuse what another person asked for."""
    approve = verdict == "approve"
    change(
        lambda session: leaving.judge_pay_out(session, actor(), pay_out_id, approve=approve),
        _("已同意，账户为零") if approve else _("已驳回，余额不变"),
    )
    return redirect(url_for("manage.pay_out", pay_out_id=pay_out_id))


def _settled(row: PayOut) -> Settled:
    return pay_outs.settle({Source.CASH: Fen(row.cash), Source.SUBSIDY: Fen(row.subsidy)})
