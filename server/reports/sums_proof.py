"""Proof of the sums of a day: those that count as good say what the books say."""

from collections.abc import Iterator, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from dafan.journal import Fault
from server import sites
from server.many import among, portions
from server.reports import cost_sums, day_sums
from server.reports.day_rows import TABLES, Sums, live, of_days

_A_MONTH = 31


def faults(session: Session) -> Iterator[Fault]:
    """Every good day of every site, table by table, the first wrong day first."""
    for site in sites.all_sites(session):
        good = sorted(day_sums.fresh(session, site.id, date.min, date.max))
        for days in portions(good, _A_MONTH):
            wrong = {
                day: table.__tablename__
                for table in reversed(TABLES)
                for day in _wrong(session, site.id, table, days)
            }
            for day, name in sorted(wrong.items()):
                what = f"the sums in {name} are not those of the day's sales"
                yield Fault(f"{day} of site {site.id}", what, "day_sums")
        costed = sorted(cost_sums.stand(session, site.id, date.min, date.max).good)
        for days in portions(costed, _A_MONTH):
            for day, name in sorted(cost_sums.wrong(session, site.id, days)):
                what = f"the costs in {name} are not those of the day's sales and prices"
                yield Fault(f"{day} of site {site.id}", what, "day_sums")


def _wrong(session: Session, site_id: UUID, table: Sums, days: Sequence[date]) -> set[date]:
    columns = [column.name for column in table.__table__.columns]
    kept = select(table).where(table.site_id == site_id, among(session, table.business_date, days))
    told = live(table, *of_days(session, site_id, days))
    sums, sold = (
        {tuple(row) for row in session.execute(select(*(rows.c[name] for name in columns)))}
        for rows in (kept.subquery(), told.subquery())
    )
    place = columns.index("business_date")
    return {row[place] for row in sums ^ sold}
