"""意见: what diners complain of and suggest; every one is answered before its deadline."""

from uuid import UUID

from flask import Response, abort, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from kitchen.pictures import Picture
from server import feedback, people
from server.access import needs
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, as_uuid, change, next_page, reading, site_id
from server.services import services

PAGE = 50


@manage.get("/feedback")
@needs("run_kitchen")
def feedback_list() -> str:
    """What waits, the first due first; or what is answered."""
    answered = request.args.get("answered") == "1"
    with reading() as session:
        rows = feedback.page(
            session, site_id(), answered=answered, after=as_uuid(request.args.get("after")),
            limit=PAGE,
        )  # fmt: skip
        now = services().clock.now()
        return render_template(
            "manage/feedback.html",
            rows=rows,
            answered=answered,
            late=sum(row.late(now) for row in rows),
            diners=people.get_diners(session, site_id(), {row.diner_id for row in rows}),
            owners=feedback.owners(session, site_id()),
            now=now,
            following=next_page(len(rows), PAGE, after=str(rows[-1].id) if rows else ""),
        )


@manage.post("/feedback/<uuid:feedback_id>/answer")
@needs("run_kitchen")
def feedback_answer(feedback_id: UUID) -> AnyResponse:
    """Answer; the diner reads it on his phone."""
    text = request.form.get("answer", "")
    change(
        lambda session: feedback.answer(session, actor(), feedback_id, text),
        _("已答复，就餐人在手机上可以看到"),
    )
    return redirect(url_for("manage.feedback_list"))


@manage.post("/feedback/<uuid:feedback_id>/owner")
@needs("run_kitchen")
def feedback_owner(feedback_id: UUID) -> AnyResponse:
    """Let another one answer."""
    login = request.form.get("owner", "")
    change(lambda session: feedback.hand_over(session, actor(), feedback_id, login), _("已转交"))
    return redirect(url_for("manage.feedback_list"))


@manage.get("/feedback/<uuid:feedback_id>.jpg")
@needs("run_kitchen")
def feedback_picture(feedback_id: UUID) -> Response:
    """The picture that the diner sent."""
    with reading() as session:
        try:
            row = feedback.get(session, site_id(), feedback_id)
        except feedback.UnknownFeedbackError:
            abort(404)
        if row.picture_id is None:
            abort(404)
        return Response(session.get_one(Picture, row.picture_id).jpeg, mimetype="image/jpeg")
