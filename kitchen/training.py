"""Training and its tests (培训, 考试): courses, questions, papers, and the file of each person."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field, model_validator
from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import rows, staff
from kitchen.rows import KeyedRow, SiteRow, Values

Option = Annotated[str, Field(min_length=1, max_length=200)]


class Course(SiteRow):
    """A course that people learn and are tested on."""

    __tablename__ = "training_course"
    __table_args__ = (UniqueConstraint("site_id", "title"),)

    title: Mapped[str] = mapped_column(String(80))
    text: Mapped[str] = mapped_column(String(20_000))
    post: Mapped[str] = mapped_column(String(40))
    asked: Mapped[int]
    pass_percent: Mapped[int]
    valid_days: Mapped[int]
    active: Mapped[bool]


class Question(SiteRow):
    """A question of a course; who changes one retires it and adds another."""

    __tablename__ = "training_question"
    __table_args__ = (Index("ix_training_question_course", "site_id", "course_id"),)

    course_id: Mapped[UUID] = mapped_column(ForeignKey("training_course.id"))
    text: Mapped[str] = mapped_column(String(400))
    options: Mapped[list[str]] = mapped_column(JSON)
    right: Mapped[list[int]] = mapped_column(JSON)
    because: Mapped[str] = mapped_column(String(400))
    active: Mapped[bool] = mapped_column(default=True)


class Attempt(KeyedRow):
    """One paper of one person, as it was asked and as he answered."""

    __tablename__ = "training_attempt"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        Index("ix_training_attempt_worker", "site_id", "worker_id", "course_id"),
    )

    course_id: Mapped[UUID] = mapped_column(ForeignKey("training_course.id"))
    worker_id: Mapped[UUID] = mapped_column(ForeignKey("kitchen_worker.id"))
    business_date: Mapped[date]
    paper: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    pass_percent: Mapped[int]
    valid_days: Mapped[int]
    started_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    answers: Mapped[list[list[int]] | None] = mapped_column(JSON)
    score: Mapped[int | None]
    passed: Mapped[bool | None]
    good_until: Mapped[date | None]


class CourseValues(Values):
    """What is decided about a course."""

    title: Annotated[str, Field(min_length=1, max_length=80)]
    text: Annotated[str, Field(max_length=20_000)] = ""
    """What is to be read before the test."""
    post: Annotated[str, Field(max_length=40)] = ""
    """Who needs it; empty: everybody."""
    asked: Annotated[int, Field(ge=1, le=100)] = 10
    """Questions on a paper, or as many as there are."""
    pass_percent: Annotated[int, Field(ge=1, le=100)] = 80
    valid_days: Annotated[int, Field(ge=1, le=3650)] = 365
    active: bool = True


class QuestionValues(Values):
    """A question with one right answer or several."""

    text: Annotated[str, Field(min_length=1, max_length=400)]
    options: Annotated[tuple[Option, ...], Field(min_length=2, max_length=8)]
    right: Annotated[tuple[int, ...], Field(min_length=1)]
    """Places of the right options, from 0."""
    because: Annotated[str, Field(max_length=400)] = ""
    """Shown after the answer."""

    @model_validator(mode="after")
    def _answers_exist(self) -> Self:
        if len(set(self.options)) < len(self.options):
            raise ValueError("two options say the same")
        if len(set(self.right)) < len(self.right) or not set(self.right) <= set(
            range(len(self.options))
        ):
            raise ValueError("a right answer is not among the options, or named twice")
        return self


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as the taker sees it: nothing tells which options are right."""

    text: str
    options: tuple[str, ...]
    several: bool
    """More than one option may be right."""


@dataclass(frozen=True, slots=True)
class Paper:
    """A test that waits for its answers."""

    attempt_id: UUID
    title: str
    questions: tuple[Asked, ...]
    pass_percent: int


@dataclass(frozen=True, slots=True)
class Marked:
    """A question after it was answered."""

    text: str
    options: tuple[str, ...]
    chosen: tuple[int, ...]
    right: tuple[int, ...]
    because: str

    @property
    def correct(self) -> bool:
        """All of the right options were chosen, and no other."""
        return set(self.chosen) == set(self.right)


@dataclass(frozen=True, slots=True)
class Result:
    """A test after its answers."""

    score: int
    """Percent, rounded down."""
    passed: bool
    good_until: date | None
    questions: tuple[Marked, ...]


@dataclass(frozen=True, slots=True)
class FileLine:
    """A line of a person's training file (培训档案)."""

    title: str
    day: date
    score: int
    passed: bool
    good_until: date | None


def draw(questions: Sequence[QuestionValues], asked: int, seed: int) -> list[dict[str, Any]]:
    """Make a paper: questions and options in an order that the seed alone decides."""
    chance = random.Random(seed)  # noqa: S311 - an order of questions, not a secret
    chosen = chance.sample(list(questions), min(asked, len(questions)))
    paper = []
    for one in chosen:
        order = chance.sample(range(len(one.options)), len(one.options))
        paper.append(
            {
                "text": one.text,
                "options": [one.options[place] for place in order],
                "right": sorted(order.index(place) for place in one.right),
                "because": one.because,
            }
        )
    return paper


def mark(paper: Sequence[Mapping[str, Any]], answers: Sequence[Sequence[int]]) -> list[Marked]:
    """Hold answers against a paper; a question counts when all its options are right.

    Raises:
        BadInputError: not one answer a question, or an option that was not there.
    """
    if len(answers) != len(paper):
        raise BadInputError(f"answer all {len(paper)} questions, then hand in")
    marked = []
    for number, (one, chosen) in enumerate(zip(paper, answers, strict=True), start=1):
        if not chosen or not set(chosen) <= set(range(len(one["options"]))):
            raise BadInputError(f"question {number} has no answer yet, or one that is not there")
        marked.append(
            Marked(
                one["text"],
                tuple(one["options"]),
                tuple(sorted(set(chosen))),
                tuple(one["right"]),
                one["because"],
            )
        )
    return marked


def create_course(session: Session, actor: Acting, values: CourseValues) -> Course:
    """Add a course.

    Raises:
        BadInputError: there is one of this title; the transaction is then lost.
    """
    row = Course(id=new_id(), site_id=actor.site_id, **values.model_dump())
    session.add(row)
    rows.flush(session, _taken(values.title))
    actor.record(session, "course.create", str(row.id), None, values.model_dump(mode="json"))
    return row


def update_course(session: Session, actor: Acting, course_id: UUID, values: CourseValues) -> Course:
    """Change a course; papers that are open keep the rules they began with.

    Raises:
        UnknownRowError: not one of this site.
        BadInputError: another one has the title; the transaction is then lost.
    """
    row = rows.get(session, Course, actor.site_id, course_id, "course", lock=True)
    rows.change(session, actor, row, values, "course.update", _taken(values.title))
    return row


def add_question(
    session: Session, actor: Acting, course_id: UUID, values: QuestionValues
) -> Question:
    """Add a question to a course.

    Raises:
        UnknownRowError: no such course here.
    """
    course = rows.get(session, Course, actor.site_id, course_id, "course")
    row = Question(
        id=new_id(), site_id=actor.site_id, course_id=course.id, **values.model_dump(mode="json")
    )
    session.add(row)
    session.flush()
    actor.record(session, "course.question", str(course.id), None, values.model_dump(mode="json"))
    return row


def retire_question(session: Session, actor: Acting, question_id: UUID) -> None:
    """Ask a question no more; papers that were written keep it.

    Raises:
        UnknownRowError: not one of this site.
    """
    row = rows.get(session, Question, actor.site_id, question_id, "question", lock=True)
    if row.active:
        row.active = False
        session.flush()
        actor.record(session, "course.question_retire", str(row.course_id), {"text": row.text})


def start(
    session: Session, actor: Acting, key: str, course_id: UUID, worker_id: UUID, day: date
) -> Paper:
    """Hand a person his paper; an open one comes again, so that nobody picks an easier one.

    Raises:
        UnknownRowError: no such course or worker here.
        BadInputError: the course is retired or has no questions, or he left.
    """
    worker = staff.get_active(session, actor.site_id, worker_id)
    course = rows.get(session, Course, actor.site_id, course_id, "course")
    query = select(Attempt).where(
        Attempt.site_id == actor.site_id,
        Attempt.worker_id == worker.id,
        Attempt.course_id == course.id,
        Attempt.answered_at.is_(None),
    )
    waiting = session.scalar(query)
    if waiting is not None:
        return _paper(course, waiting)
    asks = [
        QuestionValues(text=one.text, options=tuple(one.options), right=tuple(one.right),
                       because=one.because)
        for one in questions(session, actor.site_id, course.id)
    ]  # fmt: skip
    if not course.active or not asks:
        raise BadInputError("this course has no test now: choose another one")
    attempt_id = new_id()
    row = Attempt(
        id=attempt_id, site_id=actor.site_id, key=key, course_id=course.id, worker_id=worker.id,
        business_date=day, paper=draw(asks, course.asked, attempt_id.int),
        pass_percent=course.pass_percent, valid_days=course.valid_days, started_at=actor.at,
    )  # fmt: skip
    row, fresh = rows.insert_once(session, row, ("course_id", "worker_id"))
    if fresh:
        actor.record(session, "training.start", str(worker.id), None, {"course": course.title})
    return _paper(course, row)


def hand_in(
    session: Session, actor: Acting, attempt_id: UUID, answers: Sequence[Sequence[int]], day: date
) -> Result:
    """Mark a paper; the same answers again give the same result.

    Raises:
        UnknownRowError: not a paper of this site.
        BadInputError: answers are missing, or other answers were handed in already.
    """
    row = rows.get(session, Attempt, actor.site_id, attempt_id, "paper", lock=True)
    marked = mark(row.paper, answers)
    chosen = [list(one.chosen) for one in marked]
    if row.answered_at is None:
        row.score = 100 * sum(one.correct for one in marked) // len(marked)
        row.passed = row.score >= row.pass_percent
        row.good_until = day + timedelta(days=row.valid_days) if row.passed else None
        row.answered_at, row.answers, row.business_date = actor.at, chosen, day
        session.flush()
        after = {"score": row.score, "passed": row.passed}
        actor.record(session, "training.hand_in", str(row.worker_id), None, after)
    elif row.answers != chosen:
        raise BadInputError("this paper was handed in already: begin a new test")
    return Result(row.score or 0, bool(row.passed), row.good_until, tuple(marked))


def paper(session: Session, site_id: UUID, attempt_id: UUID) -> tuple[UUID, Paper, Result | None]:
    """Whose paper it is, what it asks, and how it ended where it was handed in.

    Raises:
        UnknownRowError: not a paper of this site.
    """
    row = rows.get(session, Attempt, site_id, attempt_id, "paper")
    asked = _paper(rows.get(session, Course, site_id, row.course_id, "course"), row)
    if row.answers is None:
        return row.worker_id, asked, None
    marked = tuple(mark(row.paper, row.answers))
    return row.worker_id, asked, Result(row.score or 0, bool(row.passed), row.good_until, marked)


def questions(session: Session, site_id: UUID, course_id: UUID) -> Sequence[Question]:
    """What a course asks now."""
    query = select(Question).where(
        Question.site_id == site_id, Question.course_id == course_id, Question.active.is_(True)
    )
    return session.scalars(query.order_by(Question.id)).all()


def record_file(session: Session, site_id: UUID, worker_id: UUID) -> list[FileLine]:
    """The training file (培训档案) of a worker, the newest test first."""
    query = (
        select(Attempt, Course.title)
        .join(Course, Course.id == Attempt.course_id)
        .where(
            Attempt.site_id == site_id,
            Attempt.worker_id == worker_id,
            Attempt.answered_at.is_not(None),
        )
        .order_by(Attempt.answered_at.desc(), Attempt.id.desc())
    )
    return [
        FileLine(title, row.business_date, row.score or 0, bool(row.passed), row.good_until)
        for row, title in session.execute(query)
    ]


def due(session: Session, site_id: UUID, worker_id: UUID, day: date) -> Sequence[Course]:
    """The courses that a worker has to pass, or to pass again."""
    worker = staff.get(session, site_id, worker_id)
    good = select(Attempt.course_id).where(
        Attempt.site_id == site_id, Attempt.worker_id == worker_id, Attempt.good_until >= day
    )
    query = select(Course).where(
        Course.site_id == site_id,
        Course.active.is_(True),
        Course.post.in_(("", worker.post)),
        Course.id.not_in(good),
    )
    return session.scalars(query.order_by(Course.title)).all()


def _paper(course: Course, row: Attempt) -> Paper:
    asked = tuple(
        Asked(one["text"], tuple(one["options"]), len(one["right"]) > 1) for one in row.paper
    )
    return Paper(row.id, course.title, asked, row.pass_percent)


def _taken(title: str) -> str:
    return f"there is a course named {title} already"
