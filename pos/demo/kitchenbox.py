"""The box in the demo's kitchen: thermometers of its refrigerators, and cameras for its board.

The thermometers are simulated on a pseudo-terminal and go the way of real ones: line, spool,
carrier, API. The stills are drawn.
"""

import json
import logging
import threading
import time
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

import httpx

from dafan.clock import SystemClock
from dafan.config import ProbesSettings, SerialProbeSettings
from devices.probe_carrier import Carrier, Troubles
from devices.probe_lines import listening
from devices.probe_simulator import ProbeSimulator
from devices.probe_spool import FILE, ProbeSpool
from pos.demo.backoffice import BackOffice
from pos.demo.kitchenfilm import still

KEYS = "demo.key"
"""What ``dafan server seed-demo --kitchen`` leaves for the demo's own programs."""
PROBES = {"probe-sample": 41, "probe-cold": 38, "probe-frozen": -183}
"""As the demo's cabinets name them: tenths of a degree."""
CAMERAS = ("热加工间", "备餐间")
STILL_S = 5.0
ZONE = ZoneInfo("Asia/Shanghai")
"""Where the demo's canteen stands."""
_LOG = logging.getLogger(__name__)


class KitchenBox:
    """Sends temperatures and stills as long as the demo runs.

    Args:
        office: The demo's server; it has been seeded.
        folder: Of the box's own: device and spool.
    """

    def __init__(self, office: BackOffice, folder: Path) -> None:
        self._url = office.url
        self._folder = folder
        self._keys: dict[str, str] = json.loads((office.folder / KEYS).read_text("utf-8"))
        self._stop = threading.Event()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        clock, troubles = SystemClock(), Troubles()
        spool = ProbeSpool(self._folder / FILE)
        self._stack.callback(spool.close)
        carrier = Carrier(self._url, self._keys["token"], spool, clock, 60, troubles)
        line = self._folder / "thermometers"
        self._stack.enter_context(ProbeSimulator(line, PROBES))
        said = ProbesSettings(serial=(SerialProbeSettings(device=str(line)),))
        self._stack.enter_context(listening(said, clock, carrier.take, troubles.tell))
        for run, arguments in ((carrier.run, (self._stop,)), (self._film, ())):
            thread = threading.Thread(target=run, args=arguments, name="kitchen box", daemon=True)
            self._stack.callback(thread.join)
            thread.start()
        self._stack.callback(self._stop.set)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def board(self, kind: str) -> str:
        """Address of a board.

        Args:
            kind: ``kitchen`` or ``canteen``.
        """
        return f"{self._url}/board/{self._keys[kind]}"

    def _film(self) -> None:
        headers = {"Authorization": f"Bearer {self._keys['token']}"}
        with httpx.Client(headers=headers, timeout=10) as http:
            while not self._stop.is_set():
                text = f"{datetime.now(ZONE):%Y-%m-%d %H:%M:%S}"
                for room, name in enumerate(CAMERAS):
                    picture = still(room, time.monotonic(), text)
                    try:
                        http.put(
                            f"{self._url}/api/v1/camera-stills",
                            params={"camera": name}, content=picture,
                        )  # fmt: skip
                    except httpx.HTTPError as error:
                        _LOG.info("a still was not sent: %s", error)
                self._stop.wait(STILL_S)
