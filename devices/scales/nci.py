r"""NCI / ECR (Weigh-Tronix and many tills' scales), 9600 7E1, polled by ``W`` CR.

=======================================  ====================================================
``0A xxxx.xxuu 0D 0A h1 h2 [h3] 0D 03``  weight, two letters of unit, status
``0A h1 h2 [h3] 0D 03``                  status alone: no weight now
``0A 3F 0D 03``                          ``?``: the command is not known
=======================================  ====================================================

Of each status byte bits 4 and 5 are set, and bit 6 says that another follows. h1: bit 0 motion, 1
at zero, 2 memory fault, 3 calibration memory fault. h2: 0 under, 1 over, 2 program fault, 3
calibration fault. h3: 0-1 range, 2 net, 3 fault at the first zero. A weight field of ``^`` is over,
of ``_`` under, of ``-`` a fault at zero. Certain: frame and bits, from the maker's description;
seven bits are what scales in the field use. There is no block check.
"""

import re

from devices.scales.driver import Driver, Poll, Serial
from devices.scales.framing import Take, frame_cutter
from devices.scales.reading import Reading, weighed

LONGEST = 24
_OVER, _UNDER, _FAULT = set(b"^"), set(b"_"), set(b"-")
_FRAME = re.compile(
    rb"\n(?:([ 0-9.+^_-]{3,10})([a-zA-Z]{2}|[ ][a-zA-Z]|[a-zA-Z][ ])\r\n)?([\x30-\x7f]{2,4})\r\x03"
)
_NUMBER = re.compile(rb"[ ]*([+-]?)[ ]*(\d+(?:\.\d+)?|\.\d+)")


def parse(frame: bytes) -> Reading:
    """The reading of a frame from LF to ETX."""
    if frame == b"\n?\r\x03":
        return Reading(error="scale", raw=frame)
    match = _FRAME.fullmatch(frame)
    if match is None or not _is_status(match.group(3)):
        return Reading(error="garbled", raw=frame)
    field, unit, status = match.groups()
    h1, h2, h3 = (*status, 0x30)[:3]
    filler = set((field or b"").strip())
    if h2 & 0x03 or filler in (_OVER, _UNDER):
        under = bool(h2 & 0x01) or filler == _UNDER
        return Reading(over=not under, under=under, raw=frame)
    if h1 & 0x0C or h2 & 0x0C or h3 & 0x08 or filler == _FAULT:
        return Reading(error="scale", raw=frame)
    number = _NUMBER.fullmatch(field or b"")
    if number is None:
        return Reading(error="garbled" if field else None, raw=frame)
    value = b"".join(number.groups()).decode()
    net = bool(h3 & 0x04)
    return weighed(value, unit.decode(), frame, stable=not h1 & 0x01, net=net)


def _is_status(status: bytes) -> bool:
    """Whether bits 4 and 5 are set and bit 6 announces just the bytes that follow from the second.

    Bit 6 of the first byte is not described; it must be clear.
    """
    more = [bool(byte & 0x40) for byte in status]
    chained = not more[0] and all(more[1:-1]) and not more[-1]
    return chained and all(byte & 0xB0 == 0x30 for byte in status)


def take(unit: str) -> Take:
    """The frame cutter; the frames name their unit, so ``unit`` is not used."""
    del unit
    return frame_cutter(b"\n", b"\r\x03", LONGEST, parse)


DRIVER = Driver(
    name="nci",
    title="NCI / ECR, Weigh-Tronix",
    serial=(Serial(9600, 7, "E"), Serial(9600)),
    take=take,
    poll=Poll(b"W\r"),
    zero=b"Z\r",
)
