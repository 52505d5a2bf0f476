"""The demo's server: a real one, in its own process, that can be stopped and started."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

from dafan.errors import DafanError


class DemoError(DafanError):
    """The demo cannot go on."""

    code = "demo"


def free_port() -> int:
    """A loopback port that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class BackOffice:
    """Runs ``dafan …`` commands and the server on one data folder.

    Args:
        folder: Where the server keeps its database, keys and logs.
        port: TCP port of the server on loopback.
        pack: Face pack that enrols the demo's diners; ``None``: nobody has a face.
        workers: Processes of the server.
        devices_url: Where the kitchen's tablet finds its scale and printer; empty: nowhere.
    """

    def __init__(
        self, folder: Path, port: int, pack: str | None, workers: int = 2, devices_url: str = ""
    ) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{port}"
        self.database = f"sqlite:///{folder / 'dafan.db'}"
        self._environment = {
            **{name: value for name, value in os.environ.items() if not _is_setting(name)},
            "DAFAN_DATA_DIR": str(folder),
            "DAFAN_SERVER__PORT": str(port),
            "DAFAN_SERVER__WORKERS": str(workers),
            "DAFAN_SERVER__SECOND_FACTOR": "optional",  # the demo's password is printed
            "DAFAN_TABLET__DEVICES_URL": devices_url,
        }
        if pack is not None:
            self._environment["DAFAN_VISION__PACK"] = pack
        self._process: subprocess.Popen[bytes] | None = None

    def command(self, *arguments: str, fails: bool = False) -> str:
        """Run a ``dafan`` command to its end and give what it printed.

        Args:
            arguments: Behind ``dafan``.
            fails: An exit status of 1 is an answer as well.

        Raises:
            DemoError: the command failed; its own words are in the message.
        """
        done = subprocess.run(
            [sys.executable, "-m", "dafan", *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0 and not (fails and done.returncode == 1):
            said = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no word"]
            raise DemoError(f"dafan {' '.join(arguments)}: {said[0]}")
        return done.stdout

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises:
            DemoError: it did not come up; the log says why.
        """
        log = self.folder / "server.log"
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "dafan", "server", "run"],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._process.poll() is None:
            if self.answers():
                return
            time.sleep(0.1)
        self.stop()
        raise DemoError(f"the server did not start: see {log}")

    def answers(self) -> bool:
        """Whether the server says that it is well."""
        try:
            return httpx.get(f"{self.url}/healthz", timeout=2).is_success
        except httpx.HTTPError:
            return False

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def stop(self, *, hard: bool = False) -> None:
        """End the server with all its workers; ``hard`` is the plug being pulled."""
        process, self._process = self._process, None
        if process is None:
            return
        try:
            os.killpg(process.pid, signal.SIGKILL if hard else signal.SIGTERM)
        except ProcessLookupError:
            return
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _is_setting(variable: str) -> bool:
    return variable.startswith("DAFAN_") and variable != "DAFAN_MODELS"
