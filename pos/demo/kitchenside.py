"""What stands beside the demo's kitchen tablet: a simulated scale and label printer, and a hand.

The hand is a page of its own on which a visitor puts weights on the scale and sees the labels.
"""

import base64
import io
from typing import Self

from flask import Flask, Response, redirect, render_template, request

from dafan.clock import SystemClock
from dafan.config import PrinterSettings, ScaleSettings, Settings, TabletSettings
from devices import loopback
from devices.printer_paper import PrintedReceipt
from devices.printer_simulator import VirtualPrinter
from devices.printer_simulator_ports import TcpPrinter
from devices.scales.simulator import ScaleSimulator
from devices.tabletside import TabletSide, create_service

PROTOCOL = "cas-soh"
LABELS_SHOWN = 12
HEAVIEST = 30_000
WEIGHTS = (0, 140, 500, 1200, 2500, 5000, 12_400, 20_000)
"""Grams offered as one touch; 140 is a sample."""


class KitchenSide:
    """The devices of the demo's tablet, simulated where the settings name none.

    Args:
        settings: Port and devices of ``[tablet]``.
        server_url: Whose pages may ask.
    """

    def __init__(self, settings: Settings, server_url: str) -> None:
        wanted = settings.tablet
        self.scale = None if wanted.scale.device else ScaleSimulator(PROTOCOL)
        self.paper = VirtualPrinter(58)
        self._printer = None if wanted.printer.url else TcpPrinter(self.paper)
        self._wanted, self._server_url = wanted, server_url

    def __enter__(self) -> Self:
        scale, printer = self._wanted.scale, self._wanted.printer
        if self.scale is not None:
            self.scale.start()
            scale = ScaleSettings(device=self.scale.path, protocol=PROTOCOL)
        if self._printer is not None:
            printer = PrinterSettings(url=self._printer.__enter__().url, paper=58)
        tablet = TabletSettings(
            server_url=self._server_url, devices_url=self._wanted.devices_url, scale=scale,
            printer=printer,
        )  # fmt: skip
        self._side = TabletSide(tablet, SystemClock())
        self._side.start()
        service = create_service(self._side, tablet)
        self._service = loopback.serve(service, self._wanted.host, self._wanted.port, "tablet")
        self._hand = loopback.serve(create_hand(self), self._wanted.host, 0, "tablet")
        return self

    def __exit__(self, *_: object) -> None:
        self._hand.stop()
        self._service.stop()
        self._side.stop()
        if self._printer is not None:
            self._printer.close()
        if self.scale is not None:
            self.scale.stop()

    @property
    def hand_url(self) -> str:
        """Where the visitor puts weights on the scale."""
        return f"http://{self._wanted.host}:{self._hand.port}/"


def create_hand(side: KitchenSide) -> Flask:
    """Build the page of the hand.

    Args:
        side: Whose scale is loaded and whose labels are shown.
    """
    app = Flask("pos.demo", static_folder=None, template_folder="templates")
    app.config.update(TRUSTED_HOSTS=["127.0.0.1", "localhost"], MAX_CONTENT_LENGTH=4096)

    @app.get("/")
    def hand() -> str:
        grams = request.args.get("grams", "0")
        labels = [_picture(one) for one in reversed(side.paper.receipts[-LABELS_SHOWN:])]
        return render_template(
            "hand.html",
            weights=WEIGHTS,
            labels=labels,
            grams=grams,
            has_scale=side.scale is not None,
        )

    @app.post("/place")
    def place() -> Response:
        text = request.form.get("grams", "")
        if side.scale is None or not text.isdecimal() or int(text) > HEAVIEST:
            return Response(f"say 0 to {HEAVIEST} grams", status=400, mimetype="text/plain")
        grams = int(text)
        if grams:
            side.scale.place(grams)
        else:
            side.scale.lift()
        return redirect(f"/?grams={grams}")  # type: ignore[return-value]  # werkzeug's own class

    return app


def _picture(receipt: PrintedReceipt) -> str:
    data = io.BytesIO()
    receipt.picture().save(data, "PNG")
    return base64.b64encode(data.getvalue()).decode("ascii")
