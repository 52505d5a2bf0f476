"""A receipt document as ESC/POS bytes.

Chinese goes out as GB18030 between ``FS &`` (1C 26) and ``FS .`` (1C 2E), one line at a time, so
that a printer that loses its state loses one line. Printers without a Chinese font ROM take the
whole document as dots (``GS v 0``); the others take only those lines as dots that hold characters
their ROM lacks. Commands: Epson ESC/POS reference; sizes are set both for ASCII (``GS !``) and for
Chinese (``FS !``), since clones keep them apart.
"""

from typing import Literal

import zxingcpp
from PIL import Image

from dafan import fonts
from devices import escpos_text as txt
from devices import glyphs
from devices.escpos_text import COLUMNS, DOTS, Align, Paper
from devices.receipt_doc import QR, Columns, Cut, Drawer, Feed, Item, ReceiptDoc, Rule, Text

Mode = Literal["gb18030", "raster"]

INIT = bytes.fromhex("1b40 1c530000")
"""Reset, and no extra space around Chinese characters."""

CHINESE_ON, CHINESE_OFF = b"\x1c\x26", b"\x1c\x2e"
STRIP_ROWS = 200
"""Rows of dots sent at once: small buffers garble a taller picture."""
LEADING = 6
"""Blank rows below a drawn line: the usual line advance is 30 dots."""

_ALIGN: dict[Align, int] = {"left": 0, "center": 1, "right": 2}


def to_escpos(doc: ReceiptDoc, paper: Paper = 80, mode: Mode = "gb18030") -> bytes:
    """The bytes that print a receipt.

    Args:
        doc: What to print.
        paper: Width in millimetres.
        mode: ``raster`` draws all text and QR codes here, for printers without a Chinese font.

    Raises:
        DeviceError: raster mode, and the system has no Chinese font.
    """
    return INIT + b"".join(_item(item, paper, mode) for item in doc.lines)


def _item(item: Item, paper: Paper, mode: Mode) -> bytes:  # noqa: PLR0911 - one a kind of item
    columns = COLUMNS[paper]
    match item:
        case Text():
            lines = txt.wrap(item.text, columns // item.size)
            return b"".join(
                _line(part, paper, mode, item.align, item.bold, item.size) for part in lines
            )
        case Columns():
            lines = txt.two_columns(item.left, item.right, columns)
            return b"".join(_line(part, paper, mode, bold=item.bold) for part in lines)
        case Rule():
            return _line("-" * columns, paper, mode)
        case Feed():
            return b"\x1bd" + bytes([item.lines])
        case QR():
            return _qr_dots(item.data, paper) if mode == "raster" else _qr(item.data, paper)
        case Cut():
            # Narrow printers seldom have a knife: feed to the tear bar.
            return (b"\x1bd\x04" if paper == 58 else b"") + b"\x1dV\x42\x00"
        case Drawer():
            return b"\x1bp" + bytes([0 if item.pin == 2 else 1, 25, 250])


def _line(
    text: str, paper: Paper, mode: Mode, align: Align = "left", bold: bool = False, size: int = 1
) -> bytes:
    encoded = txt.encode(text)
    if mode == "raster" or (encoded is None and fonts.find_font() is not None):
        return _dots(_place(glyphs.line(text, bold, size), paper, align, LEADING))
    if encoded is None:
        encoded = txt.encode_visibly(text)
    body = encoded if encoded.isascii() else CHINESE_ON + encoded + CHINESE_OFF
    before, after = _style(align, bold, size)
    return before + body + b"\n" + after


def _style(align: Align, bold: bool, size: int) -> tuple[bytes, bytes]:
    """Commands that set a style and those that take it back."""
    before, after = b"", b""
    if align != "left":
        before, after = b"\x1ba" + bytes([_ALIGN[align]]), b"\x1ba\x00"
    if bold:
        before, after = before + b"\x1bE\x01", b"\x1bE\x00" + after
    if size == 2:
        before, after = before + b"\x1d!\x11\x1c!\x0c", b"\x1d!\x00\x1c!\x00" + after
    return before, after


def _qr(data: str, paper: Paper) -> bytes:
    """Epson's QR commands: model 2, size of a module, correction level M, store, print."""
    steps = (
        b"\x31\x41\x32\x00",
        b"\x31\x43" + bytes([_module(qr_image(data).width, paper)]),
        b"\x31\x45\x31",
        b"\x31\x50\x30" + data.encode(),
        b"\x31\x51\x30",
    )
    commands = b"".join(b"\x1d(k" + len(step).to_bytes(2, "little") + step for step in steps)
    return b"\x1ba\x01" + commands + b"\x1ba\x00"


def _module(modules: int, paper: Paper) -> int:
    """Dots of a module: six, fewer where the code would not fit (a printer would print none)."""
    return max(1, min(6, DOTS[paper] // modules))


def qr_image(data: str, module: int = 1) -> Image.Image:
    """A QR code as dots, mode ``1``, with its quiet zone; ``module`` dots to the module.

    Raises:
        ValueError: too much for a QR code.
    """
    code = zxingcpp.create_barcode(data, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    small = Image.fromarray(zxingcpp.write_barcode_to_image(code, scale=1))
    dots = small.resize((small.width * module, small.height * module), Image.Resampling.NEAREST)
    return dots.point(lambda grey: 0 if grey > 127 else 255).convert("1")


def _qr_dots(data: str, paper: Paper) -> bytes:
    dots = qr_image(data, _module(qr_image(data).width, paper))
    return _dots(_place(dots, paper, "center"))


def _place(picture: Image.Image, paper: Paper, align: Align, below: int = 0) -> Image.Image:
    """The picture on a strip as wide as the paper, with blank rows below."""
    free = max(0, DOTS[paper] - picture.width)
    strip = Image.new("1", (DOTS[paper], picture.height + below), 0)
    strip.paste(picture, ({"left": 0, "center": free // 2, "right": free}[align], 0))
    return strip


def _dots(strip: Image.Image) -> bytes:
    """``GS v 0``: rows of dots, eight to the byte, black is 1."""
    row = strip.width // 8
    data = strip.tobytes()
    sent = bytearray()
    for top in range(0, strip.height, STRIP_ROWS):
        rows = min(STRIP_ROWS, strip.height - top)
        sent += b"\x1dv0\x00" + row.to_bytes(2, "little") + rows.to_bytes(2, "little")
        sent += data[top * row : (top + rows) * row]
    return bytes(sent)
