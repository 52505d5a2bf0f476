"""审计: who changed what, when, from where."""

from flask import render_template, request

from server import audit
from server.access import needs
from server.pages.manage.blueprint import as_uuid, manage, next_page, reading, site_id
from server.pages.words import action_text

PAGE = 50


@manage.get("/audit", endpoint="audit")
@needs("see_audit")
def audit_list() -> str:
    """The latest acts first."""
    with reading() as session:
        before = as_uuid(request.args.get("before"))
        rows = audit.page(session, site_id(), before=before, limit=PAGE)
        return render_template(
            "manage/audit.html",
            rows=rows,
            text=action_text,
            following=next_page(len(rows), PAGE, before=str(rows[-1].id) if rows else ""),
        )
