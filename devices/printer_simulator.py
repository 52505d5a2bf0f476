"""A receipt printer in software: takes ESC/POS bytes, keeps the paper, answers status queries.

It prints Chinese only between ``FS &`` and ``FS .``, as printers with a foreign default do, and,
told to have no Chinese font, not even there: what would come out garbled on paper comes out garbled
here. While a fault stops it, it keeps what arrives, answers ``DLE EOT`` at once and prints on when
the fault is cleared. ``devices.printer_simulator_ports`` puts it on TCP, a pseudo-terminal, a
folder.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from PIL import Image

from devices.escpos_render import qr_image
from devices.escpos_text import COLUMNS, DOTS, Paper, width
from devices.printer_paper import LINE_ADVANCE, Blank, Picture, PrintedLine, PrintedReceipt, Run

Fault = Literal["paper_out", "paper_low", "cover_open", "offline", "jam"]

BUFFER = 1 << 20
"""Bytes kept while stopped; more are dropped."""

LONGEST = 20_000
"""Dots after which the paper counts as torn off, so that noise stays bounded."""

_ESC_ARGUMENTS = {
    **dict.fromkeys(b"@2im", 0),
    **dict.fromkeys(b"aEGdJt!3R-MV{ S", 1),
    **dict.fromkeys(b"$\\c", 2),
    ord("p"): 3,
}
_FS_ARGUMENTS = {**dict.fromkeys(b"&.", 0), **dict.fromkeys(b"!CW-", 1), ord("S"): 2}
_GS_ARGUMENTS = {**dict.fromkeys(b"!BhwHfarIb", 1), **dict.fromkeys(b"LWP", 2)}


@dataclass(frozen=True)
class _Style:
    chinese: bool = False
    bold: bool = False
    wide: int = 1
    high: int = 1
    align: int = 0


class VirtualPrinter:
    """A printer with ``paper`` millimetres of paper.

    Args:
        paper: 58 or 80.
        chinese_font: Whether its ROM has Chinese characters.
    """

    def __init__(self, paper: Paper = 80, chinese_font: bool = True) -> None:
        self.paper = paper
        self.chinese_font = chinese_font
        self.receipts: list[PrintedReceipt] = []
        self.current = PrintedReceipt(paper)
        self.on_receipt: Callable[[PrintedReceipt], None] = lambda _: None
        self._faults: set[Fault] = set()
        self._lines_left: int | None = None
        self._style = _Style()
        self._line: list[Run] = []
        self._qr_data = b""
        self._qr_module = 3
        self._received = bytearray()
        self._answers = bytearray()
        self._length = 0
        self._lock = threading.RLock()

    # what a test or a person does to it

    def set_fault(self, fault: Fault, on: bool = True) -> None:
        """Make something go wrong, or put it right; then it prints what it has kept."""
        with self._lock:
            (self._faults.add if on else self._faults.discard)(fault)
            self._work()

    def load_paper(self, lines: int | None = None) -> None:
        """Put in a roll that ends after so many lines (None: never)."""
        with self._lock:
            self._lines_left = lines
            self.set_fault("paper_out", on=False)

    @property
    def text(self) -> str:
        """All text printed so far, the uncut piece last."""
        with self._lock:
            return "\n".join(piece.text for piece in (*self.receipts, self.current))

    # what a line does to it

    def feed(self, data: bytes) -> bytes:
        """Take bytes; returns the answers that are due. Never raises on any bytes."""
        with self._lock:
            if self._stopped:
                data = self._answer_at_once(data)
            self._received += data[: max(0, BUFFER - len(self._received))]
            self._work()
            answers = bytes(self._answers)
            self._answers.clear()
            return answers

    def power_off(self) -> None:
        """Lose all that is not on paper."""
        with self._lock:
            self._received.clear()
            self._answers.clear()
            self._line.clear()
            self._style = _Style()

    @property
    def _stopped(self) -> bool:
        return bool(self._faults - {"paper_low"})

    def _answer_at_once(self, data: bytes) -> bytes:
        """Answer the status queries among bytes that have to wait, and take them out."""
        for n in (1, 2, 3, 4):
            query = b"\x10\x04" + bytes([n])
            self._answers += bytes([self._status(n)]) * data.count(query)
            data = data.replace(query, b"")
        return data

    def _status(self, n: int) -> int:
        """The answer to ``DLE EOT n``: see ``devices.printer.parse_status``."""
        has = self._faults.__contains__
        bits = {
            1: 0x08 * self._stopped,
            2: 0x04 * has("cover_open") | 0x20 * has("paper_out") | 0x40 * has("jam"),
            3: 0x08 * has("jam"),
            4: 0x0C * (has("paper_low") or has("paper_out")) | 0x60 * has("paper_out"),
        }
        return 0x12 | bits[n]

    def _work(self) -> None:
        while self._received and not self._stopped:
            used = self._take(bytes(self._received[:64]))
            if used == 0:
                return
            self.current.raw += self._received[:used]
            del self._received[:used]
            if self._length > LONGEST:
                self._finish(cut=False)
            elif self.current.cut:
                self._finish(cut=True)

    # bytes to commands: each method returns how many bytes it used, 0 to wait for more

    def _take(self, head: bytes) -> int:  # noqa: PLR0911 - one a kind of byte
        match head[0]:
            case 0x1B:
                return self._simple(head, _ESC_ARGUMENTS, self._escape)
            case 0x1C:
                return self._simple(head, _FS_ARGUMENTS, self._fs)
            case 0x1D:
                return self._group(head)
            case 0x10:
                return self._real_time(head)
            case 0x0A:
                self._end_line()
                return 1
            case code if code < 0x20 or code == 0x7F:
                return 1
        return self._character(head)

    def _simple(
        self, head: bytes, arguments: dict[int, int], act: Callable[[int, bytes], None]
    ) -> int:
        if len(head) < 2:
            return 0
        used = 2 + arguments.get(head[1], 0)
        if len(head) < used:
            return 0
        if head[1] in arguments:
            act(head[1], head[2:used])
        return used

    def _escape(self, code: int, values: bytes) -> None:
        match chr(code):
            case "@":
                self._style = _Style()
                self._line.clear()
            case "a":
                self._style = replace(self._style, align=values[0] % 48 % 3)
            case "E":
                self._style = replace(self._style, bold=bool(values[0] & 1))
            case "!":
                self._style = replace(
                    self._style,
                    bold=bool(values[0] & 0x08),
                    high=1 + (values[0] >> 4 & 1),
                    wide=1 + (values[0] >> 5 & 1),
                )
            case "d":
                self._end_line_if_any()
                self._add(Blank(values[0] * LINE_ADVANCE))
            case "J":
                self._end_line_if_any()
                self._add(Blank(values[0]))
            case "p":
                self.current.drawer_kicks.append(5 if values[0] & 1 else 2)
            case "i" | "m":
                self.current.cut = True

    def _fs(self, code: int, values: bytes) -> None:
        match chr(code):
            case "&" | ".":
                self._style = replace(self._style, chinese=code == 0x26)
            case "!":
                high, wide = 1 + (values[0] >> 3 & 1), 1 + (values[0] >> 2 & 1)
                self._style = replace(self._style, high=high, wide=wide)
            case "W":
                self._style = replace(self._style, high=1 + values[0] % 2, wide=1 + values[0] % 2)

    def _group(self, head: bytes) -> int:
        kind = head[1:2]
        if kind == b"V":
            return self._cut(head)
        if kind == b"v":
            return self._raster(head)
        if kind == b"(":
            return self._extended(head)
        return self._simple(head, _GS_ARGUMENTS, self._gs)

    def _gs(self, code: int, values: bytes) -> None:
        match chr(code):
            case "!":
                high, wide = 1 + (values[0] & 7), 1 + (values[0] >> 4 & 7)
                self._style = replace(self._style, high=high, wide=wide)
            case "r":
                self._answers.append(0x03 if "paper_low" in self._faults else 0x00)

    def _cut(self, head: bytes) -> int:
        used = 4 if len(head) > 2 and head[2] in b"ABab" else 3
        if len(head) < used:
            return 0
        self._end_line_if_any()
        self.current.cut = True
        return used

    def _raster(self, head: bytes) -> int:
        """``GS v 0 m xL xH yL yH``: rows of dots."""
        if len(head) < 8:
            return 0
        row, rows = int.from_bytes(head[4:6], "little"), int.from_bytes(head[6:8], "little")
        if head[2] != 0x30 or not 0 < row <= 128 or not 0 < rows <= 2400:
            return 8
        used = 8 + row * rows
        if len(self._received) < used:
            return 0
        dots = Image.frombytes("1", (row * 8, rows), bytes(self._received[8:used]))
        scale = (1 + (head[3] & 1), 1 + (head[3] >> 1 & 1))
        dots = dots.resize((dots.width * scale[0], dots.height * scale[1]))
        self._add(Picture(dots.crop((0, 0, min(dots.width, DOTS[self.paper]), dots.height))))
        return used

    def _extended(self, head: bytes) -> int:
        """``GS ( x pL pH …``; of these only QR codes print."""
        if len(head) < 5:
            return 0
        used = 5 + int.from_bytes(head[3:5], "little")
        if len(self._received) < used:
            return 0
        if head[2:3] == b"k":
            self._qr(bytes(self._received[5:used]))
        return used

    def _qr(self, step: bytes) -> None:
        if step[:2] == b"1C" and len(step) == 3:
            self._qr_module = min(16, max(1, step[2]))
        elif step[:2] == b"1P":
            self._qr_data = step[3:]
        elif step[:2] == b"1Q" and 0 < len(self._qr_data) <= 1000:
            content = self._qr_data.decode("utf-8", "replace")
            try:
                dots = qr_image(content, self._qr_module)
            except ValueError:  # does not fit any QR code
                return
            if dots.width <= DOTS[self.paper]:
                self.current.qr.append(content)
                self._add(Picture(dots, self._style.align))

    def _real_time(self, head: bytes) -> int:
        if len(head) < 3:
            return 0
        if head[1] == 0x04 and head[2] in (1, 2, 3, 4):
            self._answers.append(self._status(head[2]))
        elif head[1] == 0x14 and head[2] == 1:
            if len(head) < 5:
                return 0
            self.current.drawer_kicks.append(5 if head[3] & 1 else 2)
            return 5
        return 3

    def _character(self, head: bytes) -> int:
        code = head[0]
        if code < 0x80:
            self._put(chr(code))
            return 1
        if not (self._style.chinese and self.chinese_font):
            self._put(head[:1].decode("cp437"))
            return 1
        if len(head) < 2:
            return 0
        try:
            char = head[:2].decode("gb18030")
        except UnicodeDecodeError:
            self._put("?")
            return 1
        self._put(char)
        return 2

    # characters to paper

    def _put(self, char: str) -> None:
        style = self._style
        used = sum(width(run.text) * run.wide for run in self._line)
        if used + width(char) * style.wide > COLUMNS[self.paper]:
            self._end_line()
        run = Run(char, style.bold, style.wide, style.high)
        last = self._line[-1] if self._line else None
        if last is not None and replace(last, text=char) == run:
            self._line[-1] = replace(last, text=last.text + char)
        else:
            self._line.append(run)

    def _end_line_if_any(self) -> None:
        if self._line:
            self._end_line()

    def _end_line(self) -> None:
        runs = tuple(self._line)
        self._line.clear()
        self._add(PrintedLine(runs, self._style.align))

    def _add(self, part: PrintedLine | Picture | Blank) -> None:
        self.current.parts.append(part)
        match part:
            case PrintedLine(runs):
                self._length += LINE_ADVANCE * max((run.high for run in runs), default=1)
            case Picture(dots):
                self._length += dots.height
            case Blank(rows):
                self._length += rows
        if self._lines_left is not None:
            self._lines_left -= 1
            if self._lines_left <= 0:
                self._lines_left = None
                self._faults.add("paper_out")

    def _finish(self, cut: bool) -> None:
        piece, self.current = self.current, PrintedReceipt(self.paper)
        piece.cut = cut
        self._length = 0
        self.receipts.append(piece)
        self.on_receipt(piece)
