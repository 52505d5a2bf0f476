"""A till that the server has closed stays closed, and what it has not sent can be carried away."""

import stat

import httpx
import pytest
from click.testing import CliRunner
from conftest_pos import Canteen
from conftest_till import Office
from test_store import make_sale

from dafan.clock import SystemClock
from dafan.config import Settings, TillSettings
from dafan.crypto import Identity, new_key, verify_signature
from dafan.journal import batch_message
from dafan.records import JournalPush
from dafan.sync import SyncClient, SyncError
from pos import events as ev
from pos.build import build_till
from pos.cli import till as till_command
from pos.enrol import IDENTITY, JOURNAL, TERMINAL, load_enrolment
from pos.keyring import key_file, write_private
from pos.screen import view
from pos.store import TillStore
from pos.view import NoticeCode, Screen


@pytest.fixture
def canteen():
    return Canteen()


@pytest.fixture
def office():
    return Office(Identity.create())


@pytest.fixture
def folder(tmp_path, canteen, office, monkeypatch):
    """A machine that is enrolled."""
    write_private(tmp_path / IDENTITY, office._identity.to_bytes())
    write_private(tmp_path / TERMINAL, canteen.terminal.model_dump_json().encode())
    write_private(key_file(tmp_path, 1), new_key())
    monkeypatch.setenv("DAFAN_DATA_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def switch_on(folder, office, monkeypatch):
    """Start the till; its sync takes a turn only when the test says so."""
    monkeypatch.setattr(SyncClient, "start", lambda _self: None)
    syncs, tills = [], []
    real = SyncClient.__init__

    def remember(self, *arguments, **named):
        real(self, *arguments, **named)
        syncs.append(self)

    monkeypatch.setattr(SyncClient, "__init__", remember)

    def start():
        client = httpx.Client(transport=httpx.MockTransport(office))
        settings = Settings(data_dir=folder, till=TillSettings(server_url="http://server"))
        tills.append(build_till(settings, load_enrolment(folder), client=client))
        return tills[-1], syncs[-1]

    yield start
    tills[-1].stop()


def turn(sync):
    """One turn of the pushing thread, whatever comes of it."""
    try:
        sync.push_once()
    except SyncError as error:
        sync._failed(str(error), revoked=type(error).__name__ == "RevokedError")
    sync._changed(waiting=sync._waiting())


def revoked(_request):
    return httpx.Response(401, json={"code": "revoked", "message": "enrol it again"})


def unreachable(request):
    raise httpx.ConnectError("no route", request=request)


def prepared(till, canteen):
    till.store.apply_feed_page(canteen.page())
    till.take_in(lambda at: ev.SnapshotChanged(at, till.store.catalogue))
    return till


def settled(till):
    """Take in what waits in the till's queue; its own thread is not started."""
    till.run_queued()
    return view(till.state)


def test_a_revoked_till_refuses_after_a_restart_without_any_network(switch_on, canteen, office):
    till, sync = switch_on()
    prepared(till, canteen).store.commit_sale(make_sale(canteen))
    office.says = revoked
    turn(sync)
    assert settled(till).notice.code is NoticeCode.REVOKED
    till.stop()

    office.says = unreachable
    till, sync = switch_on()
    turn(sync)
    shown = settled(till)
    assert (shown.screen, shown.notice.code) == (Screen.SETUP, NoticeCode.REVOKED)
    till.press("add", dish=str(canteen.rice.id), portion="full")
    assert settled(till).screen is Screen.SETUP

    office.says = None
    turn(sync)
    assert settled(till).screen is Screen.PLACE
    till.stop()
    till, _ = switch_on()
    assert settled(till).screen is Screen.PLACE


def test_what_a_closed_till_has_not_sent_is_exported_as_it_would_be_pushed(
    switch_on, canteen, office, folder
):
    till, sync = switch_on()
    prepared(till, canteen)
    sales = [make_sale(canteen) for _ in range(203)]
    for sale in sales[:2]:
        till.store.commit_sale(sale)
    turn(sync)
    for sale in sales[2:]:
        till.store.commit_sale(sale)
    file = folder / "unsent.jsonl"
    result = CliRunner().invoke(till_command, ["export-journal", str(file)])
    assert result.exit_code == 0, result.output
    assert "201 entries of 3号台" in result.output
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    pushes = [JournalPush.model_validate_json(line) for line in file.read_text().splitlines()]
    assert [e.id for push in pushes for e in push.entries] == [sale.id for sale in sales[2:]]
    for push in pushes:
        key = office._identity.signing_public
        assert verify_signature(key, push.signature, batch_message(push.entries))
    everything = CliRunner().invoke(till_command, ["export-journal", "--all", str(file)])
    assert "203 entries" in everything.output


def test_a_till_that_has_sent_everything_exports_nothing(switch_on, canteen, folder):
    till, sync = switch_on()
    prepared(till, canteen).store.commit_sale(make_sale(canteen))
    turn(sync)
    file = folder / "unsent.jsonl"
    result = CliRunner().invoke(till_command, ["export-journal", str(file)])
    assert "nothing to export" in result.output
    assert not file.exists()


def test_an_export_that_cannot_be_written_is_one_sentence(folder, canteen):
    result = CliRunner().invoke(till_command, ["export-journal", str(folder / "x.jsonl")])
    assert "has not sold anything yet" in str(result.exception)
    store = TillStore(folder / JOURNAL, canteen.terminal_id, new_key(), SystemClock())
    store.commit_sale(make_sale(canteen))
    store.close()
    target = folder / "no such folder" / "x.jsonl"
    result = CliRunner().invoke(till_command, ["export-journal", str(target)])
    assert "cannot be written" in str(result.exception)
