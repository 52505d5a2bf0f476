"""培训: what is to be read, the test, who passed and who still has to."""

from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import BadInputError
from kitchen import rows, staff, training, training_gaps
from kitchen.training import Course, CourseValues, QuestionValues
from server.access import needs
from server.pages.kitchen import fields, signing
from server.pages.kitchen.blueprint import kitchen
from server.pages.kitchen.more import TILES, Tile
from server.pages.shared import actor, change, reading, site_id

OPTIONS = 6
"""So many lines a question's form has."""

TILES.append(Tile("kitchen.courses", _l("培训"), _l("学习、考试、谁还没有通过")))


@kitchen.get("/training")
@needs("see_kitchen")
def courses() -> str:
    """All courses, and who still has to pass them."""
    with reading() as session:
        every = training_gaps.courses(session, site_id())
        waiting = training_gaps.waiting(session, site_id(), fields.day())
    return render_template("kitchen/courses.html", every=every, waiting=waiting)


@kitchen.get("/training/<uuid:course_id>")
@needs("see_kitchen")
def course(course_id: UUID) -> str:
    """What is to be read, and the way to the test."""
    with reading() as session:
        row = rows.get(session, Course, site_id(), course_id, "course")
        asks = training.questions(session, site_id(), course_id)
        waiting = training_gaps.waiting(session, site_id(), fields.day()).get(course_id, [])
    return render_template("kitchen/course.html", row=row, asks=asks, waiting=waiting)


@kitchen.post("/training/<uuid:course_id>/start")
@needs("do_kitchen")
def test_start(course_id: UUID) -> AnyResponse:
    """Hand a person his paper."""
    made: list[UUID] = []

    def work(session: Session) -> None:
        by = signing.acting()
        paper = training.start(session, by, fields.key(), course_id, _worker(), fields.day())
        made.append(paper.attempt_id)

    if change(work, ""):
        return redirect(url_for("kitchen.paper", attempt_id=made[0]))
    return redirect(url_for("kitchen.course", course_id=course_id))


@kitchen.get("/training/papers/<uuid:attempt_id>")
@needs("see_kitchen")
def paper(attempt_id: UUID) -> str:
    """The questions; behind the answers, what was right."""
    with reading() as session:
        worker_id, asked, result = training.paper(session, site_id(), attempt_id)
        name = staff.get(session, site_id(), worker_id).name
    return render_template("kitchen/paper.html", paper=asked, result=result, name=name)


@kitchen.post("/training/papers/<uuid:attempt_id>")
@needs("do_kitchen")
def test_hand_in(attempt_id: UUID) -> AnyResponse:
    """The taker himself hands in."""

    def work(session: Session) -> None:
        by, worker_id = signing.acting(), _worker()
        owner, asked, _result = training.paper(session, site_id(), attempt_id)
        if owner != worker_id:
            raise BadInputError(_("这份试卷是别人的：请本人签字交卷"))
        answers = [
            [int(one) for one in request.form.getlist(f"q{number}") if one.isdecimal()]
            for number in range(len(asked.questions))
        ]
        if not all(answers):
            raise BadInputError(_("还有题没有答，答完再交卷"))
        training.hand_in(session, by, attempt_id, answers, fields.day())

    change(work, _("已交卷"))
    return redirect(url_for("kitchen.paper", attempt_id=attempt_id))


@kitchen.route("/training/new", methods=["GET", "POST"])
@needs("run_kitchen")
def course_new() -> str | AnyResponse:
    """Add a course."""

    def work(session: Session) -> None:
        training.create_course(session, actor(), fields.given(CourseValues))

    if request.method == "POST" and change(work, _("已添加")):
        return redirect(url_for("kitchen.courses"))
    return render_template("kitchen/course_edit.html", row=None, asks=(), lines=OPTIONS)


@kitchen.route("/training/<uuid:course_id>/edit", methods=["GET", "POST"])
@needs("run_kitchen")
def course_edit(course_id: UUID) -> str | AnyResponse:
    """Change a course; papers that are open keep the rules they began with."""

    def work(session: Session) -> None:
        training.update_course(session, actor(), course_id, fields.given(CourseValues))

    if request.method == "POST" and change(work, _("已保存")):
        return redirect(url_for("kitchen.course", course_id=course_id))
    with reading() as session:
        row = rows.get(session, Course, site_id(), course_id, "course")
        asks = training.questions(session, site_id(), course_id)
    return render_template("kitchen/course_edit.html", row=row, asks=asks, lines=OPTIONS)


@kitchen.post("/training/<uuid:course_id>/questions")
@needs("run_kitchen")
def question_add(course_id: UUID) -> AnyResponse:
    """Add a question; sent twice, it is asked once."""

    def work(session: Session) -> None:
        typed = [(line, fields.said(f"option{line}")) for line in range(OPTIONS)]
        chosen = {int(one) for one in request.form.getlist("right") if one.isdecimal()}
        kept = [(line, text) for line, text in typed if text]
        values = fields.given(
            QuestionValues,
            _("选项不能重复，正确答案要选在写了字的选项上"),
            options=tuple(text for _line, text in kept),
            right=tuple(place for place, (line, _text) in enumerate(kept) if line in chosen),
        )
        asks = training.questions(session, site_id(), course_id)
        if all((one.text, one.options) != (values.text, [*values.options]) for one in asks):
            training.add_question(session, actor(), course_id, values)

    change(work, _("考题已添加"))
    return redirect(url_for("kitchen.course_edit", course_id=course_id))


@kitchen.post("/training/<uuid:course_id>/questions/<uuid:question_id>/retire")
@needs("run_kitchen")
def question_retire(course_id: UUID, question_id: UUID) -> AnyResponse:
    """Ask it no more."""

    def work(session: Session) -> None:
        training.retire_question(session, actor(), question_id)

    change(work, _("考题已停用"))
    return redirect(url_for("kitchen.course_edit", course_id=course_id))


def _worker() -> UUID:
    person = signing.signer()
    if person.worker_id is None:
        raise BadInputError(_("您还不在人员名单里：请先在“人员”里登记"))
    return person.worker_id
