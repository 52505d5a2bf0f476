"""A lab for each module: the application and the site, on simulated disks."""

from collections.abc import Iterator
from typing import Any

import pytest

from dafan.cli import load_simulation

load_simulation()


@pytest.fixture(scope="module")
def lab() -> Iterator[Any]:
    from simulation.lab import open_lab

    with open_lab() as made:
        yield made
