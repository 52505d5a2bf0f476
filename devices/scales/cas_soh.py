"""CAS with the SOH frame (PD-II type 6, PR-II, SW-II), 9600 8N1, polled.

The till sends ENQ ``05``, the scale answers ACK ``06``; the till sends DC1 ``11``, the scale sends
15 bytes::

    01 02 STA SIGN W5 W4 W3 W2 W1 W0 U U BCC 03 04

STA is ``S`` (at rest) or ``U``. SIGN is blank, ``-``, or ``F`` for overload, when the digits are
``F`` too. The weight is six characters, with a point (``01.250``) or as thousandths (``001250``).
BCC is the exclusive or of STA to the second unit letter. Clones leave SOH ``01`` out.
"""

import re

from devices.scales.driver import Driver, Poll, Serial
from devices.scales.framing import Take, Taken, noise_before, xor
from devices.scales.reading import Reading, weighed

LENGTH = 14
OPENING = re.compile(rb"\x01?\x02(?:\Z|[SU])|\x01\Z")
ASK = Poll(request=b"\x05", acknowledge=b"\x06", then=b"\x11")
_NUMBER = re.compile(rb" *\d+(?:\.\d+)?")
_THOUSANDTHS = re.compile(rb" *\d+")


def weight_of(body: bytes, raw: bytes, *, stable: bool) -> Reading:
    """The reading of ``SIGN W6 U2``, nine bytes that CAS and Aclas share.

    Six digits without a point are thousandths of a kilogram or pound. Of a smaller unit they could
    mean either, so that is refused as a unit that we do not know.
    """
    sign, number, unit = body[:1], body[1:7], body[7:9].decode("gb18030", "replace").strip()
    if sign == b"F" or number == b"FFFFFF":
        return Reading(over=True, raw=raw)
    if sign not in (b" ", b"-", b"+") or not _NUMBER.fullmatch(number):
        return Reading(error="garbled", raw=raw)
    text = number.decode().strip()
    if _THOUSANDTHS.fullmatch(number):
        if unit.lower() not in ("kg", "lb"):
            return Reading(error="unit", raw=raw)
        text = f"{text.zfill(4)[:-3]}.{text.zfill(4)[-3:]}"
    return weighed(sign.decode().strip() + text, unit, raw, stable=stable)


def _parse(frame: bytes, raw: bytes) -> Reading:
    """The reading of the fourteen bytes from STX to EOT."""
    if frame[12:] != b"\x03\x04":
        return Reading(error="garbled", raw=raw)
    if frame[11] != xor(frame[1:11]):
        return Reading(error="checksum", raw=raw)
    return weight_of(frame[2:11], raw, stable=frame[1:2] == b"S")


def take(unit: str) -> Take:
    """The frame cutter; CAS frames name their unit, so ``unit`` is not used."""
    del unit

    def cut(head: bytes, last: bool) -> Taken | None:
        del last
        noise = noise_before(head, OPENING)
        if noise:
            return noise, None
        soh = head[0] == 0x01
        frame = head[soh : soh + LENGTH]
        if len(frame) < LENGTH:
            return None
        raw = head[: soh + LENGTH]
        reading = _parse(frame, raw)
        damaged = reading.error in ("garbled", "checksum")
        return (soh + 1 if damaged else len(raw)), reading

    return cut


DRIVER = Driver(
    name="cas-soh",
    title="CAS PD-II type 6, PR-II, SW-II (SOH frame)",
    serial=(Serial(9600),),
    take=take,
    poll=ASK,
    has_checksum=True,
)
