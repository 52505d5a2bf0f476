"""Uploaded tables between their preview and the decision; in the database, for every worker."""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base
from dafan.errors import BadInputError
from dafan.ids import new_id
from server.actor import Actor

KEPT = timedelta(hours=2)


class ImportDraft(Base):
    """A table that somebody is looking at."""

    __tablename__ = "import_draft"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    file_name: Mapped[str] = mapped_column(String(200))
    data: Mapped[bytes] = mapped_column(LargeBinary)
    kept_by: Mapped[str] = mapped_column(String(80))
    kept_at: Mapped[datetime]


Kind = Literal["people", "dishes", "bank", "catalogue"]


def keep(session: Session, actor: Actor, kind: Kind, file_name: str, data: bytes) -> UUID:
    """Keep a table for :data:`KEPT`; older ones of the site are forgotten."""
    session.execute(
        delete(ImportDraft).where(
            ImportDraft.site_id == actor.site_id, ImportDraft.kept_at < actor.at - KEPT
        )
    )
    draft = ImportDraft(
        id=new_id(),
        site_id=actor.site_id,
        kind=kind,
        file_name=file_name[-200:],
        data=data,
        kept_by=actor.name,
        kept_at=actor.at,
    )
    session.add(draft)
    session.flush()
    return draft.id


def take(session: Session, actor: Actor, kind: Kind, draft_id: UUID) -> ImportDraft:
    """The table that this person kept.

    Raises:
        BadInputError: forgotten, used already, or somebody else's.
    """
    draft = session.scalar(
        select(ImportDraft).where(
            ImportDraft.id == draft_id,
            ImportDraft.site_id == actor.site_id,
            ImportDraft.kind == kind,
            ImportDraft.kept_by == actor.name,
        )
    )
    if draft is None:
        raise BadInputError("this upload is gone: upload the file again", code="draft_gone")
    return draft
