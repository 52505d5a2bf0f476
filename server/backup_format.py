"""What a backup is made of: one ZIP file, the same for SQLite and for PostgreSQL.

``manifest.json`` says when and from which version it was made and how long each part is;
``tables/NAME.jsonl`` holds one JSON array a row; ``keys/NAME`` a secret sealed by a passphrase.
"""

import base64
import hashlib
import os
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from pydantic import Field
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    LargeBinary,
    String,
    Table,
    Uuid,
)
from sqlalchemy import types as sql

from dafan import crypto
from dafan.errors import BadInputError, ConfigError
from dafan.wire import Binary, Record, Utc

FORMAT = 1
MANIFEST = "manifest.json"
KEYS = "keys/"
MIN_PASSPHRASE = 12
_SCRYPT_N = 2**15
"""32 MB and about a tenth of a second for each guess (RFC 7914)."""


class BackupError(BadInputError):
    """The file is no backup that can be used."""

    code = "bad_backup"


class ColumnPart(Record):
    """A column: its name, and how its values are written."""

    name: str
    kind: str


class TablePart(Record):
    """A table in the backup, in an order that foreign keys allow."""

    name: str
    columns: tuple[ColumnPart, ...]
    rows: int
    sha256: str


class Manifest(Record):
    """What the backup holds."""

    format: int
    dafan: str
    revision: str
    """Of the database's schema."""
    made_at: Utc
    engine: str
    tables: tuple[TablePart, ...]
    keys: tuple[str, ...]
    """Names of the sealed secrets; none where it was made without."""
    salt: Annotated[Binary, Field(max_length=64)] = b""


# --- values -------------------------------------------------------------------------------------

_KINDS: tuple[tuple[str, type[sql.TypeEngine[Any]]], ...] = (
    ("uuid", Uuid), ("bytes", LargeBinary), ("bool", Boolean), ("json", JSON), ("utc", DateTime),
    ("date", Date), ("int", sql.Integer), ("text", String),
)  # fmt: skip
_TYPES: dict[str, Callable[[], sql.TypeEngine[Any]]] = {
    "uuid": Uuid, "bytes": LargeBinary, "bool": Boolean, "json": lambda: JSON(none_as_null=True),
    "utc": DateTime, "date": Date, "int": BigInteger, "text": String,
}  # fmt: skip


def kind_of(column: Column[Any]) -> str:
    """How a column's values are written.

    Raises:
        TypeError: a column of a type that a backup does not know.
    """
    plain = column.type.impl if isinstance(column.type, sql.TypeDecorator) else column.type
    for kind, type_ in _KINDS:
        if isinstance(plain, type_):
            return kind
    raise TypeError(f"a backup cannot write {column.table.name}.{column.name}: {column.type!r}")


def columns_of(table: Table) -> tuple[ColumnPart, ...]:
    """All columns of a table."""
    return tuple(ColumnPart(name=column.name, kind=kind_of(column)) for column in table.columns)


def sql_type(kind: str) -> sql.TypeEngine[Any]:
    """The column type that takes values of a kind, on either engine.

    Raises:
        BackupError: there is no such kind.
    """
    if kind not in _TYPES:
        raise BackupError(f"this backup has values of kind '{kind}': use a newer Dafan")
    return _TYPES[kind]()


_WRITE: dict[str, Callable[[Any], Any]] = {
    "uuid": lambda value: value.hex,
    "bytes": lambda value: base64.b64encode(value).decode(),
    "utc": lambda value: value.astimezone(UTC).isoformat(),
    "date": lambda value: value.isoformat(),
}
_READ: dict[str, Callable[[Any], Any]] = {
    "uuid": lambda text: UUID(hex=text),
    "bytes": lambda text: base64.b64decode(text, validate=True),
    "utc": lambda text: datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None),
    "date": date.fromisoformat,
}


def writers(columns: Sequence[ColumnPart]) -> list[Callable[[Any], Any] | None]:
    """For each column, what makes a JSON value of one of its values; ``None``: it is one."""
    return [_WRITE.get(column.kind) for column in columns]


def readers(columns: Sequence[ColumnPart]) -> list[Callable[[Any], Any] | None]:
    """For each column, what makes its value of a JSON value; ``None``: it is one."""
    return [_READ.get(column.kind) for column in columns]


# --- secrets ------------------------------------------------------------------------------------


def read_passphrase(file: Path) -> str:
    """The first line of a passphrase file.

    Raises:
        ConfigError: it cannot be read, or it is too short.
    """
    try:
        first = (file.read_text(encoding="utf-8").splitlines() or [""])[0]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: no passphrase can be read from it: {error}") from error
    if len(first) < MIN_PASSPHRASE:
        raise ConfigError(f"{file}: a passphrase has at least {MIN_PASSPHRASE} characters")
    return first


def new_salt() -> bytes:
    """Fresh, for each backup."""
    return os.urandom(16)


def passphrase_key(passphrase: str, salt: bytes) -> bytes:
    """The key that seals secrets: scrypt of the passphrase (RFC 7914, N=2**15, r=8, p=1)."""
    return Scrypt(salt=salt, length=32, n=_SCRYPT_N, r=8, p=1).derive(passphrase.encode())


def seal_secret(key: bytes, name: str, secret: bytes) -> bytes:
    """A secret file as it stands in a backup."""
    return crypto.seal(key, secret, f"backup:{name}")


def open_secret(key: bytes, name: str, sealed: bytes) -> bytes:
    """Undo :func:`seal_secret`.

    Raises:
        BackupError: the passphrase is another one, or the backup was altered.
    """
    try:
        return crypto.open_sealed(key, sealed, f"backup:{name}")
    except crypto.SealError as error:
        raise BackupError(
            f"{name} does not open: the passphrase is another one, or the file was altered"
        ) from error


class Hashing:
    """A file-like end that counts and hashes what is written through it."""

    def __init__(self, target: Any) -> None:
        self._target = target
        self._hash = hashlib.sha256()

    def write(self, data: bytes) -> None:
        """Write on."""
        self._hash.update(data)
        self._target.write(data)

    @property
    def sha256(self) -> str:
        """Of all that was written."""
        return self._hash.hexdigest()
