"""The demo canteen as its own process, for the tests that look at it in a browser."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pos.demo.backoffice import free_port


@dataclass
class Canteen:
    """A running demo.

    Attributes:
        till: Address of the till's page.
        manager: Address of the manager's page.
        kitchen: Address of the tablet's page.
        hand: Address of the page that puts weights on the kitchen's scale.
        folder: Its data.
    """

    till: str
    manager: str
    kitchen: str
    hand: str
    folder: Path


@contextmanager
def open_canteen(folder: Path) -> Iterator[Canteen]:
    """Start ``dafan demo`` as a newcomer does, and end it with Ctrl-C."""
    port, kiosk = free_port(), free_port()
    command = [sys.executable, "-m", "dafan", "demo"]
    command += ["--port", str(port), "--kiosk-port", str(kiosk)]
    command += ["--tablet-port", str(free_port())]
    environment = {n: v for n, v in os.environ.items() if not n.startswith("DAFAN_DATA")}
    with (folder / "demo.log").open("w") as log:
        demo = subprocess.Popen(
            command,
            env={**environment, "DAFAN_DATA_DIR": str(folder), "COLUMNS": "120"},
            stdout=log,
            stderr=log,
        )
    said = folder / "demo.log"
    deadline = time.monotonic() + 240
    while "Ctrl-C" not in said.read_text() and demo.poll() is None and time.monotonic() < deadline:
        time.sleep(0.3)
    assert "Ctrl-C" in said.read_text(), said.read_text()
    hand = re.search(r"Its scale +(http\S+)", said.read_text())
    assert hand, said.read_text()
    base = f"http://127.0.0.1:{port}"
    till = f"http://127.0.0.1:{kiosk}/"
    yield Canteen(till, f"{base}/manage", f"{base}/kitchen/", hand.group(1), folder)
    demo.send_signal(signal.SIGINT)
    assert demo.wait(60) == 0
    assert "WRONG PERSON" not in said.read_text()
    assert "Traceback" not in said.read_text()
