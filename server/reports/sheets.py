"""Excel files of reports: values, never formulas, and text that no program takes for one."""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from openpyxl import Workbook
from openpyxl.cell import Cell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from dafan.money import Fen

MIME = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MAX_TEXT = 32_767
"""Characters that a cell holds."""
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
_WIDEST = 48


@dataclass(frozen=True, slots=True)
class Yuan:
    """An amount; the cell holds it in yuan, as a number with two decimals."""

    fen: Fen


@dataclass(frozen=True, slots=True)
class Number:
    """A figure with a fraction, such as kilograms; the cell holds it whole, shows some digits."""

    value: Decimal
    digits: int


Value = str | int | date | Yuan | Number | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet.

    Attributes:
        title: At most 31 characters, as Excel has it.
        heading: Over the table; what, of whom, of when.
        columns: Headings of the columns.
        rows: Values; ``None`` leaves a cell empty.
        sums: The last row, in bold; empty where nothing is summed.
    """

    title: str
    heading: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Value]]
    sums: Sequence[Value] = ()


def write(sheets: Iterable[Sheet]) -> bytes:
    """An ``.xlsx`` file."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for each in sheets:
        _fill(book, each)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def _fill(book: Workbook, told: Sheet) -> None:
    sheet = book.create_sheet(told.title[:31])
    _put(sheet.cell(1, 1), told.heading, bold=True)
    for no, text in enumerate(told.columns, start=1):
        cell = _put(sheet.cell(3, no), text, bold=True)
        cell.alignment = Alignment(horizontal="right" if _numeric(told, no - 1) else "left")
    for place, row in enumerate(told.rows, start=4):
        for no, value in enumerate(row, start=1):
            _put(sheet.cell(place, no), value)
    for no, value in enumerate(told.sums, start=1):
        _put(sheet.cell(4 + len(told.rows), no), value, bold=True)
    for no, text in enumerate(told.columns, start=1):
        cells = [row[no - 1] for row in (*told.rows, told.sums) if len(row) >= no]
        longest = max(_width(value) for value in (text, *cells))
        sheet.column_dimensions[get_column_letter(no)].width = min(longest, _WIDEST) + 3
    sheet.freeze_panes = "A4"


def _numeric(told: Sheet, place: int) -> bool:
    return any(isinstance(row[place], int | Yuan | Number) for row in told.rows if len(row) > place)


def _put(cell: Cell, value: Value, *, bold: bool = False) -> Cell:
    """Write a value so that it stays what it is, also when a person edits or re-exports it."""
    if isinstance(value, Yuan):
        cell.value = Decimal(value.fen) / 100
        cell.number_format = "#,##0.00"
    elif isinstance(value, Number):
        cell.value = value.value
        cell.number_format = "#,##0" + ("." + "0" * value.digits if value.digits else "")
    elif isinstance(value, str):
        text = ILLEGAL_CHARACTERS_RE.sub("", value)[:MAX_TEXT]
        cell.value = text
        cell.data_type = "s"
        cell.quotePrefix = text.startswith(_FORMULAS)
    else:
        cell.value = value
    if bold:
        cell.font = Font(bold=True)
    return cell


def _width(value: Value) -> int:
    """Columns that a value takes; Chinese signs take two."""
    if isinstance(value, Yuan):
        return len(f"{value.fen / 100:,.2f}")
    if isinstance(value, Number):
        return len(f"{value.value:,.{value.digits}f}")
    text = "" if value is None else str(value)
    return sum(2 if sign > "\u2e7f" else 1 for sign in text)
