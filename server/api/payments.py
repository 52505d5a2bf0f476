"""What payment gateways tell us; answered in their own form."""

import logging

from apiflask import APIBlueprint
from flask import Response, jsonify, make_response, request

from dafan.db import writing
from server import online_orders
from server.access import machine
from server.gateway import NotGenuineError, open_gateway
from server.services import services

MAX_NOTIFY = 64 * 2**10
log = logging.getLogger(__name__)

blueprint = APIBlueprint("payments", __name__, url_prefix="/api/v1/payments", tag="Payments")


@blueprint.post("/wechat/notify")
@machine
@blueprint.output({}, status_code=204)
@blueprint.doc(
    summary="A notification of WeChat Pay",
    description="Signed by WeChat Pay; harmless to repeat. Nobody else's is believed.",
    responses={
        400: "Nothing that we asked for",
        401: "Not signed by WeChat Pay", 413: "Too long", 503: "No gateway is set up",
    },
)  # fmt: skip
def wechat_notify() -> Response:
    """Book what WeChat Pay says was paid."""
    parts = services()
    request.max_content_length = MAX_NOTIFY
    gateway = open_gateway(parts.settings.gateway)
    if gateway is None:
        return _fail(503, "no gateway is set up here")
    now = parts.clock.now()
    try:
        paid = gateway.verify_notify(dict(request.headers), request.get_data(), now)
    except NotGenuineError as error:
        log.warning("a notification was refused: %s", error)
        return _fail(401, "not genuine")
    if paid is None:
        return make_response("", 204)
    try:
        with writing(parts.engine) as session:
            online_orders.book(session, paid, gateway.name, now)
    except online_orders.UnknownOrderError:
        log.exception("a notification tells of the unknown order %s", paid.order_id)
        return _fail(400, "unknown order")
    return make_response("", 204)


def _fail(status: int, message: str) -> Response:
    """As WeChat Pay wants it: anything but 2xx, and it sends the notification again."""
    response = jsonify({"code": "FAIL", "message": message})
    response.status_code = status
    return response
