"""违规: what cameras found; a person looks, judges, and gives it to somebody to put right."""

from datetime import datetime, timedelta
from uuid import UUID

from flask import Response, abort, redirect, render_template, request, url_for
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan import db
from dafan.errors import BadInputError
from kitchen import incidents, limits, rectification, rows, staff
from kitchen.incidents import IncidentRules, Stage
from server import incidents as desk
from server.access import may, needs
from server.pages.kitchen import fields
from server.pages.kitchen.blueprint import kitchen
from server.pages.kitchen.more import TILES, Tile
from server.pages.shared import actor, as_uuid, change, next_page, reading, site_id
from server.services import services

PAGE = 50
KINDS: dict[str, LazyString] = {
    "no_mask": _l("没戴口罩"),
    "no_hat": _l("没戴帽子"),
    "no_clothes": _l("没穿工作服"),
    "phone": _l("玩手机"),
    "smoking": _l("吸烟"),
    "bin_open": _l("垃圾桶没盖"),
    "camera_lost": _l("摄像头掉线"),
    "camera_frozen": _l("画面卡住"),
    "camera_covered": _l("镜头被遮挡"),
    "camera_garbage": _l("画面损坏"),
}
STAGES: dict[Stage, tuple[str, LazyString]] = {
    Stage.FOUND: ("warn", _l("待确认")),
    Stage.FALSE_ALARM: ("plain", _l("误报")),
    Stage.CONFIRMED: ("warn", _l("待派人")),
    Stage.ASSIGNED: ("info", _l("整改中")),
    Stage.PUT_RIGHT: ("warn", _l("待复核")),
    Stage.REJECTED: ("stop", _l("没改好，重改")),
    Stage.VERIFIED: ("ok", _l("已复核")),
}
REASONS: tuple[LazyString, ...] = (
    _l("画面看错了"), _l("人不在工作区"), _l("其实是对的"), _l("正在检修"),
)  # fmt: skip
TILES.append(Tile("kitchen.incident_list", _l("违规"), _l("摄像头发现的问题：确认、派人、复核")))


@kitchen.get("/incidents")
@needs("see_kitchen")
def incident_list() -> str:
    """What waits for somebody, or what is over; the newest first."""
    closed = "closed" in request.args
    with reading() as session:
        found = incidents.page(session, site_id(), opened=not closed, before=after(), limit=PAGE)
        return render_template(
            "kitchen/incidents.html", found=found, closed=closed, KINDS=KINDS, STAGES=STAGES,
            more=following(found),
        )  # fmt: skip


@kitchen.get("/incidents/<uuid:incident_id>")
@needs("see_kitchen")
def incident(incident_id: UUID) -> str:
    """One of them: what the camera says, and what a person makes of it."""
    with reading() as session:
        try:
            line = incidents.line(session, site_id(), incident_id)
        except rows.UnknownRowError:
            abort(404)
        rules = limits.of(session, site_id(), IncidentRules)
        workers = staff.page(session, site_id(), active_only=True, limit=staff.MAX_PAGE)
        return render_template(
            "kitchen/incident.html", one=line, row=line.row, workers=workers, KINDS=KINDS,
            STAGES=STAGES, REASONS=REASONS, day=fields.day(),
            due=fields.day() + timedelta(days=rules.due_days),
            kept=rules.evidence_days,
            look="look" in request.args and may("see_incidents"),
        )  # fmt: skip


@kitchen.get("/incidents/<uuid:incident_id>/picture")
@needs("see_incidents")
def incident_picture(incident_id: UUID) -> Response:
    """The evidence; that somebody looked stands in the journal."""
    with db.writing(services().engine) as session:
        jpeg = incidents.look(session, actor(), incident_id, services().ring.key)
    if jpeg is None:
        abort(404)
    return Response(jpeg, mimetype="image/jpeg")


@kitchen.post("/incidents/<uuid:incident_id>/confirm")
@needs("judge_incidents")
def incident_confirm(incident_id: UUID) -> AnyResponse:
    """It is one; whoever puts it right may be named at once."""

    def work(session: Session) -> None:
        by = fields.acting_with("judge_incidents")
        line = incidents.line(session, by.site_id, incident_id)
        what = f"{line.camera} {KINDS[line.row.kind]}"
        due = _day(fields.said("due"))
        desk.learn(session, services().ring, by, incident_id, wrong=True)
        row = incidents.confirm(session, by, incident_id, fields.day(), what, due.date())
        worker_id = as_uuid(fields.said("worker_id"))
        if worker_id is not None and row.finding_id is not None and line.finding is None:
            rectification.assign(session, by, row.finding_id, worker_id)

    change(work, _("已确认，并开了整改单"))
    return redirect(url_for("kitchen.incident", incident_id=incident_id))


@kitchen.post("/incidents/<uuid:incident_id>/dismiss")
@needs("judge_incidents")
def incident_dismiss(incident_id: UUID) -> AnyResponse:
    """It was a false alarm; the camera learns from it."""

    def work(session: Session) -> None:
        by = fields.acting_with("judge_incidents")
        desk.dismiss(session, services().ring, by, incident_id, fields.said())

    change(work, _("已记为误报，照片已删除"))
    return redirect(url_for("kitchen.incident", incident_id=incident_id))


def after() -> tuple[datetime, UUID] | None:
    """The last line of the page before, of the address."""
    last = as_uuid(request.args.get("after"))
    try:
        at = datetime.fromisoformat(request.args.get("at", ""))
    except ValueError:
        return None
    return None if last is None or at.tzinfo is None else (at, last)


def following(found: list[incidents.Line]) -> str:
    """The address of the next page."""
    if not found:
        return ""
    last = found[-1].row
    return next_page(len(found), PAGE, after=str(last.id), at=last.at.isoformat())


def _day(typed: str) -> datetime:
    try:
        return datetime.strptime(typed, "%Y-%m-%d")  # noqa: DTZ007 - a day has no zone
    except ValueError as error:
        raise BadInputError(_("请填整改期限")) from error
