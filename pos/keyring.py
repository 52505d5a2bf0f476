"""The site's keys that a till holds, by epoch: files beside its identity, for its user only.

A rotation of the site key sends the next epoch through the feed, sealed for this terminal
(:class:`dafan.desk.SiteKey`). An old key stays as long as something here is sealed with it, and
some weeks for the QR codes that diners carry on paper.
"""

import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from dafan.crypto import Identity, SealError, open_box, read_qr
from dafan.desk import SiteKey

FIRST = 1
KEY_BYTES = 32
QR_GRACE = timedelta(days=30)
"""So long after a rotation the QR codes of the epoch before are still taken."""
SITE_KEY = "till.site_key"
"""The file of the first epoch; those of later ones end in their number."""
_NAME = re.compile(re.escape(SITE_KEY) + r"(?:\.([0-9]{1,5}))?")


class KeyRing:
    """Keys by epoch; a copy of each lies in ``folder``, where there is one.

    Args:
        keys: Epoch → 32 bytes.
        identity: Opens what is sealed for this terminal.
        folder: The till's data folder.

    Raises:
        SealError: there is no key at all, or one is damaged.
    """

    def __init__(
        self,
        keys: Mapping[int, bytes],
        identity: Identity | None = None,
        folder: Path | None = None,
    ) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys.values()):
            raise SealError("the till's site key is missing or damaged: enrol it anew")
        self._keys = dict(keys)
        self._identity = identity
        self._folder = folder

    @classmethod
    def load(cls, folder: Path, identity: Identity) -> "KeyRing":
        """The keys that lie in a till's folder.

        Raises:
            SealError: there is none, or one is damaged.
        """
        keys = {}
        for path in folder.glob(f"{SITE_KEY}*"):
            name = _NAME.fullmatch(path.name)
            if name is not None:
                keys[int(name[1] or FIRST)] = path.read_bytes()
        return cls(keys, identity, folder)

    @property
    def newest(self) -> int:
        """The epoch that seals now."""
        return max(self._keys)

    def epochs(self) -> list[int]:
        """Every epoch whose key is here, in order."""
        return sorted(self._keys)

    def key(self, epoch: int) -> bytes | None:
        """The key of an epoch; ``None`` where it has not come yet, or is forgotten."""
        return self._keys.get(epoch)

    def take(self, item: SiteKey) -> bool:
        """Keep a key from the feed, on the disk first; whether it is news.

        A server that was restored from a backup may give an epoch a second time, with another key.

        Raises:
            SealError: it is not sealed for this terminal.
            OSError: the disk does not take it.
        """
        if self._identity is None:
            raise SealError("site key: this program has no identity that could open it")
        key = open_box(self._identity, item.sealed, "site key")
        if self._keys.get(item.epoch) == key:
            return False
        if len(key) != KEY_BYTES:
            raise SealError("site key: what was sealed for this terminal is no key")
        if self._folder is not None:
            write_private(key_file(self._folder, item.epoch), key)
        self._keys[item.epoch] = key
        return True

    def forget(self, epoch: int) -> None:
        """Destroy the key of an epoch: what it sealed can be opened here no more."""
        if self._folder is not None:
            path = key_file(self._folder, epoch)
            write_over(path)
            path.unlink(missing_ok=True)
        del self._keys[epoch]

    def idle(self, now: datetime) -> list[int]:
        """Old epochs that no QR code has to be read with any more."""
        newest = self.newest
        if self._folder is not None:
            came = key_file(self._folder, newest).stat().st_mtime
            if now - datetime.fromtimestamp(came, UTC) < QR_GRACE:
                return []
        return [epoch for epoch in self.epochs() if epoch != newest]

    def read_qr(self, text: str) -> UUID | None:
        """The diner of a QR code of this site, made in any epoch that is here."""
        found = (read_qr(self._keys[epoch], text) for epoch in reversed(self.epochs()))
        return next((diner_id for diner_id in found if diner_id is not None), None)


def key_file(folder: Path, epoch: int) -> Path:
    """Where the key of an epoch lies."""
    return folder / (SITE_KEY if epoch == FIRST else f"{SITE_KEY}.{epoch}")


def write_over(path: Path) -> None:
    """Put chance in the place of a secret, where there is one."""
    try:
        with path.open("r+b") as file:
            file.write(os.urandom(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except FileNotFoundError:
        return


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner reads; complete before it has its name."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
