"""The simulated disk keeps what was fsynced, and is free to lose the rest."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from dafan.journal import connect
from simulation import vfs
from simulation.disk import Disk

TRIES = 150


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path / "disk")
    with vfs.watching({made.folder: made}):
        yield made


def kept_after_a_power_cut(disk: Disk, seed: int, synchronous: str) -> tuple[int, int]:
    """Rows that were committed before the cut, and rows after it; -1: not even the table."""
    rng = Random(seed)
    disk.mount({})
    connection = connect(disk.folder / "x.db")
    connection.execute(f"PRAGMA synchronous={synchronous}")
    connection.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b BLOB)")
    committed = 0
    disk.fuse = rng.randrange(300)
    try:
        for _ in range(60):
            connection.execute("INSERT INTO t(b) VALUES (?)", (bytes(rng.randrange(9000)),))
            committed += 1
            if rng.random() < 0.1:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError:
        pass
    image = disk.cut(rng)
    connection.close()
    disk.mount(image)
    connection = connect(disk.folder / "x.db")
    there = -1
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 't'").fetchone():
        there = connection.execute("SELECT count(*) FROM t").fetchone()[0]
    assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    connection.close()
    return committed, there


def test_a_power_cut_at_any_disk_operation_loses_no_commit_that_was_fsynced(disk: Disk) -> None:
    for seed in range(TRIES):
        committed, there = kept_after_a_power_cut(disk, seed, "FULL")
        assert there in {committed, committed + 1}, seed


def test_without_fsync_commits_are_lost(disk: Disk) -> None:
    ends = [kept_after_a_power_cut(disk, seed, "NORMAL") for seed in range(TRIES)]
    assert sum(there < committed for committed, there in ends) > TRIES // 4


def test_a_killed_process_loses_nothing_that_the_system_has(disk: Disk) -> None:
    disk.mount({})
    connection = connect(disk.folder / "x.db")
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("CREATE TABLE t (a)")
    image = disk.cut(None)
    connection.close()
    disk.mount(image)
    connection = connect(disk.folder / "x.db")
    assert connection.execute("SELECT count(*) FROM t").fetchone()[0] == 0
    connection.close()


@pytest.mark.parametrize("trouble", ["full", "failing_syncs"])
def test_a_disk_in_trouble_refuses_and_goes_on_afterwards(disk: Disk, trouble: str) -> None:
    disk.mount({})
    connection = connect(disk.folder / "x.db")
    connection.execute("CREATE TABLE t (a)")
    setattr(disk, trouble, 1)
    with pytest.raises(sqlite3.OperationalError):
        connection.execute("INSERT INTO t VALUES (1)")
    setattr(disk, trouble, 0)
    connection.execute("INSERT INTO t VALUES (2)")
    image = disk.cut(Random(1))
    connection.close()
    disk.mount(image)
    connection = connect(disk.folder / "x.db")
    assert [row[0] for row in connection.execute("SELECT a FROM t")] == [2]
    connection.close()


def test_other_files_are_left_alone(disk: Disk, tmp_path: Path) -> None:
    disk.mount({})
    disk.dead = True
    connection = connect(tmp_path / "elsewhere.db")
    connection.execute("CREATE TABLE t (a)")
    connection.close()
