"""Tag readers of trays: bytes in, tags out, each in one spelling. Pure.

A tag is its chip's number in upper-case hexadecimal without blanks; what a reader types as decimal
digits goes through :class:`devices.reader.CardFormat`. Frames, each with real bytes in the tests:

``uhf-a0``
    Readers with the Impinj and kin command set (8N1, 115200): ``A0 len addr 89 freqant PC2 EPC…
    rssi check``; check is the two's complement of the sum of all bytes before. Asked by
    ``A0 04 FF 89 01 D3``; a frame of another command, and the count that ends a round, are no tag.
``uhf-bb``
    M100/QM100/R200 modules (8N1, 115200): ``BB 02 22 len2 rssi PC2 EPC… CRC2 check 7E``; check is
    the sum from the type on. Asked by ``BB 00 22 00 00 22 7E``.
``hf-stx``
    Readers of 13.56 MHz and 125 kHz chips (8N1, 9600): ``02 len type SNR… BCC 03``, len counts the
    whole frame, BCC is the exclusive or of len, type and SNR; nine bytes for a four-byte UID.
``em-ascii``
    EM4100 readers (RDM6300, ID-12; 8N1, 9600): ``02``, ten hexadecimal digits, two of their
    exclusive or, ``03``; some put CR and LF before the ``03``.
``hex-lines``
    A number in hexadecimal a line.

``len`` bounds every frame, so that damaged bytes hold the stream up for one frame at the most.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

LONGEST_TAG = 32
"""Characters: sixteen bytes."""
SHORTEST_TAG = 4
THERE_S = 0.7
"""A tag that was not read for so long is not there."""

TagFault = Literal["checksum", "garbled", "too_long"]


@dataclass(frozen=True, slots=True)
class TagRead:
    """One frame: a tag, or why it is none."""

    tag: str = ""
    error: TagFault | None = None
    raw: bytes = b""


Cut = tuple[int, TagRead | None] | None
"""Bytes used up and what they were; ``None``: more bytes are needed."""
Take = Callable[[bytes], Cut]


def spelled(chip: bytes, raw: bytes, *, reverse: bool = False) -> TagRead:
    """The tag of a chip's number."""
    if not SHORTEST_TAG <= 2 * len(chip) <= LONGEST_TAG:
        return TagRead(error="too_long" if chip else "garbled", raw=raw)
    return TagRead((chip[::-1] if reverse else chip).hex().upper(), raw=raw)


def _take_a0(head: bytes) -> Cut:  # noqa: PLR0911 - one for each way a frame may end
    if head[0] != 0xA0:
        return 1, None
    if len(head) < 2:
        return None
    length = head[1] + 2
    if length < 5 or length > 80:
        return 1, TagRead(error="garbled", raw=head[:2])
    if len(head) < length:
        return None
    frame = head[:length]
    if sum(frame) & 0xFF:
        return 1, TagRead(error="checksum", raw=frame)
    words = frame[5] >> 3 if length > 8 else 0
    if frame[3] != 0x89 or 2 * words != length - 9:
        return length, None
    return length, spelled(frame[7:-2], frame)


def _take_bb(head: bytes) -> Cut:  # noqa: PLR0911 - one for each way a frame may end
    if head[0] != 0xBB:
        return 1, None
    if len(head) < 5:
        return None
    size = int.from_bytes(head[3:5], "big")
    if head[1] > 2 or size > 70:
        return 1, TagRead(error="garbled", raw=head[:5])
    if len(head) < size + 7:
        return None
    frame = head[: size + 7]
    if frame[-1] != 0x7E or sum(frame[1:-2]) & 0xFF != frame[-2]:
        return 1, TagRead(error="checksum", raw=frame)
    if frame[1:3] != b"\x02\x22":
        return len(frame), None
    if size < 7 or 2 * (frame[6] >> 3) != size - 5:
        return len(frame), TagRead(error="garbled", raw=frame)
    return len(frame), spelled(frame[8:-4], frame)


def _take_stx(head: bytes) -> Cut:
    if head[0] != 0x02:
        return 1, None
    if len(head) < 2:
        return None
    length = head[1]
    if not 7 <= length <= 21:
        return 1, None
    if len(head) < length:
        return None
    frame = head[:length]
    check = 0
    for byte in frame[1:-1]:
        check ^= byte
    if frame[-1] != 0x03 or check:
        return 1, TagRead(error="checksum", raw=frame)
    return length, spelled(frame[3:-2], frame)


_ASCII = re.compile(rb"\x02([0-9A-Fa-f]{12})(?:\r\n)?\x03")
_ASCII_SO_FAR = re.compile(rb"\x02(?:[0-9A-Fa-f]{0,11}|[0-9A-Fa-f]{12}(?:\r\n?)?)\Z")


def _take_ascii(head: bytes) -> Cut:
    if head[0] != 0x02:
        return 1, None
    found = _ASCII.match(head)
    if found is None:
        return None if _ASCII_SO_FAR.match(head) else (1, TagRead(error="garbled", raw=head[:1]))
    *chip, check = bytes.fromhex(found[1].decode("ascii"))
    for byte in chip:
        check ^= byte
    if check:
        return 1, TagRead(error="checksum", raw=found[0])
    return found.end(), spelled(bytes(chip), found[0])


_LINE = re.compile(rb"([^\r\n]{0,80})[\r\n]")


def _take_line(head: bytes) -> Cut:
    found = _LINE.match(head)
    if found is None:
        return (1, TagRead(error="too_long", raw=head[:1])) if len(head) > 80 else None
    text = found[1].replace(b" ", b"")
    if not text:
        return found.end(), None
    try:
        chip = bytes.fromhex(text.decode("ascii"))
    except (ValueError, UnicodeDecodeError):
        return found.end(), TagRead(error="garbled", raw=found[0])
    return found.end(), spelled(chip, found[0])


@dataclass(frozen=True, slots=True)
class TagProtocol:
    """How a reader speaks.

    Attributes:
        take: Cuts frames.
        baud: The usual speed, 8N1.
        ask: What makes it report the tags that are there; empty: it reports by itself.
    """

    title: str
    take: Take
    baud: int = 9600
    ask: bytes = b""


TAG_PROTOCOLS: dict[str, TagProtocol] = {
    "uhf-a0": TagProtocol(
        "UHF readers, frames A0 … check (asked)", _take_a0, 115_200, bytes.fromhex("A004FF8901D3")
    ),
    "uhf-bb": TagProtocol(
        "UHF modules M100/QM100/R200, frames BB … 7E (asked)",
        _take_bb, 115_200, bytes.fromhex("BB00220000227E"),
    ),
    "hf-stx": TagProtocol("HF and 125 kHz readers, frames 02 len … BCC 03", _take_stx),
    "em-ascii": TagProtocol("EM4100 readers, 02, ten digits and check, 03", _take_ascii),
    "hex-lines": TagProtocol("readers that send hexadecimal lines", _take_line),
}  # fmt: skip
"""By the name in the settings."""


class TagDecoder:
    """Cuts a reader's bytes into frames; keeps no more than an unfinished one.

    Args:
        protocol: How it speaks.
        reverse: It sends the chip's bytes last first; the tag is told first byte first.
    """

    def __init__(self, protocol: TagProtocol, *, reverse: bool = False) -> None:
        self._take = protocol.take
        self._reverse = reverse
        self._pending = bytearray()

    def feed(self, data: bytes) -> list[TagRead]:
        """Frames that these bytes complete; never raises."""
        self._pending += data
        found: list[TagRead] = []
        while self._pending:
            cut = self._take(bytes(self._pending[:128]))
            if cut is None:
                break
            used, read = cut
            del self._pending[:used]
            if read is not None:
                found.append(self._turned(read))
        return found

    def _turned(self, read: TagRead) -> TagRead:
        if not self._reverse or read.error:
            return read
        return spelled(bytes.fromhex(read.tag), read.raw, reverse=True)


@dataclass
class ReadSet:
    """Which tags are there: all that were read within :data:`THERE_S`."""

    there_s: float = THERE_S
    _last: dict[str, float] = field(default_factory=dict, init=False)

    def seen(self, tag: str, at: float) -> None:
        """A tag was read at this monotonic second."""
        self._last[tag] = at

    def there(self, at: float) -> frozenset[str]:
        """What is there at this monotonic second."""
        for tag in [tag for tag, last in self._last.items() if at - last >= self.there_s]:
            del self._last[tag]
        return frozenset(self._last)
