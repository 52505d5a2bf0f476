"""``dafan line status``: what a technician at the box wants to know before he calls anybody."""

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from click.testing import CliRunner
from conftest_pos import Canteen, item

from dafan.clock import ManualClock, SystemClock
from dafan.crypto import Identity, new_key
from dafan.line import OpenTray, SiteTray, TrayState
from pos.cli_line import line
from pos.enrol import IDENTITY, JOURNAL, TERMINAL
from pos.keyring import key_file, write_private
from pos.store import TillStore

KEY = new_key()
STATES = [TrayState.ACTIVE] * 3 + [TrayState.LOST] * 2 + [TrayState.RETIRED]


@pytest.fixture
def canteen():
    return Canteen()


@pytest.fixture
def folder(tmp_path, canteen, monkeypatch):
    """A machine that is enrolled."""
    write_private(tmp_path / IDENTITY, Identity.create().to_bytes())
    write_private(tmp_path / TERMINAL, canteen.terminal.model_dump_json().encode())
    write_private(key_file(tmp_path, 1), KEY)
    monkeypatch.setenv("DAFAN_DATA_DIR", str(tmp_path))
    return tmp_path


def status():
    result = CliRunner().invoke(line, ["status"])
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def fed(folder, canteen, *items, clock):
    """A box takes a page of the feed over, and is switched off."""
    store = TillStore(folder / JOURNAL, canteen.terminal_id, KEY, clock)
    store.apply_feed_page(canteen.page(*items))
    store.close()


@pytest.mark.usefixtures("folder")
def test_a_box_that_has_heard_nothing_yet_says_so():
    told = status()
    assert told["trays"] == {"active": 0, "lost": 0, "retired": 0}
    assert (told["open_trays"], told["feed_version"]) == (0, 0)
    assert (told["feed_at"], told["feed_age_s"]) == (None, None)


def test_the_trays_are_counted_by_what_they_are_good_for_and_by_whether_they_are_out(
    folder, canteen
):
    now = datetime.now(UTC)
    out = OpenTray(
        session_id=uuid4(), diner_id=uuid4(), name="张*", bound_at=now,
        until=now + timedelta(hours=1),
    )  # fmt: skip
    trays = [("line_tray", f"E200{n}", SiteTray(state=state)) for n, state in enumerate(STATES)]
    foreign = ("open_tray", "AA01", out)  # bound before the site had registered any
    fed(folder, canteen, *trays, ("open_tray", "E2000", out), foreign, clock=SystemClock())
    told = status()
    assert told["trays"] == {"active": 3, "lost": 2, "retired": 1}
    assert told["open_trays"] == 2


def test_the_age_of_the_feed_is_that_of_its_newest_page(folder, canteen):
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    fed(folder, canteen, clock=ManualClock(hour_ago))
    told = status()
    assert datetime.fromisoformat(told["feed_at"]) == hour_ago
    assert told["feed_age_s"] >= 3600
    store = TillStore(folder / JOURNAL, canteen.terminal_id, KEY, SystemClock())
    more = item("line_tray", "E2000", SiteTray(state=TrayState.LOST), version=2)
    page = canteen.page(since=1, version=2)
    store.apply_feed_page(page.model_copy(update={"items": (more,)}))
    store.close()
    told = status()
    assert (told["feed_version"], told["trays"]["lost"]) == (2, 1)
    assert told["feed_age_s"] < 3600
