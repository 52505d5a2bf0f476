"""Aclas / Pinnacle (顶尖) OS2, 9600 8N1.

Active, about ten times a second, 16 bytes; passive, asked by ``05`` (``06``) ``11``, the same
without the last byte::

    01 02 STA SIGN W5 W4 W3 W2 W1 W0 U U BCC 03 04 [FLAG2]

STA: ``S`` at rest, ``U`` in motion, ``F`` out of range or never zeroed. FLAG2: bit 4 zero, bit 5
tare, bit 6 out of range. The maker words BCC as "XOR of the 12 bytes in front", bytes 0 to 11; the
CAS manner, from STA on, differs from it by 03. Both are taken, and the log names the one seen.
Commands: tare ``3C 54 4B 3E 09``, zero ``3C 5A 4B 3E 09``, passive ``3C 41 4C 3E 09``, active
``3C 50 42 3E 09``.
"""

import logging
import re
from dataclasses import replace

from devices.scales.cas_soh import ASK, weight_of
from devices.scales.driver import Driver, Serial
from devices.scales.framing import Take, Taken, noise_before, xor
from devices.scales.reading import Reading

LENGTH = 15
OPENING = re.compile(rb"\x01(?:\Z|\x02(?:\Z|[SUF]))")
BCC_MANUAL = "bytes 0 to 11, as the manual says"
BCC_CAS = "from STA on, as CAS does"
_log = logging.getLogger(__name__)


def bcc_kind(frame: bytes) -> str | None:
    """Which of the two block checks a frame of 15 bytes carries; None for none, or no frame end."""
    if frame[13:] != b"\x03\x04":
        return None
    if frame[12] == xor(frame[:12]):
        return BCC_MANUAL
    return BCC_CAS if frame[12] == xor(frame[2:12]) else None


def _parse(frame: bytes, flag2: int | None, raw: bytes) -> Reading:
    """The reading of a checked frame with its FLAG2, if it came."""
    if frame[2:3] == b"F" or (flag2 is not None and flag2 & 0x40):
        below = frame[3:4] == b"-"
        return Reading(over=not below, under=below, raw=raw)
    reading = weight_of(frame[3:12], raw, stable=frame[2:3] == b"S")
    if flag2 is None or reading.grams is None:
        return reading
    return replace(reading, net=bool(flag2 & 0x20), zero=reading.zero or bool(flag2 & 0x10))


def take(unit: str) -> Take:
    """The frame cutter; the frames name their unit, so ``unit`` is not used."""
    del unit
    logged: set[str] = set()

    def cut(head: bytes, last: bool) -> Taken | None:
        noise = noise_before(head, OPENING)
        if noise:
            return noise, None
        if len(head) < LENGTH:
            return None
        frame = head[:LENGTH]
        kind = bcc_kind(frame)
        if kind is None:
            whole = frame[13:] == b"\x03\x04"
            return 1, Reading(error="checksum" if whole else "garbled", raw=frame)
        if len(head) == LENGTH and not last:
            return None
        if kind not in logged:
            logged.add(kind)
            _log.info("this OS2 scale computes its block check %s", kind)
        # The next frame (01) or the next acknowledgement (06) shows that no FLAG2 came.
        if len(head) == LENGTH or head[LENGTH] in (0x01, 0x06):
            return LENGTH, _parse(frame, None, frame)
        raw = head[: LENGTH + 1]
        return LENGTH + 1, _parse(frame, raw[LENGTH], raw)

    return cut


DRIVER = Driver(
    name="aclas-os2",
    title="Aclas / Pinnacle 顶尖 OS2, sending by itself",
    serial=(Serial(9600),),
    take=take,
    zero=b"\x3c\x5a\x4b\x3e\x09",
    tare=b"\x3c\x54\x4b\x3e\x09",
    has_checksum=True,
)

PASSIVE = Driver(
    name="aclas-os2-passive",
    title="Aclas / Pinnacle 顶尖 OS2, answering",
    serial=(Serial(9600),),
    take=take,
    poll=ASK,
    zero=DRIVER.zero,
    tare=DRIVER.tare,
    has_checksum=True,
)
