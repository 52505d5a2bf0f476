"""What the port, the sniffer and the simulator need to know about a protocol."""

from collections.abc import Callable
from dataclasses import dataclass

from devices.scales.framing import FrameDecoder, Take


@dataclass(frozen=True, slots=True)
class Serial:
    """Line settings: baud, data bits, parity letter, stop bits."""

    baud: int = 9600
    bits: int = 8
    parity: str = "N"
    stop: int = 1

    def __str__(self) -> str:
        return f"{self.baud} {self.bits}{self.parity}{self.stop}"


@dataclass(frozen=True, slots=True)
class Poll:
    """How to ask for a weight: ``request``, and after the scale's ``acknowledge``, ``then``.

    A scale that answers ``refuse`` is asked ``why``.
    """

    request: bytes
    interval_s: float = 0.2
    acknowledge: bytes = b""
    then: bytes = b""
    refuse: bytes = b""
    why: bytes = b""

    def reply(self, heard: bytes) -> bytes:
        """What to send back to these bytes; nothing if they ask for nothing."""
        if self.acknowledge and self.acknowledge in heard:
            return self.then
        return self.why if self.refuse and self.refuse in heard else b""


@dataclass(frozen=True, slots=True)
class Driver:
    """One protocol.

    Attributes:
        name: The word in the configuration.
        title: Makers and formats, for people.
        serial: Line settings seen in the field, the usual one first.
        take: Makes the frame cutter for the unit to assume where frames name none.
        poll: How to ask; None for scales that talk by themselves.
        zero: Bytes that zero the scale, if it can be told so.
        tare: Bytes that take the tare.
        says_stable: Frames tell whether the weight rests.
        has_checksum: Frames carry a block check.
        distinctive: Nothing but such a scale sends such frames, so that they prove one.
    """

    name: str
    title: str
    serial: tuple[Serial, ...]
    take: Callable[[str], Take]
    poll: Poll | None = None
    zero: bytes | None = None
    tare: bytes | None = None
    says_stable: bool = True
    has_checksum: bool = False
    distinctive: bool = True

    def decoder(self, unit: str = "kg") -> FrameDecoder:
        """A fresh decoder; ``unit`` is assumed where a frame names none."""
        return FrameDecoder(self.take(unit))
