"""违规与摄像头: what cameras found, where they hang, what counts where."""

import json
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Response, abort, redirect, render_template, request, url_for
from flask_babel import gettext as _
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import BadInputError
from kitchen import cameras, incidents, teaching
from kitchen.cameras import Camera, CameraValues, UnknownCameraError, ZoneValues
from kitchen.incidents import Stage
from server.access import needs
from server.pages.kitchen.incidents import KINDS, PAGE, STAGES, after, following
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, as_uuid, change, reading, site_id
from server.services import services

WEEK = timedelta(days=7)
_ZONES = TypeAdapter(list[ZoneValues])


@manage.get("/incidents")
@needs("see_incidents")
def incidents_list() -> str:
    """What waits and what is over, and how the week went."""
    closed = "closed" in request.args
    now = services().clock.now()
    camera_id = as_uuid(request.args.get("camera"))
    with reading() as session:
        found = incidents.page(
            session, site_id(), opened=not closed, camera_id=camera_id, before=after(), limit=PAGE
        )
        return render_template(
            "manage/incidents.html", active="manage.incidents_list", found=found, closed=closed,
            cameras=cameras.of_site(session, site_id()), camera_id=camera_id,
            week=_week(incidents.counts(session, site_id(), now - WEEK, now)),
            KINDS=KINDS, STAGES=STAGES, more=following(found),
        )  # fmt: skip


@manage.get("/cameras")
@needs("see_incidents")
def cameras_list() -> str:
    """All cameras, with their newest stills."""
    now = services().clock.now()
    with reading() as session:
        found = cameras.of_site(session, site_id(), active=False)
        return render_template(
            "manage/cameras.html", active="manage.incidents_list", cameras=found,
            away={row.id for row in found if cameras.is_away(row, now)}, KINDS=KINDS,
            live=teaching.live_rules(session, site_id()), RULES=cameras.RULES,
            alone=cameras.TAUGHT_ALONE,
        )  # fmt: skip


@manage.post("/cameras")
@needs("run_kitchen")
def camera_new() -> AnyResponse:
    """Add a camera."""
    made: list[UUID] = []
    done = change(
        lambda session: made.append(cameras.save(session, actor(), _values(active=True)).id),
        _("已添加摄像头"),
    )
    if done:
        return redirect(url_for("manage.camera", camera_id=made[0]))
    return redirect(url_for("manage.cameras_list"))


@manage.get("/cameras/<uuid:camera_id>")
@needs("see_incidents")
def camera(camera_id: UUID) -> str:
    """One camera: what is watched, where, and what it was taught."""
    with reading() as session:
        row = camera_or_404(session, camera_id)
        tasks = {rule: teaching.task(session, site_id(), row.id, rule) for rule in cameras.RULES}
        counted = {rule: teaching.count(session, site_id(), row.id, rule) for rule in cameras.RULES}
        return render_template(
            "manage/camera.html", active="manage.incidents_list", row=row, KINDS=KINDS,
            RULES=cameras.RULES, alone=cameras.TAUGHT_ALONE, tasks=tasks, counted=counted,
            away=cameras.is_away(row, services().clock.now()), zones=json.dumps(row.zones),
        )  # fmt: skip


@manage.post("/cameras/<uuid:camera_id>")
@needs("run_kitchen")
def camera_save(camera_id: UUID) -> AnyResponse:
    """Change what is watched."""
    change(
        lambda session: cameras.save(
            session, actor(), _values(active="active" in request.form), camera_id
        ),
        _("已保存，摄像头一分钟内按新规则看"),
    )
    return redirect(url_for("manage.camera", camera_id=camera_id))


@manage.post("/cameras/<uuid:camera_id>/zones")
@needs("run_kitchen")
def camera_zones(camera_id: UUID) -> AnyResponse:
    """Say where rules count."""

    def work(session: Session) -> None:
        try:
            zones = _ZONES.validate_json(request.form.get("zones", ""))
        except ValidationError as error:
            raise BadInputError(_("请重新画：每个区域至少三个角，至少勾一条规则")) from error
        cameras.draw(session, actor(), camera_id, zones)

    change(work, _("已保存，摄像头一分钟内按新规则看"))
    return redirect(url_for("manage.camera", camera_id=camera_id))


@manage.get("/cameras/<uuid:camera_id>/still")
@needs("see_incidents")
def camera_still(camera_id: UUID) -> Response:
    """The newest picture, without faces."""
    with reading() as session:
        row = camera_or_404(session, camera_id)
        if row.still is None:
            abort(404)
        return Response(row.still, mimetype="image/jpeg")


def camera_or_404(session: Session, camera_id: UUID) -> Camera:
    """A camera of the site."""
    try:
        return cameras.get(session, site_id(), camera_id)
    except UnknownCameraError:
        abort(404)


def _values(*, active: bool) -> CameraValues:
    form = request.form
    try:
        return CameraValues(
            name=form.get("name", ""), place=form.get("place", ""), active=active,
            rules=[rule for rule in cameras.RULES if rule in form.getlist("rules")],
            on_board="on_board" in form,
        )  # fmt: skip
    except ValidationError as error:
        raise BadInputError(_("请填摄像头的名称（80 字以内）")) from error


def _week(counted: dict[str, Counter[str]]) -> list[dict[str, Any]]:
    """Kind by kind: found, confirmed, false, put right."""
    return [
        {
            "kind": kind,
            "found": sum(by.values()),
            "false": by[Stage.FALSE_ALARM.value],
            "waiting": by[Stage.FOUND.value],
            "done": by[Stage.VERIFIED.value],
        }
        for kind, by in sorted(counted.items(), key=lambda row: -sum(row[1].values()))
    ]
