"""What a diner must not eat (过敏原): told and seen by himself, forgotten when he leaves.

Where he wants the tills to warn him, :mod:`server.wishes` tells them.
"""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base
from dafan.errors import BadInputError
from kitchen.ingredients import Allergen
from server.actor import Actor


class DinerAllergies(Base):
    """The allergens of one diner."""

    __tablename__ = "diner_allergies"

    diner_id: Mapped[UUID] = mapped_column(ForeignKey("diner.id"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), index=True)
    allergens: Mapped[list[str]] = mapped_column(JSON)
    """Values of :class:`kitchen.ingredients.Allergen`, in its order."""


def of(session: Session, diner_id: UUID) -> frozenset[Allergen]:
    """What the diner said."""
    row = session.get(DinerAllergies, diner_id)
    return frozenset(Allergen(one) for one in row.allergens) if row else frozenset()


def tell(session: Session, actor: Actor, diner_id: UUID, told: Iterable[str]) -> None:
    """Keep what the diner says now; nothing forgets it. What it is stays out of the audit log.

    Pages go through :func:`server.wishes.tell_allergies`, which lets the tills know.

    Raises:
        BadInputError: there is no such allergen.
    """
    try:
        chosen = {Allergen(one) for one in told}
    except ValueError as error:
        raise BadInputError("choose from the list of allergens", code="bad_allergen") from error
    row = session.get(DinerAllergies, diner_id)
    in_order = [one.value for one in Allergen if one in chosen]
    if in_order == (row.allergens if row else []):
        return
    if row is None:
        session.add(DinerAllergies(diner_id=diner_id, site_id=actor.site_id, allergens=in_order))
    elif in_order:
        row.allergens = in_order
    else:
        session.delete(row)
    session.flush()
    actor.record(session, "diner.allergies", str(diner_id))
