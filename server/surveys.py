"""Questionnaires (满意度测评): asked for some days, answered once by each diner, without his name.

An answer holds neither the diner nor a time, and its id tells no order; that somebody has answered
stands in a row of its own. Of fewer than :data:`SHOWN_FROM` voices nothing but their number is
told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID, uuid4

from pydantic import Field, model_validator
from sqlalchemy import JSON, ForeignKey, Index, String, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base
from dafan.errors import BadInputError
from server.actor import Actor
from server.ratings import SHOWN_FROM, STARS
from server.values import Values

MAX_QUESTIONS = 20
MAX_TEXT = 300
MAX_VOICES = 20_000


class QuestionKind(StrEnum):
    """How a question is answered."""

    STARS = "stars"
    CHOICE = "choice"
    TEXT = "text"


class SurveyError(BadInputError):
    """It cannot be answered so, or not now."""

    code = "bad_survey"


class UnknownSurveyError(BadInputError):
    """There is no such questionnaire here."""

    code = "unknown_survey"


class Survey(Base):
    """A questionnaire."""

    __tablename__ = "survey"
    __table_args__ = (Index("ix_survey_site_id_closes_on", "site_id", "closes_on"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    title: Mapped[str] = mapped_column(String(60))
    questions: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    """:class:`Question` as JSON, in their order."""
    opens_on: Mapped[date]
    closes_on: Mapped[date]
    """The last day."""
    made_by: Mapped[str] = mapped_column(String(80))
    made_at: Mapped[datetime]

    def open_on(self, day: date) -> bool:
        """Whether it is answered on a business date."""
        return self.opens_on <= day <= self.closes_on


class SurveyVoice(Base):
    """Somebody has answered; not what."""

    __tablename__ = "survey_voice"

    survey_id: Mapped[UUID] = mapped_column(ForeignKey("survey.id"), primary_key=True)
    diner_id: Mapped[UUID] = mapped_column(primary_key=True)


class SurveyAnswer(Base):
    """What somebody answered; not who."""

    __tablename__ = "survey_answer"
    __table_args__ = (Index("ix_survey_answer_survey_id", "survey_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    """Random: an id that is made of the time would tell who it was."""
    survey_id: Mapped[UUID] = mapped_column(ForeignKey("survey.id"))
    answers: Mapped[list[Any]] = mapped_column(JSON)
    """For each question the stars, the place of the choice, or the text; ``None``: none."""


class Question(Values):
    """What is asked."""

    kind: QuestionKind
    text: Annotated[str, Field(min_length=1, max_length=120)]
    choices: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=40)], ...], Field(max_length=10)
    ] = ()

    @model_validator(mode="after")
    def _has_choices(self) -> Self:
        several = len(set(self.choices)) == len(self.choices) >= 2
        if (self.kind is QuestionKind.CHOICE) != several or (self.choices and not several):
            raise ValueError("a question of choice needs two different choices, others have none")
        return self


class SurveyValues(Values):
    """What a person asks."""

    title: Annotated[str, Field(min_length=1, max_length=60)]
    opens_on: date
    closes_on: date
    questions: Annotated[tuple[Question, ...], Field(min_length=1, max_length=MAX_QUESTIONS)]


@dataclass(frozen=True, slots=True)
class Result:
    """What was answered to a question.

    Attributes:
        counts: For stars those of one to five, for choices those of each, in order.
        tenths: Mean of the stars times ten, half up.
        texts: In no order.
        answered: How many answered this one.
    """

    question: Question
    counts: tuple[int, ...]
    tenths: int | None
    texts: tuple[str, ...]
    answered: int

    @property
    def mean(self) -> str:
        """``4.7``; empty without stars."""
        return "" if self.tenths is None else f"{self.tenths // 10}.{self.tenths % 10}"


def ask(session: Session, actor: Actor, survey_id: UUID, values: SurveyValues) -> Survey:
    """Make a questionnaire; the same form again makes it once.

    Raises:
        BadInputError: the last day is before the first.
    """
    known = session.get(Survey, survey_id)
    if known is not None:
        if (known.site_id, known.title) != (actor.site_id, values.title):
            raise BadInputError("this form was used before: reload the page", code="key_reused")
        return known
    if values.closes_on < values.opens_on:
        raise BadInputError("the last day is before the first one", code="bad_days")
    told = values.model_dump(mode="json")
    row = Survey(
        id=survey_id, site_id=actor.site_id, title=values.title, questions=told["questions"],
        opens_on=values.opens_on, closes_on=values.closes_on, made_by=actor.name[:80],
        made_at=actor.at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    actor.record(session, "survey.ask", str(row.id), None, told)
    return row


def end(session: Session, actor: Actor, survey_id: UUID, today: date) -> None:
    """Let nobody answer from tomorrow on; of one that has ended, or not begun, nothing changes.

    Raises:
        UnknownSurveyError: not one of this site.
    """
    row = get(session, actor.site_id, survey_id)
    if row.open_on(today) and row.closes_on > today:
        before, row.closes_on = row.closes_on, today
        session.flush()
        actor.record(session, "survey.end", str(row.id), before.isoformat(), today.isoformat())


def answer(
    session: Session, site_id: UUID, diner_id: UUID, survey_id: UUID, given: Mapping[int, str],
    today: date,
) -> None:  # fmt: skip
    """Answer a questionnaire, once; a second time nothing is kept.

    The journal of changes says nothing of it: it would tell who answered when.

    Args:
        session: Writing.
        site_id: Where he eats.
        diner_id: Who answers.
        survey_id: What.
        given: Place of the question, from 0 → what was typed or chosen.
        today: Business date.

    Raises:
        UnknownSurveyError: not one of this site.
        SurveyError: not open, nothing answered, or no such answer.
    """
    row = get(session, site_id, survey_id)
    if not row.open_on(today):
        raise SurveyError("this questionnaire is not open", code="survey_closed")
    asked = questions_of(row)
    answers = [_read(one, given.get(place, "").strip()) for place, one in enumerate(asked)]
    if all(one is None for one in answers):
        raise SurveyError("answer at least one question", code="survey_empty")
    try:
        with session.begin_nested():
            session.add(SurveyVoice(survey_id=row.id, diner_id=diner_id))
    except IntegrityError:
        return
    session.add(SurveyAnswer(survey_id=row.id, answers=answers))
    session.flush()


def _read(question: Question, typed: str) -> int | str | None:
    if not typed:
        return None
    if question.kind is QuestionKind.TEXT:
        return typed[:MAX_TEXT]
    first, most = (1, STARS) if question.kind is QuestionKind.STARS else (0, len(question.choices))
    if not (typed.isascii() and typed.isdecimal() and len(typed) <= 2):
        raise SurveyError("choose one of the answers")
    value = int(typed)
    if not first <= value < first + most:
        raise SurveyError("choose one of the answers")
    return value


def questions_of(row: Survey) -> list[Question]:
    """What it asks, in order."""
    return [Question.model_validate(one) for one in row.questions]


def has_answered(session: Session, survey_id: UUID, diner_id: UUID) -> bool:
    """Whether a diner has answered."""
    return session.get(SurveyVoice, (survey_id, diner_id)) is not None


def open_for(session: Session, site_id: UUID, diner_id: UUID, today: date) -> Sequence[Survey]:
    """What a diner can answer today, the first to close first."""
    done = select(SurveyVoice.survey_id).where(SurveyVoice.diner_id == diner_id)
    query = select(Survey).where(
        Survey.site_id == site_id, Survey.opens_on <= today, Survey.closes_on >= today,
        Survey.id.not_in(done),
    )  # fmt: skip
    return session.scalars(query.order_by(Survey.closes_on, Survey.id).limit(10)).all()


def page(
    session: Session, site_id: UUID, *, after: UUID | None = None, limit: int = 50
) -> Sequence[Survey]:
    """All questionnaires, the latest first."""
    query = select(Survey).where(Survey.site_id == site_id)
    if after is not None:
        query = query.where(Survey.id < after)
    return session.scalars(query.order_by(Survey.id.desc()).limit(limit)).all()


def voices(session: Session, surveys: Sequence[Survey]) -> dict[UUID, int]:
    """Questionnaire → how many have answered."""
    query = select(SurveyVoice.survey_id, func.count()).where(
        SurveyVoice.survey_id.in_([one.id for one in surveys])
    )
    return dict(session.execute(query.group_by(SurveyVoice.survey_id)).all())


def get(session: Session, site_id: UUID, survey_id: UUID) -> Survey:
    """A questionnaire of the site.

    Raises:
        UnknownSurveyError: there is none.
    """
    row = session.scalar(select(Survey).where(Survey.site_id == site_id, Survey.id == survey_id))
    if row is None:
        raise UnknownSurveyError("there is no such questionnaire: look at the list")
    return row


def results(session: Session, row: Survey) -> list[Result]:
    """What was answered; empty while there are fewer than :data:`SHOWN_FROM` voices."""
    query = select(SurveyAnswer.answers).where(SurveyAnswer.survey_id == row.id)
    found = session.scalars(query.order_by(SurveyAnswer.id).limit(MAX_VOICES)).all()
    if len(found) < SHOWN_FROM:
        return []
    return [
        tell(question, [given[place] for given in found if given[place] is not None])
        for place, question in enumerate(questions_of(row))
    ]


def tell(question: Question, given: Sequence[Any]) -> Result:
    """Count the answers to a question; those of fewer than :data:`SHOWN_FROM` stay hidden. Pure."""
    if question.kind is QuestionKind.TEXT or len(given) < SHOWN_FROM:
        texts = tuple(given) if question.kind is QuestionKind.TEXT else ()
        return Result(question, (), None, texts if len(given) >= SHOWN_FROM else (), len(given))
    stars = question.kind is QuestionKind.STARS
    values = range(1, STARS + 1) if stars else range(len(question.choices))
    counts = tuple(given.count(value) for value in values)
    tenths = (20 * sum(given) + len(given)) // (2 * len(given)) if stars else None
    return Result(question, counts, tenths, (), len(given))
