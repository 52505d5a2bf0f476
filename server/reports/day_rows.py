"""The sums of a day (日汇总): small tables made from the sales and from nothing else.

They are never an authority: what each holds is defined once, as a query over the sales, and made,
compared (``dafan verify``) and read live by that same query. A day whose sums are missing or old
is read live, so that a figure is right at every moment; the sums only make it fast.
"""

from collections.abc import Callable, Collection
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Dialect,
    Float,
    Integer,
    String,
    TypeDecorator,
    Uuid,
    and_,
    case,
    cast,
    extract,
    func,
    literal,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from dafan.db import Base
from server.books.refunds import Refund, RefundLine, State
from server.books.sales import Sale, SaleLine
from server.many import among

NOBODY = UUID(int=0)
"""The group of sales without a diner."""
EVERY = UUID(int=2**128 - 1)
"""All venues, or all groups: people are counted once, whatever they are counted by."""
SLOT_MINUTES = 5
SLOTS = 24 * 60 // SLOT_MINUTES


class seconds_between(GenericFunction[float]):  # noqa: N801 - a function of SQL, written as one
    """Seconds from the first moment to the second, with fractions."""

    type = Float()
    inherit_cache = True


@compiles(seconds_between, "sqlite")
def _sqlite_seconds(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    first, second = (compiler.process(part, **kw) for part in element.clauses)
    return f"((julianday({second}) - julianday({first})) * 86400.0)"


@compiles(seconds_between, "postgresql")
def _postgresql_seconds(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    first, second = (compiler.process(part, **kw) for part in element.clauses)
    return f"EXTRACT(EPOCH FROM ({second} - {first}))::float"


class KnownId(TypeDecorator[UUID]):
    """Ids of which a report reads the same few many times; SQLite keeps them as text."""

    impl = Uuid
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """The plain one, which makes each id once."""
        plain = super().result_processor(dialect, coltype)
        return None if plain is None else lru_cache(maxsize=4096)(plain)


def known(column: Any) -> ColumnElement[Any]:
    """A column as it is, its ids read fast."""
    found: ColumnElement[Any] = column
    return type_coerce(found, KnownId()) if isinstance(found.type, Uuid) else found


# --- tables -------------------------------------------------------------------------------------


class OfMeal(Base):
    """What all of them are cut by."""

    __abstract__ = True

    site_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-1)
    business_date: Mapped[date] = mapped_column(primary_key=True, sort_order=-1)
    period: Mapped[str] = mapped_column(String(40), primary_key=True, sort_order=-1)
    venue_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-1)


class DaySales(OfMeal):
    """Sales of a meal; amounts in fen, of all sales, also of those that went back."""

    __tablename__ = "day_sales"

    group_id: Mapped[UUID] = mapped_column(primary_key=True)
    tender: Mapped[str] = mapped_column(String(8), primary_key=True)
    sales: Mapped[int]
    list_total: Mapped[int]
    income: Mapped[int]
    subsidy: Mapped[int]
    cash: Mapped[int]
    drawer: Mapped[int]
    refunded: Mapped[int]
    """What of the income went back, on whatever day."""
    pay_ms: Mapped[int]
    """Milliseconds from the first dish to paid, of all sales together."""


class DayCovers(OfMeal):
    """How many ate (就餐人次); a row with :data:`EVERY` counts each diner once at the meal."""

    __tablename__ = "day_covers"

    group_id: Mapped[UUID] = mapped_column(primary_key=True)
    covers: Mapped[int]


class DayDishes(OfMeal):
    """Lines of a dish at a meal."""

    __tablename__ = "day_dishes"

    dish_id: Mapped[UUID] = mapped_column(primary_key=True)
    unit: Mapped[str] = mapped_column(String(8), primary_key=True)
    portion: Mapped[str] = mapped_column(String(8), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    lines: Mapped[int]
    """Of sales that were not taken back whole, as quantity and grams."""
    quantity: Mapped[int]
    grams: Mapped[int]
    list_total: Mapped[int]
    """Fen before discount, of all sales, as income and refunded."""
    income: Mapped[int]
    """Fen after discount, shared out over the lines as :func:`server.books.refunds.shares` says."""
    refunded: Mapped[int]


class DayMoments(OfMeal):
    """Sales in steps of five minutes, counted from midnight UTC."""

    __tablename__ = "day_moments"

    slot: Mapped[int] = mapped_column(primary_key=True)
    sales: Mapped[int]
    income: Mapped[int]


class DayMade(Base):
    """The sums of a day, made at so many changes of it; one change more, and they are old."""

    __tablename__ = "day_made"

    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    business_date: Mapped[date] = mapped_column(primary_key=True)
    changes: Mapped[int]
    made_at: Mapped[datetime]


Sums = type[DaySales] | type[DayCovers] | type[DayDishes] | type[DayMoments]
TABLES: tuple[Sums, ...] = (DaySales, DayCovers, DayDishes, DayMoments)


# --- what each holds ----------------------------------------------------------------------------

_MEAL = (Sale.site_id, Sale.business_date, Sale.period, Sale.venue_id)
_GROUP = func.coalesce(Sale.group_id, literal(NOBODY, Uuid()))


def live(table: Sums, *sold: ColumnElement[bool]) -> Any:
    """The rows of a table as they follow from the sales now, in the order of its columns.

    Args:
        table: One of :data:`TABLES`.
        sold: Which sales, such as those of a site and of certain days.
    """
    return _LIVE[table](sold)


def of_days(
    session: Session, site_id: UUID, days: Collection[date]
) -> tuple[ColumnElement[bool], ...]:
    """The sales of a site on certain days."""
    return Sale.site_id == site_id, among(session, Sale.business_date, days)


def total(column: Any) -> ColumnElement[int]:
    """The sum of a column, a whole number on both engines, and nothing where there are no rows."""
    return cast(func.coalesce(func.sum(column), 0), BigInteger)


def _sales(sold: Collection[ColumnElement[bool]]) -> Any:
    took = cast(func.round(seconds_between(Sale.opened_at, Sale.paid_at) * 1000), BigInteger)
    return (
        select(
            *_MEAL, _GROUP.label("group_id"), Sale.tender, func.count().label("sales"),
            total(Sale.list_total).label("list_total"),
            total(Sale.total).label("income"), total(Sale.subsidy_paid).label("subsidy"),
            total(Sale.cash_paid).label("cash"), total(Sale.drawer_paid).label("drawer"),
            total(Sale.refunded).label("refunded"), total(took).label("pay_ms"),
        )
        .where(*sold)
        .group_by(*_MEAL, _GROUP, Sale.tender)
    )  # fmt: skip


def _covers(sold: Collection[ColumnElement[bool]]) -> Any:
    """Each diner once a meal, however many baskets he paid; each sale without one is a cover."""
    eaten = func.count(func.coalesce(Sale.diner_id, Sale.id).distinct()).label("covers")
    every: ColumnElement[Any] = literal(EVERY, Uuid())
    meal = (Sale.site_id, Sale.business_date, Sale.period)

    def cut(*by: tuple[str, ColumnElement[Any], bool]) -> Any:
        columns = [column.label(name) if cuts else every.label(name) for name, column, cuts in by]
        cutting = [column for _, column, cuts in by if cuts]
        return (
            select(*meal, *columns, eaten)
            .where(*sold, Sale.cancelled.is_(False))
            .group_by(*meal, *cutting)
        )

    venue: ColumnElement[Any] = type_coerce(Sale.venue_id, Uuid())
    return union_all(
        *(
            cut(("venue_id", venue, by_venue), ("group_id", _GROUP, by_group))
            for by_venue in (False, True)
            for by_group in (False, True)
        )
    )


def _dishes(sold: Collection[ColumnElement[bool]]) -> Any:
    line = _shared_out(sold).subquery()
    back = _given_back(sold).subquery()
    standing = line.c.cancelled.is_(False)

    def served(column: ColumnElement[Any]) -> ColumnElement[int]:
        return total(case((standing, column), else_=0))

    cut = (
        line.c.site_id, line.c.business_date, line.c.period, line.c.venue_id, line.c.dish_id,
        line.c.unit, line.c.portion,
    )  # fmt: skip
    late = line.c.place <= line.c.total - line.c.shared
    paid = line.c.share + case((late, 1), else_=0)
    return (
        select(
            *cut, func.max(line.c.name).label("name"), served(literal(1)).label("lines"),
            served(line.c.quantity).label("quantity"), served(line.c.grams).label("grams"),
            total(line.c.amount).label("list_total"), total(paid).label("income"),
            total(back.c.refunded).label("refunded"),
        )
        .outerjoin(back, and_(back.c.sale_id == line.c.sale_id, back.c.no == line.c.no))
        .group_by(*cut)
    )  # fmt: skip


def _shared_out(sold: Collection[ColumnElement[bool]]) -> Any:
    """Lines with what each cost after discount, by largest remainder, the earlier line first."""
    listed = type_coerce(func.nullif(Sale.list_total, 0), BigInteger())
    product = SaleLine.amount * Sale.total
    share = func.coalesce(product // listed, 0)
    order = (func.coalesce(product % listed, 0).desc(), SaleLine.no)
    place = func.row_number().over(partition_by=SaleLine.sale_id, order_by=order)
    shared = func.sum(share).over(partition_by=SaleLine.sale_id)
    return (
        select(
            *_MEAL, SaleLine.sale_id, SaleLine.no, SaleLine.dish_id, SaleLine.name, SaleLine.unit,
            SaleLine.portion, SaleLine.quantity, SaleLine.grams, SaleLine.amount, Sale.cancelled,
            Sale.total, share.label("share"), place.label("place"), shared.label("shared"),
        )
        .join(
            SaleLine,
            and_(
                SaleLine.site_id == Sale.site_id,
                SaleLine.business_date == Sale.business_date,
                SaleLine.sale_id == Sale.id,
            ),
        )
        .where(*sold)
    )  # fmt: skip


def _given_back(sold: Collection[ColumnElement[bool]]) -> Any:
    """Fen that approved refunds and voids gave back, by line of the sale."""
    return (
        select(Refund.sale_id, RefundLine.no, func.sum(RefundLine.amount).label("refunded"))
        .join(
            RefundLine,
            and_(
                RefundLine.site_id == Refund.site_id,
                RefundLine.business_date == Refund.business_date,
                RefundLine.refund_id == Refund.id,
            ),
        )
        .join(
            Sale,
            and_(
                Sale.site_id == Refund.site_id,
                Sale.business_date == Refund.sale_date,
                Sale.id == Refund.sale_id,
            ),
        )
        .where(*sold, Refund.state == State.APPROVED.value)
        .group_by(Refund.sale_id, RefundLine.no)
    )


def _moments(sold: Collection[ColumnElement[bool]]) -> Any:
    hour = cast(extract("hour", Sale.paid_at), Integer)
    minute = cast(extract("minute", Sale.paid_at), Integer)
    slot = (hour * 60 + minute) // SLOT_MINUTES
    return (
        select(
            *_MEAL, slot.label("slot"), func.count().label("sales"),
            total(Sale.total).label("income"),
        )
        .where(*sold)
        .group_by(*_MEAL, slot)
    )  # fmt: skip


_LIVE: dict[Sums, Callable[[Collection[ColumnElement[bool]]], Any]] = {
    DaySales: _sales, DayCovers: _covers, DayDishes: _dishes, DayMoments: _moments,
}  # fmt: skip
