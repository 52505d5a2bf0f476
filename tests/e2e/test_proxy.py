"""Real tills and a real server with a bad network between them, all of them killed now and then."""

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pos.demo.backoffice import BackOffice, free_port
from pos.demo.till import enrol_till
from tests.e2e.bad_network import HARM, BadNetwork
from tests.e2e.rig import proof_of

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]
STORM_S = 12.0
SETTLED_WITHIN_S = 90.0


class Seller:
    """A till that sells as fast as it can, and what it has called paid."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.paid: list[int] = []
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def start(self, *how: str) -> None:
        self._process = subprocess.Popen(
            [
                sys.executable,
                str(Path(__file__).with_name("seller_process.py")),
                str(self.folder),
                self.url,
                *how,
            ],
            env={name: value for name, value in os.environ.items() if name != "DAFAN_DATA_DIR"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()

    def _read(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                word, *rest = line.split()
                if word == "paid" and line.endswith("\n"):
                    self.paid.append(int(rest[0]))

    def wait(self, seconds: float) -> None:
        assert self._process is not None
        assert self._process.wait(seconds) == 0

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        if self._reader is not None:
            self._reader.join(5)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[BackOffice]:
    made = BackOffice(tmp_path / "server", free_port(), "none")
    made.folder.mkdir()
    made.command("server", "seed-demo", "--confirm-ms", "0")
    made.start()
    yield made
    made.stop()


def test_a_network_that_cuts_stalls_and_repeats_loses_and_doubles_nothing(
    office: BackOffice, tmp_path: Path
) -> None:
    rng = random.Random(4)
    network = BadNetwork(int(office.url.rsplit(":", 1)[1]), 4, harm=0.0)
    sellers = [Seller(tmp_path / f"till-{number}", network.url) for number in (1, 2)]
    try:
        for seller in sellers:
            enrol_till(office, seller.folder, seller.folder.name)
            seller.start()
        until = time.monotonic() + 60
        while not all(seller.paid for seller in sellers) and time.monotonic() < until:
            time.sleep(0.1)
        network.harm = 0.15
        storm(rng, office, sellers, network)
        network.harm = 0.0
        for seller in sellers:  # it sells no more, and only sends what it has
            seller.kill()
        settle(office, sellers)
    finally:
        for seller in sellers:
            seller.kill()
        network.close()


def storm(
    rng: random.Random, office: BackOffice, sellers: list[Seller], network: BadNetwork
) -> None:
    """Pull plugs for a while, until everything that is meant to happen has happened."""
    kills = {"server": 0, "till": 0}
    until = time.monotonic() + STORM_S
    while (
        time.monotonic() < until
        or not all(kills.values())
        or not all(network.done[what] for what in HARM)
    ):
        time.sleep(rng.uniform(0.5, 2.0))
        if rng.random() < 0.4:
            office.stop(hard=True)
            kills["server"] += 1
            time.sleep(rng.uniform(0, 0.5))
            office.start()
        if rng.random() < 0.4:
            seller = rng.choice(sellers)
            seller.kill()
            kills["till"] += 1
            seller.start()


def settle(office: BackOffice, sellers: list[Seller]) -> None:
    """Let everything arrive; then every till and the books tell the same."""
    for seller in sellers:
        seller.start("quiet")
    for seller in sellers:
        seller.wait(SETTLED_WITHIN_S)
        proof = proof_of(office, seller.folder)
        assert proof["ok"], proof
        checked = proof["checked"]
        assert checked["books_fen"] == checked["till_fen"] >= sum(seller.paid) > 0
        assert checked["till_sales"] >= len(seller.paid)
