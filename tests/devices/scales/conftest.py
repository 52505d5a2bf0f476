"""A wait for threads without guessed sleeps."""

import time
from collections.abc import Callable

import pytest


def _wait_until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.005)


@pytest.fixture
def wait_until() -> Callable[..., None]:
    return _wait_until
