"""销售: the filtered list with its sums, and everything about one sale."""

from datetime import date, timedelta
from uuid import UUID

from flask import abort, render_template, request
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from dafan.records import Tender
from kitchen.dishes import Dish
from server import disputes, entries, refunds, sites, terminals
from server.access import needs
from server.books import accounts, transfers
from server.groups import DinerGroup
from server.pages import receipt, site_view
from server.pages.manage.blueprint import manage
from server.pages.manage.refunds import items
from server.pages.shared import as_uuid, next_page, reading, site_id
from server.reports import sales as report
from server.services import services

PAGE = 50


def _asked() -> report.Filter:
    """The filter in the address; what is not readable there counts as not given."""
    args = request.args
    today = site_view.current().today(services().clock.now())
    since = _day(args.get("since")) or today
    until = _day(args.get("until")) or max(today, since)
    tender = args.get("tender", "")
    return report.Filter(
        since=min(since, until),
        until=max(since, until),
        period=args.get("period", "")[:40],
        tender=tender if tender in set(Tender) else "",
        venue_id=as_uuid(args.get("venue")),
        terminal_id=as_uuid(args.get("terminal")),
        diner=args.get("diner", "").strip()[:80],
        group_id=as_uuid(args.get("group")),
        dish_id=as_uuid(args.get("dish")),
    )


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


@manage.get("/sales", endpoint="sales")
@needs("see_sales")
def sales_list() -> str:
    """The list, the newest first."""
    chosen = _asked()
    with reading() as session:
        rows = report.page(
            session, site_id(), chosen, after=request.args.get("after", ""), limit=PAGE
        )
        return render_template(
            "manage/sales.html",
            rows=rows,
            chosen=chosen,
            sums=report.totals(session, site_id(), chosen),
            venues=sites.venues(session, site_id()),
            terminals=terminals.of_site(session, site_id()),
            narrowed=_narrowed(session, chosen),
            quick=_quick(site_view.current().today(services().clock.now())),
            following=next_page(len(rows), PAGE, after=rows[-1].cursor if rows else ""),
        )


def _narrowed(session: Session, chosen: report.Filter) -> list[str]:
    """Names of the dish and the group that a report's address asks for."""
    found: list[str] = []
    for table, one in ((Dish, chosen.dish_id), (DinerGroup, chosen.group_id)):
        query = select(table.name).where(table.site_id == site_id(), table.id == one)
        found += [] if one is None else session.scalars(query).all()
    return found


def _quick(today: date) -> list[tuple[str, date, date]]:
    monday = today - timedelta(days=today.weekday())
    yesterday = today - timedelta(days=1)
    return [
        (_("今天"), today, today),
        (_("昨天"), yesterday, yesterday),
        (_("本周"), monday, today),
        (_("本月"), today.replace(day=1), today),
    ]


@manage.get("/sales/<uuid:sale_id>")
@needs("see_sales")
def sale(sale_id: UUID) -> str:
    """Lines, payments, evidence, journal entry, postings and receipt of one sale."""
    with reading() as session:
        row = report.one(session, site_id(), sale_id)
        if row is None:
            abort(404)
        found = row.sale
        offer = refunds.offer(session, found, site_view.current().today(services().clock.now()))
        venue = sites.get_venue(session, site_id(), found.venue_id).name
        postings = transfers.postings_of(session, found.transfer_id) if found.transfer_id else ()
        return render_template(
            "manage/sale.html",
            active="manage.sales",
            row=row,
            sale=found,
            lines=row.lines,
            offer=offer,
            refunds=items(session, offer.history),
            dispute=disputes.of_sale(session, site_id(), sale_id),
            venue=venue,
            entry=entries.find(session, site_id(), found.terminal_id, found.seq),
            postings=postings,
            kinds=accounts.AccountKind,
            receipt=receipt.text(row, row.lines, venue, site_view.current()),
        )
