"""银行转账: the bank's table, looked at first, then booked; and what was booked."""

from uuid import UUID

from flask import Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as AnyResponse

from dafan import db
from dafan.errors import DafanError
from server import bank_files, drafts, people
from server.access import needs
from server.pages import formats, messages
from server.pages.manage import imports
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, as_uuid, next_page, reading, site_id
from server.services import services

PAGE = 50
BANK = imports.Importer(
    "bank", _l("导入银行转账"), bank_files, "manage.bank_list", "manage.bank_import"
)


@manage.get("/bank")
@needs("import_bank")
def bank_list() -> str:
    """What was booked, the latest first."""
    with reading() as session:
        before = as_uuid(request.args.get("before"))
        rows = bank_files.page(session, site_id(), before=before, limit=PAGE)
        return render_template(
            "manage/bank.html",
            active="manage.top_ups",
            rows=rows,
            diners=people.get_diners(session, site_id(), {row.diner_id for row in rows}),
            following=next_page(len(rows), PAGE, before=str(rows[-1].id) if rows else ""),
        )


@manage.route("/bank/import", methods=["GET", "POST"])
@needs("import_bank")
def bank_import() -> str | AnyResponse:
    """Upload a table of the bank."""
    return imports.upload(BANK)


@manage.get("/bank/import/template.csv")
@needs("import_bank")
def bank_template() -> Response:
    """An empty table with our headings."""
    return imports.template(BANK)


@manage.route("/bank/import/<uuid:draft_id>", methods=["GET", "POST"])
@needs("import_bank")
def bank_preview(draft_id: UUID) -> str | AnyResponse:
    """Look at it; book all of it, or only the rows without a fault."""
    try:
        with reading() as session:
            draft = drafts.take(session, actor(), "bank", draft_id)
            plan = bank_files.preview(session, site_id(), draft.data)
        if request.method == "POST":
            skip = request.form.get("skip") == "faulty"
            with db.writing(services().engine) as session:
                plan = bank_files.apply(session, actor(), draft.data, skip_faulty=skip)
            total = formats.yuan(plan.total)
            flash(_("已入账 %(n)s 笔，共 %(total)s", n=len(plan.fresh), total=total), "ok")
            return redirect(url_for("manage.bank_list"))
    except DafanError as error:
        flash(messages.say(error), "stop")
        return redirect(url_for("manage.bank_import"))
    return render_template(
        "manage/bank_preview.html",
        active="manage.top_ups",
        draft=draft,
        plan=plan,
        shown=imports.SHOWN,
        advice=messages.advice,
    )
