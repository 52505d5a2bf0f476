"""设置 → 账号: who works with these pages, and with which roles."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse
from wtforms import SelectMultipleField, StringField
from wtforms.validators import DataRequired, Length, Regexp
from wtforms.widgets import CheckboxInput, ListWidget

from dafan import db
from dafan.errors import DafanError
from server import auth, sessions, staff
from server.access import needs
from server.pages import messages
from server.pages.forms import Form
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, change, reading, site_id
from server.pages.words import role_choices
from server.services import services


class AccountForm(Form):
    """Name and roles."""

    name = StringField(_l("姓名"), [DataRequired(_l("请填写姓名")), Length(max=80)])
    roles = SelectMultipleField(
        _l("角色"),
        [DataRequired(_l("请至少选一个角色"))],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.roles.choices = [(role, text) for role, text, _can in role_choices()]


class NewAccountForm(AccountForm):
    """The login as well; it never changes, for the audit log names people by it."""

    login = StringField(
        _l("账号"),
        [
            DataRequired(_l("请填写账号")),
            Regexp(r"[\w.@-]{2,40}$", message=_l("2 到 40 个字母、数字或 . _ @ -")),
        ],
        description=_l("登录时输入，建好后不能改"),
    )


@manage.get("/settings/accounts")
@needs("edit_accounts")
def accounts_list() -> str:
    """Every account of the site."""
    return _list()


@manage.route("/settings/accounts/new", methods=["GET", "POST"])
@needs("edit_accounts")
def account_new() -> str | AnyResponse:
    """Add an account; its first password is shown this once and never again."""
    form = NewAccountForm()
    if form.validate_on_submit():
        made = _with_password(
            lambda session: staff.create(
                session, actor(), form.login.data, form.name.data, form.roles.data
            )
        )
        if made is not None:
            return _list(*made)
    return _form(form)


@manage.route("/settings/accounts/<uuid:user_id>", methods=["GET", "POST"])
@needs("edit_accounts")
def account_edit(user_id: UUID) -> str | AnyResponse:
    """Change name and roles."""
    user = _user(user_id)
    form = AccountForm(data={"name": user.name, "roles": user.roles_at(site_id())})

    def work(session: Session) -> None:
        staff.update(session, actor(), user_id, form.name.data, form.roles.data)

    if form.validate_on_submit() and change(work, _("已保存，马上生效")):
        return redirect(url_for("manage.accounts_list"))
    return _form(form, user)


@manage.post("/settings/accounts/<uuid:user_id>/active")
@needs("edit_accounts")
def account_active(user_id: UUID) -> AnyResponse:
    """Close an account, or open it again."""
    active = request.form.get("active") == "yes"
    done = _("已恢复，可以登录") if active else _("已停用，此账号的登录随即失效")
    change(lambda session: staff.set_active(session, actor(), user_id, active=active), done)
    return redirect(url_for("manage.account_edit", user_id=user_id))


@manage.post("/settings/accounts/<uuid:user_id>/password")
@needs("edit_accounts")
def account_password(user_id: UUID) -> str | AnyResponse:
    """Hand out a new first password; it is shown this once and never again."""
    made = _with_password(lambda session: staff.reset_password(session, actor(), user_id))
    if made is None:
        return redirect(url_for("manage.accounts_list"))
    return _list(*made)


@manage.post("/settings/accounts/<uuid:user_id>/second-factor")
@needs("edit_accounts")
def account_second_factor(user_id: UUID) -> AnyResponse:
    """Forget the second factor of a person whose telephone is gone."""
    change(
        lambda session: staff.reset_second_factor(session, actor(), user_id),
        _("已重设，下次登录时重新设置"),
    )
    return redirect(url_for("manage.account_edit", user_id=user_id))


@manage.post("/settings/accounts/<uuid:user_id>/sessions")
@needs("edit_accounts")
def account_sessions_end(user_id: UUID) -> AnyResponse:
    """Sign the person out everywhere."""
    change(
        lambda session: staff.end_sessions(session, actor(), user_id),
        _("已退出，此人要重新登录"),
    )
    return redirect(url_for("manage.account_edit", user_id=user_id))


@manage.post("/settings/accounts/invite")
@needs("edit_accounts")
def account_invite() -> AnyResponse:
    """Give an account of another site roles here."""
    login, roles = request.form.get("login", ""), request.form.getlist("roles")
    change(
        lambda session: staff.invite(session, actor(), login, roles),
        _("已授权，此账号现在可以切换到本单位"),
    )
    return redirect(url_for("manage.accounts_list"))


@manage.post("/settings/accounts/<uuid:user_id>/dismiss")
@needs("edit_accounts")
def account_dismiss(user_id: UUID) -> AnyResponse:
    """Take all roles here from an account of another site."""
    change(
        lambda session: staff.dismiss(session, actor(), user_id),
        _("已收回，此账号不能再看到本单位"),
    )
    return redirect(url_for("manage.accounts_list"))


def _with_password(
    work: Callable[[Session], tuple[auth.User, str]],
) -> tuple[auth.User, str] | None:
    try:
        with db.writing(services().engine) as session:
            return work(session)
    except DafanError as error:
        flash(messages.say(error), "stop")
        return None


def _user(user_id: UUID) -> auth.User:
    with reading() as session:
        try:
            return staff.get(session, site_id(), user_id)
        except staff.UnknownUserError:
            abort(404)


def _list(made: auth.User | None = None, password: str = "") -> str:
    with reading() as session:
        return render_template(
            "manage/accounts.html",
            active="manage.settings",
            users=auth.users(session, site_id()),
            roles={role: text for role, text, _can in role_choices()},
            made=made,
            choices=role_choices(),
            here=site_id(),
            password=password,
        )


def _form(form: AccountForm, user: auth.User | None = None) -> str:
    rows: Sequence[sessions.UserSession] = ()
    if user is not None and user.site_id == site_id():
        with reading() as session:
            rows = sessions.open_ones(session, user, services().clock.now())
    return render_template(
        "manage/account_edit.html",
        active="manage.settings",
        form=form,
        user=user,
        choices=role_choices(),
        rows=rows,
        guest=user is not None and user.site_id != site_id(),
    )
