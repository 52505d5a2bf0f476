"""充值: by the payment gateway, where the institution has one."""

from uuid import UUID

import zxingcpp
from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse
from wtforms import HiddenField
from wtforms.validators import DataRequired, InputRequired, Length

from dafan import db
from dafan.errors import DafanError
from dafan.ids import new_id
from dafan.money import Fen
from server import online_orders
from server.access import diner
from server.gateway import Gateway
from server.online_orders import OnlineOrder, OrderState, UnknownOrderError
from server.pages import messages, site_view
from server.pages.forms import Form, YuanField
from server.pages.me.blueprint import actor, me, who
from server.pages.shared import as_uuid, reading, svg, the_gateway
from server.services import services


class TopUpForm(Form):
    """An amount; the key becomes the order's id, so that sending twice makes one order."""

    key = HiddenField(validators=[DataRequired(), Length(max=40)])
    amount = YuanField(_l("金额（元）"), [InputRequired(_l("请填写金额"))], lowest=1)


@me.route("/top-up", methods=["GET", "POST"])
@diner
def top_up() -> str | AnyResponse:
    """Ask for an amount; then show the code."""
    gateway, form = the_gateway(), TopUpForm()
    if request.method == "GET":
        form.key.data = str(new_id())
    elif form.validate_on_submit():
        order_id = as_uuid(form.key.data)
        if order_id is None:
            abort(400)
        try:
            _make(gateway, order_id, form.amount.data or Fen(0))
            return redirect(url_for("me.order", order_id=order_id))
        except DafanError as error:
            flash(messages.say(error), "stop")
    return render_template("me/top_up.html", tab="mine", form=form)


def _make(gateway: Gateway, order_id: UUID, amount: Fen) -> None:
    engine = services().engine
    with db.writing(engine) as session:
        order = online_orders.make(session, actor(), gateway, order_id, who().diner_id, amount)
    title = _("%(site)s 餐费充值", site=site_view.current().name)
    online_orders.send(engine, gateway, order, title)


@me.get("/top-up/<uuid:order_id>")
@diner
def order(order_id: UUID) -> str:
    """One's own order: its code while it can be paid, and how it stands."""
    with reading() as session:
        found = _order(session, order_id)
        waiting = found.state == OrderState.CREATED.value
        return render_template(
            "me/order.html", tab="mine", order=found,
            waiting=waiting and services().clock.now() < found.expires_at,
        )  # fmt: skip


@me.get("/top-up/<uuid:order_id>/qr.svg")
@diner
def order_qr(order_id: UUID) -> Response:
    """What WeChat scans; gone when it can no longer be paid."""
    with reading() as session:
        found = _order(session, order_id)
    if not found.code_url or found.state != OrderState.CREATED.value:
        abort(404)
    return svg(zxingcpp.create_barcode(found.code_url, zxingcpp.BarcodeFormat.QRCode).to_svg())


@me.post("/top-up/<uuid:order_id>/look")
@diner
def order_look(order_id: UUID) -> AnyResponse:
    """Ask the gateway how it stands."""
    with reading() as session:
        found = _order(session, order_id)
    parts = services()
    try:
        told = online_orders.look(parts.engine, the_gateway(), found, parts.clock.now())
        if told == "open":
            flash(_("还没有结果，请稍后再查"), "info")
    except DafanError as error:
        flash(messages.say(error), "stop")
    return redirect(url_for("me.order", order_id=order_id))


def _order(session: Session, order_id: UUID) -> OnlineOrder:
    try:
        found = online_orders.get(session, who().site_id, order_id)
    except UnknownOrderError:
        abort(404)
    if found.diner_id != who().diner_id:
        abort(404)
    return found
