"""Restore (恢复): a backup becomes a database again, on either engine, whole or not at all.

On SQLite a new file is built beside the old one and takes its name only when it is proved; on
PostgreSQL all rows are replaced in one transaction. A crash in between leaves what was there.
"""

import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, Engine, column, func, inspect, select, table, text, update
from sqlalchemy.orm import Session

from dafan.clock import SystemClock
from dafan.db import make_engine
from dafan.records import FEED_LINE
from server import schema
from server.backup_format import (
    FORMAT,
    KEYS,
    MANIFEST,
    BackupError,
    Manifest,
    TablePart,
    open_secret,
    passphrase_key,
    readers,
    sql_type,
)
from server.faces import Erasure
from server.feed import FeedCounter, FeedRow
from server.many import portions
from server.verify import Report, verify_server

_ROWS = 1000
_LONGEST_LINE = 64 * 2**20
_DAMAGE = (
    AttributeError, KeyError, ValueError, TypeError, EOFError, OSError, zipfile.BadZipFile,
    zlib.error,
)  # fmt: skip
"""What reading altered bytes can raise; a checksum finds the rest."""


def read_manifest(file: Path) -> Manifest:
    """What a backup holds.

    Raises:
        BackupError: no backup, damaged, or of a newer program.
    """
    try:
        with zipfile.ZipFile(file) as package:
            manifest = Manifest.model_validate_json(package.read(MANIFEST))
    except (OSError, zipfile.BadZipFile, KeyError, ValidationError, NotImplementedError) as error:
        raise BackupError(f"{file} is no backup, or it is damaged: take another one") from error
    if manifest.format > FORMAT or not schema.knows(manifest.revision):
        raise BackupError(f"{file} was made by Dafan {manifest.dafan}: install that or a newer one")
    return manifest


def read_secrets(file: Path, manifest: Manifest, passphrase: str) -> dict[str, bytes]:
    """The secrets of a backup, opened.

    Raises:
        BackupError: the passphrase is another one, or a name leads out of the data folder.
    """
    key = passphrase_key(passphrase, manifest.salt)
    secrets = {}
    with zipfile.ZipFile(file) as package:
        for name in manifest.keys:
            if name.startswith("/") or ".." in Path(name).parts:
                raise BackupError(f"the backup holds a secret named {name}: it was tampered with")
            try:
                sealed = package.read(KEYS + name)
            except (KeyError, zipfile.BadZipFile) as error:
                raise BackupError(f"{file} lacks {name}: it is damaged") from error
            secrets[name] = open_secret(key, name, sealed)
    return secrets


def restore(
    file: Path,
    manifest: Manifest,
    url: str,
    *,
    replace: bool,
    progress: Callable[[str], None] = lambda _: None,
) -> Report:
    """Make the database of ``url`` what the backup says, brought to this version, and prove it.

    The server must not run meanwhile.

    Args:
        file: The backup.
        manifest: Its own.
        url: The database's.
        replace: Give up what is there.
        progress: Told the name of each table before it is read.

    Returns:
        What ``verify`` says about the restored books; where it found faults, the database is
        restored all the same, for they were in the backup.

    Raises:
        BackupError: the file is damaged, or the database is not empty and not to be replaced.
    """
    engine = make_engine(url)
    try:
        if not replace and _holds_rows(engine):
            raise BackupError(
                f"{engine.url.render_as_string()} is not empty: name an empty database, "
                "or say --replace to give up what is in it"
            )
        if engine.dialect.name == "sqlite":
            return _restore_file(file, manifest, Path(str(engine.url.database)), progress)
        return _restore_rows(file, manifest, engine, progress)
    finally:
        engine.dispose()


def _holds_rows(engine: Engine) -> bool:
    if engine.dialect.name == "sqlite" and not Path(str(engine.url.database)).exists():
        return False
    names = inspect(engine).get_table_names()
    with engine.connect() as connection:
        return any(
            connection.execute(select(text("1")).select_from(table(name)).limit(1)).first()
            for name in names
            if name != "alembic_version"
        )


# --- SQLite: a new file beside the old one ------------------------------------------------------


def _restore_file(
    file: Path, manifest: Manifest, path: Path, progress: Callable[[str], None]
) -> Report:
    fresh = path.with_name(f"{path.name}.restoring")
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove(fresh)
    engine = make_engine(f"sqlite:///{fresh}")
    try:
        schema.upgrade(engine, manifest.revision)
        with engine.connect() as connection:
            _outside_transactions(connection, "PRAGMA foreign_keys=OFF")
            with connection.begin():
                _fill(connection, file, manifest, progress)
                broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        if broken is not None:
            raise BackupError(f"{file} is damaged: a row of {broken[0]} refers to one that lacks")
        schema.upgrade(engine)
        with engine.begin() as connection:
            begin_line(connection, SystemClock().now())
        report = _prove(engine)
        _close(engine)
        _take_place(fresh, path)
    finally:
        engine.dispose()
        _remove(fresh)
    return report


def _close(engine: Engine) -> None:
    """Leave one file, with nothing in a write-ahead log."""
    with engine.connect() as connection:
        _outside_transactions(connection, "PRAGMA wal_checkpoint(TRUNCATE)")


def _outside_transactions(connection: Connection, pragma: str) -> None:
    """SQLAlchemy begins a transaction at the first statement, in which these do nothing."""
    connection.connection.cursor().execute(pragma)


def _take_place(fresh: Path, path: Path) -> None:
    """Put the new file where the old one is, which stays beside it as ``….before-restore``."""
    if path.exists():
        old = make_engine(f"sqlite:///{path}")
        _close(old)
        old.dispose()
        kept = path.with_name(f"{path.name}.before-restore")
        kept.unlink(missing_ok=True)
        os.link(path, kept)
        for end in ("-wal", "-shm"):
            path.with_name(path.name + end).unlink(missing_ok=True)
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _remove(path: Path) -> None:
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)


# --- PostgreSQL: all rows in one transaction ----------------------------------------------------


def _restore_rows(
    file: Path, manifest: Manifest, engine: Engine, progress: Callable[[str], None]
) -> Report:
    """Rebuild the schema and fill it; PostgreSQL takes both back if anything fails."""
    with engine.begin() as connection:
        for name in reversed(inspect(connection).get_table_names()):
            quoted = engine.dialect.identifier_preparer.quote(name)
            connection.exec_driver_sql(f"DROP TABLE {quoted} CASCADE")
        schema.upgrade_connection(connection, manifest.revision)
        _fill(connection, file, manifest, progress)
        schema.upgrade_connection(connection)
        begin_line(connection, SystemClock().now())
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            report = Report()
            verify_server(session, report)
    return report


def begin_line(connection: Connection, now: datetime) -> None:
    """Give all that is published versions that no till has ever seen.

    Not merely the next line: the same backup may be restored twice, and a till may have heard the
    server that came of it first.

    A till that heard news which the backup does not hold would else take what is published from
    now on for their continuation, and keep them for ever: a face, a balance, a card.
    """
    highest = connection.scalar(select(func.max(FeedCounter.version))) or 0
    line = max(highest // FEED_LINE + 1, int(now.timestamp()))
    for number in (FeedRow.version, FeedCounter.version, Erasure.version):
        moved = number % FEED_LINE + line * FEED_LINE
        connection.execute(update(number.class_).values({number: moved}))


def _prove(engine: Engine) -> Report:
    report = Report()
    with Session(engine, autoflush=False) as session:
        verify_server(session, report)
    return report


# --- rows ---------------------------------------------------------------------------------------


def _fill(
    connection: Connection, file: Path, manifest: Manifest, progress: Callable[[str], None]
) -> None:
    with zipfile.ZipFile(file) as package:
        for part in manifest.tables:
            progress(part.name)
            target = table(part.name, *(column(c.name, sql_type(c.kind)) for c in part.columns))
            connection.execute(target.delete())
            names = [each.name for each in part.columns]
            for values in portions(_rows(package, part, file), _ROWS):
                rows = [dict(zip(names, each, strict=True)) for each in values]
                connection.execute(target.insert(), rows)


def _rows(package: zipfile.ZipFile, part: TablePart, file: Path) -> Iterator[list[Any]]:
    each = readers(part.columns)
    found = hashlib.sha256()
    count = 0
    try:
        with package.open(f"tables/{part.name}.jsonl") as lines:
            while line := lines.readline(_LONGEST_LINE):
                found.update(line)
                count += 1
                yield [
                    value if read is None or value is None else read(value)
                    for read, value in zip(each, json.loads(line), strict=True)
                ]
    except _DAMAGE as error:
        raise BackupError(f"{file} is damaged in {part.name}: take another backup") from error
    if found.hexdigest() != part.sha256 or count != part.rows:
        raise BackupError(f"{file} was altered in {part.name}: take another backup")
