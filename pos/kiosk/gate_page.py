"""The page of a gate's screen; guarded as the till's page is (``pos.kiosk.app``)."""

import re
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Protocol

from flask import Flask, Response

from pos.gate_view import GateView
from pos.kiosk.app import CARD, LOOPBACK, event_stream, guarded_page, read_press
from pos.kiosk.gate_texts import TEXTS
from pos.kiosk.plate_texts import Text, fill

PRESSES: dict[str, dict[str, re.Pattern[str]]] = {
    "card": {"number": CARD},
    "cancel": {},
    "return": {},
    "pin": {"digits": re.compile(r"[0-9]{4,12}", re.ASCII)},
}
"""What the page sends: what a reader that types has read, and hands."""


class GatePort(Protocol):
    """A gate, as its page sees it."""

    def subscribe(self) -> Iterator[GateView | None]:
        """The view now, then every change; None at least every few seconds without one."""
        ...

    def put_typed(self, text: str) -> None:
        """What a reader that types has read."""
        ...

    def press(self, action: str, digits: str = "") -> None:
        """A hand on the screen."""
        ...

    def jpeg(self) -> bytes | None:
        """The newest camera picture; None while there is none to show."""
        ...


def create_gate_page(station: GatePort, hosts: tuple[str, ...] = LOOPBACK) -> Flask:
    """Build the page's application.

    Args:
        station: The gate to show.
        hosts: Host names under which the page may be asked for.
    """
    app = guarded_page("gate.html", hosts)

    @app.get("/events")
    def events() -> Response:
        return event_stream(station.subscribe(), wire)

    @app.get("/camera.jpg")
    def camera() -> Response:
        picture = station.jpeg()
        if picture is None:
            return Response(status=204)
        return Response(picture, mimetype="image/jpeg")

    @app.post("/press")
    def press() -> Response:
        action, params = read_press(PRESSES)
        if action == "card":
            station.put_typed(params["number"])
        else:
            station.press(action, **params)
        return Response(status=204)

    return app


def wire(view: GateView) -> dict[str, Any]:
    """The view as JSON values; each text as ``[Chinese, English]``."""
    return asdict(view) | {"line": offline_line(view.waiting) if view.offline else None}


def offline_line(waiting: int) -> Text:
    """What stands at the edge while the network is away, and how much waits."""
    what, more = TEXTS["offline"]
    if not waiting:
        return what
    more = fill(more, {"waiting": waiting})
    return Text(f"{what.zh}，{more.zh}", f"{what.en}, {more.en}")
