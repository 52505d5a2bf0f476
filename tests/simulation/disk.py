"""A disk that forgets what was not fsynced: full, failing, or without power at any operation."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from simulation import vfs

SECTOR = 512
Write = tuple[int, bytes | None]
"""Offset and bytes; without bytes, the new size of the file."""


@dataclass
class _File:
    """What of a file is on the plate, and what was written since the last fsync."""

    plate: bytearray
    pending: list[Write] = field(default_factory=list)

    def settle(self) -> None:
        for write in self.pending:
            _apply(self.plate, write)
        self.pending.clear()


def _apply(plate: bytearray, write: Write) -> None:
    offset, data = write
    if data is None:
        del plate[offset:]
        return
    if len(plate) < offset:
        plate.extend(bytes(offset - len(plate)))
    plate[offset : offset + len(data)] = data


@dataclass
class Disk:
    """One machine's disk, in a folder of memory.

    Attributes:
        folder: Where SQLite finds the files.
        full: Nothing more fits.
        lost_syncs: So many fsyncs fail, and what they should have kept is lost by a power cut.
        fuse: After so many operations the power goes; ``None``: it stays.
        dead: The power is gone: nothing changes any more.
        operations: Writes, truncations and fsyncs so far.
    """

    folder: Path
    full: bool = False
    failing_syncs: int = 0
    fuse: int | None = None
    dead: bool = False
    operations: int = 0
    on_cut: Callable[[], None] = lambda: None
    _files: dict[str, _File] = field(default_factory=dict)

    # --- what SQLite does (simulation.vfs.Watcher) ------------------------------------------

    def write(self, name: str, offset: int, data: bytes) -> int:
        """SQLite writes."""
        if self._blown():
            return vfs.IOERR_WRITE
        if self.full:
            return vfs.FULL
        self._file(name).pending.append((offset, data))
        return vfs.OK

    def truncate(self, name: str, size: int) -> int:
        """SQLite cuts a file."""
        if self._blown():
            return vfs.IOERR_WRITE
        self._file(name).pending.append((size, None))
        return vfs.OK

    def sync(self, name: str) -> int:
        """SQLite waits for the disk."""
        if self._blown():
            return vfs.IOERR_FSYNC
        if self.failing_syncs:
            self.failing_syncs -= 1
            return vfs.IOERR_FSYNC
        self._file(name).settle()
        return vfs.OK

    def delete(self, name: str) -> int:
        """SQLite removes a file."""
        if self._blown():
            return vfs.IOERR_WRITE
        self._files.pop(name, None)
        return vfs.OK

    def _blown(self) -> bool:
        if self.dead:
            return True
        self.operations += 1
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse < 0:
                self.dead = True
                self.fuse = None
        return self.dead

    def _file(self, name: str) -> _File:
        found = self._files.get(name)
        if found is None:
            found = self._files[name] = _File(bytearray())
        return found

    # --- what the world does ----------------------------------------------------------------

    def mount(self, image: dict[str, bytes]) -> None:
        """Put files on the disk and give it power; no connection is open."""
        if self.folder.exists():
            shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True)
        for name, data in image.items():
            (self.folder / name).write_bytes(data)
        self._files = {name: _File(bytearray(data)) for name, data in image.items()}
        self.full, self.failing_syncs, self.fuse, self.dead = False, 0, None, False

    def cut(self, rng: Random | None) -> dict[str, bytes]:
        """End all power.

        Args:
            rng: Decides which of the writes without fsync, and which sectors of the last one,
                reached the plate; ``None``: only a process died, the system writes all of them.

        Returns:
            The files as the next start finds them.
        """
        self.dead = True
        image = {}
        for name, file in self._files.items():
            plate = bytearray(file.plate)
            for write in _reached(file.pending, rng):
                _apply(plate, write)
            image[name] = bytes(plate)
        return image

    def image(self) -> dict[str, bytes]:
        """The files as a program sees them now, such as one that copies them."""
        image = {}
        for name, file in self._files.items():
            plate = bytearray(file.plate)
            for write in file.pending:
                _apply(plate, write)
            image[name] = bytes(plate)
        return image


def _reached(pending: list[Write], rng: Random | None) -> list[Write]:
    if rng is None or not pending:
        return pending
    how = rng.choice(("none", "some", "first", "all"))
    if how == "none":
        return []
    if how == "some":
        return [_torn(write, rng) for write in pending if rng.random() < 0.5]
    if how == "first":
        return pending[: rng.randrange(len(pending) + 1)]
    return pending


def _torn(write: Write, rng: Random) -> Write:
    """Whole sectors of a write, from its beginning; a sector itself is never half written."""
    offset, data = write
    if data is None or rng.random() < 0.7:
        return write
    first = SECTOR - offset % SECTOR
    ends = [0, *range(first, len(data), SECTOR), len(data)]
    return offset, data[: rng.choice(ends)]
