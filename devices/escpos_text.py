"""Text on a thermal printer: which characters its font ROM has, how wide they are, where to wrap.

A printer draws in cells of 12 dots: ASCII takes one column, everything else two. A line therefore
has as many columns as bytes in the two-byte zone of GB18030 (GB 18030-2005, 5.2; the same codes as
GBK), which is what font ROMs hold.
"""

import unicodedata
from typing import Literal

Align = Literal["left", "center", "right"]
Paper = Literal[58, 80]

COLUMNS: dict[Paper, int] = {58: 32, 80: 48}
"""Columns of 12 dots on paper of so many millimetres."""

DOTS: dict[Paper, int] = {58: 384, 80: 576}
"""Printable dots across paper of so many millimetres (203 dpi)."""

NOT_AT_START = "，。、：；！？）》”’】〉」』…—·,.:;!?)]}%％"
"""Chinese punctuation that never begins a line (GB/T 15834-2011, 5.1.10), and its ASCII kin."""

NOT_AT_END = "（《“‘【〈「『￥"
"""Opening marks, and the sign of an amount, never end a line (same clause)."""

# U+00A5 has only a four-byte code, which font ROMs lack; U+FFE5 prints the same sign.
_REPLACED = str.maketrans({"¥": "￥", "\u00a0": " ", "\u3000": "  ", "\t": "    "})
_DROPPED = ("Cc", "Cf", "Cs", "Mn", "Me")


def clean(text: str) -> str:
    """One line of printable characters.

    Control characters are dropped: a dish name must never drive the printer. Accents are composed
    where Unicode has the letter.
    """
    composed = unicodedata.normalize("NFC", text.translate(_REPLACED))
    return "".join(c for c in composed if unicodedata.category(c) not in _DROPPED)


def width(text: str) -> int:
    """Columns that cleaned text takes."""
    return sum(1 if c.isascii() else 2 for c in text)


def encode(text: str) -> bytes | None:
    """Cleaned text in one- and two-byte GB18030; None where a character has no such code."""
    encoded = bytearray()
    for char in text:
        code = char.encode("gb18030")
        if len(code) > 2 or unicodedata.category(char) == "Co":
            return None
        encoded += code
    return bytes(encoded)


def encode_visibly(text: str) -> bytes:
    """As :func:`encode`, with a full-width question mark for what has no code."""
    return b"".join(encode(c) or "？".encode("gb18030") for c in text)


def wrap(text: str, columns: int) -> list[str]:
    """Cleaned paragraphs cut into lines of at most ``columns`` columns, at least one line.

    English words stay whole where they fit, and closing punctuation stays with the character
    before it. Only blanks at the end of a broken line are lost.

    Raises:
        ValueError: fewer than four columns: two characters must fit.
    """
    if columns < 4:
        raise ValueError("a line needs at least four columns")
    lines: list[str] = []
    for paragraph in text.split("\n"):
        rest = clean(paragraph)
        while width(rest) > columns:
            cut = _break_at(rest, columns)
            lines.append(rest[:cut].rstrip(" "))
            rest = rest[cut:].lstrip(" ")
        lines.append(rest)
    return lines


def _break_at(text: str, columns: int) -> int:
    """Index at which too long a text is cut: at least 1."""
    used, fits = 0, 0
    for char in text:
        used += width(char)
        if used > columns:
            break
        fits += 1
    for cut in range(fits, 0, -1):
        if _may_break(text, cut):
            return cut
    return fits


def _may_break(text: str, cut: int) -> bool:
    """Whether a line may end before this index; blanks there will not be printed."""
    left, right = text[:cut].rstrip(" "), text[cut:].lstrip(" ")
    if left.endswith(tuple(NOT_AT_END)) or right.startswith(tuple(NOT_AT_START)):
        return False
    before, after = text[cut - 1], text[cut]
    return " " in (before, after) or not (before.isascii() and after.isascii())


def pad(line: str, columns: int, align: Align) -> str:
    """A line set in its columns with blanks in front."""
    free = max(0, columns - width(line))
    return " " * {"left": 0, "center": free // 2, "right": free}[align] + line


def two_columns(left: str, right: str, columns: int) -> list[str]:
    """A name and its figure: the name wraps, the figure ends its last line flush right.

    A figure so wide that it leaves the name less than a third of the line goes below it.
    """
    figure = " ".join(clean(right).split())
    room = columns - width(figure) - 1
    if room < columns // 3:
        return [*wrap(left, columns), *(pad(p, columns, "right") for p in wrap(figure, columns))]
    lines = wrap(left, room)
    gap = " " * (columns - width(lines[-1]) - width(figure))
    return [*lines[:-1], lines[-1] + gap + figure]
