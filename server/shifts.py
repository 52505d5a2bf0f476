"""Shifts (交班): what a till says of itself at the end of a shift, beside what the books say."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Self
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base
from dafan.desk import Shift
from dafan.errors import BadInputError
from dafan.money import Fen
from dafan.records import Entry, Outcome
from server.actor import Actor
from server.books import accounts
from server.books.accounts import AccountKind
from server.books.refunds import Kind, Refund
from server.books.sales import Sale
from server.books.transfers import Leg, Move, Transfer, move_all
from server.entries import EntryRow
from server.line_book import LineJournal
from server.terminals import Terminal


class UnknownShiftError(BadInputError):
    """The site has no such shift."""

    code = "unknown_shift"


class ShiftRow(Base):
    """A till's own figures of a shift, as :class:`dafan.desk.Shift` reports them."""

    __tablename__ = "shift"
    __table_args__ = (
        UniqueConstraint("id"),
        UniqueConstraint("terminal_id", "seq"),
        Index("ix_shift_terminal_id_last_seq", "terminal_id", "last_seq"),
    )

    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), primary_key=True)
    business_date: Mapped[date] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    terminal_id: Mapped[UUID]
    seq: Mapped[int]
    """Of the entry that reported it."""
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime]
    first_seq: Mapped[int]
    last_seq: Mapped[int]
    sales: Mapped[int]
    voids: Mapped[int]
    subsidy: Mapped[int]
    cash: Mapped[int]
    drawer: Mapped[int]
    counted: Mapped[int | None]
    staff_id: Mapped[UUID]
    note: Mapped[str] = mapped_column(String(200), default="")
    received_at: Mapped[datetime]
    transfer_id: Mapped[UUID | None]
    """The cash over or short, once a person has confirmed it."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What a shift took in: sales with those that were voided, voids, and fen less voids."""

    sales: int = 0
    voids: int = 0
    subsidy: int = 0
    cash: int = 0
    drawer: int = 0

    @classmethod
    def of(cls, row: ShiftRow) -> Self:
        """As the till told them."""
        return cls(**{each.name: getattr(row, each.name) for each in fields(cls)})

    def __add__(self, other: Self) -> Self:
        names = [each.name for each in fields(self)]
        return type(self)(**{name: getattr(self, name) + getattr(other, name) for name in names})


@dataclass(frozen=True, slots=True)
class Compared:
    """A shift beside the books.

    Attributes:
        row: The shift.
        booked: The same figures from the books.
        parked: What its entries that could not be booked would add to them.
        taken_out: Fen of coins that voids on the server's pages took out of its drawer.
    """

    row: ShiftRow
    booked: Counts
    parked: Counts
    taken_out: Fen

    @property
    def expected(self) -> Fen:
        """Fen that should lie in the drawer: drawer sales less drawer voids."""
        return Fen(self.booked.drawer + self.parked.drawer - self.taken_out)

    @property
    def over(self) -> Fen:
        """Fen counted beyond that; below zero: short. Zero where nobody counts."""
        return Fen(0 if self.row.counted is None else self.row.counted - self.expected)

    def disagreeing(self) -> dict[str, int]:
        """Figure → how much more the till told than is booked or parked, where they differ."""
        told, known = Counts.of(self.row), self.booked + self.parked
        found = {
            each.name: getattr(told, each.name) - getattr(known, each.name) for each in fields(told)
        }
        return {name: more for name, more in found.items() if more}


def refusal(session: Session, entry: Entry, told: Shift) -> str:
    """Why a shift cannot be taken in; empty where it can."""
    if not told.first_seq <= told.last_seq + 1 <= entry.seq:
        return "bad_range: a shift covers entries that were written before it"
    if session.scalar(select(ShiftRow.id).where(ShiftRow.id == told.id)) is not None:
        return "known_shift: a shift of this id was reported by another entry"
    return ""


def take(session: Session, terminal: Terminal, entry: Entry, told: Shift, now: datetime) -> str:
    """Keep what a till says of its shift; it moves no money.

    Returns:
        Why it is parked; empty where it is kept.
    """
    reason = refusal(session, entry, told)
    if not reason:
        session.add(
            ShiftRow(
                site_id=terminal.site_id,
                terminal_id=terminal.id,
                seq=entry.seq,
                received_at=now,
                transfer_id=None,
                **dict(told),
            )
        )
        session.flush()
    return reason


def of_day(session: Session, site_id: UUID, day: date) -> Sequence[ShiftRow]:
    """The shifts of a business date, in the order in which they ended."""
    query = select(ShiftRow).where(ShiftRow.site_id == site_id, ShiftRow.business_date == day)
    return session.scalars(query.order_by(ShiftRow.closed_at, ShiftRow.id)).all()


def last_marks(session: Session, site_id: UUID) -> dict[UUID, int]:
    """Terminal → the last journal entry that one of its shifts covers."""
    query = select(ShiftRow.terminal_id, func.max(ShiftRow.last_seq)).where(
        ShiftRow.site_id == site_id
    )
    return dict(session.execute(query.group_by(ShiftRow.terminal_id)).all())


def compare(session: Session, row: ShiftRow) -> Compared:
    """Hold a shift against the books."""
    return Compared(row, _booked(session, row), _parked(session, row), _taken_out(session, row))


def _booked(session: Session, row: ShiftRow) -> Counts:
    total = [
        func.coalesce(func.sum(column), 0)
        for column in (Sale.subsidy_paid, Sale.cash_paid, Sale.drawer_paid)
    ]
    sold = select(func.count(), *total).where(
        Sale.terminal_id == row.terminal_id, Sale.seq.between(row.first_seq, row.last_seq)
    )
    back = [
        func.coalesce(func.sum(column), 0)
        for column in (Refund.subsidy_back, Refund.cash_back, Refund.drawer_back)
    ]
    voided = select(func.count(), *back).where(
        Refund.terminal_id == row.terminal_id, Refund.seq.between(row.first_seq, row.last_seq)
    )
    sales, *paid = (int(value) for value in session.execute(sold).one())
    voids, *returned = (int(value) for value in session.execute(voided).one())
    return Counts(sales, voids, *(one - other for one, other in zip(paid, returned, strict=True)))


def _parked(session: Session, row: ShiftRow) -> Counts:
    query = select(EntryRow.kind, EntryRow.body).where(
        EntryRow.terminal_id == row.terminal_id,
        EntryRow.seq.between(row.first_seq, row.last_seq),
        EntryRow.outcome == Outcome.PARKED.value,
    )
    found = Counts()
    for kind, body in session.execute(query):
        if kind == "sale":
            found += _told_by(json.loads(body))
        elif kind == "void":
            found += Counts(voids=1)
    return found


def _told_by(body: object) -> Counts:
    """A parked sale's own words; it may be parked because they make no sense."""
    payments = body.get("payments") if isinstance(body, dict) else None
    paid = dict.fromkeys(("subsidy", "cash", "drawer"), 0)
    for part in payments if isinstance(payments, list) else ():
        source, amount = (part.get(name) for name in ("source", "amount"))
        if source in paid and isinstance(amount, int):
            paid[source] += amount
    return Counts(sales=1, **paid)


def _taken_out(session: Session, row: ShiftRow) -> Fen:
    """Coins that voids on the server's pages took, since the shift before this one ended."""
    before = session.scalar(
        select(func.max(ShiftRow.closed_at)).where(
            ShiftRow.terminal_id == row.terminal_id, ShiftRow.last_seq < row.first_seq
        )
    )
    query = (
        select(func.coalesce(func.sum(Refund.drawer_back), 0))
        .join(Sale, Sale.id == Refund.sale_id)
        .where(
            Refund.site_id == row.site_id,
            Refund.kind == Kind.VOID.value,
            Refund.terminal_id.is_(None),
            Refund.asked_at <= row.closed_at,
            Sale.terminal_id == row.terminal_id,
        )
    )
    if before is not None:
        query = query.where(Refund.asked_at > before)
    return Fen(int(session.execute(query).scalar_one()))


def confirm_cash(session: Session, actor: Actor, shift_id: UUID) -> Transfer:
    """Book the cash over or short of a shift, once; the drawer then holds what was counted.

    Raises:
        UnknownShiftError: not a shift of this site.
        BadInputError: nobody counted, or what was counted is what should be there.
    """
    query = select(ShiftRow).where(ShiftRow.site_id == actor.site_id, ShiftRow.id == shift_id)
    row = session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if row is None:
        raise UnknownShiftError("there is no such shift here: reload the page")
    if row.transfer_id is not None:
        return session.scalars(select(Transfer).where(Transfer.id == row.transfer_id)).one()
    over = compare(session, row).over
    if not over:
        raise BadInputError("the drawer holds what it should: nothing to book", code="no_cash_diff")
    drawer = AccountKind.DRAWER, row.terminal_id
    difference = AccountKind.DIFFERENCE, row.terminal_id
    locked = accounts.ensure_all(session, actor.site_id, [drawer, difference])
    legs = [Leg(locked[drawer], Fen(-over)), Leg(locked[difference], over)]
    one = Move(
        "cash_diff", f"cash_diff:{row.id}", legs, at=actor.at, business_date=row.business_date,
        by=actor.name,
    )  # fmt: skip
    transfer = move_all(session, actor.site_id, [one])[0]
    row.transfer_id = transfer.id
    actor.record(session, "shift.cash", str(row.id), None, {"fen": over})
    return transfer


def uncovered(session: Session, site_id: UUID, day: date) -> dict[UUID, tuple[int, Fen]]:
    """Terminal → number and fen of the day's sales that no shift covers.

    Settled trays of the weigh line are in the server's own journal, which has no shifts.
    """
    covered = (
        select(ShiftRow.id)
        .where(
            ShiftRow.terminal_id == Sale.terminal_id,
            Sale.seq.between(ShiftRow.first_seq, ShiftRow.last_seq),
        )
        .exists()
    )
    query = (
        select(Sale.terminal_id, func.count(), func.sum(Sale.total))
        .where(Sale.site_id == site_id, Sale.business_date == day, ~covered)
        .where(Sale.terminal_id.not_in(select(LineJournal.terminal_id)))
        .group_by(Sale.terminal_id)
    )
    rows = session.execute(query)
    return {terminal_id: (count, Fen(int(total))) for terminal_id, count, total in rows}
