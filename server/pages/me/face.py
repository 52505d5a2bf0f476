"""人脸: one page that says what is stored; agree, take a photograph, look at it, withdraw."""

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan import db
from dafan.errors import DafanError
from kitchen import staff
from server import consents, erasures, face_care, faces, people, uploads
from server.access import diner
from server.consent_texts import CURRENT, KITCHEN, text_of
from server.face_engine import shared_engine
from server.pages import messages
from server.pages.manage.faces import MAX_PHOTO
from server.pages.me.blueprint import actor, me, who
from server.pages.shared import change, reading
from server.services import services
from server.values import read_values


@me.get("/face")
@diner
def face() -> str:
    """The text, and how it stands."""
    mine = who()
    now = services().clock.now()
    with reading() as session:
        cooks = staff.find_by_diner(session, mine.site_id, mine.diner_id) is not None
        return render_template(
            "me/face.html",
            tab="mine",
            text=text_of(KITCHEN if cooks else CURRENT),
            consent=consents.standing(session, mine.diner_id),
            face=faces.template_of(session, mine.diner_id),
            due=face_care.of_diner(session, mine.site_id, mine.diner_id, now),
            erased=erasures.receipt(session, mine.site_id, mine.diner_id),
            max_bytes=MAX_PHOTO,
        )


@me.post("/face/consent")
@diner
def face_consent() -> AnyResponse:
    """He agrees."""
    asked = request.form
    told = {
        "version": asked.get("version", ""), "channel": "phone", "under_14": "under_14" in asked,
        "guardian": asked.get("guardian", ""),
    }  # fmt: skip

    def work(session: Session) -> None:
        consents.give(session, actor(), who().diner_id, read_values(consents.ConsentValues, told))

    if "agreed" not in asked:
        flash(_("请先阅读全文，再勾选同意"), "warn")
    else:
        change(work, _("已记录您的同意，可以拍照登记"))
    return redirect(url_for("me.face"))


@me.post("/face/photo")
@diner
def face_photo() -> AnyResponse:
    """Enrol from a photograph of the phone; look-alikes are a matter for the desk."""
    mine, parts = who(), services()
    file = request.files.get("photo")
    try:
        with reading() as session:
            faces.require_consent(session, mine.diner_id)
        engine = shared_engine(parts.settings.vision.pack)
        reference = engine.read(uploads.read_picture(file.stream if file else None))
        with db.writing(parts.engine) as session:
            faces.enrol(
                session, actor(), parts.ring, mine.diner_id, reference,
                lookalike_similarity=engine.lookalike_similarity,
            )  # fmt: skip
    except faces.DuplicateFaceError:
        flash(_("这张脸和已登记的人很像，要当面确认：请到食堂柜台登记"), "warn")
    except DafanError as error:
        flash(messages.say(error), "stop")
    else:
        flash(_("人脸已登记，各结算台联网后即可使用"), "ok")
    return redirect(url_for("me.face"))


@me.post("/face.jpg")
@diner
def face_image() -> Response:
    """One's own photograph; that somebody looked is written down."""
    with db.writing(services().engine) as session:
        jpeg = faces.show_photo(session, actor(), services().ring, who().diner_id)
    if jpeg is None:
        abort(404)
    return Response(jpeg, mimetype="image/jpeg")


@me.post("/face/withdraw")
@diner
def face_withdraw() -> AnyResponse:
    """He withdraws: erase."""
    change(
        lambda session: faces.withdraw(session, actor(), who().diner_id),
        _("已撤回并删除；各结算台联网后随即删除并回执"),
    )
    return redirect(url_for("me.face"))


@me.get("/face/receipt")
@diner
def face_receipt() -> str:
    """What was erased, where, and how that is known."""
    mine = who()
    with reading() as session:
        found = erasures.receipt(session, mine.site_id, mine.diner_id)
        if found is None:
            abort(404)
        person = people.get_diner(session, mine.site_id, mine.diner_id)
        return render_template(
            "me/erased.html", tab="mine", receipt=found, person=person,
            now=services().clock.now(),
        )  # fmt: skip
