"""通知和测评: what the canteen tells and asks, and what waits for this diner alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from flask import abort, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan import db
from dafan.money import Fen
from server import (
    birthdays,
    feedback,
    line_view,
    notices,
    people,
    preorders,
    subsidy_expiry,
    surveys,
)
from server.access import diner
from server.line_view import Late
from server.notices import Notice, UnknownNoticeError
from server.pages import formats, site_view
from server.pages.me.blueprint import me, who
from server.pages.shared import change, reading
from server.services import services
from server.surveys import Survey, UnknownSurveyError

ANSWERED = timedelta(days=7)
"""So long an answer, or a charge that came late, is news."""
NAMED = 3
"""So many dishes of such a charge are named."""


@dataclass(frozen=True, slots=True)
class News:
    """Something that concerns this diner alone.

    Attributes:
        light: ``ok`` or ``warn``.
        text: In the diner's language.
        url: Where it stands.
    """

    light: str
    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Told:
    """What the phone tells on its first page."""

    own: Sequence[News]
    notices: Sequence[Notice]
    read: set[UUID]
    surveys: Sequence[Survey]

    @property
    def unread(self) -> list[Notice]:
        """What he has not opened."""
        return [one for one in self.notices if one.id not in self.read]


def told(session: Session, today: date) -> Told:
    """What there is for the diner of this request."""
    mine = who()
    person = people.get_diner(session, mine.site_id, mine.diner_id)
    found = notices.shown(session, mine.site_id, person.group_id, today)
    return Told(
        _own(session, today), found, notices.read_by(session, mine.diner_id, found),
        surveys.open_for(session, mine.site_id, mine.diner_id, today),
    )  # fmt: skip


def _own(session: Session, today: date) -> list[News]:
    mine, now = who(), services().clock.now()
    news = []
    gift = birthdays.fresh(session, mine.diner_id, today)
    if gift is not None:
        text = _("生日快乐！食堂送您 %(fen)s 生日礼券，%(day)s 前用",
                 fen=formats.yuan(Fen(gift.fen)), day=gift.expires_on.isoformat())  # fmt: skip
        news.append(News("ok", text, url_for("me.moves")))
    for order in preorders.of_diner(session, mine.site_id, mine.diner_id, limit=10):
        if order.ready(now):
            where = {"title": order.round.title, "place": order.round.place}
            text = _("“%(title)s”可以取了：%(place)s，取餐码 %(code)s",
                     code=order.row.shown_code, **where)  # fmt: skip
            news.append(News("ok", text, url_for("me.preorder", order_id=order.row.id)))
    for row in feedback.of_diner(session, mine.site_id, mine.diner_id, limit=10):
        if row.answered_at is not None and now - row.answered_at < ANSWERED:
            text = _("食堂答复了您：%(text)s", text=row.answer[:40])
            news.append(News("ok", text, url_for("me.feedback")))
    for day, left in subsidy_expiry.soon_of(session, mine.site_id, mine.diner_id, today):
        text = _("%(fen)s 补贴到 %(day)s 为止，没用完的会收回",
                 fen=formats.yuan(left), day=day.isoformat())  # fmt: skip
        news.append(News("warn", text, url_for("me.moves")))
    late = line_view.charged_late(session, mine.site_id, mine.diner_id, now - ANSWERED)
    news += [News("warn", _late(one), url_for("me.sale", sale_id=one.sale_id)) for one in late]
    return news


def _late(late: Late) -> str:
    """What was charged late, for which food, and when it was taken."""
    some = [_("%(name)s %(n)s 克", name=name, n=n) for name, n in late.food.items()]
    food = _("、").join(some[:NAMED])
    if len(some) > NAMED:
        food = _("%(names)s 等 %(n)s 样", names=food, n=len(some))
    taken = late.taken_at.astimezone(site_view.current().zone)
    told = {"fen": formats.yuan(late.total), "at": f"{taken:%m-%d %H:%M}", "food": food}
    return str(_("托盘结算以后补收 %(fen)s：%(at)s 取的%(food)s", **told))


@me.get("/notices")
@diner
def notice_list() -> str:
    """All that is told today."""
    with reading() as session:
        return render_template("me/notices.html", tab="home", told=told(session, _today()))


@me.get("/notices/<uuid:notice_id>")
@diner
def notice(notice_id: UUID) -> str:
    """One notice; opened, it is read."""
    mine, now = who(), services().clock.now()
    with db.writing(services().engine) as session:
        person = people.get_diner(session, mine.site_id, mine.diner_id)
        try:
            row = notices.get(session, mine.site_id, notice_id)
        except UnknownNoticeError:
            abort(404)
        if row not in notices.shown(session, mine.site_id, person.group_id, _today()):
            abort(404)
        notices.read(session, row, mine.diner_id, now)
    return render_template("me/notice.html", tab="home", row=row)


@me.get("/surveys/<uuid:survey_id>")
@diner
def survey(survey_id: UUID) -> str:
    """The questions, or the thanks."""
    mine = who()
    with reading() as session:
        row = _survey(session, survey_id)
        return render_template(
            "me/survey.html",
            tab="home",
            row=row,
            questions=surveys.questions_of(row),
            done=surveys.has_answered(session, row.id, mine.diner_id),
            open=row.open_on(_today()),
            most=surveys.MAX_TEXT,
        )


@me.post("/surveys/<uuid:survey_id>")
@diner
def survey_answer(survey_id: UUID) -> AnyResponse:
    """The diner's answers; only that he has answered is kept of him."""
    mine = who()

    def work(session: Session) -> None:
        row = _survey(session, survey_id)
        places = range(len(row.questions))
        given = {place: request.form.get(f"q{place}", "") for place in places}
        surveys.answer(session, mine.site_id, mine.diner_id, survey_id, given, _today())

    change(work, _("谢谢，已收到您的回答"))
    return redirect(url_for("me.survey", survey_id=survey_id))


def _survey(session: Session, survey_id: UUID) -> Survey:
    try:
        return surveys.get(session, who().site_id, survey_id)
    except UnknownSurveyError:
        abort(404)


def _today() -> date:
    return site_view.current().today(services().clock.now())
