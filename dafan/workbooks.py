"""Opening an Excel workbook that a stranger made: it is refused in one sentence, or it is read.

An archive that unpacks to more than it should, a damaged part, a password: all of them end in the
error that the caller names, never in a traceback.
"""

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from dafan.errors import BadInputError

MAX_UNPACKED_BYTES = 100 * 2**20
SIGNATURE = b"PK\x03\x04"
"""How every .xlsx file begins."""
_DAMAGED = (
    InvalidFileException, zipfile.BadZipFile, ParseError, KeyError, ValueError, TypeError,
    IndexError, AttributeError, OSError, EOFError, NotImplementedError, OverflowError, zlib.error,
)  # fmt: skip


@contextmanager
def opened(data: bytes, wrong: type[BadInputError], *, values: bool) -> Iterator[Any]:
    """The workbook, read-only, for as long as it is read.

    Args:
        data: The file.
        wrong: The error that a person gets.
        values: Formulas count as their last results; else the caller sees the formulas.

    Raises:
        BadInputError: of the kind ``wrong``: damaged, protected or absurdly large when unpacked.
    """
    _refuse_bombs(data, wrong)
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=values)
        yield book
        book.close()
    except BadInputError:
        raise
    except _DAMAGED as error:
        raise wrong(
            "this Excel file is damaged or protected: open it, save it as .xlsx and try again"
        ) from error


def _refuse_bombs(data: bytes, wrong: type[BadInputError]) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            unpacked = sum(part.file_size for part in package.infolist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise wrong("this Excel file is damaged: save it again as .xlsx") from error
    if unpacked > MAX_UNPACKED_BYTES:
        raise wrong(
            f"the file unpacks to {unpacked // 2**20} MB: copy the tables into a new workbook"
        )
