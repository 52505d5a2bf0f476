"""The page of a return station's screen; guarded as the till's page is (``pos.kiosk.app``)."""

import re
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Protocol

from flask import Flask, Response

from pos.kiosk.app import CARD, LOOPBACK, event_stream, guarded_page, read_press
from pos.kiosk.plate_texts import TEXTS, Text, fill
from pos.plate_view import PlateView

PRESSES: dict[str, dict[str, re.Pattern[str]]] = {"card": {"number": CARD}}
"""What the page sends: what a reader that types has read."""


class PlatePort(Protocol):
    """A return station, as its page sees it."""

    def subscribe(self) -> Iterator[PlateView | None]:
        """The view now, then every change; None at least every few seconds without one."""
        ...

    def put_typed(self, text: str) -> None:
        """What a reader that types has read."""
        ...


def create_plate_page(station: PlatePort, hosts: tuple[str, ...] = LOOPBACK) -> Flask:
    """Build the page's application.

    Args:
        station: The station to show.
        hosts: Host names under which the page may be asked for.
    """
    app = guarded_page("plate.html", hosts)

    @app.get("/events")
    def events() -> Response:
        return event_stream(station.subscribe(), wire)

    @app.post("/press")
    def press() -> Response:
        _action, params = read_press(PRESSES)
        station.put_typed(params["number"])
        return Response(status=204)

    return app


def wire(view: PlateView) -> dict[str, Any]:
    """The view as JSON values; each text as ``[Chinese, English]``."""
    return asdict(view) | {"line": _line(view)}


def _line(view: PlateView) -> Text | None:
    """What stands at the edge: the network is away, and how much waits."""
    if not view.offline:
        return None
    what, more = TEXTS["offline"]
    if not view.waiting:
        return what
    more = fill(more, {"waiting": view.waiting})
    return Text(f"{what.zh}，{more.zh}", f"{what.en}, {more.en}")
