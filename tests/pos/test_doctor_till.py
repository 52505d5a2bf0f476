"""``dafan doctor`` on a till: enrolment, server, journal, devices."""

import json
import socket
import sqlite3
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from dafan.config import Settings, load_settings
from dafan.crypto import Identity
from dafan.desk import TerminalNotice
from dafan.doctor import Finding, Light
from dafan.ids import new_id
from dafan.journal import Journal, connect
from dafan.records import TerminalInfo
from pos import doctor
from pos.enrol import IDENTITY, JOURNAL, SITE_KEY, TERMINAL


@pytest.fixture
def terminal() -> TerminalInfo:
    return TerminalInfo(
        id=new_id(), name="1 号台", site_id=new_id(), site_name="示范单位", venue_id=new_id(),
        venue_name="第一食堂",
    )  # fmt: skip


@pytest.fixture
def settings(terminal: TerminalInfo) -> Settings:
    """An enrolled till whose server is nowhere."""
    made = load_settings()
    made.data_dir.mkdir(parents=True)
    (made.data_dir / IDENTITY).write_bytes(Identity.create().to_bytes())
    (made.data_dir / SITE_KEY).write_bytes(b"k" * 32)
    (made.data_dir / TERMINAL).write_text(json.dumps(terminal.to_body()))
    return made


def with_till(settings: Settings, **changes: object) -> Settings:
    return settings.model_copy(update={"till": settings.till.model_copy(update=changes)})


def found(settings: Settings, light: Light) -> list[Finding]:
    return [finding for finding in doctor.till(settings) if finding.light is light]


def test_a_machine_that_is_no_till_is_not_examined_as_one() -> None:
    assert list(doctor.till(load_settings())) == []


@pytest.mark.process
def test_a_server_that_does_not_answer_is_a_warning_for_the_till_sells_on(
    settings: Settings,
) -> None:
    (warning,) = found(with_till(settings, server_url="http://127.0.0.1:9"), Light.WARN)
    assert "sells on by itself" in warning.advice


@pytest.mark.process
def test_a_clock_that_differs_from_the_servers_is_told(settings: Settings) -> None:
    class Old(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(200)
            self.send_header("Date", "Mon, 02 Mar 2026 04:00:00 GMT")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Old) as server:
        threading.Thread(target=server.handle_request).start()
        url = f"http://127.0.0.1:{server.server_port}"
        (warning,) = found(with_till(settings, server_url=url), Light.WARN)
    assert "clock differs" in warning.what


@pytest.mark.process
def test_entries_that_wait_are_counted_and_old_ones_warn(
    settings: Settings, terminal: TerminalInfo
) -> None:
    connection = connect(settings.data_dir / JOURNAL)
    journal = Journal(connection, terminal.id)
    journal.append(
        "notice", new_id(), datetime(2026, 3, 2, 4, tzinfo=UTC), TerminalNotice(code="x")
    )
    texts = [finding.what for finding in found(settings, Light.WARN)]
    assert any("1 entries wait" in text for text in texts)
    journal.acknowledge(1)
    connection.close()
    texts = [finding.what for finding in found(settings, Light.OK)]
    assert "the server has everything that was sold here" in texts


@pytest.mark.process
def test_a_damaged_journal_stops_and_says_to_keep_the_disk(
    settings: Settings, terminal: TerminalInfo
) -> None:
    file = settings.data_dir / JOURNAL
    connection = connect(file)
    Journal(connection, terminal.id)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    file.write_bytes(file.read_bytes()[:4096] + b"\xff" * 8192)
    (finding,) = found(settings, Light.STOP)
    assert "keep this disk" in finding.advice
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(file).execute("SELECT * FROM journal_entry").fetchall()


@pytest.mark.process
def test_devices_that_are_not_there_stop_by_name(settings: Settings, tmp_path: Path) -> None:
    scale = settings.till.scale.model_copy(update={"device": str(tmp_path / "ttyUSB0")})
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        printer = settings.till.printer.model_copy(
            update={"url": f"tcp:127.0.0.1:{closed.getsockname()[1]}"}
        )
        stops = found(with_till(settings, scale=scale, printer=printer), Light.STOP)
    assert [finding.what.split(":")[0] for finding in stops] == ["scale", "printer"]


def test_files_of_the_enrolment_that_are_damaged_stop(settings: Settings) -> None:
    (settings.data_dir / TERMINAL).write_text("{")
    (finding,) = found(settings, Light.STOP)
    assert "replace-a-till" in finding.advice
