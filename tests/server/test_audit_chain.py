"""The audit log is a chain: what was altered, taken out or put in afterwards is found."""

import threading
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from dafan import db
from dafan.ids import new_id
from server import audit

AT = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


def write(engine: Engine, site_id: UUID, *subjects: str) -> None:
    with db.writing(engine) as session:
        for subject in subjects:
            audit.record(
                session, "boss", "dish.update", subject, {"price": 1, "名称": "米饭"},
                {"price": 2, "half": None}, "10.0.0.1", site_id=site_id, at=AT,
            )  # fmt: skip


def faults(engine: Engine) -> list[str]:
    with db.reading(engine) as session:
        return list(audit.faults(session))


def chained(engine: Engine, site_id: UUID) -> list[tuple[str, int | None]]:
    with db.reading(engine) as session:
        rows = audit.page(session, site_id, limit=200)
        return [(row.subject, row.seq) for row in reversed(rows) if row.action == "dish.update"]


@pytest.fixture
def start(engine: Engine, site: Any) -> int:
    """How many acts there were before the test's own."""
    with db.reading(engine) as session:
        return len(audit.page(session, site.id, limit=200))


def test_acts_get_their_places_in_order_and_the_chain_is_whole(
    engine: Engine, site: Any, start: int
) -> None:
    write(engine, site.id, "a", "b")
    write(engine, site.id, "c")
    places = chained(engine, site.id)
    assert places == [("a", start + 1), ("b", start + 2), ("c", start + 3)]
    assert faults(engine) == []


@pytest.mark.parametrize(
    "crime",
    [
        "UPDATE audit SET subject = 'x' WHERE subject = 'b'",
        "UPDATE audit SET who = 'nobody' WHERE subject = 'b'",
        "UPDATE audit SET after = '{\"price\": 3}' WHERE subject = 'b'",
        "UPDATE audit SET before = NULL WHERE subject = 'b'",
        "UPDATE audit SET ip = '' WHERE subject = 'b'",
        "UPDATE audit SET at = '2026-03-02 05:00:00.000000' WHERE subject = 'b'",
        "DELETE FROM audit WHERE subject = 'b'",
        "DELETE FROM audit WHERE subject = 'c'",
        "UPDATE audit SET seq = seq + 1 WHERE subject = 'c'",
    ],
)
def test_whatever_is_done_to_a_row_is_found(engine: Engine, site: Any, crime: str) -> None:
    write(engine, site.id, "a", "b", "c")
    with engine.begin() as connection:
        assert connection.execute(text(crime)).rowcount == 1
    found = faults(engine)
    assert len(found) == 1
    assert str(site.id) in found[0]


def undone(engine: Engine, site_id: UUID) -> None:
    with db.writing(engine) as session:
        audit.record(session, "boss", "dish.update", "undone", site_id=site_id, at=AT)
        session.flush()
        raise RuntimeError


def test_a_change_that_was_undone_leaves_no_gap(engine: Engine, site: Any, start: int) -> None:
    with pytest.raises(RuntimeError):
        undone(engine, site.id)
    with db.writing(engine) as session:
        audit.record(session, "boss", "dish.update", "a", site_id=site.id, at=AT)
        nested = session.begin_nested()
        audit.record(session, "boss", "dish.update", "undone", site_id=site.id, at=AT)
        nested.rollback()
        with session.begin_nested():
            audit.record(session, "boss", "dish.update", "b", site_id=site.id, at=AT)
    assert chained(engine, site.id) == [("a", start + 1), ("b", start + 2)]
    assert faults(engine) == []


def test_each_site_has_a_chain_of_its_own(engine: Engine, site: Any) -> None:
    away = new_id()
    write(engine, away, "x")
    write(engine, site.id, "a")
    write(engine, away, "y")
    assert chained(engine, away) == [("x", 1), ("y", 2)]
    assert faults(engine) == []


def test_writers_at_the_same_time_make_one_chain(engine: Engine, site: Any, start: int) -> None:
    def work(name: str) -> None:
        for number in range(5):
            write(engine, site.id, f"{name}{number}", f"{name}{number}+")

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    places = sorted(seq or 0 for _, seq in chained(engine, site.id))
    assert places == list(range(start + 1, start + 41))
    assert faults(engine) == []
