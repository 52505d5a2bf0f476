"""示教: a person shows a camera what is right and what is wrong; it is judged before it is used."""

from uuid import UUID

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan import db
from dafan.errors import BadInputError, DafanError
from dafan.ids import new_id
from kitchen import cameras, rows, teaching
from kitchen.teaching import TeachingExample
from server import incidents as desk
from server import uploads
from server.access import needs
from server.pages import messages
from server.pages.kitchen.incidents import KINDS
from server.pages.manage.blueprint import manage
from server.pages.manage.cameras import camera_or_404
from server.pages.shared import actor, change, reading, site_id
from server.services import services

PRECISIONS = (80, 90, 95, 97)
"""Least precision that a person may ask for, percent."""
MOST_FILES = 60
_RULE = "any(" + ", ".join(cameras.RULES) + ")"
_PAGE = f"/cameras/<uuid:camera_id>/teach/<{_RULE}:rule>"
_PLACES = frozenset({"bin_open"})


@manage.get(_PAGE)
@needs("run_kitchen")
def teach(camera_id: UUID, rule: str) -> str:
    """The marked region, the examples, and how good it is."""
    with reading() as session:
        row = camera_or_404(session, camera_id)
        return render_template(
            "manage/teaching.html", active="manage.incidents_list", row=row, rule=rule,
            KINDS=KINDS, task=teaching.task(session, site_id(), row.id, rule),
            examples=teaching.examples(session, site_id(), row.id, rule),
            is_place=rule in _PLACES, PRECISIONS=PRECISIONS, new_key=new_id,
            away=cameras.is_away(row, services().clock.now()),
        )  # fmt: skip


@manage.post(f"{_PAGE}/mark")
@needs("run_kitchen")
def teach_mark(camera_id: UUID, rule: str) -> AnyResponse:
    """Say where the thing stands."""

    def work(session: Session) -> None:
        try:
            region = [float(part) for part in request.form.get("region", "").split(",")]
        except ValueError as error:
            raise BadInputError(_("请先在画面上框出位置")) from error
        teaching.mark(session, actor(), camera_id, rule, region)

    change(work, _("位置已标好：现在收集对的和错的例子"))
    return _back(camera_id, rule)


@manage.post(f"{_PAGE}/examples/<any(right, wrong):label>")
@needs("run_kitchen")
def teach_add(camera_id: UUID, rule: str, label: str) -> AnyResponse:
    """The region of the newest still, or photographs that somebody chose."""
    files = [file for file in request.files.getlist("photos") if file.filename][:MOST_FILES]
    now = services().clock.now()
    key = request.form.get("key", "")

    def work(session: Session) -> None:
        row = cameras.get(session, site_id(), camera_id)
        if files:
            given = [(uploads.read_picture(file.stream), now) for file in files]
        elif row.still is None or row.still_at is None:
            raise BadInputError(_("摄像头还没有画面：请先让它连上"))
        else:
            given = [(row.still, row.still_at)]
        for number, (picture, at) in enumerate(given):
            desk.add_example(
                session, services().ring, actor(), row, rule, wrong=label == "wrong",
                picture=picture, at=at, key=f"{key}:{number}", whole=bool(files),
            )  # fmt: skip

    change(work, _("已加入"))
    return _back(camera_id, rule)


@manage.post(f"{_PAGE}/examples/<uuid:example_id>/remove")
@needs("run_kitchen")
def teach_remove(camera_id: UUID, rule: str, example_id: UUID) -> AnyResponse:
    """It was labelled wrongly."""
    change(lambda session: teaching.remove(session, actor(), example_id), _("已删除"))
    return _back(camera_id, rule)


@manage.get(f"{_PAGE}/examples/<uuid:example_id>")
@needs("run_kitchen")
def teach_example(camera_id: UUID, rule: str, example_id: UUID) -> Response:
    """A crop, for who labels."""
    with reading() as session:
        try:
            row = rows.get(session, TeachingExample, site_id(), example_id, "example")
        except rows.UnknownRowError:
            abort(404)
        if (row.camera_id, row.rule) != (camera_id, rule):
            abort(404)
        return Response(desk.opened(services().ring, row), mimetype="image/jpeg")


@manage.post(f"{_PAGE}/train")
@needs("run_kitchen")
def teach_train(camera_id: UUID, rule: str) -> AnyResponse:
    """Train on the spot; it goes live only if it is proved good enough."""
    asked = request.form.get("precision", "")
    precision = int(asked) if asked in map(str, PRECISIONS) else 95
    try:
        with db.writing(services().engine) as session:
            row = cameras.get(session, site_id(), camera_id)
            why = desk.train(session, services().ring, actor(), row, rule, precision / 100)
    except DafanError as error:
        flash(messages.say(error), "stop")
        return _back(camera_id, rule)
    if why:
        flash(_("已训练，但还不够准，没有启用：请看下面的数字"), "warn")
    else:
        flash(_("已训练并启用，摄像头一分钟内开始用"), "ok")
    return _back(camera_id, rule)


@manage.post(f"{_PAGE}/off")
@needs("run_kitchen")
def teach_off(camera_id: UUID, rule: str) -> AnyResponse:
    """Watch no more by it."""
    change(lambda session: teaching.switch_off(session, actor(), camera_id, rule), _("已停用"))
    return _back(camera_id, rule)


def _back(camera_id: UUID, rule: str) -> AnyResponse:
    return redirect(url_for("manage.teach", camera_id=camera_id, rule=rule))
