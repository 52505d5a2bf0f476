"""Read the tensors of a PyTorch ``.pth`` without torch and without executing its pickle.

A pickle is a program. This reader interprets the handful of instructions that a state dict needs
and knows four names; whatever else a file asks for is refused before anything happens. Formats:
the zip archive of torch 1.6 and later, and the older stream of five pickles followed by raw data.
"""

import io
import math
import pickletools
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vision.errors import ModelError

Tensors = dict[str, npt.NDArray[Any]]

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001
_MAX_BYTES = 512 * 1024 * 1024

_DTYPES: dict[str, str] = {
    "torch FloatStorage": "<f4",
    "torch DoubleStorage": "<f8",
    "torch HalfStorage": "<f2",
    "torch LongStorage": "<i8",
    "torch IntStorage": "<i4",
    "torch ByteStorage": "<u1",
    "torch BoolStorage": "?",
}
_ORDERED_DICT = "collections OrderedDict"
_REBUILD = "torch._utils _rebuild_tensor_v2"
_PARAMETER = "torch._utils _rebuild_parameter"
_KNOWN = {_ORDERED_DICT, _REBUILD, _PARAMETER, *_DTYPES}


@dataclass(frozen=True)
class _Name:
    """A global that the pickle names; it stays a word."""

    text: str


@dataclass(frozen=True)
class _Storage:
    """Where a tensor's numbers lie."""

    dtype: str
    key: str
    count: int


@dataclass(frozen=True)
class _Tensor:
    """A view of a storage."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Mark:
    """The pickle's stack mark."""


def read_pth(path: Path) -> Tensors:
    """The tensors of a state dict, by name.

    Raises:
        ModelError: not such a file, or one that asks for more than tensors.
    """
    data = path.read_bytes()
    if len(data) > _MAX_BYTES:
        raise ModelError(f"{path.name} is larger than any model that is converted here")
    try:
        tree, storages = _read_zip(data) if data[:2] == b"PK" else _read_legacy(data)
        return _materialise(tree, storages)
    except ModelError:
        raise
    except (
        ValueError, KeyError, IndexError, TypeError, AttributeError, struct.error, RuntimeError,
        OverflowError, zipfile.BadZipFile, NotImplementedError, EOFError,
    ) as error:  # fmt: skip
        raise ModelError(f"{path.name} is no PyTorch file that can be read: {error}") from error


def _read_zip(data: bytes) -> tuple[Any, Callable[[_Storage], bytes]]:
    archive = zipfile.ZipFile(io.BytesIO(data))
    if sum(member.file_size for member in archive.infolist()) > _MAX_BYTES:
        raise ModelError("the archive unpacks to more than any model that is converted here")
    pickle_name = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
    folder = pickle_name.removesuffix("data.pkl")
    byteorder = folder + "byteorder"
    if byteorder in archive.namelist() and archive.read(byteorder) != b"little":
        raise ModelError("the tensors are big-endian: save them on a little-endian machine")
    tree = interpret(io.BytesIO(archive.read(pickle_name)))
    return tree, lambda storage: archive.read(f"{folder}data/{storage.key}")


def _read_legacy(data: bytes) -> tuple[Any, Callable[[_Storage], bytes]]:
    stream = io.BytesIO(data)
    if interpret(stream) != _LEGACY_MAGIC or interpret(stream) != _LEGACY_PROTOCOL:
        raise ModelError("neither a zip archive nor the older stream of PyTorch")
    info = interpret(stream)
    if not info.get("little_endian", False):
        raise ModelError("the tensors are big-endian: save them on a little-endian machine")
    tree = interpret(stream)
    keys = interpret(stream)
    dtypes = {t.storage.key: np.dtype(t.storage.dtype) for t in _tensors(tree).values()}
    raw: dict[str, bytes] = {}
    for key in keys:
        (count,) = struct.unpack("<q", stream.read(8))
        raw[key] = stream.read(count * dtypes[key].itemsize)
    return tree, lambda storage: raw[storage.key]


def _materialise(tree: Any, storage_bytes: Callable[[_Storage], bytes]) -> Tensors:
    tensors: Tensors = {}
    for name, tensor in _tensors(tree).items():
        flat = np.frombuffer(storage_bytes(tensor.storage), tensor.storage.dtype)
        if len(flat) < tensor.storage.count:
            raise ModelError(f"tensor {name} is cut off: fetch the file again")
        size = math.prod(tensor.shape)
        if tensor.strides != _contiguous(tensor.shape):
            raise ModelError(f"tensor {name} is not stored row by row: save it contiguous")
        values = flat[tensor.offset : tensor.offset + size]
        tensors[name] = values.reshape(tensor.shape).copy()
    return tensors


def _tensors(tree: Any) -> dict[str, _Tensor]:
    """The state dict, itself or one level down under ``state_dict``."""
    if isinstance(tree, dict) and isinstance(tree.get("state_dict"), dict):
        tree = tree["state_dict"]
    if not isinstance(tree, dict):
        raise ModelError("the file holds no state dict")
    found = {str(name): value for name, value in tree.items() if isinstance(value, _Tensor)}
    if not found:
        raise ModelError("the file holds no tensors")
    return found


def _contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))


# ------------------------------------------------------------------ the instructions


def interpret(stream: io.BytesIO) -> Any:
    """Interpret one pickle from a stream, leaving the stream behind its end.

    Knows dicts, lists, tuples, numbers, strings and tensor descriptions; calls nothing.

    Raises:
        ModelError: an instruction or a name outside that.
    """
    machine = _Machine()
    for opcode, argument, _ in pickletools.genops(stream):
        if opcode.name == "STOP":
            return machine.stack.pop()
        machine.step(opcode.name, argument)
    raise ModelError("the pickle does not end")


_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_MAKE: dict[str, Callable[[], Any]] = {
    "EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple, "MARK": _Mark,
}  # fmt: skip
_LITERALS = {
    "BININT", "BININT1", "BININT2", "LONG1", "LONG4", "INT", "LONG", "BINFLOAT",
    "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "UNICODE",
    "BINSTRING", "SHORT_BINSTRING", "STRING",
}  # fmt: skip
_PUTS = {"BINPUT", "LONG_BINPUT", "PUT"}
_GETS = {"BINGET", "LONG_BINGET", "GET"}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_IGNORED = {"PROTO", "FRAME"}


class _Machine:
    """A stack and a memo, as the pickle format has them, without the power to call."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def step(self, name: str, argument: Any) -> None:
        stack = self.stack
        if name in _LITERALS:
            stack.append(argument)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in _MAKE:
            stack.append(_MAKE[name]())
        elif name in _PUTS:
            self.memo[int(argument)] = stack[-1]
        elif name == "MEMOIZE":
            self.memo[len(self.memo)] = stack[-1]
        elif name in _GETS:
            stack.append(self.memo[int(argument)])
        elif name in _TUPLES:
            count = _TUPLES[name]
            stack[-count:] = [tuple(stack[-count:])]
        elif name not in _IGNORED:
            self._compose(name, argument)

    def _compose(self, name: str, argument: Any) -> None:
        stack = self.stack
        if name == "TUPLE":
            stack.append(tuple(self._pop_to_mark()))
        elif name in {"SETITEMS", "SETITEM"}:
            items = self._pop_to_mark() if name == "SETITEMS" else [stack.pop(-2), stack.pop()]
            stack[-1].update(zip(items[::2], items[1::2], strict=True))
        elif name in {"APPENDS", "APPEND"}:
            items = self._pop_to_mark() if name == "APPENDS" else [stack.pop()]
            stack[-1].extend(items)
        elif name == "GLOBAL":
            stack.append(_name(argument))
        elif name == "STACK_GLOBAL":
            attribute, module = stack.pop(), stack.pop()
            stack.append(_name(f"{module} {attribute}"))
        elif name == "BINPERSID":
            stack.append(_storage(stack.pop()))
        elif name == "REDUCE":
            arguments, function = stack.pop(), stack.pop()
            stack.append(_describe(function, arguments))
        elif name == "BUILD":
            stack.pop()  # the OrderedDict's _metadata: versions of layers
        else:
            raise ModelError(f"the pickle uses {name}, which no state dict needs: it is refused")

    def _pop_to_mark(self) -> list[Any]:
        at = max(i for i, value in enumerate(self.stack) if isinstance(value, _Mark))
        items = self.stack[at + 1 :]
        del self.stack[at:]
        return items


def _name(text: str) -> _Name:
    if text not in _KNOWN:
        raise ModelError(
            f"the pickle asks for '{text}', which is no part of a tensor: it is refused"
        )
    return _Name(text)


def _storage(reference: Any) -> _Storage:
    kind, storage_type, key, _, count = reference[:5]
    if kind != "storage" or not isinstance(storage_type, _Name):
        raise ModelError("the pickle refers to something that is no tensor storage")
    return _Storage(_DTYPES[storage_type.text], str(key), int(count))


def _describe(function: Any, arguments: Any) -> Any:
    """What the call would make, as a description."""
    if function == _Name(_ORDERED_DICT) and arguments == ():
        return {}
    if function == _Name(_PARAMETER):
        return arguments[0]
    if function == _Name(_REBUILD) and isinstance(arguments[0], _Storage):
        storage, offset, shape, strides = arguments[:4]
        if offset < 0 or any(n < 0 for n in shape):
            raise ModelError("a tensor lies outside its storage")
        return _Tensor(storage, int(offset), tuple(map(int, shape)), tuple(map(int, strides)))
    raise ModelError("the pickle calls something that makes no tensor: it is refused")
