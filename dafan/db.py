"""The server's database: SQLAlchemy 2, the same on SQLite (WAL) and on PostgreSQL."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from sqlalchemy import (
    BigInteger,
    Connection,
    DateTime,
    Dialect,
    Engine,
    MetaData,
    TypeDecorator,
    create_engine,
    event,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.orm import DeclarativeBase, Session

from dafan.clock import require_utc
from dafan.errors import ConfigError

T = TypeVar("T")
log = logging.getLogger(__name__)
_WRITES = "dafan_writes"


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC in Python; stored without a zone, in UTC, on both engines."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a time without a zone; store UTC."""
        del dialect
        return None if value is None else require_utc(value).replace(tzinfo=None)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """What is stored is UTC."""
        del dialect
        return None if value is None else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """All tables of kitchen and server; constraints have stable names, for the migrations."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime(), int: BigInteger}  # noqa: RUF012 - SQLAlchemy reads it so


def make_engine(url: str) -> Engine:
    """An engine for ``sqlite:///path`` or ``postgresql+psycopg://…``.

    SQLite runs in WAL mode with ``synchronous=FULL``. Connections stay open, so that the schema is
    read once and no request checkpoints the log because it was the last to leave. A transaction of
    :func:`writing` takes the write lock at its beginning, so that it waits for others instead of
    failing half-way.

    Raises:
        ConfigError: the URL is not one of the two.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigError(
            f"database_url '{url}' cannot be read: write sqlite:///var/dafan.db"
        ) from error
    backend = parsed.get_backend_name()
    if backend == "postgresql":
        engine = create_engine(parsed, hide_parameters=True, pool_pre_ping=True)
        event.listen(engine, "connect", _prepare_postgresql)
        return engine
    if backend != "sqlite" or parsed.database in {None, "", ":memory:"}:
        raise ConfigError(
            f"database_url begins with '{backend}': use sqlite:///FILE or postgresql+psycopg://…"
        )
    engine = create_engine(
        parsed, hide_parameters=True, max_overflow=-1, connect_args={"timeout": 30}
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


class _PlainNumber(Loader):
    """A sum of integers is an integer, an average a float, as on SQLite; not a Decimal."""

    def load(self, data: Buffer) -> float:
        text = bytes(data).decode()
        return float(text) if "." in text or "N" in text else int(text)


def _prepare_postgresql(connection: psycopg.Connection[Any], _record: Any) -> None:
    connection.adapters.register_loader("numeric", _PlainNumber)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    pragmas = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON")
    for pragma in pragmas:  # what is deleted is overwritten: faces, photographs
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """A session whose changes are committed together at the end of the block, or not at all."""
    writer = engine.execution_options(**{_WRITES: True})
    with Session(writer, expire_on_commit=False) as session, session.begin():
        yield session


def retrying(engine: Engine, work: Callable[[Session], T]) -> T:
    """Do work in a transaction; again, twice at most, where PostgreSQL gave it up for others.

    Locks are taken in one order, so that nobody should ever be a deadlock's victim. Should it
    happen all the same, nothing was written, and the same work simply begins again, after a
    moment in which the other can end. SQLite has one writer at a time: it waits, it never gives
    up half-way.

    Args:
        engine: The database.
        work: Changes nothing but the session; may be called again.
    """
    for pause in _PAUSES:
        try:
            with writing(engine) as session:
                return work(session)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in _GIVEN_UP:
                raise
            log.warning("a transaction was given up and begins again: %s", error.orig)
            time.sleep(pause)
    with writing(engine) as session:
        return work(session)


def in_doubt(error: DBAPIError) -> bool:
    """Whether a transaction may be committed although it failed.

    The disk did not confirm what SQLite wrote, and the next start may find it all the same; or the
    line to PostgreSQL went dead before its answer.
    """
    name = str(getattr(error.orig, "sqlite_errorname", ""))
    return error.connection_invalidated or name.startswith("SQLITE_IOERR")


_PAUSES = (0.1, 0.5)
"""Seconds."""
_GIVEN_UP = {"40P01", "40001"}
"""Deadlock detected, serialization failure."""


@contextmanager
def migrating(engine: Engine) -> Iterator[Connection]:
    """A transaction that changes tables while no other one does.

    SQLite checks foreign keys at its end and not before: a table that is rebuilt is gone for a
    moment.

    Raises:
        ConfigError: a row points to one that does not exist.
    """
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATING})")
            yield connection
        return
    with engine.execution_options(**{_WRITES: True}).connect() as connection:
        connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
        with connection.begin():
            yield connection
            orphan = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
            if orphan is not None:
                raise ConfigError(
                    f"a row of {orphan[0]} points to a row of {orphan[2]} that does not exist: "
                    "nothing was changed; restore a backup that `dafan verify` finds right"
                )


_MIGRATING = 0x0DAFA9
"""Names our lock among those of other programs."""


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A session that sees one state of the database and changes nothing.

    What was read can be used after the block, but loads nothing more.
    """
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
    with Session(engine, autoflush=False) as session:
        yield session
