"""整改: what is wrong, who puts it right, and who looked that it is."""

from datetime import timedelta
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import BadInputError
from kitchen import rectification, rows, staff
from kitchen.rectification import Finding, FindingValues, Step
from server.access import needs
from server.pages.kitchen import fields, signing
from server.pages.kitchen.blueprint import kitchen
from server.pages.kitchen.more import TILES, Tile
from server.pages.shared import as_uuid, change, next_page, reading, site_id

PAGE = 50
STATES: dict[Step, LazyString] = {
    Step.FOUND: _l("待派人"),
    Step.ASSIGNED: _l("待整改"),
    Step.PUT_RIGHT: _l("待复核"),
    Step.REJECTED: _l("没改好，重改"),
    Step.VERIFIED: _l("已复核"),
}
STEPS: dict[Step, LazyString] = {
    Step.FOUND: _l("发现"),
    Step.ASSIGNED: _l("派给"),
    Step.PUT_RIGHT: _l("整改完成"),
    Step.REJECTED: _l("退回重改"),
    Step.VERIFIED: _l("复核通过"),
}
SOURCES: dict[str, LazyString] = {
    "walk": _l("巡查"),
    "supervision": _l("监管清单"),
    "area": _l("分片保洁"),
    "camera": _l("摄像头"),
    "inspection": _l("检查"),
}

TILES.append(Tile("kitchen.findings", _l("整改"), _l("发现问题、派人、拍照改好、另一人复核")))


@kitchen.get("/findings")
@needs("see_kitchen")
def findings() -> str:
    """What is not verified yet, the most urgent first; or what is, newest first."""
    closed = "closed" in request.args
    with reading() as session:
        found = _closed(session) if closed else rectification.waiting(session, site_id())
        names = {row.id: row.name for row in staff.page(session, site_id(), limit=staff.MAX_PAGE)}
    more = next_page(len(found), PAGE, after=str(found[-1].id)) if closed and found else ""
    return render_template(
        "kitchen/findings.html", found=found, names=names, day=fields.day(), closed=closed,
        more=more, STATES=STATES, SOURCES=SOURCES, limit=fields.day() + timedelta(days=3),
    )  # fmt: skip


@kitchen.post("/findings")
@needs("do_kitchen")
def finding_new() -> AnyResponse:
    """Somebody found something."""
    made: list[UUID] = []

    def work(session: Session) -> None:
        by = signing.acting()
        values = fields.given(FindingValues, photo=fields.photo(session, by), source="walk")
        made.append(rectification.find(session, by, fields.key(), fields.day(), values).id)

    if change(work, _("已登记：请派人整改")):
        return redirect(url_for("kitchen.finding", finding_id=made[0]))
    return redirect(url_for("kitchen.findings"))


@kitchen.get("/findings/<uuid:finding_id>")
@needs("see_kitchen")
def finding(finding_id: UUID) -> str:
    """One finding, its way so far, and what comes next."""
    with reading() as session:
        row = rows.get(session, Finding, site_id(), finding_id, "finding")
        way = rectification.steps(session, site_id(), finding_id)
        workers = staff.page(session, site_id(), active_only=True, limit=staff.MAX_PAGE)
    names = {worker.id: worker.name for worker in workers}
    return render_template(
        "kitchen/finding.html", row=row, way=way, workers=workers, names=names, day=fields.day(),
        STATES=STATES, STEPS=STEPS, SOURCES=SOURCES, nexts=rectification.NEXT[Step(row.state)],
    )  # fmt: skip


@kitchen.post("/findings/<uuid:finding_id>/<any(assigned, put_right, rejected, verified):step>")
@needs("do_kitchen")
def finding_step(finding_id: UUID, step: str) -> AnyResponse:
    """The next step, signed by who takes it."""
    key = fields.key()

    def work(session: Session) -> None:
        if Step(step) is Step.ASSIGNED:
            by, worker_id = fields.acting_with("run_kitchen"), as_uuid(fields.said("worker_id"))
            if worker_id is None:
                raise BadInputError(_("请选择由谁整改"))
            rectification.assign(session, by, finding_id, worker_id, key=key)
            return
        by, note = signing.acting(), fields.said("note")
        if Step(step) is Step.PUT_RIGHT:
            kept = fields.photo(session, by)
            if not kept:
                raise BadInputError(_("请拍一张整改后的照片"))
            rectification.put_right(session, by, finding_id, kept, note, key=key)
        elif Step(step) is Step.REJECTED:
            rectification.reject(session, by, finding_id, note, key=key)
        else:
            rectification.verify(session, by, finding_id, note, key=key)

    change(work, _("已记录"))
    return redirect(url_for("kitchen.finding", finding_id=finding_id))


def _closed(session: Session) -> list[Finding]:
    query = select(Finding).where(
        Finding.site_id == site_id(), Finding.state == Step.VERIFIED.value
    )
    after = as_uuid(request.args.get("after"))
    if after is not None:
        query = query.where(Finding.id < after)
    return list(session.scalars(query.order_by(Finding.id.desc()).limit(PAGE)))
