"""我的账号: where one is signed in, and the tokens with which programs act for one."""

from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import SelectField, StringField
from wtforms.validators import DataRequired, Length

from dafan import db
from server import api_tokens, auth, sessions
from server.access import signed_in
from server.pages.forms import Form
from server.pages.session import blueprint
from server.pages.shared import actor, as_uuid, change
from server.services import services

_DAYS = (30, 90, 365)


class TokenForm(Form):
    """What the program is called, and how long it may act."""

    name = StringField(
        _l("程序名称"), [DataRequired(_l("请填写程序名称")), Length(max=40)],
        description=_l("例如“人事系统同步”"),
    )  # fmt: skip
    days = SelectField(_l("有效期"), coerce=int)

    def __init__(self) -> None:
        super().__init__()
        self.days.choices = [(days, _("%(days)s 天", days=days)) for days in _DAYS]


@blueprint.get("/account/sessions", endpoint="sessions")
@signed_in
def list_sessions() -> str:
    """Every browser in which one is signed in."""
    parts = services()
    with db.reading(parts.engine) as session:
        rows = sessions.open_ones(session, current_user, parts.clock.now())
    return render_template("session/sessions.html", rows=rows)


@blueprint.post("/account/sessions/end")
@signed_in
def sessions_end() -> Response:
    """End one session, or all but this one."""
    chosen = as_uuid(request.form.get("session"))

    def work(session: Session) -> None:
        if chosen:
            sessions.end(session, actor(), current_user, chosen)
            return
        count = sessions.end_all(session, current_user.id, actor().at, but=current_user.session_id)
        actor().record(session, "session.end", current_user.login, None, {"count": count})

    change(work, _("已退出，那边要重新登录"))
    return redirect(url_for("session.sessions"))


@blueprint.route("/account/tokens", methods=["GET", "POST"])
@signed_in
def tokens() -> str:
    """Tokens of one's own programs; a fresh one is shown this once."""
    form = TokenForm()
    made: list[str] = []

    def work(session: Session) -> None:
        user = session.get_one(auth.User, current_user.id)
        made.append(api_tokens.make(session, actor(), user, form.name.data, form.days.data))

    if form.validate_on_submit():
        change(work, "")
    with db.reading(services().engine) as session:
        rows = api_tokens.good_ones(session, current_user.id, services().clock.now())
    return render_template("session/tokens.html", form=form, rows=rows, made=made)


@blueprint.post("/account/tokens/<uuid:token_id>/revoke")
@signed_in
def token_revoke(token_id: UUID) -> Response:
    """Refuse a token from its next request on."""

    def work(session: Session) -> None:
        api_tokens.revoke(session, actor(), current_user, token_id)

    change(work, _("已吊销，用它的程序不能再访问"))
    return redirect(url_for("session.tokens"))
