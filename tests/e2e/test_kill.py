"""Pull the plug of till and server at random moments: nothing is lost, nothing is charged twice."""

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from devices.printer_simulator import VirtualPrinter
from devices.printer_simulator_ports import TcpPrinter
from devices.scales.simulator import ScaleSimulator
from pos.demo.backoffice import BackOffice, free_port
from pos.demo.till import enrol_till
from pos.enrol import JOURNAL

SALES = 200
pytestmark = [pytest.mark.process, pytest.mark.timeout(900)]


class Rig:
    """A server and a till in processes of their own, on a scale and a printer that stay."""

    def __init__(self, folder: Path, scale: str, printer: str) -> None:
        self.office = BackOffice(folder / "server", free_port(), "none")
        self.office.folder.mkdir()
        self.office.command("server", "seed-demo", "--confirm-ms", "0")
        self.office.start()
        self.folder = folder / "till"
        enrol_till(self.office, self.folder, "1 号台")
        self.port = free_port()
        self._arguments = [str(self.folder), self.office.url, scale, printer, str(self.port)]
        self._till: subprocess.Popen[str] | None = None
        self._view: dict[str, object] = {}
        self._closed = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def start_till(self) -> None:
        script = str(Path(__file__).with_name("till_process.py"))
        self._till = subprocess.Popen(
            [sys.executable, script, *self._arguments],
            env={name: value for name, value in os.environ.items() if name != "DAFAN_DATA_DIR"},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._till.stdout is not None
        assert self._till.stdout.readline() == "ready\n"

    def kill_till(self) -> None:
        if self._till is not None:
            self._till.kill()
            self._till.wait()
            assert self._till.stdout is not None
            self._till.stdout.close()
            self._till = None
            self._view = {}

    def press(self, **press: str) -> None:
        url = f"http://127.0.0.1:{self.port}/press"
        httpx.post(url, json=press, headers={"X-Dafan": "kiosk"}, timeout=5).raise_for_status()

    @property
    def screen(self) -> str:
        """The screen that the page shows now; empty while the till is away."""
        return str(self._view.get("screen", ""))

    def _watch(self) -> None:
        """Follow the till's events as its page does: the first view whole, then what changed."""
        url = f"http://127.0.0.1:{self.port}/events"
        while not self._closed.is_set():
            try:
                with httpx.stream("GET", url, timeout=10) as answer:
                    for line in answer.iter_lines():
                        if line.startswith("data: {"):
                            self._view = {**self._view, **json.loads(line[5:])}
                        if self._closed.is_set():
                            return
            except httpx.HTTPError:
                self._view = {}
                self._closed.wait(0.05)

    def wait_for(self, *screens: str, seconds: float = 30) -> bool:
        deadline = time.monotonic() + seconds
        while self.screen not in screens and time.monotonic() < deadline:
            time.sleep(0.005)
        return self.screen in screens

    def wait_for_scale(self) -> None:
        """A till that has just started wants to see the scale empty before it sells."""
        deadline = time.monotonic() + 30
        while '"scale": "ok"' not in json.dumps(self._view) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.3)

    def close(self) -> None:
        self._closed.set()
        self.kill_till()
        self._watcher.join()
        self.office.stop()


@pytest.fixture
def paper() -> VirtualPrinter:
    return VirtualPrinter(80)


@pytest.fixture
def scale(tmp_path: Path) -> Iterator[ScaleSimulator]:
    with ScaleSimulator("cas-soh", link=tmp_path / "scale", interval_s=0.05) as simulator:
        yield simulator


@pytest.fixture
def rig(tmp_path: Path, scale: ScaleSimulator, paper: VirtualPrinter) -> Iterator[Rig]:
    with TcpPrinter(paper) as printer:
        made = Rig(tmp_path, scale.path, printer.url)
        made.start_till()
        yield made
        made.close()


def test_kill_9_of_till_and_server_during_200_sales_loses_and_doubles_nothing(
    rig: Rig, scale: ScaleSimulator, paper: VirtualPrinter
) -> None:
    rng = random.Random(11)
    seen_paid = till_kills = server_kills = 0
    rig.wait_for_scale()
    assert rig.wait_for("place", seconds=60)
    for number in range(SALES):
        if not rig.office.running:
            rig.office.start()
        scale.place(rng.randint(200, 500), settle_s=0.05)
        if rng.random() < 0.06:
            rig.office.stop(hard=True)
            server_kills += 1
        if rng.random() < 0.06:
            time.sleep(rng.uniform(0, 0.4))
            _try(rig, number)
            time.sleep(rng.uniform(0, 0.1))
            rig.kill_till()
            till_kills += 1
            scale.lift(0.02)
            rig.start_till()
            rig.wait_for_scale()
        else:
            assert rig.wait_for("look", "problem"), rig.screen
            rig.press(action="card", number=_card(number))
            assert rig.wait_for("paid"), rig.screen
            seen_paid += 1
            scale.lift(0.02)
        assert rig.wait_for("place"), rig.screen
    if not rig.office.running:
        rig.office.start()
    proof = _settle(rig)
    assert proof["ok"], proof["faults"]
    checked = proof["checked"]
    assert seen_paid <= checked["till_sales"] <= SALES
    assert checked["books_fen"] == checked["till_fen"]
    assert till_kills > 0
    assert server_kills > 0
    whole = {receipt.text for receipt in paper.receipts}
    assert len(whole) >= seen_paid


def _card(number: int) -> str:
    return f"000000{1001 + number % 60}"


def _try(rig: Rig, number: int) -> None:
    """Hold up the card at a moment that may be too early: the kill comes right after."""
    rig.press(action="card", number=_card(number))


def _settle(rig: Rig) -> dict[str, dict[str, int]]:
    """Wait until the server has everything that the till has written."""
    arguments = ("verify", "--database", rig.office.database, "--till", str(rig.folder / JOURNAL))
    deadline = time.monotonic() + 90
    while True:
        proof: dict[str, dict[str, int]] = json.loads(
            rig.office.command(*arguments, "--json", fails=True)
        )
        checked = proof["checked"]
        if checked["books_fen"] == checked["till_fen"] or time.monotonic() > deadline:
            return proof
        time.sleep(2)
