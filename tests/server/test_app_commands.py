"""``dafan server``: set up from nothing, migrate, and serve with several workers."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from click.testing import CliRunner
from sqlalchemy import select

from dafan import db, journal
from dafan.clock import SystemClock
from dafan.crypto import Identity
from dafan.desk import TerminalNotice
from dafan.enrolment import EnrolAnswer, EnrolRequest
from dafan.ids import new_id
from dafan.sync import SyncClient
from server import auth, schema, sites
from server.cli import server

if TYPE_CHECKING:
    from dafan.records import FeedPage


def run(*arguments: str) -> Any:
    return CliRunner().invoke(server, list(arguments))


def init() -> Any:
    return run("init", "--site", "示范单位", "--venue", "第一食堂")


def test_init_makes_everything_once_and_prints_the_password_once(settings: Any) -> None:
    first, again = init(), init()
    assert (first.exit_code, again.exit_code) == (0, 0), (first.output, first.exception)
    assert "with the password" in first.output
    assert "with the password" not in again.output
    password = first.output.split("with the password ")[1].split(" ")[0]
    engine = db.make_engine(settings.database)
    user = auth.authenticate(engine, "admin", password, "", SystemClock().now())
    assert user.roles == ["admin"]
    with db.reading(engine) as session:
        assert len(session.scalars(select(sites.Venue)).all()) == 1
    assert len(run("enrol-code", "--name", "1 号").output.strip()) == 12


def test_init_takes_the_password_from_a_file(settings: Any, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("from a file, long\n")
    result = run("init", "--site", "s1", "--venue", "v1", "--password-file", str(file))
    assert result.exit_code == 0
    assert "from a file" not in result.output
    engine = db.make_engine(settings.database)
    assert auth.authenticate(engine, "admin", "from a file, long", "", SystemClock().now())
    missing = run(
        "init", "--site", "s", "--venue", "v", "--password-file", "nowhere", "--admin", "b2"
    )
    assert "no password can be read" in str(missing.exception)


def test_commands_before_init_say_what_to_do() -> None:
    assert "dafan server init" in str(run("enrol-code", "--name", "x").exception)


def test_an_ambiguous_site_must_be_named() -> None:
    init()
    run("init", "--site", "other", "--venue", "v2")
    assert "name one site by --site" in str(run("enrol-code", "--name", "x").exception)
    assert run("enrol-code", "--name", "x", "--site", "other").exit_code == 0


def test_migrations_lead_to_the_tables_of_the_code(settings: Any) -> None:
    settings.data_dir.mkdir(parents=True)
    engine = db.make_engine(settings.database)
    schema.upgrade(engine)
    schema.upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, db.Base.metadata) == []


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.process
def test_two_workers_serve_a_till_over_http_and_a_pulled_plug_loses_nothing(
    tmp_path: Path, settings: Any
) -> None:
    init()
    code = run("enrol-code", "--name", "1 号").output.strip()
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "dafan", "server", "run", "--port", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=Path.cwd(),
        start_new_session=True, env={**os.environ, "DAFAN_DATA_DIR": str(settings.data_dir)},
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_up(url, process)
        identity = Identity.create()
        request = EnrolRequest(
            code=code, signing_key=identity.signing_public, box_key=identity.box_public
        )
        answer = httpx.post(f"{url}/api/v1/terminals/enrol", json=request.to_body())
        info = EnrolAnswer.model_validate(answer.json()).terminal
        file = journal.connect(tmp_path / "till.db")
        log = journal.Journal(file, info.id)
        pages: list[FeedPage] = []
        client = SyncClient(
            url, identity, log, lambda: pages[-1].version if pages else 0, pages.append,
            SystemClock(),
        )  # fmt: skip
        for _ in range(6):
            log.append("notice", new_id(), SystemClock().now(), TerminalNotice(code="x"))
            while client.push_once():
                pass
        client.pull_once(wait_s=0)
        assert {item.kind for item in pages[0].items} == {"policy", "terminal"}
        assert client.pull_once(wait_s=1) is False
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=20)
        assert log.acknowledged() == 6
        file.close()
        client.stop()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=20)
    checked = subprocess.run(
        [sys.executable, "-m", "dafan", "verify", "--database", settings.database, "--till",
         str(tmp_path / "till.db"), "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout + checked.stderr


def wait_until_up(url: str, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(600):
        try:
            if httpx.get(f"{url}/healthz", timeout=2).is_success:
                return
        except httpx.HTTPError:
            pass
        assert process.poll() is None, "the server did not start"
        time.sleep(0.1)
    raise AssertionError("the server did not answer within a minute")
