r"""Epelsa scales that talk by themselves, 9600 8N1.

=======================  ========================================================================
``1B E S PP.PPP 0D 0A``  extended: E ``S`` at rest or ``U`` in motion, S blank, ``+`` or ``-``
``02 E weight 0D 03``    auto: E ``A`` at rest, ``!`` in motion, ``I`` the first weight
=======================  ========================================================================

The frames name no unit and carry no block check. Certain: both shapes, as programs in the field
read them. Not certain: what ``I`` promises, so it is not at rest, and whether a scale says that it
is over or under: a field that is no number is no weight.
"""

import re

from devices.scales.driver import Driver, Serial
from devices.scales.framing import Take, Taken, noise_before
from devices.scales.reading import Reading, weighed

LONGEST = 14
OPENING = re.compile(rb"\x1b(?:\Z|[SU])|\x02(?:\Z|[AI!])")
_END = re.compile(rb"\r[\n\x03]")
_EXTENDED = re.compile(rb"\x1b([SU])([ +-])([ \d]\d\.\d{3})\r\n")
_AUTO = re.compile(rb"\x02([AI!])[ ]*([+-]?)[ ]*(\d{1,3}\.\d{3})\r\x03")


def parse(frame: bytes, unit: str) -> Reading:
    """The reading of a frame of either shape, in ``unit``."""
    match = _EXTENDED.fullmatch(frame) or _AUTO.fullmatch(frame)
    if match is None:
        return Reading(error="garbled", raw=frame)
    state, sign, number = match.groups()
    value = (sign.strip() + number.strip()).decode()
    return weighed(value, unit, frame, stable=state in (b"S", b"A"))


def take(unit: str) -> Take:
    """The frame cutter for a scale set to ``unit``: the frames name none."""

    def cut(head: bytes, last: bool) -> Taken | None:
        del last
        noise = noise_before(head, OPENING)
        if noise:
            return noise, None
        end = _END.search(head[:LONGEST])
        if end is None:
            short = len(head) < LONGEST
            return None if short else (1, Reading(error="garbled", raw=head[:LONGEST]))
        reading = parse(head[: end.end()], unit)
        return (1 if reading.error == "garbled" else end.end()), reading

    return cut


DRIVER = Driver(
    name="epelsa",
    title="Epelsa, extended and auto",
    serial=(Serial(9600),),
    take=take,
)
