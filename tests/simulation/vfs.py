"""SQLite's way to the disk, watched: every write, truncation and fsync of chosen files.

A thin VFS over SQLite's own one. Only what changes a file passes through Python; reads and locks
stay SQLite's. So what is on the disk after a power cut follows from the fsyncs that SQLite really
asked for, not from what a setting promises.
"""

import _sqlite3
import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

OK = 0
FULL = 13
IOERR_WRITE = 10 | 3 << 8
IOERR_FSYNC = 10 | 4 << 8

_POINTER = ctypes.c_void_p
_INT = ctypes.c_int


class Watcher(Protocol):
    """Who is asked before a file changes; an answer other than :data:`OK` is the file's error."""

    def write(self, name: str, offset: int, data: bytes) -> int:
        """Bytes are to be written."""
        ...

    def truncate(self, name: str, size: int) -> int:
        """The file is to be cut."""
        ...

    def sync(self, name: str) -> int:
        """All of the file is to reach the disk."""
        ...

    def delete(self, name: str) -> int:
        """The file is to go."""
        ...


class _Vfs(ctypes.Structure):
    _fields_ = (
        ("version", _INT), ("os_file", _INT), ("longest", _INT), ("next", _POINTER),
        ("name", ctypes.c_char_p), ("data", _POINTER), ("open", _POINTER), ("delete", _POINTER),
        ("rest", _POINTER * 16),
    )  # fmt: skip


class _Methods(ctypes.Structure):
    _fields_ = (
        ("version", _INT), ("close", _POINTER), ("read", _POINTER), ("write", _POINTER),
        ("truncate", _POINTER), ("sync", _POINTER), ("rest", _POINTER * 13),
    )  # fmt: skip


class _File(ctypes.Structure):
    _fields_ = (("methods", ctypes.POINTER(_Methods)),)


_FILE = ctypes.POINTER(_File)
_OPEN = ctypes.CFUNCTYPE(_INT, _POINTER, _POINTER, _FILE, _INT, ctypes.POINTER(_INT))
_DELETE = ctypes.CFUNCTYPE(_INT, _POINTER, _POINTER, _INT)
# Paths stay addresses: SQLite keeps them, with parameters behind their end.
_CLOSE = ctypes.CFUNCTYPE(_INT, _FILE)
_WRITE = ctypes.CFUNCTYPE(_INT, _FILE, _POINTER, _INT, ctypes.c_int64)
_TRUNCATE = ctypes.CFUNCTYPE(_INT, _FILE, ctypes.c_int64)
_SYNC = ctypes.CFUNCTYPE(_INT, _FILE, _INT)


class NoSqliteError(RuntimeError):
    """This Python hides its SQLite."""


class _Shim:
    """The VFS; one a process, for SQLite keeps pointers into it."""

    def __init__(self) -> None:
        try:
            library = ctypes.CDLL(_sqlite3.__file__)
            library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
            library.sqlite3_vfs_find.argtypes = [ctypes.c_char_p]
            self._real = library.sqlite3_vfs_find(None)
            self._real_open = ctypes.cast(self._real.contents.open, _OPEN)
            self._real_delete = ctypes.cast(self._real.contents.delete, _DELETE)
        except (AttributeError, OSError, ValueError) as error:
            raise NoSqliteError(
                "the simulator cannot reach the SQLite of this Python: "
                "use one that loads libsqlite3 as a shared library"
            ) from error
        self._library = library
        self.folders: dict[str, Watcher] = {}
        self._watched: dict[int, tuple[Watcher, str]] = {}
        self._methods: dict[int, _Methods] = {}
        self._original: dict[int, _Methods] = {}
        self._calls = (
            _OPEN(self._open), _DELETE(self._delete), _CLOSE(self._close), _WRITE(self._write),
            _TRUNCATE(self._truncate), _SYNC(self._sync),
        )  # fmt: skip
        self._vfs = _Vfs.from_buffer_copy(self._real.contents)
        self._vfs.name = b"dafan-simulation"
        self._vfs.next = None
        self._vfs.open = ctypes.cast(self._calls[0], _POINTER)
        self._vfs.delete = ctypes.cast(self._calls[1], _POINTER)

    def register(self) -> None:
        self._library.sqlite3_vfs_register(ctypes.byref(self._vfs), 1)

    def unregister(self) -> None:
        self._library.sqlite3_vfs_unregister(ctypes.byref(self._vfs))

    def _who(self, path: int | None) -> tuple[Watcher, str] | None:
        if not path:
            return None
        folder, _, name = ctypes.string_at(path).decode().rpartition("/")
        watcher = self.folders.get(folder)
        return None if watcher is None else (watcher, name)

    def _open(self, _vfs: Any, path: int | None, file: Any, flags: int, out: Any) -> int:
        code = self._real_open(ctypes.addressof(self._real.contents), path, file, flags, out)
        who = self._who(path)
        if code == OK and who is not None:
            address = ctypes.addressof(file.contents)
            self._watched[address] = who
            original = file.contents.methods
            file.contents.methods = ctypes.pointer(self._replaced(original))
        return int(code)

    def _replaced(self, original: Any) -> _Methods:
        """SQLite's own methods, but ours where a file changes; made once for each kind of file."""
        key = ctypes.addressof(original.contents)
        made = self._methods.get(key)
        if made is None:
            made = _Methods.from_buffer_copy(original.contents)
            made.close, made.write, made.truncate, made.sync = (
                ctypes.cast(call, _POINTER) for call in self._calls[2:]
            )
            self._methods[key] = made
            self._original[ctypes.addressof(made)] = original.contents
            real = original.contents
            self._real_close = ctypes.cast(real.close, _CLOSE)
            self._real_write = ctypes.cast(real.write, _WRITE)
            self._real_truncate = ctypes.cast(real.truncate, _TRUNCATE)
            self._real_sync = ctypes.cast(real.sync, _SYNC)
        return made

    def _delete(self, _vfs: Any, path: int, sync_folder: int) -> int:
        who = self._who(path)
        code = who[0].delete(who[1]) if who else OK
        if code == OK:
            code = self._real_delete(ctypes.addressof(self._real.contents), path, sync_folder)
        return int(code)

    def _close(self, file: Any) -> int:
        self._watched.pop(ctypes.addressof(file.contents), None)
        return int(self._real_close(file))

    def _write(self, file: Any, data: int, amount: int, offset: int) -> int:
        watcher, name = self._watched[ctypes.addressof(file.contents)]
        code = watcher.write(name, offset, ctypes.string_at(data, amount))
        return code or int(self._real_write(file, data, amount, offset))

    def _truncate(self, file: Any, size: int) -> int:
        watcher, name = self._watched[ctypes.addressof(file.contents)]
        code = watcher.truncate(name, size)
        return code or int(self._real_truncate(file, size))

    def _sync(self, file: Any, _flags: int) -> int:
        watcher, name = self._watched[ctypes.addressof(file.contents)]
        return watcher.sync(name)  # what is simulated needs no real disk


_shims: list[_Shim] = []


@contextmanager
def watching(folders: dict[Path, Watcher]) -> Iterator[None]:
    """Show the watchers all that SQLite changes in their folders, while the block runs.

    Raises:
        NoSqliteError: this Python hides its SQLite.
    """
    if not _shims:
        _shims.append(_Shim())
    shim = _shims[0]
    shim.folders = {str(folder): watcher for folder, watcher in folders.items()}
    shim.register()
    try:
        yield
    finally:
        shim.unregister()
        shim.folders = {}
