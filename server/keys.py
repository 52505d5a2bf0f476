"""The site key in epochs: one file each beside the database, and which of them seals now.

A rotation makes the next epoch. Everything sealed names its epoch, so that old things open until
they are sealed anew (:mod:`server.rotation`) and the old file is destroyed. One ring serves all
sites of a server.
"""

import hashlib
import os
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import String, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan import crypto
from dafan.crypto import SealError
from dafan.db import Base
from dafan.errors import ConfigError

FIRST = 1
_SUFFIX = ".key"
_ONLY = 1
"""The id of the one row that says which epoch seals."""


class KeyState(Base):
    """Which epoch seals now; who seals holds this row, so that no rotation comes between."""

    __tablename__ = "key_state"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    epoch: Mapped[int]


class KeyEpoch(Base):
    """What became of an epoch; the first has a row from the first rotation on."""

    __tablename__ = "key_epoch"

    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    fingerprint: Mapped[str] = mapped_column(String(16))
    """Names the key without telling it."""
    made_at: Mapped[datetime | None]
    """Not known of the first epoch of an older server."""
    made_by: Mapped[str] = mapped_column(String(80), default="")
    retired_at: Mapped[datetime | None]
    retired_by: Mapped[str | None] = mapped_column(String(80))
    destroyed_at: Mapped[datetime | None]
    """The file is gone."""


@dataclass(frozen=True, slots=True)
class Key:
    """One epoch's key of 32 bytes."""

    epoch: int
    secret: bytes = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that name the key without telling it."""
        return hashlib.sha256(b"dafan key" + self.secret).hexdigest()[:16]


class KeyRing:
    """The keys of a server, one file ``<epoch>.key`` each, readable by its owner only.

    Nothing is remembered: a key that was destroyed is gone for every process at once.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def open(cls, data_dir: Path) -> "KeyRing":
        """The ring in ``data_dir/keys``; a new one begins with epoch 1.

        The ``site.key`` of an older server becomes epoch 1.

        Raises:
            ConfigError: there are two different first keys.
        """
        ring = cls(data_dir / "keys")
        ring.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        ring._take_over(data_dir / "site.key")
        if not ring.epochs():
            ring.make(FIRST)
        return ring

    def epochs(self) -> list[int]:
        """Epochs whose key is here, in order."""
        names = (path.stem for path in self.folder.glob(f"*{_SUFFIX}"))
        return sorted(int(name) for name in names if name.isdecimal())

    def key(self, epoch: int) -> Key:
        """The key of an epoch.

        Raises:
            SealError: it is not here.
        """
        try:
            secret = self._path(epoch).read_bytes()
        except FileNotFoundError as error:
            raise SealError(
                f"the site key of epoch {epoch} is not in {self.folder}: "
                "bring it back from the backup of the keys"
            ) from error
        if len(secret) != 32:
            raise SealError(f"{self._path(epoch)} is damaged: bring it back from the backup")
        return Key(epoch, secret)

    def make(self, epoch: int) -> Key:
        """The key of an epoch, made where there is none: complete on the disk, or not there."""
        crypto.load_or_create_secret(self._path(epoch), crypto.new_key())
        return self.key(epoch)

    def destroy(self, epoch: int) -> bool:
        """Overwrite and remove the key of an epoch; whether it was here."""
        try:
            with self._path(epoch).open("r+b") as file:
                file.write(os.urandom(32))
                file.flush()
                os.fsync(file.fileno())
        except FileNotFoundError:
            return False
        self._path(epoch).unlink(missing_ok=True)
        _sync_folder(self.folder)
        return True

    def _path(self, epoch: int) -> Path:
        return self.folder / f"{epoch}{_SUFFIX}"

    def _take_over(self, old: Path) -> None:
        """Move the one file of older versions into the ring; a crash on the way is harmless."""
        try:
            secret = old.read_bytes()
            os.link(old, self._path(FIRST))
        except FileNotFoundError:  # the usual case, or another process did it in this moment
            return
        except FileExistsError as error:
            if self._path(FIRST).read_bytes() != secret:
                raise ConfigError(
                    f"{old} and {self._path(FIRST)} are different keys: "
                    "keep the one that belongs to this database, and move the other one away"
                ) from error
        _sync_folder(self.folder)
        old.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def current(session: Session) -> int:
    """The epoch that seals now, for people to see."""
    return session.scalar(select(KeyState.epoch).where(KeyState.id == _ONLY)) or FIRST


def sealing(session: Session, ring: KeyRing) -> Key:
    """The key to seal with in this transaction, before any other row is locked.

    A rotation waits until the transaction ends.

    Raises:
        SealError: its file is not here.
    """
    return ring.key(hold(session).epoch)


def hold(session: Session, *, alone: bool = False) -> KeyState:
    """Which epoch seals; it stays so until the transaction ends.

    Args:
        session: Writes.
        alone: Nobody else may hold it meanwhile: for what changes it.
    """
    lock = {"read": not alone}
    state = session.get(KeyState, _ONLY, with_for_update=lock, populate_existing=True)
    if state is None:
        try:
            with session.begin_nested():
                session.add(KeyState(id=_ONLY, epoch=FIRST))
        except IntegrityError:  # another worker was as quick
            pass
        state = session.get_one(KeyState, _ONLY, with_for_update=lock, populate_existing=True)
    return state
