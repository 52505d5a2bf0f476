r"""Dibal price-computing scales, 9600 8N1, polled with a price.

The till sends ``98`` and the price per kilogram in five digits, a check, CR LF; the scale answers
18 bytes::

    9 9 S W4 W3 W2 W1 W0 A6 A5 A4 A3 A2 A1 A0 CHK 0D 0A

S is ``0`` where the weight holds; W are grams; A is the amount, which we do not use: we send no
price. CHK is the exclusive or of the characters in front, as one character. 316 g is
``9900031600000004``. Certain: the check, and that example. Not certain: what S says beside ``0``
and whether a scale in motion answers at all, so another S is no weight, and rest is derived
(:class:`devices.scales.stability.StabilityFilter`).
"""

import re

from devices.scales.driver import Driver, Poll, Serial
from devices.scales.framing import Take, line_cutter, xor
from devices.scales.reading import Reading, weighed

LONGEST = 32
_FRAME = re.compile(rb"99(\d)(\d{5})\d{7}([0-?A-Fa-f])\r\n")


def with_check(digits: bytes) -> bytes:
    """A request or an answer: the digits, their check, CR LF."""
    return digits + bytes((0x30 | (xor(digits) & 0x0F),)) + b"\r\n"


def parse(line: bytes) -> Reading:
    """The reading of one line; noise may stand in front of it."""
    match = _FRAME.search(line)
    if match is None:
        return Reading(error="garbled", raw=line)
    frame = line[match.start() :]
    status, grams, check = match.groups()
    given = int(check, 16) if check.isalnum() else check[0] & 0x0F
    if given != xor(frame[:15]) & 0x0F:
        return Reading(error="checksum", raw=frame)
    if status != b"0":
        return Reading(raw=frame)
    return weighed(grams.decode(), "g", frame, stable=False)


def take(unit: str) -> Take:
    """The frame cutter; the weight is in grams, so ``unit`` is not used."""
    del unit
    return line_cutter(LONGEST, parse)


DRIVER = Driver(
    name="dibal",
    title="Dibal price-computing scales",
    serial=(Serial(9600),),
    take=take,
    poll=Poll(with_check(b"9800000")),
    says_stable=False,
    has_checksum=True,
)
