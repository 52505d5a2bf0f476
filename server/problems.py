"""Errors as people and programs meet them: a calm page, or ``{"code", "message"}``."""

import logging
import secrets
from typing import Any

from apiflask import APIFlask
from apiflask.exceptions import HTTPError
from flask import Response, jsonify, make_response, render_template, request
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, OperationalError
from werkzeug.exceptions import HTTPException

from dafan.db import in_doubt
from dafan.errors import DafanError
from server import observe
from server.auth import LoginError
from server.ingest import RevokedError
from server.terminals import EnrolError
from server.throttle import TooManyError

log = logging.getLogger(__name__)

_STATUS: dict[type[DafanError], int] = {
    LoginError: 401,
    RevokedError: 401,
    EnrolError: 403,
    TooManyError: 429,
}


def init_app(app: APIFlask) -> None:
    """Answer every error of the application; none shows a traceback."""
    app.error_processor(_api_error)
    app.register_error_handler(DafanError, _dafan_error)
    app.register_error_handler(CSRFError, _csrf_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(OperationalError, _database_error)
    app.register_error_handler(DataError, _unstorable)
    app.register_error_handler(RecursionError, _too_deep)
    app.register_error_handler(Exception, _fault)


def is_api() -> bool:
    """Whether a program asks."""
    return request.path.startswith("/api/")


def problem(status: int, code: str, message: str, **more: Any) -> Response:
    """A JSON problem."""
    response = jsonify({"code": code, "message": message, **more})
    response.status_code = status
    return response


def _answer(status: int, code: str, message: str, reference: str = "") -> Response:
    if is_api():
        return problem(status, code, message + (f" (reference {reference})" if reference else ""))
    title, advice = _doubt() if code == "in_doubt" else _texts(status)
    kind = "stop" if status >= 500 else "warn"
    page = render_template(
        "error.html", title=title, advice=advice, kind=kind, reference=reference, status=status
    )
    return make_response(page, status)


def _texts(status: int) -> tuple[str, str]:
    texts = {
        400: (_("请求无法处理"), _("请返回上一页，检查后重新提交。")),
        401: (_("请先登录"), _("登录后再试一次。")),
        403: (_("没有权限"), _("您的角色不能查看或修改这里；需要时请联系管理员。")),
        404: (_("没有这个页面"), _("地址可能有误，或内容已被移走。")),
        413: (_("文件太大"), _("请压缩或另选一个较小的文件。")),
        429: (_("尝试次数过多"), _("请等 15 分钟后再试。")),
        503: (_("数据库暂时繁忙"), _("没有任何改动；请稍后再试。")),
    }
    other = (_("出了故障"), _("没有任何改动；请稍后再试，仍不行时把编号告诉管理员。"))
    return texts.get(status, other if status >= 500 else texts[400])


def _doubt() -> tuple[str, str]:
    return _("磁盘没有确认"), _(
        "可能已记下，也可能没有。请先查看记录，没有时再提交一次，并告诉管理员检查磁盘。"
    )


def _dafan_error(error: DafanError) -> Response:
    status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 400)
    return _answer(status, error.code, str(error))


def _api_error(error: HTTPError) -> Response:
    detail = error.detail or {}
    faults = [
        f"{field}: {' '.join(map(str, texts))}"
        for fields in detail.values()
        if isinstance(fields, dict)
        for field, texts in fields.items()
    ]
    message = "; ".join(faults[:5]) or error.message or "the request cannot be used"
    return _answer(error.status_code, "bad_request", message)


def _csrf_error(_error: CSRFError) -> Response:
    return _answer(400, "csrf", "the form is too old: reload the page and send it again")


def _http_error(error: HTTPException) -> Response:
    if error.response is not None or (error.code or 500) < 400:
        return make_response(error.get_response())
    code = error.name.lower().replace(" ", "_")
    return _answer(error.code or 500, code, error.description or error.name)


def _database_error(error: OperationalError) -> Response:
    log.error("the database refuses: %s", error.orig)
    if in_doubt(error):
        return _answer(
            503, "in_doubt", "the disk did not confirm: look whether it is there already"
        )
    return _answer(503, "busy", "the database is busy or full: nothing was changed, send it again")


def _unstorable(error: DataError) -> Response:
    """PostgreSQL takes no null character, no number over 64 bits, no text over its column."""
    log.warning(
        "the database cannot keep a value at %s: %s", request.url_rule, type(error.orig).__name__
    )
    return _answer(400, "bad_value", "a value cannot be kept: it is too long, too large or no text")


def _too_deep(_error: RecursionError) -> Response:
    return _answer(400, "bad_request", "the request is nested too deeply")


def _fault(error: Exception) -> Response:
    reference = observe.reference() or secrets.token_hex(4).upper()
    route = request.url_rule or "an unknown route"
    log.error("fault %s at %s %s", reference, request.method, route, exc_info=error)
    return _answer(500, "fault", "a fault of the server: nothing was changed", reference)
