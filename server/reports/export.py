"""A report as a workbook and as a PDF: the same parts as on the page, figures as figures."""

from collections.abc import Sequence

from flask_babel import gettext as _

from dafan.money import Fen
from server.reports.frame import YUAN, Cell, Column, Part, Report, Unit
from server.reports.sheets import Number, Sheet, Value, Yuan

_FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\", " "))
"""Signs that the name of a sheet must not hold."""


def sheets(report: Report, heading: str) -> list[Sheet]:
    """One sheet a part; a report of which nothing is known has one that says so.

    Args:
        report: What the page shows.
        heading: Whose, and of which days.
    """
    over = f"{heading} · {report.question}"
    found = [_sheet(part, no, over) for no, part in enumerate(report.parts, start=1)]
    said = [[text] for text in (report.answer, *report.notes) if text]
    return [*found, Sheet(_("说明"), over, [report.question], said)]


def _sheet(part: Part, no: int, over: str) -> Sheet:
    columns, table = part.table.columns, part.table
    title = f"{no} {part.title}".translate(_FORBIDDEN)
    return Sheet(
        title, f"{over} · {part.title}", [column.heading for column in columns],
        [_row(columns, row) for row in table.rows], _row(columns, table.sums),
    )  # fmt: skip


def _row(columns: Sequence[Column], cells: Sequence[Cell]) -> list[Value]:
    return [
        _value(one.value, one.unit or column.unit)
        for column, one in zip(columns, cells, strict=False)
    ]


def _value(value: object, unit: Unit | None) -> Value:
    if isinstance(value, int) and unit is not None:
        if unit == YUAN:
            return Yuan(Fen(value))
        if unit.digits or unit.divisor > 1:
            return Number(unit.number(value), unit.digits)
    return value if value is None or isinstance(value, int) else str(value)
