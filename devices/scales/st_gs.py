r"""The ``ST,GS,+00012.3kg`` family: A&D, CAS indicators, and most Chinese and Taiwan indicators.

===============================  ==========================================================
``ST,GS,+00012.3kg\r\n``         A&D indicator, 18 bytes; clones send 17 or 18
``ST,+00123.45  g\r\n``          A&D balance, 15 characters and CR LF
``OL,+9999999E+19\r\n``          the same, overload
``ST,GS,IL,########_kg\r\n``     CAS, 22 bytes: I device number, L lamps, eight digits, unit
===============================  ==========================================================

Headers: ``ST`` at rest, ``US`` in motion, ``OL`` over (under, with a minus), ``LO`` under, ``QT``
pieces, which are no weight. ``GS`` gross, ``NT`` net, ``TR`` the tare itself, which is no load.
The CAS lamps are a binary byte (bit 7 set, 6 at rest, 4 hold, 1 tare, 0 zero), device numbers may
be any byte as well: such frames are cut by length, not at commas or line ends. A held weight is
not the weight on the scale, so it is not stable. Sources: CAS CI-400 owner's manual, appendix 1;
A&D FX-i manual, "data format".
"""

import re

from devices.scales.driver import Driver, Serial
from devices.scales.framing import Take, Taken, noise_before
from devices.scales.reading import Reading, weighed

LONGEST = 24
CAS_LENGTH = 22
OPENING = re.compile(rb"[SUOLQ]\Z|(?:ST|US|OL|LO|QT)(?:\Z|,)")
_LINE = re.compile(
    rb"(ST|US|QT),(?:(GS|NT|TR),)?[ ]*([+-]?)[ ]*(\d+(?:\.\d+)?)[ ]*([^\s\d.,+-]{0,4})[ ]*\r\n"
)
_DATA = re.compile(rb"[ ]*([+-]?)[ ]*(\d+(?:\.\d+)?)[ ]*")
_RANGE = re.compile(rb"(OL|LO),.*\r\n")


def parse_line(line: bytes) -> Reading | None:
    """The reading of a text line from its header to CR LF; None for a tare."""
    out = _RANGE.fullmatch(line)
    if out is not None:
        return _out_of_range(line, low=out.group(1) == b"LO" or b",-" in line)
    match = _LINE.fullmatch(line)
    if match is None or not 14 <= len(line) <= 20:
        return Reading(error="garbled", raw=line)
    header, kind, sign, number, unit = match.groups()
    if kind == b"TR":
        return None
    if header == b"QT":
        return Reading(error="unit", raw=line)
    text = unit.decode("gb18030", "replace")
    value = (sign + number).decode()
    return weighed(value, text, line, stable=header == b"ST", net=kind == b"NT")


def parse_cas(frame: bytes) -> Reading:
    """The reading of a CAS frame of 22 bytes."""
    header, kind, lamps, data = frame[:2], frame[3:5], frame[7], frame[9:17]
    match = _DATA.fullmatch(data)
    whole = frame[17:18] == b" " and frame[20:] == b"\r\n"
    if not whole or header not in (b"ST", b"US", b"OL"):
        return Reading(error="garbled", raw=frame)
    if header == b"OL":
        return _out_of_range(frame, low=data.lstrip().startswith(b"-"))
    if match is None:
        return Reading(error="garbled", raw=frame)
    stable = header == b"ST" and bool(lamps & 0x40) and not lamps & 0x10
    value = b"".join(match.groups()).decode()
    unit = frame[18:20].decode("gb18030", "replace")
    return weighed(value, unit, frame, stable=stable, net=kind == b"NT" or bool(lamps & 0x02))


def _out_of_range(raw: bytes, *, low: bool) -> Reading:
    return Reading(over=not low, under=low, raw=raw)


def _is_cas(head: bytes) -> bool:
    """Whether nine bytes begin a CAS frame: nothing else has its fourth comma there."""
    return head[5:6] == b"," and head[8:9] == b"," and head[3:5] in (b"GS", b"NT")


def take(unit: str) -> Take:
    """The frame cutter; these frames name their unit, so ``unit`` is not used."""
    del unit

    def cut(head: bytes, last: bool) -> Taken | None:
        del last
        noise = noise_before(head, OPENING)
        if noise:
            return noise, None
        if len(head) < 9:
            return None
        if _is_cas(head):
            if len(head) < CAS_LENGTH:
                return None
            reading = parse_cas(head[:CAS_LENGTH])
            return (1 if reading.error == "garbled" else CAS_LENGTH), reading
        return _cut_line(head)

    return cut


def _cut_line(head: bytes) -> Taken | None:
    end = head.find(b"\n", 0, LONGEST)
    if end < 0:
        return None if len(head) < LONGEST else (1, Reading(error="garbled", raw=head[:LONGEST]))
    reading = parse_line(head[: end + 1])
    damaged = reading is not None and reading.error == "garbled"
    return (1 if damaged else end + 1), reading


DRIVER = Driver(
    name="st-gs",
    title="A&D, CAS 22 bytes and clones: ST,GS,+00012.3kg",
    serial=(Serial(9600), Serial(2400, 7, "E"), Serial(4800), Serial(2400), Serial(1200)),
    take=take,
    zero=b"Z\r\n",
    tare=b"T\r\n",
)
