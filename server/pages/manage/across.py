"""各食堂对比: for those who have roles at several sites; each site only as far as he may see it."""

from typing import Any

from flask import Response, abort, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user

from server.access import RIGHTS, needs
from server.pages import site_view
from server.pages.manage.blueprint import manage
from server.pages.manage.closing import download
from server.pages.shared import reading
from server.reports import across, export, filters, sheets
from server.reports.across import Cleared, Line
from server.reports.filters import Asked
from server.services import services


def _gathered() -> tuple[Asked, list[Line], list[Cleared]]:
    """The filter in the address, the person's sites, and what their bodies owe each other.

    Who has no two sites to compare finds no such page.
    """
    now = services().clock.now()
    asked = filters.read(request.args, site_view.current().today(now), (), (), "month")
    rights = {
        site: {
            right for right, roles in RIGHTS.items() if set(roles) & {*current_user.roles_at(site)}
        }
        for site in current_user.site_ids
    }
    with reading() as session:
        told = across.lines(session, rights, asked, now)
        if len(told) < 2:
            abort(404)
        return asked, told, across.cleared(session, told, asked)


def _by() -> str:
    by = request.args.get("by", "")
    return by if by in across.RANKED else "waste_per_cover"


@manage.get("/across")
@needs("see_overview")
def across_page() -> str:
    """Sites beside each other, the best first by one figure."""
    asked, told, settled = _gathered()
    days = {"since": asked.since.isoformat(), "until": asked.until.isoformat()}
    most = max((value or 0 for line in told for _label, value in line.bars), default=0)
    return render_template(
        "manage/across.html",
        asked=asked,
        presets=filters.PRESETS.items(),
        by=_by(),
        lines=across.ranked(told, _by()),
        settled=settled,
        indicators=across.INDICATORS,
        totals=across.totals(told),
        answer=across.answer(told),
        notes=across.notes(),
        most=most,
        target=lambda one: _target(one.page, days),
        settlement=_target("manage.report_settlement", days),
    )


def _target(endpoint: str, days: dict[str, str]) -> str:
    """The page of a site that shows what is behind a figure, of the same days where it has days."""
    args: dict[str, Any] = days if endpoint.startswith("manage.report_") else {}
    return url_for(endpoint, **args)


@manage.get("/across.xlsx")
@needs("see_overview")
def across_sheet() -> Response:
    """The same as an Excel file."""
    asked, told, settled = _gathered()
    found = across.report(across.ranked(told, _by()), settled)
    content = sheets.write(export.sheets(found, f"{_('各食堂对比')} · {asked.span}"))
    return download(content, f"dafan-sites-{asked.since}-{asked.until}.xlsx")
