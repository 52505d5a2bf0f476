r"""OHAUS in its own format, 9600 8N1 or 2400 7E1 or 7N2, polled by ``IP`` CR LF (print now).

======================  ===================================================
``     1.250 kg\r\n``   at rest; the number right-aligned, a blank, the unit
``     1.250 kg ?\r\n``  in motion
``     1.250 kg NET``   net, before CR LF; ``G`` gross
``ES``                  not understood
======================  ===================================================

Certain: order, alignment, and `` ?``. Not certain: the width, which differs by model, so a number
counts when it fills eight characters with the blanks in front of it, and at least one blank stands
there: then no digit in front can have been lost. There is no block check. A scale that was switched
to SICS (``PSI``) speaks ``mt-sics``.
"""

import re

from devices.scales.driver import Driver, Poll, Serial
from devices.scales.framing import Take, line_cutter
from devices.scales.reading import Reading, weighed

LONGEST = 48
_LINE = re.compile(
    rb"(?<![ -~])([ ]+[+-]?[ ]*\d+(?:\.\d+)?) ([a-zA-Z]{1,5}(?::[a-zA-Z]{1,4})?)[ ]*"
    rb"(\?)?(?:[ ]+(G|N|B|GROSS|NET))?[ ]*\r\n"
)
WIDTH = 8
_DONE = re.compile(rb"(?:OK!?|[ZT] ?A?)?\r\n")


def parse(line: bytes) -> Reading | None:
    """The reading of one whole line; None for an answer to something else."""
    if line == b"ES\r\n":
        return Reading(error="scale", raw=line)
    # Noise may stand in front of a whole frame, so its beginning is looked for; but letters in
    # front are another protocol's.
    match = _LINE.search(line)
    if match is None or len(match.group(1)) < WIDTH:
        return None if _DONE.fullmatch(line) else Reading(error="garbled", raw=line)
    field, unit, moving, kind = match.groups()
    value = field.replace(b" ", b"").decode()
    net = kind in (b"N", b"NET")
    return weighed(value, unit.decode(), line[match.start() :], stable=not moving, net=net)


def take(unit: str) -> Take:
    """The frame cutter; the lines name their unit, so ``unit`` is not used."""
    del unit
    return line_cutter(LONGEST, parse)


DRIVER = Driver(
    name="ohaus",
    title="OHAUS in its own format",
    serial=(Serial(9600), Serial(2400, 7, "N", 2), Serial(2400, 7, "E")),
    take=take,
    poll=Poll(b"IP\r\n"),
    zero=b"Z\r\n",
    tare=b"T\r\n",
)
