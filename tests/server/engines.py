"""A database of its own for every test, on SQLite or PostgreSQL, and a watch over its locks."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.pool import Pool

from dafan import db
from server import schema


class Databases:
    """Makes databases with all tables and no rows; on PostgreSQL it removes them again."""

    def __init__(self, postgresql: str | None, folder: Path, worker: str) -> None:
        self._postgresql, self._worker, self._made = postgresql, worker, 0
        self._template = folder / "empty.db"
        self._names: list[str] = []

    def make_template(self) -> None:
        """What the others are copied from."""
        if self._postgresql:  # another folder's fixtures have made theirs
            self._run(f"DROP DATABASE IF EXISTS template_{self._worker} WITH (FORCE)")
        engine = db.make_engine(self.bare("template", self._template))
        schema.create(engine)
        if not self._postgresql:
            with engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA user_version")
        engine.dispose()
        self._names.clear()

    def bare(self, name: str, file: Path, like: str = "template0") -> str:
        """The URL of a database without tables, or like another one."""
        if not self._postgresql:
            return f"sqlite:///{file}"
        name = f"{name}_{self._worker}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {like} STRATEGY file_copy")
        self._names.append(name)
        url = make_url(self._postgresql).set(drivername="postgresql+psycopg", database=name)
        return url.render_as_string(hide_password=False)

    def make(self, file: Path) -> str:
        """The URL of a database of its own; on SQLite it is that file."""
        if not self._postgresql:
            file.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self._template, file)
        self._made += 1
        return self.bare(f"test_{self._made}", file, f"template_{self._worker}")

    def remove(self) -> None:
        """Drop what was made since the last time, whoever is connected to it."""
        while self._names:
            self._run(f"DROP DATABASE {self._names.pop()} WITH (FORCE)")

    def _run(self, statement: str) -> None:
        assert self._postgresql
        with psycopg.connect(self._postgresql, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]  # names of our own


@pytest.fixture(scope="session")
def all_databases(
    postgresql: str | None, tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> Databases:
    """Where databases come from, on the engine that the run is for."""
    made = Databases(postgresql, tmp_path_factory.mktemp("database"), worker_id)
    made.make_template()
    return made


@pytest.fixture(autouse=True)
def databases(
    request: pytest.FixtureRequest,
    all_databases: Databases,
    postgresql: str | None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator[Databases]:
    """The settings name a database of the test's own, empty unless the test asks for its tables."""
    if not postgresql:
        yield all_databases
        return
    filled = "database" in request.fixturenames
    file = tmp_path / "unused"
    url = all_databases.make(file) if filled else all_databases.bare("bare", file)
    monkeypatch.setenv("DAFAN_DATABASE_URL", url)
    opened: list[Any] = []
    event.listen(Pool, "connect", note := lambda connection, _: opened.append(connection))
    yield all_databases
    event.remove(Pool, "connect", note)
    for connection in opened:  # of engines that a command left to the end of its process
        connection.close()
    all_databases.remove()


LOCK_ORDER = ("terminal", "sale", "account", "books", "feed_counter")
"""As docs/postgresql.md says; rows of other tables are locked before these."""
_LOCKED = re.compile(r"FROM (\w+).* FOR (?:NO KEY )?UPDATE", re.DOTALL)


class _Watch:
    """Sees which rows each transaction locks, and notes what is against the order."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self._held: dict[Any, tuple[int, set[Any]]] = {}

    def look(self, connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        """Before a statement: does it lock?"""
        found = _LOCKED.search(statement)
        if found is None or found[1] not in LOCK_ORDER:
            return
        raw, rank = connection.connection.driver_connection, LOCK_ORDER.index(found[1])
        last, owners = self._held.get(raw, (0, set()))
        if rank < last:
            self.wrong.append(f"{found[1]} is locked after {LOCK_ORDER[last]}")
        if found[1] == "account":
            texts = [text for text in parameters.values() if str(text).startswith("{")]
            asked = {owner for text in texts for owner in text.strip("{}").split(",")}
            if owners and not asked <= owners:
                self.wrong.append("accounts are locked twice: ask for all of them at once")
            owners = owners | asked
        self._held[raw] = max(rank, last), owners

    def forget(self, connection: Any) -> None:
        """The transaction ends, and with it its locks."""
        self._held.pop(connection.connection.driver_connection, None)


@pytest.fixture(autouse=True)
def wrong_locks(postgresql: str | None) -> Iterator[list[str]]:
    """No test's transaction locks against the one order, which is how deadlocks begin."""
    watch = _Watch()
    heard = {"before_cursor_execute": watch.look, "commit": watch.forget, "rollback": watch.forget}
    for name, hear in heard.items() if postgresql else ():
        event.listen(Engine, name, hear)
    yield watch.wrong
    for name, hear in heard.items() if postgresql else ():
        event.remove(Engine, name, hear)
    if watch.wrong:
        pytest.fail("; ".join(sorted(set(watch.wrong))))
