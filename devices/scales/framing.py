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
        self._waiting = b""

    def feed(self, data: bytes) -> list[Reading]:
        """Readings of the frames that these bytes complete. Never raises."""
        self._waiting += data
        return self._drain(last=False)

    def flush(self) -> list[Reading]:
        """Readings that were complete but waited for an optional byte."""
        return self._drain(last=True)

    @property
    def held(self) -> int:
        """Bytes of the unfinished frame: at most :data:`HEAD`."""
        return len(self._waiting)

    def _drain(self, *, last: bool) -> list[Reading]:
        readings: list[Reading] = []
        data, at = self._waiting, 0
        while at < len(data):
            taken = self._take(data[at : at + HEAD], last)
            if taken is None:
                break
            used, reading = taken
            at += used
            if reading is not None:
                readings.append(reading)
        self._waiting = data[at:]
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


def line_cutter(longest: int, parse: Callable[[bytes], Reading | None]) -> Take:
    """A cutter of lines ended by a line feed.

    Args:
        longest: Bytes of the longest line; more without a line feed are thrown away as garbled.
        parse: The reading of a line with its end; None for an answer that is no weight.
    """

    def cut(head: bytes, last: bool) -> Taken | None:
        del last
        found = take_line(head, longest)
        if found is None:
            return None
        line, used = found
        return used, parse(line) if line else Reading(error="garbled", raw=head[:used])

    return cut


def frame_cutter(
    start: bytes, end: bytes, longest: int, parse: Callable[[bytes], Reading | None]
) -> Take:
    """A cutter of frames from one start byte to an end.

    The start may stand inside a frame as well: after damage only the start is given up, so that a
    whole frame that began behind it is still found.

    Args:
        start: One byte.
        end: What ends a frame.
        longest: Bytes of the longest frame with both.
        parse: The reading of a frame; None for an answer that is no weight.
    """
    opening = re.compile(re.escape(start))

    def cut(head: bytes, last: bool) -> Taken | None:
        del last
        noise = noise_before(head, opening)
        if noise:
            return noise, None
        at = head.find(end, 1, longest)
        if at < 0:
            short = len(head) < longest
            return None if short else (1, Reading(error="garbled", raw=head[:longest]))
        frame = head[: at + len(end)]
        reading = parse(frame)
        damaged = reading is not None and reading.error in ("garbled", "checksum")
        return (1 if damaged else len(frame)), reading

    return cut


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
