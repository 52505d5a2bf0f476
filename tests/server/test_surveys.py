"""Questionnaires and notices: one voice each, nobody's name on it, few voices stay unheard."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from dafan import db
from dafan.ids import new_id
from server import audit, notices, surveys
from server.actor import Actor
from server.ratings import SHOWN_FROM
from server.surveys import Question, QuestionKind, SurveyAnswer, SurveyError, SurveyValues
from tests.server.conftest import NOON, TestSite

TODAY = NOON.date()
QUESTIONS = (
    Question(kind=QuestionKind.STARS, text="饭菜味道"),
    Question(kind=QuestionKind.CHOICE, text="您最常吃哪一餐", choices=("早餐", "午餐")),
    Question(kind=QuestionKind.TEXT, text="想对食堂说什么"),
)


def test_a_diner_answers_once_and_nothing_tells_who_it_was(
    engine: Engine, actor: Actor, site: TestSite, make_diner: Callable[..., UUID]
) -> None:
    values = SurveyValues(title="三月", opens_on=TODAY, closes_on=TODAY, questions=QUESTIONS)
    diners = [make_diner(cash=0) for _ in range(SHOWN_FROM)]
    with db.writing(engine) as session:
        row = surveys.ask(session, actor, new_id(), values)
        for wrong in ({}, {0: "6"}, {1: "2"}, {0: "x"}):
            with pytest.raises(SurveyError):
                surveys.answer(session, site.id, diners[0], row.id, wrong, TODAY)
        later = TODAY + timedelta(days=1)
        with pytest.raises(SurveyError):
            surveys.answer(session, site.id, diners[0], row.id, {0: "5"}, later)
        for place, diner in enumerate(diners):
            assert surveys.results(session, row) == []
            given = {0: str(place + 1), 1: "1", 2: "好" if place == 0 else ""}
            surveys.answer(session, site.id, diner, row.id, given, TODAY)
            surveys.answer(session, site.id, diner, row.id, {0: "1"}, TODAY)
    with db.reading(engine) as session:
        stars, choice, text = surveys.results(session, row)
        assert (stars.counts, stars.mean, stars.answered) == ((1, 1, 1, 1, 1), "3.0", SHOWN_FROM)
        assert choice.counts == (0, SHOWN_FROM)
        assert (text.texts, text.answered) == ((), 1), "one voice of a text is not told"
        assert surveys.open_for(session, site.id, diners[0], TODAY) == []
        kept = [repr(one.__dict__) for one in session.scalars(select(SurveyAnswer))]
        assert not any(str(diner) in one for diner in diners for one in kept)
        assert {each.action for each in audit.page(session, site.id)} & {"survey.answer"} == set()
        assert {one.id.version for one in session.scalars(select(SurveyAnswer))} == {4}


@settings(max_examples=30)
@given(stars=st.lists(st.integers(1, 5), max_size=12))
def test_every_star_is_counted_once_and_few_are_not_told(stars: list[int]) -> None:
    told = surveys.tell(QUESTIONS[0], stars)
    assert told.answered == len(stars)
    if len(stars) < SHOWN_FROM:
        assert (told.counts, told.mean) == ((), "")
    else:
        assert sum(told.counts) == len(stars)
        assert abs((told.tenths or 0) / 10 - sum(stars) / len(stars)) <= 0.05 + 1e-9


def test_a_notice_is_shown_to_its_groups_on_its_days_until_it_is_taken_off(
    engine: Engine, actor: Actor, site: TestSite, make_diner: Callable[..., UUID]
) -> None:
    diner, stranger = make_diner(cash=0), new_id()
    day = {"shown_from": TODAY, "shown_until": TODAY + timedelta(days=1)}
    with db.writing(engine) as session:
        for_all = notices.write(
            session, actor, new_id(), notices.NoticeValues(title="停水", text="明天停水", **day)
        )
        own = notices.NoticeValues(title="职工", text="体检", groups=(site.group_id,), **day)
        notices.write(session, actor, new_id(), own)
        titles = {
            (group, when): [one.title for one in notices.shown(session, site.id, group, when)]
            for group in (site.group_id, stranger)
            for when in (TODAY, TODAY + timedelta(days=2))
        }
        assert list(titles.values()) == [["职工", "停水"], [], ["停水"], []]
        for _ in range(2):
            notices.read(session, for_all, diner, NOON)
        assert notices.readers(session, [for_all]) == {for_all.id: 1}
        assert notices.read_by(session, diner, [for_all]) == {for_all.id}
        notices.withdraw(session, actor, for_all.id)
        assert [one.title for one in notices.shown(session, site.id, stranger, TODAY)] == []
