"""人员类别: subsidised meals, discounts and limits."""

from typing import Any
from uuid import UUID

from flask import abort, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse
from wtforms import IntegerField, StringField
from wtforms.validators import DataRequired, Length, NumberRange

from server import groups
from server.access import needs
from server.pages import site_view
from server.pages.forms import Form, YuanField, read_amount
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, change, reading, site_id
from server.values import read_values


class GroupForm(Form):
    """A group; the meal periods' rules are read beside it, one line a period."""

    name = StringField(_l("类别名称"), [DataRequired(_l("请填写名称")), Length(max=80)])
    discount_percent = IntegerField(
        _l("补贴餐优惠（%）"), [NumberRange(0, 100, _l("0 到 100"))], default=0
    )
    meal_limit = YuanField(_l("每餐限额（元）"), description=_l("不填：不限"))
    daily_limit = YuanField(_l("每日限额（元）"), description=_l("不填：不限"))


@manage.get("/groups")
@needs("see_people")
def groups_list() -> str:
    """All groups."""
    with reading() as session:
        rows = groups.all_of(session, site_id())
        return render_template("manage/groups.html", active="manage.people_list", rows=rows)


@manage.route("/groups/new", methods=["GET", "POST"])
@needs("edit_people")
def group_new() -> str | AnyResponse:
    """Add a group."""
    form = GroupForm()

    def work(session: Session) -> None:
        groups.create(session, actor(), _values(form))

    if form.validate_on_submit() and change(work, _("已添加")):
        return redirect(url_for("manage.groups_list"))
    return _page(form, {})


@manage.route("/groups/<uuid:group_id>", methods=["GET", "POST"])
@needs("edit_people")
def group_edit(group_id: UUID) -> str | AnyResponse:
    """Change a group."""
    with reading() as session:
        try:
            group = groups.get(session, site_id(), group_id)
        except groups.UnknownGroupError:
            abort(404)
    form = GroupForm(obj=group)

    def work(session: Session) -> None:
        groups.update(session, actor(), group_id, _values(form))

    if form.validate_on_submit() and change(work, _("已保存，结算台随即更新")):
        return redirect(url_for("manage.groups_list"))
    return _page(form, group.meals, group)


def _page(form: GroupForm, meals: dict[str, Any], group: groups.DinerGroup | None = None) -> str:
    return render_template(
        "manage/group_edit.html",
        active="manage.people_list",
        form=form,
        group=group,
        meals=meals,
        periods=site_view.current().policy.periods,
    )


def _values(form: GroupForm) -> groups.GroupValues:
    """Raises BadInputError where a line does not say a number or an amount."""
    meals: dict[str, Any] = {}
    for period in site_view.current().policy.periods:
        count = request.form.get(f"count_{period.code}", "").strip()
        cap = request.form.get(f"cap_{period.code}", "").strip()
        if count or cap:
            meals[period.code] = {
                "subsidised_per_day": count or "0",
                "subsidy_cap": read_amount(cap) if cap else None,
            }
    names = ("name", "discount_percent", "meal_limit", "daily_limit")
    told = {name: form[name].data for name in names}
    return read_values(groups.GroupValues, {**told, "meals": meals})
