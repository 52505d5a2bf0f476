"""清算: what the bodies (核算主体) of a site owe each other for a month's meals."""

from datetime import date

from flask import Response, abort, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import BadInputError
from server.access import needs
from server.books import settlement
from server.pages import site_view
from server.pages.manage.blueprint import manage
from server.pages.manage.closing import download
from server.pages.shared import actor, as_uuid, change, reading, site_id
from server.reports import settlement as report
from server.reports import sheets
from server.services import services


@manage.get("/settlement", endpoint="settlement")
@needs("see_settlement")
def statement_page() -> str:
    """A month's statement; without one, last month's."""
    this = site_view.current().today(services().clock.now()).replace(day=1)
    month = min(_read(request.args.get("month", "")) or _before(this), this)
    with reading() as session:
        return render_template(
            "manage/settlement.html",
            told=settlement.statement(session, site_id(), month),
            before=_before(month),
            after=_after(month) if month < this else None,
            this=this,
        )


def _before(month: date) -> date:
    return date(month.year - (month.month == 1), (month.month - 2) % 12 + 1, 1)


def _after(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _read(text: str) -> date | None:
    """A month such as ``2026-03``."""
    try:
        month = date.fromisoformat(f"{text}-01")
    except ValueError:
        return None
    return month if month.year > 1970 else None


def _month_or_404(text: str) -> date:
    month = _read(text)
    if month is None:
        abort(404)
    return month


@manage.post("/settlement/<month>")
@needs("settle_bodies")
def settlement_settle(month: str) -> AnyResponse:
    """Two bodies have paid each other."""
    when = _month_or_404(month)
    one, other = as_uuid(request.form.get("body")), as_uuid(request.form.get("other"))
    reference = request.form.get("reference", "")

    def work(session: Session) -> None:
        if one is None or other is None:
            raise BadInputError("the site has no such pair of bodies", code="unknown_body")
        settlement.settle(session, actor(), when, one, other, reference)

    change(work, _("已记为清算"))
    return redirect(url_for("manage.settlement", month=f"{when:%Y-%m}"))


@manage.get("/settlement/<month>.xlsx")
@needs("see_settlement")
def settlement_sheet(month: str) -> Response:
    """The statement as an Excel file."""
    when = _month_or_404(month)
    with reading() as session:
        told = settlement.statement(session, site_id(), when)
    content = sheets.write(report.sheets(told, site_view.current().name))
    return download(content, f"dafan-settlement-{when:%Y-%m}.xlsx")
