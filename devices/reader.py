"""Card numbers and QR codes: what readers type, send and show, as one canonical text.

Readers differ in how they write the same card: decimal or hexadecimal, bytes forward or reversed.
:class:`CardFormat` says how this one does; the canonical number is decimal with at least ten
digits, as it is printed on most cards. ``devices.reader_port`` runs the devices.
"""

import re
from dataclasses import dataclass, field
from typing import Literal

import cv2
import numpy as np
import zxingcpp
from numpy.typing import NDArray

from dafan.errors import BadInputError

LONGEST_NUMBER = 32
"""Characters; a UID has at most ten bytes (ISO/IEC 14443-3)."""

LONGEST_QR = 300
"""Characters of a code that could be ours."""

_NUMBER = re.compile(rf"[0-9A-Za-z]{{1,{LONGEST_NUMBER}}}")


@dataclass(frozen=True)
class CardSeen:
    """A card was held to the reader.

    Args:
        number: Canonical number.
        at: Monotonic seconds.
    """

    number: str
    at: float


@dataclass(frozen=True)
class CardFormat:
    """How a reader writes a card's number.

    Args:
        base: ``raw`` keeps letters and digits as they come.
        reversed_bytes: The UID's bytes come last first (little endian).
        checksum: Two hexadecimal digits follow, the XOR of the bytes before (RDM6300 and kin).
    """

    base: Literal["decimal", "hex", "raw"] = "decimal"
    reversed_bytes: bool = False
    checksum: bool = False

    def canonical(self, text: str) -> str:
        """The card's number, always the same for the same card.

        Raises:
            BadInputError: the reader did not write what this format says.
        """
        text = text.strip()
        if not _NUMBER.fullmatch(text):
            raise BadInputError("the card reader sent no card number: hold the card again")
        if self.checksum:
            text = _without_checksum(text)
        if self.base == "raw":
            return text.upper()
        try:
            value = int(text, 10 if self.base == "decimal" else 16)
        except ValueError as error:
            raise BadInputError(
                f"the card reader does not write {self.base} numbers: change the card format"
            ) from error
        if self.reversed_bytes:
            size = (len(text) + 1) // 2 if self.base == "hex" else max(4, _bytes_of(value))
            value = int.from_bytes(value.to_bytes(size, "little"), "big")
        return f"{value:010d}"


def _bytes_of(value: int) -> int:
    return (value.bit_length() + 7) // 8


def _without_checksum(text: str) -> str:
    try:
        *data, check = bytes.fromhex(text)
    except ValueError as error:
        raise BadInputError("the card was misread: hold it again") from error
    for byte in data:
        check ^= byte
    if check or not data:
        raise BadInputError("the card was misread: hold it again")
    return text[:-2]


@dataclass
class KeyboardWedge:
    """Tells a reader that types like a keyboard from a person: by its speed.

    Args:
        shortest: Fewer characters are no card.
        gap_s: Longest pause between two characters of a reader; people are slower.
    """

    shortest: int = 6
    gap_s: float = 0.08
    _typed: str = field(default="", init=False)
    _last: float = field(default=float("-inf"), init=False)
    _spoilt: bool = field(default=False, init=False)

    def key(self, char: str, at: float) -> str | None:
        """One key press; returns what was typed when a whole card number has come.

        Args:
            char: The character, or ``Enter`` as browsers call it; other named keys are ignored.
            at: Seconds on any clock that runs forward.
        """
        if char in ("Enter", "\r", "\n"):
            typed, in_time = self._typed, at - self._last <= self.gap_s
            whole = in_time and not self._spoilt and len(typed) >= self.shortest
            self._begin()
            return typed if whole else None
        if len(char) != 1:
            return None
        if at - self._last > self.gap_s:
            self._begin()
        self._last = at
        self._spoilt |= (
            not (char.isascii() and char.isalnum()) or len(self._typed) >= LONGEST_NUMBER
        )
        if not self._spoilt:
            self._typed += char
        return None

    def _begin(self) -> None:
        self._typed, self._spoilt, self._last = "", False, float("-inf")


class CardLines:
    """Cuts a serial reader's bytes into card numbers: lines, or STX … ETX frames."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes) -> list[str]:
        """Texts that were completed by these bytes; noise yields none or ones no format accepts."""
        texts = []
        for byte in data:
            if byte in b"\x02\x03\r\n":
                if self._pending and byte != 0x02:
                    texts.append(self._pending.decode("ascii", "replace").strip())
                self._pending.clear()
            elif len(self._pending) <= LONGEST_NUMBER:
                self._pending.append(byte)
        return [text for text in texts if text]


class Debounce:
    """Drops a value that comes again while it is still held in front of the reader.

    Args:
        seconds: How long a value must be away before it counts again.
    """

    def __init__(self, seconds: float = 2.0) -> None:
        self._seconds = seconds
        self._seen: tuple[str, float] | None = None

    def fresh(self, value: str, at: float) -> bool:
        """Whether the value is new at this moment."""
        again = (
            self._seen is not None and self._seen[0] == value and at - self._seen[1] < self._seconds
        )
        self._seen = (value, at)
        return not again


def decode_qr(image: NDArray[np.uint8]) -> list[str]:
    """Texts of the QR codes in a picture (height × width [× 3 BGR], uint8); garbage gives none."""
    if image.dtype != np.uint8 or image.size == 0 or image.ndim not in (2, 3):
        return []
    try:
        grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        only = zxingcpp.barcode_formats_from_str("QRCode")  # kept, it leaks words at the exit
        found = zxingcpp.read_barcodes(np.ascontiguousarray(grey), formats=only)
    except (cv2.error, ValueError, TypeError):
        return []
    return [code.text for code in found if code.valid and 0 < len(code.text) <= LONGEST_QR]


class QrReader:
    """Looks for QR codes in a stream of frames, seldom enough to leave time for faces.

    Args:
        every_s: Least time between two looks.
    """

    def __init__(self, every_s: float = 0.2) -> None:
        self._every = every_s
        self._next = float("-inf")
        self._debounce = Debounce(3.0)

    def look(self, image: NDArray[np.uint8], at: float) -> str | None:
        """A code that was not there before, or None.

        Args:
            image: A frame.
            at: Its monotonic seconds.
        """
        if at < self._next:
            return None
        self._next = at + self._every
        texts = decode_qr(image)
        return texts[0] if texts and self._debounce.fresh(texts[0], at) else None
