"""记录: what the diner ate and paid, day by day; stars for a dish; a payment that was not his."""

from itertools import groupby
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from dafan.records import Tender
from server import disputes, ratings, sites
from server.access import diner
from server.pages import receipt, site_view
from server.pages.me.blueprint import actor, me, own_sale, who
from server.pages.shared import change, next_page, reading
from server.reports import sales as report
from server.services import services

PAGE = 30
MOVES = 50


@me.get("/records")
@diner
def records() -> str:
    """Sales by day, the latest first."""
    mine, after = who(), request.args.get("after", "")
    with reading() as session:
        rows = report.latest(session, mine.site_id, limit=PAGE, diner_id=mine.diner_id, after=after)
        days = [
            (day, list(of_day)) for day, of_day in groupby(rows, lambda row: row.sale.business_date)
        ]
        return render_template(
            "me/records.html",
            tab="records",
            days=days,
            following=next_page(len(rows), PAGE, after=rows[-1].cursor if rows else ""),
        )


@me.get("/records/moves")
@diner
def moves() -> str:
    """What came into the wallets and went out of them."""
    mine = who()
    with reading() as session:
        rows = report.movements(session, mine.site_id, mine.diner_id, limit=MOVES)
        return render_template("me/moves.html", tab="records", rows=rows, most=MOVES)


@me.get("/records/<uuid:sale_id>")
@diner
def sale(sale_id: UUID) -> str:
    """The receipt, stars for its dishes, and the dispute of a face payment."""
    mine, view = who(), site_view.current()
    today = view.today(services().clock.now())
    with reading() as session:
        found = own_sale(session, sale_id)
        row = report.some(session, mine.site_id, [sale_id])[sale_id]
        venue = sites.get_venue(session, mine.site_id, found.venue_id).name
        return render_template(
            "me/sale.html",
            tab="records",
            row=row,
            sale=found,
            receipt=receipt.text(row, row.lines, venue, view),
            stars=ratings.of_sales(session, mine.diner_id, [sale_id]),
            open=(today - found.business_date).days <= ratings.OPEN_DAYS and not found.cancelled,
            face=found.tender == Tender.FACE.value,
            dispute=disputes.of_sale(session, mine.site_id, sale_id),
        )


@me.post("/records/<uuid:sale_id>/stars")
@diner
def rate(sale_id: UUID) -> Response:
    """One tap."""
    mine, now = who(), services().clock.now()
    line, stars = (request.form.get(name, "") for name in ("line", "stars"))
    today = site_view.current().today(now)

    def work(session: Session) -> None:
        own_sale(session, sale_id)
        ratings.rate(
            session, mine.site_id, mine.diner_id, sale_id, _number(line), _number(stars),
            today=today, now=now,
        )  # fmt: skip

    change(work, _("谢谢您的评价"))
    if request.form.get("back") == "home":
        return redirect(url_for("me.home"))
    return redirect(url_for("me.sale", sale_id=sale_id))


@me.post("/records/<uuid:sale_id>/dispute")
@diner
def dispute(sale_id: UUID) -> Response:
    """It was not he: a person compares the pictures."""
    reason = request.form.get("reason", "")[:400]

    def work(session: Session) -> None:
        own_sale(session, sale_id)
        disputes.begin(session, actor(), sale_id, reason)

    change(work, _("已提交。工作人员会核对付款画面，结果会显示在这里"))
    return redirect(url_for("me.sale", sale_id=sale_id))


def _number(text: str) -> int:
    """A small whole number of a form; 0, which fits nowhere, for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
