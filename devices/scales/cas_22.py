r"""CAS indicators: the frame of 22 bytes, and the short one of 10.

============================  =============================================================
``ST,GS,IL,########_kg\r\n``  22 bytes: I device number, L lamps, eight characters, unit
``########\r\n``              10 bytes: the eight characters alone
============================  =============================================================

The long frame is :func:`devices.scales.st_gs.parse_cas`; here nothing else passes, which suits a
line on which other devices talk too. The short one names neither unit nor rest, and has no mark
where it begins: it is read in the unit of the configuration, only with a decimal point (eight bare
digits are what a barcode reader sends), only as a line of exactly that length, and the rest is
derived (:class:`devices.scales.stability.StabilityFilter`). Nothing tells it from another device's
numbers, so ``dafan devices detect`` never claims it.

Certain: both lengths, the lamps. Not certain: whether every model puts a point into the short one.
"""

import re

from devices.scales.driver import Driver, Serial
from devices.scales.framing import Take, Taken, line_cutter, noise_before
from devices.scales.reading import Reading, weighed
from devices.scales.st_gs import CAS_LENGTH, parse_cas

OPENING = re.compile(rb"[SUO]\Z|(?:ST|US|OL)(?:\Z|,)")
_SHORT = re.compile(rb"(?=.{8}\r\n)[ ]*([+-]?)[ ]*(\d+\.\d+)\r\n")
_OUT = re.compile(rb"(?=.{8}\r\n)[ ]*(OL|UL|LO|-+)[ ]*\r\n")


def take(unit: str) -> Take:
    """The frame cutter; the frames name their unit, so ``unit`` is not used."""
    del unit

    def cut(head: bytes, last: bool) -> Taken | None:
        del last
        noise = noise_before(head, OPENING)
        if noise:
            return noise, None
        if len(head) < CAS_LENGTH:
            return None
        frame = head[:CAS_LENGTH]
        whole = frame[2:3] + frame[5:6] + frame[8:9] == b",,," and frame[3:5] in (b"GS", b"NT")
        reading = parse_cas(frame) if whole else Reading(error="garbled", raw=frame)
        return (1 if reading.error == "garbled" else CAS_LENGTH), reading

    return cut


def take_short(unit: str) -> Take:
    """The cutter of ten bytes from an indicator set to ``unit``."""

    def parse(line: bytes) -> Reading:
        out = _OUT.fullmatch(line)
        if out is not None:
            high = out.group(1) == b"OL"
            return Reading(over=high, under=not high, raw=line)
        match = _SHORT.fullmatch(line)
        if match is None:
            return Reading(error="garbled", raw=line)
        return weighed(b"".join(match.groups()).decode(), unit, line, stable=False)

    return line_cutter(16, parse)


DRIVER = Driver(
    name="cas-22",
    title="CAS indicators, 22 bytes with lamps",
    serial=(Serial(9600), Serial(4800), Serial(2400)),
    take=take,
    zero=b"MZ\r\n",
    tare=b"MT\r\n",
)

SHORT = Driver(
    name="cas-10",
    title="CAS indicators, 10 bytes: the number alone",
    serial=(Serial(9600), Serial(4800), Serial(2400)),
    take=take_short,
    zero=b"MZ\r\n",
    tare=b"MT\r\n",
    says_stable=False,
    distinctive=False,
)
