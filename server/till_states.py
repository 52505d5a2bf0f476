"""How every till stands now: online, how far behind, whether it contradicts itself."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from server import feed, forks, rotation
from server.terminals import Terminal

ONLINE = timedelta(seconds=90)
"""A till asks again at least every half minute."""


@dataclass(frozen=True, slots=True)
class State:
    """A terminal now."""

    terminal: Terminal
    online: bool
    behind: int
    """Published changes that it has not fetched yet."""
    forked: bool
    """It contradicts what it said before: a person judges it."""
    epoch: int
    """The newest site key that it is known to have."""


def states(session: Session, site_id: UUID, now: datetime) -> list[State]:
    """Every terminal that is not revoked."""
    last = feed.latest(session, site_id)
    forked = {one.id for one in forks.cases(session, site_id)}
    return [
        State(
            holder.terminal,
            holder.terminal.last_seen is not None and now - holder.terminal.last_seen <= ONLINE,
            max(last - rotation.pulled_version(holder.terminal, last), 0),
            holder.terminal.id in forked,
            holder.epoch,
        )
        for holder in rotation.holders(session, site_id)
    ]
