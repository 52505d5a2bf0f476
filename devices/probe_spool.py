"""Temperatures that the server has not got yet: on the disk, in order, bounded."""

import sqlite3
import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dafan.errors import DeviceError
from dafan.wire import iso
from devices.probes import ProbeReading

FILE = "probes.db"
MOST = 200_000
"""A week of twenty probes that speak once a minute; then the oldest goes."""
_TABLE = """
CREATE TABLE IF NOT EXISTS reading (
    id INTEGER PRIMARY KEY AUTOINCREMENT, probe TEXT NOT NULL, tenths INTEGER NOT NULL,
    at TEXT NOT NULL
)
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A reading that is to be sent; ``at`` is when it was measured, as on the wire."""

    id: int
    probe: str
    tenths: int
    at: str


class ProbeSpool:
    """One SQLite file; may be used from any thread.

    Args:
        path: Made where it is not there. A file that cannot be read is set aside.
        most: So many readings are kept.

    Raises:
        DeviceError: nothing can be written there.
    """

    def __init__(self, path: Path, most: int = MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                self._file = _open(path)
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                path.replace(path.with_suffix(".damaged"))
                self._file = _open(path)
        except (OSError, sqlite3.Error) as error:
            raise DeviceError(
                f"{path} cannot be written ({error}): see who owns the folder, and whether the "
                "disk is full"
            ) from error

    def put(self, reading: ProbeReading, at: datetime) -> None:
        """Keep a reading; it is on the disk when this returns.

        Raises:
            DeviceError: the disk takes nothing.
        """
        row = (reading.probe, reading.tenths, iso(at))
        try:
            with self._lock, self._file:
                new = self._file.execute(
                    "INSERT INTO reading (probe, tenths, at) VALUES (?, ?, ?)", row
                ).lastrowid
                oldest = (new or 0) - self._most
                self._file.execute("DELETE FROM reading WHERE id <= ?", (oldest,))
        except sqlite3.Error as error:
            raise DeviceError(f"a reading is lost, the disk takes nothing ({error})") from error

    def waiting(self, most: int) -> list[Waiting]:
        """What is to be sent, the oldest first."""
        with self._lock:
            rows = self._file.execute(
                "SELECT id, probe, tenths, at FROM reading ORDER BY id LIMIT ?", (most,)
            ).fetchall()
        return [Waiting(*row) for row in rows]

    def done(self, rows: list[Waiting]) -> None:
        """The server has them, or never takes them.

        Raises:
            DeviceError: the disk takes nothing; they will be sent again.
        """
        try:
            with self._lock, self._file:
                self._file.executemany("DELETE FROM reading WHERE id = ?", [(r.id,) for r in rows])
        except sqlite3.Error as error:
            raise DeviceError(f"the disk takes nothing ({error}): free some space") from error

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._file.close()


def _open(path: Path) -> sqlite3.Connection:
    file = sqlite3.connect(path, timeout=30, check_same_thread=False)
    try:
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            file.execute(f"PRAGMA {pragma}")
        with file:
            file.execute(_TABLE)
    except sqlite3.Error:
        file.close()
        raise
    return file
