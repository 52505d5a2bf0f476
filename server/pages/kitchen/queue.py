"""What the tablet's own script asks: forms that waited for the network, pages without it.

A form that the script sends says so by :data:`HEADER`. It is handled like any other; only the
answer is made for a program: how it went, in the words that the page would have shown.
"""

from flask import Response, current_app, g, get_flashed_messages, jsonify, render_template, request
from flask_babel import gettext as _
from flask_login import current_user

from server import gate
from server.access import needs, public
from server.pages.kitchen.blueprint import kitchen

HEADER = "X-Dafan-Queue"
_AWAY = frozenset({502, 503, 504})
"""Statuses of a server that cannot be reached now: the form waits on."""


@kitchen.get("/sw.js")
@public
def service_worker() -> Response:
    """The script that keeps the last seen pages; its address makes ``/kitchen/`` its realm."""
    return current_app.send_static_file("kept-sw.js")


@kitchen.get("/offline")
@needs("see_kitchen")
def offline() -> str:
    """What is shown in place of a page that this tablet has never seen, without a network."""
    return render_template("kitchen/offline.html")


@kitchen.after_request
def tell(response: Response) -> Response:
    """Answer the script: ``ok``, ``messages``, ``to``, and what has to be done before a retry."""
    if HEADER not in request.headers or response.status_code in _AWAY:
        return response
    if not current_user.is_authenticated or gate.first_duty():
        return _answer(401, ok=False, sign_in=True)
    if _token_was_old(response):
        return _answer(400, ok=False, stale=True)
    said = [list(one) for one in get_flashed_messages(with_categories=True)]
    if response.status_code >= 400 and not said:
        said = [["stop", _("服务器没有接受（%(code)s），请告诉管理员", code=response.status_code)]]
    return _answer(
        200 if response.status_code < 400 else response.status_code,
        ok=response.status_code < 400 and all(kind != "stop" for kind, _text in said),
        messages=said,
        to=response.location or request.path,
        sign=bool(g.get("signature_missing")),
    )


def _token_was_old(response: Response) -> bool:
    """Whether the form came from a page of an earlier session."""
    checked = current_app.config["WTF_CSRF_ENABLED"]
    return checked and response.status_code == 400 and not g.get("csrf_valid", False)


def _answer(status: int, **body: object) -> Response:
    answer = jsonify(body)
    answer.status_code = status
    return answer
