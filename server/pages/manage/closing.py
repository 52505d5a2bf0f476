"""日结: a day's figures, what differs and why, and closing it (关账)."""

from datetime import date, timedelta
from uuid import UUID

from flask import Response, abort, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from server import reconciliation, shifts, terminals
from server.access import needs
from server.books import closing
from server.pages import site_view
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, change, next_page, reading, site_id
from server.reports import closing as report
from server.reports import sheets
from server.services import services

PAGE = 31
_DAY = timedelta(days=1)
_FIRST, _END = date(1970, 1, 2), date(3000, 1, 1)
"""A till's clock may be wrong by decades; beyond these no calendar goes on."""


@manage.get("/closing", endpoint="closing")
@needs("see_closing")
def day_page() -> str:
    """A day; without one, today."""
    today = site_view.current().today(services().clock.now())
    when = min(_read(request.args.get("day", "")) or today, today)
    with reading() as session:
        found = reconciliation.day(session, site_id(), when, services().clock.now())
        all_tills = terminals.of_site(session, site_id())
        marks = shifts.last_marks(session, site_id())
        return render_template(
            "manage/closing.html",
            day=found,
            today=today,
            before=when - _DAY if when > _FIRST else None,
            after=when + _DAY if when < today else None,
            to_close=reconciliation.next_days(session, site_id(), when),
            names={till.id: till.name for till in all_tills},
            tills=[(till, marks.get(till.id)) for till in all_tills if till.revoked_at is None],
            shifted={each.row.terminal_id for each in found.shifts},
            report=report,
        )


def _read(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if _FIRST <= day < _END else None


def _day_or_404(text: str) -> date:
    day = _read(text)
    if day is None:
        abort(404)
    return day


@manage.get("/closing/days")
@needs("see_closing")
def closing_days() -> str:
    """The closed days, the latest first."""
    before = _read(request.args.get("before", ""))
    with reading() as session:
        rows = [
            (row, closing.figures_of(row))
            for row in closing.page(session, site_id(), before=before, limit=PAGE)
        ]
        last = rows[-1][0].business_date.isoformat() if rows else ""
        return render_template(
            "manage/closing_days.html",
            active="manage.closing",
            rows=rows,
            following=next_page(len(rows), PAGE, before=last),
        )


@manage.post("/closing/<day>/explain")
@needs("explain_closing")
def closing_explain(day: str) -> AnyResponse:
    """Say why something differs."""
    when, key, text = _day_or_404(day), request.form.get("key", ""), request.form.get("text", "")

    def work(session: Session) -> None:
        reconciliation.explain(session, actor(), when, key, text)

    change(work, _("说明已记下"))
    return redirect(url_for("manage.closing", day=when, _anchor="differences"))


@manage.post("/closing/<day>/cash/<uuid:shift_id>")
@needs("close_days")
def closing_cash(day: str, shift_id: UUID) -> AnyResponse:
    """Book the cash over or short of a shift."""
    when = _day_or_404(day)

    def work(session: Session) -> None:
        shifts.confirm_cash(session, actor(), shift_id)

    change(work, _("长短款已入账"))
    return redirect(url_for("manage.closing", day=when, _anchor="differences"))


@manage.post("/closing/<day>/close")
@needs("close_days")
def closing_close(day: str) -> AnyResponse:
    """Close every open day up to this one."""
    when = _day_or_404(day)
    closed: list[closing.DayClose] = []

    def work(session: Session) -> None:
        closed.extend(reconciliation.close_days(session, actor(), when))

    if change(work, ""):
        return redirect(url_for("manage.closing", day=when, closed=len(closed)))
    return redirect(url_for("manage.closing", day=when))


@manage.get("/closing/<day>.xlsx")
@needs("see_closing")
def closing_sheet(day: str) -> Response:
    """The day as an Excel file."""
    when = _day_or_404(day)
    with reading() as session:
        found = reconciliation.day(session, site_id(), when, services().clock.now())
    told = sheets.write(report.sheets(found, site_view.current().name))
    return download(told, f"dafan-closing-{when}.xlsx")


def download(content: bytes, name: str) -> Response:
    """An Excel file that the browser saves."""
    return Response(
        content,
        mimetype=sheets.MIME,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
