"""Sales (流水): each posted once, exactly as the diner saw it."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Index, String, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan import records
from dafan.db import Base
from dafan.money import Fen
from dafan.records import DayUse, Source
from server.books import accounts
from server.books.accounts import AccountKind
from server.books.transfers import Leg, move


class Sale(Base):
    """A paid basket. Site and date stand in the key, so that the table can be partitioned."""

    __tablename__ = "sale"
    __table_args__ = (
        UniqueConstraint("id"),
        UniqueConstraint("terminal_id", "seq"),
        Index("ix_sale_site_id_paid_at", "site_id", "paid_at"),
        Index("ix_sale_diner_id_business_date", "diner_id", "business_date"),
    )

    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    business_date: Mapped[date] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    terminal_id: Mapped[UUID]
    seq: Mapped[int]
    """Its place in the terminal's journal."""
    venue_id: Mapped[UUID]
    period: Mapped[str] = mapped_column(String(40))
    diner_id: Mapped[UUID | None]
    group_id: Mapped[UUID | None]
    tender: Mapped[str] = mapped_column(String(8))
    second_factor: Mapped[str | None] = mapped_column(String(8))
    list_total: Mapped[int]
    discount: Mapped[int]
    total: Mapped[int]
    subsidy_paid: Mapped[int]
    cash_paid: Mapped[int]
    drawer_paid: Mapped[int]
    subsidised: Mapped[bool]
    opened_at: Mapped[datetime]
    paid_at: Mapped[datetime]
    received_at: Mapped[datetime]
    snapshot_version: Mapped[int]
    face: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """:class:`dafan.records.FaceEvidence` as JSON."""
    transfer_id: Mapped[UUID | None]
    """Nothing moved for a basket that cost nothing."""


class SaleLine(Base):
    """One weighed or counted dish of a sale."""

    __tablename__ = "sale_line"
    __table_args__ = (
        Index("ix_sale_line_sale_id", "sale_id"),
        Index("ix_sale_line_site_id_dish_id_business_date", "site_id", "dish_id", "business_date"),
    )

    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    business_date: Mapped[date] = mapped_column(primary_key=True)
    sale_id: Mapped[UUID] = mapped_column(primary_key=True)
    no: Mapped[int] = mapped_column(primary_key=True)
    dish_id: Mapped[UUID]
    name: Mapped[str] = mapped_column(String(80))
    unit: Mapped[str] = mapped_column(String(8))
    portion: Mapped[str] = mapped_column(String(8))
    grams: Mapped[int | None]
    quantity: Mapped[int]
    unit_price: Mapped[int]
    amount: Mapped[int]


def known(session: Session, sale_id: UUID) -> bool:
    """Whether a sale of this id is posted."""
    return session.scalar(select(Sale.id).where(Sale.id == sale_id)) is not None


def post(
    session: Session, entry: records.Entry, sale: records.Sale, received_at: datetime
) -> list[str]:
    """Write the sale and move its money; what the diner saw is what he pays.

    Args:
        session: Writes.
        entry: The journal entry that carries it.
        sale: Checked against the terminal's site by the caller.
        received_at: Aware UTC.

    Returns:
        Codes of what a manager should look at: ``overdraft``.
    """
    legs = _legs(session, entry.terminal_id, sale)
    transfer = None
    if legs:
        transfer = move(
            session, sale.site_id, "sale", f"sale:{sale.id}", legs,
            at=sale.paid_at, business_date=sale.business_date, by=str(entry.terminal_id),
        )  # fmt: skip
    _write(session, entry, sale, received_at, transfer.id if transfer else None)
    wallets = {kind.value for kind in accounts.WALLETS.values()}
    overdrawn = any(leg.account.kind in wallets and leg.account.balance < 0 for leg in legs)
    return ["overdraft"] if overdrawn else []


def _legs(session: Session, terminal_id: UUID, sale: records.Sale) -> list[Leg]:
    legs = []
    for source, amount in paid_by(sale).items():
        if not amount:
            continue
        if source is Source.DRAWER:
            payer = accounts.ensure(session, sale.site_id, AccountKind.DRAWER, terminal_id)
        else:
            if sale.diner_id is None:
                raise ValueError("a wallet without a diner")
            payer = accounts.wallet(session, sale.site_id, sale.diner_id, source)
        legs.append(Leg(payer, Fen(-amount)))
    if legs:
        revenue = accounts.ensure(session, sale.site_id, AccountKind.REVENUE, sale.venue_id)
        legs.append(Leg(revenue, sale.total))
    return legs


def paid_by(sale: records.Sale) -> dict[Source, Fen]:
    """Fen that each source pays."""
    return {
        source: Fen(sum(part.amount for part in sale.payments if part.source is source))
        for source in Source
    }


def _write(
    session: Session,
    entry: records.Entry,
    sale: records.Sale,
    received_at: datetime,
    transfer_id: UUID | None,
) -> None:
    paid = paid_by(sale)
    same = (
        "id", "site_id", "venue_id", "business_date", "period", "diner_id", "group_id",
        "second_factor", "list_total", "discount", "total", "subsidised", "opened_at", "paid_at",
        "snapshot_version",
    )  # fmt: skip
    row = Sale(
        **{name: getattr(sale, name) for name in same},
        terminal_id=entry.terminal_id,
        seq=entry.seq,
        tender=sale.tender.value,
        subsidy_paid=paid[Source.SUBSIDY],
        cash_paid=paid[Source.CASH],
        drawer_paid=paid[Source.DRAWER],
        face=sale.face.to_body() if sale.face else None,
        received_at=received_at,
        transfer_id=transfer_id,
    )
    session.add(row)
    for no, line in enumerate(sale.lines, start=1):
        values = line.model_dump(mode="json") | {"dish_id": line.dish_id}
        key = {"site_id": sale.site_id, "business_date": sale.business_date, "sale_id": sale.id}
        session.add(SaleLine(no=no, **key, **values))
    session.flush()


def lines_of(session: Session, sale: Sale) -> Sequence[SaleLine]:
    """The lines of a sale, as on the receipt."""
    query = select(SaleLine).where(
        SaleLine.site_id == sale.site_id,
        SaleLine.business_date == sale.business_date,
        SaleLine.sale_id == sale.id,
    )
    return session.scalars(query.order_by(SaleLine.no)).all()


def day_use(session: Session, diner_id: UUID, day: date) -> DayUse:
    """What the diner has eaten and spent on a day, and in its month up to the end of that day."""
    query = (
        select(
            Sale.business_date,
            Sale.period,
            Sale.subsidised,
            func.count(),
            func.coalesce(func.sum(Sale.total), 0),
        )
        .where(Sale.diner_id == diner_id, Sale.business_date.between(day.replace(day=1), day))
        .group_by(Sale.business_date, Sale.period, Sale.subsidised)
    )
    meals: dict[str, int] = {}
    subsidised: dict[str, int] = {}
    spent = month_meals = month_spent = 0
    for at, period, with_subsidy, count, total in session.execute(query):
        month_meals += count
        month_spent += int(total)
        if at == day:
            meals[period] = meals.get(period, 0) + count
            spent += int(total)
            if with_subsidy:
                subsidised[period] = subsidised.get(period, 0) + count
    return DayUse(
        date=day, meals=meals, subsidised=subsidised, spent=Fen(spent),
        month_meals=month_meals, month_spent=month_spent,
    )  # fmt: skip


def applied_marks(session: Session, diner_id: UUID) -> dict[UUID, int]:
    """Terminal → the last of its entries that the diner's balances and uses contain."""
    query = (
        select(Sale.terminal_id, func.max(Sale.seq))
        .where(Sale.diner_id == diner_id)
        .group_by(Sale.terminal_id)
    )
    return {terminal: int(seq) for terminal, seq in session.execute(query)}
