"""审计: who changed what, when, from where; found by any of these, before beside after."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from flask import Response, abort, render_template, request
from flask_babel import gettext as _

from server import audit
from server.access import needs
from server.pages import formats, site_view
from server.pages.manage.blueprint import manage
from server.pages.shared import as_uuid, next_page, reading, site_id
from server.pages.words import action_choices, action_text
from server.reports import sheets

PAGE = 50
LONGEST_EXPORT = 20_000


@manage.get("/audit", endpoint="audit")
@needs("see_audit")
def audit_list() -> str:
    """The acts that fit the search, the latest first."""
    with reading() as session:
        before = as_uuid(request.args.get("before"))
        rows = audit.page(session, site_id(), _search(), before=before, limit=PAGE)
        return render_template(
            "manage/audit.html",
            rows=rows,
            text=action_text,
            actions=action_choices(),
            asked=request.args,
            following=next_page(len(rows), PAGE, before=str(rows[-1].id) if rows else ""),
        )


@manage.get("/audit/<uuid:act_id>")
@needs("see_audit")
def audit_act(act_id: UUID) -> str:
    """One act: what it changed, line by line."""
    with reading() as session:
        row = audit.get(session, site_id(), act_id)
    if row is None:
        abort(404)
    return render_template(
        "manage/audit_act.html",
        active="manage.audit",
        row=row,
        text=action_text,
        lines=differences(row.before, row.after),
    )


@manage.get("/audit.xlsx")
@needs("see_audit")
def audit_sheet() -> Response:
    """The acts that fit, as a spreadsheet of plain values."""
    found: list[audit.Audit] = []
    with reading() as session:
        while len(found) < LONGEST_EXPORT:
            before = found[-1].id if found else None
            rows = audit.page(session, site_id(), _search(), before=before, limit=audit.MOST)
            found += rows
            if len(rows) < audit.MOST:
                break
    table = [_cells(row) for row in found]
    sheet = sheets.Sheet(
        title=_("审计"), heading=f"{site_view.current().name} · {_('审计')}", rows=table,
        columns=(
            _("时间"), _("谁"), _("做了什么"), _("代码"), _("对象"), _("原来"), _("现在"),
            _("来自"), _("序号"),
        ),
    )  # fmt: skip
    answer = Response(sheets.write([sheet]), mimetype=sheets.MIME)
    answer.headers["Content-Disposition"] = "attachment; filename=audit.xlsx"
    return answer


def differences(before: Any, after: Any) -> list[tuple[str, str, str, bool]]:
    """Name, old and new value of everything in either, and whether it differs."""
    old, new = _flat(before), _flat(after)
    names = [*old, *(name for name in new if name not in old)]
    return [
        (name, old.get(name, ""), new.get(name, ""), old.get(name) != new.get(name))
        for name in names
    ]


def _flat(value: Any, name: str = "") -> dict[str, str]:
    """Nested values by their path, such as ``meals.lunch.limit``."""
    parts: Sequence[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        parts = list(value.items())
    elif isinstance(value, list):
        parts = list(enumerate(value, start=1))
    if parts:
        found: dict[str, str] = {}
        for key, one in parts:
            found |= _flat(one, f"{name}.{key}" if name else str(key))
        return found
    if value is None:
        return {}
    return {name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}


def _cells(row: audit.Audit) -> Sequence[sheets.Value]:
    zone = site_view.current().zone
    old, new = (
        "" if value is None else json.dumps(value, ensure_ascii=False)
        for value in (row.before, row.after)
    )
    return (
        formats.moment(row.at, zone), row.who, action_text(row.action), row.action, row.subject,
        old, new, row.ip, row.seq,
    )  # fmt: skip


def _search() -> audit.Search:
    asked = request.args
    since, until = _day(asked.get("since")), _day(asked.get("until"))
    return audit.Search(
        who=asked.get("who", "").strip()[:80],
        action=asked.get("action", "")[:40],
        subject=asked.get("subject", "").strip()[:80],
        ip=asked.get("ip", "").strip()[:64],
        since=since,
        until=until + timedelta(days=1) if until else None,
    )


def _day(text: str | None) -> datetime | None:
    """Midnight of a day of the address line at the site; ``None`` for anything else."""
    try:
        day = date.fromisoformat(text or "")
        return datetime.combine(day, time(), site_view.current().zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
