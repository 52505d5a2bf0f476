"""设置 → 结算台人员: who signs in at the tills to void sales and to close shifts."""

from uuid import UUID

from flask import redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse
from wtforms import PasswordField, SelectField, StringField
from wtforms.validators import DataRequired, Optional, Regexp

from server import auth, till_staff
from server.access import needs
from server.pages.forms import Form
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, as_uuid, change, reading, site_id
from server.till_staff import TillStaffValues


class TillStaffForm(Form):
    """Account, number and PIN."""

    user = SelectField(_l("账号"), [DataRequired()])
    number = StringField(
        _l("编号"),
        [DataRequired(_l("请填写编号")), Regexp(r"[0-9]{3,8}$", message=_l("3 到 8 位数字"))],
        description=_l("在结算台上输入，每人一个"),
    )  # fmt: skip
    pin = PasswordField(
        _l("密码"), [Optional(), Regexp(r"[0-9]{6}$", message=_l("6 位数字"))],
        description=_l("6 位数字；修改编号时留空即不变"),
    )  # fmt: skip


@manage.route("/settings/till-staff", methods=["GET", "POST"], endpoint="till_staff")
@needs("edit_accounts")
def till_staff_page() -> str | AnyResponse:
    """Who may, and the form for another one."""
    form = TillStaffForm()
    with reading() as session:
        able = [
            one for one in auth.users(session, site_id()) if till_staff.may_void(one, site_id())
        ]
        rows = till_staff.staff_of(session, site_id())
    form.user.choices = [(str(one.id), f"{one.name} · {one.login}") for one in able]

    def work(session: Session) -> None:
        user_id = as_uuid(form.user.data)
        values = TillStaffValues(number=form.number.data)
        till_staff.put(session, actor(), user_id or UUID(int=0), values, form.pin.data or None)

    if form.validate_on_submit() and change(work, _("已保存，各结算台随即更新")):
        return redirect(url_for("manage.till_staff"))
    return render_template("manage/till_staff.html", form=form, rows=rows, may_void=_still)


def _still(user: auth.User) -> bool:
    return till_staff.may_void(user, site_id())


@manage.post("/settings/till-staff/<uuid:user_id>/off")
@needs("edit_accounts")
def till_staff_off(user_id: UUID) -> AnyResponse:
    """Take somebody off all tills."""
    change(
        lambda session: till_staff.take_off(session, actor(), user_id),
        _("已取消，各结算台随即更新"),
    )
    return redirect(url_for("manage.till_staff"))
