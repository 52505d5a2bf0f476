"""Cuts frames off a byte stream, whatever way the line splits, merges or dirties them.

A protocol is one pure function, :data:`Take`. It sees the head of the stream and decides only on
bytes that no later byte can change, so that the readings do not depend on where reads were cut.
After damage it gives up as little as it can, so that a good frame behind it is still found.
"""

import re
from collections.abc import Callable
from typing import Protocol

from devices.scales.reading import Reading

HEAD = 64
"""Bytes that a protocol gets to see; longer than every frame that we know."""

Taken = tuple[int, Reading | None]
"""Bytes used up (at least one), and the reading that they were, if any."""

Take = Callable[[bytes, bool], Taken | None]
"""``take(head, last)``: None asks for more bytes. ``last`` says that the line is quiet and none
will come soon; a protocol with an optional last byte then settles for the short frame."""


class Decoder(Protocol):
    """Turns bytes into readings; keeps no more than an unfinished frame."""

    def feed(self, data: bytes) -> list[Reading]:
        """Readings of the frames that these bytes complete. Never raises."""
        ...

    def flush(self) -> list[Reading]:
        """Readings that were complete but waited for an optional byte. Unfinished frames stay."""
        ...


class FrameDecoder:
    """A :class:`Decoder` around a :data:`Take`."""

    def __init__(self, take: Take) -> None:
        self._take = take
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Reading]:
        """Readings of the frames that these bytes complete. Never raises."""
        self._buffer += data
        return self._drain(last=False)

    def flush(self) -> list[Reading]:
        """Readings that were complete but waited for an optional byte."""
        return self._drain(last=True)

    @property
    def held(self) -> int:
        """Bytes of the unfinished frame: at most :data:`HEAD`."""
        return len(self._buffer)

    def _drain(self, *, last: bool) -> list[Reading]:
        readings = []
        while self._buffer:
            taken = self._take(bytes(self._buffer[:HEAD]), last)
            if taken is None:
                break
            used, reading = taken
            del self._buffer[:used]
            if reading is not None:
                readings.append(reading)
        return readings


def take_line(head: bytes, longest: int) -> tuple[bytes, int] | None:
    """The first line with its line feed, or as much of an endless one as may be thrown away.

    Returns:
        The bytes and their number; the bytes are empty for a run without a line feed that is
        longer than any line of the protocol. None: more bytes are needed.
    """
    end = head.find(b"\n", 0, longest)
    if end >= 0:
        return head[: end + 1], end + 1
    if len(head) < longest:
        return None
    return b"", longest


def noise_before(head: bytes, opening: re.Pattern[bytes]) -> int:
    r"""Bytes in front of the next place where a frame may begin; all of them if there is none.

    Args:
        head: What came.
        opening: A frame's first bytes, or as many of them as came before the end (``\Z``).
    """
    found = opening.search(head)
    return found.start() if found else len(head)


def xor(data: bytes) -> int:
    """Exclusive or of all bytes: the block check of CAS, Aclas and Yaohua."""
    result = 0
    for byte in data:
        result ^= byte
    return result
