"""线上充值: a QR code that the diner pays on his phone, and the list of all such orders."""

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
from server import online_orders, people
from server.access import needs
from server.gateway import Gateway
from server.online_orders import OnlineOrder, OrderState, UnknownOrderError
from server.pages import messages, site_view
from server.pages.forms import Form, YuanField
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, as_uuid, next_page, reading, site_id, svg, the_gateway
from server.services import services

PAGE = 50


class OnlineForm(Form):
    """An amount; the key becomes the order's id, so that sending twice makes one order."""

    key = HiddenField(validators=[DataRequired(), Length(max=40)])
    amount = YuanField(
        _l("金额（元）"), [InputRequired(_l("请填写金额"))], lowest=1, description=_l("例如 100")
    )


@manage.get("/online-orders", endpoint="online_orders")
@needs("see_gateway")
def online_list() -> str:
    """All orders, the latest first."""
    with reading() as session:
        before = as_uuid(request.args.get("before"))
        rows = online_orders.page(session, site_id(), before=before, limit=PAGE)
        return render_template(
            "manage/online_orders.html",
            rows=rows,
            diners=people.get_diners(session, site_id(), {row.diner_id for row in rows}),
            configured=_configured(),
            following=next_page(len(rows), PAGE, before=str(rows[-1].id) if rows else ""),
        )


@manage.route("/people/<uuid:diner_id>/online-top-up", methods=["GET", "POST"])
@needs("top_up")
def online_top_up(diner_id: UUID) -> str | AnyResponse:
    """Ask for an amount; then show the code."""
    form = OnlineForm()
    if request.method == "GET":
        form.key.data = str(new_id())
    elif form.validate_on_submit() and _configured():
        order_id = as_uuid(form.key.data)
        if order_id is None:
            abort(400)
        try:
            _make(the_gateway(), order_id, diner_id, form.amount.data or Fen(0))
            return redirect(url_for("manage.online_order", order_id=order_id))
        except DafanError as error:
            flash(messages.say(error), "stop")
    with reading() as session:
        try:
            diner = people.get_diner(session, site_id(), diner_id)
        except people.UnknownDinerError:
            abort(404)
    return render_template(
        "manage/online_top_up.html",
        active="manage.people_list",
        form=form,
        diner=diner,
        configured=_configured(),
    )


def _make(gateway: Gateway, order_id: UUID, diner_id: UUID, amount: Fen) -> None:
    engine = services().engine
    with db.writing(engine) as session:
        order = online_orders.make(session, actor(), gateway, order_id, diner_id, amount)
    title = _("%(site)s 餐费充值", site=site_view.current().name)
    online_orders.send(engine, gateway, order, title)


@manage.get("/online-orders/<uuid:order_id>")
@needs("top_up")
def online_order(order_id: UUID) -> str:
    """One order: its code while it can be paid, and how it stands."""
    with reading() as session:
        order = _order(session, order_id)
        waiting = order.state == OrderState.CREATED.value
        return render_template(
            "manage/online_order.html",
            active="manage.people_list",
            order=order,
            diner=people.get_diner(session, site_id(), order.diner_id),
            waiting=waiting and services().clock.now() < order.expires_at,
        )


@manage.get("/online-orders/<uuid:order_id>/qr.svg")
@needs("top_up")
def online_qr(order_id: UUID) -> Response:
    """What the diner scans; gone when it can no longer be paid."""
    with reading() as session:
        order = _order(session, order_id)
    if not order.code_url or order.state != OrderState.CREATED.value:
        abort(404)
    code = zxingcpp.create_barcode(order.code_url, zxingcpp.BarcodeFormat.QRCode)
    return svg(code.to_svg())


@manage.post("/online-orders/<uuid:order_id>/look")
@needs("top_up")
def online_look(order_id: UUID) -> AnyResponse:
    """Ask the gateway how it stands."""
    with reading() as session:
        order = _order(session, order_id)
    parts = services()
    try:
        told = online_orders.look(parts.engine, the_gateway(), order, parts.clock.now())
        flash(str(_LOOKED[told]), "ok" if told in {"booked", "refunded"} else "info")
    except DafanError as error:
        flash(messages.say(error), "stop")
    return redirect(url_for("manage.online_order", order_id=order_id))


@manage.post("/online-orders/<uuid:order_id>/refund")
@needs("pay_out")
def online_refund(order_id: UUID) -> AnyResponse:
    """Send the whole payment back to the phone."""
    parts = services()
    try:
        gateway = the_gateway()
        with db.writing(parts.engine) as session:
            order = online_orders.ask_refund(session, actor(), order_id)
        done = online_orders.send_refund(parts.engine, gateway, order, parts.clock.now())
        told = "refunded" if done.state == OrderState.REFUNDED.value else "refunding"
        flash(str(_LOOKED[told]), "ok")
    except DafanError as error:
        flash(messages.say(error), "stop")
    return redirect(url_for("manage.online_orders"))


_LOOKED = {
    "booked": _l("已付款，已入账"),
    "closed": _l("没有付款，订单已关闭"),
    "open": _l("还没有结果，请稍后再查"),
    "refunded": _l("已原路退回"),
    "refunding": _l("已从账户退出，等支付平台退回"),
}


def _configured() -> bool:
    return bool(services().settings.gateway.mchid)


def _order(session: Session, order_id: UUID) -> OnlineOrder:
    try:
        return online_orders.get(session, site_id(), order_id)
    except UnknownOrderError:
        abort(404)
