"""Mettler-Toledo 8217 (also Magellan and other checkout scales), 9600 7E1, polled by ``W``.

====================  ==================================================================
``02 WW.WWW 0D``      weight at rest and in range, in the unit that the scale is set to
``02 WW.WWW 4E 0D``   the same, net (``N``)
``02 3F st 0D``       no weight; ``st`` says why
``02 45 0D`` echo     answer to the echo test ``Ehello``
====================  ==================================================================

Bits of ``st``: 0 motion, 1 over capacity, 2 under zero, 3 outside the zero-capture range, 4 centre
of zero, 5 net, 6 always 1, 7 parity. Bit 6 says nothing: one known program takes it for "bad
command", against the manual. A 7E1 line read as 8N1 carries parity in bit 7 of every byte, so all
bytes are masked with 7F; where a weight shows mixed parity, a bit was lost, and it is refused.
"""

import re

from devices.scales.driver import Driver, Poll, Serial
from devices.scales.framing import Take, Taken, noise_before
from devices.scales.reading import Reading, weighed

LONGEST = 9
_WEIGHT = re.compile(rb"\x02(?=[ \d.]{6}N?\r)( *\d+\.\d{2,3})(N?)\r")
_STATUS = re.compile(rb"\x02\?(.)\r", re.DOTALL)
_STX = re.compile(rb"\x02")
_STRIP = bytes(range(128)) * 2


def parse(frame: bytes, raw: bytes, unit: str) -> Reading | None:
    """The reading of a frame whose bytes are masked to seven bits; None for an echo."""
    weight = _WEIGHT.fullmatch(frame)
    if weight is not None:
        if not _parity_agrees(raw):
            return Reading(error="checksum", raw=raw)
        number, net = weight.groups()
        return weighed(number.decode(), unit, raw, stable=True, net=bool(net))
    status = _STATUS.fullmatch(frame)
    if status is not None:
        return _from_status(status.group(1)[0], raw)
    return None if frame == b"\x02E\r" else Reading(error="garbled", raw=raw)


def _from_status(status: int, raw: bytes) -> Reading:
    under = bool(status & 0x04)
    return Reading(
        stable=not status & 0x01,
        over=bool(status & 0x02),
        under=under,
        negative=under,
        zero=bool(status & 0x10) and not status & 0x0F,
        net=bool(status & 0x20),
        raw=raw,
    )


def _parity_agrees(raw: bytes) -> bool:
    """Whether bit 7 is stripped, always set, or the same parity throughout."""
    top = {byte >> 7 for byte in raw}
    ones = {byte.bit_count() % 2 for byte in raw}
    return len(top) == 1 or len(ones) == 1


def take(unit: str) -> Take:
    """The frame cutter for a scale set to ``unit``: the frames name none."""

    def cut(head: bytes, last: bool) -> Taken | None:
        del last
        masked = head.translate(_STRIP)
        noise = noise_before(masked, _STX)
        if noise:
            return noise, None
        # A status byte is never CR: its bit 6 is always set.
        end = masked.find(b"\r", 1, LONGEST)
        restart = masked.find(b"\x02", 1, LONGEST if end < 0 else end)
        if restart > 0:
            return restart, Reading(error="garbled", raw=head[:restart])
        if end < 0:
            return None if len(head) < LONGEST else (1, Reading(error="garbled", raw=head[:1]))
        used = end + 1
        return used, parse(masked[:used], head[:used], unit)

    return cut


DRIVER = Driver(
    name="toledo-8217",
    title="Mettler-Toledo 8217",
    serial=(Serial(9600, 7, "E"),),
    take=take,
    poll=Poll(b"W"),
    zero=b"Z",
    tare=b"T",
)
