"""Tables that people bring: CSV as Excel and WPS write it, and .xlsx; never a traceback."""

import codecs
import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any

from dafan import workbooks
from dafan.errors import BadInputError

MAX_BYTES = 10 * 2**20
MAX_ROWS = 20_000
MAX_COLUMNS = 60
MAX_CELL = 500
_BLANK_ROWS_END_A_SHEET = 1000
"""Formatted but empty rows run on to row 1,048,576 in many files."""
_OLD_EXCEL = bytes.fromhex("d0cf11e0a1b11ae1")


class TableError(BadInputError):
    """A file is no table that can be read."""

    code = "bad_table"


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        number: As the person sees it in Excel, counted from 1.
        cells: Our name of the column → text without blanks around it.
    """

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """The rows under the headings that we know.

    Attributes:
        columns: Our names of the columns that the file has.
        unknown: Headings that mean nothing to us; their cells are not read.
        rows: Rows with at least one filled cell.
    """

    columns: tuple[str, ...]
    unknown: tuple[str, ...]
    rows: tuple[Row, ...]


def read_table(data: bytes, aliases: Mapping[str, Iterable[str]]) -> Table:
    """Read a CSV or .xlsx file whose first filled row holds the headings.

    Args:
        data: The file.
        aliases: Our name of a column → headings that mean it; case and blanks do not matter.

    Raises:
        TableError: too large, not a table, damaged, or two columns mean the same.
    """
    if len(data) > MAX_BYTES:
        raise TableError(
            f"the file has {len(data) / 2**20:.0f} MB: split it, {MAX_BYTES // 2**20} MB at most"
        )
    lines = _excel_lines(data) if data.startswith(workbooks.SIGNATURE) else _csv_lines(data)
    filled = ((number, cells) for number, cells in lines if any(cells))
    _, headings = next(filled, (0, []))
    if not headings:
        raise TableError("the file is empty: put the headings in the first row")
    places, unknown = _place_columns(headings, aliases)
    rows = [_row(number, cells, places) for number, cells in islice(filled, MAX_ROWS + 1)]
    if len(rows) > MAX_ROWS:
        raise TableError(f"the file has more than {MAX_ROWS} rows: split it")
    return Table(tuple(places), unknown, tuple(rows))


def _row(number: int, cells: list[str], places: Mapping[str, int]) -> Row:
    return Row(number, {name: cells[at] if at < len(cells) else "" for name, at in places.items()})


def _place_columns(
    headings: list[str], aliases: Mapping[str, Iterable[str]]
) -> tuple[dict[str, int], tuple[str, ...]]:
    meaning = {_plain(alias): name for name, names in aliases.items() for alias in (name, *names)}
    places: dict[str, int] = {}
    unknown = []
    for at, heading in enumerate(headings):
        name = meaning.get(_plain(heading))
        if name is None:
            unknown += [heading] if heading else []
        elif name in places:
            first = headings[places[name]]
            raise TableError(
                f"the columns '{first}' and '{heading}' mean the same: leave one of them out"
            )
        else:
            places[name] = at
    return places, tuple(unknown)


def _plain(heading: str) -> str:
    return "".join(heading.lower().split()).replace("_", "").replace("-", "")


# --- CSV ----------------------------------------------------------------------------------------


def _csv_lines(data: bytes) -> Iterator[tuple[int, list[str]]]:
    if data.startswith(_OLD_EXCEL):
        raise TableError("this is an old Excel file (.xls): save it as .xlsx or as CSV")
    text = _decode(data)
    first_line = text.partition("\n")[0]
    delimiter = max(",\t;", key=first_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    return _numbered(reader)


def _numbered(reader: Any) -> Iterator[tuple[int, list[str]]]:
    number = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise TableError(
                f"line {number} is no CSV ({error}): look for a lonely quotation mark"
            ) from error
        yield number, [_text(cell, number) for cell in cells[:MAX_COLUMNS]]
        number = reader.line_num + 1


def _decode(data: bytes) -> str:
    """UTF-8 where it fits, else what Chinese Excel writes; a text is rarely valid as both."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise TableError("this is not a text file: save the table as .xlsx or as CSV UTF-8")


# --- Excel --------------------------------------------------------------------------------------


def _excel_lines(data: bytes) -> Iterator[tuple[int, list[str]]]:
    with workbooks.opened(data, TableError, values=True) as book:
        sheet = book.worksheets[0]
        blank = 0
        for number, values in enumerate(
            sheet.iter_rows(max_col=MAX_COLUMNS, values_only=True), start=1
        ):
            cells = [_text(_plain_value(value), number) for value in values]
            blank = 0 if any(cells) else blank + 1
            if blank >= _BLANK_ROWS_END_A_SHEET:
                break
            yield number, cells


def _plain_value(value: object) -> str:
    if value is None or isinstance(value, bool):
        return "" if value is None else str(int(value))
    if isinstance(value, float):
        return format(Decimal(repr(value)).normalize(), "f")
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)


def _text(cell: str, number: int) -> str:
    if len(cell) > MAX_CELL:
        raise TableError(f"row {number} has a cell of {len(cell)} characters: shorten it")
    return cell.strip()
