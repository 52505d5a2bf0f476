r"""Adam Equipment and other scales that print a bare number and unit, 4800 8N1, polled by ``P``.

A line such as ``1.250kg`` or ``ST,GS,   1.250kg`` or ``G     1.250 kg`` with CR LF. Certain: speed,
command, and that the unit follows the number; the rest differs by model and setting. Nothing in
such a line is typical of a scale, so ``dafan devices detect`` never claims it: name the protocol in
the configuration. A line counts only as a whole from its beginning to CR LF. Rest is derived
(:class:`devices.scales.stability.StabilityFilter`); ``US`` in front still means motion.
"""

import re

from devices.scales.driver import Driver, Poll, Serial
from devices.scales.framing import Take, line_cutter
from devices.scales.reading import Reading, weighed

LONGEST = 40
_LINE = re.compile(
    rb"(?:(ST|US|OL),)?[ ]*(?:(GS|NT|TR|G|N|T|Net|Gross)(?:/W)?[,:]?[ ]*)?"
    rb"([+-]?)[ ]*(\d+(?:\.\d+)?)[ ]*([a-zA-Z]{1,3})[ ]*\r?\n"
)
_OUT = re.compile(rb"[ ]*(?:OL|-+OL-+)\b.*\n")


def parse(line: bytes) -> Reading | None:
    """The reading of one whole line; None for a tare or an empty line."""
    if not line.strip():
        return None
    if _OUT.fullmatch(line):
        return Reading(over=True, raw=line)
    match = _LINE.fullmatch(line)
    if match is None:
        return Reading(error="garbled", raw=line)
    state, kind, sign, number, unit = match.groups()
    if kind in (b"TR", b"T"):
        return None
    if state == b"US":
        return Reading(raw=line)
    value, net = (sign + number).decode(), kind in (b"NT", b"N", b"Net")
    return weighed(value, unit.decode(), line, stable=False, net=net)


def take(unit: str) -> Take:
    """The frame cutter; the lines name their unit, so ``unit`` is not used."""
    del unit
    return line_cutter(LONGEST, parse)


DRIVER = Driver(
    name="adam",
    title="Adam and others: a bare number and unit",
    serial=(Serial(4800), Serial(9600)),
    take=take,
    poll=Poll(b"P\r\n"),
    zero=b"Z\r\n",
    tare=b"T\r\n",
    says_stable=False,
    distinctive=False,
)
