"""Sales: today's figures against last week's, the list with its sums, one diner's movements.

Every measure is defined once and compiles to SQL on both engines. A cover (就餐人次) is one diner
at one meal, however many baskets he paid; each cash sale without a diner is one cover.
"""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, case, distinct, func, or_, select, tuple_
from sqlalchemy.orm import Session

from dafan.money import Fen
from dafan.records import Portion, Source
from server.books.accounts import WALLETS, Account
from server.books.sales import Sale, SaleLine
from server.books.transfers import Posting, Transfer
from server.people import Diner
from server.reports.day_rows import seconds_between
from server.terminals import Terminal

BUCKET = timedelta(minutes=5)
_ZERO = Fen(0)


@dataclass(frozen=True, slots=True)
class Figures:
    """What a day, or a part of it, brought. Amounts in fen."""

    sales: int = 0
    covers: int = 0
    income: Fen = _ZERO
    subsidy: Fen = _ZERO
    cash: Fen = _ZERO
    drawer: Fen = _ZERO
    discount: Fen = _ZERO
    refunded: Fen = _ZERO
    """What of the income went back, on whatever day."""
    pay_seconds: float | None = None
    """Mean from the basket's first dish to paid."""

    @property
    def net(self) -> Fen:
        """Income less what went back."""
        return Fen(self.income - self.refunded)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which sales; ``None`` and empty mean all of them."""

    since: date
    until: date
    period: str = ""
    tender: str = ""
    venue_id: UUID | None = None
    terminal_id: UUID | None = None
    diner: str = ""
    """Staff number, or a part of the name."""
    group_id: UUID | None = None
    """Of the diner as he paid."""
    dish_id: UUID | None = None
    """Sales with a line of it."""

    def conditions(self, site_id: UUID) -> list[ColumnElement[bool]]:
        """As SQL."""
        found = [Sale.site_id == site_id, Sale.business_date.between(self.since, self.until)]
        for column, value in (
            (Sale.period, self.period), (Sale.tender, self.tender),
            (Sale.venue_id, self.venue_id), (Sale.terminal_id, self.terminal_id),
            (Sale.group_id, self.group_id),
        ):  # fmt: skip
            if value:
                found.append(column == value)
        if self.dish_id is not None:
            sold = select(SaleLine.sale_id).where(
                SaleLine.site_id == site_id, SaleLine.dish_id == self.dish_id,
                SaleLine.business_date.between(self.since, self.until),
            )  # fmt: skip
            found.append(Sale.id.in_(sold))
        if self.diner:
            fits = or_(
                Diner.staff_no == self.diner, Diner.name.contains(self.diner, autoescape=True)
            )
            found.append(Sale.diner_id.in_(select(Diner.id).where(Diner.site_id == site_id, fits)))
        return found


@dataclass(frozen=True, slots=True)
class Row:
    """A sale as a list shows it."""

    sale: Sale
    diner: str
    """Name; empty for a cash sale."""
    staff_no: str
    terminal: str
    dishes: str
    """Names of the dishes, in order of the receipt."""
    grams: int
    """Weight of the weighed lines together."""
    lines: Sequence[SaleLine]
    """As on the receipt."""

    @property
    def cursor(self) -> str:
        """Where the next page begins."""
        return f"{self.sale.paid_at.isoformat()}_{self.sale.id}"


@dataclass(frozen=True, slots=True)
class Movement:
    """Money into or out of a diner's wallet."""

    transfer: Transfer
    source: Source
    amount: Fen


@dataclass(frozen=True, slots=True)
class TenderShare:
    """How many paid in a way, and how much."""

    tender: str
    sales: int
    income: Fen


@dataclass(frozen=True, slots=True)
class Covers:
    """Sales in steps of five minutes, beside the same weekday a week before."""

    starts: list[datetime] = field(default_factory=list)
    """Aware UTC."""
    now: list[int] = field(default_factory=list)
    then: list[int] = field(default_factory=list)


def day_figures(
    session: Session, site_id: UUID, first: date, last: date, until: datetime | None = None
) -> dict[date, Figures]:
    """Figures of each day that has sales, from first to last.

    Args:
        session: Reads.
        site_id: Whose sales.
        first: Business date.
        last: Business date, included.
        until: Count only what was paid up to this moment.
    """
    chosen = [Sale.site_id == site_id, Sale.business_date.between(first, last)]
    if until is not None:
        chosen.append(Sale.paid_at <= until)
    covers: dict[date, int] = {}
    query = (
        select(
            Sale.business_date,
            func.count(distinct(Sale.diner_id)),
            func.sum(case((Sale.diner_id.is_(None), 1), else_=0)),
        )
        .where(*chosen, Sale.cancelled.is_(False))
        .group_by(Sale.business_date, Sale.period)
    )
    for day, diners, others in session.execute(query):
        covers[day] = covers.get(day, 0) + diners + int(others)
    sums = select(Sale.business_date, *_measures()).where(*chosen).group_by(Sale.business_date)
    return {row[0]: _figures(row[1:], covers.get(row[0], 0)) for row in session.execute(sums)}


def totals(session: Session, site_id: UUID, chosen: Filter) -> Figures:
    """Sums over a filtered list; covers are left out."""
    row = session.execute(select(*_measures()).where(*chosen.conditions(site_id))).one()
    return _figures(tuple(row), 0)


def slow_payment(session: Session, site_id: UUID, day: date, count: int) -> float | None:
    """Seconds within which 95 % of the day's ``count`` sales were paid."""
    if count == 0:
        return None
    took = seconds_between(Sale.opened_at, Sale.paid_at)
    query = select(took).where(Sale.site_id == site_id, Sale.business_date == day)
    place = max(math.ceil(count * 0.95) - 1, 0)
    return session.scalar(query.order_by(took).offset(place).limit(1))


def tender_shares(session: Session, site_id: UUID, day: date) -> list[TenderShare]:
    """How the day's sales were paid, the most frequent way first."""
    count = func.count()
    query = (
        select(Sale.tender, count, func.sum(Sale.total))
        .where(Sale.site_id == site_id, Sale.business_date == day)
        .group_by(Sale.tender)
        .order_by(count.desc(), Sale.tender)
    )
    return [
        TenderShare(tender, sales, Fen(int(income)))
        for tender, sales, income in session.execute(query)
    ]


def latest_period(session: Session, site_id: UUID, day: date) -> str | None:
    """The meal period of the day's last sale."""
    query = select(Sale.period).where(Sale.site_id == site_id, Sale.business_date == day)
    return session.scalar(query.order_by(Sale.paid_at.desc()).limit(1))


def covers_by_minute(session: Session, site_id: UUID, day: date, period: str) -> Covers:
    """Sales of a meal in steps of five minutes, up to the last one of the day."""
    week = timedelta(days=7)
    now = _buckets(_paid_moments(session, site_id, day, period))
    then = _buckets(at + week for at in _paid_moments(session, site_id, day - week, period))
    if not now:
        return Covers()
    last = max(now)
    first = min(at for at in (*now, *then) if at <= last)
    starts = [first + step * BUCKET for step in range(int((last - first) / BUCKET) + 1)]
    return Covers(
        starts,
        [now.get(start, 0) for start in starts],
        [then.get(start, 0) for start in starts] if then else [],
    )


def latest(
    session: Session, site_id: UUID, *, limit: int, diner_id: UUID | None = None,
    day: date | None = None, after: str = "",
) -> list[Row]:  # fmt: skip
    """The last sales, the newest first; ``after`` is the cursor of the last row seen."""
    query = select(Sale).where(Sale.site_id == site_id)
    key = _read_cursor(after)
    if key is not None:
        query = query.where(tuple_(Sale.paid_at, Sale.id) < tuple_(*key))
    if diner_id is not None:
        query = query.where(Sale.diner_id == diner_id)
    if day is not None:
        query = query.where(Sale.business_date == day)
    return _rows(session, query.order_by(Sale.paid_at.desc(), Sale.id.desc()).limit(limit))


def page(
    session: Session, site_id: UUID, chosen: Filter, *, after: str = "", limit: int = 50
) -> list[Row]:
    """A page of the filtered list, the newest first; ``after`` is the last row's cursor."""
    query = select(Sale).where(*chosen.conditions(site_id))
    key = _read_cursor(after)
    if key is not None:
        query = query.where(tuple_(Sale.paid_at, Sale.id) < tuple_(*key))
    return _rows(session, query.order_by(Sale.paid_at.desc(), Sale.id.desc()).limit(limit))


def one(session: Session, site_id: UUID, sale_id: UUID) -> Row | None:
    """A sale of the site."""
    found = _rows(session, select(Sale).where(Sale.site_id == site_id, Sale.id == sale_id))
    return found[0] if found else None


def some(session: Session, site_id: UUID, sale_ids: Collection[UUID]) -> dict[UUID, Row]:
    """Those of the sales that the site has."""
    query = select(Sale).where(Sale.site_id == site_id, Sale.id.in_(sale_ids))
    return {row.sale.id: row for row in _rows(session, query)}


def movements(session: Session, site_id: UUID, diner_id: UUID, limit: int) -> list[Movement]:
    """What moved in the diner's wallets, the newest first."""
    sources = {kind.value: source for source, kind in WALLETS.items()}
    query = (
        select(Transfer, Account.kind, Posting.amount)
        .join(Posting, Posting.transfer_id == Transfer.id)
        .join(Account, Account.id == Posting.account_id)
        .where(
            Account.site_id == site_id,
            Account.owner_id == diner_id,
            Account.kind.in_(list(sources)),
        )
        .order_by(Transfer.at.desc(), Transfer.id.desc())
        .limit(limit)
    )
    return [
        Movement(transfer, sources[kind], Fen(amount))
        for transfer, kind, amount in session.execute(query)
    ]


def _measures() -> list[ColumnElement[Any]]:
    def total(column: Any) -> ColumnElement[Any]:
        return func.coalesce(func.sum(column), 0)

    return [
        func.count(), total(Sale.total), total(Sale.subsidy_paid), total(Sale.cash_paid),
        total(Sale.drawer_paid), total(Sale.discount), total(Sale.refunded),
        func.avg(seconds_between(Sale.opened_at, Sale.paid_at)),
    ]  # fmt: skip


def _figures(values: Sequence[Any], covers: int) -> Figures:
    count, *sums, took = values
    income, subsidy, cash, drawer, discount, refunded = (Fen(int(value)) for value in sums)
    mean = None if took is None else float(took)
    return Figures(count, covers, income, subsidy, cash, drawer, discount, refunded, mean)


def _paid_moments(session: Session, site_id: UUID, day: date, period: str) -> Iterable[datetime]:
    query = select(Sale.paid_at).where(
        Sale.site_id == site_id, Sale.business_date == day, Sale.period == period
    )
    return session.scalars(query)


def _buckets(moments: Iterable[datetime]) -> dict[datetime, int]:
    found: dict[datetime, int] = {}
    for at in moments:
        start = at.replace(minute=at.minute - at.minute % 5, second=0, microsecond=0)
        found[start] = found.get(start, 0) + 1
    return found


def _rows(session: Session, query: Select[Any]) -> list[Row]:
    """Sales with the names around them, in three queries however many there are."""
    sales: Sequence[Sale] = session.scalars(query).all()
    names = {
        diner.id: diner
        for diner in session.scalars(
            select(Diner).where(Diner.id.in_({sale.diner_id for sale in sales if sale.diner_id}))
        )
    }
    terminals = {
        terminal.id: terminal.name
        for terminal in session.scalars(
            select(Terminal).where(Terminal.id.in_({sale.terminal_id for sale in sales}))
        )
    }
    lines: dict[UUID, list[SaleLine]] = {sale.id: [] for sale in sales}
    wanted = select(SaleLine).where(
        SaleLine.sale_id.in_(list(lines)),
        SaleLine.business_date.in_({sale.business_date for sale in sales}),
    )
    for line in session.scalars(wanted.order_by(SaleLine.no)):
        lines[line.sale_id].append(line)
    return [
        _row(sale, names.get(sale.diner_id) if sale.diner_id else None,
             terminals.get(sale.terminal_id, ""), lines[sale.id])
        for sale in sales
    ]  # fmt: skip


def _row(sale: Sale, diner: Diner | None, terminal: str, lines: Sequence[SaleLine]) -> Row:
    return Row(
        sale,
        diner.name if diner else "",
        diner.staff_no if diner else "",
        terminal,
        "、".join(_dish(line) for line in lines),
        sum(line.grams or 0 for line in lines),
        lines,
    )


def _dish(line: SaleLine) -> str:
    half = {Portion.HALF.value: "（半份）", Portion.SMALL.value: "（小碗）"}.get(line.portion, "")
    count = f" ×{line.quantity}" if line.quantity > 1 else ""
    return f"{line.name}{half}{count}"


def _read_cursor(text: str) -> tuple[datetime, UUID] | None:
    """What :attr:`Row.cursor` wrote; ``None`` for anything else, which begins at the top."""
    moment, _, sale_id = text.partition("_")
    try:
        at, key = datetime.fromisoformat(moment), UUID(sale_id)
    except ValueError:
        return None
    return None if at.tzinfo is None else (at, key)
