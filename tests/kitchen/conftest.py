"""A database for the rules of the kitchen, on either engine, and somebody who works."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from dafan import db
from dafan.clock import ManualClock
from dafan.ids import new_id
from tests.server.engines import Databases, all_databases

__all__ = ["all_databases"]

MORNING = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)
"""A Monday, half past eight in China."""


@dataclass(frozen=True)
class Recorded:
    """One line of the journal of changes."""

    by: str
    action: str
    subject: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Worker:
    """Somebody who works; what he changes is kept in ``recorded``."""

    site_id: UUID
    name: str
    at: datetime
    recorded: list[Recorded] = field(default_factory=list)

    def record(
        self, session: Session, action: str, subject: str, before: Any = None, after: Any = None
    ) -> None:
        """As the server's actor does."""
        assert session.is_active
        self.recorded.append(Recorded(self.name, action, subject, before, after))

    def named(self, name: str, at: datetime | None = None) -> "Worker":
        """Another person of the same site, or the same later."""
        return Worker(self.site_id, name, at or self.at, self.recorded)


@pytest.fixture
def clock() -> ManualClock:
    """Stands still until it is told."""
    return ManualClock(MORNING)


@pytest.fixture
def now() -> datetime:
    """The morning of these tests."""
    return MORNING


@pytest.fixture
def actor() -> Worker:
    """The storekeeper on a Monday morning."""
    return Worker(new_id(), "keeper", MORNING)


@pytest.fixture
def engine(all_databases: Databases, tmp_path: Path) -> Iterator[Engine]:
    """All tables, and no rows."""
    made = db.make_engine(all_databases.make(tmp_path / "kitchen.db"))
    yield made
    made.dispose()
    all_databases.remove()
