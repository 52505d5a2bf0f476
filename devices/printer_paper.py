"""What a simulated printer has printed: text to compare, and a picture of the paper."""

from dataclasses import dataclass, field
from typing import Literal

from PIL import Image, ImageDraw

from dafan.errors import DeviceError
from devices import glyphs
from devices.escpos_text import DOTS, Paper

PAPER, INK = (250, 249, 244), (38, 38, 44)
MARGIN: dict[Paper, int] = {58: 40, 80: 32}
"""Dots from the paper's edge to the printable width: (58 mm - 48 mm) / 2 at 8 dots a millimetre."""

LINE_ADVANCE = 30
"""Dots from line to line, the default of ``ESC 2``."""


@dataclass(frozen=True)
class Run:
    """Characters in one style."""

    text: str
    bold: bool = False
    wide: int = 1
    high: int = 1


@dataclass(frozen=True)
class PrintedLine:
    """A line as it came out. ``align`` counts as in ``ESC a``: 0 left, 1 centre, 2 right."""

    runs: tuple[Run, ...]
    align: int = 0

    @property
    def text(self) -> str:
        """Its characters, without style."""
        return "".join(run.text for run in self.runs)


@dataclass(frozen=True)
class Picture:
    """Dots as they came out, mode ``1``."""

    dots: Image.Image
    align: int = 0


@dataclass(frozen=True)
class Blank:
    """Paper fed without printing, in dots."""

    rows: int


Printed = PrintedLine | Picture | Blank


@dataclass
class PrintedReceipt:
    """A piece of paper: what was sent for it and what stands on it."""

    paper: Paper
    raw: bytearray = field(default_factory=bytearray)
    parts: list[Printed] = field(default_factory=list)
    qr: list[str] = field(default_factory=list)
    drawer_kicks: list[Literal[2, 5]] = field(default_factory=list)
    cut: bool = False

    @property
    def text(self) -> str:
        """Its lines of text, each stripped at the right."""
        lines = [part.text.rstrip() for part in self.parts if isinstance(part, PrintedLine)]
        return "\n".join(lines)

    def picture(self) -> Image.Image:
        """The paper as an RGB image, one pixel a dot."""
        strips = [_dots(part, DOTS[self.paper]) for part in self.parts]
        height = sum(strip.height for strip in strips)
        margin = MARGIN[self.paper]
        width = DOTS[self.paper] + 2 * margin
        sheet = Image.new("RGB", (width, height + 2 * margin), PAPER)
        top = margin
        for strip in strips:
            sheet.paste(INK, (margin, top), strip)
            top += strip.height
        return sheet


def _dots(part: Printed, width: int) -> Image.Image:
    """One part as a strip as wide as the print head."""
    match part:
        case Blank(rows):
            return Image.new("1", (width, max(1, rows)), 0)
        case Picture(dots, align):
            return _on_strip(dots, width, align, dots.height)
        case PrintedLine(runs, align):
            drawn = _draw_runs(runs)
            return _on_strip(drawn, width, align, drawn.height + LINE_ADVANCE - glyphs.CELL)


def _on_strip(dots: Image.Image, width: int, align: int, height: int) -> Image.Image:
    strip = Image.new("1", (width, height), 0)
    free = max(0, width - dots.width)
    strip.paste(dots, ((0, free // 2, free)[align], 0))
    return strip


def _draw_runs(runs: tuple[Run, ...]) -> Image.Image:
    pieces = [_draw_run(run) for run in runs if run.text]
    height = max((piece.height for piece in pieces), default=glyphs.CELL)
    line = Image.new("1", (max(1, sum(piece.width for piece in pieces)), height), 0)
    left = 0
    for piece in pieces:
        line.paste(piece, (left, height - piece.height))
        left += piece.width
    return line


def _draw_run(run: Run) -> Image.Image:
    try:
        dots = glyphs.line(run.text, run.bold)
    except DeviceError:  # no font here: show where characters stand
        dots = _boxes(run.text)
    size = (dots.width * run.wide, dots.height * run.high)
    return dots.resize(size, Image.Resampling.NEAREST)


def _boxes(text: str) -> Image.Image:
    widths = [12 if char.isascii() else glyphs.CELL for char in text]
    dots = Image.new("1", (sum(widths), glyphs.CELL), 0)
    left = 0
    for char, width in zip(text, widths, strict=True):
        if char != " ":
            ImageDraw.Draw(dots).rectangle((left + 2, 4, left + width - 3, 20), outline=1)
        left += width
    return dots
