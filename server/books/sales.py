"""Sales (流水): each posted once, exactly as the diner saw it."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Index,
    String,
    UniqueConstraint,
    Uuid,
    false,
    func,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan import records
from dafan.db import Base
from dafan.money import Fen
from dafan.records import DayUse, Source
from server.books import accounts, closing, day_changes, settlement
from server.books.accounts import AccountKind, Owner
from server.books.refunds import Refund
from server.books.transfers import Leg, Move, move_all
from server.many import among, insert_all


class Sale(Base):
    """A paid basket. Site and date stand in the key, so that the table can be partitioned."""

    __tablename__ = "sale"
    __table_args__ = (
        UniqueConstraint("id"),
        UniqueConstraint("terminal_id", "seq"),
        CheckConstraint("refunded BETWEEN 0 AND total", name="refunded"),
        Index("ix_sale_site_id_paid_at", "site_id", "paid_at"),
        Index("ix_sale_diner_id_business_date", "diner_id", "business_date"),
        Index("ix_sale_diner_id_terminal_id_seq", "diner_id", "terminal_id", "seq"),
        Index("ix_sale_site_id_rescued_on", "site_id", "rescued_on"),
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
    refunded: Mapped[int] = mapped_column(default=0, server_default="0")
    """Fen that went back, by a void or by approved refunds."""
    cancelled: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Voided, or refunded to the last fen: it counts neither as a meal nor as spent."""
    rescued_on: Mapped[date | None]
    """The open day that a sale of a closed day (补录) counts for; ``None``: its own."""


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


@dataclass(frozen=True, slots=True)
class Told:
    """A sale, and the journal entry that carries it."""

    entry: records.Entry
    sale: records.Sale
    bodies: tuple[UUID, UUID] | None = None
    """Whose diner pays at whose venue, where the two bodies differ."""


def posted(session: Session, sale_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these sales, at most :data:`server.many.PORTION`, are in the books."""
    return set(session.scalars(select(Sale.id).where(among(session, Sale.id, sale_ids))))


def find(
    session: Session, site_id: UUID, sale_ids: Collection[UUID], *, lock: bool = False
) -> dict[UUID, Sale]:
    """Those of the sales that the site has, as they are now.

    Args:
        session: Reads, or with ``lock`` writes.
        site_id: Whose.
        sale_ids: At most :data:`server.many.PORTION`.
        lock: Until the transaction ends nobody else gives money back for them. The accounts that
            are to be moved are locked after this, never before.
    """
    if not sale_ids:
        return {}
    query = select(Sale).where(Sale.site_id == site_id, Sale.id.in_(sale_ids)).order_by(Sale.id)
    if lock:
        query = query.with_for_update()
    found = session.scalars(query.execution_options(populate_existing=True))
    return {sale.id: sale for sale in found}


def lock_accounts(
    session: Session, site_id: UUID, told: Sequence[Told], also: Collection[Owner] = ()
) -> dict[Owner, accounts.Account]:
    """The accounts that these sales move; until the transaction ends no other sale moves them.

    Args:
        session: Writes.
        site_id: The sales' site.
        told: The sales.
        also: Accounts that the same transaction moves as well.
    """
    wanted = {owner for each in told for owner, _ in _legs(each)}
    return accounts.ensure_all(session, site_id, wanted | set(also))


def post(
    session: Session,
    told: Sequence[Told],
    locked: Mapping[Owner, accounts.Account],
    received_at: datetime,
) -> list[list[str]]:
    """Write sales and move their money; what the diner saw is what he pays.

    Args:
        session: Writes.
        told: Sales of one site, checked by the caller, in the order in which they happened.
        locked: As :func:`lock_accounts` gives them.
        received_at: Aware UTC.

    Returns:
        For each sale, codes of what a manager should look at: ``overdraft``, ``late_sale``.
    """
    if not told:
        return []
    balances = {owner: account.balance for owner, account in locked.items()}
    open_day = closing.first_open_day(session, told[0].sale.site_id)
    codes: list[list[str]] = []
    moves = []
    for each in told:
        legs = _legs(each)
        for owner, amount in legs:
            balances[owner] += amount
        overdrawn = any(kind in _WALLETS and balances[kind, owner] < 0 for (kind, owner), _ in legs)
        late = each.sale.business_date < open_day
        codes.append(["overdraft"] * overdrawn + ["late_sale"] * late)
        if legs:
            moves.append(_move(each, [Leg(locked[owner], amount) for owner, amount in legs]))
    moved = move_all(session, told[0].sale.site_id, moves)
    transfers = {transfer.key: transfer.id for transfer in moved}
    rows = [
        _row(each, transfers.get(_key(each.sale)))
        | {"received_at": received_at, "rescued_on": _rescued_on(each.sale, open_day)}
        for each in told
    ]
    insert_all(session, Sale.__table__, rows)
    lines = [line for each in told for line in _lines(each.sale)]
    insert_all(session, SaleLine.__table__, lines)
    tills = {(each.sale.business_date, each.entry.terminal_id) for each in told}
    day_changes.changed(session, told[0].sale.site_id, tills)
    return codes


_WALLETS = frozenset(accounts.WALLETS.values())


def _legs(told: Told) -> list[tuple[Owner, Fen]]:
    """Whose accounts the sale debits and credits, with fen; none where it cost nothing."""
    sale = told.sale
    legs: list[tuple[Owner, Fen]] = []
    for source, amount in paid_by(sale).items():
        if not amount:
            continue
        if source is Source.DRAWER:
            payer: Owner = AccountKind.DRAWER, told.entry.terminal_id
        elif sale.diner_id is None:
            raise ValueError("a wallet without a diner")
        else:
            payer = accounts.WALLETS[source], sale.diner_id
        legs.append((payer, Fen(-amount)))
    if legs:
        legs.append(((AccountKind.REVENUE, sale.venue_id), sale.total))
        if told.bodies is not None:
            legs += settlement.legs(*told.bodies, sale.total)
    return legs


def _key(sale: records.Sale) -> str:
    return f"sale:{sale.id}"


def _move(told: Told, legs: Sequence[Leg]) -> Move:
    sale = told.sale
    return Move(
        "sale", _key(sale), legs, at=sale.paid_at, business_date=sale.business_date,
        by=str(told.entry.terminal_id),
    )  # fmt: skip


def paid_by(sale: records.Sale) -> dict[Source, Fen]:
    """Fen that each source pays."""
    return {
        source: Fen(sum(part.amount for part in sale.payments if part.source is source))
        for source in Source
    }


_SAME = (
    "id", "site_id", "venue_id", "business_date", "period", "diner_id", "group_id",
    "second_factor", "list_total", "discount", "total", "subsidised", "opened_at", "paid_at",
    "snapshot_version",
)  # fmt: skip
"""What a row says in the words of the record."""


def _rescued_on(sale: records.Sale, open_day: date) -> date | None:
    return open_day if sale.business_date < open_day else None


def _row(told: Told, transfer_id: UUID | None) -> dict[str, Any]:
    sale = told.sale
    paid = paid_by(sale)
    return {name: getattr(sale, name) for name in _SAME} | {
        "terminal_id": told.entry.terminal_id,
        "seq": told.entry.seq,
        "tender": sale.tender.value,
        "subsidy_paid": paid[Source.SUBSIDY],
        "cash_paid": paid[Source.CASH],
        "drawer_paid": paid[Source.DRAWER],
        "face": sale.face.to_body() if sale.face else None,
        "transfer_id": transfer_id,
    }


def _lines(sale: records.Sale) -> Iterator[dict[str, Any]]:
    key = {"site_id": sale.site_id, "business_date": sale.business_date, "sale_id": sale.id}
    for no, line in enumerate(sale.lines, start=1):
        yield line.model_dump(mode="json") | {"dish_id": line.dish_id, "no": no} | key


def lines_of(session: Session, sale: Sale) -> Sequence[SaleLine]:
    """The lines of a sale, as on the receipt."""
    query = select(SaleLine).where(
        SaleLine.site_id == sale.site_id,
        SaleLine.business_date == sale.business_date,
        SaleLine.sale_id == sale.id,
    )
    return session.scalars(query.order_by(SaleLine.no)).all()


_EATER = type_coerce(Sale.diner_id, Uuid())
"""Never NULL where sales of certain diners are asked for."""


def day_use(session: Session, diner_id: UUID, day: date) -> DayUse:
    """What the diner has eaten and spent on a day, and in its month up to the end of that day.

    A cancelled sale frees its meal and its subsidy; what was refunded is not spent.
    """
    return day_uses(session, [diner_id], day)[diner_id]


def day_uses(session: Session, diner_ids: Sequence[UUID], day: date) -> dict[UUID, DayUse]:
    """Diner → as :func:`day_use`, for at most :data:`server.many.PORTION` diners."""
    query = (
        select(
            _EATER,
            Sale.business_date,
            Sale.period,
            Sale.subsidised,
            func.count(),
            func.coalesce(func.sum(Sale.total - Sale.refunded), 0),
        )
        .where(
            among(session, Sale.diner_id, diner_ids),
            Sale.business_date.between(day.replace(day=1), day),
        )
        .where(Sale.cancelled.is_(False))
        .group_by(Sale.diner_id, Sale.business_date, Sale.period, Sale.subsidised)
    )
    sums: dict[UUID, list[tuple[date, str, bool, int, int]]] = {each: [] for each in diner_ids}
    for diner_id, at, period, with_subsidy, count, total in session.execute(query):
        sums[diner_id].append((at, period, with_subsidy, count, int(total)))
    return {diner_id: _use(day, found) for diner_id, found in sums.items()}


def _use(day: date, sums: Sequence[tuple[date, str, bool, int, int]]) -> DayUse:
    """Of date, period, with subsidy or not, meals and fen."""
    meals: dict[str, int] = {}
    subsidised: dict[str, int] = {}
    for at, period, with_subsidy, count, _ in sums:
        if at == day:
            meals[period] = meals.get(period, 0) + count
            if with_subsidy:
                subsidised[period] = subsidised.get(period, 0) + count
    return DayUse(
        date=day, meals=meals, subsidised=subsidised,
        spent=Fen(sum(total for at, *_, total in sums if at == day)),
        month_meals=sum(count for *_, count, _ in sums),
        month_spent=Fen(sum(total for *_, total in sums)),
    )  # fmt: skip


def latest_uses(session: Session, diner_ids: Sequence[UUID]) -> dict[UUID, DayUse]:
    """Diner → the last day on which he ate, for at most :data:`server.many.PORTION` diners."""
    query = (
        select(_EATER, func.max(Sale.business_date))
        .where(among(session, Sale.diner_id, diner_ids))
        .group_by(Sale.diner_id)
    )
    ate: dict[date, list[UUID]] = {}
    for diner_id, day in session.execute(query):
        ate.setdefault(day, []).append(diner_id)
    uses = dict.fromkeys(diner_ids, DayUse(date=date.min))
    for day, diners in ate.items():
        uses |= day_uses(session, diners, day)
    return uses


def applied_marks(session: Session, diner_id: UUID) -> dict[UUID, int]:
    """Terminal → the last of its entries that the diner's balances and uses contain."""
    return applied_marks_of(session, [diner_id])[diner_id]


def applied_marks_of(session: Session, diner_ids: Sequence[UUID]) -> dict[UUID, dict[UUID, int]]:
    """Diner → as :func:`applied_marks`, for at most :data:`server.many.PORTION` diners."""
    sold = (
        select(_EATER, Sale.terminal_id, func.max(Sale.seq))
        .where(among(session, Sale.diner_id, diner_ids))
        .group_by(Sale.diner_id, Sale.terminal_id)
    )
    voided = (
        select(type_coerce(Refund.diner_id, Uuid()), Refund.terminal_id, func.max(Refund.seq))
        .where(among(session, Refund.diner_id, diner_ids), Refund.seq.is_not(None))
        .group_by(Refund.diner_id, Refund.terminal_id)
    )
    marks: dict[UUID, dict[UUID, int]] = {diner_id: {} for diner_id in diner_ids}
    told: Iterable[Any] = session.execute(union_all(sold, voided))
    for diner_id, terminal_id, seq in told:
        found = marks[diner_id]
        found[terminal_id] = max(found.get(terminal_id, 0), int(seq))
    return marks
