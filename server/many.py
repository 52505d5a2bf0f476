"""Many rows at once: lists that every database takes whole, and rows written by the thousand."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar, cast

import psycopg
from sqlalchemy import (
    ColumnElement,
    Dialect,
    FromClause,
    Table,
    any_,
    func,
    insert,
    literal,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.types import TypeEngine

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
        return column == any_(literal(list(values), postgresql.ARRAY(column.type)))
    as_stored = _as_stored(column.type, dialect)
    listed = func.json_each(json.dumps([as_stored(value) for value in values]))
    return column.in_(select(listed.table_valued("value").c.value))


def insert_all(session: Session, table: FromClause, rows: Sequence[Row]) -> None:
    """Write rows of one table by one statement; defaults of the model fill what they leave out.

    Raises:
        DBAPIError: as any statement of the session; PostgreSQL's COPY is no exception.
    """
    table = cast("Table", table)
    if len(rows) < COPY_FROM or not locks_rows(session):
        if rows:
            session.connection().execute(insert(table), [dict(row) for row in rows])
        return
    connection = session.connection()
    columns = [(column, _as_stored(column.type, connection.dialect)) for column in table.columns]
    quote = connection.dialect.identifier_preparer.quote
    names = ", ".join(quote(column.name) for column, _ in columns)
    statement = f"COPY {quote(table.name)} ({names}) FROM STDIN"
    raw = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
    try:
        with raw.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            for row in rows:
                copy.write_row([
                    as_stored(row[column.key] if column.key in row else _default(column))
                    for column, as_stored in columns
                ])  # fmt: skip
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
            kind(cast("Table", table)).values(values).on_conflict_do_nothing()
        )


def _as_stored(kind: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any]:
    process = kind.dialect_impl(dialect).bind_processor(dialect)
    return process or (lambda value: value)


def _default(column: Any) -> Any:
    if column.default is None:
        return None
    return column.default.arg(None) if column.default.is_callable else column.default.arg
