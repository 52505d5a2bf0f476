"""A box on real serial lines: what leaves a pan is on the disk, for its tray, over a power cut."""

import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from conftest_pos import make_policy

from dafan.clock import SystemClock
from dafan.config_line import LineSettings, PanScaleSettings, StationSettings, TagReaderSettings
from dafan.crypto import new_key
from dafan.line import (
    LineCard,
    LineRules,
    LineStation,
    OpenTray,
    PanChange,
    SiteTray,
    TrayState,
)
from dafan.metrology import ScaleRecord
from dafan.money import Fen
from devices.scales.simulator import ScaleSimulator
from devices.tag_simulator import TagSimulator
from pos.kiosk.scoop_page import create_scoop_pages
from pos.scoop_box import connect_station, open_box
from pos.scoop_state import STAY_S
from pos.store import TillStore

KEY = new_key()
TRAY, OTHER, STAFF, SHIRT = "E2003016", "E2003017", "E2009999", "0477AA12"


class Bench:
    """Two stations of one box on pseudo-terminals; what the server would publish is put in."""

    def __init__(self, canteen, folder):
        self.canteen, self.folder, self.clock = canteen, folder, SystemClock()
        self.canteen.policy = make_policy(periods=())
        self.scales = [ScaleSimulator("aclas-os2", link=folder / f"scale{n}") for n in (1, 2)]
        self.readers = [TagSimulator("uhf-bb", folder / f"reader{n}") for n in (1, 2)]
        for device in (*self.scales, *self.readers):
            device.__enter__()
        for scale in self.scales:
            scale.set_load(6000)
        self.box = None

    def power_on(self):
        """Start a box on the same file, as after a power cut."""
        store = TillStore(self.folder / "till.db", self.canteen.terminal_id, KEY, self.clock)
        if self.box is None:
            self.publish(store)
        self.box = open_box(self.folder / "till.db", store, self.clock, (1, 2))
        for number in (1, 2):
            said = StationSettings(
                no=number,
                scale=PanScaleSettings(
                    device=self.scales[number - 1].path, protocol="aclas-os2", division_grams=1
                ),
                reader=TagReaderSettings(device=self.readers[number - 1].path),
            )
            connect_station(self.box, said, self.clock)
        self.box.start()
        self.box.put_health(offline=False, stale=False)

    def power_cut(self):
        """The threads are gone, and all that was only in their memory."""
        for stop in self.box.on_stop:
            stop()
        self.box._queue.put(None)
        self.box._thread.join()
        self.box._stations.clear()
        self.box._book.close()
        self.box.store.close()

    def publish(self, store):
        now, owner = datetime.now(UTC), uuid4()
        terminal, dish = self.canteen.terminal_id, self.canteen.weighed
        rules = LineRules(settle_ms=300, patience_ms=1000)
        items = [("line_rules", "line", rules), ("line_card", STAFF, LineCard(name="后厨"))]
        items += [("line_tray", tag, SiteTray(state=TrayState.ACTIVE)) for tag in (TRAY, OTHER)]
        for number in (1, 2):
            key = f"{terminal}:{number}"
            station = LineStation(
                terminal_id=terminal, station=number, label=f"{number}号", dish_id=dish.id,
                pan_id=uuid4(),
            )  # fmt: skip
            scale = ScaleRecord(
                terminal_id=terminal, station=number, model="OS2", max_grams=15_000, e_grams=2,
                verified_until=(now + timedelta(days=90)).date() if number == 1 else None,
            )  # fmt: skip
            items += [("line_station", key, station), ("scale", key, scale)]
        tray = OpenTray(
            session_id=uuid4(), diner_id=owner, name="张*", bound_at=now,
            until=now + timedelta(hours=1),
        )  # fmt: skip
        store.apply_feed_page(self.canteen.page(*items, ("open_tray", TRAY, tray)))

    def entries(self):
        return [
            (one.kind, one.body.get("kind") or one.body["grams"], one.body["after"])
            for one in self.box.store.journal.read(0)
        ]

    def until(self, condition, what, seconds=8.0):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if condition():
                return
            time.sleep(0.02)
        raise AssertionError(f"{what}: {self.entries()}, {self.box.views()}")

    def until_written(self, count):
        self.until(lambda: len(self.entries()) == count, f"{count} entries")
        return self.entries()[-1]

    def until_it_stays(self, tag):
        """Wait until the station, not this test's clock, has seen a tray so long that it pays."""

        def stays():
            came, seen = self.box.state(1).stays.get(tag, (0.0, 0.0))
            return seen - came >= STAY_S

        self.until(stays, f"{tag} stays")

    def close(self):
        self.box.stop()
        for device in (*self.scales, *self.readers):
            device.__exit__(None, None, None)


@pytest.fixture
def bench(canteen, tmp_path):
    made = Bench(canteen, tmp_path)
    made.power_on()
    yield made
    made.close()


def test_food_is_charged_to_its_tray_once_also_when_the_power_goes_in_the_middle(bench):
    (scale, _), (reader, _) = bench.scales, bench.readers
    assert bench.until_written(1) == ("pan", PanChange.PLACED.value, 6000)
    bench.until(lambda: bench.box.views()[1].screen == "ready", "ready")
    reader.put(TRAY, SHIRT)
    bench.until(lambda: bench.box.views()[1].screen == "tray", "the tray is seen")
    assert bench.box.views()[1].name == "张*"
    bench.until_it_stays(TRAY)
    scale.place(5850, 0.1)
    bench.until(lambda: bench.box.views()[1].fen == Fen(420), "live fen")
    reader.put()
    assert bench.until_written(2) == ("scoop", 150, 5850)
    bench.until(lambda: bench.box.views()[1].screen == "told", "told")

    reader.put(TRAY)
    bench.until(lambda: bench.box.views()[1].screen == "tray", "the tray is back")
    bench.power_cut()
    scale.place(5750, 0.1)  # taken while nobody watches, and the tray goes
    reader.put()
    bench.power_on()
    assert bench.until_written(3) == ("pan", PanChange.OUTAGE.value, 5750)
    reader.put(OTHER)
    bench.until(lambda: bench.box.views()[1].unbound, "said loudly")
    bench.until_it_stays(OTHER)
    scale.place(5700, 0.1)
    assert bench.until_written(4) == ("scoop", 50, 5700)
    taken = sum(one.body["before"] - one.body["after"] for one in bench.box.store.journal.read(1))
    assert taken == 6000 - 5700
    assert not list(bench.box.store.journal.verify())

    page = create_scoop_pages(bench.box).test_client()
    stations = page.get("/stations.json").json["stations"]
    assert stations["2"]["title"] == ["这台秤还没有检定", "This scale was never verified"]
    assert page.get("/s/1").status_code == page.get("/").status_code == 200
    assert page.get("/s/3").status_code == page.get("/s/3/events").status_code == 404


def test_stations_are_numbered_once_and_have_a_reader_that_tells_whether_a_tray_stays():
    one = {"no": 1, "scale": {"device": "/dev/a"}, "reader": {"device": "/dev/b"}}
    assert LineSettings(station=(one,)).station[0].scale.protocol == "cas-soh"
    for wrong in ((one, one), ({**one, "reader": {"device": "/dev/input/event3"}},)):
        with pytest.raises(ValueError, match=r"number|stays"):
            LineSettings(station=wrong)
