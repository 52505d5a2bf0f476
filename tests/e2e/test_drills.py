"""Drills (演练): the server is lost and restored; a till dies and another one takes its place."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.printer_simulator import VirtualPrinter
from devices.printer_simulator_ports import TcpPrinter
from devices.scales.simulator import ScaleSimulator
from pos.demo.till import enrol_till
from tests.e2e.rig import Rig, card_of, settle

pytestmark = [pytest.mark.process, pytest.mark.timeout(600)]


class Canteen(Rig):
    """The rig, with a diner who puts a tray on the scale and holds up a card."""

    scale: ScaleSimulator
    sold = 0

    def sell(self, count: int) -> None:
        """So many diners pay."""
        for _ in range(count):
            self.put_down(self.scale, 300 + self.sold)
            self.press(action="card", number=card_of(self.sold))
            assert self.wait_for("paid"), self.screen
            self.scale.lift(0.02)
            assert self.wait_for("place"), self.screen
            self.sold += 1


@pytest.fixture
def canteen(tmp_path: Path) -> Iterator[Canteen]:
    with (
        ScaleSimulator("cas-soh", link=tmp_path / "scale", interval_s=0.05) as scale,
        TcpPrinter(VirtualPrinter(80)) as printer,
    ):
        made = Canteen(tmp_path, scale.path, printer.url)
        made.scale = scale
        made.start_till()
        made.wait_for_scale()
        assert made.wait_for("place", seconds=60)
        yield made
        made.close()


def test_a_lost_server_is_restored_and_the_tills_send_again_what_came_after_the_backup(
    canteen: Canteen, tmp_path: Path
) -> None:
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("a long passphrase")
    sealed = ("--passphrase-file", str(passphrase))
    canteen.sell(3)
    before = settle(canteen)["checked"]
    file = tmp_path / "backup.zip"
    canteen.office.command("backup", "--to", str(file), *sealed)
    canteen.sell(4)
    assert settle(canteen)["checked"]["sales"] == before["sales"] + 4
    canteen.office.stop(hard=True)
    shutil.rmtree(canteen.office.folder)
    canteen.office.folder.mkdir()
    canteen.sell(2)  # nobody at the till has noticed
    canteen.office.command("restore", str(file), *sealed)
    canteen.office.start()
    proof = settle(canteen)
    assert proof["ok"], proof["faults"]
    assert proof["checked"]["till_sales"] == 9
    assert proof["checked"]["books_fen"] == proof["checked"]["till_fen"]
    canteen.sell(1)
    assert settle(canteen)["ok"]


def test_a_dead_till_is_replaced_by_one_code_and_what_it_had_not_sent_is_brought_in(
    canteen: Canteen, tmp_path: Path
) -> None:
    canteen.sell(2)
    before = settle(canteen)["checked"]["sales"]
    canteen.office.stop()
    canteen.sell(3)  # the network is down, then the till dies
    canteen.kill_till()
    canteen.office.start()
    old, canteen.folder = canteen.folder, tmp_path / "new till"
    enrol_till(canteen.office, canteen.folder, "1 号台（新）")
    canteen.use_till(canteen.folder)
    canteen.start_till()
    canteen.wait_for_scale()
    assert canteen.wait_for("place", seconds=60)
    canteen.sell(2)
    assert settle(canteen)["checked"]["sales"] == before + 2
    unsent = tmp_path / "unsent.jsonl"
    canteen.command_on(old, "till", "export-journal", str(unsent))
    for _ in range(2):  # handing it in twice books it once
        canteen.office.command("server", "import-journal", str(unsent))
        proof = settle(canteen)
        assert proof["ok"], proof["faults"]
        assert proof["checked"]["sales"] == before + 5
