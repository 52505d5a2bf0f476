"""测评: what diners are asked, and what they said, without their names."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import BadInputError
from server import surveys
from server.access import needs
from server.pages import site_view
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, as_uuid, change, next_page, reading, site_id
from server.ratings import SHOWN_FROM
from server.services import services
from server.surveys import QuestionKind, SurveyValues
from server.values import read_values

PAGE = 50
BLANK = 4
_WEEK = timedelta(days=7)
_BETWEEN = re.compile("[、，,;；/]")


@dataclass(frozen=True, slots=True)
class Line:
    """A question of the form, as it was typed."""

    kind: str = QuestionKind.STARS.value
    text: str = ""
    choices: str = ""


@manage.get("/surveys")
@needs("run_kitchen")
def surveys_list() -> str:
    """All questionnaires, the latest first."""
    with reading() as session:
        rows = surveys.page(
            session, site_id(), after=as_uuid(request.args.get("after")), limit=PAGE
        )
        return render_template(
            "manage/surveys.html",
            active="manage.notices_list",
            rows=rows,
            voices=surveys.voices(session, rows),
            today=_today(),
            following=next_page(len(rows), PAGE, after=str(rows[-1].id) if rows else ""),
        )


@manage.get("/surveys/new")
@needs("run_kitchen")
def survey_new() -> str:
    """The form, with what is usually asked each month."""
    usual = [_("饭菜味道"), _("菜品花样"), _("分量和价格"), _("卫生"), _("服务态度")]
    lines = [Line(text=str(one)) for one in usual]
    return _form([*lines, Line(QuestionKind.TEXT.value, str(_("想对食堂说什么")))])


@manage.post("/surveys/new")
@needs("run_kitchen")
def survey_ask() -> AnyResponse | str:
    """Ask it; what does not fit comes back as it was typed."""
    key = as_uuid(request.form.get("key"))

    def work(session: Session) -> None:
        if key is None:
            raise BadInputError(_("请刷新页面再填一次"))
        surveys.ask(session, actor(), key, _values())

    if change(work, _("已发布，手机上随即看到")):
        return redirect(url_for("manage.surveys_list"))
    return _form(_typed())


@manage.get("/surveys/<uuid:survey_id>")
@needs("run_kitchen")
def survey_page(survey_id: UUID) -> str:
    """What was answered."""
    with reading() as session:
        row = surveys.get(session, site_id(), survey_id)
        return render_template(
            "manage/survey.html",
            active="manage.notices_list",
            row=row,
            results=surveys.results(session, row),
            voices=surveys.voices(session, [row]).get(row.id, 0),
            few=SHOWN_FROM,
            today=_today(),
        )


@manage.post("/surveys/<uuid:survey_id>/end")
@needs("run_kitchen")
def survey_end(survey_id: UUID) -> AnyResponse:
    """End it with today."""
    change(
        lambda session: surveys.end(session, actor(), survey_id, _today()), _("今天过后不再收回答")
    )
    return redirect(url_for("manage.survey_page", survey_id=survey_id))


def _form(lines: list[Line]) -> str:
    return render_template(
        "manage/survey_new.html",
        active="manage.notices_list",
        lines=[*lines, *(Line() for _ in range(BLANK))],
        today=_today(),
        until=_today() + _WEEK,
        given=request.form,
    )


def _values() -> SurveyValues:
    given = request.form
    questions = []
    for one in _typed():
        choices = [part.strip() for part in _BETWEEN.split(one.choices) if part.strip()]
        if one.kind == QuestionKind.CHOICE and not 2 <= len(set(choices)) == len(choices) <= 10:
            raise BadInputError(_("“%(text)s”要写 2 到 10 个不同的选项，用顿号隔开", text=one.text))
        kept = choices if one.kind == QuestionKind.CHOICE else []
        questions.append({"kind": one.kind, "text": one.text, "choices": kept})
    if not questions:
        raise BadInputError(_("请至少写一个问题"))
    if not given.get("opens_on") or not given.get("closes_on"):
        raise BadInputError(_("请选择起止日期"))
    told = {name: given.get(name, "") for name in ("title", "opens_on", "closes_on")}
    return read_values(SurveyValues, {**told, "questions": questions})


def _typed() -> list[Line]:
    columns = (request.form.getlist(name) for name in ("kind", "text", "choices"))
    found = [Line(*(cell.strip() for cell in cells)) for cells in zip(*columns, strict=False)]
    return [one for one in found if one.text][: surveys.MAX_QUESTIONS + 1]


def _today() -> date:
    return site_view.current().today(services().clock.now())
