"""Every request gets a number, is timed and leaves one line in the log, without personal data.

What is written is the route (``/manage/people/<uuid:diner_id>``), never the address that was asked:
addresses carry search words and ids of people.
"""

import logging
import os
import re
import secrets
import time

from flask import Flask, Response, g, request
from flask_login import current_user
from prometheus_client import REGISTRY, CollectorRegistry, Histogram, multiprocess

from dafan.logs import FIELDS

log = logging.getLogger(__name__)

HEADER = "X-Request-Id"
WORKERS_DIR = "PROMETHEUS_MULTIPROC_DIR"
"""Where the workers of one server count together; :mod:`server.running` sets it."""
_GIVEN = re.compile(r"[A-Za-z0-9-]{8,64}")
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

_seconds = Histogram(
    "dafan_request_seconds", "How long requests took", ("method", "route", "status"),
    buckets=_BUCKETS,
)  # fmt: skip


def init_app(app: Flask) -> None:
    """Number, time and log the requests of the application."""
    app.before_request(_begin)
    app.after_request(_end)


def reference() -> str:
    """The number of the request at hand: what a person tells the administrator."""
    return str(g.get("request_id", ""))


def _begin() -> None:
    given = request.headers.get(HEADER, "")
    g.request_id = given if _GIVEN.fullmatch(given) else secrets.token_hex(4).upper()
    g.request_began = time.perf_counter()


def _end(response: Response) -> Response:
    if "request_began" not in g:  # refused before it began
        return response
    response.headers[HEADER] = g.request_id
    took = time.perf_counter() - g.request_began
    route = str(request.url_rule) if request.url_rule else "unknown"
    _seconds.labels(request.method, route, f"{response.status_code // 100}xx").observe(took)
    fields = {
        "request": g.request_id, "method": request.method, "route": route,
        "status": response.status_code, "ms": round(took * 1000, 1), "who": _who(),
    }  # fmt: skip
    quiet = route in {"/healthz", "/livez", "/metrics"} or request.endpoint == "static"
    log.log(logging.DEBUG if quiet else logging.INFO, "request", extra={FIELDS: fields})
    return response


def _who() -> str:
    """The account or the terminal by its id."""
    terminal = g.get("terminal_id")
    if terminal is not None:
        return f"terminal {terminal}"
    user = g.get("_login_user", current_user if "_login_user" in g else None)
    return f"account {user.id}" if user is not None and user.is_authenticated else "nobody"


def registry() -> CollectorRegistry:
    """What all workers of this server have counted."""
    if WORKERS_DIR not in os.environ:
        return REGISTRY
    together = CollectorRegistry()
    multiprocess.MultiProcessCollector(together)  # type: ignore[no-untyped-call]  # untyped there
    return together
