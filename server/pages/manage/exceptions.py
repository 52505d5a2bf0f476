"""例外: what a person must judge."""

from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from server import exceptions, people, terminals
from server.access import needs
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, as_uuid, change, next_page, reading, site_id
from server.pages.words import exception_text
from server.services import services

PAGE = 50


@manage.get("/exceptions")
@needs("see_exceptions")
def exceptions_list() -> str:
    """Open ones, or those that were judged."""
    done = request.args.get("done") == "1"
    with reading() as session:
        rows = exceptions.page(
            session,
            site_id(),
            resolved=done,
            limit=PAGE,
            before=as_uuid(request.args.get("before")),
        )
        names = {
            row.diner_id: people.get_diner(session, site_id(), row.diner_id).name
            for row in rows
            if row.diner_id
        }
        tills = {
            each.id: _("%(name)s（补录）", name=each.name) if each.rescue_of else each.name
            for each in terminals.of_site(session, site_id())
        }
        return render_template(
            "manage/exceptions.html",
            rows=rows,
            done=done,
            names=names,
            tills=tills,
            text=exception_text,
            following=next_page(len(rows), PAGE, before=str(rows[-1].id) if rows else ""),
        )


@manage.post("/exceptions/<uuid:item_id>")
@needs("settle_exceptions")
def exception_resolve(item_id: UUID) -> AnyResponse:
    """A person has judged it."""
    now, note = services().clock.now(), request.form.get("note", "").strip()
    change(
        lambda session: exceptions.resolve(
            session, site_id(), item_id, by=actor().name, now=now, note=note
        ),
        _("已处理"),
    )
    return redirect(url_for("manage.exceptions_list"))
