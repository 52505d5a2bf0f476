"""A backup made while tills sell is one state of the books; restored, it is the same again."""

import json
import shutil
import threading
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import ColumnElement, Engine, Integer, func, select

from dafan import db
from dafan.cli import root
from dafan.clock import ManualClock
from dafan.db import Base
from dafan.records import FEED_LINE
from server import backup, restore, schema
from server.backup_format import BackupError, Manifest
from server.feed import FeedRow
from server.verify import Report, verify_server

NOW = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
PASSPHRASE = "a long passphrase"
SECRETS = {"site.key": b"k" * 32, "keys/2.key": b"j" * 32}


@pytest.fixture
def migrated(engine: Engine) -> Engine:
    """The tests' tables are made without history; a backup asks for it."""
    from alembic import command

    with engine.connect() as connection:
        config = schema._config()
        config.attributes["connection"] = connection
        command.stamp(config, "head")
        connection.commit()
    return engine


@pytest.fixture
def sold(migrated: Engine, terminal: Any, make_diner: Any, make_sale: Any) -> Engine:
    """Books with sales of two diners and of nobody."""
    for diner in (make_diner(), make_diner(cash=500, subsidy=3000), None):
        terminal.sell(make_sale(diner))
    terminal.push()
    return migrated


def contents(engine: Engine) -> dict[str, list[Any]]:
    with engine.connect() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(select(*map(_same, table.c)))))
            for table in Base.metadata.sorted_tables
        }


def _same(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Versions of the feed go on in another line."""
    is_version = column.key == "version" and isinstance(column.type, Integer)
    return column % FEED_LINE if is_version else column


def take(engine: Engine, target: Path, **changes: Any) -> Manifest:
    asked = {"secrets": SECRETS, "passphrase": PASSPHRASE} | changes
    return backup.make_backup(engine, target, NOW, **asked)


def full_url(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


def url_of(path: Path) -> str:
    return f"sqlite:///{path}"


def test_every_row_comes_back_and_the_books_agree(sold: Engine, tmp_path: Path) -> None:
    take(sold, tmp_path / "b.zip")
    manifest = restore.read_manifest(tmp_path / "b.zip")
    url = url_of(tmp_path / "new.db")
    report = restore.restore(tmp_path / "b.zip", manifest, url, replace=False)
    assert report.ok, report.faults
    assert report.checked["sales"] == 3
    assert contents(db.make_engine(url)) == contents(sold)


def test_the_same_backup_restored_twice_is_never_taken_for_the_first_time_going_on(
    sold: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(sold, tmp_path / "b.zip")
    manifest = restore.read_manifest(tmp_path / "b.zip")
    lines = set()
    for number, at in enumerate((NOW, NOW + timedelta(seconds=5), NOW - timedelta(days=400))):
        clock = ManualClock(at)
        monkeypatch.setattr(restore, "SystemClock", lambda clock=clock: clock)
        url = url_of(tmp_path / f"{number}.db")
        restore.restore(tmp_path / "b.zip", manifest, url, replace=False)
        with db.reading(db.make_engine(url)) as session:
            lines.add((session.scalar(select(func.max(FeedRow.version))) or 0) // FEED_LINE)
    assert len(lines) == 3
    assert 0 not in lines


def test_the_keys_come_back_with_the_passphrase_and_with_no_other(
    sold: Engine, tmp_path: Path
) -> None:
    file = tmp_path / "b.zip"
    manifest = take(sold, file)
    assert restore.read_secrets(file, manifest, PASSPHRASE) == SECRETS
    with pytest.raises(BackupError, match="does not open"):
        restore.read_secrets(file, manifest, "another passphrase")
    for secret in SECRETS.values():
        assert secret not in file.read_bytes()


def test_a_backup_taken_while_tills_sell_is_one_state(
    sold: Engine, terminal: Any, make_diner: Any, make_sale: Any, tmp_path: Path
) -> None:
    diner = make_diner(cash=1_000_000)
    written, done = threading.Event(), threading.Event()

    def sell() -> None:
        for _ in range(60):
            terminal.sell(make_sale(diner))
            terminal.push(after=terminal.journal.head()[0] - 1)
            written.set()
            if done.is_set():
                return

    till = threading.Thread(target=sell)
    till.start()
    written.wait(10)
    for number in range(3):
        take(sold, tmp_path / f"{number}.zip")
    done.set()
    till.join()
    for number in range(3):
        file = tmp_path / f"{number}.zip"
        url = url_of(tmp_path / f"{number}.db")
        report = restore.restore(file, restore.read_manifest(file), url, replace=False)
        assert report.ok, report.faults


def test_a_database_that_holds_something_is_given_up_only_when_told(
    sold: Engine, terminal: Any, make_sale: Any, tmp_path: Path
) -> None:
    file = tmp_path / "b.zip"
    manifest = take(sold, file)
    before = contents(sold)
    terminal.sell(make_sale())
    terminal.push(after=3)
    url = full_url(sold)
    with pytest.raises(BackupError, match="--replace"):
        restore.restore(file, manifest, url, replace=False)
    sold.dispose()
    assert restore.restore(file, manifest, url, replace=True).ok
    assert contents(db.make_engine(url)) == before


def flip(file: Path, part: str, change: Any) -> None:
    """Rewrite one part of a backup."""
    with zipfile.ZipFile(file) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    parts[part] = change(parts[part])
    with zipfile.ZipFile(file, "w") as new:
        for name, data in parts.items():
            new.writestr(name, data)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.replace(b"1200", b"1100"),
        lambda data: data[: len(data) // 2],
        lambda _: b"",
        lambda data: data + b"[1]\n",
    ],
)
def test_an_altered_backup_is_refused_and_what_was_there_stays(
    sold: Engine, tmp_path: Path, change: Any
) -> None:
    file = tmp_path / "b.zip"
    manifest = take(sold, file)
    flip(file, "tables/sale.jsonl", change)
    before = contents(sold)
    url = full_url(sold)
    with pytest.raises(BackupError):
        restore.restore(file, manifest, url, replace=True)
    assert contents(sold) == before
    assert not list(tmp_path.rglob("*.restoring*"))


def test_a_crash_while_restoring_leaves_the_old_database(
    sold: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "b.zip"
    manifest = take(sold, file)
    before = contents(sold)

    def crash(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(restore, "verify_server", crash)
    with pytest.raises(KeyboardInterrupt):
        restore.restore(file, manifest, full_url(sold), replace=True)
    assert contents(sold) == before


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"not a zip at all" * 100])
def test_what_is_no_backup_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "b.zip").write_bytes(data)
    with pytest.raises(BackupError, match="no backup"):
        restore.read_manifest(tmp_path / "b.zip")


def test_a_secret_that_would_leave_the_data_folder_is_refused(sold: Engine, tmp_path: Path) -> None:
    file = tmp_path / "b.zip"
    manifest = take(sold, file)
    evil = manifest.model_copy(update={"keys": ("../../etc/passwd",)})
    with pytest.raises(BackupError, match="tampered"):
        restore.read_secrets(file, evil, PASSPHRASE)


def test_a_full_disk_leaves_no_half_backup(
    sold: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup, "_write_table", full)
    with pytest.raises(BackupError, match="No space left"):
        take(sold, tmp_path / "b.zip")
    assert list(tmp_path.glob("*b.zip*")) == []


def test_only_the_latest_backups_are_kept(tmp_path: Path) -> None:
    for day in range(1, 6):
        backup.name_of(tmp_path, NOW.replace(day=day)).touch()
    (tmp_path / "notes.txt").touch()
    gone = backup.prune(tmp_path, 2)
    assert [path.name[6:14] for path in gone] == ["20260301", "20260302", "20260303"]
    assert len(list(tmp_path.iterdir())) == 3


def run(*arguments: str) -> Any:
    result = CliRunner().invoke(root, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.mark.process  # it looks whether a server answers
def test_the_commands_bring_a_lost_server_back(sold: Engine, settings: Any, tmp_path: Path) -> None:
    secret = settings.data_dir / "keys" / "1.key"
    key = secret.read_bytes()
    passphrase = tmp_path / "passphrase"
    passphrase.write_text(PASSPHRASE)
    before = contents(sold)
    sealed_by = ("--passphrase-file", str(passphrase))
    made = run("backup", "--to", str(tmp_path / "out"), *sealed_by, "--json")
    assert made.exit_code == 0, made.output
    file = json.loads(made.output)["file"]
    sold.dispose()
    shutil.rmtree(settings.data_dir)
    done = run("restore", file, *sealed_by)
    assert done.exit_code == 0, done.output
    assert "The books agree" in done.output
    assert secret.read_bytes() == key
    assert contents(db.make_engine(settings.database)) == before


def test_a_backup_of_an_older_version_is_brought_up_to_date(tmp_path: Path) -> None:
    """Made at the revision before the last by the columns of that time."""
    url = url_of(tmp_path / "old.db")
    engine = db.make_engine(url)
    schema.upgrade(engine, "0003")
    file = tmp_path / "b.zip"
    old = Manifest(
        format=1, dafan="0.1.0", revision="0003", made_at=NOW, engine="sqlite", tables=(), keys=()
    )
    with zipfile.ZipFile(file, "w") as package:
        package.writestr("manifest.json", old.model_dump_json())
    report = restore.restore(
        file, restore.read_manifest(file), url_of(tmp_path / "n.db"), replace=False
    )
    assert report.ok
    assert schema.revision(db.make_engine(url_of(tmp_path / "n.db"))) == schema.head()


def test_verify_finds_in_the_restored_books_what_was_wrong_before(
    sold: Engine, tmp_path: Path
) -> None:
    with sold.begin() as connection:
        connection.exec_driver_sql("UPDATE posting SET amount = amount + 1")
    file = tmp_path / "b.zip"
    manifest = take(sold, file)
    report = restore.restore(file, manifest, url_of(tmp_path / "n.db"), replace=False)
    mine = Report()
    with db.reading(sold) as session:
        verify_server(session, mine)
    assert not report.ok
    assert report.faults == mine.faults
