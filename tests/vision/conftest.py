"""Packs and faces that the tests of this room share."""

from pathlib import Path

import numpy as np
import pytest

from vision.packs import Pack, load_pack
from vision.samples import Sample, sample_faces


@pytest.fixture(scope="session")
def pack(models_dir: Path) -> Pack:
    """The default pack, with real weights."""
    return load_pack("mobilefacenet", [models_dir])


@pytest.fixture(scope="session")
def samples() -> list[Sample]:
    """The demo's people."""
    return sample_faces()


@pytest.fixture
def rng() -> np.random.Generator:
    """Seeded."""
    return np.random.default_rng(20260301)


@pytest.fixture(scope="session")
def kitchen_dir() -> Path:
    """Photographs of kitchens and of people with and without masks, with what they show."""
    folder = Path(__file__).resolve().parents[3] / "shared" / "kitchen"
    if not (folder / "expected.json").is_file():
        pytest.skip("no photographs of kitchens beside the checkout")
    return folder
