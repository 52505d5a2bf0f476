"""托盘记录: every tray's session, scoop by scoop, and scoops that nobody claims."""

from uuid import UUID

from flask import abort, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from server import line, line_judge, line_setup, line_view, people, terminals
from server.access import needs
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, as_uuid, change, next_page, reading, site_id

PAGE = 50
JUDGED = 20


@manage.get("/line/sessions")
@needs("see_sales")
def line_sessions() -> str:
    """The latest first."""
    before = as_uuid(request.args.get("before"))
    with reading() as session:
        rows = line_view.sessions(session, site_id(), before=before, limit=PAGE)
        return render_template(
            "manage/line_sessions.html",
            trays=[line_view.tray(session, row) for row in rows],
            diners=people.get_diners(session, site_id(), {row.diner_id for row in rows}),
            numbers=line_setup.numbers(session, site_id(), {row.tray for row in rows}),
            following=next_page(len(rows), PAGE, before=str(rows[-1].id) if rows else ""),
        )


@manage.get("/line/sessions/<uuid:session_id>")
@needs("see_sales")
def line_session(session_id: UUID) -> str:
    """One session, scoop by scoop."""
    with reading() as session:
        row = line.session_of(session, site_id(), session_id)
        if row is None:
            abort(404)
        return render_template(
            "manage/line_session.html",
            tray=line_view.tray(session, row),
            diner=people.get_diner(session, site_id(), row.diner_id),
            number=line_setup.numbers(session, site_id(), {row.tray}).get(row.tray, ""),
            boxes={one.id: one.name for one in terminals.of_site(session, site_id())},
        )


@manage.get("/line/unclaimed")
@needs("see_sales")
def line_unclaimed() -> str:
    """Scoops that nobody claims, with the sessions that they may belong to."""
    before = as_uuid(request.args.get("before"))
    with reading() as session:
        rows = line_judge.open_scoops(session, site_id(), before=before, limit=JUDGED)
        near = {row.id: line_view.near(session, row) for row in rows}
        eaters = {one.diner_id for found in near.values() for one in found}
        return render_template(
            "manage/line_unclaimed.html",
            rows=[(row, line.as_told(row)) for row in rows],
            near=near,
            diners=people.get_diners(session, site_id(), eaters),
            boxes={one.id: one.name for one in terminals.of_site(session, site_id())},
            following=next_page(len(rows), JUDGED, before=str(rows[-1].id) if rows else ""),
        )


@manage.post("/line/unclaimed/<uuid:scoop_id>")
@needs("settle_exceptions")
def line_judged(scoop_id: UUID) -> AnyResponse:
    """It is somebody's, or nobody pays."""
    form = request.form
    if "write_off" in form:
        change(
            lambda s: line_judge.write_off(s, actor(), scoop_id, form.get("reason", "")),
            _("已核销，审计里有记录"),
        )
    else:
        change(
            lambda s: line_judge.assign(s, actor(), scoop_id, as_uuid(form.get("session"))),
            _("已归到这个托盘，一分钟内结算"),
        )
    return redirect(url_for("manage.line_unclaimed"))
