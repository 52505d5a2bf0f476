"""Mettler-Toledo MT-SICS, level 0 and 1: ASCII lines ended by CR LF.

=====================  ==========================================================
``S S     100.00 g``   stable weight; the number right-aligned in ten characters
``S D     100.00 g``   weight in motion (answers to ``SI`` and ``SIR``)
``S I``                busy or timed out: no weight
``S +`` ``S -``        overload, underload
``ES ET EL``           not understood, transmission error, not executable
``T S …`` ``Z A`` …    answers to tare and zero: no weight of a load
=====================  ==========================================================

Mettler pads to ten; makers who emulate the protocol pad otherwise, so the width is not a check.
A digit lost on the line is caught by :class:`devices.scales.stability.TwiceAlike`.
Source: MT-SICS reference manual, "Commands and responses level 0".
"""

import re
from dataclasses import replace

from devices.scales.driver import Driver, Poll, Serial
from devices.scales.framing import Take, line_cutter
from devices.scales.reading import Reading, weighed

LONGEST = 48
_WEIGHT = re.compile(rb"S ([SD]) [ ]*(-?\d+(?:\.\d+)?) ([^ \r\n]{1,4})\r\n")
_OTHER = re.compile(rb"(?:[TZ][A-Z]{0,2}|I\d+|@|K|D|DW|TA|TI|ZI|SR|M\d+) .*\r\n")
_FIXED = {
    b"S +\r\n": Reading(over=True),
    b"S -\r\n": Reading(under=True),
    b"S I\r\n": Reading(),
    b"ES\r\n": Reading(error="scale"),
    b"ET\r\n": Reading(error="scale"),
    b"EL\r\n": Reading(error="scale"),
}


def parse(line: bytes) -> Reading | None:
    """The reading of one whole line; None where the line is an answer to something else."""
    # Noise may stand in front of a whole frame, so its beginning is looked for.
    weight = _WEIGHT.search(line)
    if weight is not None:
        status, number, unit = weight.groups()
        text = unit.decode("gb18030", "replace")
        return weighed(number.decode(), text, line[weight.start() :], stable=status == b"S")
    if line in _FIXED:
        return replace(_FIXED[line], raw=line)
    if line == b"\r\n" or _OTHER.fullmatch(line):
        return None
    return Reading(error="garbled", raw=line)


def take(unit: str) -> Take:
    """The frame cutter; every MT-SICS weight names its unit, so ``unit`` is not used."""
    del unit
    return line_cutter(LONGEST, parse)


DRIVER = Driver(
    name="mt-sics",
    title="Mettler-Toledo MT-SICS",
    serial=(Serial(9600), Serial(2400, 7, "E")),
    take=take,
    poll=Poll(b"SI\r\n"),
    zero=b"Z\r\n",
    tare=b"T\r\n",
)
