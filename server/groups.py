"""Groups of diners (人员类别): who shares prices, subsidised meals and limits."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field
from sqlalchemy import JSON, ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan import records
from dafan.db import Base
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.money import MAX_FEN, Fen
from dafan.records import MealRule
from dafan.wire import Code, Name
from server import feed
from server.actor import Actor
from server.values import Values, flush_unique


class UnknownGroupError(BadInputError):
    """The site has no such group."""

    code = "unknown_group"


class DinerGroup(Base):
    """Diners who share prices and rules (人员类别)."""

    __tablename__ = "diner_group"
    __table_args__ = (UniqueConstraint("site_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    discount_percent: Mapped[int] = mapped_column(default=0)
    meals: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    meal_limit: Mapped[int | None]
    daily_limit: Mapped[int | None]
    body_id: Mapped[UUID | None] = mapped_column(ForeignKey("body.id"))
    """Who owes these diners their balances; as :class:`server.sites.Body` says."""


Limit = Annotated[Fen, Field(ge=0, le=MAX_FEN)]


class GroupValues(Values):
    """What a person decides about a group."""

    name: Name
    discount_percent: Annotated[int, Field(ge=0, le=100)] = 0
    """Percent taken off a subsidised meal."""
    meals: dict[Code, MealRule] = Field(default_factory=dict)
    """Meal period → what the group gets at it."""
    meal_limit: Limit | None = None
    """Fen that one meal may cost."""
    daily_limit: Limit | None = None
    """Fen that a diner may spend a day."""


def create(session: Session, actor: Actor, values: GroupValues) -> DinerGroup:
    """Add a group.

    Raises:
        BadInputError: the name is taken; the transaction is then lost.
    """
    group = DinerGroup(id=new_id(), site_id=actor.site_id, **values.model_dump(mode="json"))
    session.add(group)
    flush_unique(session, _taken(values.name))
    actor.record(session, "group.create", str(group.id), None, values.model_dump(mode="json"))
    publish(session, group.id)
    return group


def update(session: Session, actor: Actor, group_id: UUID, values: GroupValues) -> DinerGroup:
    """Change the name or the rules of a group.

    Raises:
        UnknownGroupError: not a group of this site.
        BadInputError: the name is taken; the transaction is then lost.
    """
    group = get(session, actor.site_id, group_id)
    before = values_of(group).model_dump(mode="json")
    after = values.model_dump(mode="json")
    for name, value in after.items():
        setattr(group, name, value)
    flush_unique(session, _taken(values.name))
    actor.record(session, "group.update", str(group.id), before, after)
    publish(session, group.id)
    return group


def get(session: Session, site_id: UUID, group_id: UUID) -> DinerGroup:
    """A group of the site.

    Raises:
        UnknownGroupError: not a group of this site.
    """
    group = session.scalar(
        select(DinerGroup).where(DinerGroup.site_id == site_id, DinerGroup.id == group_id)
    )
    if group is None:
        raise UnknownGroupError("there is no such group here: take one from the list of groups")
    return group


def all_of(session: Session, site_id: UUID) -> Sequence[DinerGroup]:
    """All groups of the site, by name."""
    query = select(DinerGroup).where(DinerGroup.site_id == site_id)
    return session.scalars(query.order_by(DinerGroup.name, DinerGroup.id)).all()


def values_of(group: DinerGroup) -> GroupValues:
    """The group as a person decided it."""
    return GroupValues.model_validate(
        {name: getattr(group, name) for name in GroupValues.model_fields}
    )


def publish(session: Session, group_id: UUID) -> None:
    """Send the group as it is now to the tills."""
    group = session.get_one(DinerGroup, group_id)
    body = records.Group(id=group.id, **values_of(group).model_dump())
    feed.publish(session, group.site_id, "group", str(group.id), body)


def _taken(name: str) -> str:
    return f"there is a group named {name} already: change that one, or choose another name"
