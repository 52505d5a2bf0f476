"""``dafan verify`` finds what was altered, and nothing where nothing was."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, text

from dafan import db
from server.cli_verify import verify
from server.verify import Report, verify_server
from server.verify_till import verify_till


def report_of(engine: Engine) -> Report:
    report = Report()
    with db.reading(engine) as session:
        verify_server(session, report)
    return report


@pytest.fixture
def booked(terminal: Any, make_diner: Callable[..., UUID], make_sale: Any) -> Any:
    """Three sales by wallet and one by cash, all settled."""
    diner = make_diner(cash=10_000, subsidy=1000)
    terminal.sell(make_sale(diner, 1200, payments=(("subsidy", 1000), ("cash", 200))))
    terminal.sell(make_sale(diner, 900))
    terminal.push()
    terminal.sell(make_sale(diner, 0))
    terminal.sell(make_sale(None, 700))
    terminal.push(after=2)
    terminal.journal.acknowledge(4)
    return terminal


@pytest.mark.usefixtures("booked")
def test_books_that_nobody_touched_agree(engine: Engine, tmp_path: Path) -> None:
    report = report_of(engine)
    with db.reading(engine) as session:
        verify_till(tmp_path / "till-1.db", report, session)
    assert report.faults == []
    assert report.checked == {
        "entries": 4, "accounts": 6, "transfers": 5, "sales": 4, "batches": 2,
        "till_entries": 4, "till_sales": 4, "till_fen": 2800, "books_fen": 2800,
    }  # fmt: skip


def test_books_larger_than_what_is_read_at_once_are_proved_to_the_last_entry(
    terminal: Any, make_diner: Callable[..., UUID], make_sale: Any, engine: Engine
) -> None:
    diner = make_diner(cash=1_000_000)
    for _ in range(6):
        first = terminal.journal.head()[0]
        for _ in range(200):
            terminal.sell(make_sale(diner, 3))
        terminal.push(after=first)
    report = report_of(engine)
    assert report.faults == []
    assert report.checked["entries"] == 1200
    with db.writing(engine) as session:
        session.execute(text("UPDATE entry SET body = replace(body, '3', '4') WHERE seq = 1199"))
    assert any("entry 1199" in fault.where for fault in report_of(engine).faults)


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        ("UPDATE posting SET amount = amount + 1 WHERE amount = 900", "sum to 1 fen"),
        ("DELETE FROM posting WHERE amount = -900", "sum to 900 fen"),
        ("UPDATE account SET balance = balance + 5 WHERE kind = 'cash'", "its postings sum to"),
        ("UPDATE sale SET total = 901, cash_paid = 901 WHERE total = 900", "says 901 fen"),
        ("DELETE FROM sale WHERE total = 900", "is not in the books"),
        ("UPDATE sale SET diner_id = NULL WHERE total = 900", "not the one that the till"),
        ("UPDATE entry SET body = replace(body, '900', '901') WHERE seq = 2", "was altered"),
        ("UPDATE entry SET body = 'x' WHERE seq = 2", "cannot be read"),
        ("UPDATE entry SET outcome = 'parked' WHERE seq = 2", "no applied entry 2"),
        ("DELETE FROM entry WHERE seq = 2", "entries 2 to 2 are missing"),
        ("DELETE FROM entry WHERE seq = 4", "were acknowledged, the last one here is 3"),
        ("UPDATE batch SET signature = substr(signature, 2) WHERE last_seq = 2", "is not signed"),
        ("DELETE FROM batch WHERE last_seq = 2", "no signed batch"),
    ],
)
@pytest.mark.usefixtures("booked")
def test_a_planted_fault_is_found(engine: Engine, breaking: Any, damage: str, found: str) -> None:
    with breaking(engine) as session:
        assert session.execute(text(damage)).rowcount > 0
    faults = [f"{fault.where}: {fault.what}" for fault in report_of(engine).faults]
    assert any(found in fault for fault in faults), faults


@pytest.mark.usefixtures("booked")
def test_an_entry_whose_bytes_are_no_text_any_more_is_named_like_any_altered_one(
    engine: Engine, breaking: Any
) -> None:
    if engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL stores no text that is none")
    with breaking(engine) as session:
        session.execute(text("UPDATE entry SET body = CAST(x'7b22ff' AS TEXT) WHERE seq = 2"))
    faults = report_of(engine).faults
    assert {(fault.where.partition(" of")[0], fault.code) for fault in faults} == {
        ("entry 2", "chain")
    }


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        ("UPDATE journal_entry SET body = replace(body, '900', '901') WHERE seq = 2", "altered"),
        ("UPDATE journal_entry SET body = '{' WHERE seq = 2", "cannot be read"),
        ("DELETE FROM journal_entry WHERE seq = 2", "are missing before it"),
        ("DELETE FROM journal_entry WHERE seq = 4", "the server has entries up to 4"),
    ],
)
@pytest.mark.usefixtures("booked")
def test_a_fault_in_a_tills_file_is_found(tmp_path: Path, damage: str, found: str) -> None:
    file = sqlite3.connect(tmp_path / "till-1.db")
    file.execute("DROP TRIGGER journal_entry_is_never_changed")
    file.execute("DROP TRIGGER journal_entry_is_never_deleted")
    file.execute(damage)
    file.commit()
    file.close()
    report = Report()
    verify_till(tmp_path / "till-1.db", report)
    assert any(found in fault.what for fault in report.faults), report.faults


@pytest.mark.usefixtures("booked")
def test_an_acknowledged_entry_that_the_server_lost_is_found(
    engine: Engine, tmp_path: Path
) -> None:
    with db.writing(engine) as session:
        session.execute(text("DELETE FROM entry WHERE seq = 4"))
    report = Report()
    with db.reading(engine) as session:
        verify_till(tmp_path / "till-1.db", report, session)
    assert [fault.what for fault in report.faults] == [
        "was acknowledged, but the server has it not"
    ]


@pytest.mark.usefixtures("booked")
def test_a_receipt_whose_sale_is_not_in_the_journal_is_found(tmp_path: Path) -> None:
    file = sqlite3.connect(tmp_path / "till-1.db")
    file.execute("CREATE TABLE receipt (sale_id TEXT NOT NULL)")
    sale_id = file.execute("SELECT id FROM journal_entry WHERE seq = 1").fetchone()[0]
    file.execute("INSERT INTO receipt VALUES (?), ('nobody')", (sale_id,))
    file.commit()
    file.close()
    report = Report()
    verify_till(tmp_path / "till-1.db", report)
    assert [fault.where for fault in report.faults] == ["receipt of sale nobody"]


@pytest.mark.usefixtures("booked")
def test_the_command_prints_json_and_exits_1_where_something_is_wrong(
    engine: Engine, tmp_path: Path
) -> None:
    runner, arguments = CliRunner(), ["--json", "--database", str(engine.url)]
    good = runner.invoke(verify, [*arguments, "--till", str(tmp_path / "till-1.db")])
    assert (good.exit_code, json.loads(good.output)["ok"]) == (0, True)
    with db.writing(engine) as session:
        session.execute(text("UPDATE account SET balance = 1 WHERE kind = 'revenue'"))
    bad = runner.invoke(verify, arguments)
    answer = json.loads(bad.output)
    assert (bad.exit_code, answer["ok"]) == (1, False)
    assert set(answer["faults"][0]) == {"where", "what", "code", "advice"}
    plain = runner.invoke(verify, arguments[1:])
    assert plain.exit_code == 1
    assert "its postings sum to" in plain.output
    assert plain.output.count("balance: Change nothing by hand") == 1


def test_foreign_files_are_refused_in_one_line(tmp_path: Path) -> None:
    from dafan.errors import DafanError

    text_file = tmp_path / "notes.txt"
    text_file.write_text("this is no database, but long enough to be looked at as one " * 20)
    empty = tmp_path / "empty.db"
    sqlite3.connect(empty).close()
    sqlite3.connect(empty).execute("CREATE TABLE other (a)")
    for arguments in (
        ["--till", str(text_file)], ["--till", str(empty)], ["--till", str(tmp_path / "none")],
        ["--database", f"sqlite:///{text_file}"], ["--database", f"sqlite:///{empty}"],
        ["--database", f"sqlite:///{tmp_path / 'none.db'}"], ["--database", "mysql://x/y"],
    ):  # fmt: skip
        result = CliRunner().invoke(verify, arguments)
        assert isinstance(result.exception, DafanError), arguments
    assert not (tmp_path / "none.db").exists()
