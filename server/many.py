"""Many rows at once: lists that every database takes whole, and rows written by the thousand."""

import json
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

import psycopg
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Dialect,
    Executable,
    FromClause,
    Table,
    Uuid,
    any_,
    func,
    literal,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.types import TypeEngine, UserDefinedType

T = TypeVar("T")
Row = Mapping[str, Any]
"""Column → value."""

PORTION = 1000
"""Well below SQLite's and PostgreSQL's limits of bound values (32,766 and 65,535)."""
COPY_FROM = 20
"""From so many rows on, PostgreSQL takes them sooner by COPY than by INSERT."""


def portions(items: Iterable[T], size: int = PORTION) -> Iterator[list[T]]:
    """The items in order, in lists of at most ``size``."""
    rest = iter(items)
    while portion := list(islice(rest, size)):
        yield portion


def locks_rows(session: Session) -> bool:
    """Whether the database locks single rows; SQLite lets one transaction write at a time."""
    return session.get_bind().dialect.name == "postgresql"


def among(
    session: Session, column: InstrumentedAttribute[T] | ColumnElement[T], values: Iterable[Any]
) -> ColumnElement[bool]:
    """That the column is one of the values, however many.

    They are one bound value, so that the statement has one text and is planned once.
    """
    dialect = session.get_bind().dialect
    if dialect.name == "postgresql":
        return column == any_(array_of(column.type, values))
    process = _process(column.type, dialect)
    listed = func.json_each(json.dumps([process(value) if process else value for value in values]))
    return column.in_(select(listed.table_valued("value").c.value))


def array_of(kind: TypeEngine[Any], values: Iterable[Any]) -> ColumnElement[Any]:
    """The values as one array of PostgreSQL; ids as one text, which costs the driver least."""
    if isinstance(kind, Uuid):
        return literal("{" + ",".join(value.hex for value in values) + "}", _Ids())
    return literal(list(values), postgresql.ARRAY(kind))


class _Ids(UserDefinedType[str]):
    """An array of ids, written as one text.

    The text is bound as an array. As a text that a cast makes an array of it would be read again
    for every row that is compared: half a second for 200 ids among 2,000 diners.
    """

    cache_ok = True
    render_bind_cast = True

    def get_col_spec(self, **_: Any) -> str:
        return "UUID[]"


def rows_of(session: Session, query: Executable) -> list[tuple[Any, ...]]:
    """The rows of a query of columns, past the work that a session does for each row of objects.

    It is worth it from some thousand rows on. What the session has not written yet is written.
    """
    session.flush()
    return [tuple(row) for row in session.connection().execute(query)]


def insert_all(session: Session, table: FromClause, rows: Sequence[Row]) -> None:
    """Write rows of one table by one statement; defaults of the model fill what they leave out.

    It is the short way around SQLAlchemy's handling of each value: types are applied here.

    Raises:
        DBAPIError: as any statement of the session; PostgreSQL's COPY is no exception.
    """
    if not rows:
        return
    connection = session.connection()
    table = typing.cast("Table", table)
    columns = []
    for column in table.columns:
        values = _values(rows, column)
        process = _process(column.type, connection.dialect)
        columns.append([process(value) for value in values] if process else values)
    stored = list(zip(*columns, strict=True))
    quote = connection.dialect.identifier_preparer.quote
    names = ", ".join(quote(column.name) for column in table.columns)
    if len(rows) >= COPY_FROM and locks_rows(session):
        _copy(connection, f"COPY {quote(table.name)} ({names}) FROM STDIN", stored)
        return
    marks = ", ".join(["%s" if locks_rows(session) else "?"] * len(columns))
    statement = f"INSERT INTO {quote(table.name)} ({names}) VALUES ({marks})"  # noqa: S608 - names of our own tables
    connection.exec_driver_sql(statement, stored)


def _copy(connection: Connection, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
    raw = typing.cast("psycopg.Connection[Any]", connection.connection.driver_connection)
    try:
        with raw.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as error:
        raise DBAPIError.instance(
            statement, None, error, psycopg.Error, dialect=connection.dialect
        ) from error


def insert_missing(session: Session, table: FromClause, rows: Sequence[Row]) -> None:
    """Write those of the rows that contradict no unique key; those of others are waited for."""
    kind = postgresql.insert if locks_rows(session) else sqlite.insert
    for portion in portions(rows):
        values = [dict(row) for row in portion]
        session.connection().execute(
            kind(typing.cast("Table", table)).values(values).on_conflict_do_nothing()
        )


def _process(kind: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    """What makes a value what the driver takes; ``None`` where it takes it as it is."""
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _values(rows: Sequence[Row], column: Column[Any]) -> list[Any]:
    """A column's value in each row."""
    key = column.key
    if column.default is None:
        return [row.get(key) for row in rows]
    made: Any = column.default
    return [
        row[key] if key in row else made.arg(None) if made.is_callable else made.arg for row in rows
    ]
