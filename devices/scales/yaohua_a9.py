"""Yaohua (耀华) XK3190-A9 and its relatives, continuous output, 9600 8N1 or slower.

Twelve bytes::

    02 SIGN D5 D4 D3 D2 D1 D0 POINT XORhi XORlo 03

SIGN is ``+`` or ``-``; six digits; POINT (``0`` to ``4``) counts the decimals. The check is the
exclusive or of SIGN to POINT, spelled as two hexadecimal letters. +20.00 is
``02 2B 30 30 32 30 30 30 32 31 42 03``. The frames name no unit and do not tell whether the weight
rests: that is derived (:class:`devices.scales.stability.StabilityFilter`).
"""

import re

from devices.scales.driver import Driver, Serial
from devices.scales.framing import Take, Taken, noise_before, xor
from devices.scales.reading import Reading, weighed

LENGTH = 12
OPENING = re.compile(rb"\x02(?:\Z|[+-])")
_BODY = re.compile(rb"\x02([+-])(\d{6})([0-4])([0-9A-Fa-f]{2})\x03")


def parse(frame: bytes, unit: str) -> Reading:
    """The reading of twelve bytes, never stable by itself."""
    match = _BODY.fullmatch(frame)
    if match is None:
        return Reading(error="garbled", raw=frame)
    sign, digits, point, check = match.groups()
    if int(check, 16) != xor(frame[1:9]):
        return Reading(error="checksum", raw=frame)
    decimals = int(point)
    whole = digits[: 6 - decimals].decode()
    part = digits[6 - decimals :].decode()
    number = f"{sign.decode()}{whole}.{part}" if part else f"{sign.decode()}{whole}"
    return weighed(number, unit, frame, stable=False)


def take(unit: str) -> Take:
    """The frame cutter for an indicator set to ``unit``."""

    def cut(head: bytes, last: bool) -> Taken | None:
        del last
        noise = noise_before(head, OPENING)
        if noise:
            return noise, None
        if len(head) < LENGTH:
            return None
        reading = parse(head[:LENGTH], unit)
        return (1 if reading.error in ("garbled", "checksum") else LENGTH), reading

    return cut


DRIVER = Driver(
    name="yaohua-a9",
    title="Yaohua 耀华 XK3190-A9, continuous",
    serial=(Serial(9600), Serial(4800), Serial(2400), Serial(1200)),
    take=take,
    says_stable=False,
    has_checksum=True,
)
