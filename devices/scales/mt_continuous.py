r"""Mettler-Toledo continuous output (托利多连续), sent by itself, 9600 and slower.

Seventeen bytes, and one more where the indicator is set to send its check::

    02 SWA SWB SWC W5 W4 W3 W2 W1 W0 T5 T4 T3 T2 T1 T0 0D [CHK]

===  ==========================================================================================
SWA  bits 0-2: ``000`` x100, ``001`` x10, ``010`` whole, ``011`` one decimal … ``111`` five;
     bits 3-4: step 1, 2, 5 as ``01``, ``10``, ``11``; bit 5: 1
SWB  bit 0 net, 1 negative, 2 out of range, 3 motion, 4 kilograms (else pounds), 5: 1,
     6 not zeroed since it was switched on
SWC  bits 0-2: ``000`` the unit of SWB, ``001`` grams, others units of other trades; bit 3 print,
     bit 4 ten times finer than the display, 5: 1, 6 tare by hand
===  ==========================================================================================

W is the weight and T the tare, digits without a point, blanks in front. CHK is the two's
complement of the sum from STX to CR, seven bits. 1.250 kg at rest is
``02 2D 30 20 20 20 31 32 35 30 20 20 20 20 20 30 0D 1C``.

Certain: the frame, the check, SWB, and SWA's decimals on the maker's own indicators. Clones fill
SWA in other ways: one whose bits 3-5 break the table is refused, because its decimals may mean
something else too. Weights that are finer than the display are not for trade: refused.
"""

import re

from devices.scales.driver import Driver, Serial
from devices.scales.framing import Take, Taken, noise_before
from devices.scales.reading import Reading, weighed

LENGTH = 17
OPENING = re.compile(rb"\x02(?:\Z|[\x20-\x7f])")
_BODY = re.compile(
    rb"\x02[\x20-\x7f]{3}(?=[ \d]{12}\r)([ ]{0,5}\d{1,6})(?<=\x02.{9})[ ]{0,6}\d{0,6}\r"
)
_BLANK = re.compile(rb"\x02[\x20-\x7f]{3}[ \d]{12}\r")
_LINES = (Serial(9600), Serial(9600, 7, "E"), Serial(4800, 7, "E"), Serial(2400, 7, "E"))


def check_of(frame: bytes) -> int:
    """The check of the bytes from STX to CR: seven bits."""
    return -sum(byte & 0x7F for byte in frame) & 0x7F


def parse(frame: bytes, raw: bytes) -> Reading:
    """The reading of seventeen bytes; ``raw`` may hold the check as well."""
    match = _BODY.fullmatch(frame)
    if match is None and _BLANK.fullmatch(frame) is None:
        return Reading(error="garbled", raw=raw)
    swa, swb, swc = frame[1:4]
    if not (swa & 0x20 and swb & 0x20 and swc & 0x20 and swa & 0x18):
        return Reading(error="garbled", raw=raw)
    withheld = _withheld(swb, swc, raw)
    if withheld is not None or match is None:
        return withheld or Reading(error="garbled", raw=raw)
    number = _with_point(match.group(1).strip().decode(), swa & 0x07)
    unit = "g" if swc & 0x07 else "kg" if swb & 0x10 else "lb"
    sign = "-" if swb & 0x02 else ""
    return weighed(sign + number, unit, raw, stable=not swb & 0x08, net=bool(swb & 0x01))


def _withheld(swb: int, swc: int, raw: bytes) -> Reading | None:
    """Why the status bytes forbid to use the weight, if they do."""
    if swb & 0x04:
        return Reading(over=not swb & 0x02, under=bool(swb & 0x02), raw=raw)
    if swb & 0x40:
        return Reading(error="scale", raw=raw)
    if swc & 0x07 > 1 or swc & 0x10:
        return Reading(error="unit", raw=raw)
    return None


def _with_point(digits: str, code: int) -> str:
    """The number that digits without a point and SWA's bits 0 to 2 spell."""
    if code < 2:
        return digits + "0" * (2 - code)
    decimals = code - 2
    digits = digits.zfill(decimals + 1)
    return f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits


def take(unit: str) -> Take:
    """The cutter of frames with their check; they name their unit, so ``unit`` is not used."""
    del unit

    def cut(head: bytes, last: bool) -> Taken | None:
        del last
        noise = noise_before(head, OPENING)
        if noise:
            return noise, None
        if len(head) <= LENGTH:
            return None
        raw = head[: LENGTH + 1]
        if head[LENGTH - 1 : LENGTH] != b"\r":
            return 1, Reading(error="garbled", raw=raw)
        if head[LENGTH] != check_of(head[:LENGTH]):
            return 1, Reading(error="checksum", raw=raw)
        reading = parse(head[:LENGTH], raw)
        return (1 if reading.error == "garbled" else LENGTH + 1), reading

    return cut


def take_plain(unit: str) -> Take:
    """The cutter of frames without a check: the next one follows at once, or nothing does."""
    del unit

    def cut(head: bytes, last: bool) -> Taken | None:
        noise = noise_before(head, OPENING)
        if noise:
            return noise, None
        if len(head) < LENGTH or (len(head) == LENGTH and not last):
            return None
        frame = head[:LENGTH]
        if head[LENGTH : LENGTH + 1] not in (b"", b"\x02"):
            return 1, Reading(error="garbled", raw=frame)
        reading = parse(frame, frame)
        return (1 if reading.error == "garbled" else LENGTH), reading

    return cut


DRIVER = Driver(
    name="mt-continuous",
    title="Mettler-Toledo 托利多 continuous, 18 bytes with check",
    serial=_LINES,
    take=take,
    zero=b"Z",
    tare=b"T",
    has_checksum=True,
)

PLAIN = Driver(
    name="mt-continuous-17",
    title="Mettler-Toledo 托利多 continuous, 17 bytes without check",
    serial=_LINES,
    take=take_plain,
    zero=b"Z",
    tare=b"T",
)
