r"""Dialog 06 (checkout scales of Mettler, Bizerba and others), 9600 7O1, polled with a price.

===================================================  =====================================
``04 02 "01" 1B price 1B 03``                        the till gives a price in six digits
``06`` or ``15``                                     taken or not
``04 05``                                            the till asks
``02 "02" 1B "3" 1B weight 1B price 1B amount 03``   five, six and six digits; or ``15``
``04 02 "08" 03``                                    after ``15`` the till asks why
``02 "09" 1B S1 S2 03``                              this is why
===================================================  =====================================

The frames carry no check of their own, so we give the scale :data:`PRICE`, 10.00 a kilogram: the
amount then spells the weight in grams a second time. A record with another price, or in which the
two differ, is refused. (Our till charges its own prices; the scale's display shows this one.)

S1 S2: ``20`` in motion, ``21`` not moved since the last weighing, ``22`` not finished, ``30`` less
than the least weight, ``31`` below zero, ``32`` over; others are faults. ``30`` is told as nothing
on the scale: no such weight may be sold. ``21`` is no weight: which one it means, only the scale
knows. Certain: the records and the codes. Not certain: the field in front of the weight, so only
``3`` passes. Scales that demand the maker's secret checksum (records 10 and 11) are not served.
"""

import re
from dataclasses import replace

from dafan.units import Grams
from devices.scales.driver import Driver, Poll, Serial
from devices.scales.framing import Take, frame_cutter
from devices.scales.reading import Reading, weighed

LONGEST = 34
PRICE = b"001000"
_WEIGHT = re.compile(rb"\x0202\x1b(\d)\x1b(\d{5})\x1b(\d{6})\x1b(\d{6})\x03")
_STATUS = re.compile(rb"\x0209\x1b(\d\d)\x03")
_WHY = {
    b"20": Reading(),
    b"21": Reading(),
    b"22": Reading(),
    b"30": Reading(grams=Grams(0), stable=True),
    b"31": Reading(under=True, negative=True),
    b"32": Reading(over=True),
}


def parse(frame: bytes) -> Reading:
    """The reading of a record from STX to ETX."""
    status = _STATUS.fullmatch(frame)
    if status is not None:
        why = _WHY.get(status.group(1))
        return replace(why or Reading(error="scale"), raw=frame)
    match = _WEIGHT.fullmatch(frame)
    if match is None:
        return Reading(error="garbled", raw=frame)
    kind, grams, price, amount = match.groups()
    if price != PRICE or int(amount) != int(grams):
        return Reading(error="checksum", raw=frame)
    if kind != b"3":
        return Reading(error="scale", raw=frame)
    return weighed(grams.decode(), "g", frame, stable=True)


def take(unit: str) -> Take:
    """The frame cutter; the weight is in grams, so ``unit`` is not used."""
    del unit
    return frame_cutter(b"\x02", b"\x03", LONGEST, parse)


DRIVER = Driver(
    name="dialog06",
    title="Dialog 06 checkout scales, without the secret checksum",
    serial=(Serial(9600, 7, "O"), Serial(9600, 7, "E")),
    take=take,
    poll=Poll(
        b"\x04\x0201\x1b" + PRICE + b"\x1b\x03",
        acknowledge=b"\x06",
        then=b"\x04\x05",
        refuse=b"\x15",
        why=b"\x04\x0208\x03",
    ),
    has_checksum=True,
)
