"""Thermometers: bytes of a serial line or of an MQTT payload in, readings out."""

import json
import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from dafan.errors import BadInputError
from dafan.units import COLDEST, HOTTEST

MAX_LINE = 200
"""A line of a probe is shorter; more without an end is noise."""
MAX_NAME = 40
"""Of a probe, as a cabinet can name it."""
MAX_PAYLOAD = 4000
"""Bridges tell battery, signal and humidity in the same message."""


@dataclass(frozen=True, slots=True)
class ProbeReading:
    """What a line says: which probe, how many tenths of a degree."""

    probe: str
    tenths: int


SERIAL_LINE = r"(?P<id>[A-Za-z0-9_-]{1,40})\s+(?P<celsius>[+-]?\d{1,4}(\.\d{1,3})?)\s*C?"
"""Such as ``T1 +04.3C``."""


class SerialProbe:
    """Lines of text from a serial port, ended by CR, LF or both.

    Args:
        pattern: A regular expression for a whole line with the groups ``id`` and ``celsius``.

    Raises:
        BadInputError: the pattern cannot be read, or a group is missing.
    """

    def __init__(self, pattern: str = SERIAL_LINE) -> None:
        try:
            self._pattern = re.compile(pattern)
        except re.error as error:
            raise BadInputError(f"the pattern of the probe cannot be read: {error}") from error
        if not {"id", "celsius"} <= set(self._pattern.groupindex):
            raise BadInputError("the pattern of a probe names the groups id and celsius")
        self._rest = b""

    def feed(self, data: bytes) -> list[ProbeReading]:
        """Readings of all lines that are whole by now."""
        *lines, self._rest = re.split(rb"[\r\n]", self._rest + data)
        self._rest = self._rest[-MAX_LINE:]
        matches = (
            self._pattern.fullmatch(line.decode("ascii", "replace").strip())
            for line in lines
            if len(line) <= MAX_LINE
        )
        read = (_reading(match["id"], match["celsius"]) for match in matches if match)
        return [reading for reading in read if reading is not None]


class MqttProbe:
    """Payloads of a topic: ``{"id": "T1", "celsius": 4.3}``, or a plain number.

    Args:
        name: The probe of this topic, where the payload names none.
        field: What the temperature is called in a JSON payload.
    """

    def __init__(self, name: str, field: str = "celsius") -> None:
        self._name = name
        self._field = field

    def feed(self, data: bytes) -> list[ProbeReading]:
        """The reading of one payload; a payload is always whole."""
        if len(data) > MAX_PAYLOAD:
            return []
        try:
            said: Any = json.loads(data, parse_float=Decimal, parse_int=Decimal)
        except (ValueError, RecursionError):
            return []
        if isinstance(said, dict):
            reading = _reading(str(said.get("id") or self._name), said.get(self._field))
        else:
            reading = _reading(self._name, said)
        return [] if reading is None else [reading]


def _reading(probe: object, celsius: object) -> ProbeReading | None:
    if not isinstance(probe, str) or not isinstance(celsius, str | Decimal):
        return None
    if not 1 <= len(probe) <= MAX_NAME or not probe.isprintable():
        return None
    try:
        tenths = Decimal(celsius) * 10
        if not COLDEST <= tenths <= HOTTEST:
            return None
    except ArithmeticError:  # no number, or one of a million digits
        return None
    return ProbeReading(probe, int(tenths.quantize(Decimal(1), ROUND_HALF_UP)))
