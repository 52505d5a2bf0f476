"""报修: asked for, given to somebody, repaired, and accepted by who asked."""

from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from kitchen import equipment, repairs, rows
from kitchen.repairs import Repair, RepairValues, Stage
from server.access import needs
from server.pages.kitchen import fields, signing
from server.pages.kitchen.blueprint import kitchen
from server.pages.kitchen.entry import whole
from server.pages.kitchen.more import TILES, Tile
from server.pages.shared import as_uuid, change, reading, site_id

STAGES: dict[Stage, LazyString] = {
    Stage.ASKED: _l("待派修"),
    Stage.ASSIGNED: _l("维修中"),
    Stage.REPAIRED: _l("待验收"),
    Stage.ACCEPTED: _l("已验收"),
}

TILES.append(Tile("kitchen.repair_list", _l("报修"), _l("拍照报修、派修、修好后由报修人验收")))


@kitchen.get("/repairs")
@needs("see_kitchen")
def repair_list() -> str:
    """What is not accepted yet, the oldest first."""
    with reading() as session:
        found = repairs.open_repairs(session, site_id())
        devices = equipment.page(session, site_id(), limit=equipment.MAX_PAGE)
    names = {row.id: row.name for row in devices}
    usable = [row for row in devices if row.active]
    return render_template(
        "kitchen/repairs.html", found=found, names=names, devices=usable, STAGES=STAGES
    )


@kitchen.post("/repairs")
@needs("do_kitchen")
def repair_ask() -> AnyResponse:
    """Something is broken."""
    made: list[UUID] = []

    def work(session: Session) -> None:
        by = signing.acting()
        values = fields.given(RepairValues, photo=fields.photo(session, by))
        made.append(repairs.ask(session, by, fields.key(), fields.day(), values).id)

    if change(work, _("已报修")):
        return redirect(url_for("kitchen.repair", repair_id=made[0]))
    device = as_uuid(fields.said("equipment_id"))
    if device is None:
        return redirect(url_for("kitchen.repair_list"))
    return redirect(url_for("kitchen.device", equipment_id=device))


@kitchen.get("/repairs/<uuid:repair_id>")
@needs("see_kitchen")
def repair(repair_id: UUID) -> str:
    """One repair, and what comes next."""
    with reading() as session:
        row = rows.get(session, Repair, site_id(), repair_id, "repair")
        name = equipment.get(session, site_id(), row.equipment_id).name
    return render_template("kitchen/repair.html", row=row, name=name, STAGES=STAGES)


@kitchen.post("/repairs/<uuid:repair_id>/<any(assign, repaired, accept, refuse):step>")
@needs("do_kitchen")
def repair_step(repair_id: UUID, step: str) -> AnyResponse:
    """The next step, signed by who takes it."""

    def work(session: Session) -> None:
        if step == "assign":
            by = fields.acting_with("run_kitchen")
            repairs.assign(session, by, repair_id, fields.said("to"))
            return
        by = signing.acting()
        seen = whole("refused") if "refused" in request.form else None
        if step == "repaired":
            kept = fields.photo(session, by)
            repairs.repaired(session, by, repair_id, fields.said("note"), kept, seen=seen)
        elif step == "accept":
            repairs.accept(session, by, repair_id)
        else:
            repairs.refuse(session, by, repair_id, fields.said("note"), seen=seen)

    change(work, _("已记录"))
    return redirect(url_for("kitchen.repair", repair_id=repair_id))
