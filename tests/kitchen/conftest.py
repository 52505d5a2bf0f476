from datetime import UTC, datetime

import pytest

from dafan.db import Base, make_engine

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


@pytest.fixture
def now():
    return NOW


@pytest.fixture
def engine(tmp_path):
    import kitchen.dishes  # noqa: F401 - brings its tables

    engine = make_engine(f"sqlite:///{tmp_path / 'kitchen.db'}")
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()
