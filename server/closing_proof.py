"""Proof of closed days: what they were closed with is what the books hold of them."""

from collections.abc import Iterator

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from dafan.journal import Fault
from server import day_figures
from server.books import closing
from server.books.closing import Books, DayClose
from server.books.sales import Sale
from server.books.transfers import Transfer


def faults(session: Session) -> Iterator[Fault]:
    """What is wrong with closed days; the chain of closings first."""
    yield from closing.faults(session)
    closed = select(DayClose).order_by(DayClose.site_id, DayClose.business_date)
    for row in session.scalars(closed.execution_options(yield_per=100)):
        yield from _figures(session, row)
    yield from _unclosed(session)
    yield from _rescues(session)


def _figures(session: Session, row: DayClose) -> Iterator[Fault]:
    """The postings of a closed day are still those that it was closed with."""
    where = f"closing of {row.business_date} of site {row.site_id}"
    try:
        told = day_figures.Figures.from_json(closing.figures_of(row)["figures"])
    except (KeyError, TypeError, ValueError):
        yield Fault(where, "its figures cannot be read: it was altered after the day was closed")
        return
    kinds, counts = day_figures.moved(session, row.site_id, row.business_date)
    if (kinds, counts) != (told.kinds, told.counts):
        yield Fault(
            where,
            f"it was closed with {told.counts}, the books of that day now hold {counts}, or other "
            "amounts: money was moved on a closed day",
        )


def _unclosed(session: Session) -> Iterator[Fault]:
    """A day without a closing, among the closed ones, is one on which nothing moved."""
    query = (
        select(Transfer.site_id, Transfer.business_date, func.count())
        .join(Books, Books.site_id == Transfer.site_id)
        .outerjoin(
            DayClose,
            and_(
                DayClose.site_id == Transfer.site_id,
                DayClose.business_date == Transfer.business_date,
            ),
        )
        .where(Transfer.business_date <= Books.closed_until, DayClose.hash.is_(None))
        .group_by(Transfer.site_id, Transfer.business_date)
        .order_by(Transfer.site_id, Transfer.business_date)
    )
    for site_id, day, count in session.execute(query):
        yield Fault(
            f"{day} of site {site_id}",
            f"{count} transfers are dated to a closed day that has no closing",
        )


def _rescues(session: Session) -> Iterator[Fault]:
    """A late sale counts for the day of its transfer, every other sale for its own."""
    query = (
        select(Sale.id, Sale.business_date, Sale.rescued_on, Transfer.business_date)
        .join(Transfer, Transfer.id == Sale.transfer_id)
        .where(Transfer.business_date != func.coalesce(Sale.rescued_on, Sale.business_date))
    )
    for sale_id, own, rescued, booked in session.execute(query.execution_options(yield_per=1000)):
        counts_for = f"for {rescued}, late" if rescued else "for its own date"
        yield Fault(
            f"sale {sale_id}",
            f"of {own}, says that it counts {counts_for}; it is booked on {booked}",
        )
