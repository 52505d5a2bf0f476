"""What a session that reads much keeps of it: one state of the books, each source read once."""

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

KEPT = "report_readings"
"""Where a session that reads a whole report keeps what it read: one state of the books."""


def keep(session: Session) -> None:
    """Let a session that makes a report read every source once; it must not write."""
    session.info[KEPT] = {}


def once(session: Session, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
    """What a session that keeps its readings knows by this key; else it is made."""
    kept = session.info.get(KEPT)
    if kept is None:
        return make()
    if key not in kept:
        kept[key] = make()
    return kept[key]
