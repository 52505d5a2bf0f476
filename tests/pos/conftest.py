"""A small canteen, and a till run by hand."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from conftest_pos import Canteen, Hand


@pytest.fixture
def canteen():
    return Canteen()


@pytest.fixture
def hand(canteen):
    return Hand(canteen)
