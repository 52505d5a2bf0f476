"""A database with the kitchen's tables alone, on either engine, and somebody who works."""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

import kitchen
from dafan import db
from dafan.clock import ManualClock
from dafan.ids import new_id
from tests.server.engines import Databases

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
def engine(postgresql: str | None, tmp_path: Path, worker_id: str) -> Iterator[Engine]:
    """All tables of the kitchen, and no rows."""
    for module in pkgutil.iter_modules(kitchen.__path__):
        importlib.import_module(f"kitchen.{module.name}")
    ours = [
        mapper.local_table
        for mapper in db.Base.registry.mappers
        if mapper.class_.__module__.startswith("kitchen.")
    ]
    databases = Databases(postgresql, tmp_path, worker_id)
    made = db.make_engine(databases.bare("kitchen", tmp_path / "kitchen.db"))
    db.Base.metadata.create_all(made, tables=ours)  # type: ignore[arg-type]  # tables, all of them
    yield made
    made.dispose()
    databases.remove()
