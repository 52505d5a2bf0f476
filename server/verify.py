"""Proof that the books are right (``dafan verify``): every check of every subject, in one place.

Each subject proves its own: journals, transfers, sales, receipts, subsidies, closed days. All of
them read one state of the database, stream what they read, and name the first wrong rows.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice

from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from dafan.db import reading, writing
from dafan.journal import Fault
from kitchen import stock_proof
from server import (
    audit,
    birthdays_proof,
    closing_proof,
    incoming_proof,
    kitchen_proof,
    line_proof,
    plates_proof,
    rescues,
    till_proof,
    verify_chain,
    verify_money,
)
from server.books import desk_proof, refunds_proof, sales, settlement_proof, subsidies_proof
from server.books.accounts import Account
from server.books.transfers import Transfer
from server.many import locks_rows
from server.reports import sums_proof
from server.sites import Site
from server.verify_advice import ADVICE

MAX_FAULTS = 20
"""Of one check: the first say where to look, and the thousandth nothing more."""


@dataclass
class Report:
    """What was looked at, and the first faults."""

    faults: list[Fault] = field(default_factory=list)
    checked: dict[str, int] = field(default_factory=dict)
    took: dict[str, float] = field(default_factory=dict)
    """Name of a check → seconds."""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults

    def add(self, faults: Iterator[Fault], code: str) -> None:
        """Take over the first faults of one check, with what to do about them.

        Args:
            faults: At most :data:`MAX_FAULTS` of them are looked for.
            code: Of those that have none.
        """
        for fault in islice(faults, MAX_FAULTS):
            known = fault.code or code
            self.faults.append(replace(fault, code=known, advice=ADVICE[known]))

    def run(self, check: "Check", session: Session) -> None:
        """Make one check, and note how long it took."""
        began = time.perf_counter()
        self.add(check.find(session), check.code)
        self.took[check.name] = time.perf_counter() - began

    def count(self, what: str, number: int = 1) -> None:
        """So many more of something were looked at."""
        self.checked[what] = self.checked.get(what, 0) + number


Proof = Callable[[Session], Iterator[Fault]]


@dataclass(frozen=True, slots=True)
class Check:
    """One proof.

    Attributes:
        name: What is proved, for people.
        code: Of its faults, where a fault has no other.
        find: Yields them, the first wrong row first.
        reads_journals: Reads every entry; it takes about as long as all the others together.
    """

    name: str
    code: str
    find: Proof
    reads_journals: bool = False


def checks(report: Report) -> tuple[Check, ...]:
    """Every proof, in the order in which a fault is best looked for."""

    def signatures(session: Session) -> Iterator[Fault]:
        return verify_chain.signatures(session, report.checked)

    def journals(session: Session) -> Iterator[Fault]:
        return verify_chain.chains(session, report.checked)

    return (
        Check("marks", "mark", verify_chain.marks),
        Check("signatures", "batch", signatures),
        Check("journals", "chain", journals, reads_journals=True),
        Check("transfers", "transfer", verify_money.transfers),
        Check("accounts", "balance", verify_money.accounts),
        Check("kinds of transfers", "kind", verify_money.kinds),
        Check("postings of sales", "sale_money", verify_money.sale_money),
        Check("lines of sales", "sale_lines", verify_money.sale_lines),
        Check("refunds", "refund", refunds_proof.faults),
        Check("voids and shifts of tills", "till_entry", till_proof.entries),
        Check("cash differences", "cash_diff", till_proof.cash_differences),
        Check("receipts", "receipt", desk_proof.receipts),
        Check("reversals", "reversal", desk_proof.reversals),
        Check("opening balances", "opening", incoming_proof.openings),
        Check("bank payments", "bank_payment", incoming_proof.bank_payments),
        Check("online orders", "online_order", incoming_proof.online_orders),
        Check("subsidies", "subsidy_run", subsidies_proof.faults),
        Check("birthday vouchers", "birthday", birthdays_proof.faults),
        Check("pay-outs", "pay_out", desk_proof.pay_outs),
        Check("clearing and settlements", "clearing", settlement_proof.faults),
        Check("closed days", "closing", closing_proof.faults),
        Check("stock", "stock", stock_proof.faults),
        Check("retained samples", "sample_missing", kitchen_proof.samples),
        Check("points of plates", "plate", plates_proof.faults),
        Check("weigh line", "line", line_proof.faults),
        Check("sums of days", "day_sums", sums_proof.faults),
        Check("rescued journals", "rescue", rescues.faults),
        Check("audit log", "audit", _audit),
    )


def _audit(session: Session) -> Iterator[Fault]:
    for sentence in audit.faults(session):
        where, _, what = sentence.partition(": ")
        yield Fault(where, what)


def verify_server(
    session: Session, report: Report, progress: Callable[[str], None] = lambda _: None
) -> None:
    """Check the whole database.

    Args:
        session: Sees one state of the database from beginning to end.
        report: Takes faults and counts.
        progress: Told what is looked at now.
    """
    for check in checks(report):
        progress(check.name)
        report.run(check, session)
    _count(session, report)


def verify_engine(
    engine: Engine, report: Report, progress: Callable[[str], None] = lambda _: None
) -> None:
    """As :func:`verify_server`, with the journals beside all else, on two cores.

    Both see the same state, that of the beginning, while tills go on selling.

    Args:
        engine: The server's database; its schema is that of this program.
        report: Takes faults and counts.
        progress: Told what is looked at now, by two threads.
    """
    journals, others = Report(), Report()
    failed: list[BaseException] = []
    seen = threading.Event()

    def beside(state: str) -> None:
        try:
            with reading(engine) as session:
                _see(session, state)
                seen.set()
                _run(session, journals, progress, journals_too=True)
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
            failed.append(error)
        finally:
            seen.set()

    with reading(engine) as session:
        with _nobody_writes(engine):
            thread = threading.Thread(target=beside, args=[_see(session)], daemon=True)
            thread.start()
            seen.wait()
        _run(session, others, progress, journals_too=False)
        _count(session, others)
    thread.join()
    if failed:
        raise failed[0]
    for part in (journals, others):
        report.faults += part.faults
        report.checked |= part.checked
        report.took |= part.took


def _run(
    session: Session, report: Report, progress: Callable[[str], None], *, journals_too: bool
) -> None:
    for check in checks(report):
        if check.reads_journals == journals_too:
            progress(check.name)
            report.run(check, session)


def _see(session: Session, state: str = "") -> str:
    """Begin to read: the state that another session sees, or one that another may see as well."""
    if not locks_rows(session):
        session.execute(select(func.count()).select_from(Site))  # the snapshot is that of now
    elif state:
        session.execute(text(f"SET TRANSACTION SNAPSHOT '{state}'"))
    else:
        return str(session.scalar(select(func.pg_export_snapshot())))
    return ""


@contextmanager
def _nobody_writes(engine: Engine) -> Iterator[None]:
    """SQLite can name no snapshot: two that begin while nobody writes are the same."""
    if engine.dialect.name != "sqlite":
        yield
        return
    with writing(engine) as session:
        session.connection()
        yield


def _count(session: Session, report: Report) -> None:
    for name, table in (("accounts", Account), ("transfers", Transfer), ("sales", sales.Sale)):
        report.checked[name] = session.scalar(select(func.count()).select_from(table)) or 0
