"""What one frame of a scale said.

The rule of this room: whatever cannot be trusted carries no number. A frame with an error, or from
a scale outside its range, has ``grams`` None, so that no caller can make money of it by mistake.
"""

from dataclasses import dataclass

from dafan.errors import BadInputError
from dafan.units import Grams, to_grams


@dataclass(frozen=True, slots=True)
class Reading:
    """One frame.

    Attributes:
        grams: Whole grams; below zero after a tare without its tray; None where the frame carries
            no weight that may be trusted.
        stable: The scale (or, where it cannot tell, our filter) says that the weight rests.
        net: A tare was taken off.
        over: More than the scale can carry.
        under: Less than the scale can measure.
        negative: Below zero.
        zero: The scale is empty and zeroed.
        error: Why the frame is no weight: ``checksum``, ``garbled``, ``unit``, ``scale``; None if
            it is fine.
        raw: The frame's bytes as they came.

    Raises:
        ValueError: a reading with an error, over or under claims a weight.
    """

    grams: Grams | None = None
    stable: bool = False
    net: bool = False
    over: bool = False
    under: bool = False
    negative: bool = False
    zero: bool = False
    error: str | None = None
    raw: bytes = b""

    def __post_init__(self) -> None:
        if self.grams is not None and (self.error or self.over or self.under):
            raise ValueError("a faulty reading never carries a weight")

    @property
    def billable(self) -> bool:
        """Whether this weight may become money."""
        return (
            self.grams is not None
            and self.grams > 0
            and self.stable
            and not (self.over or self.under or self.negative)
            and self.error is None
        )

    def to_json(self) -> dict[str, object]:
        """The words of ``dafan devices decode``; ``raw`` in hex."""
        return {
            "grams": self.grams,
            "stable": self.stable,
            "net": self.net,
            "over": self.over,
            "under": self.under,
            "negative": self.negative,
            "zero": self.zero,
            "error": self.error,
            "raw": self.raw.hex(),
        }


def weighed(number: str, unit: str, raw: bytes, *, stable: bool, net: bool = False) -> Reading:
    """A reading of a weight as the frame spells it.

    An unknown unit gives an ``unit`` error, an unreadable number ``garbled``; known units are
    converted exactly.
    """
    try:
        to_grams("0", unit)
    except BadInputError:
        return Reading(error="unit", raw=raw)
    try:
        grams = to_grams(number, unit)
    except BadInputError:
        return Reading(error="garbled", raw=raw)
    return Reading(
        grams=grams, stable=stable, net=net, negative=grams < 0, zero=grams == 0, raw=raw
    )
