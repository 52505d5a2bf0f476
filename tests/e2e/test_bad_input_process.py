"""``dafan till run`` as a process of its own, before devices that are really there."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from conftest_pos import card
from conftest_till import CARD, all_day

from dafan.clock import SystemClock
from dafan.crypto import Identity, new_key
from devices.printer_simulator import VirtualPrinter
from devices.printer_simulator_ports import TcpPrinter
from devices.reader_port import SimulatedReader
from devices.scales.simulator import ScaleSimulator
from pos.demo.backoffice import free_port
from pos.enrol import IDENTITY, JOURNAL, SITE_KEY, TERMINAL
from pos.store import TillStore

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]
ENDS_WITHIN_S = 5


class Machine:
    """A machine that is a till, and a server that takes connections and never answers."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder / "till", free_port()
        self.folder.mkdir()
        self.deaf = socket.create_server(("127.0.0.1", 0))
        self.paper = VirtualPrinter(80)
        self.printer = TcpPrinter(self.paper).__enter__()
        self.scale = ScaleSimulator("cas-soh", link=folder / "scale").start()
        self.reader = SimulatedReader(folder / "reader")
        self.process = None
        self._enrol()

    def _enrol(self) -> None:
        canteen, key = all_day(), new_key()
        (self.folder / IDENTITY).write_bytes(Identity.create().to_bytes())
        (self.folder / SITE_KEY).write_bytes(key)
        (self.folder / TERMINAL).write_text(json.dumps(canteen.terminal.to_body()))
        diner = canteen.diner()
        store = TillStore(self.folder / JOURNAL, canteen.terminal_id, key, SystemClock())
        items = ("diner", str(diner.id), diner), ("card", CARD, card(CARD, diner))
        store.apply_feed_page(canteen.page(*items))
        store.close()

    def environment(self, **more: str) -> dict[str, str]:
        """The settings of this machine."""
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("DAFAN_")},
            "DAFAN_DATA_DIR": str(self.folder),
            "DAFAN_TILL__SERVER_URL": f"http://127.0.0.1:{self.deaf.getsockname()[1]}",
            "DAFAN_TILL__PORT": str(self.port),
            "DAFAN_TILL__SCALE__DEVICE": self.scale.path,
            "DAFAN_TILL__PRINTER__URL": self.printer.url,
            "DAFAN_TILL__READER": str(self.reader.link),
            **more,
        }

    def run(self) -> None:
        """Start the till and wait for its page."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dafan", "till", "run", "--cash"],
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert str(self.port) in self.process.stdout.readline()

    def command(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "dafan", *arguments],
            env=self.environment(**settings),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def view(self) -> dict[str, object]:
        """What the page shows."""
        with httpx.stream("GET", f"http://127.0.0.1:{self.port}/events", timeout=5) as answer:
            for line in answer.iter_lines():
                if line.startswith("data: {"):
                    return json.loads(line[5:])
        return {}

    def until(self, condition, seconds=30.0):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, self.view()
            time.sleep(0.05)

    def end(self) -> str:
        """Ask the till to end; what it said on its error output."""
        self.process.send_signal(signal.SIGTERM)
        _, said = self.process.communicate(timeout=ENDS_WITHIN_S)
        return said

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
        self.reader.unplug()
        self.scale.stop()
        self.printer.close()
        self.deaf.close()


@pytest.fixture
def machine(tmp_path):
    made = Machine(tmp_path)
    yield made
    made.close()


def test_a_till_sells_tells_its_status_and_ends_when_it_is_told_to(machine):
    machine.run()
    machine.until(lambda: machine.view()["devices"]["scale"] == "ok")
    machine.until(lambda: machine.view()["screen"] == "place")
    machine.until(lambda: machine.view()["grams"] == 0 and machine.view()["stable"])
    time.sleep(0.5)  # the scale has to be seen empty for a while
    machine.scale.place(412)
    machine.until(lambda: machine.view()["total"] == 1154)
    machine.reader.present(CARD)
    machine.until(lambda: machine.view()["screen"] == "paid")
    machine.until(lambda: machine.paper.receipts)
    status = json.loads(machine.command("till", "status", "--json").stdout)
    assert (status["ready"], status["entries"], status["waiting"]) == (True, 1, 1)
    said = machine.end()
    assert machine.process.returncode == 0
    assert "Traceback" not in said
    assert json.loads(machine.command("till", "status", "--json").stdout)["entries"] == 1
    assert len(machine.paper.receipts) == 1


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"DAFAN_TILL__SCALE__DEVISE": "x"}, "did you mean DAFAN_TILL__SCALE__DEVICE?"),
        ({"DAFAN_TILL__SCALE__PROTOCOL": "cas-soo"}, "cas-soh"),
        ({"DAFAN_TILL__PRINTER__URL": "tcp:"}, "tcp:"),
        ({"DAFAN_TILL__READER": "ttyUSB1"}, "/dev/ttyUSB1"),
        ({"DAFAN_TILL__PORT": "0"}, "till.port"),
    ],
)
def test_a_till_with_a_mistyped_setting_says_in_one_line_what_to_write(machine, settings, says):
    done = machine.command("till", "run", **settings)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
