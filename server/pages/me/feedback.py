"""意见: a complaint or an idea, with a picture; who answers, until when, and the answer."""

from uuid import UUID

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import DafanError
from kitchen.pictures import Picture
from server import feedback as said
from server import uploads
from server.access import diner
from server.pages import messages
from server.pages.manage.faces import MAX_PHOTO
from server.pages.me.blueprint import actor, me, who
from server.pages.shared import as_uuid, change, next_page, reading
from server.services import services
from server.values import read_values

PAGE = 20


@me.get("/feedback")
@diner
def feedback() -> str:
    """The form, and what one said before."""
    mine = who()
    with reading() as session:
        rows = said.of_diner(
            session, mine.site_id, mine.diner_id, before=as_uuid(request.args.get("before")),
            limit=PAGE,
        )  # fmt: skip
        return render_template(
            "me/feedback.html",
            tab="mine",
            rows=rows,
            owners=said.owners(session, mine.site_id),
            now=services().clock.now(),
            max_bytes=MAX_PHOTO,
            following=next_page(len(rows), PAGE, before=str(rows[-1].id) if rows else ""),
        )


@me.post("/feedback")
@diner
def feedback_say() -> AnyResponse:
    """Say it; the same form twice says it once."""
    key, file = as_uuid(request.form.get("key")), request.files.get("photo")
    if key is None:
        abort(400)
    told = {name: request.form.get(name, "") for name in ("kind", "text")}
    try:
        jpeg = uploads.read_picture(file.stream) if file and file.filename else None
    except DafanError as error:
        flash(messages.say(error), "stop")
        return redirect(url_for("me.feedback"))

    def work(session: Session) -> None:
        values = read_values(said.FeedbackValues, told)
        said.say(session, actor(), who().diner_id, key, values, jpeg)

    change(work, _("已收到，会在期限内答复您"))
    return redirect(url_for("me.feedback"))


@me.get("/feedback/<uuid:feedback_id>.jpg")
@diner
def feedback_picture(feedback_id: UUID) -> Response:
    """The picture that one sent."""
    mine = who()
    with reading() as session:
        try:
            row = said.get(session, mine.site_id, feedback_id)
        except said.UnknownFeedbackError:
            abort(404)
        if row.diner_id != mine.diner_id or row.picture_id is None:
            abort(404)
        return Response(session.get_one(Picture, row.picture_id).jpeg, mimetype="image/jpeg")
