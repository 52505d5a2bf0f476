"""A journal on a real file, and sales to write into it."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from dafan.journal import Journal, connect

sys.path.insert(0, str(Path(__file__).parent))

from conftest_dafan import NOON, make_sale


@pytest.fixture
def journal_file(tmp_path: Path) -> Path:
    return tmp_path / "till.db"


@pytest.fixture
def journal(journal_file: Path) -> Iterator[Journal]:
    connection = connect(journal_file)
    yield Journal(connection, uuid4())
    connection.close()


@pytest.fixture
def sell(journal: Journal) -> Callable[[int], list[UUID]]:
    """Write a number of sales."""

    def write(count: int) -> list[UUID]:
        sales = [make_sale() for _ in range(count)]
        for sale in sales:
            journal.append("sale", sale.id, NOON, sale)
        return [sale.id for sale in sales]

    return write
