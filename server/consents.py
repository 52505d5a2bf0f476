"""Consent to face recognition: who agreed to which text, when and how, and when it ended."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator
from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base
from dafan.errors import BadInputError
from dafan.ids import new_id
from server import people
from server.actor import Actor
from server.consent_texts import ADULT_AGE, CURRENT, KITCHEN, text_of
from server.values import Values


class Consent(Base):
    """A diner agreed to a version of the text; closed when he withdraws, renews or leaves."""

    __tablename__ = "consent"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), index=True)
    diner_id: Mapped[UUID] = mapped_column(ForeignKey("diner.id"), index=True)
    version: Mapped[str] = mapped_column(String(40))
    channel: Mapped[str] = mapped_column(String(20))
    guardian: Mapped[str] = mapped_column(String(80), default="")
    given_at: Mapped[datetime]
    given_by: Mapped[str] = mapped_column(String(80))
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None] = mapped_column(String(80))
    closed_because: Mapped[str | None] = mapped_column(String(20))


class ConsentValues(Values):
    """How a diner agreed."""

    version: Annotated[str, Field(min_length=1, max_length=40)] = CURRENT
    """The version that he read."""
    channel: Literal["desk", "paper", "phone", "demo"] = "desk"
    """Where he agreed: on the screen at the desk, on paper, on his phone."""
    under_14: bool = False
    """A child: the guardian agrees."""
    guardian: Annotated[str, Field(max_length=80)] = ""
    """Name of the guardian who agreed for a child."""

    @model_validator(mode="after")
    def _children_have_guardians(self) -> Self:
        if self.under_14 and not self.guardian:
            raise ValueError(f"under {ADULT_AGE} a guardian agrees: enter the guardian's name")
        return self


def give(session: Session, actor: Actor, diner_id: UUID, values: ConsentValues) -> Consent:
    """Record that the diner agreed to the current text, or to that of the kitchen's people.

    Raises:
        UnknownDinerError: not a diner of this site.
        BadInputError: he read another version than the current one.
    """
    people.get_diner(session, actor.site_id, diner_id)
    if text_of(values.version).version not in {CURRENT, KITCHEN}:
        raise BadInputError(
            "the consent text has changed: reload the page and read the new one", code="old_text"
        )
    close(session, actor, diner_id, "renewed")
    consent = Consent(
        id=new_id(),
        site_id=actor.site_id,
        diner_id=diner_id,
        version=values.version,
        channel=values.channel,
        guardian=values.guardian,
        given_at=actor.at,
        given_by=actor.name,
    )
    session.add(consent)
    session.flush()
    actor.record(session, "consent.give", str(diner_id), None, values.model_dump(mode="json"))
    return consent


def standing(session: Session, diner_id: UUID) -> Consent | None:
    """The consent that holds now."""
    query = select(Consent).where(Consent.diner_id == diner_id, Consent.closed_at.is_(None))
    return session.scalar(query)


def history(session: Session, diner_id: UUID) -> Sequence[Consent]:
    """All that the diner ever agreed to, the newest first."""
    query = select(Consent).where(Consent.diner_id == diner_id)
    return session.scalars(query.order_by(Consent.given_at.desc(), Consent.id.desc())).all()


def versions(session: Session, diner_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Diner → the version of the text that he agreed to last, for those who ever did."""
    query = select(Consent.diner_id, Consent.version).where(Consent.diner_id.in_(diner_ids))
    return dict(session.execute(query.order_by(Consent.given_at, Consent.id)).all())


def close(
    session: Session, actor: Actor, diner_id: UUID, because: Literal["withdrawn", "left", "renewed"]
) -> bool:
    """End the consent that holds now; says whether there was one."""
    consent = standing(session, diner_id)
    if consent is None:
        return False
    consent.closed_at, consent.closed_by, consent.closed_because = actor.at, actor.name, because
    session.flush()
    return True
