"""``dafan doctor`` on a server: database, version, tills, address, backups."""

import os
from datetime import timedelta
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Engine

from dafan import db
from dafan.clock import SystemClock
from dafan.doctor import Finding, Light
from server import backup, doctor, schema
from server.terminals import Terminal

OURS = {
    f"set {name} = on in postgresql.conf"
    for name in ("fsync", "synchronous_commit", "full_page_writes")
}
"""What it rightly says about the PostgreSQL of these tests, which forgets on purpose."""


@pytest.fixture
def stamped(engine: Engine) -> Engine:
    with engine.connect() as connection:
        config = schema._config()
        config.attributes["connection"] = connection
        command.stamp(config, "head")
        connection.commit()
    return engine


def found(settings: Any, light: Light) -> list[Finding]:
    return [
        finding
        for finding in doctor.server(settings)
        if finding.light is light and finding.advice not in OURS
    ]


@pytest.mark.usefixtures("stamped", "site")
def test_a_server_in_order_gives_no_stop(settings: Any) -> None:
    assert found(settings, Light.STOP) == []
    assert any("示范单位" in finding.what for finding in found(settings, Light.OK))


def test_a_machine_without_a_server_is_not_examined_as_one(
    settings: Any, postgresql: str | None
) -> None:
    if postgresql:
        pytest.skip("settings that name a PostgreSQL are those of a server")
    assert list(doctor.server(settings)) == []


def test_an_old_schema_says_how_to_bring_it_up_to_date(settings: Any) -> None:
    settings.data_dir.mkdir(parents=True)
    schema.upgrade(db.make_engine(settings.database), "0002")
    (finding,) = found(settings, Light.STOP)[:1]
    assert "0002" in finding.what
    assert "dafan server upgrade" in finding.advice


@pytest.mark.usefixtures("stamped")
def test_a_database_without_a_site_says_how_to_make_one(settings: Any) -> None:
    assert [finding.advice for finding in found(settings, Light.STOP)] == [
        "run `dafan server init`"
    ]


def test_a_file_that_is_no_database_is_told_without_a_traceback(settings: Any) -> None:
    settings.data_dir.mkdir(parents=True)
    (settings.data_dir / "dafan.db").write_bytes(b"not a database" * 1000)
    (finding,) = found(settings, Light.STOP)
    assert "does not answer" in finding.what


def test_a_till_that_was_silent_for_a_day_is_named(
    stamped: Engine, terminal: Any, settings: Any
) -> None:
    with db.writing(stamped) as session:
        row = session.get_one(Terminal, terminal.id)
        row.last_seen = SystemClock().now() - timedelta(days=2)
    (finding,) = [each for each in found(settings, Light.WARN) if "contact" in each.what]
    assert terminal.info.name in finding.what


@pytest.mark.usefixtures("stamped", "site")
def test_an_open_address_without_tls_stops(settings: Any) -> None:
    server = settings.server.model_copy(update={"host": "0.0.0.0"})  # noqa: S104 - what is refused
    (finding,) = found(settings.model_copy(update={"server": server}), Light.STOP)
    assert "without TLS" in finding.what


@pytest.mark.usefixtures("stamped", "site")
def test_the_age_of_the_last_backup_is_told(settings: Any) -> None:
    assert any("no backup" in finding.what for finding in found(settings, Light.WARN))
    file = backup.name_of(settings.data_dir / "backups", SystemClock().now())
    file.parent.mkdir()
    file.touch()
    assert any("0 hours old" in finding.what for finding in found(settings, Light.OK))
    week_ago = SystemClock().now().timestamp() - 7 * 86400
    os.utime(file, (week_ago, week_ago))
    assert any("168 hours old" in finding.what for finding in found(settings, Light.WARN))
