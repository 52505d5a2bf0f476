"""What is written once is never lost, changed or written twice."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from conftest_dafan import NOON, make_sale

from dafan.crypto import Identity, verify_signature
from dafan.journal import GENESIS, Journal, JournalError, batch_message, connect, sign_batch

Sell = Callable[[int], list[UUID]]


def test_entries_are_gapless_and_chained(journal: Journal, sell: Sell) -> None:
    ids = sell(3)
    entries = journal.read(0)
    assert [entry.seq for entry in entries] == [1, 2, 3]
    assert [entry.id for entry in entries] == ids
    assert entries[0].prev_hash == GENESIS
    assert [e.prev_hash for e in entries[1:]] == [e.hash for e in entries[:2]]
    assert list(journal.verify()) == []


def test_the_same_sale_is_not_written_twice(journal: Journal) -> None:
    sale = make_sale()
    journal.append("sale", sale.id, NOON, sale)
    with pytest.raises(JournalError, match="already"):
        journal.append("sale", sale.id, NOON, sale)
    assert journal.head()[0] == 1


def test_a_till_row_and_its_entry_are_written_together_or_not_at_all(journal: Journal) -> None:
    with journal.transaction() as connection:
        connection.execute("CREATE TABLE spool (sale TEXT)")

    def fail() -> None:
        with journal.transaction() as connection:
            sale = make_sale()
            journal.append("sale", sale.id, NOON, sale)
            connection.execute("INSERT INTO spool VALUES ('receipt')")
            raise RuntimeError("pulled the plug")

    with pytest.raises(RuntimeError):
        fail()
    assert journal.head() == (0, GENESIS)
    with journal.transaction() as connection:
        assert connection.execute("SELECT count(*) FROM spool").fetchone()[0] == 0


@pytest.mark.parametrize(
    "statement", ["UPDATE journal_entry SET body = '{}'", "DELETE FROM journal_entry"]
)
def test_an_entry_is_neither_changed_nor_deleted(
    journal: Journal, sell: Sell, statement: str
) -> None:
    sell(1)

    def attempt() -> None:
        with journal.transaction() as connection:
            connection.execute(statement)

    with pytest.raises(sqlite3.IntegrityError, match="never"):
        attempt()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("UPDATE journal_entry SET body = replace(body, '1154', '1155') WHERE seq = 2", "altered"),
        ("DELETE FROM journal_entry WHERE seq = 2", "missing"),
        ("UPDATE journal_entry SET prev_hash = hash WHERE seq = 3", "continue"),
        ("DELETE FROM journal_entry WHERE seq = 3", "the server has entries"),
    ],
)
def test_damage_behind_our_back_is_found_and_named(
    journal: Journal, sell: Sell, journal_file: Path, damage: str, said: str
) -> None:
    sell(3)
    journal.acknowledge(3)
    raw = sqlite3.connect(journal_file)
    raw.execute("DROP TRIGGER journal_entry_is_never_changed")
    raw.execute("DROP TRIGGER journal_entry_is_never_deleted")
    raw.execute(damage)
    raw.commit()
    raw.close()
    assert any(said in fault.what for fault in journal.verify())


@pytest.mark.usefixtures("journal")
def test_another_tills_file_is_refused(journal_file: Path) -> None:
    with pytest.raises(JournalError, match="belongs to terminal"):
        Journal(connect(journal_file), uuid4())


def test_the_mark_never_runs_ahead_of_what_is_written(journal: Journal, sell: Sell) -> None:
    sell(2)
    journal.acknowledge(2)
    with pytest.raises(JournalError, match="not written here"):
        journal.acknowledge(3)
    assert journal.acknowledged() == 2


def test_a_full_disk_is_an_error_and_leaves_no_half_entry(journal: Journal, sell: Sell) -> None:
    sell(1)
    with journal.transaction() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
    journal._connection.execute(f"PRAGMA max_page_count = {pages}")
    written = 1

    def sell_until_the_disk_is_full() -> None:
        nonlocal written
        for _ in range(500):
            sell(1)
            written += 1

    with pytest.raises(JournalError, match="disk"):
        sell_until_the_disk_is_full()
    assert journal.head()[0] == written
    assert list(journal.verify()) == []
    journal._connection.execute("PRAGMA max_page_count = 100000")
    sell(1)
    assert journal.head()[0] == written + 1


def test_a_batch_signature_holds_for_exactly_these_entries(journal: Journal, sell: Sell) -> None:
    sell(3)
    till = Identity.create()
    push = sign_batch(till, journal.read(0))
    assert verify_signature(till.signing_public, push.signature, batch_message(push.entries))
    for others in (push.entries[:2], push.entries[1:]):
        assert not verify_signature(till.signing_public, push.signature, batch_message(others))


_WRITER = """
import sys
from pathlib import Path
from uuid import UUID
sys.path.insert(0, sys.argv[2])
from conftest_dafan import NOON, make_sale
from dafan.journal import Journal, connect
journal = Journal(connect(Path(sys.argv[1])), UUID(int=9))
while True:
    sale = make_sale()
    journal.append("sale", sale.id, NOON, sale)
    print(sale.id, flush=True)
"""


@pytest.mark.process
def test_kill_9_at_any_moment_loses_no_sale_that_was_called_paid(tmp_path: Path) -> None:
    path, rng = tmp_path / "till.db", random.Random(7)
    said: list[str] = []
    for _ in range(5):
        command = [sys.executable, "-c", _WRITER, str(path), str(Path(__file__).parent)]
        writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        said.append(writer.stdout.readline().strip())
        time.sleep(rng.uniform(0, 0.15))
        os.kill(writer.pid, signal.SIGKILL)
        said += [line.strip() for line in writer.stdout.readlines() if line.endswith("\n")]
        writer.wait()
        writer.stdout.close()
    journal = Journal(connect(path), UUID(int=9))
    written = [str(e.id) for after in range(0, journal.head()[0], 200) for e in journal.read(after)]
    assert set(said) <= set(written)
    assert len(written) == len(set(written))
    assert len(written) - len(said) <= 5  # at most the one being called out at each kill
    assert list(journal.verify()) == []
    journal._connection.close()
