"""Photographs that prove something in the kitchen: taken once, never changed."""

from datetime import datetime
from hashlib import sha256
from uuid import UUID, uuid5

from sqlalchemy import LargeBinary, String
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from kitchen.rows import SiteRow


class Picture(SiteRow):
    """A photograph."""

    __tablename__ = "kitchen_picture"

    site_id: Mapped[UUID] = mapped_column(index=True)
    taken_at: Mapped[datetime]
    taken_by: Mapped[str] = mapped_column(String(80))
    jpeg: Mapped[bytes] = mapped_column(LargeBinary)


def keep(session: Session, actor: Acting, jpeg: bytes) -> str:
    """Keep a photograph, and return what the records of the kitchen call it.

    The same pixels by the same person are the same photograph, so that a form that is sent again
    shows the same proof and keeps nothing twice.

    Args:
        session: The transaction of the record that it proves.
        actor: Who took it.
        jpeg: Drawn anew by the server: nothing but pixels.
    """
    called = uuid5(actor.site_id, f"{actor.name} {sha256(jpeg).hexdigest()}")
    if session.get(Picture, called) is None:
        row = Picture(
            id=called, site_id=actor.site_id, taken_at=actor.at, taken_by=actor.name, jpeg=jpeg
        )
        try:
            with session.begin_nested():
                session.add(row)
        except IntegrityError:
            # The same form arrived at the same moment and wrote it.
            if session.get(Picture, called) is None:
                raise
    return str(called)
