"""充值 and 补贴: money that people hand over at the desk."""

from uuid import UUID

from flask import abort, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse
from wtforms import DateField, HiddenField, StringField
from wtforms.validators import DataRequired, InputRequired, Length, Optional

from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import DinerStatus
from kitchen import limits
from server import birthdays, cashdesk, groups, people, subsidy_expiry
from server.access import needs
from server.books import accounts, subsidies
from server.pages import formats
from server.pages.forms import Form, YuanField, read_amount
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, change, reading, site_id
from server.services import services


class TopUpForm(Form):
    """An amount; the key makes sending the form twice harmless."""

    key = HiddenField(validators=[DataRequired(), Length(max=40)])
    amount = YuanField(
        _l("金额（元）"), [InputRequired(_l("请填写金额"))], lowest=1, description=_l("例如 100")
    )
    memo = StringField(_l("备注"), [Length(max=80)], description=_l("例如 微信转账、收据号"))


class SubsidyForm(Form):
    """A name; amounts are read beside it, one line a group."""

    key = HiddenField(validators=[DataRequired(), Length(max=40)])
    name = StringField(
        _l("名称"),
        [DataRequired(_l("请填写名称")), Length(max=80)],
        description=_l("例如 三月补贴"),
    )
    expires_on = DateField(
        _l("到期日"),
        [Optional()],
        description=_l("最后可用的一天，过后未用完的收回；留空不过期"),
    )


@manage.route("/people/<uuid:diner_id>/top-up", methods=["GET", "POST"])
@needs("top_up")
def top_up(diner_id: UUID) -> str | AnyResponse:
    """Pay into a diner's wallet."""
    form = TopUpForm()
    if form.validate_on_submit():
        amount, key, memo = form.amount.data or Fen(0), form.key.data, form.memo.data or ""

        paid: list[UUID] = []

        def work(session: Session) -> None:
            done = cashdesk.top_up(session, actor(), diner_id, amount, key=key, memo=memo)
            paid.append(done.id)

        if change(work, _("已充值 %(amount)s", amount=formats.yuan(amount))):
            return redirect(url_for("manage.top_up_receipt", receipt_id=paid[0]))
    if request.method == "GET":
        form.key.data = str(new_id())
    with reading() as session:
        try:
            diner = people.get_diner(session, site_id(), diner_id)
        except people.UnknownDinerError:
            abort(404)
        return render_template(
            "manage/top_up.html",
            active="manage.people_list",
            form=form,
            diner=diner,
            balances=accounts.balances(session, diner_id),
        )


@manage.route("/subsidies", methods=["GET", "POST"], endpoint="subsidies")
@needs("run_subsidies")
def subsidy_runs() -> str | AnyResponse:
    """Earlier runs, and a new one."""
    form = SubsidyForm()
    if form.validate_on_submit():
        name, key, last_day = form.name.data, form.key.data, form.expires_on.data
        done: list[subsidies.SubsidyRun] = []

        def work(session: Session) -> None:
            made = cashdesk.run_subsidy(
                session, actor(), name, _amounts(), key=key, expires_on=last_day
            )
            done.append(made)

        if change(work, ""):
            return redirect(url_for("manage.subsidies", done=done[0].id))
    if request.method == "GET":
        form.key.data = str(new_id())
    with reading() as session:
        heads = _heads(session)
        return render_template(
            "manage/subsidies.html",
            form=form,
            groups=groups.all_of(session, site_id()),
            heads=heads,
            runs=subsidies.runs(session, site_id()),
            left=subsidy_expiry.soon(session, site_id(), services().clock.now()),
            gift=limits.of(session, site_id(), birthdays.GiftRules),
            birthdays=birthdays.count(session, site_id()),
            heads_in_all=sum(heads.values()),
        )


def _amounts() -> dict[UUID, Fen]:
    """Group → fen a head, of the lines that were filled in.

    Raises:
        BadInputError: a line is no amount.
    """
    return {
        UUID(name.removeprefix("amount_")): read_amount(text)
        for name, text in request.form.items()
        if name.startswith("amount_") and text.strip()
    }


def _heads(session: Session) -> dict[UUID, int]:
    """Group → its active diners."""
    query = (
        select(people.Diner.group_id, func.count())
        .where(
            people.Diner.site_id == site_id(),
            people.Diner.status == DinerStatus.ACTIVE.value,
        )
        .group_by(people.Diner.group_id)
    )
    return dict(session.execute(query).all())
