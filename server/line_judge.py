"""What a person decides about scoops that nobody claims: whose they are, or that nobody pays."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from dafan.errors import BadInputError
from server import line
from server.actor import Actor
from server.line_book import LineScoop, ScoopState, SessionState
from server.line_setup import LineError

_OPEN = (ScoopState.WAITING.value, ScoopState.UNASSIGNED.value)


class ScoopError(BadInputError):
    """This scoop cannot be judged so."""

    code = "bad_scoop"


def open_scoops(
    session: Session, site_id: UUID, *, before: UUID | None = None, limit: int = 50
) -> Sequence[LineScoop]:
    """Scoops of the site that nobody claims, the latest first."""
    query = select(LineScoop).where(LineScoop.site_id == site_id, LineScoop.state.in_(_OPEN))
    if before is not None:
        query = query.where(LineScoop.id < before)
    return session.scalars(query.order_by(LineScoop.id.desc()).limit(limit)).all()


def assign(session: Session, actor: Actor, scoop_id: UUID, session_id: UUID | None) -> None:
    """Say whose a scoop is; a session that is settled already pays it by a sale more.

    Raises:
        ScoopError: it is settled or written off, or came back after its session was settled.
        LineError: the site has no such session.
    """
    row = _locked(session, actor.site_id, scoop_id)
    found = line.session_of(session, actor.site_id, session_id) if session_id else None
    if found is None:
        raise LineError("choose the session of a tray: look at the list")
    if found.state == SessionState.SETTLED.value and line.as_told(row).grams < 0:
        raise ScoopError(
            "the tray is settled: give the money back by a refund of its sale, then write this off",
            code="scoop_refund",
        )
    row.session_id, row.why, row.state = found.id, "person", ScoopState.OWED.value
    row.decided_by = actor.name[:80]
    session.flush()
    actor.record(session, "line.assign", str(row.id), None, str(found.id))
    line.publish(session, actor.site_id, [found.tray])


def write_off(session: Session, actor: Actor, scoop_id: UUID, reason: str) -> None:
    """Let nobody pay for a scoop.

    Raises:
        ScoopError: it is settled or written off, or there is no reason.
    """
    row, reason = _locked(session, actor.site_id, scoop_id), reason.strip()
    if not 2 <= len(reason) <= 200:
        raise ScoopError("say why nobody pays for it", code="scoop_reason")
    row.state, row.decided_by, row.reason = ScoopState.WRITTEN_OFF.value, actor.name[:80], reason
    session.flush()
    told = line.as_told(row)
    actor.record(
        session, "line.write_off", str(row.id), {"grams": told.grams, "fen": told.amount}, reason
    )


def _locked(session: Session, site_id: UUID, scoop_id: UUID) -> LineScoop:
    query = select(LineScoop).where(LineScoop.site_id == site_id, LineScoop.id == scoop_id)
    row = session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if row is None or row.state not in _OPEN:
        raise ScoopError("this scoop was judged already: reload the page")
    return row
