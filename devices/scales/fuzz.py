"""Dirt for the drivers: half of it noise, half of it good frames spoilt, and a judge who looks on.

A seed makes every byte repeatable. A driver fails where it gives a weight above zero that
:mod:`devices.scales.judge` does not find in the very bytes that the driver names.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from devices.scales.driver import Driver
from devices.scales.judge import carried
from devices.scales.reading import Reading
from devices.scales.simulated import MODELS, Load, Model

TAIL = 128
"""Bytes of the past in which a frame may have begun; no frame is longer than 64."""
PIECE = 2048


@dataclass(slots=True)
class Outcome:
    """What became of a stream.

    Attributes:
        protocol: Whose driver.
        amount: Bytes that it was given.
        readings: How many readings it gave.
        weights: Those with a weight above zero.
        billable: Those that said on their own that the weight rests.
        errors: Damaged frames that it named.
        wrong: Weights that no valid frame carried, at most ten: the bytes in hex and the grams.
        found_wrong: How many there were.
    """

    protocol: str
    amount: int = 0
    readings: int = 0
    weights: int = 0
    billable: int = 0
    errors: int = 0
    found_wrong: int = 0
    wrong: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {name: getattr(self, name) for name in self.__slots__}

    def note(self, readings: list[Reading], seen: bytes) -> None:
        """Count readings, and hold each weight against the bytes it came from."""
        for reading in readings:
            self.readings += 1
            self.errors += reading.error is not None
            if reading.grams is None or reading.grams <= 0:
                continue
            self.weights += 1
            self.billable += reading.billable
            frame = carried(self.protocol, reading.raw)
            honest = (
                frame is not None
                and frame.grams == reading.grams
                and (frame.rests or not reading.stable)
                and reading.raw in seen
            )
            if not honest:
                self.found_wrong += 1
                self.wrong = [*self.wrong, f"{reading.raw.hex()} {reading.grams}"][:10]


def fuzz(driver: Driver, amount: int, seed: int) -> Outcome:
    """Feed a driver so many bytes of dirt.

    Args:
        driver: One that :data:`devices.scales.simulated.MODELS` can play.
        amount: Bytes.
        seed: Makes them repeatable.
    """
    outcome = Outcome(driver.name)
    decoder = driver.decoder()
    tail = b""
    for piece in dirt(MODELS[driver.name], amount, seed):
        seen = tail + piece
        outcome.amount += len(piece)
        outcome.note(decoder.feed(piece), seen)
        if outcome.amount % 7 == 0:
            outcome.note(decoder.flush(), seen)
        tail = seen[-TAIL:]
    outcome.note(decoder.flush(), tail)
    return outcome


def dirt(model: Model, amount: int, seed: int) -> Iterator[bytes]:
    """Pieces of noise and of spoilt frames, ``amount`` bytes together, half and half."""
    rng = random.Random(seed)  # noqa: S311 - repeatable dirt, not a secret
    alphabet = b"".join(model.frame(_load(rng)) for _ in range(40))
    left = amount
    while left > 0:
        size = min(left, PIECE)
        half = size // 2
        noise = rng.randbytes(half)
        if rng.random() < 0.5:
            noise = bytes(rng.choices(alphabet, k=half))
        frames = bytearray()
        while len(frames) < size - half:
            frames += spoil(model, rng)
        parts = [noise, bytes(frames[: size - half])]
        rng.shuffle(parts)
        yield from _cut(b"".join(parts), rng)
        left -= size


def spoil(model: Model, rng: random.Random) -> bytes:
    """A good frame with something done to it, or, one time in five, with nothing."""
    frame = model.frame(_load(rng)) or b"\x02"
    at, also = rng.randrange(len(frame)), rng.randrange(len(frame))
    spoilt: tuple[Callable[[], bytes], ...] = (
        lambda: _flip(frame, at, rng),
        lambda: _flip(_flip(frame, at, rng), also, rng),
        lambda: frame[:at],
        lambda: frame[at:],
        lambda: frame[:at] + frame[at + 1 :],
        lambda: frame[:at] + frame[at : at + 1] + frame[at:],
        lambda: frame[:at] + rng.randbytes(rng.randrange(1, 4)) + frame[at:],
        lambda: frame[:at] + model.frame(_load(rng))[at:],
        lambda: frame[:at] + model.frame(_load(rng)),
        lambda: model.corrupt(frame) if len(frame) > (model.check_at or 0) else frame,
        lambda: frame,
        lambda: frame,
    )
    return rng.choice(spoilt)()


def _flip(frame: bytes, at: int, rng: random.Random) -> bytes:
    return frame[:at] + bytes((frame[at] ^ 1 << rng.randrange(8),)) + frame[at + 1 :]


def _load(rng: random.Random) -> Load:
    return Load(
        grams=rng.choice((0, rng.randrange(-500, 20_000), rng.randrange(1, 2_000))),
        tare=rng.choice((0, 0, 0, 350)),
        stable=rng.random() < 0.7,
        over=rng.random() < 0.05,
    )


def _cut(data: bytes, rng: random.Random) -> Iterator[bytes]:
    """The bytes as a serial line hands them over: in pieces of any size."""
    start = 0
    while start < len(data):
        end = start + rng.choice((1, 3, 17, 64, 1024))
        yield data[start:end]
        start = end
