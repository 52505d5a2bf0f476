"""Photographs that prove something in the kitchen: taken once, never changed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import LargeBinary, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from dafan.db import Base
from dafan.errors import BadInputError
from dafan.ids import new_id


class UnknownPictureError(BadInputError):
    """The site has no such photograph."""

    code = "unknown_picture"


class Picture(Base):
    """A photograph."""

    __tablename__ = "kitchen_picture"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(index=True)
    taken_at: Mapped[datetime]
    taken_by: Mapped[str] = mapped_column(String(80))
    jpeg: Mapped[bytes] = mapped_column(LargeBinary)


def keep(session: Session, actor: Acting, jpeg: bytes) -> str:
    """Keep a photograph, and return what the records of the kitchen call it.

    Args:
        session: The transaction of the record that it proves.
        actor: Who took it.
        jpeg: Drawn anew by the server: nothing but pixels.
    """
    row = Picture(
        id=new_id(), site_id=actor.site_id, taken_at=actor.at, taken_by=actor.name, jpeg=jpeg
    )
    session.add(row)
    return str(row.id)


def get(session: Session, site_id: UUID, picture_id: UUID) -> Picture:
    """A photograph of the site.

    Raises:
        UnknownPictureError: not one of this site.
    """
    row = session.scalar(
        select(Picture).where(Picture.site_id == site_id, Picture.id == picture_id)
    )
    if row is None:
        raise UnknownPictureError("there is no such photograph here")
    return row
