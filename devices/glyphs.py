"""Characters as dots: a 24-dot font for printers without a Chinese font ROM, and for pictures.

The font is the system's: see :mod:`dafan.fonts`.
"""

from functools import cache, lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from dafan import fonts
from dafan.errors import DeviceError
from dafan.fonts import HELP

CELL = 24
"""Height of a line and width of a Chinese character, in dots; ASCII is half as wide."""


@cache
def _font(path: Path, size: int) -> ImageFont.FreeTypeFont:
    """The font's most evenly spaced face for simplified Chinese.

    Raises:
        DeviceError: the file is no font.
    """
    try:
        best = ImageFont.truetype(path, size)
    except OSError as error:
        raise DeviceError(f"{path} is not a font: {HELP}") from error
    for index in range(1, 16):
        try:
            face = ImageFont.truetype(path, size, index=index)
        except OSError:  # past the collection's last face
            break
        if _preference(face) > _preference(best):
            best = face
    return best


def _preference(face: ImageFont.FreeTypeFont) -> int:
    words = (face.getname()[0] or "").split()
    return 2 * ("Mono" in words) + ("SC" in words)


@lru_cache(maxsize=4096)
def cell(char: str, bold: bool = False) -> Image.Image:
    """One character in its cell, mode ``1``, 24 dots high, 12 or 24 wide; dots are 1, paper 0.

    Raises:
        DeviceError: the system has no Chinese font.
    """
    path = fonts.find_font()
    if path is None:
        raise DeviceError(f"no Chinese font found: {HELP}")
    columns = CELL // 2 if char.isascii() else CELL
    font = _font(path, 22)
    ascent, descent = font.getmetrics()
    picture = Image.new("L", (columns, CELL), 0)
    ImageDraw.Draw(picture).text(
        (columns / 2, CELL / 2 + (ascent - descent) / 2 - 1),
        char,
        fill=255,
        font=font,
        anchor="ms",
        stroke_width=0.5 if bold else 0,
    )
    return picture.point(lambda grey: 255 if grey > 110 else 0).convert("1")


def line(text: str, bold: bool = False, size: int = 1) -> Image.Image:
    """A cleaned line as dots, mode ``1``, just as wide as its columns; size 2 doubles each dot."""
    cells = [cell(char, bold) for char in text]
    picture = Image.new("1", (max(1, sum(c.width for c in cells)), CELL), 0)
    left = 0
    for drawn in cells:
        picture.paste(drawn, (left, 0))
        left += drawn.width
    return picture.resize((picture.width * size, picture.height * size), Image.Resampling.NEAREST)
