"""What a watching box found and has not delivered yet: on its disk, sealed, each once.

One incident is two files, ``<id>.json`` and ``<id>.sealed``; the picture is there before its line.
"""

import json
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from dafan import crypto
from dafan.clock import require_utc
from dafan.errors import BadInputError

REFUSED = "refused"
"""The folder of what the server never takes."""


class Spool:
    """A folder with its own key.

    Args:
        folder: Made where it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._key = crypto.load_or_create_secret(folder / "box.key", crypto.new_key())

    def put(self, line: dict[str, Any], picture: bytes | None) -> str:
        """Keep an incident; the same one again changes nothing.

        Args:
            line: As it is told; its ``id`` names the files.
            picture: The evidence, JPEG.

        Returns:
            Where the sealed picture lies; empty without one.
        """
        name = str(UUID(str(line["id"])))
        sealed = self.folder / f"{name}.sealed"
        if picture is not None:
            _write(sealed, crypto.seal(self._key, picture, f"incident:{name}"))
        _write(self.folder / f"{name}.json", json.dumps(line, ensure_ascii=False).encode())
        return str(sealed) if picture is not None else ""

    def waiting(self) -> Iterator[dict[str, Any]]:
        """What is not delivered, the oldest first; what cannot be read is left where it is."""
        found = []
        for path in self.folder.glob("*.json"):
            try:
                line = json.loads(path.read_bytes())
                found.append((str(line["at"]), str(UUID(line["id"])), line))
            except (OSError, ValueError, KeyError, TypeError):
                continue
        for _, _, line in sorted(found, key=lambda row: row[:2]):
            yield line

    def picture(self, name: str) -> bytes | None:
        """The evidence of an incident; ``None`` where there is none.

        Raises:
            BadInputError: no id of an incident.
            SealError: it was altered, or another box sealed it.
        """
        try:
            name = str(UUID(name))
        except ValueError as error:
            raise BadInputError(f"'{name[:40]}' is no incident: give its id") from error
        try:
            sealed = (self.folder / f"{name}.sealed").read_bytes()
        except FileNotFoundError:
            return None
        return crypto.open_sealed(self._key, sealed, f"incident:{name}")

    def done(self, name: str) -> None:
        """The server has it: nothing of it stays here."""
        (self.folder / f"{name}.json").unlink(missing_ok=True)
        (self.folder / f"{name}.sealed").unlink(missing_ok=True)

    def refuse(self, name: str) -> None:
        """The server never takes it: out of the way, for a person to look at."""
        away = self.folder / REFUSED
        away.mkdir(mode=0o700, exist_ok=True)
        for suffix in (".json", ".sealed"):
            path = self.folder / f"{name}{suffix}"
            if path.exists():
                path.replace(away / path.name)

    def erase_old(self, now: datetime, days: int) -> int:
        """Erase what is older, delivered or not; returns how many files went.

        Args:
            now: Aware UTC.
            days: How long evidence is kept.
        """
        before = (require_utc(now) - timedelta(days=days)).timestamp()
        erased = 0
        for path in [*self.folder.glob("**/*.sealed"), *self.folder.glob("**/*.json")]:
            if path.stat().st_mtime < before:
                path.unlink(missing_ok=True)
                erased += 1
        return erased


def _write(path: Path, data: bytes) -> None:
    """Complete, or not there at all."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
