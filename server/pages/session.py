"""Sign in, sign out, change the password, choose site and language."""

from datetime import timedelta
from urllib.parse import urlsplit

from flask import (
    Blueprint,
    abort,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from flask import session as browser_session
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField
from wtforms.validators import DataRequired, EqualTo, Length

from dafan import db
from dafan.errors import DafanError
from server import auth, gate, known_devices, sessions, sign_on
from server.access import public, signed_in
from server.pages import layout, messages, navigation
from server.pages.forms import Form
from server.services import services

CODE_TIME = timedelta(minutes=5)
ONWARD = "onward"
"""In the session: where to go after the single sign-on."""
PENDING = "pending"
"""In the session: who gave a password and has yet to give a code, until when, and whereto then."""

blueprint = Blueprint("session", __name__)


class LoginForm(Form):
    """Who, and the proof."""

    login = StringField(_l("账号"), [DataRequired(_l("请填写账号"))])
    password = PasswordField(_l("密码"), [DataRequired(_l("请填写密码"))])


class PasswordForm(Form):
    """The old one, and twice the new one."""

    old = PasswordField(_l("现在的密码"), [DataRequired(_l("请填写现在的密码"))])
    new = PasswordField(
        _l("新密码"),
        [Length(auth.MIN_PASSWORD, 200, _l("至少 10 个字符"))],
        description=_l("至少 10 个字符；改后其他地方的登录会失效"),
    )
    again = PasswordField(_l("再输一遍新密码"), [EqualTo("new", _l("两次输入不一样"))])


@blueprint.get("/")
@signed_in
def home() -> Response:
    """Go on with the first page of the signed-in person."""
    return redirect(navigation.first_page())


@blueprint.route("/login", methods=["GET", "POST"])
@public
def login() -> str | Response:
    """Sign in."""
    onward = request.args.get("next", "")
    if current_user.is_authenticated:
        return redirect(_local(onward))
    form = LoginForm()
    if form.validate_on_submit():
        parts = services()
        try:
            user = auth.authenticate(
                parts.engine, form.login.data, form.password.data, request.remote_addr or "",
                parts.clock.now(), known_devices.device_for(form.login.data),
            )  # fmt: skip
        except DafanError as error:
            flash(messages.say(error), "stop")
        else:
            if user.second_factor_at is None:
                return let_in(user, "password", onward)
            until = parts.clock.now() + CODE_TIME
            browser_session[PENDING] = [str(user.id), user.mark, until.timestamp(), onward]
            return redirect(url_for("session.code"))
    return render_template("session/login.html", form=form, sso=sign_on.label(), onward=onward)


@blueprint.get("/login/sso")
@public
def sign_on_begin() -> Response:
    """Go to the provider of single sign-on."""
    browser_session[ONWARD] = request.args.get("next", "")
    try:
        return sign_on.begin(url_for("session.sign_on_done", _external=True))
    except DafanError as error:
        flash(messages.say(error), "stop")
        return redirect(url_for("session.login"))


@blueprint.get("/login/sso/done")
@public
def sign_on_done() -> Response:
    """Come back from the provider: whom it names, and who has an account here, is in."""
    onward = browser_session.pop(ONWARD, "")
    try:
        user = sign_on.finish()
    except DafanError as error:
        flash(messages.say(error), "stop")
        return redirect(url_for("session.login"))
    return let_in(user, "sso", onward)


def let_in(user: auth.User, method: str, onward: str) -> Response:
    """Begin the session of a person who has proved himself; go on with a page of this server."""
    sessions.enter(user, method)
    answer = redirect(_local(onward))
    known_devices.remember(answer, user)
    return answer


@blueprint.post("/logout")
@signed_in
def logout() -> Response:
    """Sign out."""
    sessions.leave(current_user)
    return redirect(url_for("session.login"))


@blueprint.route("/account/password", methods=["GET", "POST"])
@signed_in
def password() -> str | Response:
    """Change one's own password; every other session of it ends."""
    form = PasswordForm()
    if form.validate_on_submit():
        try:
            with db.writing(services().engine) as session:
                user = auth.set_password(
                    session, current_user.id, form.old.data, form.new.data,
                    ip=request.remote_addr or "",
                )  # fmt: skip
        except DafanError as error:
            flash(messages.say(error), "stop")
        else:
            sessions.renew(user, current_user.session_id, current_user.method)
            flash(_("密码已更新"), "ok")
            return redirect(navigation.first_page())
    return render_template("session/password.html", form=form)


@blueprint.post("/site")
@signed_in
def site() -> Response:
    """Work at another site, where the person has a role, until he chooses again.

    A form that leads to a page of that site names it in ``next``.
    """
    chosen = request.form.get("site", "")
    if chosen not in {str(site_id) for site_id in current_user.site_ids}:
        abort(404)
    browser_session[gate.SITE_KEY] = chosen
    return redirect(_local(request.form.get("next")))


@blueprint.post("/language")
@public
def language() -> Response:
    """Remember the language in a cookie of this browser."""
    answer = redirect(_local(request.form.get("next")))
    chosen = request.form.get("language", "")
    if chosen in layout.LANGUAGES:
        answer.set_cookie(
            layout.LANGUAGE_COOKIE,
            chosen,
            max_age=365 * 86400,
            httponly=True,
            samesite="Lax",
            secure=bool(current_app.config.get("SESSION_COOKIE_SECURE")),
        )
    return answer


def _local(address: str | None) -> str:
    """The page to go on with, of this server only: nobody is led elsewhere by a crafted link."""
    try:
        parts = urlsplit((address or "").replace("\\", "/"))
    except ValueError:  # brackets that are no IPv6 address
        return navigation.first_page()
    if parts.scheme or parts.netloc or not parts.path.startswith("/") or parts.path[:2] == "//":
        return navigation.first_page()
    return parts.path + (f"?{parts.query}" if parts.query else "")
