"""Backup (备份): one consistent state of the whole database in one file, while tills go on selling.

The rows are read in one transaction that sees one state: a snapshot of SQLite's write-ahead log,
or ``REPEATABLE READ`` on PostgreSQL. The file has its name only when it is whole and on the disk.
"""

import json
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, Table, select

from dafan import __version__
from dafan.db import Base
from server import schema
from server.backup_format import (
    FORMAT,
    KEYS,
    MANIFEST,
    BackupError,
    Hashing,
    Manifest,
    TablePart,
    columns_of,
    new_salt,
    passphrase_key,
    seal_secret,
    writers,
)

_ROWS = 2000
_PREFIX = "dafan-"
_SECRETS = ("secret.key", "site.key")
_RING = "keys"


def secrets_of(data_dir: Path) -> dict[str, bytes]:
    """Name within the data folder → content of each secret that the database is useless without."""
    files = [data_dir / name for name in _SECRETS]
    ring = data_dir / _RING
    if ring.is_dir():
        files += sorted(path for path in ring.rglob("*") if path.is_file())
    return {
        path.relative_to(data_dir).as_posix(): path.read_bytes() for path in files if path.is_file()
    }


def make_backup(
    engine: Engine,
    target: Path,
    now: datetime,
    *,
    secrets: Mapping[str, bytes],
    passphrase: str,
    progress: Callable[[str], None] = lambda _: None,
) -> Manifest:
    """Write a backup.

    Args:
        engine: The server's database; its schema is that of this program.
        target: The file to make; it must not exist.
        now: Aware UTC.
        secrets: As :func:`secrets_of` gives them; empty: a backup without keys.
        passphrase: Seals the secrets.
        progress: Told the name of each table before it is written.

    Raises:
        BackupError: the file exists, the disk takes no more, the schema is an older one, or
            secrets come without a passphrase.
    """
    if target.exists():
        raise BackupError(f"{target} exists: name another file")
    if secrets and not passphrase:
        raise BackupError("a backup with keys needs a passphrase: without it they lie open")
    revision = schema.revision(engine)
    if revision != schema.head():
        raise BackupError("the database is of an older version: run `dafan server upgrade` first")
    part = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            os.chmod(part, 0o600)  # noqa: PTH101 - the open file's own
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package:
                manifest = _write(engine, package, revision, now, secrets, passphrase, progress)
            file.flush()
            os.fsync(file.fileno())
        part.rename(target)
    except OSError as error:
        raise BackupError(f"{target} could not be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)
    return manifest


def _write(
    engine: Engine,
    package: zipfile.ZipFile,
    revision: str,
    now: datetime,
    secrets: Mapping[str, bytes],
    passphrase: str,
    progress: Callable[[str], None],
) -> Manifest:
    tables = []
    with one_state(engine) as connection:
        for table in Base.metadata.sorted_tables:
            progress(table.name)
            tables.append(_write_table(connection, package, table))
    salt = new_salt() if secrets else b""
    key = passphrase_key(passphrase, salt) if secrets else b""
    for name, secret in secrets.items():
        package.writestr(KEYS + name, seal_secret(key, name, secret))
    manifest = Manifest(
        format=FORMAT, dafan=__version__, revision=revision, made_at=now,
        engine=engine.dialect.name, tables=tuple(tables), keys=tuple(secrets), salt=salt,
    )  # fmt: skip
    package.writestr(MANIFEST, manifest.model_dump_json(indent=1))
    return manifest


def _write_table(connection: Connection, package: zipfile.ZipFile, table: Table) -> TablePart:
    columns = columns_of(table)
    each = writers(columns)
    rows = 0
    query = select(table).order_by(*table.primary_key.columns)
    with package.open(f"tables/{table.name}.jsonl", "w", force_zip64=True) as raw:
        file = Hashing(raw)
        result = connection.execute(query.execution_options(yield_per=_ROWS))
        for portion in result.partitions():
            lines = []
            for row in portion:
                values = [
                    value if write is None or value is None else write(value)
                    for write, value in zip(each, row, strict=True)
                ]
                lines.append(json.dumps(values, ensure_ascii=False, separators=(",", ":")))
            file.write(("\n".join(lines) + "\n").encode())
            rows += len(lines)
    return TablePart(name=table.name, columns=columns, rows=rows, sha256=file.sha256)


@contextmanager
def one_state(engine: Engine) -> Iterator[Connection]:
    """A connection whose reads all see the same state of the database."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection = connection.execution_options(  # noqa: PLW2901 - the same connection
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        with connection.begin():
            yield connection


def name_of(folder: Path, now: datetime) -> Path:
    """The file of a backup that is made now."""
    return folder / f"{_PREFIX}{now:%Y%m%dT%H%M%SZ}.zip"


def prune(folder: Path, keep: int) -> list[Path]:
    """Delete all but the latest backups of a folder, and say which."""
    found = sorted(folder.glob(f"{_PREFIX}*Z.zip"))
    old = found[:-keep] if keep > 0 else []
    for path in old:
        path.unlink()
    return old
