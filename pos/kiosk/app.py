"""The Flask application of the kiosk page.

The page belongs to the till's own screen: its server listens on loopback, answers only to
loopback host names (a foreign page cannot reach it by rebinding a name), and takes presses only
from the page itself.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, fields
from importlib.resources import files
from typing import Any, TypeVar

from flask import Flask, Response, abort, jsonify, render_template, request
from werkzeug.exceptions import HTTPException

from dafan import __version__
from pos.kiosk.manner import Manner
from pos.kiosk.port import TillPort
from pos.kiosk.texts import LABELS, NOTICES
from pos.place_view import PlacePicture
from pos.staffdesk import REASONS
from pos.view import View

_View = TypeVar("_View")

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
MAX_PRESS_BYTES = 4096
_SLUG = re.compile(r"[\w-]{1,64}", re.ASCII)
_DIGITS = re.compile(r"[0-9]{1,20}", re.ASCII)
CARD = re.compile(r"[\x21-\x7e]{4,512}")
PRESSES: dict[str, dict[str, re.Pattern[str]]] = {
    "cancel": {},
    "way": {"way": re.compile("card|qr|staff_no|cash|help|face")},
    "pick": {},
    "picked": {},
    "add": {"dish": _SLUG, "portion": re.compile("full|half|small")},
    "remove": {"line": _SLUG},
    "digits": {"digits": _DIGITS},
    "yes": {},
    "retry": {},
    "reprint": {},
    "card": {"number": CARD},
    "staff": {},
    "void": {"sale": _SLUG},
    "reason": {"reason": re.compile("|".join(REASONS))},
    "shift": {},
    "camera": {},
}
"""Every press, and what each of its parameters must look like in full."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def create_kiosk(
    till: TillPort, hosts: tuple[str, ...] = LOOPBACK, manner: Manner | None = None
) -> Flask:
    """Build the page's application.

    Args:
        till: The till to show and to press.
        hosts: Host names under which the page may be asked for.
        manner: How it speaks and looks; else only tones are heard.
    """
    app = guarded_page("kiosk.html", hosts)
    how = manner or Manner()

    @app.get("/texts.json")
    def texts() -> Response:
        return jsonify({"notices": NOTICES, "labels": LABELS, "manner": how.first()})

    @app.get("/events")
    def events() -> Response:
        return event_stream(till.subscribe(), _told(how))

    @app.get("/camera.jpg")
    def camera() -> Response:
        return _picture(till.jpeg())

    @app.get("/payer.jpg")
    def payer() -> Response:
        return _picture(till.payer_jpeg())

    @app.get("/place.jpg")
    def place() -> Response:
        return _place(till.place_picture())

    @app.get("/voice/<language>/<key>.wav")
    def voice(language: str, key: str) -> Response:
        sound = how.wav(language, key)
        return Response(sound, mimetype="audio/wav") if sound else Response(status=204)

    @app.post("/press")
    def press() -> Response:
        action, params = read_press(PRESSES)
        till.press(action, **params)
        return Response(status=204)

    return app


def guarded_page(template: str, hosts: tuple[str, ...]) -> Flask:
    """An application with one page, its style, and the guards that the module tells of.

    Args:
        template: Of the page.
        hosts: Host names under which it may be asked for.
    """
    app = Flask("pos.kiosk", static_folder="static", template_folder="templates")
    app.config.update(TRUSTED_HOSTS=list(hosts), MAX_CONTENT_LENGTH=MAX_PRESS_BYTES)
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    tokens = files("dafan").joinpath("static", "dafan.css").read_text(encoding="utf-8")

    @app.get("/")
    def page() -> str:
        return render_template(template, version=__version__)

    @app.get("/tokens.css")
    def design_tokens() -> Response:
        return Response(tokens, mimetype="text/css")

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response

    @app.errorhandler(HTTPException)
    def problem(error: HTTPException) -> tuple[Response, int]:
        return jsonify({"error": error.description}), error.code or 500

    return app


def _picture(jpeg: bytes | None) -> Response:
    return Response(status=204) if jpeg is None else Response(jpeg, mimetype="image/jpeg")


def _place(picture: PlacePicture | None) -> Response:
    """A picture with what is seen in it as a header: both are of the same moment."""
    if picture is None:
        return _picture(None)
    answer = _picture(picture.jpeg)
    if picture.look is not None:
        answer.headers["X-Place"] = json.dumps(asdict(picture.look))
    return answer


def event_stream(
    views: Iterable[_View | None], told: Callable[[_View], Mapping[str, Any]]
) -> Response:
    """Server-sent events: what is told of each view as it comes; a beat where there is none."""

    def events() -> Iterator[str]:
        yield "retry: 1000\n\n"
        for view in views:
            if view is None:
                yield "event: beat\ndata:\n\n"
            else:
                yield f"data: {json.dumps(told(view), ensure_ascii=False)}\n\n"

    return Response(events(), mimetype="text/event-stream")


def _told(how: Manner) -> Callable[[View], dict[str, Any]]:
    """Whole views, the menu only when it is another one; and what is said."""
    sent: View | None = None

    def values(view: View) -> dict[str, Any]:
        nonlocal sent
        before, sent = sent, view
        return wire(view, before) | how.heard(before, view)

    return values


def wire(view: View, sent: View | None = None) -> dict[str, Any]:
    """The view as JSON values, without the menu where the page has it already."""
    values = {name.name: _plain(getattr(view, name.name)) for name in fields(view)}
    if sent is not None and sent.menu == view.menu:
        del values["menu"]
    return values


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return asdict(value) if hasattr(value, "__dataclass_fields__") else value


def read_press(shapes: Mapping[str, Mapping[str, re.Pattern[str]]]) -> tuple[str, dict[str, str]]:
    """The press in the request, checked; aborts with 400 or 403 where it is none of ours.

    Args:
        shapes: Action → parameter → what it looks like in full.
    """
    origin = request.headers.get("Origin")
    if request.headers.get("X-Dafan") != "kiosk" or origin not in {None, request.host_url[:-1]}:
        abort(403, "presses come from the kiosk page only")
    try:
        body = request.get_json(silent=True)
    except RecursionError:  # thousands of nested brackets
        body = None
    if not isinstance(body, dict):
        abort(400, "send a JSON object with an action")
    action = body.pop("action", None)
    shape = shapes.get(action) if isinstance(action, str) else None
    if shape is None or set(body) != set(shape):
        abort(400, f"send one of {', '.join(shapes)} with exactly its parameters")
    for name, pattern in shape.items():
        if not isinstance(body[name], str) or not pattern.fullmatch(body[name]):
            abort(400, f"{name} does not look as it should")
    return str(action), body
