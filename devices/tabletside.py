"""What stands beside a kitchen's tablet: a scale and a label printer, for the page in its browser.

The page comes from the server; the devices hang on the tablet's own machine. A small HTTP service
on its loopback address joins them, so that a weight is read and a label printed also while the
network to the server is down. Only pages of the configured server may ask.
"""

import threading
from urllib.parse import urlsplit

from flask import Flask, Response, abort, jsonify, request
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from dafan.clock import Clock
from dafan.config import PrinterSettings, TabletSettings
from dafan.errors import DeviceError
from dafan.units import Grams
from devices.escpos_render import to_escpos
from devices.printer import print_now
from devices.receipt_doc import ReceiptDoc
from devices.scales.port import PortSettings, PortState, ScalePort
from devices.scales.protocols import driver_for
from devices.scales.reading import Reading

FRESH_S = 1.5
"""An older weight is not shown: the scale may have been unplugged since."""
MAX_LABEL_BYTES = 65536


class TabletSide:
    """The devices of one tablet.

    Args:
        settings: Which ones; a device without an address is not there.
        clock: Monotonic time for arrival and silence.

    Raises:
        ConfigError: the scale's protocol is unknown.
    """

    def __init__(self, settings: TabletSettings, clock: Clock) -> None:
        self._settings = settings
        self._state = PortState("disconnected", "no frame yet")
        self._printing = threading.Lock()
        self._port: ScalePort | None = None
        if settings.scale.device:
            self._port = ScalePort(
                settings.scale.device,
                driver_for(settings.scale),
                clock,
                lambda _reading, _at: None,
                self._note,
                PortSettings(division=Grams(settings.scale.division_grams)),
            )

    def start(self) -> None:
        """Begin to weigh."""
        if self._port is not None:
            self._port.start()

    def stop(self) -> None:
        """End the scale's thread."""
        if self._port is not None:
            self._port.stop()

    def weight(self) -> dict[str, object]:
        """What the scale says now: ``state`` and, where it is fresh, ``grams`` and ``stable``."""
        if self._port is None:
            return {"state": "none"}
        reading = self._port.latest(FRESH_S)
        if reading is None:
            state = self._state
            kind = "silent" if state.kind == "connected" else state.kind
            return {"state": kind, "reason": state.reason}
        return {"state": "connected", **_told(reading)}

    def tare(self) -> None:
        """Take what rests on the scale as tare.

        Raises:
            DeviceError: no scale, it cannot, or the weight does not rest.
        """
        self._scale().tare()

    def zero(self) -> None:
        """Zero the scale.

        Raises:
            DeviceError: no scale, or it cannot.
        """
        self._scale().zero()

    def print(self, label: ReceiptDoc) -> bool | None:
        """Print a label; one at a time.

        Returns:
            True when it is on paper, None where this printer cannot say.

        Raises:
            DeviceError: no printer, it is not ready, or it did not confirm.
        """
        printer = self._settings.printer
        if not printer.url:
            raise DeviceError("no label printer is set up at this tablet: set tablet.printer.url")
        with self._printing:
            return _print(printer, label)

    def _scale(self) -> ScalePort:
        if self._port is None:
            raise DeviceError("no scale is set up at this tablet: set tablet.scale.device")
        return self._port

    def _note(self, state: PortState) -> None:
        self._state = state


def create_service(side: TabletSide, settings: TabletSettings) -> Flask:
    """Build the service: ``GET /weight``, ``POST /tare``, ``/zero`` and ``/print``.

    Args:
        side: The devices; started by the caller.
        settings: Whose pages may ask, and under which name this machine is asked.
    """
    app = Flask("devices.tabletside", static_folder=None)
    names = {"127.0.0.1", "localhost", "[::1]", urlsplit(settings.devices_url).hostname or ""}
    app.config.update(TRUSTED_HOSTS=sorted(filter(None, names)), MAX_CONTENT_LENGTH=MAX_LABEL_BYTES)
    app.json.ensure_ascii = False  # type: ignore[attr-defined]

    _guard(app, settings)

    @app.get("/weight")
    def weight() -> Response:
        return jsonify(side.weight())

    @app.post("/tare")
    def tare() -> Response:
        side.tare()
        return jsonify({"ok": True})

    @app.post("/zero")
    def zero() -> Response:
        side.zero()
        return jsonify({"ok": True})

    @app.post("/print")
    def print_label() -> Response:
        return jsonify({"ok": True, "confirmed": side.print(_label())})

    @app.errorhandler(DeviceError)
    def not_now(error: DeviceError) -> tuple[Response, int]:
        return jsonify({"ok": False, "error": str(error)}), 409

    @app.errorhandler(HTTPException)
    def problem(error: HTTPException) -> tuple[Response, int]:
        return jsonify({"ok": False, "error": error.description}), error.code or 500

    return app


def _guard(app: Flask, settings: TabletSettings) -> None:
    """Only pages of the configured server may ask, and they may read the answer."""

    @app.before_request
    def only_our_pages() -> Response | None:
        origin = request.headers.get("Origin")
        if origin != settings.server_url and (origin or request.method != "GET"):
            abort(403, f"only pages of {settings.server_url} may ask: see tablet.server_url")
        return Response(status=204) if request.method == "OPTIONS" else None

    @app.after_request
    def allow(response: Response) -> Response:
        response.headers.update(
            {
                "Access-Control-Allow-Origin": settings.server_url,
                "Access-Control-Allow-Headers": "Content-Type",
                "Access-Control-Allow-Private-Network": "true",
                "Vary": "Origin",
                "Cache-Control": "no-store",
                "X-Content-Type-Options": "nosniff",
            }
        )
        return response


def _label() -> ReceiptDoc:
    try:
        return ReceiptDoc.model_validate_json(request.get_data())
    except (ValidationError, RecursionError):
        abort(400, "this is no label: send the JSON of a receipt document")


def _told(reading: Reading) -> dict[str, object]:
    return {
        "grams": reading.grams,
        "stable": reading.stable,
        "over": reading.over,
        "faulty": reading.error is not None or reading.under,
    }


def _print(printer: PrinterSettings, label: ReceiptDoc) -> bool | None:
    data = to_escpos(label, printer.paper, "raster" if printer.raster else "gb18030")
    finished = print_now(printer.url, data, "the label printer")
    if finished is False:
        raise DeviceError("the label printer did not confirm: look whether the label is complete")
    return finished
