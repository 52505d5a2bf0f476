"""巡查: a walk along the site's list; what is bad is put right until a day, with a photograph."""

from datetime import timedelta
from uuid import UUID

from flask import abort, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import inspections, rectification, rows, staff
from kitchen.inspections import Inspection, InspectionMark, MarkValues, Point, Verdict
from kitchen.rectification import Finding, Step
from server import sites
from server.access import needs
from server.pages.kitchen import fields
from server.pages.kitchen.findings import STATES
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, as_uuid, change, next_page, reading, site_id

PAGE = 30
BLANK = 3
DUE = timedelta(days=3)
"""Proposed for putting right."""
INSPECTORS = frozenset({"admin", "manager", "inspector", "bureau"})
"""Who inspects: of those who see incidents, not the kitchen itself, and not who only reads."""


def _inspects() -> bool:
    return not INSPECTORS.isdisjoint(current_user.roles)


def _require_inspector() -> None:
    if not _inspects():
        abort(403)


@manage.get("/inspections")
@needs("see_incidents")
def inspections_list() -> str:
    """Walks, the latest first; above them the form for a new one."""
    with reading() as session:
        found = inspections.page(
            session, site_id(), before=as_uuid(request.args.get("before")), limit=PAGE
        )
        said = inspections.marks(session, site_id(), [row.id for row in found])
        ids = [one.finding_id for marks in said.values() for one in marks.values()]
        states = _states(session, [one for one in ids if one is not None])
        venues = {venue.id: venue.name for venue in sites.venues(session, site_id())}
    return render_template(
        "manage/inspections.html",
        found=[(row, *_counts(row, said[row.id], states)) for row in found],
        venues=venues,
        day=fields.day(),
        inspects=_inspects(),
        following=next_page(len(found), PAGE, before=str(found[-1].id) if found else ""),
        tab="manage.inspections_list",
    )


@manage.post("/inspections")
@needs("see_incidents")
def inspection_begin() -> AnyResponse:
    """Begin a walk."""
    _require_inspector()
    made: list[UUID] = []

    def work(session: Session) -> None:
        venue_id = as_uuid(request.form.get("venue"))
        if venue_id is None:
            raise BadInputError(_("请选择场所"))
        sites.get_venue(session, site_id(), venue_id)
        key = fields.key() or str(new_id())
        made.append(inspections.begin(session, actor(), key, fields.day(), venue_id).id)

    if change(work, ""):
        return redirect(url_for("manage.inspection", inspection_id=made[0]))
    return redirect(url_for("manage.inspections_list"))


@manage.get("/inspections/<uuid:inspection_id>")
@needs("see_incidents")
def inspection(inspection_id: UUID) -> str:
    """The list of one walk, what was said, and how its findings stand."""
    with reading() as session:
        row = _get(session, inspection_id)
        said = inspections.marks(session, site_id(), [row.id])[row.id]
        ids = [one.finding_id for one in said.values() if one.finding_id is not None]
        found = {one.id: one for one in _findings(session, ids)}
        workers = staff.page(session, site_id(), active_only=True, limit=staff.MAX_PAGE)
        names = {one.id: one.name for one in workers}
        venue = sites.get_venue(session, site_id(), row.venue_id).name
    own = row.ended_at is None and row.by == current_user.login and _inspects()
    return render_template(
        "manage/inspection.html",
        active="manage.inspections_list",
        row=row,
        said=said,
        findings=found,
        names=names,
        venue=venue,
        own=own,
        inspects=_inspects(),
        states=STATES,
        day=fields.day(),
        due=fields.day() + DUE,
        left=sum(point.code not in said for point in row.wanted),
        tab="manage.inspections_list",
    )


@manage.post("/inspections/<uuid:inspection_id>/points/<code>")
@needs("see_incidents")
def inspection_mark(inspection_id: UUID, code: str) -> AnyResponse:
    """Say how one point is."""
    _require_inspector()

    def work(session: Session) -> None:
        form, by = request.form, actor()
        bad = form.get("verdict") == Verdict.BAD.value
        given = {
            "verdict": form.get("verdict", ""),
            "note": form.get("note", "") if bad else "",
            "photo": fields.photo(session, by) if bad else "",
            "due": form.get("due") or None,
            "worker_id": form.get("worker") or None,
        }
        inspections.mark(
            session, by, inspection_id, code, rows.read(MarkValues, given, "point")
        )  # fmt: skip

    change(work, "")
    return redirect(url_for("manage.inspection", inspection_id=inspection_id, _anchor=code))


@manage.post("/inspections/<uuid:inspection_id>/end")
@needs("see_incidents")
def inspection_end(inspection_id: UUID) -> AnyResponse:
    """The walk is over."""
    _require_inspector()
    note = request.form.get("note", "")
    change(
        lambda session: inspections.end(session, actor(), inspection_id, note),
        _("巡查已完成，得分已记下"),
    )
    return redirect(url_for("manage.inspection", inspection_id=inspection_id))


@manage.post(
    "/inspections/<uuid:inspection_id>/findings/<uuid:finding_id>/<any(verified, rejected):step>"
)
@needs("see_incidents")
def inspection_judge(inspection_id: UUID, finding_id: UUID, step: str) -> AnyResponse:
    """Another one looked whether it was put right."""
    _require_inspector()
    key, note = fields.key(), request.form.get("note", "").strip()

    def work(session: Session) -> None:
        _of(session, inspection_id, finding_id)
        if Step(step) is Step.VERIFIED:
            rectification.verify(session, actor(), finding_id, note, key=key)
        else:
            rectification.reject(session, actor(), finding_id, note, key=key)

    change(work, _("已记录"))
    return redirect(url_for("manage.inspection", inspection_id=inspection_id))


@manage.route("/inspections/points", methods=["GET", "POST"])
@needs("see_settings")
def inspection_points() -> str | AnyResponse:
    """The list of the site, to change."""
    if request.method == "POST":
        done = change(
            lambda session: inspections.set_points(session, actor(), _points()),
            _("已保存，下一次巡查照它"),
        )
        if done:
            return redirect(url_for("manage.inspection_points"))
    with reading() as session:
        points = inspections.points_of(session, site_id())
    return render_template(
        "manage/inspection_points.html",
        active="manage.inspections_list",
        points=points,
        blank=BLANK,
        most=inspections.WEIGHT,
        whole=sum(point.weight for point in points),
        tab="manage.inspection_points",
    )


def _points() -> list[Point]:
    """The list of the form; a line without a text is left out."""
    columns = (request.form.getlist(name) for name in ("code", "area", "text", "weight"))
    found = []
    for code, area, text, weight in zip(*columns, strict=False):
        if not text.strip():
            continue
        if not (weight.strip().isascii() and weight.strip().isdecimal() and len(weight) < 4):
            raise BadInputError(_("分值要填 1 到 %(most)s 的整数", most=inspections.WEIGHT))
        told = code.strip() or str(new_id())
        found.append(Point(told[:40], area.strip() or _("其他"), text.strip(), int(weight)))
    if any(not 1 <= point.weight <= inspections.WEIGHT for point in found):
        raise BadInputError(_("分值要填 1 到 %(most)s 的整数", most=inspections.WEIGHT))
    return found


def _get(session: Session, inspection_id: UUID) -> Inspection:
    try:
        return inspections.get(session, site_id(), inspection_id)
    except rows.UnknownRowError:
        abort(404)


def _of(session: Session, inspection_id: UUID, finding_id: UUID) -> None:
    """Make sure that the finding is one of this walk."""
    said = inspections.marks(session, site_id(), [inspection_id])[inspection_id]
    if finding_id not in {one.finding_id for one in said.values()}:
        abort(404)


def _findings(session: Session, ids: list[UUID]) -> list[Finding]:
    query = select(Finding).where(Finding.site_id == site_id(), Finding.id.in_(ids))
    return list(session.scalars(query))


def _states(session: Session, ids: list[UUID]) -> dict[UUID, str]:
    return {one.id: one.state for one in _findings(session, ids)}


def _counts(
    row: Inspection, said: dict[str, InspectionMark], states: dict[UUID, str]
) -> tuple[int, int, int]:
    """How many points were looked at, how many are bad, and how many of these are put right."""
    bad = [one for one in said.values() if one.verdict == Verdict.BAD.value]
    done = sum(states.get(one.finding_id or row.id) == Step.VERIFIED.value for one in bad)
    return len(said), len(bad), done
