r"""SMA level 1 (the Scale Manufacturers' Association's protocol), 9600 8N1, polled by LF ``W`` CR.

Twenty bytes, ``0A s r n m f`` weight (10) unit (3) ``0D``:

===  ===================================================================================
s    blank in range, ``Z`` centre of zero, ``O`` over, ``U`` under, ``E`` fault at zero,
     ``I`` fault at the first zero, ``T`` fault of the tare
r    range, ``1`` …
n    ``G`` gross, ``N`` net, ``T`` the tare itself; ``g`` and ``n`` finer than the display
m    ``M`` motion, blank at rest
f    for later use
===  ===================================================================================

``0A 3F 0D`` is ``?``: the command is not known. A tare is no load; weights finer than the display
are not for trade. Certain: frame and letters, from the published standard. There is no block check.
"""

import re

from devices.scales.driver import Driver, Poll, Serial
from devices.scales.framing import Take, frame_cutter
from devices.scales.reading import Reading, weighed

LENGTH = 20
_FRAME = re.compile(
    rb"\n([ ZOUEIT])[ 0-9]([GNTgn])([M ])[ -~](.{10})"
    rb"([a-zA-Z]{1,3}[ ]{0,2}|[ ]{1,2}[a-zA-Z]{1,2})\r"
)
_NUMBER = re.compile(rb"[ ]*([+-]?)[ ]*(\d+(?:\.\d+)?)")


def parse(frame: bytes) -> Reading | None:
    """The reading of a frame from LF to CR; None for a tare."""
    if frame == b"\n?\r":
        return Reading(error="scale", raw=frame)
    match = _FRAME.fullmatch(frame)
    if match is None or len(frame) != LENGTH:
        return Reading(error="garbled", raw=frame)
    status, kind, motion, field, unit = match.groups()
    if kind == b"T":
        return None
    if status in b"OU":
        return Reading(over=status == b"O", under=status == b"U", raw=frame)
    number = _NUMBER.fullmatch(field)
    if number is None or status in b"EIT" or kind in b"gn":
        return Reading(error="garbled" if number is None else "scale", raw=frame)
    value = b"".join(number.groups()).decode()
    return weighed(value, unit.decode(), frame, stable=motion == b" ", net=kind == b"N")


def take(unit: str) -> Take:
    """The frame cutter; the frames name their unit, so ``unit`` is not used."""
    del unit
    return frame_cutter(b"\n", b"\r", LENGTH, parse)


DRIVER = Driver(
    name="sma",
    title="SMA level 1",
    serial=(Serial(9600),),
    take=take,
    poll=Poll(b"\nW\r"),
    zero=b"\nZ\r",
    tare=b"\nT\r",
)
