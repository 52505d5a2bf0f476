"""Virtual time and seeded ids: one place from which all that is uncertain in the product comes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import pytest
import uuid_utils.compat

START = datetime(2026, 3, 2, 3, 30, tzinfo=UTC)
"""11:30 in Shanghai, a Monday: lunch."""


class Time:
    """How long the world has lasted, in seconds; it moves only when told."""

    def __init__(self) -> None:
        self.elapsed = 0.0

    def pass_by(self, seconds: float) -> None:
        """Let time pass for everybody."""
        self.elapsed += seconds


class MachineClock:
    """The clock of one machine: it runs with the world, but may be set wrong, and jump."""

    def __init__(self, time: Time) -> None:
        self._time = time
        self.wrong = timedelta()

    def now(self) -> datetime:
        """Aware UTC, as this machine believes."""
        return START + timedelta(seconds=self._time.elapsed) + self.wrong

    def monotonic(self) -> float:
        """Seconds since the world began."""
        return self._time.elapsed

    def jump(self, seconds: float) -> None:
        """Set the wall clock without time passing."""
        self.wrong += timedelta(seconds=seconds)


class Chance:
    """UUIDs and random bytes, drawn from the seed; the time in an id is its machine's."""

    def __init__(self) -> None:
        self.rng = Random(0)
        self.clock = MachineClock(Time())
        self._last = 0

    def begin(self, seed: str, clock: MachineClock) -> None:
        """A new world."""
        self.rng = Random(seed)
        self.clock = clock
        self._last = 0

    def uuid7(self) -> UUID:
        """As ``uuid_utils.compat.uuid7``: rising within one machine's millisecond."""
        made = int(self.clock.now().timestamp() * 1000) << 80
        made |= 7 << 76 | 2 << 62 | self.rng.getrandbits(62) | self.rng.getrandbits(12) << 64
        return UUID(int=made)

    def bytes(self, size: int) -> bytes:
        """As ``os.urandom``."""
        return self.rng.randbytes(size)


@contextmanager
def chance() -> Iterator[Chance]:
    """Draw ids, nonces and keys from the seed while the block runs."""
    made = Chance()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(uuid_utils.compat, "uuid7", made.uuid7)
        patch.setattr(os, "urandom", made.bytes)
        yield made
