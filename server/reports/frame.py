"""What a report is: a question, the sentence that answers it, charts, tables, notes.

Rows in, parts out: nothing here reads a database or knows a page. A value is an integer in its
unit's smallest step; only :class:`Unit` turns it into what people read. A figure that can be looked
into carries the address of what is behind it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

DASH = "—"


@dataclass(frozen=True, slots=True)
class Unit:
    """How an integer is read.

    Attributes:
        word: As it stands over a column, such as 千克.
        divisor: So many steps are one of them.
        digits: Behind the point.
        sign: Before the figure where it stands alone, such as ``¥``.
    """

    word: LazyString | str
    divisor: int = 1
    digits: int = 0
    sign: str = ""

    def number(self, value: int) -> Decimal:
        """The exact value in this unit, not rounded."""
        return Decimal(value) / self.divisor

    def text(self, value: int | None) -> str:
        """As a table shows it, half up; nothing known is a dash."""
        if value is None:
            return DASH
        shown = f"{_rounded(self.number(value), self.digits):,}"
        return "0" if not value else shown

    def told(self, value: int | None) -> str:
        """As a sentence tells it: with its unit."""
        if value is None:
            return DASH
        if self.sign:
            return f"{'-' if value < 0 else ''}{self.sign}{self.text(abs(value))}"
        word = str(self.word)
        return f"{self.text(value)}{'' if word == '%' else ' '}{word}"


def _rounded(value: Decimal, digits: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-digits), rounding="ROUND_HALF_UP")


YUAN = Unit(_l("元"), 100, 2, "¥")
KILOGRAMS = Unit(_l("千克"), 1000, 2)
"""Of grams."""
GRAMS_A_COVER = Unit(_l("克/人次"), 10, 1)
"""Of tenths of a gram."""
PERCENT = Unit("%", 10, 1)
"""Of thousandths."""
COVERS = Unit(_l("人次"))
SALES = Unit(_l("笔"))
PORTIONS = Unit(_l("份"))
TIMES = Unit(_l("次"))


@dataclass(frozen=True, slots=True)
class Link:
    """An address: an endpoint and what stands behind its question mark."""

    endpoint: str
    args: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cell:
    """A value of a table, what is behind it, and its unit where the column has several."""

    value: int | str | date | None
    link: Link | None = None
    unit: Unit | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column; without a unit it holds words, or figures of which each cell names its unit."""

    title: str
    unit: Unit | None = None
    mixed: bool = False

    @property
    def figures(self) -> bool:
        """It holds figures."""
        return self.mixed or self.unit is not None

    @property
    def heading(self) -> str:
        """Title and unit."""
        if self.unit is None:
            return self.title
        return str(_("%(title)s（%(unit)s）", title=self.title, unit=self.unit.word))

    def text(self, cell: Cell) -> str:
        """The cell as people read it."""
        unit = cell.unit or self.unit
        if isinstance(cell.value, int) and unit is not None:
            return unit.text(cell.value)
        return DASH if cell.value is None else str(cell.value)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns; ``sums`` is the last line, empty where nothing is summed."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    sums: Sequence[Cell] = ()

    def lines(self) -> list[tuple[bool, list[tuple[Column, Cell, str]]]]:
        """Every row as column, cell and text; the first of the pair: it is the line of sums."""
        found = [
            (False, [(c, one, c.text(one)) for c, one in zip(self.columns, row, strict=True)])
            for row in self.rows
        ]
        if self.sums:
            row = zip(self.columns, self.sums, strict=True)
            found.append((True, [(column, one, column.text(one)) for column, one in row]))
        return found


@dataclass(frozen=True, slots=True)
class Series:
    """One meaning in a chart: its name, its colour (a key of :data:`server.reports.plot.COLOURS`).

    Attributes:
        values: One a label; ``None`` leaves a gap.
        links: Where a click on the mark leads; empty: nowhere.
        colours: A colour for each mark, where each has its own meaning.
    """

    name: str
    colour: str
    values: Sequence[int | None]
    links: Sequence[Link | None] = ()
    colours: Sequence[str] = ()

    def colour_of(self, place: int) -> str:
        """The colour of a mark."""
        return self.colours[place] if self.colours else self.colour


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars over labels, from zero; several series stand on each other.

    Attributes:
        title: What is drawn.
        unit: Of all values; it stands at the axis.
        labels: One a bar.
        series: Each with as many values as there are labels.
        then: The earlier period at the same places, a thin grey line; empty: there is none.
        norm: What others do: a value and its name, a dashed line.
        across: The bars lie, for long names.
        line: Lines in place of bars, for what is no amount, such as a price.
        grouped: Series stand beside each other: their sum means nothing.
    """

    title: str
    unit: Unit
    labels: Sequence[str]
    series: Sequence[Series]
    then: Sequence[int | None] = ()
    norm: tuple[int, str] | None = None
    across: bool = False
    line: bool = False
    grouped: bool = False

    @property
    def empty(self) -> bool:
        """There is nothing to draw."""
        return not any(value for one in self.series for value in one.values)

    @property
    def stands(self) -> bool:
        """Bars that can stand on paper: none goes below zero."""
        below = any(value and value < 0 for one in self.series for value in one.values)
        return not self.line and not self.grouped and not below


@dataclass(frozen=True, slots=True)
class Fact:
    """A main figure beside its earlier one."""

    title: str
    value: int | None
    unit: Unit
    then: int | None = None
    link: Link | None = None
    foot: str = ""

    @property
    def change(self) -> str:
        """Against the earlier period, in percent with its sign; empty where nothing compares."""
        if not self.then or self.value is None:
            return ""
        percent = _rounded(Decimal(100 * (self.value - self.then)) / abs(self.then), 0)
        return f"{percent:+}%" if percent else "±0%"


@dataclass(frozen=True, slots=True)
class Part:
    """One question inside a report, with its chart and its table.

    Attributes:
        code: Its anchor on the page.
        title: The question, or what the table holds.
        table: With every figure of the chart.
        chart: ``None`` where a table says it better.
        answer: One sentence; empty where the table is enough.
    """

    code: str
    title: str
    table: Table
    chart: Chart | None = None
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a page, a workbook and a PDF show.

    Attributes:
        question: Its title.
        answer: One sentence.
        facts: Main figures.
        parts: Nothing happened where there are none.
        notes: What is estimated, what is missing, what was asked for and cannot be.
    """

    question: str
    answer: str
    facts: Sequence[Fact] = ()
    parts: Sequence[Part] = ()
    notes: Sequence[str] = ()


def per(amount: int, count: int) -> int | None:
    """An amount for each of so many, half up; nothing to divide by is nothing known."""
    return None if count <= 0 else (2 * amount + count) // (2 * count)


def permille(part: int, whole: int) -> int | None:
    """Thousandths of a whole, half up."""
    return per(1000 * part, whole)
