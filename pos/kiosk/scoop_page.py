"""The displays of a box's scoop stations: one page each, and a list of all of them.

The pages only show: nothing can be pressed on the box from here. They are guarded as the till's
page is (``pos.kiosk.app``).
"""

from collections.abc import Iterator
from typing import Any, Protocol

from flask import Flask, Response, abort, jsonify, render_template

from dafan import __version__
from dafan.money import format_yuan
from pos.kiosk.app import LOOPBACK, event_stream, guarded_page
from pos.kiosk.plate_texts import NONE, Text
from pos.kiosk.scoop_texts import TEXTS, allergen
from pos.scoop_view import ScoopView

TONES = {
    "shut": "stop", "alarm": "stop", "crowd": "warn", "lifted": "warn", "told": "ok",
    "refill": "info",
}  # fmt: skip


class BoxPort(Protocol):
    """A box, as its pages see it."""

    @property
    def numbers(self) -> tuple[int, ...]:
        """Of its stations."""
        ...

    @property
    def place(self) -> str:
        """Where it stands."""
        ...

    def views(self) -> dict[int, ScoopView]:
        """What the displays show now."""
        ...

    def subscribe(self, number: int) -> Iterator[ScoopView | None]:
        """A station's view now, then every change; None at least every few seconds."""
        ...


def create_scoop_pages(box: BoxPort, hosts: tuple[str, ...] = LOOPBACK) -> Flask:
    """Build the pages' application.

    Args:
        box: The box to show.
        hosts: Host names under which the pages may be asked for.
    """
    app = guarded_page("scoop_list.html", hosts)

    @app.get("/stations.json")
    def stations() -> Response:
        shown = {number: wire(view) for number, view in box.views().items()}
        return jsonify({"place": box.place, "stations": shown})

    @app.get("/s/<int:number>")
    def display(number: int) -> str:
        if number not in box.numbers:
            abort(404, f"this box has the stations {', '.join(map(str, box.numbers))}")
        return render_template("scoop.html", version=__version__, number=number)

    @app.get("/s/<int:number>/events")
    def events(number: int) -> Response:
        if number not in box.numbers:
            abort(404)
        return event_stream(box.subscribe(number), wire)

    return app


def wire(view: ScoopView) -> dict[str, Any]:
    """The view as JSON values: each text as ``[Chinese, English]``, each amount as yuan."""
    code = _code(view)
    title, advice = TEXTS[code]
    return {
        "screen": view.screen, "tone": TONES.get(view.screen, "calm"),
        "title": title, "advice": advice,
        "label": view.label, "dish": view.dish, "name": view.name,
        "price": format_yuan(view.price) if view.dish else "",
        "per": _say("per", per=view.per),
        "energy": None if view.energy is None else _say("energy", energy=view.energy),
        "contains": TEXTS["contains"][0],
        "allergens": [allergen(one) for one in view.allergens],
        "band": _band(view),
        "grams": view.grams, "fen": format_yuan(view.fen),
        "figure": TEXTS["back" if view.grams < 0 else "this"][0],
        "moving": TEXTS["moving"][0] if view.moving else None,
        "sums": _sums(view), "line": _line(view),
    }  # fmt: skip


def _code(view: ScoopView) -> str:
    if view.screen == "told":
        return "told_back" if view.grams < 0 else "told" if view.fen else "told_free"
    if view.screen == "tray" and view.tray_grams and not view.grams:
        return "tray_quiet"
    code = f"{view.screen}_{view.code}" if view.code else view.screen
    return code if code in TEXTS else view.screen if view.screen in TEXTS else "shut_setup"


def _band(view: ScoopView) -> dict[str, Any] | None:
    """What the tray's diner must read before anything else."""
    if view.screen not in {"tray", "told"}:
        return None
    if view.warned:
        what = [allergen(one) for one in view.warned]
        zh, en = "、".join(one.zh for one in what), ", ".join(one.en for one in what)
        said = TEXTS["warned"][0]
        title = Text(said.zh.format(what=zh), said.en.format(what=en))
        return {"tone": "stop", "title": title, "advice": NONE}
    gone = f"gone_{view.gone}"
    for code, so in ((gone, view.gone), ("unbound", view.unbound), ("over_cap", view.over_cap)):
        if so:
            title, advice = TEXTS[code]
            return {"tone": "warn", "title": title, "advice": advice}
    return None


def _sums(view: ScoopView) -> list[Text]:
    """What stands below the figures: of this dish, of the whole tray, what is charged."""
    if view.screen not in {"tray", "told"}:
        return []
    sums = []
    charged = view.charged
    if view.screen == "tray" and charged is not None and not view.grams:
        sums.append(_say("charged", grams=charged.grams, fen=format_yuan(charged.amount)))
    elif view.tray_grams:
        sums.append(_say("here", grams=view.tray_grams, fen=format_yuan(view.tray_fen)))
    if view.spent:
        sums.append(_say("whole", fen=format_yuan(view.spent)))
    return sums


def _line(view: ScoopView) -> Text | None:
    if not view.offline:
        return None
    what, more = TEXTS["offline"]
    if not view.waiting:
        return what
    waiting = {"waiting": view.waiting}
    return Text(
        f"{what.zh}，{more.zh.format(**waiting)}", f"{what.en}, {more.en.format(**waiting)}"
    )


def _say(code: str, **said: object) -> Text:
    text = TEXTS[code][0]
    return Text(text.zh.format(**said), text.en.format(**said))
