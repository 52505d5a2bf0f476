"""Each proof finds the one row that was altered, and on books in order none finds anything."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from dafan import db
from dafan.cli import root
from server import verify_chain
from server.books.transfers import Transfer
from server.verify import MAX_FAULTS, Report, checks, verify_engine, verify_server
from server.verify_advice import ADVICE
from server.verify_money import MANY_LEGGED, TWO_LEGGED
from tests.server.everything import Everything
from tests.server.test_kitchen_proof import DAMAGE as KITCHEN

_WORDS = {
    r"FIRST\((\w+)\)": r"(SELECT id FROM transfer WHERE kind = '\1' ORDER BY id LIMIT 1)",
    r"MOVED\((\d+)\)": r"(SELECT transfer_id FROM sale WHERE total = \1)",
    "OTHERS": "(SELECT owner_id FROM account WHERE kind = 'cash' AND balance = 0)",
    "CLEARS": "(SELECT id FROM account WHERE kind = 'clearing' ORDER BY id LIMIT 1)",
    "BETWEEN BODIES": "account_id IN (SELECT id FROM account WHERE kind = 'clearing')",
}
"""Words of :data:`DAMAGE` → SQL."""


DAMAGE = {
    # journals
    "UPDATE terminal SET applied_seq = 9 WHERE applied_seq = 8": "mark",
    "UPDATE terminal SET applied_hash = 'x' WHERE applied_seq = 8": "mark",
    "UPDATE batch SET last_hash = 'x' WHERE first_seq = 8": "batch*2",
    "UPDATE batch SET terminal_id = id WHERE first_seq = 8": "batch",
    "DELETE FROM batch WHERE first_seq = 8": "batch",
    "UPDATE entry SET body = replace(body, 'lunch', 'lunck') WHERE seq = 2": "chain*2",
    "UPDATE entry SET at = 'x' WHERE seq = 7": "chain",
    "UPDATE entry SET kind = 'shift\",\"' WHERE seq = 7": "chain till_entry",
    "UPDATE entry SET id = batch_id WHERE seq = 6": "chain",
    "UPDATE entry SET outcome = 'parked' WHERE seq = 6": "till_entry",
    "UPDATE entry SET outcome = 'parked' WHERE seq = 2": "chain sale_entry",
    "DELETE FROM refund WHERE terminal_id IS NOT NULL": "refund*2 till_entry",
    "DELETE FROM shift": "till_entry cash_diff",
    "UPDATE shift SET seq = 9": "till_entry*2",
    # sales
    "UPDATE sale SET seq = 99 WHERE total = 700": "chain sale_entry",
    "UPDATE sale SET venue_id = diner_id WHERE total = 900": "chain sale_money",
    "UPDATE sale SET diner_id = NULL WHERE total = 900": "chain sale_money",
    "UPDATE sale SET period = 'dinner' WHERE total = 900": "chain",
    "UPDATE sale SET list_total = 701 WHERE total = 700": "chain sale_lines",
    "UPDATE sale SET transfer_id = NULL WHERE total = 700": "sale_money*2",
    "UPDATE sale SET transfer_id = MOVED(111) WHERE total = 700": "sale_money",
    "UPDATE sale_line SET amount = 599 WHERE no = 2": "sale_lines refund",
    "DELETE FROM sale_line WHERE no = 2": "sale_lines refund",
    # refunds
    "UPDATE refund SET transfer_id = FIRST(void) WHERE state = 'approved'": "refund*3",
    "UPDATE refund SET diner_id = OTHERS WHERE kind = 'refund' AND state = 'approved'": "refund",
    # transfers, postings, balances
    "UPDATE posting SET amount = 701 WHERE amount = 700 AND transfer_id = MOVED(700)": (
        "transfer balance sale_money closing"
    ),
    "DELETE FROM posting WHERE amount = -700 AND transfer_id = MOVED(700)": (
        "transfer balance sale_money closing"
    ),
    "DELETE FROM posting WHERE transfer_id = MOVED(700)": "transfer balance*2 sale_money closing",
    "DELETE FROM transfer WHERE id = MOVED(700)": "transfer*2 sale_money closing",
    "UPDATE transfer SET by = 'x' WHERE id = MOVED(700)": "sale_money",
    "UPDATE transfer SET key = 'sale:x' WHERE id = MOVED(700)": "sale_money",
    "UPDATE transfer SET kind = 'gift' WHERE id = FIRST(wallet_move)": "kind closing",
    "UPDATE transfer SET kind = 'wallet_move' WHERE id = FIRST(bank)": "kind bank_payment closing",
    "UPDATE account SET balance = balance + 1 WHERE kind = 'bank'": "balance*2",
    "UPDATE account SET kind = 'bank2' WHERE kind = 'bank'": "kind*2 closing",
    "UPDATE account SET owner_id = OTHERS WHERE kind = 'bank'": "kind*2",
    # the cash desk
    "DELETE FROM top_up_receipt WHERE no = 4": "receipt_gap receipt",
    "DELETE FROM top_up_receipt WHERE no = 5": "receipt",
    "UPDATE top_up_receipt SET amount = amount + 1 WHERE no = 2": "receipt",
    "UPDATE top_up_receipt SET diner_id = OTHERS WHERE no = 2": "receipt",
    "UPDATE top_up_reversal SET transfer_id = NULL": "reversal*2",
    "UPDATE top_up_reversal SET state = 'asked' WHERE state = 'done'": "reversal",
    "UPDATE top_up_reversal SET state = 'done' WHERE state = 'refused'": "reversal",
    "DELETE FROM top_up_reversal WHERE state = 'done'": "reversal",
    "UPDATE pay_out SET cash = 499": "pay_out",
    "UPDATE pay_out SET subsidy = 0": "pay_out",
    "UPDATE pay_out SET way = 'bank'": "pay_out",
    "UPDATE pay_out SET state = 'asked'": "pay_out",
    "UPDATE pay_out SET transfer_id = NULL": "pay_out*2",
    "DELETE FROM pay_out": "pay_out",
    # from outside
    "UPDATE opening_balance SET amount = 78 WHERE amount = 77": "opening",
    "UPDATE opening_balance SET source = 'cash' WHERE amount = 66": "opening*2",
    "DELETE FROM opening_balance WHERE amount = 66": "opening",
    "UPDATE bank_payment SET amount = 3300 WHERE amount = 3200": "bank_payment",
    "UPDATE bank_payment SET reference = 'B9' WHERE amount = 3200": "bank_payment",
    "UPDATE bank_payment SET diner_id = OTHERS WHERE amount = 3200": "bank_payment",
    "DELETE FROM bank_payment WHERE amount = 3200": "bank_payment",
    "UPDATE bank_payment SET transfer_id = FIRST(bank)": "bank_payment*2",
    "UPDATE online_order SET amount = 1 WHERE amount = 4100": "online_order",
    "UPDATE online_order SET gateway_id = NULL WHERE amount = 4100": "online_order",
    "UPDATE online_order SET gateway_id = 'x' WHERE amount = 4300": "online_order",
    "UPDATE online_order SET state = 'paid' WHERE amount = 4300": "online_order",
    "UPDATE online_order SET state = 'refunded' WHERE amount = 4100": "online_order",
    "UPDATE online_order SET state = 'paid' WHERE amount = 4200": "online_order",
    "DELETE FROM online_order WHERE amount = 4100": "online_order",
    "DELETE FROM online_order WHERE amount = 4200": "online_order*2",
    # subsidies
    "UPDATE subsidy_run SET total = total + 1 WHERE key = 'keep'": "subsidy_run",
    "UPDATE subsidy_run SET diners = diners + 1 WHERE key = 'keep'": "subsidy_run",
    "UPDATE subsidy_run SET expired_total = expired_total - 1 WHERE key = 'soon'": "expiry",
    "UPDATE subsidy_run SET expired_at = NULL WHERE key = 'soon'": "expiry",
    "DELETE FROM subsidy_run WHERE key = 'keep'": "subsidy_run",
    "DELETE FROM subsidy_run WHERE key = 'soon'": "subsidy_run expiry",
    "UPDATE transfer SET key = key || 'x' WHERE id = FIRST(subsidy)": "subsidy_run",
    # shifts, bodies
    "UPDATE shift SET transfer_id = FIRST(bank)": "cash_diff*2",
    "UPDATE shift SET transfer_id = NULL": "cash_diff",
    "UPDATE settlement SET amount = amount + 1": "settlement",
    "UPDATE settlement SET month = '2026-02-01'": "settlement",
    "UPDATE settlement SET transfer_id = NULL": "settlement*2",
    "DELETE FROM settlement": "settlement",
    "UPDATE posting SET amount = -amount WHERE BETWEEN BODIES AND transfer_id = MOVED(900)": (
        "balance*2"
    ),
    "DELETE FROM posting WHERE BETWEEN BODIES AND transfer_id = MOVED(900)": "balance*2 closing",
    "UPDATE posting SET amount = amount * 2 WHERE BETWEEN BODIES AND transfer_id = MOVED(900)": (
        "balance*2 clearing"
    ),
    "UPDATE account SET owner_id = OTHERS WHERE id = CLEARS": "clearing*3 settlement",
    # closed days, rescues, the log
    "UPDATE day_close SET figures = '{}'": "closing*4",
    "DELETE FROM day_close": "closing*2",
    "UPDATE forked_batch SET push = '{}'": "rescue",
    "UPDATE audit SET who = 'x' WHERE action = 'wallet.bank'": "audit",
    "INSERT INTO day_made SELECT c.site_id, c.business_date, sum(c.changes), min(t.enrolled_at) "
    "FROM day_change c JOIN terminal t ON t.id = c.terminal_id GROUP BY 1, 2": "day_sums",
}
"""What is done to a row → codes of the faults that are then found, in order."""


@pytest.fixture
def everything(
    engine: Engine, actor: Any, site: Any, terminal: Any, make_diner: Any, make_sale: Any,
    tmp_path: Path,
) -> Engine:  # fmt: skip
    """Books with every kind of movement."""
    Everything(engine, actor, site, terminal, make_diner, make_sale).build(tmp_path)
    return engine


def report_of(session: Session) -> Report:
    report = Report()
    verify_server(session, report)
    return report


def test_money_moved_in_every_way_and_everything_agrees(everything: Engine) -> None:
    with db.reading(everything) as session:
        assert report_of(session).faults == []
        kinds = set(session.scalars(select(Transfer.kind).distinct()))
        assert kinds == {*TWO_LEGGED, *MANY_LEGGED}


def test_every_altered_row_is_found_and_nothing_else_is_blamed(everything: Engine) -> None:
    found = {}
    for damage in DAMAGE:
        with Session(everything) as session:
            _loosen(session)
            assert session.execute(text(_sql(damage))).rowcount > 0, damage  # type: ignore[attr-defined]
            faults = report_of(session).faults
            session.rollback()
        counted = Counter(fault.code for fault in faults)
        found[damage] = " ".join(
            f"{code}*{count}" if count > 1 else code for code, count in counted.items()
        )
    assert found == DAMAGE


def _sql(damage: str) -> str:
    for word, meaning in _WORDS.items():
        damage = re.sub(word, meaning, damage)
    return damage


def _loosen(session: Session) -> None:
    """Let rows be damaged against the wish of foreign keys; all of it is taken back."""
    sqlite = session.get_bind().dialect.name == "sqlite"
    loose = "PRAGMA defer_foreign_keys = ON", "SET LOCAL session_replication_role = replica"
    session.execute(text(loose[0] if sqlite else loose[1]))


def test_every_fault_comes_with_what_to_do(everything: Engine) -> None:
    with Session(everything) as session:
        assert {check.code for check in checks(Report())} <= ADVICE.keys()
        assert {code.partition("*")[0] for text in DAMAGE.values() for code in text.split()} | {
            "till_file", "mark", *(code.partition("*")[0] for code in KITCHEN.values()),
            "sample_held", "sample_slot", "plate", "line", "birthday",
        } == ADVICE.keys()  # fmt: skip
        session.execute(text("UPDATE bank_payment SET amount = 3300 WHERE amount = 3200"))
        (fault,) = report_of(session).faults
        session.rollback()
    assert fault.where.startswith("bank payment B2 of site ")
    assert "the bank's statement" in fault.advice


def test_both_lanes_of_a_proof_see_one_state_while_money_moves(everything: Engine) -> None:
    """Whatever is written while it runs, the proof neither sees half of it nor waits for it."""
    asked: list[str] = []

    def meanwhile(name: str) -> None:
        if not asked:
            with db.writing(everything) as session:
                session.execute(text("UPDATE account SET balance = balance + 1"))
                session.execute(text("UPDATE entry SET body = 'x'"))
        asked.append(name)

    report = Report()
    verify_engine(everything, report, meanwhile)
    assert report.faults == []
    assert sorted(asked) == sorted(check.name for check in checks(Report()))
    verify_engine(everything, again := Report())
    assert {fault.code for fault in again.faults} >= {"balance", "chain"}


def test_a_proof_that_cannot_read_on_says_so_instead_of_finding_nothing(
    everything: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def torn(*_: object) -> None:
        raise RuntimeError("the disk gave up")

    monkeypatch.setattr(verify_chain, "chains", torn)
    with pytest.raises(RuntimeError, match="gave up"):
        verify_engine(everything, Report())


def test_of_one_proof_only_the_first_faults_are_named(everything: Engine) -> None:
    with Session(everything) as session:
        session.execute(text("UPDATE audit SET seq = NULL"))
        session.execute(text("UPDATE transfer SET kind = 'gift'"))
        faults = report_of(session).faults
        session.rollback()
    assert [fault.code for fault in faults].count("kind") == MAX_FAULTS
    assert {"kind", "bank_payment", "audit"} <= {fault.code for fault in faults}


def test_every_code_is_explained_in_the_documentation() -> None:
    told = (Path(__file__).parents[2] / "docs" / "verify.md").read_text(encoding="utf-8")
    assert [code for code in ADVICE if f"`{code}`" not in told] == []


def test_the_command_names_the_first_wrong_row_and_says_what_to_do_once(everything: Engine) -> None:
    with db.writing(everything) as session:
        session.execute(text("UPDATE bank_payment SET amount = amount + 100"))
    done = CliRunner().invoke(root, ["verify", "--database", str(everything.url)])
    assert done.exit_code == 1
    assert done.output.startswith("bank payment B1 of site ")
    assert done.output.count("[bank_payment]") == 2
    assert done.output.count("bank_payment: Change nothing by hand") == 1
