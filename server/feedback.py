"""What diners say (意见): complaints and ideas, each with an owner, a deadline and an answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy import Index, String, select, tuple_
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base
from dafan.errors import BadInputError
from kitchen import limits, pictures
from server import auth
from server.access import RIGHTS
from server.actor import Actor
from server.values import Values

OPEN_MOST = 10
"""So many of one diner may wait for an answer at the same time."""
ANSWERS = "run_kitchen"
"""The right of those who answer; one of them owns each."""


class Kind(StrEnum):
    """What somebody says."""

    COMPLAINT = "complaint"
    """投诉."""
    IDEA = "idea"
    """金点子."""


@dataclass(frozen=True, slots=True)
class FeedbackRules:
    """Within how many days there is an answer."""

    complaint_days: int = 3
    idea_days: int = 10


class UnknownFeedbackError(BadInputError):
    """Nobody said so here."""

    code = "unknown_feedback"


class Feedback(Base):
    """Something that a diner said."""

    __tablename__ = "feedback"
    __table_args__ = (
        Index("ix_feedback_site_id_answered_at_due_at", "site_id", "answered_at", "due_at"),
        Index("ix_feedback_diner_id_id", "diner_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    diner_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(String(12))
    text: Mapped[str] = mapped_column(String(500))
    picture_id: Mapped[UUID | None]
    said_at: Mapped[datetime]
    due_at: Mapped[datetime]
    owner: Mapped[str] = mapped_column(String(40))
    """Login of who has to answer; empty where nobody may."""
    answer: Mapped[str] = mapped_column(String(500), default="")
    answered_by: Mapped[str | None] = mapped_column(String(80))
    answered_at: Mapped[datetime | None]

    def late(self, now: datetime) -> bool:
        """Whether the answer is overdue."""
        return self.answered_at is None and now > self.due_at


class FeedbackValues(Values):
    """What a diner says."""

    kind: Kind
    text: Annotated[str, Field(min_length=2, max_length=500)]


def say(
    session: Session, actor: Actor, diner_id: UUID, feedback_id: UUID, values: FeedbackValues,
    jpeg: bytes | None = None,
) -> Feedback:  # fmt: skip
    """Write down what a diner says, once for each id.

    Args:
        session: Writes.
        actor: The diner.
        diner_id: The same.
        feedback_id: Made when the form was opened.
        values: What he says.
        jpeg: A picture, drawn anew by the server.

    Raises:
        BadInputError: the id is another one's, or too many of his wait already.
    """
    known = session.get(Feedback, feedback_id)
    if known is not None:
        if (known.diner_id, known.text) != (diner_id, values.text):
            raise BadInputError("this form was used before: reload the page", code="key_reused")
        return known
    waiting = select(Feedback.id).where(
        Feedback.diner_id == diner_id, Feedback.answered_at.is_(None)
    )
    if len(session.scalars(waiting.limit(OPEN_MOST)).all()) >= OPEN_MOST:
        raise BadInputError("wait for the answers to what you said before", code="enough_said")
    rules = limits.of(session, actor.site_id, FeedbackRules)
    days = rules.complaint_days if values.kind is Kind.COMPLAINT else rules.idea_days
    kept = None if jpeg is None else UUID(pictures.keep(session, actor, jpeg))
    row = Feedback(
        id=feedback_id, site_id=actor.site_id, diner_id=diner_id, kind=values.kind.value,
        text=values.text, picture_id=kept, said_at=actor.at,
        due_at=actor.at + timedelta(days=days), owner=_first_owner(session, actor.site_id),
        answer="",
    )  # fmt: skip
    session.add(row)
    session.flush()
    told = {"kind": row.kind, "text": row.text, "owner": row.owner}
    actor.record(session, "feedback.say", str(row.id), None, told)
    return row


def answer(session: Session, actor: Actor, feedback_id: UUID, text: str) -> Feedback:
    """Answer; a later answer takes the place of the first, and the audit log keeps both.

    Raises:
        UnknownFeedbackError: nobody said so here.
        BadInputError: no answer, or too long a one.
    """
    row = get(session, actor.site_id, feedback_id, lock=True)
    said = text.strip()
    if not 2 <= len(said) <= 500:
        raise BadInputError("write an answer of 2 to 500 characters", code="bad_answer")
    if row.answer != said:
        before, row.answer = row.answer or None, said
        row.answered_by, row.answered_at = actor.name[:80], row.answered_at or actor.at
        actor.record(session, "feedback.answer", str(row.id), before, said)
    return row


def hand_over(session: Session, actor: Actor, feedback_id: UUID, login: str) -> Feedback:
    """Let another one answer.

    Raises:
        UnknownFeedbackError: nobody said so here.
        BadInputError: he may not answer.
    """
    row = get(session, actor.site_id, feedback_id, lock=True)
    if login not in owners(session, actor.site_id):
        raise BadInputError("choose one who may answer", code="bad_owner")
    if row.owner != login:
        before, row.owner = row.owner, login
        actor.record(session, "feedback.hand_over", str(row.id), before, login)
    return row


def owners(session: Session, site_id: UUID) -> dict[str, str]:
    """Login → name of those who may answer at the site."""
    may = RIGHTS[ANSWERS]
    return {
        user.login: user.name
        for user in auth.users(session, site_id)
        if user.active and set(user.roles_at(site_id)) & set(may)
    }


def _first_owner(session: Session, site_id: UUID) -> str:
    """Who runs the kitchen, else who manages the canteen, else the administrator."""
    found = [user for user in auth.users(session, site_id) if user.active]
    for role in ("kitchen_manager", "manager", "admin"):
        for user in found:
            if role in user.roles_at(site_id):
                return user.login
    return ""


def get(session: Session, site_id: UUID, feedback_id: UUID, *, lock: bool = False) -> Feedback:
    """What somebody said at the site.

    Raises:
        UnknownFeedbackError: nobody did.
    """
    query = select(Feedback).where(Feedback.site_id == site_id, Feedback.id == feedback_id)
    found = session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise UnknownFeedbackError("there is no such message here: look at the list")
    return found


def of_diner(
    session: Session, site_id: UUID, diner_id: UUID, *, before: UUID | None = None, limit: int = 20
) -> Sequence[Feedback]:
    """What a diner said, the latest first, from before one on."""
    query = select(Feedback).where(Feedback.site_id == site_id, Feedback.diner_id == diner_id)
    if before is not None:
        query = query.where(Feedback.id < before)
    return session.scalars(query.order_by(Feedback.id.desc()).limit(limit)).all()


def page(
    session: Session, site_id: UUID, *, answered: bool, after: UUID | None = None, limit: int = 50
) -> Sequence[Feedback]:
    """What waits, the first due first; or what is answered, the latest first."""
    query = select(Feedback).where(Feedback.site_id == site_id)
    last = None if after is None else session.get(Feedback, after)
    if answered:
        query = query.where(Feedback.answered_at.is_not(None)).order_by(Feedback.id.desc())
        if last is not None:
            query = query.where(Feedback.id < last.id)
    else:
        query = query.where(Feedback.answered_at.is_(None))
        query = query.order_by(Feedback.due_at, Feedback.id)
        if last is not None:
            query = query.where(tuple_(Feedback.due_at, Feedback.id) > (last.due_at, last.id))
    return session.scalars(query.limit(limit)).all()
