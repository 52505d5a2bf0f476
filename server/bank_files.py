"""Bank transfers (银行转账) from the bank's table: looked at first, row by row, then booked.

The bank's reference names a payment for ever: whatever file brings it again, it is booked once.
While a row has faults nothing is booked, unless the person says to book the others.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.money import MAX_FEN, Fen, parse_yuan
from dafan.records import DinerStatus
from server import people
from server.actor import Actor
from server.books import wallets
from server.importing import RowError
from server.many import portions
from server.tables import Row, read_table

MAX_REFERENCE = 64
COLUMNS: dict[str, tuple[str, ...]] = {
    "staff_no": ("工号", "人员编号", "员工号", "附言", "备注", "staff number", "number"),
    "name": ("姓名", "付款人", "对方户名", "付款人名称", "name", "payer"),
    "amount": ("金额", "转入金额", "贷方金额", "收入金额", "交易金额", "amount"),
    "reference": ("流水号", "交易流水号", "凭证号", "银行流水号", "reference"),
    "paid_on": ("日期", "交易日期", "记账日期", "入账日期", "date"),
}
"""Our name of a column → the headings that mean it."""

HEADINGS: dict[str, str] = {name: aliases[0] for name, aliases in COLUMNS.items()}
"""Headings of the table that we offer for download."""


class BankPayment(Base):
    """A payment of the bank that is in a wallet."""

    __tablename__ = "bank_payment"
    __table_args__ = (Index("ix_bank_payment_site_id_id", "site_id", "id"),)

    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), primary_key=True)
    reference: Mapped[str] = mapped_column(String(MAX_REFERENCE), primary_key=True)
    id: Mapped[UUID] = mapped_column(default=new_id)
    diner_id: Mapped[UUID] = mapped_column(ForeignKey("diner.id"), index=True)
    amount: Mapped[int]
    paid_on: Mapped[date]
    """As the bank says."""
    transfer_id: Mapped[UUID]
    booked_by: Mapped[str] = mapped_column(String(80))
    booked_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Payment:
    """A row without a fault.

    Attributes:
        row: As Excel counts.
        diner_id: Whose wallet.
        staff_no: His number.
        name: His name.
        amount: Fen.
        reference: The bank's.
        paid_on: The bank's date.
        booked: It is in the books already.
    """

    row: int
    diner_id: UUID
    staff_no: str
    name: str
    amount: Fen
    reference: str
    paid_on: date
    booked: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What would happen.

    Attributes:
        rows: Rows without a fault, those that are booked already among them.
        errors: Faults, in order of rows.
        unknown: Headings that mean nothing to us.
    """

    rows: tuple[Payment, ...]
    errors: tuple[RowError, ...]
    unknown: tuple[str, ...]

    @property
    def fresh(self) -> tuple[Payment, ...]:
        """What would be booked."""
        return tuple(row for row in self.rows if not row.booked)

    @property
    def total(self) -> Fen:
        """Fen that would be booked."""
        return Fen(sum(row.amount for row in self.fresh))

    @property
    def faulty(self) -> int:
        """Rows with at least one fault."""
        return len({error.row for error in self.errors})


def preview(session: Session, site_id: UUID, data: bytes) -> Preview:
    """Read a bank's table and find whose payments they are; changes nothing.

    Raises:
        TableError: not a table.
    """
    table = read_table(data, COLUMNS)
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        faults = [
            RowError(1, HEADINGS[name], "add this column", "column_missing") for name in missing
        ]
        return Preview((), tuple(faults), table.unknown)
    check = _Check.load(session, site_id, table.rows)
    rows = [check.payment(row) for row in table.rows]
    return Preview(
        tuple(row for row in rows if row is not None), tuple(check.errors), table.unknown
    )


def apply(session: Session, actor: Actor, data: bytes, *, skip_faulty: bool = False) -> Preview:
    """Book the payments that are not booked yet; doing so again changes nothing.

    Args:
        session: Writes.
        actor: Who books.
        data: The file.
        skip_faulty: The person has seen the faulty rows and books the others.

    Raises:
        TableError: not a table.
        BadInputError: it has faults; :func:`preview` lists them.
    """
    plan = preview(session, actor.site_id, data)
    if plan.errors and not (skip_faulty and plan.rows):
        raise BadInputError(
            f"the table has {len(plan.errors)} faults, the first in row {plan.errors[0].row}: "
            f"{plan.errors[0].advice}",
            code="faulty_table",
        )
    fresh = plan.fresh
    transfers = wallets.top_up_all(
        session, actor.site_id,
        [wallets.TopUp(row.diner_id, row.amount, row.reference,
                       memo=f"{row.reference} {row.paid_on}") for row in fresh],
        by=actor.name, at=actor.at, way=wallets.BANK,
    )  # fmt: skip
    here = set(_booked(session, actor.site_id, [row.reference for row in fresh]))
    made = [pair for pair in zip(fresh, transfers, strict=True) if pair[0].reference not in here]
    for row, transfer in made:
        session.add(
            BankPayment(
                site_id=actor.site_id, reference=row.reference, id=new_id(),
                diner_id=row.diner_id, amount=row.amount, paid_on=row.paid_on,
                transfer_id=transfer.id, booked_by=actor.name, booked_at=actor.at,
            )
        )  # fmt: skip
        told = {"fen": row.amount, "reference": row.reference, "paid_on": row.paid_on.isoformat()}
        actor.record(session, "wallet.bank", str(row.diner_id), None, told)
    after = {"booked": len(made), "fen": plan.total, "left_out": plan.faulty}
    actor.record(session, "bank.import", "bank", None, after)
    people.publish_diners(session, actor.site_id, sorted({row.diner_id for row in fresh}))
    return plan


def _booked(session: Session, site_id: UUID, references: Iterable[str]) -> dict[str, BankPayment]:
    """Those of the references that are in the books.

    Asked again after the accounts are locked: the same file may come twice at the same moment.
    """
    found: dict[str, BankPayment] = {}
    for some in portions(references):
        query = select(BankPayment).where(
            BankPayment.site_id == site_id, BankPayment.reference.in_(some)
        )
        found |= {row.reference: row for row in session.scalars(query)}
    return found


@dataclass
class _Check:
    """Judges the rows of one table; remembers the references that it has seen."""

    diners: Mapping[str, people.Diner]
    booked: Mapping[str, BankPayment]
    errors: list[RowError] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)

    @classmethod
    def load(cls, session: Session, site_id: UUID, rows: Sequence[Row]) -> "_Check":
        diners: dict[str, people.Diner] = {}
        for numbers in portions({row.cells["staff_no"] for row in rows}):
            query = select(people.Diner).where(
                people.Diner.site_id == site_id, people.Diner.staff_no.in_(numbers)
            )
            diners |= {diner.staff_no: diner for diner in session.scalars(query)}
        return cls(diners, _booked(session, site_id, {row.cells["reference"] for row in rows}))

    def fault(self, row: Row, column: str, code: str, advice: str) -> None:
        cell = row.cells.get(column, "")
        self.errors.append(RowError(row.number, HEADINGS[column], advice, code, cell))

    def payment(self, row: Row) -> Payment | None:
        """The row as a payment; ``None`` where it has faults."""
        before = len(self.errors)
        diner = self._diner(row)
        amount = self._amount(row)
        paid_on = self._date(row)
        reference = self._reference(row)
        if diner is None or amount is None or paid_on is None or len(self.errors) > before:
            return None
        known = self.booked.get(reference)
        if known is not None and (known.diner_id, known.amount) != (diner.id, amount):
            advice = "this reference is booked for another person or amount: ask the bank"
            self.fault(row, "reference", "reference_used", advice)
            return None
        if known is None and diner.status == DinerStatus.LEFT.value:
            self.fault(row, "staff_no", "has_left", "he has left: send the money back")
            return None
        return Payment(
            row.number, diner.id, diner.staff_no, diner.name, amount, reference, paid_on,
            known is not None,
        )  # fmt: skip

    def _diner(self, row: Row) -> people.Diner | None:
        diner = self.diners.get(row.cells["staff_no"])
        if diner is None:
            self.fault(row, "staff_no", "unknown_number", "nobody has this number: look it up")
        elif diner.name != row.cells["name"]:
            self.fault(row, "name", "other_name", f"{diner.staff_no} is {diner.name}")
        return diner

    def _amount(self, row: Row) -> Fen | None:
        try:
            amount = parse_yuan(row.cells["amount"])
        except BadInputError as error:
            self.fault(row, "amount", "bad_amount", str(error))
            return None
        if not 0 < amount <= MAX_FEN:
            self.fault(row, "amount", "not_positive", "only money that came in can be booked")
            return None
        return amount

    def _date(self, row: Row) -> date | None:
        paid_on = _read_date(row.cells["paid_on"])
        if paid_on is None:
            self.fault(row, "paid_on", "bad_date", "write the date as 2026-03-02")
        return paid_on

    def _reference(self, row: Row) -> str:
        reference = row.cells["reference"]
        if not reference:
            self.fault(row, "reference", "blank", "write the bank's reference")
        elif len(reference) > MAX_REFERENCE:
            self.fault(row, "reference", "too_long", f"use at most {MAX_REFERENCE} characters")
        elif "E+" in reference.upper():
            self.fault(row, "reference", "shortened", "Excel shortened it: format it as text")
        elif reference in self.seen:
            first = self.seen[reference]
            self.fault(row, "reference", "repeated", f"row {first} has this reference")
        self.seen.setdefault(reference, row.number)
        return reference


def _read_date(text: str) -> date | None:
    """``2026-03-02``, ``2026/3/2``, ``20260302``, with or without a time behind it."""
    day = text.replace("T", " ").partition(" ")[0]
    for form in ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y年%m月%d日"):
        try:
            return datetime.strptime(day, form).date()  # noqa: DTZ007 - a date has no zone
        except ValueError:
            continue
    return None


def page(
    session: Session, site_id: UUID, *, before: UUID | None = None, limit: int = 50
) -> Sequence[BankPayment]:
    """Booked payments, the latest first, from before one on."""
    query = select(BankPayment).where(BankPayment.site_id == site_id)
    if before is not None:
        query = query.where(BankPayment.id < before)
    return session.scalars(query.order_by(BankPayment.id.desc()).limit(limit)).all()
