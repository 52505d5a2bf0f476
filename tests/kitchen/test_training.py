from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dafan.db import reading, writing
from dafan.errors import BadInputError
from kitchen import rows, staff, training
from kitchen.staff import WorkerValues
from kitchen.training import Asked, CourseValues, QuestionValues, draw, mark

DAY = date(2026, 3, 2)
HANDS = QuestionValues(text="洗手至少多少秒？", options=("5", "20", "3"), right=(1,), because="20")
RED = QuestionValues(text="哪些要分开？", options=("生", "熟", "水"), right=(0, 1))


@pytest.fixture
def school(engine, actor):
    with writing(engine) as session:
        worker = staff.create(session, actor, WorkerValues(name="chen", post="厨师")).id
        course = training.create_course(session, actor, CourseValues(title="食品安全")).id
        for question in (HANDS, RED):
            training.add_question(session, actor, course, question)
    return course, worker


def begin(engine, actor, school, key="k"):
    with writing(engine) as session:
        return training.start(session, actor, key, *school, DAY)


def answers(paper, right=True):
    known = {"洗手至少多少秒？": {"20"}, "哪些要分开？": {"生", "熟"}}
    return [
        [place for place, option in enumerate(one.options) if (option in known[one.text]) is right]
        for one in paper.questions
    ]


def hand_in(engine, actor, paper, given_answers):
    with writing(engine) as session:
        return training.hand_in(session, actor, paper.attempt_id, given_answers, DAY)


def test_a_paper_does_not_tell_its_answers(engine, actor, school):
    paper = begin(engine, actor, school)
    assert set(Asked.__slots__) == {"text", "options", "several"}
    assert {(one.text, one.several) for one in paper.questions} == {
        (HANDS.text, False),
        (RED.text, True),
    }
    assert HANDS.because not in {one.text for one in paper.questions}


def test_all_right_is_a_pass_that_lasts_a_year_and_closes_what_was_due(engine, actor, school):
    course, worker = school
    with reading(engine) as session:
        assert [one.id for one in training.due(session, actor.site_id, worker, DAY)] == [course]
    paper = begin(engine, actor, school)
    result = hand_in(engine, actor, paper, answers(paper))
    assert (result.score, result.passed) == (100, True)
    assert result.good_until == DAY + timedelta(days=365)
    assert all(one.correct for one in result.questions)
    with reading(engine) as session:
        site = actor.site_id
        assert training.due(session, site, worker, result.good_until) == []
        assert training.due(session, site, worker, result.good_until + timedelta(days=1)) != []
        (line,) = training.record_file(session, site, worker)
    assert (line.title, line.score, line.passed) == ("食品安全", 100, True)


def test_a_fail_is_kept_in_the_file_and_the_course_stays_due(engine, actor, school):
    course, worker = school
    paper = begin(engine, actor, school)
    result = hand_in(engine, actor, paper, answers(paper, right=False))
    assert (result.score, result.passed, result.good_until) == (0, False, None)
    with reading(engine) as session:
        assert [one.id for one in training.due(session, actor.site_id, worker, DAY)] == [course]
        assert len(training.record_file(session, actor.site_id, worker)) == 1


def test_an_open_paper_comes_again_unchanged_also_when_questions_changed(engine, actor, school):
    paper = begin(engine, actor, school)
    with writing(engine) as session:
        for row in session.query(training.Question):
            training.retire_question(session, actor, row.id)
    assert begin(engine, actor, school, "another key") == paper
    assert hand_in(engine, actor, paper, answers(paper)).passed
    with pytest.raises(BadInputError, match="no test"):
        begin(engine, actor, school, "third")


def test_answers_are_handed_in_once(engine, actor, school):
    paper = begin(engine, actor, school)
    first = hand_in(engine, actor, paper, answers(paper, right=False))
    assert hand_in(engine, actor, paper, answers(paper, right=False)) == first
    with pytest.raises(BadInputError, match="handed in already"):
        hand_in(engine, actor, paper, answers(paper))
    assert [one.action for one in actor.recorded].count("training.hand_in") == 1


@pytest.mark.parametrize("wrong", [[], [[0]], [[0], []], [[0], [7]], [[-1], [0]]])
def test_missing_or_impossible_answers_are_refused_and_nothing_is_written(
    engine, actor, school, wrong
):
    paper = begin(engine, actor, school)
    with pytest.raises(BadInputError):
        hand_in(engine, actor, paper, wrong)
    with reading(engine) as session:
        assert training.record_file(session, actor.site_id, school[1]) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"right": [3]},
        {"right": [-1]},
        {"right": []},
        {"right": [1, 1]},
        {"options": ["a", "a"], "right": [0]},
        {"options": ["a"], "right": [0]},
    ],
)
def test_a_question_without_a_possible_answer_is_refused(wrong):
    with pytest.raises(BadInputError):
        rows.read(QuestionValues, {"text": "?", "options": ["a", "b"], **wrong}, "question")


def test_two_courses_of_one_title_are_refused(engine, actor, school):
    with writing(engine) as session:
        other = training.create_course(session, actor, CourseValues(title="消防")).id
    same = CourseValues(title="食品安全")
    with pytest.raises(BadInputError, match="already"), writing(engine) as session:
        training.create_course(session, actor, same)
    with pytest.raises(BadInputError, match="already"), writing(engine) as session:
        training.update_course(session, actor, other, same)
    with writing(engine) as session:
        training.update_course(session, actor, school[0], CourseValues(title="卫生", asked=1))
    assert len(begin(engine, actor, school).questions) == 1


@given(st.integers(0, 2**128), st.integers(1, 5))
def test_the_seed_alone_decides_a_paper_and_its_right_answers_stay_right(seed, asked):
    paper = draw([HANDS, RED], asked, seed)
    assert paper == draw([HANDS, RED], asked, seed)
    assert len(paper) == min(asked, 2)
    assert all(one.correct for one in mark(paper, [one["right"] for one in paper]))
    right = {HANDS.text: {"20"}, RED.text: {"生", "熟"}}
    for one in paper:
        assert {one["options"][place] for place in one["right"]} == right[one["text"]]
