"""卡间转账: own money between two accounts of one person; both are named before it moves."""

from uuid import UUID

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse
from wtforms import HiddenField, StringField
from wtforms.validators import DataRequired, InputRequired, Length

from dafan.ids import new_id
from dafan.money import Fen
from server import cashdesk, people
from server.access import needs
from server.books import accounts
from server.pages import formats
from server.pages.forms import Form, YuanField
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, change, reading, site_id


class MoveForm(Form):
    """An amount and a reason; the key makes sending the form twice harmless."""

    key = HiddenField(validators=[DataRequired(), Length(max=40)])
    amount = YuanField(_l("金额（元）"), [InputRequired(_l("请填写金额"))], lowest=1)
    reason = StringField(
        _l("原因"),
        [DataRequired(_l("请填写原因")), Length(max=80)],
        description=_l("例如 访客卡换成员工卡"),
    )


@manage.route("/people/<uuid:diner_id>/move", methods=["GET", "POST"])
@needs("move_wallets")
def wallet_move(diner_id: UUID) -> str | AnyResponse:
    """Find the other account by its number; then move."""
    form = MoveForm()
    with reading() as session:
        try:
            giver = people.get_diner(session, site_id(), diner_id)
        except people.UnknownDinerError:
            abort(404)
        number = request.args.get("to", "").strip()[:80]
        taker = people.find_diner(session, site_id(), number) if number else None
        held = {each.id: accounts.balances(session, each.id) for each in (giver, taker) if each}
    if number and taker is None:
        flash(_("没有工号为 %(number)s 的就餐人，请核对", number=number), "stop")
    if taker is not None and form.validate_on_submit():
        target, amount = taker.id, form.amount.data or Fen(0)

        def work(session: Session) -> None:
            cashdesk.move_between(
                session, actor(), diner_id, target, amount,
                key=form.key.data, reason=form.reason.data,
            )  # fmt: skip

        if change(work, _("已转 %(amount)s", amount=formats.yuan(amount))):
            return redirect(url_for("manage.person", diner_id=target))
    if request.method == "GET":
        form.key.data = str(new_id())
    return render_template(
        "manage/wallet_move.html",
        active="manage.people_list",
        form=form,
        giver=giver,
        taker=taker,
        number=number,
        held=held,
    )
