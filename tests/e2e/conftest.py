"""The till's test parts are used here as well; one demo canteen serves all that look at it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "pos"))

from tests.e2e.canteen import Canteen, open_canteen


@pytest.fixture(scope="session")
def canteen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Canteen]:
    with open_canteen(tmp_path_factory.mktemp("canteen")) as opened:
        yield opened
