"""The diner signs in: staff number and one-time code, or the institution's single sign-on."""

from threading import Thread
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask import session as browser_session
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import SelectChoice, SelectField, StringField
from wtforms.validators import DataRequired, Length, Optional

from dafan import db
from dafan.errors import DafanError
from dafan.records import DinerStatus
from server import delivery, phone_codes, phone_sessions, sign_on
from server.access import diner as diner_only
from server.access import public
from server.delivery import Message
from server.pages import messages
from server.pages.forms import Form
from server.pages.me.blueprint import actor, me, who
from server.pages.shared import as_uuid, change, reading
from server.people import Diner
from server.services import services
from server.sites import Site

ASKED = "phone_asked"
"""In the session: site and staff number for which a code was asked."""
ONWARD = "phone_onward"
"""In the session: the page of the phone to go on with."""


class NumberForm(Form):
    """Who."""

    site = SelectField(_l("单位"), [Optional()], coerce=str)
    staff_no = StringField(_l("工号"), [DataRequired(_l("请填写工号")), Length(max=40)])


class CodeForm(Form):
    """The proof."""

    code = StringField(_l("六位登录码"), [DataRequired(_l("请填写登录码")), Length(max=12)])


@me.route("/login", methods=["GET", "POST"])
@public
def login() -> str | Response:
    """Ask for a code."""
    if phone_sessions.signed_in():
        return redirect(url_for("me.home"))
    if "next" in request.args:
        browser_session[ONWARD] = request.args["next"][:200]
    form = NumberForm()
    with reading() as session:
        sites = session.scalars(select(Site).order_by(Site.id)).all()
    form.site.choices = [SelectChoice(str(one.id), one.name) for one in sites]
    if form.validate_on_submit():
        site_id = as_uuid(form.site.data) or sites[0].id
        try:
            _ask(site_id, form.staff_no.data)
        except DafanError as error:
            flash(messages.say(error), "stop")
        else:
            browser_session[ASKED] = [str(site_id), form.staff_no.data]
            return redirect(url_for("me.code"))
    return render_template(
        "me/login.html", form=form, many=len(sites) > 1, sso=sign_on.label(), sends=_sends(),
        minutes=phone_codes.MINUTES,
    )  # fmt: skip


@me.route("/login/code", methods=["GET", "POST"])
@public
def code() -> str | Response:
    """Give the code."""
    site_text, staff_no = browser_session.get(ASKED, ["", ""])
    site_id = as_uuid(site_text)
    if site_id is None:
        return redirect(url_for("me.login"))
    form = CodeForm()
    if form.validate_on_submit():
        parts = services()
        try:
            with db.writing(parts.engine) as session:
                found = phone_codes.redeem(
                    session, phone_codes.secret(), site_id, staff_no, form.code.data,
                    request.remote_addr or "", parts.clock.now(),
                )  # fmt: skip
            if found is None:
                raise phone_codes.WrongCodeError("the code is wrong, used or too old")
        except DafanError as error:
            flash(messages.say(error), "stop")
        else:
            return _let_in(found, "code")
    return render_template(
        "me/code.html", form=form, staff_no=staff_no, sends=_sends(), minutes=phone_codes.MINUTES
    )


@me.get("/login/sso")
@public
def sso() -> Response:
    """Go to the provider of single sign-on."""
    try:
        return sign_on.begin(url_for("me.sso_done", _external=True))
    except DafanError as error:
        flash(messages.say(error), "stop")
        return redirect(url_for("me.login"))


@me.get("/login/sso/done")
@public
def sso_done() -> Response:
    """Come back from the provider: the diner of the number that it names is in."""
    try:
        number = sign_on.staff_number()
    except DafanError as error:
        flash(messages.say(error), "stop")
        return redirect(url_for("me.login"))
    with reading() as session:
        found = _diners_of(session, number)
    if len(found) != 1:
        flash(_("这个工号在这里没有就餐人，或不止一个：请用工号和登录码登录"), "stop")
        return redirect(url_for("me.login"))
    return _let_in(found[0], "sso")


@me.post("/logout")
@diner_only
def logout() -> Response:
    """Sign out on this phone."""
    change(lambda s: phone_sessions.end(s, actor(), who().diner_id, who().session_id), "")
    answer = redirect(url_for("me.login"))
    phone_sessions.forget(answer)
    return answer


def _ask(site_id: UUID, staff_no: str) -> None:
    """Make a code and send it; what the phone is told is the same for every number."""
    found = delivery.ways(services().settings)
    if not found:
        return
    parts = services()
    with db.writing(parts.engine) as session:
        made = phone_codes.ask(
            session,
            phone_codes.secret(),
            site_id,
            staff_no,
            request.remote_addr or "",
            parts.clock.now(),
        )
    if made is None:
        return
    text = _("您的食堂登录码是 %(code)s，%(n)s 分钟内有效。不是您本人操作，请不要告诉任何人。",
             code=made[1], n=phone_codes.MINUTES)  # fmt: skip
    message = Message(made[0].staff_no, _("食堂登录码"), text)
    # The answer does not wait: how long it takes would tell whether the number exists.
    Thread(target=delivery.deliver, args=(found, message), daemon=True).start()


def _let_in(diner: Diner, method: str) -> Response:
    browser_session.pop(ASKED, None)
    onward = str(browser_session.pop(ONWARD, ""))
    token = phone_sessions.enter(diner, method)
    answer = redirect(onward if onward.startswith("/me/") else url_for("me.home"))
    phone_sessions.remember(answer, token)
    return answer


def _diners_of(session: Session, staff_no: str) -> list[Diner]:
    query = select(Diner).where(
        Diner.staff_no == staff_no.strip(), Diner.status != DinerStatus.LEFT.value
    )
    return list(session.scalars(query.limit(2)))


def _sends() -> bool:
    return bool(delivery.ways(services().settings))
