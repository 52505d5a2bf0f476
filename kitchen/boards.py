"""Boards on the wall: each has a long secret address that a person makes and can revoke."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID, uuid5

from pydantic import Field
from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import rows
from kitchen.rows import SiteRow, Values

LONGEST_TOKEN = 64


class BoardKind(StrEnum):
    """What a board shows."""

    KITCHEN = "kitchen"
    """阳光厨房: live pictures, score, samples, morning check, incidents."""
    CANTEEN = "canteen"
    """餐厅大屏: the menu of the meal, with cooks, allergens and energy."""


class Board(SiteRow):
    """A screen on the wall."""

    __tablename__ = "kitchen_board"

    kind: Mapped[str] = mapped_column(String(12))
    name: Mapped[str] = mapped_column(String(80))
    venue_id: Mapped[UUID]
    notice: Mapped[str] = mapped_column(String(200))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(80))
    revoked_at: Mapped[datetime | None]


class BoardValues(Values):
    """What a person decides about a board."""

    kind: BoardKind
    name: Annotated[str, Field(min_length=1, max_length=80)]
    venue_id: UUID
    notice: Annotated[str, Field(max_length=200)] = ""


def make(
    session: Session, actor: Acting, values: BoardValues, *, key: str = ""
) -> tuple[Board, str]:
    """A board, and its secret: shown this once, only its digest is kept.

    Raises:
        BadInputError: the form of this key made one before; its address is not known any more.
    """
    board_id = uuid5(actor.site_id, f"board/{key}") if key else new_id()
    if session.get(Board, board_id) is not None:
        raise BadInputError(
            "this board is made already and its address was shown: if nobody saw it, revoke the "
            "board and make another",
            code="board_made",
        )
    token = secrets.token_urlsafe(32)
    row = Board(
        id=board_id, site_id=actor.site_id, token_hash=_hash(token), made_at=actor.at,
        made_by=actor.name, **values.model_dump(mode="python"),
    )  # fmt: skip
    row.kind = values.kind.value
    session.add(row)
    session.flush()
    actor.record(session, "board.make", str(row.id), None, values.model_dump(mode="json"))
    return row, token


def say(session: Session, actor: Acting, board_id: UUID, notice: str) -> Board:
    """Change what a board announces; empty: nothing.

    Raises:
        UnknownRowError: not one of this site.
        BadInputError: too long.
    """
    row = rows.get(session, Board, actor.site_id, board_id, "board", lock=True)
    said = rows.say(notice, "what the board announces") if notice.strip() else ""
    if row.notice != said:
        before, row.notice = row.notice, said
        actor.record(session, "board.say", str(row.id), before, said)
    return row


def revoke(session: Session, actor: Acting, board_id: UUID) -> None:
    """Let the address lead nowhere from now on.

    Raises:
        UnknownRowError: not one of this site.
    """
    row = rows.get(session, Board, actor.site_id, board_id, "board", lock=True)
    if row.revoked_at is None:
        row.revoked_at = actor.at
        actor.record(session, "board.revoke", str(row.id), {"name": row.name})


def of_site(session: Session, site_id: UUID) -> Sequence[Board]:
    """The boards that still show something, the newest first."""
    query = select(Board).where(Board.site_id == site_id, Board.revoked_at.is_(None))
    return session.scalars(query.order_by(Board.id.desc()).limit(100)).all()


def find(session: Session, token: str) -> Board | None:
    """The board of an address; ``None`` where it leads nowhere."""
    if not 40 <= len(token) <= LONGEST_TOKEN:
        return None
    row = session.scalar(select(Board).where(Board.token_hash == _hash(token)))
    return None if row is None or row.revoked_at is not None else row


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
