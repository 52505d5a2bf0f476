"""分片包干: who keeps which place clean, and how it looked to somebody else."""

from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from kitchen import areas, rows, staff
from kitchen.areas import Area, AreaCheck, AreaCheckValues, AreaValues
from server.access import needs
from server.pages.kitchen import fields, signing
from server.pages.kitchen.blueprint import kitchen
from server.pages.kitchen.more import TILES, Tile
from server.pages.shared import actor, change, reading, site_id

TILES.append(Tile("kitchen.area_list", _l("分片包干"), _l("每片谁负责，别人来检查")))


@kitchen.get("/areas")
@needs("see_kitchen")
def area_list() -> str:
    """All places, the most overdue first."""
    with reading() as session:
        lines = areas.due(session, site_id(), fields.day())
    return render_template("kitchen/areas.html", lines=lines)


@kitchen.get("/areas/<uuid:area_id>")
@needs("see_kitchen")
def area(area_id: UUID) -> str:
    """One place: the check, and how it looked before."""
    with reading() as session:
        row = rows.get(session, Area, site_id(), area_id, "place")
        keeper = staff.get(session, site_id(), row.worker_id).name
        query = select(AreaCheck).where(
            AreaCheck.site_id == site_id(), AreaCheck.area_id == area_id
        )
        past = session.scalars(query.order_by(AreaCheck.id.desc()).limit(20)).all()
    return render_template("kitchen/area.html", row=row, keeper=keeper, past=past)


@kitchen.post("/areas/<uuid:area_id>")
@needs("do_kitchen")
def area_check(area_id: UUID) -> AnyResponse:
    """Somebody else than its keeper looked; what is not clean becomes a finding."""
    clean = request.form.get("clean") == "1"

    def work(session: Session) -> None:
        by = signing.acting()
        values = fields.given(
            AreaCheckValues, area_id=area_id, clean=clean, photo=fields.photo(session, by)
        )
        areas.check(session, by, fields.key(), fields.day(), values)

    if change(work, _("已检查：干净") if clean else _("已登记，整改单已派给责任人")):
        return redirect(url_for("kitchen.area_list"))
    return redirect(url_for("kitchen.area", area_id=area_id))


@kitchen.route("/areas/new", methods=["GET", "POST"])
@needs("run_kitchen")
def area_new() -> str | AnyResponse:
    """Give a place to a person."""

    def work(session: Session) -> None:
        areas.create(session, actor(), fields.given(AreaValues))

    if request.method == "POST" and change(work, _("已添加")):
        return redirect(url_for("kitchen.area_list"))
    with reading() as session:
        workers = staff.page(session, site_id(), active_only=True, limit=staff.MAX_PAGE)
    return render_template("kitchen/area_edit.html", row=None, workers=workers, day=fields.day())


@kitchen.route("/areas/<uuid:area_id>/edit", methods=["GET", "POST"])
@needs("run_kitchen")
def area_edit(area_id: UUID) -> str | AnyResponse:
    """Change a place, or give it to somebody else."""

    def work(session: Session) -> None:
        areas.update(session, actor(), area_id, fields.given(AreaValues))

    if request.method == "POST" and change(work, _("已保存")):
        return redirect(url_for("kitchen.area_list"))
    with reading() as session:
        row = rows.get(session, Area, site_id(), area_id, "place")
        workers = staff.page(session, site_id(), active_only=True, limit=staff.MAX_PAGE)
    return render_template("kitchen/area_edit.html", row=row, workers=workers, day=fields.day())
