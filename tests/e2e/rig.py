"""A server and a till as real processes, on a simulated scale and printer."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
from click.testing import CliRunner

from devices.scales.simulator import ScaleSimulator
from pos.demo.backoffice import BackOffice, free_port
from pos.demo.till import enrol_till
from pos.enrol import JOURNAL
from server.cli_verify import verify


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

    def use_till(self, folder: Path) -> None:
        """Start the till of another folder from now on."""
        self._arguments[0] = str(folder)

    def command_on(self, folder: Path, *arguments: str) -> str:
        """Run a ``dafan`` command on a till's own machine."""
        done = subprocess.run(
            [sys.executable, "-m", "dafan", *arguments],
            env={**os.environ, "DAFAN_DATA_DIR": str(folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

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

    def put_down(self, scale: ScaleSimulator, grams: int) -> None:
        """A tray is put on the scale, and once more where the till asks for it, until it is seen.

        A till that has just started, or has lost its scale, wants to see it empty first.
        """
        for _ in range(5):
            scale.place(grams, settle_s=0.05)
            if self.wait_for("look", "problem", seconds=8):
                return
            scale.lift(0.02)
            time.sleep(1)
        raise AssertionError(self._view)

    def close(self) -> None:
        self._closed.set()
        self.kill_till()
        self._watcher.join()
        self.office.stop()


def card_of(number: int) -> str:
    return f"000000{1001 + number % 60}"


def proof_of(office: BackOffice, till: Path) -> dict[str, dict[str, int]]:
    """What ``dafan verify`` says of server and till; run in this process, for it only reads."""
    arguments = ["--database", office.database, "--till", str(till / JOURNAL), "--json"]
    told = CliRunner().invoke(verify, arguments)
    proof: dict[str, dict[str, int]] = json.loads(told.stdout)
    return proof


def settle(rig: Rig) -> dict[str, dict[str, int]]:
    """Wait until the server has everything that the till has written."""
    deadline = time.monotonic() + 90
    while True:
        proof = proof_of(rig.office, rig.folder)
        checked = proof["checked"]
        if checked["books_fen"] == checked["till_fen"] or time.monotonic() > deadline:
            return proof
        time.sleep(0.5)
