"""A report on paper: A4, in the system's Chinese font, of which just the used signs go along."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flask_babel import gettext as _
from fpdf import FPDF
from PIL import ImageFont

from dafan import fonts
from dafan.errors import DafanError
from server.reports.frame import Chart, Fact, Part, Report, Table
from server.reports.plot import COLOURS

MIME = "application/pdf"
MOST_ROWS = 300
"""Longer tables end here and name the workbook."""
_INK, _QUIET, _LINE = (31, 36, 33), (107, 112, 105), (228, 222, 211)
_MARGIN = 16
_ROW = 6.4
logging.getLogger("fontTools").setLevel(logging.WARNING)


class NoFontError(DafanError):
    """Without a Chinese font a PDF would hold boxes."""

    code = "no_font"


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands over and under each page.

    Attributes:
        site: Whose report.
        span: Of which days, with the days beside them.
        made: When it was made, and by whom.
    """

    site: str
    span: str
    made: str


def write(report: Report, heading: Heading) -> bytes:
    """The report as a PDF.

    Raises:
        NoFontError: the system has no font with Chinese characters.
    """
    font = fonts.find_font()
    if font is None:
        raise NoFontError(f"there is no Chinese font for a PDF: {fonts.HELP}")
    paper = _Paper(heading)
    bold = font.with_name(font.name.replace("Regular", "Bold"))
    for style, path in (("", font), ("B", bold if bold.is_file() else font)):
        paper.add_font("cjk", style, path, collection_font_number=_face(path))
    paper.set_title(report.question)
    paper.set_margins(_MARGIN, _MARGIN)
    paper.set_auto_page_break(auto=True, margin=18)
    paper.add_page()
    paper.say(report.question, 17, bold=True)
    paper.say(report.answer, 11)
    paper.facts(report.facts)
    for part in report.parts:
        paper.part(part)
    if report.notes:
        paper.say(_("说明"), 12, bold=True, above=5)
        for note in report.notes:
            paper.say(f"· {note}", 9, colour=_QUIET)
    return bytes(paper.output())


@cache
def _face(path: Path) -> int:
    """Which face of a collection is for simplified Chinese; the first where none says so."""
    for index in range(12):
        try:
            name = ImageFont.truetype(path, 10, index=index).getname()[0] or ""
        except OSError:  # past the last face
            break
        words = name.split()
        if "SC" in words and "Mono" not in words:
            return index
    return 0


class _Paper(FPDF):
    """Pages with our head and foot."""

    def __init__(self, heading: Heading) -> None:
        super().__init__(format="A4")
        self._heading = heading

    def header(self) -> None:
        """Whose and of which days."""
        self._ink(9, colour=_QUIET)
        self.cell(0, 5, f"{self._heading.site} · {self._heading.span}")
        self.ln(9)

    def footer(self) -> None:
        """When it was made, and the page."""
        self.set_y(-14)
        self._ink(8, colour=_QUIET)
        self.cell(0, 5, self._heading.made)
        self.set_x(_MARGIN)
        self.cell(0, 5, str(self.page_no()), align="R")

    def say(
        self,
        text: str,
        size: float,
        *,
        bold: bool = False,
        above: float = 1,
        colour: tuple[int, int, int] = _INK,
    ) -> None:
        """A paragraph."""
        if not text:
            return
        self.ln(above)
        self._ink(size, bold=bold, colour=colour)
        self.multi_cell(0, size * 0.52, text, align="L", new_x="LMARGIN", new_y="NEXT")

    def facts(self, facts: Sequence[Fact]) -> None:
        """Main figures in a row."""
        if not facts:
            return
        self.ln(4)
        top, width = self.get_y(), self.epw / len(facts)
        for place, fact in enumerate(facts):
            lines = (
                (fact.title, 9.0, False), (fact.unit.told(fact.value), 13.0, True),
                (_("上期 %(value)s", value=fact.unit.told(fact.then)) if fact.then is not None
                 else fact.foot, 8.0, False),
            )  # fmt: skip
            for line, (text, size, bold) in enumerate(lines):
                self.set_xy(_MARGIN + place * width, top + 6 * line)
                self._ink(size, bold=bold, colour=_INK if bold else _QUIET)
                self.cell(width, 6, self._fit(text, width - 2))
        self.set_xy(_MARGIN, top + 19)

    def part(self, part: Part) -> None:
        """A question, its answer, its chart where it has bars, its table."""
        room = 40 + (52 if part.chart and part.chart.stands else 0)
        if self.get_y() + room > self.eph:
            self.add_page()
        self.say(part.title, 13, bold=True, above=5)
        self.say(part.answer, 10, colour=_QUIET)
        if part.chart is not None and part.chart.stands and not part.chart.empty:
            self._bars(part.chart)
        self.ln(2)
        self._table(part.table)

    def _bars(self, chart: Chart) -> None:
        """Bars from zero over labels, standing, as on the page."""
        sums = [
            sum(values)
            for values in zip(*(_known(one.values) for one in chart.series), strict=True)
        ]
        highest = max([*sums, *_known(chart.then), chart.norm[0] if chart.norm else 0, 1])
        tall, slot = 36.0, self.epw / len(sums)
        base = self.get_y() + tall + 5
        self._legend(chart)
        every = max(1, round(14 / slot))
        for place in range(len(sums)):
            left, top = _MARGIN + slot * place, base
            for one in chart.series:
                high = tall * (one.values[place] or 0) / highest
                self.set_fill_color(COLOURS[one.colour_of(place)])
                top -= high
                self.rect(left + slot * 0.18, top, slot * 0.64, high, style="F")
            self._ink(7, colour=_QUIET)
            if place % every == 0:
                self.set_xy(left, base + 0.5)
                self.cell(slot, 4, self._fit(chart.labels[place], slot * every), align="C")
            if slot > 9 and sums[place]:
                self.set_xy(left, top - 4)
                self.cell(slot, 4, chart.unit.text(sums[place]), align="C")
        self.set_draw_color(154, 154, 146)
        points = [
            (_MARGIN + slot * (place + 0.5), base - tall * value / highest)
            for place, value in enumerate(chart.then) if value is not None
        ]  # fmt: skip
        if len(points) > 1:
            self.polyline(points)
        self.set_draw_color(*_LINE)
        self.line(_MARGIN, base, _MARGIN + self.epw, base)
        self.set_xy(_MARGIN, base + 5)

    def _legend(self, chart: Chart) -> None:
        self._ink(8, colour=_QUIET)
        self.cell(self.get_string_width(str(chart.unit.word)) + 4, 4, str(chart.unit.word))
        for one in chart.series if len(chart.series) > 1 else ():
            self.set_fill_color(COLOURS[one.colour])
            self.rect(self.get_x(), self.get_y() + 0.6, 3, 3, style="F")
            self.set_x(self.get_x() + 4)
            self.cell(self.get_string_width(one.name) + 4, 4, one.name)
        if chart.then:
            self.cell(0, 4, _("灰线：上期"))
        self.ln(4)

    def _table(self, table: Table) -> None:
        lines = table.lines()
        rows = [line for line in lines if not line[0]][:MOST_ROWS]
        shown = rows + [line for line in lines if line[0]]
        widths = self._widths(table, shown)
        self._head(table, widths)
        for sums, cells in shown:
            if self.get_y() + _ROW > self.page_break_trigger:
                self.add_page()
                self._head(table, widths)
            self._line([text for _column, _cell, text in cells], table, widths, bold=sums)
        if len(table.rows) > MOST_ROWS:
            text = _("只印前 %(n)s 行，其余见 Excel 文件。", n=MOST_ROWS)
            self.say(text, 8, colour=_QUIET)

    def _head(self, table: Table, widths: Sequence[float]) -> None:
        """Titles, and under them the units."""
        units = ["" if one.unit is None else str(one.unit.word) for one in table.columns]
        self._line([one.title for one in table.columns], table, widths, bold=True, border="")
        if any(units):
            self._line(units, table, widths, colour=_QUIET)
        else:
            self.set_draw_color(*_LINE)
            self.line(_MARGIN, self.get_y(), _MARGIN + self.epw, self.get_y())

    def _line(
        self,
        texts: Sequence[str],
        table: Table,
        widths: Sequence[float],
        *,
        bold: bool = False,
        border: str = "B",
        colour: tuple[int, int, int] = _INK,
    ) -> None:
        self._ink(8, bold=bold, colour=colour)
        self.set_draw_color(*_LINE)
        for text, column, width in zip(texts, table.columns, widths, strict=True):
            side = "R" if column.figures else "L"
            shown = self._fit(text, width - 2)
            gap = "  " if side == "L" and self.get_x() > _MARGIN else ""
            self.cell(width, _ROW, f"{gap}{shown}", border=border, align=side)
        self.ln(_ROW)

    def _widths(self, table: Table, shown: Sequence[tuple[bool, Sequence[object]]]) -> list[float]:
        """As wide as the longest text wants, scaled to the page."""
        self._ink(8, bold=True)
        wanted = [self.get_string_width(column.title) + 4 for column in table.columns]
        for _sums, cells in shown:
            for place, cell in enumerate(cells):
                text = str(cell[2])  # type: ignore[index]  # column, cell, text
                wanted[place] = min(max(wanted[place], self.get_string_width(text) + 4), 60)
        scale = self.epw / sum(wanted)
        return [width * scale for width in wanted]

    def _fit(self, text: str, width: float) -> str:
        """The text, cut where it would run out of its cell."""
        if self.get_string_width(text) <= width:
            return text
        while text and self.get_string_width(f"{text}…") > width:
            text = text[:-1]
        return f"{text}…"

    def _ink(self, size: float, *, bold: bool = False, colour: tuple[int, int, int] = _INK) -> None:
        self.set_font("cjk", "B" if bold else "", size)
        self.set_text_color(*colour)


def _known(values: Sequence[int | None]) -> list[int]:
    return [value or 0 for value in values]
