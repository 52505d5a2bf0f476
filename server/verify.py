"""Proof that the books are right (``dafan verify``): every check of every subject, in one place.

Each subject proves its own: money, journals, refunds, closed days, rescued journals. All of them
read one state of the database, stream what they read, and name the first wrong rows.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dafan.journal import Fault
from server import closing_proof, rescues, verify_chain, verify_money
from server.books import refunds_proof, sales
from server.books.accounts import Account
from server.books.transfers import Transfer

MAX_FAULTS = 100


@dataclass
class Report:
    """What was looked at, and the first faults."""

    faults: list[Fault] = field(default_factory=list)
    checked: dict[str, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults

    def add(self, faults: Iterator[Fault]) -> None:
        """Take over faults, up to :data:`MAX_FAULTS` in all."""
        self.faults.extend(islice(faults, max(0, MAX_FAULTS - len(self.faults))))

    def count(self, what: str, number: int = 1) -> None:
        """So many more of something were looked at."""
        self.checked[what] = self.checked.get(what, 0) + number


Check = Callable[[Session], Iterator[Fault]]


def checks(report: Report) -> dict[str, Check]:
    """What is proved → the check, in the order in which a fault is best looked for."""
    return {
        "transfers": verify_money.transfers,
        "accounts": verify_money.accounts,
        "postings of sales": verify_money.sale_money,
        "sums of tills": verify_money.till_sums,
        "marks": verify_chain.marks,
        "signatures": lambda session: verify_chain.signatures(session, report.checked),
        "journals": lambda session: verify_chain.chains(session, report.checked),
        "refunds": refunds_proof.faults,
        "closed days": closing_proof.faults,
        "rescued journals": rescues.faults,
    }


def verify_server(
    session: Session, report: Report, progress: Callable[[str], None] = lambda _: None
) -> None:
    """Check the whole database.

    Args:
        session: Sees one state of the database from beginning to end.
        report: Takes faults and counts.
        progress: Told what is looked at now.
    """
    for name, check in checks(report).items():
        progress(name)
        report.add(check(session))
    for name, table in (("accounts", Account), ("transfers", Transfer), ("sales", sales.Sale)):
        report.checked[name] = session.scalar(select(func.count()).select_from(table)) or 0
