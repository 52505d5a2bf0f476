"""人脸: consent, enrolment from a photograph, withdrawal."""

from uuid import UUID

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan import db
from dafan.errors import DafanError
from kitchen import staff
from server import consents, erasures, faces, people, uploads
from server.access import needs
from server.consent_texts import CURRENT, KITCHEN, text_of
from server.face_engine import shared_engine
from server.pages import messages
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, change, reading, site_id
from server.services import services
from server.values import read_values

MAX_PHOTO = 15 * 2**20
"""Bytes; what a camera makes is far below it, and the server reads no request much larger."""


@manage.get("/people/<uuid:diner_id>/face")
@needs("see_faces")
def face(diner_id: UUID) -> str:
    """Consent, photograph, withdrawal."""
    return _page(diner_id)


@manage.post("/people/<uuid:diner_id>/face/consent")
@needs("see_faces")
def face_consent(diner_id: UUID) -> AnyResponse:
    """The diner agreed."""
    asked = request.form
    told = {
        "version": asked.get("version", ""),
        "channel": asked.get("channel", ""),
        "under_14": "under_14" in asked,
        "guardian": asked.get("guardian", ""),
    }

    def work(session: Session) -> None:
        values = read_values(consents.ConsentValues, told)
        consents.give(session, actor(), diner_id, values)

    if "agreed" not in asked:
        flash(_("请先让就餐人阅读并同意，再勾选"), "warn")
    else:
        change(work, _("已记录同意，可以登记照片"))
    return redirect(url_for("manage.face", diner_id=diner_id))


@manage.post("/people/<uuid:diner_id>/face/photo")
@needs("see_faces")
def face_photo(diner_id: UUID) -> str | AnyResponse:
    """Enrol from the uploaded photograph."""
    engine = shared_engine(services().settings.vision.pack)
    file = request.files.get("photo")
    try:
        reference = engine.read(uploads.read_picture(file.stream if file else None))
        with db.writing(services().engine) as session:
            faces.enrol(
                session, actor(), services().ring, diner_id, reference,
                lookalike_similarity=engine.lookalike_similarity,
                confirm="confirm" in request.form,
            )  # fmt: skip
    except faces.DuplicateFaceError as error:
        return _page(diner_id, error.near)
    except DafanError as error:
        flash(messages.say(error), "stop")
        return redirect(url_for("manage.face", diner_id=diner_id))
    flash(_("人脸已登记，各结算台联网后即可使用"), "ok")
    return redirect(url_for("manage.person", diner_id=diner_id))


@manage.post("/people/<uuid:diner_id>/face/withdraw")
@needs("see_faces")
def face_withdraw(diner_id: UUID) -> AnyResponse:
    """The diner withdraws: erase."""
    change(
        lambda session: faces.withdraw(session, actor(), diner_id),
        _("已撤回并删除；各结算台联网后随即删除并回执"),
    )
    return redirect(url_for("manage.person", diner_id=diner_id))


@manage.post("/people/<uuid:diner_id>/face.jpg")
@needs("see_faces")
def face_image(diner_id: UUID) -> Response:
    """The reference photograph; that somebody looked is written down, hence no plain link."""
    with db.writing(services().engine) as session:
        try:
            jpeg = faces.show_photo(session, actor(), services().ring, diner_id)
        except people.UnknownDinerError:
            abort(404)
    if jpeg is None:
        abort(404)
    return Response(jpeg, mimetype="image/jpeg")


def _page(diner_id: UUID, near: tuple[faces.Near, ...] = ()) -> str:
    with reading() as session:
        try:
            diner = people.get_diner(session, site_id(), diner_id)
        except people.UnknownDinerError:
            abort(404)
        cooks = staff.find_by_diner(session, site_id(), diner_id) is not None
        return render_template(
            "manage/face.html",
            active="manage.people_list",
            diner=diner,
            consent=consents.standing(session, diner_id),
            history=consents.history(session, diner_id),
            text=text_of(KITCHEN if cooks else CURRENT),
            cooks=cooks,
            face=faces.template_of(session, diner_id),
            receipt=erasures.receipt(session, site_id(), diner_id),
            near=near,
            max_bytes=MAX_PHOTO,
        )
