"""设备: the register with its QR labels, and maintenance when it is due."""

from datetime import timedelta
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import BadInputError
from kitchen import equipment, repairs
from kitchen.equipment import EquipmentValues, Maintenance
from kitchen.labels import Label
from kitchen.repairs import Repair
from server.access import needs
from server.pages.kitchen import fields, signing
from server.pages.kitchen.blueprint import kitchen
from server.pages.kitchen.more import TILES, Tile
from server.pages.shared import actor, as_uuid, change, next_page, reading, site_id
from server.services import services

PAGE = 60
SOON = timedelta(days=7)
MONTH = timedelta(days=30)

TILES.append(Tile("kitchen.equipment_list", _l("设备"), _l("标签、保养、报修")))


@kitchen.get("/equipment")
@needs("see_kitchen")
def equipment_list() -> str | AnyResponse:
    """All devices, what is to be maintained soon, and what is broken; a scan opens its device."""
    day, scanned = fields.day(), request.args.get("scan", "")
    if scanned:
        return _scanned(scanned)
    with reading() as session:
        found = equipment.page(
            session, site_id(), after=as_uuid(request.args.get("after")), limit=PAGE
        )
        due = {line.equipment_id: line.due for line in equipment.plan(session, site_id())}
        broken = {row.equipment_id for row in repairs.open_repairs(session, site_id())}
    more = next_page(len(found), PAGE, after=str(found[-1].id)) if found else ""
    return render_template(
        "kitchen/equipment.html", found=found, due=due, broken=broken, day=day, soon=day + SOON,
        more=more,
    )  # fmt: skip


@kitchen.route("/equipment/new", methods=["GET", "POST"])
@needs("run_kitchen")
def equipment_new() -> str | AnyResponse:
    """Add a device."""

    def work(session: Session) -> None:
        equipment.create(session, actor(), _values())

    if request.method == "POST" and change(work, _("已添加")):
        return redirect(url_for("kitchen.equipment_list"))
    return render_template("kitchen/device_edit.html", row=None, day=fields.day())


@kitchen.route("/equipment/<uuid:equipment_id>/edit", methods=["GET", "POST"])
@needs("run_kitchen")
def equipment_edit(equipment_id: UUID) -> str | AnyResponse:
    """Change a device, or retire it."""

    def work(session: Session) -> None:
        equipment.update(session, actor(), equipment_id, _values())

    if request.method == "POST" and change(work, _("已保存")):
        return redirect(url_for("kitchen.device", equipment_id=equipment_id))
    with reading() as session:
        row = equipment.get(session, site_id(), equipment_id)
    return render_template("kitchen/device_edit.html", row=row, day=fields.day())


@kitchen.get("/equipment/<uuid:equipment_id>")
@needs("see_kitchen")
def device(equipment_id: UUID) -> str:
    """One device: what was done to it, and the forms of what is done next."""
    now = services().clock.now()
    with reading() as session:
        row = equipment.get(session, site_id(), equipment_id)
        done = session.scalars(
            select(Maintenance)
            .where(Maintenance.site_id == site_id(), Maintenance.equipment_id == equipment_id)
            .order_by(Maintenance.id.desc())
            .limit(10)
        ).all()
        broken = session.scalars(
            select(Repair)
            .where(Repair.site_id == site_id(), Repair.equipment_id == equipment_id)
            .order_by(Repair.asked_at.desc(), Repair.id.desc())
            .limit(10)
        ).all()
        down = repairs.downtime(session, site_id(), equipment_id, now - MONTH, now)
    last = done[0].business_date if done else None
    due = equipment.next_due(row.since, last, row.maintain_days) if row.maintain_days else None
    return render_template(
        "kitchen/device.html", row=row, done=done, broken=broken, due=due, down=down,
        day=fields.day(),
    )  # fmt: skip


@kitchen.get("/equipment/<uuid:equipment_id>/label")
@needs("see_kitchen")
def device_label(equipment_id: UUID) -> ResponseReturnValue:
    """The label of a device, as a receipt document."""
    with reading() as session:
        row = equipment.get(session, site_id(), equipment_id)
    known = ((_("位置"), row.place), (_("型号"), row.model), (_("出厂编号"), row.serial))
    lines = tuple((str(name), text) for name, text in known if text)
    return Label(row.name, lines, equipment.label(row.id)).as_receipt()


@kitchen.post("/equipment/<uuid:equipment_id>/maintain")
@needs("do_kitchen")
def device_maintain(equipment_id: UUID) -> AnyResponse:
    """It was maintained."""

    def work(session: Session) -> None:
        by = signing.acting()
        kept = fields.photo(session, by)
        equipment.maintain(
            session, by, fields.key(), fields.day(), equipment_id, fields.said("what"), kept
        )

    change(work, _("已登记保养"))
    return redirect(url_for("kitchen.device", equipment_id=equipment_id))


def _scanned(text: str) -> AnyResponse:
    found: list[UUID] = []

    def work(_session: Session) -> None:
        found.append(equipment.read_label(text))

    if change(work, ""):
        return redirect(url_for("kitchen.device", equipment_id=found[0]))
    return redirect(url_for("kitchen.equipment_list"))


def _values() -> EquipmentValues:
    values = fields.given(EquipmentValues, maintain_days=fields.said("maintain_days") or None)
    if values.since > fields.day():
        raise BadInputError(_("启用日期还没有到"))
    return values
