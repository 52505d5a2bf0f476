"""满意度测评: what questionnaires of the range of days found, as a part of the report."""

from flask_babel import gettext as _
from sqlalchemy import select

from server import surveys
from server.reports.basis import Basis
from server.reports.frame import TIMES, Cell, Column, Link, Part, Table, Unit
from server.surveys import QuestionKind, Survey


def part(basis: Basis, marks: Unit) -> Part:
    """The mean of every question with stars; of fewer than :data:`surveys.SHOWN_FROM` none.

    Args:
        basis: Whose range some day of the questionnaire lies in.
        marks: Hundredths of a star.
    """
    scope = basis.scope()
    query = select(Survey).where(
        Survey.site_id == basis.site_id,
        Survey.opens_on <= scope.until, Survey.closes_on >= scope.since,
    )  # fmt: skip
    rows = [
        [
            Cell(one.title, Link("manage.survey_page", {"survey_id": str(one.id)})),
            Cell(result.question.text),
            Cell(result.tenths * 10), Cell(result.answered),
        ]
        for one in basis.session.scalars(query.order_by(Survey.opens_on.desc(), Survey.id))
        for result in surveys.results(basis.session, one)
        if result.question.kind is QuestionKind.STARS and result.tenths is not None
    ]  # fmt: skip
    columns = [
        Column(_("测评")), Column(_("问题")), Column(_("平均评分"), marks),
        Column(_("回答"), TIMES),
    ]  # fmt: skip
    return Part("surveys", _("测评怎么说？"), Table(columns, rows))
