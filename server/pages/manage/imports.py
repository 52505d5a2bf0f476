"""Import of people and of dishes: upload, look at what would happen, take over."""

import csv
import io
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Response, flash, redirect, render_template, request, url_for
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan import db
from dafan.errors import DafanError
from server import drafts, importing, importing_dishes
from server.access import needs
from server.pages import messages
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, change, reading, site_id
from server.services import services
from server.tables import MAX_BYTES

SHOWN = 200


@dataclass(frozen=True, slots=True)
class Importer:
    """One kind of table."""

    kind: drafts.Kind
    title: LazyString
    module: Any
    back: str
    """Endpoint of the list that the table fills."""
    page: str
    """Endpoint of the upload."""


PEOPLE = Importer(
    "people", _l("导入就餐人"), importing, "manage.people_list", "manage.people_import"
)
DISHES = Importer(
    "dishes", _l("导入菜品"), importing_dishes, "manage.dishes_list", "manage.dishes_import"
)


@manage.route("/people/import", methods=["GET", "POST"])
@needs("edit_people")
def people_import() -> str | AnyResponse:
    """Upload a table of people."""
    return upload(PEOPLE)


@manage.route("/people/import/<uuid:draft_id>", methods=["GET", "POST"])
@needs("edit_people")
def people_preview(draft_id: UUID) -> str | AnyResponse:
    """Look at it, take it over."""
    return _decide(PEOPLE, draft_id)


@manage.get("/people/import/template.csv")
@needs("edit_people")
def people_template() -> Response:
    """An empty table with our headings."""
    return template(PEOPLE)


@manage.route("/dishes/import", methods=["GET", "POST"])
@needs("edit_dishes")
def dishes_import() -> str | AnyResponse:
    """Upload a table of dishes."""
    return upload(DISHES)


@manage.route("/dishes/import/<uuid:draft_id>", methods=["GET", "POST"])
@needs("edit_dishes")
def dishes_preview(draft_id: UUID) -> str | AnyResponse:
    """Look at it, take it over."""
    return _decide(DISHES, draft_id)


@manage.get("/dishes/import/template.csv")
@needs("edit_dishes")
def dishes_template() -> Response:
    """An empty table with our headings."""
    return template(DISHES)


def upload(importer: Importer) -> str | AnyResponse:
    """Keep the file and go on to its preview, or say what is wrong with it."""
    file = request.files.get("file")
    if request.method == "POST":
        data = file.stream.read(MAX_BYTES + 1) if file else b""
        if not data:
            flash(_("请选择一个文件"), "warn")
        elif len(data) > MAX_BYTES:
            flash(_("文件太大：请分成几个不超过 10 MB 的表格"), "stop")
        else:
            kept: list[UUID] = []

            def work(session: Session) -> None:
                importer.module.preview(session, site_id(), data)
                name = (file.filename if file else "") or "table"
                kept.append(drafts.keep(session, actor(), importer.kind, name, data))

            if change(work, ""):
                return redirect(url_for(f"manage.{importer.kind}_preview", draft_id=kept[0]))
    return _page("manage/import.html", importer, headings=importer.module.COLUMNS)


def _decide(importer: Importer, draft_id: UUID) -> str | AnyResponse:
    try:
        with reading() as session:
            draft = drafts.take(session, actor(), importer.kind, draft_id)
            plan = importer.module.preview(session, site_id(), draft.data)
        if request.method == "POST":
            with db.writing(services().engine) as session:
                plan = importer.module.apply(session, actor(), draft.data)
            flash(
                _("已导入：新增 %(new)s，更新 %(changed)s", new=plan.new, changed=plan.changed),
                "ok",
            )
            return redirect(url_for(importer.back))
    except DafanError as error:
        flash(messages.say(error), "stop")
        return redirect(url_for(importer.page))
    return _page(
        "manage/import_preview.html", importer, draft=draft, plan=plan, shown=SHOWN,
        advice=messages.advice,
    )  # fmt: skip


def _page(template: str, importer: Importer, **values: Any) -> str:
    return render_template(template, active=importer.back, importer=importer, **values)


def template(importer: Importer) -> Response:
    """An empty table with the importer's headings."""
    text = io.StringIO()
    csv.writer(text).writerow(importer.module.HEADINGS.values())
    # Excel takes a CSV file for UTF-8 only when it begins with the byte order mark.
    return Response(
        text.getvalue().encode("utf-8-sig"),
        mimetype="text/csv",
        headers={"Content-Disposition": f"attachment; filename={importer.kind}.csv"},
    )
