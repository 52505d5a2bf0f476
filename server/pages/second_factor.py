"""两步验证: the code at the sign-in, setting it up with a telephone, recovery codes."""

from uuid import UUID

import zxingcpp
from flask import Response, abort, current_app, flash, redirect, render_template, url_for
from flask import session as browser_session
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse
from wtforms import StringField
from wtforms.validators import DataRequired, Length

from dafan import db
from dafan.errors import DafanError
from server import auth, gate, sessions, totp
from server.access import public, signed_in
from server.pages import messages, site_view
from server.pages.forms import Form
from server.pages.session import PENDING, blueprint, let_in
from server.pages.shared import actor
from server.services import services


class CodeForm(Form):
    """A code of the telephone, or of the paper."""

    code = StringField(_l("验证码"), [DataRequired(_l("请填写验证码")), Length(max=40)])


@blueprint.route("/login/code", methods=["GET", "POST"])
@public
def code() -> str | AnyResponse:
    """The second step of the sign-in; whoever comes here gave the right password just now."""
    pending = _pending()
    if pending is None:
        flash(_("请先输入账号和密码"), "warn")
        return redirect(url_for("session.login"))
    user, onward = pending
    form = CodeForm()
    if form.validate_on_submit():
        parts = services()
        try:
            kind = totp.check(parts.engine, _key(), user.id, form.code.data, parts.clock.now())
        except DafanError as error:
            flash(messages.say(error), "stop")
        else:
            return let_in(user, kind, onward)
    return render_template("session/code.html", form=form)


def _pending() -> tuple[auth.User, str] | None:
    told = browser_session.get(PENDING)
    parts = services()
    if told is None:
        return None
    user_id, mark, until, onward = told
    if parts.clock.now().timestamp() > until:
        return None
    with db.reading(parts.engine) as session:
        user = session.get(auth.User, UUID(user_id))
    fits = user is not None and user.active and user.mark == mark
    return (user, onward) if user is not None and fits else None


@blueprint.route("/account/second-factor", methods=["GET", "POST"])
@signed_in
def second_factor() -> str | AnyResponse:
    """Set the second factor up with a first code; later, see how it stands."""
    form = CodeForm()
    if current_user.second_factor_at is None and form.validate_on_submit():
        try:
            with db.writing(services().engine) as session:
                codes = totp.confirm(session, _key(), actor(), current_user.id, form.code.data)
                user = session.get_one(auth.User, current_user.id)
        except DafanError as error:
            flash(messages.say(error), "stop")
        else:
            user.work_at(current_user.at_site)
            sessions.renew(user, current_user.session_id, "totp")
            return render_template("session/recovery_codes.html", codes=codes)
    return _page(form)


@blueprint.post("/account/second-factor/codes")
@signed_in
def recovery_codes() -> str | AnyResponse:
    """Fresh recovery codes, for a code of the telephone."""
    if not _proved():
        return redirect(url_for("session.second_factor"))
    with db.writing(services().engine) as session:
        codes = totp.renew_codes(session, _key(), actor(), current_user.id)
    return render_template("session/recovery_codes.html", codes=codes)


@blueprint.post("/account/second-factor/change")
@signed_in
def second_factor_change() -> AnyResponse:
    """Another telephone: for a code of the old one, or of the paper, begin anew."""
    if _proved():
        with db.writing(services().engine) as session:
            totp.reset(session, actor(), session.get_one(auth.User, current_user.id))
        flash(_("旧的已失效，请用新手机扫码"), "ok")
    return redirect(url_for("session.second_factor"))


@blueprint.get("/account/second-factor/qr.svg")
@signed_in
def second_factor_qr() -> Response:
    """The secret as a QR code, as long as it is not confirmed."""
    if current_user.second_factor_at is not None:
        abort(404)
    text = totp.address(current_user, _pending_secret(), site_view.current().name)
    drawn = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode).to_svg()
    return Response(drawn, mimetype="image/svg+xml")


def _proved() -> bool:
    """Whether the person sent a code that is good now; if not, tell him."""
    parts = services()
    given = CodeForm().code.data or ""
    try:
        totp.check(parts.engine, _key(), current_user.id, given, parts.clock.now())
    except DafanError as error:
        flash(messages.say(error), "stop")
        return False
    return True


def _page(form: CodeForm) -> str:
    on = current_user.second_factor_at is not None
    with db.reading(services().engine) as session:
        left = totp.codes_left(session, current_user.id)
    return render_template(
        "session/second_factor.html",
        form=form,
        secret="" if on else _pending_secret(),
        codes_left=left,
        demanded=gate.first_duty() == gate.ENROLMENT,
    )


def _pending_secret() -> str:
    with db.writing(services().engine) as session:
        return totp.begin(session, _key(), session.get_one(auth.User, current_user.id))


def _key() -> bytes:
    key = current_app.secret_key
    if not isinstance(key, bytes):
        raise TypeError("the application has no secret key")
    return totp.key_of(key)
