"""Known bugs, put back on purpose, are found."""

import pytest

from simulation.lab import Lab
from simulation.planted import PLANTS
from simulation.runner import find

WITHIN = {
    "acknowledged-before-commit": 60,
    "feed-by-a-sequence": 10,
    "fork-taken-for-a-repetition": 100,
    "lost-fsync": 60,
    "mark-in-a-transaction-of-its-own": 100,
    "new-id-on-retry": 20,
    "refunded-twice": 30,
    "version-before-its-page": 150,
}
"""Plant → so many seeds are enough."""


@pytest.mark.parametrize("plant", sorted(PLANTS))
@pytest.mark.timeout(600)
def test_a_planted_bug_is_found(lab: Lab, plant: str) -> None:
    assert find(lab, plant, range(WITHIN[plant])) is not None
